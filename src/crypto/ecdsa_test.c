#include "crypto/ecdsa.h"

#include "crypto/pem.h"
#include "crypto/x509.h"
#include "weft_test.h"

static struct private_key *read_key(const char *name)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *path = weft_asprintf("vectors/x509/%s", name);
    WEFT_CLEANUP(buf_done) struct buf text = weft_test_read(weft_test_file(path));
    struct private_key *key = NULL;
    EXPECT_OK(private_key_parse(buf_bytes(&text), &key, &e));
    return key;
}

static void expect_parse(const char *hex, const char *r_hex, const char *s_hex)
{
    struct weft_err e = { 0 };
    uint8_t raw[256];
    EXPECT(bytes_from_hex(bytes_of_str(hex), raw));
    struct ecdsa_signature sig;
    EXPECT_OK(ecdsa_signature_parse(bytes_of(raw, strlen(hex) / 2), &sig, &e));
    WEFT_FREE char *r = bytes_to_hex(sig.r);
    WEFT_FREE char *s = bytes_to_hex(sig.s);
    EXPECT_STR(r, r_hex);
    EXPECT_STR(s, s_hex);
}

static void expect_refused(const char *hex, const char *words)
{
    struct weft_err e = { 0 };
    uint8_t raw[256];
    EXPECT(bytes_from_hex(bytes_of_str(hex), raw));
    struct ecdsa_signature sig;
    EXPECT_CODE(ecdsa_signature_parse(bytes_of(raw, strlen(hex) / 2), &sig, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "failed unmashalling signature");
    EXPECT_WORDS(e, words);
}

/* Fabric ignores what follows; so do we, or two nodes would disagree on a
 * transaction. */
TEST(takes_a_signature_with_stray_bytes_behind_it_or_in_it)
{
    expect_parse("3006020101020102", "01", "02");
    expect_parse("3006020101020102ff", "01", "02");
    expect_parse("3008020101020102ffff", "01", "02");
    expect_parse("3007020200ff02017f", "ff", "7f");
}

TEST(refuses_encodings_that_go_refuses)
{
    expect_refused("", "sequence truncated");
    expect_refused("30", "truncated tag or length");
    expect_refused("3006020101", "data truncated");
    expect_refused("3003020101", "sequence truncated");
    expect_refused("3006030101020102", "tags don't match");
    expect_refused("1006020101020102", "tags don't match");
    expect_refused("3080020101020102", "indefinite length");
    expect_refused("308106020101020102", "non-minimal length");
    expect_refused("30820006020101020102", "superfluous leading zeros");
    expect_refused("3086000000000006020101020102", "length too large");
    expect_refused("300702020001020102", "integer not minimally-encoded");
    expect_refused("30070202ff80020102", "integer not minimally-encoded");
    expect_refused("30050200020102", "empty integer");
    expect_refused("3006020100020102", "R must be larger than zero");
    expect_refused("3006020101020100", "S must be larger than zero");
    expect_refused("3006020181020102", "R must be larger than zero");
    expect_refused("3006020101020180", "S must be larger than zero");
}

TEST(writes_the_one_form_that_der_allows)
{
    uint8_t out[ECDSA_SIGNATURE_MAX], big[ECDSA_SCALAR_MAX];
    memset(big, 0xff, sizeof(big));
    struct ecdsa_signature sig = { bytes_of("\x80", 1), bytes_of("\x7f", 1) };
    EXPECT_BYTES(bytes_of(out, ecdsa_signature_write(&sig, out)),
                 bytes_of("\x30\x07\x02\x02\x00\x80\x02\x01\x7f", 9));

    struct weft_err e = { 0 };
    struct ecdsa_signature largest = { bytes_of(big, sizeof(big)), bytes_of(big, sizeof(big)) };
    size_t len = ecdsa_signature_write(&largest, out);
    EXPECT(len <= ECDSA_SIGNATURE_MAX);
    EXPECT_OK(ecdsa_signature_parse(bytes_of(out, len), &sig, &e));
    EXPECT_BYTES(sig.r, largest.r);
    EXPECT_BYTES(sig.s, largest.s);
}

TEST(signs_with_a_low_s_and_verifies_it)
{
    struct weft_err e = { 0 };
    for (enum ec_curve curve = EC_CURVE_P256; curve <= EC_CURVE_OTHER; curve++) {
        WEFT_CLEANUP(private_key_unref) struct private_key *key = NULL;
        EXPECT_OK(private_key_generate(curve, &key, &e));
        struct public_key *public = private_key_public(key);
        EXPECT_EQ(public_key_curve(public), curve);
        for (int i = 0; i < 20; i++) {
            struct digest d = sha256_of(bytes_of(&i, sizeof(i)));
            WEFT_CLEANUP(buf_done) struct buf der = { 0 };
            EXPECT_OK(private_key_sign(key, digest_bytes(&d), &der, &e));
            struct ecdsa_signature sig;
            EXPECT_OK(ecdsa_signature_parse(buf_bytes(&der), &sig, &e));
            EXPECT_OK(ecdsa_check_low_s(public, &sig, &e));
            EXPECT(ecdsa_verify_plain(public, digest_bytes(&d), &sig));
            d.b[i] ^= 1;
            EXPECT(!ecdsa_verify_plain(public, digest_bytes(&d), &sig));
        }
    }
}

/* n of P-256 halved, rounded down, is low; one more is not. */
TEST(a_high_s_is_refused_in_fabrics_words)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(private_key_unref) struct private_key *key = read_key("pkcs8.key.pem");
    struct public_key *public = private_key_public(key);
    uint8_t half[32];
    EXPECT(bytes_from_hex(
        bytes_of_str("7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8"), half));
    struct ecdsa_signature sig = { bytes_of("\1", 1), bytes_of(half, sizeof(half)) };
    EXPECT(ecdsa_is_low_s(public, &sig));
    EXPECT_OK(ecdsa_check_low_s(public, &sig, &e));
    half[31]++;
    EXPECT(!ecdsa_is_low_s(public, &sig));
    EXPECT_CODE(ecdsa_check_low_s(public, &sig, &e), WEFT_FORBIDDEN);
    EXPECT_STR(e.msg,
               "Invalid S. Must be smaller than half the order "
               "[57896044605178124381348723474703786764998477612067880171211129530534256022185]"
               "[57896044605178124381348723474703786764998477612067880171211129530534256022184].");

    uint8_t room[ECDSA_SCALAR_MAX];
    ecdsa_make_low_s(public, &sig, room);
    half[31]--;
    EXPECT_BYTES(sig.s, bytes_of(half, sizeof(half)));

    uint8_t absurd[100];
    memset(absurd, 0xff, sizeof(absurd));
    sig.s = bytes_of(absurd, sizeof(absurd));
    EXPECT_CODE(ecdsa_check_low_s(public, &sig, &e), WEFT_FORBIDDEN);
}

