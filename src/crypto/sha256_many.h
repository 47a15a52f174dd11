/* sha256_many.h - SHA-256 of several things at once: sixteen cost what five do alone.
 *
 * SHA-256 is one long chain: each 64 bytes wait for those before.  A CPU can do sixteen such
 * chains side by side (AVX-512) or two (SHA-NI), if there are that many things to hash:
 *
 *     one             0.70 s/GB        OpenSSL (half a core: the other hyperthread is busy)
 *     2 to 8          0.43             in pairs
 *     9 to 16         0.39 to 0.22     side by side; who ends makes room for the next
 *
 *     struct sha256_job jobs[2] = { { .pieces = a, .count = 3 }, { .pieces = b, .count = 1 } };
 *     sha256_of_many(jobs, 2);         jobs[0].digest is that of a[0], a[1], a[2] in a row
 *
 * The pieces are read where they lie: only the 64 bytes across a border are copied.
 *
 * Go origin   none
 * Owner       any thread
 * Memory      none beside the jobs
 * Limits      without ipsec-mb, or on a CPU without AVX-512 and SHA-NI: one after the other
 */
#ifndef WEFT_CRYPTO_SHA256_MANY_H
#define WEFT_CRYPTO_SHA256_MANY_H

#include "crypto/sha256.h"

enum {
    SHA256_LANES = 16
};

struct sha256_job {
    const struct bytes *pieces;
    size_t count;
    struct digest digest; /* what comes of it */
};

void sha256_of_many(struct sha256_job *jobs, size_t count);

/* What is used when the CPU can do no more; the same result. */
void sha256_of_many_singly(struct sha256_job *jobs, size_t count);

#endif
