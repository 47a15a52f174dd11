#include "crypto/cert_make.h"

#include "crypto/x509_chain.h"
#include "weft_test.h"

enum {
    NOW = 1800000000,
    DAY = 24 * 60 * 60,
};

static struct private_key *new_key(void)
{
    struct weft_err e = { 0 };
    struct private_key *key = NULL;
    EXPECT_OK(private_key_generate(EC_CURVE_P256, &key, &e));
    return key;
}

static const char *const one_unit[] = { "Fabric" };
static const char *const two_units[] = { "Fabric", "peer" };

static const struct cert_plan ca_plan = {
    .subject = { .country = "US",
                 .organization = "org1.example.com",
                 .units = { one_unit, 1 },
                 .locality = "San Francisco",
                 .province = "California",
                 .street = "Way 1",
                 .postal_code = "12345",
                 .common_name = "ca.org1.example.com" },
    .is_ca = true,
    .usage = CERT_DIGITAL_SIGNATURE | CERT_KEY_ENCIPHERMENT | CERT_SIGN | CERT_CRL_SIGN,
    .client_auth = true,
    .server_auth = true,
    .not_before_s = NOW,
    .not_after_s = NOW + DAY,
};

/* A CA and somebody whom it signs for. */
struct pair {
    struct private_key *ca_key, *key;
    struct x509_link *ca, *leaf;
};

static struct x509_link *make(const struct cert_plan *plan, const struct private_key *key,
                              const struct x509_link *issuer, const struct private_key *signer)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf der = { 0 };
    struct x509_link *link = NULL;
    EXPECT_OK(cert_make(plan, private_key_public(key), issuer != NULL ? issuer->cert : NULL, signer,
                        &der, &e));
    EXPECT_OK(x509_link_parse(buf_bytes(&der), &link, &e));
    return link;
}

static struct pair make_pair(const struct cert_plan *leaf)
{
    struct pair p = { .ca_key = new_key(), .key = new_key() };
    p.ca = make(&ca_plan, p.ca_key, NULL, p.ca_key);
    p.leaf = make(leaf, p.key, p.ca, p.ca_key);
    return p;
}

static void pair_done(struct pair *p)
{
    private_key_unref(p->ca_key);
    private_key_unref(p->key);
    x509_link_unref(p->ca);
    x509_link_unref(p->leaf);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct pair, pair_done)

static const struct cert_plan server_plan = {
    .subject = { .country = "US", .units = { two_units, 2 }, .common_name = "peer0" },
    .usage = CERT_DIGITAL_SIGNATURE | CERT_KEY_ENCIPHERMENT,
    .client_auth = true,
    .server_auth = true,
    .server_first = true,
    .not_before_s = NOW,
    .not_after_s = NOW + DAY,
};

TEST(a_ca_says_who_it_is_and_what_it_may)
{
    WEFT_CLEANUP(pair_done) struct pair p = make_pair(&server_plan);
    const struct x509_cert *ca = p.ca->cert;
    struct digest ski = public_key_ski(private_key_public(p.ca_key));

    EXPECT_STR(ca->subject, "CN=ca.org1.example.com,OU=Fabric,O=org1.example.com,"
                            "postalCode=12345,street=Way 1,L=San Francisco,ST=California,C=US");
    EXPECT_BYTES(ca->issuer_der, ca->subject_der);
    EXPECT(ca->is_ca && p.ca->may_sign_certs);
    EXPECT_EQ(ca->path_len, -1);
    EXPECT_BYTES(ca->ski, digest_bytes(&ski));
    EXPECT_EQ(ca->aki.len, 0);
    EXPECT(p.ca->eku_server_auth && p.ca->eku_client_auth);
    EXPECT_EQ(ca->not_before, NOW);
    EXPECT_EQ(ca->not_after, NOW + DAY);
    EXPECT(x509_cert_is_self_issued(ca));
}

TEST(who_is_signed_for_chains_to_the_ca_within_its_time)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(pair_done) struct pair p = make_pair(&server_plan);
    WEFT_CLEANUP(x509_pool_done) struct x509_pool roots = { 0 };
    const struct x509_pool none = { 0 };
    x509_pool_add(&roots, p.ca);

    EXPECT_OK(x509_link_check_signature(p.leaf, p.ca, &e));
    EXPECT_OK(x509_chain_check_tls(p.leaf, &roots, &none, NOW + 1, &e));
    EXPECT_CODE(x509_chain_check_tls(p.leaf, &roots, &none, NOW + DAY + 1, &e), WEFT_FORBIDDEN);
    EXPECT_CODE(x509_chain_check_tls(p.leaf, &roots, &none, NOW - 1, &e), WEFT_FORBIDDEN);
    EXPECT_BYTES(p.leaf->cert->aki, p.ca->cert->ski);
    EXPECT_EQ(p.leaf->cert->ski.len, 0); /* as Go: of CAs only */
    EXPECT(!p.leaf->cert->is_ca && p.leaf->cert->has_basic_constraints);
    EXPECT(public_key_eq(p.leaf->cert->key, private_key_public(p.key)));
    EXPECT_EQ(p.leaf->cert->ou_count, 2);
    EXPECT_STR(p.leaf->cert->subject, "CN=peer0,OU=Fabric+OU=peer,C=US");
}

