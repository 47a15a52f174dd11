#include "chain_signer.h"

#include "crypto/ecdsa.h"
#include "proto/wire.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

struct chain_signer {
    struct private_key *key;
    struct buf creator; /* SerializedIdentity */
    void (*sign)(const void *key, struct bytes message, struct buf *out);
    const void *sign_key;
};

/* A certificate by itself for itself, as PEM. */
static void put_certificate(const struct private_key *key, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf der = { 0 };
    WEFT_ASSERT(private_key_encode(key, &der, NULL) == WEFT_OK);
    const uint8_t *at = der.data;
    EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &at, (long)der.len);
    X509 *x = X509_new();
    BIO *bio = BIO_new(BIO_s_mem());
    WEFT_ASSERT(pkey != NULL && x != NULL && bio != NULL);
    X509_NAME *name = X509_get_subject_name(x);
    WEFT_ASSERT(X509_set_version(x, X509_VERSION_3) == 1);
    WEFT_ASSERT(ASN1_INTEGER_set(X509_get_serialNumber(x), 7) == 1);
    WEFT_ASSERT(X509_gmtime_adj(X509_getm_notBefore(x), -60) != NULL);
    WEFT_ASSERT(X509_gmtime_adj(X509_getm_notAfter(x), 86400L * 3650) != NULL);
    WEFT_ASSERT(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"orderer0",
                                           -1, -1, 0) == 1);
    WEFT_ASSERT(X509_set_issuer_name(x, name) == 1 && X509_set_pubkey(x, pkey) == 1);
    WEFT_ASSERT(X509_sign(x, pkey, EVP_sha256()) > 0 && PEM_write_bio_X509(bio, x) == 1);
    char *text = NULL;
    long len = BIO_get_mem_data(bio, &text);
    buf_put(out, bytes_of(text, (size_t)len));
    BIO_free(bio);
    X509_free(x);
    EVP_PKEY_free(pkey);
}

static void sign_here(const void *key, struct bytes message, struct buf *out)
{
    const struct chain_signer *s = key;
    struct digest d = sha256_of(message);
    WEFT_ASSERT(private_key_sign(s->key, digest_bytes(&d), out, NULL) == WEFT_OK);
}

struct chain_signer *chain_signer_of(struct bytes creator,
                                     void (*sign)(const void *key, struct bytes message,
                                                  struct buf *out),
                                     const void *key)
{
    struct chain_signer *s = weft_alloc(sizeof(*s));
    buf_put(&s->creator, creator);
    s->sign = sign;
    s->sign_key = key;
    return s;
}

struct chain_signer *chain_signer_new(void)
{
    struct chain_signer *s = weft_alloc(sizeof(*s));
    s->sign = sign_here;
    s->sign_key = s;
    WEFT_CLEANUP(buf_done) struct buf pem = { 0 };
    WEFT_ASSERT(private_key_generate(EC_CURVE_P256, &s->key, NULL) == WEFT_OK);
    put_certificate(s->key, &pem);
    wire_put_bytes(&s->creator, 1, bytes_of_str("OrdererMSP"));
    wire_put_bytes(&s->creator, 2, buf_bytes(&pem));
    return s;
}

void chain_signer_free(struct chain_signer *s)
{
    if (s == NULL)
        return;
    private_key_unref(s->key);
    buf_done(&s->creator);
    free(s);
}

void chain_signer_put_metadata(const struct chain_signer *s, const struct block_view *v,
                               struct bytes value, struct bytes nonce, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf header = { 0 };
    WEFT_CLEANUP(buf_done) struct buf what = { 0 };
    WEFT_CLEANUP(buf_done) struct buf signature = { 0 };
    WEFT_CLEANUP(buf_done) struct buf one = { 0 };
    wire_put_bytes(&header, 1, buf_bytes(&s->creator));
    wire_put_bytes(&header, 2, nonce);
    buf_put(&what, value);
    buf_put(&what, buf_bytes(&header));
    block_header_der(v, &what);
    s->sign(s->sign_key, buf_bytes(&what), &signature);
    wire_put_bytes(&one, 1, buf_bytes(&header));
    wire_put_bytes(&one, 2, buf_bytes(&signature));
    if (value.len > 0)
        wire_put_bytes(out, 1, value);
    wire_put_bytes(out, 2, buf_bytes(&one));
}

void chain_signer_put_slot(const struct chain_signer *s, const struct block_view *v,
                           uint64_t last_config, struct bytes nonce, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf last = { 0 };
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    if (last_config > 0)
        wire_put_varint(&last, 1, last_config);
    wire_put_bytes(&value, 1, buf_bytes(&last));
    chain_signer_put_metadata(s, v, buf_bytes(&value), nonce, out);
}

struct bytes chain_signer_creator(const struct chain_signer *s)
{
    return buf_bytes(&s->creator);
}

struct private_key *chain_signer_key(const struct chain_signer *s)
{
    return s->key;
}
