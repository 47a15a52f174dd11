/* aes_gcm.h - AES-GCM, several times as fast as OpenSSL 3.0's where the CPU can.
 *
 * Encrypts a message and makes a tag over it and over data that goes beside it
 * (AAD), or decrypts one and looks whether the tag is right.  On a CPU with VAES
 * and AVX-512 four blocks are done at a time, in the words of Intel's
 * multi-buffer library (ipsec-mb); elsewhere it is OpenSSL's:
 *
 *     g = aes_gcm_new(key, 16, AES_GCM_ENCRYPTS);
 *     aes_gcm_begin(g, iv, header);             then once a record:
 *     aes_gcm_text(g, plain, out, 16384);       0.8 us; OpenSSL 3.4 us
 *     aes_gcm_seal(g, tag);
 *
 * Text is decrypted before its tag is known to be right: who decrypts believes
 * no byte of it, and gives none away, before aes_gcm_open said so.
 *
 * Go origin   none (crypto/cipher)
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

enum aes_gcm_use {
    AES_GCM_ENCRYPTS,
    AES_GCM_DECRYPTS,
};

struct aes_gcm;

/* The CPU has what it takes, and the library was there when we were built. */
bool aes_gcm_is_fast(void);

struct aes_gcm *aes_gcm_new(const uint8_t *key, size_t key_len, enum aes_gcm_use use);
/* OpenSSL's in any case. */
struct aes_gcm *aes_gcm_new_plain(const uint8_t *key, size_t key_len, enum aes_gcm_use use);
void aes_gcm_free(struct aes_gcm *g);
WEFT_DEFINE_CLEANUP(struct aes_gcm *, aes_gcm_free)

/* Another key, of the same length. */
void aes_gcm_set_key(struct aes_gcm *g, const uint8_t *key);
/* A message begins.  Its bytes may then come in any pieces; out may be in. */
void aes_gcm_begin(struct aes_gcm *g, const uint8_t iv[AES_GCM_IV], struct bytes aad);
void aes_gcm_text(struct aes_gcm *g, const uint8_t *in, uint8_t *out, size_t n);
/* Its end, encrypting: the tag.  Decrypting: is this the tag? */
void aes_gcm_seal(struct aes_gcm *g, uint8_t ret_tag[AES_GCM_TAG]);
bool aes_gcm_open(struct aes_gcm *g, const uint8_t tag[AES_GCM_TAG]) WEFT_MUST_CHECK;

#endif
