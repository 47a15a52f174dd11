#include "base/limits.h"
#include "crypto/ecdsa.h"
#include "crypto/openssl_glue.h"
#include "crypto/pem.h"

struct private_key {
    _Atomic uint32_t refs;
    EVP_PKEY *pkey;
    struct public_key *public;
};

static enum weft_code wrap_pkey(EVP_PKEY *pkey, struct private_key **ret, struct weft_err *e)
{
    WEFT_CLEANUP(private_key_unref) struct private_key *key = weft_alloc(sizeof(*key));
    atomic_init(&key->refs, 1);
    WEFT_ASSERT(EVP_PKEY_up_ref(pkey) == 1);
    key->pkey = pkey;
    unsigned char *spki = NULL;
    int len = i2d_PUBKEY(pkey, &spki);
    if (len <= 0)
        return WEFT_FAIL(e, WEFT_INVALID, "private key has no public half: %s", openssl_reason());
    enum weft_code rc = public_key_parse(bytes_of(spki, (size_t)len), &key->public, e);
    OPENSSL_free(spki);
    WEFT_TRY(rc);
    *ret = WEFT_TAKE(key);
    return WEFT_OK;
}

static enum weft_code parse_der(struct bytes der, struct private_key **ret, struct weft_err *e)
{
    const unsigned char *at = der.data;
    WEFT_CLEANUP(EVP_PKEY_free)
    EVP_PKEY *pkey = d2i_AutoPrivateKey_ex(NULL, &at, (long)der.len, NULL, NULL);
    if (pkey == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "Failed parsing key: %s", openssl_reason());
    ERR_clear_error(); /* what it tried before it found the right form */
    if (EVP_PKEY_get_base_id(pkey) != EVP_PKEY_EC)
        return WEFT_FAIL(e, WEFT_INVALID, "private key is not an ECDSA key");
    return wrap_pkey(pkey, ret, e);
}

enum weft_code private_key_parse(struct bytes der_or_pem, struct private_key **ret,
                                 struct weft_err *e)
{
    if (der_or_pem.len > LIMIT_CERT_BYTES)
        return WEFT_FAIL(e, WEFT_LIMIT, "private key of %zu bytes", der_or_pem.len);
    WEFT_CLEANUP(pem_block_done) struct pem_block block = { 0 };
    struct bytes text = der_or_pem;
    enum weft_code rc = pem_next(&text, &block, e);
    if (rc == WEFT_NOT_FOUND)
        return parse_der(der_or_pem, ret, e);
    if (rc == WEFT_OK)
        rc = parse_der(buf_bytes(&block.der), ret, e);
    OPENSSL_cleanse(block.der.data, block.der.len);
    return rc;
}

enum weft_code private_key_generate(enum ec_curve curve, struct private_key **ret,
                                    struct weft_err *e)
{
    static const char *const names[] = {
        [EC_CURVE_P256] = "P-256", [EC_CURVE_P384] = "P-384", [EC_CURVE_OTHER] = "P-521"
    };
    WEFT_CLEANUP(EVP_PKEY_free) EVP_PKEY *pkey = EVP_EC_gen(names[curve]);
    if (pkey == NULL)
        return WEFT_FAIL(e, WEFT_UNAVAILABLE, "no new key: %s", openssl_reason());
    return wrap_pkey(pkey, ret, e);
}

struct private_key *private_key_ref(struct private_key *key)
{
    (void)atomic_fetch_add_explicit(&key->refs, 1, memory_order_relaxed);
    return key;
}

void private_key_unref(struct private_key *key)
{
    if (key == NULL || atomic_fetch_sub_explicit(&key->refs, 1, memory_order_acq_rel) != 1)
        return;
    public_key_unref(key->public);
    EVP_PKEY_free(key->pkey); /* OpenSSL wipes the scalar */
    free(key);
}

struct public_key *private_key_public(const struct private_key *key)
{
    return key->public;
}

enum weft_code private_key_encode(const struct private_key *key, struct buf *out,
                                  struct weft_err *e)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->pkey);
    unsigned char *der = NULL;
    int len = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;
    PKCS8_PRIV_KEY_INFO_free(info);
    if (len <= 0)
        return WEFT_FAIL(e, WEFT_INVALID, "private key has no PKCS#8 form: %s", openssl_reason());
    buf_put(out, bytes_of(der, (size_t)len));
    OPENSSL_clear_free(der, (size_t)len);
    return WEFT_OK;
}

enum weft_code private_key_sign(const struct private_key *key, struct bytes digest, struct buf *out,
                                struct weft_err *e)
{
    uint8_t raw[ECDSA_SIGNATURE_MAX];
    size_t len = sizeof(raw);
    WEFT_CLEANUP(EVP_PKEY_CTX_free)
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    if (ctx == NULL || EVP_PKEY_sign_init(ctx) != 1 ||
        EVP_PKEY_sign(ctx, raw, &len, digest.data, digest.len) != 1)
        return WEFT_FAIL(e, WEFT_UNAVAILABLE, "could not sign: %s", openssl_reason());

    struct ecdsa_signature sig;
    WEFT_TRY(ecdsa_signature_parse(bytes_of(raw, len), &sig, e));
    uint8_t low[ECDSA_SCALAR_MAX];
    ecdsa_make_low_s(key->public, &sig, low);
    buf_reserve(out, ECDSA_SIGNATURE_MAX);
    out->len += ecdsa_signature_write(&sig, out->data + out->len);
    return WEFT_OK;
}
