#include "crypto/aes_gcm_provider.h"

#include <stddef.h>

#ifdef WEFT_IPSEC_MB

#    include "base/log.h"
#    include "crypto/aes_gcm.h"

#    include <openssl/core_dispatch.h>
#    include <openssl/core_names.h>
#    include <openssl/crypto.h>
#    include <openssl/evp.h>
#    include <openssl/params.h>
#    include <openssl/provider.h>
#    include <openssl/rand.h>

LOG_DEFINE(logger, "comm.tls");

enum {
    AAD_MAX = 64,
    TLS12_AAD = EVP_AEAD_TLS1_AAD_LEN,
    TLS12_FIXED_IV = EVP_GCM_TLS_FIXED_IV_LEN,
    TLS12_EXPLICIT_IV = EVP_GCM_TLS_EXPLICIT_IV_LEN,
    TLS12_OVERHEAD = TLS12_EXPLICIT_IV + AES_GCM_TAG,
};

struct cipher {
    struct aes_gcm *gcm;
    size_t key_len;
    bool encrypts, has_key, has_tag;
    enum cipher_state {
        NEEDS_IV, /* also after the end of a message: no IV is used twice */
        HAS_IV,   /* AAD may come */
        IN_TEXT,
        IS_TLS12, /* the next call is a whole record */
    } state;
    uint8_t iv[AES_GCM_IV];
    bool has_tls12_iv;
    uint8_t aad[AAD_MAX];
    size_t aad_len;
    uint8_t tag[AES_GCM_TAG]; /* the one made; or the one to be found */
};

/* ---- contexts ------------------------------------------------------------ */

static void *new_cipher(size_t key_len)
{
    struct cipher *c = weft_alloc(sizeof(*c));
    c->gcm = aes_gcm_new();
    c->key_len = key_len;
    return c;
}

static void *new_128(void *provider)
{
    (void)provider;
    return new_cipher(16);
}

static void *new_256(void *provider)
{
    (void)provider;
    return new_cipher(32);
}

static void free_cipher(void *of)
{
    struct cipher *c = of;
    if (c == NULL)
        return;
    aes_gcm_free(c->gcm);
    OPENSSL_cleanse(c, sizeof(*c));
    free(c);
}

static void *dup_cipher(void *of)
{
    const struct cipher *c = of;
    struct cipher *copy = weft_alloc(sizeof(*copy));
    *copy = *c;
    copy->gcm = aes_gcm_dup(c->gcm);
    return copy;
}

static int set_params(void *of, const OSSL_PARAM params[]);

static int init(struct cipher *c, struct bytes key, struct bytes iv, const OSSL_PARAM params[])
{
    if ((key.data != NULL && key.len != c->key_len) || (iv.data != NULL && iv.len != AES_GCM_IV))
        return 0;
    if (key.data != NULL) {
        aes_gcm_set_key(c->gcm, key.data, key.len);
        c->has_key = true;
        c->has_tls12_iv = false;
        c->state = NEEDS_IV;
    }
    if (iv.data != NULL) {
        memcpy(c->iv, iv.data, AES_GCM_IV);
        c->state = HAS_IV;
    }
    c->aad_len = 0;
    c->has_tag = false;
    return set_params(c, params);
}

static int encrypt_init(void *of, const uint8_t *key, size_t key_len, const uint8_t *iv,
                        size_t iv_len, const OSSL_PARAM params[])
{
    struct cipher *c = of;
    c->encrypts = true;
    return init(c, bytes_of(key, key_len), bytes_of(iv, iv_len), params);
}

static int decrypt_init(void *of, const uint8_t *key, size_t key_len, const uint8_t *iv,
                        size_t iv_len, const OSSL_PARAM params[])
{
    struct cipher *c = of;
    c->encrypts = false;
    return init(c, bytes_of(key, key_len), bytes_of(iv, iv_len), params);
}

/* ---- text ------------------------------------------------------------------ */

static void work(struct cipher *c, const uint8_t *in, uint8_t *out, size_t n)
{
    if (c->encrypts)
        aes_gcm_encrypt(c->gcm, in, out, n);
    else
        aes_gcm_decrypt(c->gcm, in, out, n);
}

/* The end of a message.  False: it is not what was encrypted. */
static bool end(struct cipher *c)
{
    uint8_t tag[AES_GCM_TAG];
    if (c->encrypts) {
        aes_gcm_encrypt_end(c->gcm, c->tag);
        c->has_tag = true;
        return true;
    }
    aes_gcm_decrypt_end(c->gcm, tag);
    bool ok = c->has_tag && CRYPTO_memcmp(tag, c->tag, sizeof(tag)) == 0;
    OPENSSL_cleanse(tag, sizeof(tag)); /* with it anything could be signed */
    c->has_tag = false;
    return ok;
}