TEST(reads_private_keys_in_both_forms)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(private_key_unref) struct private_key *pkcs8 = read_key("pkcs8.key.pem");
    WEFT_CLEANUP(private_key_unref) struct private_key *sec1 = read_key("sec1.key.pem");
    EXPECT(public_key_eq(private_key_public(pkcs8), private_key_public(sec1)));

    WEFT_CLEANUP(buf_done)
    struct buf cert_text = weft_test_read(weft_test_file("vectors/x509/node.pem"));
    WEFT_CLEANUP(x509_cert_unref) struct x509_cert *cert = NULL;
    EXPECT_OK(x509_cert_parse_pem(buf_bytes(&cert_text), &cert, &e));
    EXPECT(public_key_eq(private_key_public(pkcs8), cert->key));
    struct digest ski = public_key_ski(cert->key);
    EXPECT_BYTES(bytes_of(ski.b, 4), bytes_of("\x81\x5f\xba\x7e", 4));

    WEFT_CLEANUP(buf_done) struct buf der = { 0 };
    WEFT_CLEANUP(private_key_unref) struct private_key *again = NULL;
    EXPECT_OK(private_key_encode(sec1, &der, &e));
    EXPECT_OK(private_key_parse(buf_bytes(&der), &again, &e));
    EXPECT(public_key_eq(private_key_public(again), cert->key));
}

TEST(refuses_what_is_no_ecdsa_key)
{
    struct weft_err e = { 0 };
    struct private_key *key = NULL;
    EXPECT_CODE(private_key_parse(bytes_of_str("nothing"), &key, &e), WEFT_INVALID);
    EXPECT_CODE(private_key_parse(
                    bytes_of_str("-----BEGIN PRIVATE KEY-----\nAQID\n-----END PRIVATE KEY-----\n"),
                    &key, &e),
                WEFT_INVALID);
    EXPECT(key == NULL);
}

/* A good key, then: a bit of y changed (not on the curve), the compressed
 * form, a byte too much, a byte too little. */
TEST(validates_a_public_key_when_it_is_loaded)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(private_key_unref) struct private_key *key = read_key("pkcs8.key.pem");
    struct bytes good = public_key_spki(private_key_public(key));
    uint8_t spki[128];
    WEFT_CLEANUP(public_key_unref) struct public_key *public = NULL;
    EXPECT_OK(public_key_parse(good, &public, &e));
    EXPECT(public_key_eq(public, private_key_public(key)));

    struct public_key *bad = NULL;
    memcpy(spki, good.data, good.len);
    spki[good.len - 1] ^= 1;
    EXPECT_CODE(public_key_parse(bytes_of(spki, good.len), &bad, &e), WEFT_INVALID);

    memcpy(spki, good.data, good.len);
    spki[1] -= 32;                 /* SEQUENCE */
    spki[good.len - 65 - 2] -= 32; /* BIT STRING */
    spki[good.len - 65] = (uint8_t)(2 | (good.data[good.len - 1] & 1));
    EXPECT_CODE(public_key_parse(bytes_of(spki, good.len - 32), &bad, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "not uncompressed");

    memcpy(spki, good.data, good.len); /* the hybrid form */
    spki[good.len - 65] = (uint8_t)(6 | (good.data[good.len - 1] & 1));
    EXPECT_CODE(public_key_parse(bytes_of(spki, good.len), &bad, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "not uncompressed");

    memcpy(spki, good.data, good.len);
    spki[good.len] = 0;
    EXPECT_CODE(public_key_parse(bytes_of(spki, good.len + 1), &bad, &e), WEFT_INVALID);
    for (size_t n = 0; n < good.len; n++)
        EXPECT_CODE(public_key_parse(bytes_of(spki, n), &bad, &e), WEFT_INVALID);
    EXPECT(bad == NULL);
}
