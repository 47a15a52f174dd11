#include "crypto/aes_gcm.h"

#include "base/log.h"
#include "crypto/aes_gcm_engine.h"

#include <openssl/evp.h>
#include <stdatomic.h>

LOG_DEFINE(logger, "comm.tls");

struct aes_gcm {
    const struct aes_gcm_engine *engine;
    void *state;
};

/* ---- OpenSSL's --------------------------------------------------------------- */

struct plain {
    EVP_CIPHER_CTX *ctx;
    int encrypts;
};

static void *new_state(size_t key_len, enum aes_gcm_use use)
{
    const EVP_CIPHER *cipher = key_len == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm();
    struct plain *p = weft_alloc(sizeof(*p));
    p->encrypts = use == AES_GCM_ENCRYPTS;
    p->ctx = EVP_CIPHER_CTX_new();
    WEFT_ASSERT(p->ctx != NULL &&
                EVP_CipherInit_ex(p->ctx, cipher, NULL, NULL, NULL, p->encrypts) == 1);
    return p;
}

static void free_state(void *state)
{
    struct plain *p = state;
    EVP_CIPHER_CTX_free(p->ctx);
    free(p);
}

static void set_key(void *state, const uint8_t *key)
{
    struct plain *p = state;
    WEFT_ASSERT(EVP_CipherInit_ex(p->ctx, NULL, NULL, key, NULL, p->encrypts) == 1);
}

static void text(void *state, const uint8_t *in, uint8_t *out, size_t n)
{
    struct plain *p = state;
    int got = 0;
    WEFT_ASSERT(n <= INT32_MAX && EVP_CipherUpdate(p->ctx, out, &got, in, (int)n) == 1);
}

static void begin(void *state, const uint8_t *iv, struct bytes aad)
{
    struct plain *p = state;
    WEFT_ASSERT(EVP_CipherInit_ex(p->ctx, NULL, NULL, NULL, iv, p->encrypts) == 1);
    text(p, aad.data, NULL, aad.len);
}

static void seal(void *state, uint8_t *ret_tag)
{
    struct plain *p = state;
    int got = 0;
    WEFT_ASSERT(EVP_CipherFinal_ex(p->ctx, ret_tag, &got) == 1 &&
                EVP_CIPHER_CTX_ctrl(p->ctx, EVP_CTRL_AEAD_GET_TAG, AES_GCM_TAG, ret_tag) == 1);
}

static bool open(void *state, const uint8_t *tag)
{
    struct plain *p = state;
    uint8_t copy[AES_GCM_TAG], none[AES_GCM_TAG];
    int got = 0;
    memcpy(copy, tag, sizeof(copy));
    WEFT_ASSERT(EVP_CIPHER_CTX_ctrl(p->ctx, EVP_CTRL_AEAD_SET_TAG, AES_GCM_TAG, copy) == 1);
    return EVP_CipherFinal_ex(p->ctx, none, &got) == 1;
}

static const struct aes_gcm_engine plain = {
    new_state, free_state, set_key, begin, text, seal, open
};

/* ---- whichever it is ------------------------------------------------------------ */

/* The CPU is asked once. */
static const struct aes_gcm_engine *best(void)
{
    static const struct aes_gcm_engine *_Atomic known;
    const struct aes_gcm_engine *e = atomic_load_explicit(&known, memory_order_relaxed);
    if (e != NULL)
        return e;
    e = aes_gcm_vaes() != NULL ? aes_gcm_vaes() : &plain;
    LOG_DEBUG(&logger, "AES-GCM is %s", e == &plain ? "OpenSSL's" : "ipsec-mb's");
    atomic_store_explicit(&known, e, memory_order_relaxed);
    return e;
}

bool aes_gcm_is_fast(void)
{
    return best() != &plain;
}

static struct aes_gcm *new_by(const struct aes_gcm_engine *engine, const uint8_t *key,
                              size_t key_len, enum aes_gcm_use use)
{
    WEFT_ASSERT(key_len == 16 || key_len == 32);
    struct aes_gcm *g = weft_alloc(sizeof(*g));
    g->engine = engine;
    g->state = engine->new_state(key_len, use);
    aes_gcm_set_key(g, key);
    return g;
}

struct aes_gcm *aes_gcm_new(const uint8_t *key, size_t key_len, enum aes_gcm_use use)
{
    return new_by(best(), key, key_len, use);
}

struct aes_gcm *aes_gcm_new_plain(const uint8_t *key, size_t key_len, enum aes_gcm_use use)
{
    return new_by(&plain, key, key_len, use);
}

void aes_gcm_free(struct aes_gcm *g)
{
    if (g != NULL)
        g->engine->free_state(g->state);
    free(g);
}

void aes_gcm_set_key(struct aes_gcm *g, const uint8_t *key)
{
    g->engine->set_key(g->state, key);
}

void aes_gcm_begin(struct aes_gcm *g, const uint8_t iv[AES_GCM_IV], struct bytes aad)
{
    g->engine->begin(g->state, iv, aad);
}

void aes_gcm_text(struct aes_gcm *g, const uint8_t *in, uint8_t *out, size_t n)
{
    g->engine->text(g->state, in, out, n);
}

void aes_gcm_seal(struct aes_gcm *g, uint8_t ret_tag[AES_GCM_TAG])
{
    g->engine->seal(g->state, ret_tag);
}

bool aes_gcm_open(struct aes_gcm *g, const uint8_t tag[AES_GCM_TAG])
{
    return g->engine->open(g->state, tag);
}
