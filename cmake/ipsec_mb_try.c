/* Does it link?  What src/crypto/aes_gcm.c and sha256_many.c call and the library's header
 * does not declare, by name. */
#include <intel-ipsec-mb.h>

void aes_gcm_precomp_128_vaes_avx512(void), aes_gcm_precomp_256_vaes_avx512(void);
void aes_gcm_init_128_vaes_avx512(void), aes_gcm_init_256_vaes_avx512(void);
void aes_gcm_enc_128_update_vaes_avx512(void), aes_gcm_enc_256_update_vaes_avx512(void);
void aes_gcm_dec_128_update_vaes_avx512(void), aes_gcm_dec_256_update_vaes_avx512(void);
void aes_gcm_enc_128_finalize_vaes_avx512(void), aes_gcm_enc_256_finalize_vaes_avx512(void);
void aes_gcm_dec_128_finalize_vaes_avx512(void), aes_gcm_dec_256_finalize_vaes_avx512(void);
void call_sha256_x16_avx512_from_c(void), call_sha256_ni_x2_sse_from_c(void);

static void (*const calls[])(void) = {
    aes_gcm_precomp_128_vaes_avx512,      aes_gcm_precomp_256_vaes_avx512,
    aes_gcm_init_128_vaes_avx512,         aes_gcm_init_256_vaes_avx512,
    aes_gcm_enc_128_update_vaes_avx512,   aes_gcm_enc_256_update_vaes_avx512,
    aes_gcm_dec_128_update_vaes_avx512,   aes_gcm_dec_256_update_vaes_avx512,
    aes_gcm_enc_128_finalize_vaes_avx512, aes_gcm_enc_256_finalize_vaes_avx512,
    aes_gcm_dec_128_finalize_vaes_avx512, aes_gcm_dec_256_finalize_vaes_avx512,
    call_sha256_x16_avx512_from_c,        call_sha256_ni_x2_sse_from_c,
};

int main(int argc, char **argv)
{
    (void)argv;
    return calls[argc % 14] == 0 || sizeof(struct gcm_key_data) == 0;
}
