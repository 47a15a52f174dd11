/* hash.h - the hash functions that an MSP's configuration can name.
 *
 *     struct hash_value h;
 *     hash_of("SHA256", parts, 2, &h, e)      over both parts, one after the other
 *
 * SHA256 is what everybody has; SHA384, SHA3_256 and SHA3_384 are possible.
 *
 * Go origin   bccsp/hashopts.go GetHashOpt
 * Owner       any thread
 * Memory      none
 */
#ifndef WEFT_CRYPTO_HASH_H
#define WEFT_CRYPTO_HASH_H

#include "base/bytes.h"

enum {
    HASH_BYTES_MAX = 48
};

struct hash_value {
    uint8_t b[HASH_BYTES_MAX];
    size_t len;
};

static inline struct bytes hash_bytes(const struct hash_value *h)
{
    return bytes_of(h->b, h->len);
}

/* WEFT_INVALID: no such function. */
enum weft_code hash_of(const char *function, const struct bytes *parts, size_t count,
                       struct hash_value *ret, struct weft_err *e) WEFT_MUST_CHECK;

#endif