static void begin_text(struct cipher *c)
{
    aes_gcm_begin(c->gcm, c->iv, bytes_of(c->aad, c->aad_len));
    c->aad_len = 0;
    c->state = IN_TEXT;
}

static void count_up(uint8_t counter[TLS12_EXPLICIT_IV])
{
    for (int i = TLS12_EXPLICIT_IV - 1; i >= 0 && ++counter[i] == 0; i--)
        ;
}

/* A whole record of TLS 1.2 in its place, n bytes with IV and tag. */
static int crypt_record(struct cipher *c, uint8_t *out, size_t *ret_n, const uint8_t *in, size_t n)
{
    c->state = NEEDS_IV;
    if (out != in || n < TLS12_OVERHEAD || !c->has_key || !c->has_tls12_iv)
        return 0;
    uint8_t *text = out + TLS12_EXPLICIT_IV, *tag = out + n - AES_GCM_TAG;
    size_t text_len = n - TLS12_OVERHEAD;
    if (c->encrypts) {
        memcpy(out, c->iv + TLS12_FIXED_IV, TLS12_EXPLICIT_IV);
    } else {
        memcpy(c->iv + TLS12_FIXED_IV, out, TLS12_EXPLICIT_IV);
        memcpy(c->tag, tag, AES_GCM_TAG);
        c->has_tag = true;
    }
    begin_text(c);
    work(c, text, text, text_len);
    c->state = NEEDS_IV;
    if (!end(c)) {
        OPENSSL_cleanse(text, text_len);
        return 0;
    }
    if (c->encrypts) {
        memcpy(tag, c->tag, AES_GCM_TAG);
        count_up(c->iv + TLS12_FIXED_IV);
    }
    *ret_n = c->encrypts ? n : text_len;
    return 1;
}

static int update(void *of, uint8_t *out, size_t *ret_n, size_t cap, const uint8_t *in, size_t n)
{
    struct cipher *c = of;
    *ret_n = 0;
    if (c->state == IS_TLS12)
        return cap < n ? 0 : crypt_record(c, out, ret_n, in, n);
    if (n == 0)
        return 1;
    if (!c->has_key || c->state == NEEDS_IV)
        return 0;
    if (out == NULL) { /* it is AAD */
        if (c->state != HAS_IV || n > AAD_MAX - c->aad_len)
            return 0;
        memcpy(c->aad + c->aad_len, in, n);
        c->aad_len += n;
    } else {
        if (cap < n)
            return 0;
        if (c->state == HAS_IV)
            begin_text(c);
        work(c, in, out, n);
    }
    *ret_n = n;
    return 1;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): OpenSSL's signature */
static int final(void *of, uint8_t *out, size_t *ret_n, size_t cap)
{
    struct cipher *c = of;
    (void)out, (void)cap;
    *ret_n = 0;
    if (!c->has_key || c->state == NEEDS_IV || c->state == IS_TLS12)
        return 0;
    if (c->state == HAS_IV)
        begin_text(c);
    c->state = NEEDS_IV;
    return end(c);
}

/* EVP_Cipher: a record, or an update, or with no input the end. */
static int cipher(void *of, uint8_t *out, size_t *ret_n, size_t cap, const uint8_t *in, size_t n)
{
    return in != NULL ? update(of, out, ret_n, cap, in, n) : final(of, out, ret_n, cap);
}

/* ---- parameters -------------------------------------------------------------- */

static int describe(OSSL_PARAM params[], size_t key_len)
{
    const struct {
        const char *name;
        size_t value;
    } sizes[] = { { OSSL_CIPHER_PARAM_KEYLEN, key_len },
                  { OSSL_CIPHER_PARAM_IVLEN, AES_GCM_IV },
                  { OSSL_CIPHER_PARAM_BLOCK_SIZE, 1 } };
    OSSL_PARAM *p = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_MODE);
    if (p != NULL && OSSL_PARAM_set_uint(p, EVP_CIPH_GCM_MODE) != 1)
        return 0;
    for (size_t i = 0; i < WEFT_ARRAY_LEN(sizes); i++) {
        p = OSSL_PARAM_locate(params, sizes[i].name);
        if (p != NULL && OSSL_PARAM_set_size_t(p, sizes[i].value) != 1)
            return 0;
    }
    static const char *const yes[] = { OSSL_CIPHER_PARAM_AEAD, OSSL_CIPHER_PARAM_CUSTOM_IV };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(yes); i++) {
        p = OSSL_PARAM_locate(params, yes[i]);
        if (p != NULL && OSSL_PARAM_set_int(p, 1) != 1)
            return 0;
    }
    return 1;
}

