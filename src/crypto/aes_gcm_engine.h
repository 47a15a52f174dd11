/* aes_gcm_engine.h - inside src/crypto: who does the work of an aes_gcm.h.
 *
 * Go origin   none
 * Owner       as aes_gcm.h
 */
#ifndef WEFT_CRYPTO_AES_GCM_ENGINE_H
#define WEFT_CRYPTO_AES_GCM_ENGINE_H

#include "crypto/aes_gcm.h"

/* `state` is what new_state made; the others are the functions of aes_gcm.h. */
struct aes_gcm_engine {
    void *(*new_state)(size_t key_len, enum aes_gcm_use use);
    void (*free_state)(void *state); /* wipes it */
    void (*set_key)(void *state, const uint8_t *key);
    void (*begin)(void *state, const uint8_t *iv, struct bytes aad);
    void (*text)(void *state, const uint8_t *in, uint8_t *out, size_t n);
    void (*seal)(void *state, uint8_t *ret_tag);
    bool (*open)(void *state, const uint8_t *tag);
};

/* NULL: this CPU can't, or the library was not there. */
const struct aes_gcm_engine *aes_gcm_vaes(void);

#endif
