/* aes_gcm.h - AES-GCM several times as fast as OpenSSL 3.0's, where the CPU can.
 *
 * Encrypts a message and makes a tag over it and over data that goes beside it
 * (AAD).  Here is what a CPU with VAES and AVX-512 does four blocks at a time,
 * in the words of Intel's multi-buffer library (ipsec-mb); aes_gcm_provider.h
 * hands it to OpenSSL, and so to TLS:
 *
 *     aes_gcm_set_key(g, key, 16);
 *     aes_gcm_begin(g, iv, header);             then once a record:
 *     aes_gcm_encrypt(g, plain, out, 16384);    0.8 us; OpenSSL 3.4 us
 *     aes_gcm_encrypt_end(g, tag);
 *
 * Whoever decrypts compares the tag itself, before it believes a byte.
 *
 * Go origin   none
 * Owner       a struct aes_gcm: one thread; aes_gcm_is_fast: any
 * Memory      1.1 KB each, wiped when freed
 * Limits      keys of 16 and 32 bytes, IVs of 12; 64 GB a message, the caller's business
 */
#ifndef WEFT_CRYPTO_AES_GCM_H
#define WEFT_CRYPTO_AES_GCM_H

#include "base/bytes.h"

enum {
    AES_GCM_IV = 12,
    AES_GCM_TAG = 16,
};

struct aes_gcm;

/* The CPU has what it takes.  Without that nothing else here may be called;
 * without the library none of it is built. */
bool aes_gcm_is_fast(void);

struct aes_gcm *aes_gcm_new(void);
struct aes_gcm *aes_gcm_dup(const struct aes_gcm *g);
void aes_gcm_free(struct aes_gcm *g);
WEFT_DEFINE_CLEANUP(struct aes_gcm *, aes_gcm_free)

void aes_gcm_set_key(struct aes_gcm *g, const uint8_t *key, size_t key_len);
/* A message begins.  Its bytes may then come in any pieces; out may be in. */
void aes_gcm_begin(struct aes_gcm *g, const uint8_t iv[AES_GCM_IV], struct bytes aad);
void aes_gcm_encrypt(struct aes_gcm *g, const uint8_t *in, uint8_t *out, size_t n);
void aes_gcm_decrypt(struct aes_gcm *g, const uint8_t *in, uint8_t *out, size_t n);
void aes_gcm_encrypt_end(struct aes_gcm *g, uint8_t ret_tag[AES_GCM_TAG]);
void aes_gcm_decrypt_end(struct aes_gcm *g, uint8_t ret_tag[AES_GCM_TAG]);

#endif