static int describe_128(OSSL_PARAM params[])
{
    return describe(params, 16);
}

static int describe_256(OSSL_PARAM params[])
{
    return describe(params, 32);
}

static const OSSL_PARAM *describable(void *provider)
{
    static const OSSL_PARAM list[] = { OSSL_PARAM_uint(OSSL_CIPHER_PARAM_MODE, NULL),
                                       OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_KEYLEN, NULL),
                                       OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_IVLEN, NULL),
                                       OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_BLOCK_SIZE, NULL),
                                       OSSL_PARAM_int(OSSL_CIPHER_PARAM_AEAD, NULL),
                                       OSSL_PARAM_int(OSSL_CIPHER_PARAM_CUSTOM_IV, NULL),
                                       OSSL_PARAM_END };
    (void)provider;
    return list;
}

static int get_params(void *of, OSSL_PARAM params[])
{
    const struct cipher *c = of;
    const struct {
        const char *name;
        size_t value;
    } sizes[] = { { OSSL_CIPHER_PARAM_KEYLEN, c->key_len },
                  { OSSL_CIPHER_PARAM_IVLEN, AES_GCM_IV },
                  { OSSL_CIPHER_PARAM_AEAD_TAGLEN, AES_GCM_TAG },
                  { OSSL_CIPHER_PARAM_AEAD_TLS1_AAD_PAD, AES_GCM_TAG } };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(sizes); i++) {
        OSSL_PARAM *p = OSSL_PARAM_locate(params, sizes[i].name);
        if (p != NULL && OSSL_PARAM_set_size_t(p, sizes[i].value) != 1)
            return 0;
    }
    OSSL_PARAM *p = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_AEAD_TAG);
    if (p == NULL)
        return 1;
    if (!c->encrypts || !c->has_tag || p->data_size != AES_GCM_TAG)
        return 0;
    return OSSL_PARAM_set_octet_string(p, c->tag, AES_GCM_TAG);
}

static const OSSL_PARAM *gettable(void *of, void *provider)
{
    static const OSSL_PARAM list[] = { OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_KEYLEN, NULL),
                                       OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_IVLEN, NULL),
                                       OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_AEAD_TAGLEN, NULL),
                                       OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_AEAD_TLS1_AAD_PAD, NULL),
                                       OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, NULL, 0),
                                       OSSL_PARAM_END };
    (void)of, (void)provider;
    return list;
}

/* What TLS 1.2 puts beside a record: number, type, version, and a length that
 * has to be made that of the text alone. */
static bool set_tls12_aad(struct cipher *c, const OSSL_PARAM *p)
{
    size_t overhead = c->encrypts ? TLS12_EXPLICIT_IV : TLS12_OVERHEAD;
    if (p->data_type != OSSL_PARAM_OCTET_STRING || p->data_size != TLS12_AAD)
        return false;
    memcpy(c->aad, p->data, TLS12_AAD);
    uint8_t *at = c->aad + TLS12_AAD - 2;
    size_t len = (size_t)at[0] << 8 | at[1];
    if (len < overhead)
        return false;
    at[0] = (uint8_t)((len - overhead) >> 8);
    at[1] = (uint8_t)(len - overhead);
    c->aad_len = TLS12_AAD;
    c->state = IS_TLS12;
    return true;
}

/* The rest is a number that goes with each record, begun anywhere. */
static bool set_tls12_iv(struct cipher *c, const OSSL_PARAM *p)
{
    if (p->data_type != OSSL_PARAM_OCTET_STRING || p->data_size != TLS12_FIXED_IV)
        return false;
    memcpy(c->iv, p->data, TLS12_FIXED_IV);
    c->has_tls12_iv = !c->encrypts || RAND_bytes(c->iv + TLS12_FIXED_IV, TLS12_EXPLICIT_IV) == 1;
    return c->has_tls12_iv;
}

/* The tag to be found; without bytes it is only said how long it will be. */
static bool set_tag(struct cipher *c, const OSSL_PARAM *p)
{
    if (c->encrypts || p->data_type != OSSL_PARAM_OCTET_STRING || p->data_size != AES_GCM_TAG)
        return false;
    if (p->data != NULL) {
        memcpy(c->tag, p->data, AES_GCM_TAG);
        c->has_tag = true;
    }
    return true;
}

