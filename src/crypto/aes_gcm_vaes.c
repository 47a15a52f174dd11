/* ipsec-mb's public way in is a table of functions with all its ciphers behind
 * it: megabytes that would be linked, and a manager of 200 KB.  The functions
 * behind the table are called by name instead, and a static library gives just
 * these. */
#include "crypto/aes_gcm_engine.h"

#include <stddef.h>

#ifdef WEFT_IPSEC_MB

#    include <cpuid.h>
#    include <intel-ipsec-mb.h>
#    include <openssl/crypto.h>

/* NOLINTBEGIN(readability-identifier-naming): the library's names */
typedef void aes_keyexp_fn(const void *key, void *ret_expanded);
typedef void aes_gcm_precomp_fn(struct gcm_key_data *k);
typedef void aes_gcm_init_fn(const struct gcm_key_data *k, struct gcm_context_data *c,
                             const uint8_t *iv, const uint8_t *aad, uint64_t aad_len);
typedef void aes_gcm_update_fn(const struct gcm_key_data *k, struct gcm_context_data *c,
                               uint8_t *out, const uint8_t *in, uint64_t n);
typedef void aes_gcm_finalize_fn(const struct gcm_key_data *k, struct gcm_context_data *c,
                                 uint8_t *tag, uint64_t tag_len);

extern aes_gcm_precomp_fn aes_gcm_precomp_128_vaes_avx512, aes_gcm_precomp_256_vaes_avx512;
extern aes_gcm_init_fn aes_gcm_init_128_vaes_avx512, aes_gcm_init_256_vaes_avx512;
extern aes_gcm_update_fn aes_gcm_enc_128_update_vaes_avx512, aes_gcm_enc_256_update_vaes_avx512,
    aes_gcm_dec_128_update_vaes_avx512, aes_gcm_dec_256_update_vaes_avx512;
extern aes_gcm_finalize_fn aes_gcm_enc_128_finalize_vaes_avx512,
    aes_gcm_enc_256_finalize_vaes_avx512, aes_gcm_dec_128_finalize_vaes_avx512,
    aes_gcm_dec_256_finalize_vaes_avx512;
/* NOLINTEND(readability-identifier-naming) */

struct key_size {
    aes_keyexp_fn *expand;
    aes_gcm_precomp_fn *precompute;
    aes_gcm_init_fn *init;
    aes_gcm_update_fn *text[2]; /* by use */
    aes_gcm_finalize_fn *end[2];
};

static const struct key_size aes_128 = {
    .expand = aes_keyexp_128_enc_avx2,
    .precompute = aes_gcm_precomp_128_vaes_avx512,
    .init = aes_gcm_init_128_vaes_avx512,
    .text = { aes_gcm_enc_128_update_vaes_avx512, aes_gcm_dec_128_update_vaes_avx512 },
    .end = { aes_gcm_enc_128_finalize_vaes_avx512, aes_gcm_dec_128_finalize_vaes_avx512 },
};

static const struct key_size aes_256 = {
    .expand = aes_keyexp_256_enc_avx2,
    .precompute = aes_gcm_precomp_256_vaes_avx512,
    .init = aes_gcm_init_256_vaes_avx512,
    .text = { aes_gcm_enc_256_update_vaes_avx512, aes_gcm_dec_256_update_vaes_avx512 },
    .end = { aes_gcm_enc_256_finalize_vaes_avx512, aes_gcm_dec_256_finalize_vaes_avx512 },
};

struct state {
    struct gcm_key_data key; /* aligned to 64 bytes, and so is the struct */
    struct gcm_context_data message;
    const struct key_size *size;
    enum aes_gcm_use use;
};

static void *new_state(size_t key_len, enum aes_gcm_use use)
{
    struct state *s = aligned_alloc(_Alignof(struct state), sizeof(*s));
    WEFT_ASSERT(s != NULL);
    memset(s, 0, sizeof(*s));
    s->size = key_len == 16 ? &aes_128 : &aes_256;
    s->use = use;
    return s;
}

static void free_state(void *state)
{
    OPENSSL_cleanse(state, sizeof(struct state));
    free(state);
}

static void set_key(void *state, const uint8_t *key)
{
    struct state *s = state;
    s->size->expand(key, s->key.expanded_keys);
    s->size->precompute(&s->key);
}

static void begin(void *state, const uint8_t *iv, struct bytes aad)
{
    struct state *s = state;
    s->size->init(&s->key, &s->message, iv, aad.data, aad.len);
}

static void text(void *state, const uint8_t *in, uint8_t *out, size_t n)
{
    struct state *s = state;
    s->size->text[s->use](&s->key, &s->message, out, in, n);
}

static void seal(void *state, uint8_t *ret_tag)
{
    struct state *s = state;
    s->size->end[s->use](&s->key, &s->message, ret_tag, AES_GCM_TAG);
}

static bool open(void *state, const uint8_t *tag)
{
    uint8_t right[AES_GCM_TAG];
    seal(state, right);
    return CRYPTO_memcmp(right, tag, AES_GCM_TAG) == 0;
}

/* What the system saves of a thread's registers: these of AVX-512 too? */
static bool system_saves_avx512(void)
{
    const uint32_t wanted = 0xe6; /* SSE, AVX, and three parts of AVX-512 */
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & wanted) == wanted;
}

/* clang 14 knows no __builtin_cpu_supports("vaes"). */
static bool can(void)
{
    const uint32_t ebx = bit_BMI2 | bit_AVX512F | bit_AVX512DQ | bit_AVX512BW | bit_AVX512VL;
    const uint32_t ecx = bit_VAES | bit_VPCLMULQDQ;
    uint32_t a, b, c, d;
    if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0 || !system_saves_avx512())
        return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & ebx) == ebx && (c & ecx) == ecx;
}

const struct aes_gcm_engine *aes_gcm_vaes(void)
{
    static const struct aes_gcm_engine engine = { new_state, free_state, set_key, begin,
                                                  text,      seal,       open };
    return can() ? &engine : NULL;
}

#else

const struct aes_gcm_engine *aes_gcm_vaes(void)
{
    return NULL;
}

#endif