TEST(another_ca_of_the_same_name_does_not_vouch_for_it)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(pair_done) struct pair p = make_pair(&server_plan);
    WEFT_CLEANUP(pair_done) struct pair other = make_pair(&server_plan);

    EXPECT_CODE(x509_link_check_signature(p.leaf, other.ca, &e), WEFT_FORBIDDEN);
}

/* Fabric's peers know an identity by its bytes: two signatures would be two people. */
TEST(every_signature_has_a_low_s)
{
    WEFT_CLEANUP(pair_done) struct pair p = make_pair(&server_plan);
    for (int i = 0; i < 32; i++) {
        struct weft_err e = { 0 };
        struct ecdsa_signature s;
        struct x509_link *link = make(&server_plan, p.key, p.ca, p.ca_key);
        EXPECT_OK(ecdsa_signature_parse(link->signature, &s, &e));
        EXPECT(ecdsa_is_low_s(p.ca->cert->key, &s));
        x509_link_unref(link);
    }
}

TEST(serial_numbers_are_not_repeated)
{
    WEFT_CLEANUP(pair_done) struct pair p = make_pair(&server_plan);
    WEFT_CLEANUP(pair_done) struct pair q = make_pair(&server_plan);

    EXPECT(!bytes_eq(p.leaf->serial, q.leaf->serial));
    EXPECT(!bytes_eq(p.leaf->serial, p.ca->serial));
    EXPECT(p.leaf->serial.len <= 17);
}

static void expect_names(const char *const *at, size_t count, const char *hex)
{
    struct cert_plan plan = server_plan;
    plan.names = (struct cert_texts){ at, count };
    WEFT_CLEANUP(pair_done) struct pair p = make_pair(&plan);
    WEFT_FREE char *got = bytes_to_hex(p.leaf->san);
    EXPECT_STR(got, hex);
}

TEST(host_names_come_before_addresses)
{
    static const char *const names[] = { "10.0.0.1", "a.b", "::1", "localhost" };
    static const char *const odd[] = { "::ffff:1.2.3.4", "010.0.0.1", "1.2.3" };
    expect_names(names, 4,
                 "30288203612e62"
                 "82096c6f63616c686f7374"
                 "87040a000001"
                 "871000000000000000000000000000000001");
    expect_names(odd, 3,
                 "30188209"
                 "3031302e302e302e31"
                 "8205312e322e33"
                 "870401020304");
}

TEST(no_names_is_no_extension)
{
    WEFT_CLEANUP(pair_done) struct pair p = make_pair(&server_plan);
    EXPECT(!p.leaf->has_san);
}

TEST(a_host_name_that_is_not_ascii_is_refused)
{
    static const char *const names[] = { "k\xc3\xb6ln.de" };
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf der = { 0 };
    WEFT_CLEANUP(private_key_unref) struct private_key *key = new_key();
    struct cert_plan plan = server_plan;
    plan.names = (struct cert_texts){ names, 1 };

    EXPECT_CODE(cert_make(&plan, private_key_public(key), NULL, key, &der, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "cannot be encoded as an IA5String");
    EXPECT_EQ(der.len, 0);
}

/* PrintableString (13) where the letters allow it, else UTF8String (0c). */
TEST(texts_are_of_the_kind_that_go_chooses)
{
    static const struct {
        const char *text;
        uint8_t tag;
    } cases[] = { { "peer0.org1", 0x13 }, { "a+b,c=d (e)?", 0x13 }, { "Admin@org1", 0x0c },
                  { "a*b", 0x0c },        { "a&b", 0x0c },          { "zo\xc3\xab", 0x0c } };
    WEFT_CLEANUP(private_key_unref) struct private_key *key = new_key();
    for (size_t i = 0; i < WEFT_ARRAY_LEN(cases); i++) {
        struct cert_plan plan = { .subject = { .common_name = cases[i].text }, .not_after_s = NOW };
        struct x509_link *link = make(&plan, key, NULL, key);
        struct bytes name = link->cert->subject_der;
        size_t len = strlen(cases[i].text);
        EXPECT_STR(link->cert->common_name, cases[i].text);
        EXPECT_EQ(name.data[name.len - len - 2], cases[i].tag);
        x509_link_unref(link);
    }
}
