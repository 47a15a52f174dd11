#include "msp/signing_identity.h"

#include "chain_signer.h"
#include "crypto/ecdsa.h"
#include "crypto/pem.h"
#include "msp/signed_envelope.h"
#include "os/dirs.h"
#include "os/file.h"
#include "proto/identity.h"
#include "weft_test.h"

/* An MSP folder with a fresh key, and its owner's SerializedIdentity. */
struct world {
    struct chain_signer *signer;
    char *dir;
};

static void put(const struct world *w, const char *folder, const char *name, struct bytes what)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_asprintf("%s/%s", w->dir, folder);
    WEFT_FREE char *path = weft_asprintf("%s/%s", dir, name);
    EXPECT_OK(dir_make(dir, &e));
    EXPECT_OK(file_write_plain(path, what, 0600, &e));
}

static void put_key(const struct world *w, const struct private_key *key, const char *name)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf der = { 0 };
    WEFT_CLEANUP(buf_done) struct buf pem = { 0 };
    EXPECT_OK(private_key_encode(key, &der, &e));
    pem_encode("PRIVATE KEY", buf_bytes(&der), &pem);
    put(w, "keystore", name, buf_bytes(&pem));
}

static void world_init(struct world *w)
{
    struct weft_err e = { 0 };
    struct serialized_identity id = { 0 };
    *w = (struct world){ .signer = chain_signer_new(), .dir = weft_test_dir() };
    EXPECT_OK(serialized_identity_parse(chain_signer_creator(w->signer), &id, &e));
    put(w, "signcerts", "cert.pem", id.id_bytes);
}

static void world_done(struct world *w)
{
    chain_signer_free(w->signer);
    free(w->dir);
}

TEST(takes_the_key_that_belongs_to_the_certificate)
{
    struct weft_err e = { 0 };
    struct world w;
    WEFT_CLEANUP(private_key_unref) struct private_key *other = NULL;
    WEFT_CLEANUP(signing_identity_free) struct signing_identity *id = NULL;
    world_init(&w);
    EXPECT_OK(private_key_generate(EC_CURVE_P256, &other, &e));
    put_key(&w, other, "a_sk");
    put(&w, "keystore", "b_junk", bytes_of_str("no key at all"));
    put_key(&w, chain_signer_key(w.signer), "c_sk");
    EXPECT_OK(signing_identity_load(w.dir, "OrdererMSP", &id, &e));
    EXPECT_BYTES(signing_identity_bytes(id), chain_signer_creator(w.signer));

    WEFT_CLEANUP(buf_done) struct buf signature = { 0 };
    struct digest d = sha256_of(bytes_of_str("message"));
    struct ecdsa_signature s;
    EXPECT_OK(signing_identity_sign(id, bytes_of_str("message"), &signature, &e));
    EXPECT_OK(ecdsa_signature_parse(buf_bytes(&signature), &s, &e));
    EXPECT(
        ecdsa_verify_plain(private_key_public(chain_signer_key(w.signer)), digest_bytes(&d), &s));
    world_done(&w);
}

TEST(a_configuration_may_name_another_folder_of_keys)
{
    struct weft_err e = { 0 };
    struct world w;
    WEFT_CLEANUP(signing_identity_free) struct signing_identity *id = NULL;
    world_init(&w);
    put_key(&w, chain_signer_key(w.signer), "c_sk");
    WEFT_FREE char *here = weft_asprintf("%s/keystore", w.dir);
    WEFT_FREE char *there = weft_asprintf("%s/elsewhere", w.dir);
    EXPECT_EQ(rename(here, there), 0);
    EXPECT_CODE(signing_identity_load_from(w.dir, "OrdererMSP", "", &id, &e), WEFT_NOT_FOUND);
    EXPECT_OK(signing_identity_load_from(w.dir, "OrdererMSP", there, &id, &e));
    EXPECT_BYTES(signing_identity_bytes(id), chain_signer_creator(w.signer));
    world_done(&w);
}

TEST(says_what_is_missing)
{
    struct weft_err e = { 0 };
    struct world w;
    struct signing_identity *id = NULL;
    world_init(&w);
    EXPECT_CODE(signing_identity_load("/nowhere", "X", &id, &e), WEFT_NOT_FOUND);
    EXPECT_WORDS(e, "cannot init crypto, specified path \"/nowhere\" does not exist");
    EXPECT_CODE(signing_identity_load(w.dir, "", &id, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "the local MSP must have an ID");
    EXPECT_CODE(signing_identity_load(w.dir, "X", &id, &e), WEFT_NOT_FOUND); /* no keystore */
    put(&w, "keystore", "junk", bytes_of_str("no key"));
    EXPECT_CODE(signing_identity_load(w.dir, "X", &id, &e), WEFT_NOT_FOUND);
    EXPECT_WORDS(e, "belongs to the certificate of [CN=orderer0]");
    world_done(&w);
}

TEST(an_envelope_carries_its_headers_and_a_good_signature)
{
    struct weft_err e = { 0 };
    struct world w;
    WEFT_CLEANUP(signing_identity_free) struct signing_identity *id = NULL;
    WEFT_CLEANUP(buf_done) struct buf envelope = { 0 };
    world_init(&w);
    put_key(&w, chain_signer_key(w.signer), "sk");
    EXPECT_OK(signing_identity_load(w.dir, "OrdererMSP", &id, &e));
    struct envelope_plan plan = { .type = HEADER_DELIVER_SEEK_INFO,
                                  .channel_id = "ch",
                                  .now_ns = 12 * 1000000000LL + 34,
                                  .tls_cert_hash = bytes_of_str("hash"),
                                  .data = bytes_of_str("data") };
    EXPECT_OK(signed_envelope(id, &plan, &envelope, &e));

    struct envelope_headers h = { 0 };
    struct ecdsa_signature s;
    EXPECT_OK(envelope_headers_parse(buf_bytes(&envelope), &h, &e));
    EXPECT_EQ(h.channel.type, HEADER_DELIVER_SEEK_INFO);
    EXPECT_EQ(h.channel.timestamp_s, 12);
    EXPECT_EQ(h.channel.timestamp_ns, 34);
    EXPECT_BYTES(h.channel.channel_id, bytes_of_str("ch"));
    EXPECT_BYTES(h.channel.tls_cert_hash, bytes_of_str("hash"));
    EXPECT_BYTES(h.payload.data, bytes_of_str("data"));
    EXPECT_BYTES(h.signature.creator, chain_signer_creator(w.signer));
    EXPECT_EQ(h.signature.nonce.len, 24);
    struct digest d = sha256_of(h.envelope.payload);
    EXPECT_OK(ecdsa_signature_parse(h.envelope.signature, &s, &e));
    EXPECT(
        ecdsa_verify_plain(private_key_public(chain_signer_key(w.signer)), digest_bytes(&d), &s));
    world_done(&w);
}
