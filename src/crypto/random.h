/* random.h - unpredictable bytes, for nonces and keys.
 *
 * Go origin   none (crypto/rand)
 * Owner       any thread
 */
#ifndef WEFT_CRYPTO_RANDOM_H
#define WEFT_CRYPTO_RANDOM_H

#include "base/weft.h"

/* WEFT_IO when the system has none to give. */
enum weft_code random_bytes(uint8_t *out, size_t n, struct weft_err *e) WEFT_MUST_CHECK;

#endif