static int set_params(void *of, const OSSL_PARAM params[])
{
    struct cipher *c = of;
    size_t n = 0;
    const OSSL_PARAM *p;
    if (params == NULL)
        return 1;
    if ((p = OSSL_PARAM_locate_const(params, OSSL_CIPHER_PARAM_AEAD_TAG)) != NULL && !set_tag(c, p))
        return 0;
    if ((p = OSSL_PARAM_locate_const(params, OSSL_CIPHER_PARAM_IVLEN)) != NULL &&
        (OSSL_PARAM_get_size_t(p, &n) != 1 || n != AES_GCM_IV))
        return 0;
    if ((p = OSSL_PARAM_locate_const(params, OSSL_CIPHER_PARAM_AEAD_TLS1_IV_FIXED)) != NULL &&
        !set_tls12_iv(c, p))
        return 0;
    if ((p = OSSL_PARAM_locate_const(params, OSSL_CIPHER_PARAM_AEAD_TLS1_AAD)) != NULL &&
        !set_tls12_aad(c, p))
        return 0;
    return 1;
}

static const OSSL_PARAM *settable(void *of, void *provider)
{
    static const OSSL_PARAM list[] = {
        OSSL_PARAM_size_t(OSSL_CIPHER_PARAM_IVLEN, NULL),
        OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_AAD, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_IV_FIXED, NULL, 0), OSSL_PARAM_END
    };
    (void)of, (void)provider;
    return list;
}

/* ---- the provider ---------------------------------------------------------------- */

#    define FN(of) ((void (*)(void))(of))
#    define CIPHER(new_fn, describe_fn)                                                         \
        {                                                                                       \
            { OSSL_FUNC_CIPHER_NEWCTX, FN(new_fn) },                                            \
                { OSSL_FUNC_CIPHER_FREECTX, FN(free_cipher) },                                  \
                { OSSL_FUNC_CIPHER_DUPCTX, FN(dup_cipher) },                                    \
                { OSSL_FUNC_CIPHER_ENCRYPT_INIT, FN(encrypt_init) },                            \
                { OSSL_FUNC_CIPHER_DECRYPT_INIT, FN(decrypt_init) },                            \
                { OSSL_FUNC_CIPHER_UPDATE, FN(update) }, { OSSL_FUNC_CIPHER_FINAL, FN(final) }, \
                { OSSL_FUNC_CIPHER_CIPHER, FN(cipher) },                                        \
                { OSSL_FUNC_CIPHER_GET_PARAMS, FN(describe_fn) },                               \
                { OSSL_FUNC_CIPHER_GETTABLE_PARAMS, FN(describable) },                          \
                { OSSL_FUNC_CIPHER_GET_CTX_PARAMS, FN(get_params) },                            \
                { OSSL_FUNC_CIPHER_GETTABLE_CTX_PARAMS, FN(gettable) },                         \
                { OSSL_FUNC_CIPHER_SET_CTX_PARAMS, FN(set_params) },                            \
                { OSSL_FUNC_CIPHER_SETTABLE_CTX_PARAMS, FN(settable) }, { 0, NULL },            \
        }

static const OSSL_DISPATCH aes_128[] = CIPHER(new_128, describe_128);
static const OSSL_DISPATCH aes_256[] = CIPHER(new_256, describe_256);

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache)
{
    static const OSSL_ALGORITHM ciphers[] = {
        { "AES-128-GCM:id-aes128-GCM:2.16.840.1.101.3.4.1.6", "provider=weft", aes_128, NULL },
        { "AES-256-GCM:id-aes256-GCM:2.16.840.1.101.3.4.1.46", "provider=weft", aes_256, NULL },
        { NULL, NULL, NULL, NULL }
    };
    (void)provider;
    *no_cache = 0;
    return operation == OSSL_OP_CIPHER ? ciphers : NULL;
}

static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core,
                         const OSSL_DISPATCH **ret_ours, void **ret_provider)
{
    static const OSSL_DISPATCH ours[] = { { OSSL_FUNC_PROVIDER_QUERY_OPERATION, FN(query) },
                                          { 0, NULL } };
    static char no_state;
    (void)handle, (void)core;
    *ret_ours = ours;
    *ret_provider = &no_state;
    return 1;
}

static OSSL_PROVIDER *loaded; /* until the process ends */

/* The last argument keeps OpenSSL's own providers as they are. */
static void load(void)
{
    if (aes_gcm_is_fast() && OSSL_PROVIDER_add_builtin(NULL, "weft", provider_init) == 1)
        loaded = OSSL_PROVIDER_try_load(NULL, "weft", 1);
    LOG_DEBUG(&logger, "TLS records are encrypted by %s", loaded != NULL ? "ipsec-mb" : "OpenSSL");
}

const char *aes_gcm_provider_query(void)
{
    static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
    WEFT_ASSERT(CRYPTO_THREAD_run_once(&once, load) == 1);
    return loaded != NULL ? "?provider=weft" : NULL;
}

#else

const char *aes_gcm_provider_query(void)
{
    return NULL;
}

#endif
