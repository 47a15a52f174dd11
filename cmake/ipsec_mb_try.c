/* Does it link?  What src/crypto/aes_gcm.c calls and the library's header does
 * not declare, by name. */
#include <intel-ipsec-mb.h>

void aes_gcm_precomp_128_vaes_avx512(void), aes_gcm_precomp_256_vaes_avx512(void);
void aes_gcm_init_128_vaes_avx512(void), aes_gcm_init_256_vaes_avx512(void);
void aes_gcm_enc_128_update_vaes_avx512(void), aes_gcm_enc_256_update_vaes_avx512(void);
void aes_gcm_dec_128_update_vaes_avx512(void), aes_gcm_dec_256_update_vaes_avx512(void);
void aes_gcm_enc_128_finalize_vaes_avx512(void), aes_gcm_enc_256_finalize_vaes_avx512(void);
void aes_gcm_dec_128_finalize_vaes_avx512(void), aes_gcm_dec_256_finalize_vaes_avx512(void);

static void (*const calls[])(void) = {
    aes_gcm_precomp_128_vaes_avx512,      aes_gcm_precomp_256_vaes_avx512,
    aes_gcm_init_128_vaes_avx512,         aes_gcm_init_256_vaes_avx512,
    aes_gcm_enc_128_update_vaes_avx512,   aes_gcm_enc_256_update_vaes_avx512,
    aes_gcm_dec_128_update_vaes_avx512,   aes_gcm_dec_256_update_vaes_avx512,
    aes_gcm_enc_128_finalize_vaes_avx512, aes_gcm_enc_256_finalize_vaes_avx512,
    aes_gcm_dec_128_finalize_vaes_avx512, aes_gcm_dec_256_finalize_vaes_avx512,
};

int main(int argc, char **argv)
{
    (void)argv;
    return calls[argc % 12] == 0 || sizeof(struct gcm_key_data) == 0;
}
