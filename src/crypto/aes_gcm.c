/* ipsec-mb's public way in is a table of functions with all its ciphers behind
 * it: megabytes that would be linked, and a manager of 200 KB.  The functions
 * behind the table are called by name instead, and a static library gives just
 * these. */
#include "crypto/aes_gcm.h"

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
    aes_gcm_update_fn *encrypt, *decrypt;
    aes_gcm_finalize_fn *encrypt_end, *decrypt_end;
};

static const struct key_size aes_128 = {
    .expand = aes_keyexp_128_enc_avx2,
    .precompute = aes_gcm_precomp_128_vaes_avx512,
    .init = aes_gcm_init_128_vaes_avx512,
    .encrypt = aes_gcm_enc_128_update_vaes_avx512,
    .decrypt = aes_gcm_dec_128_update_vaes_avx512,
    .encrypt_end = aes_gcm_enc_128_finalize_vaes_avx512,
    .decrypt_end = aes_gcm_dec_128_finalize_vaes_avx512,
};

static const struct key_size aes_256 = {
    .expand = aes_keyexp_256_enc_avx2,
    .precompute = aes_gcm_precomp_256_vaes_avx512,
    .init = aes_gcm_init_256_vaes_avx512,
    .encrypt = aes_gcm_enc_256_update_vaes_avx512,
    .decrypt = aes_gcm_dec_256_update_vaes_avx512,
    .encrypt_end = aes_gcm_enc_256_finalize_vaes_avx512,
    .decrypt_end = aes_gcm_dec_256_finalize_vaes_avx512,
};

struct aes_gcm {
    struct gcm_key_data key; /* aligned to 64 bytes, and so is the struct */
    struct gcm_context_data message;
    const struct key_size *size;
};

struct aes_gcm *aes_gcm_new(void)
{
    struct aes_gcm *g = aligned_alloc(_Alignof(struct aes_gcm), sizeof(*g));
    WEFT_ASSERT(g != NULL);
    memset(g, 0, sizeof(*g));
    return g;
}

struct aes_gcm *aes_gcm_dup(const struct aes_gcm *g)
{
    struct aes_gcm *copy = aes_gcm_new();
    *copy = *g;
    return copy;
}

void aes_gcm_free(struct aes_gcm *g)
{
    if (g == NULL)
        return;
    OPENSSL_cleanse(g, sizeof(*g));
    free(g);
}

void aes_gcm_set_key(struct aes_gcm *g, const uint8_t *key, size_t key_len)
{
    WEFT_ASSERT(key_len == 16 || key_len == 32);
    g->size = key_len == 16 ? &aes_128 : &aes_256;
    g->size->expand(key, g->key.expanded_keys);
    g->size->precompute(&g->key);
}

void aes_gcm_begin(struct aes_gcm *g, const uint8_t iv[AES_GCM_IV], struct bytes aad)
{
    WEFT_ASSERT(g->size != NULL);
    g->size->init(&g->key, &g->message, iv, aad.data, aad.len);
}

void aes_gcm_encrypt(struct aes_gcm *g, const uint8_t *in, uint8_t *out, size_t n)
{
    g->size->encrypt(&g->key, &g->message, out, in, n);
}

void aes_gcm_decrypt(struct aes_gcm *g, const uint8_t *in, uint8_t *out, size_t n)
{
    g->size->decrypt(&g->key, &g->message, out, in, n);
}

void aes_gcm_encrypt_end(struct aes_gcm *g, uint8_t ret_tag[AES_GCM_TAG])
{
    g->size->encrypt_end(&g->key, &g->message, ret_tag, AES_GCM_TAG);
}

void aes_gcm_decrypt_end(struct aes_gcm *g, uint8_t ret_tag[AES_GCM_TAG])
{
    g->size->decrypt_end(&g->key, &g->message, ret_tag, AES_GCM_TAG);
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
bool aes_gcm_is_fast(void)
{
    const uint32_t ebx = bit_BMI2 | bit_AVX512F | bit_AVX512DQ | bit_AVX512BW | bit_AVX512VL;
    const uint32_t ecx = bit_VAES | bit_VPCLMULQDQ;
    uint32_t a, b, c, d;
    if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0 || !system_saves_avx512())
        return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & ebx) == ebx && (c & ecx) == ecx;
}

#endif
