/* rand.h - random numbers from a seed, for logic that must be repeatable.
 *
 * Back-off jitter, shuffles and simulations draw from a struct rand that is
 * passed in; a test that fails prints its seed and fails again with it.
 * Never for keys or nonces: those come from OpenSSL's RAND_bytes.
 *
 * Go origin   none
 * Owner       whoever holds it
 */
#ifndef WEFT_BASE_RAND_H
#define WEFT_BASE_RAND_H

#include "base/weft.h"

struct weft_rand {
    uint64_t state;
};

static inline struct weft_rand weft_rand_of(uint64_t seed)
{
    return (struct weft_rand){ seed };
}

/* splitmix64 */
static inline uint64_t weft_rand_next(struct weft_rand *r)
{
    uint64_t z = (r->state += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

/* 0 .. below-1; the bias of the remainder does not matter here. */
static inline uint64_t weft_rand_below(struct weft_rand *r, uint64_t below)
{
    WEFT_ASSERT(below > 0);
    return weft_rand_next(r) % below;
}

#endif
