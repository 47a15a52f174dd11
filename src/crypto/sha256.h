/* sha256.h - SHA-256, at once or in pieces.
 *
 *     struct sha256 h;
 *     sha256_init(&h);
 *     sha256_add(&h, bytes_of_str("ab"));
 *     sha256_add(&h, bytes_of_str("c"));
 *     struct digest d = sha256_end(&h);       ba7816bf...
 *
 * Go origin   none (crypto/sha256)
 * Owner       whoever holds the state
 * Memory      none beside the state: nothing to free
 */
#ifndef WEFT_CRYPTO_SHA256_H
#define WEFT_CRYPTO_SHA256_H

#include "base/bytes.h"

enum {
    SHA256_BYTES = 32
};

struct digest {
    uint8_t b[SHA256_BYTES];
};

/* Large enough for OpenSSL's SHA256_CTX, which stays inside sha256.c. */
struct sha256 {
    uint64_t state[16];
};

void sha256_init(struct sha256 *h);
void sha256_add(struct sha256 *h, struct bytes what);
struct digest sha256_end(struct sha256 *h);

struct digest sha256_of(struct bytes what);

static inline struct bytes digest_bytes(const struct digest *d)
{
    return bytes_of(d->b, sizeof(d->b));
}

#endif
