/* rate_limit.h - a bucket of tokens: so many at once, so many a second.
 *
 *     struct rate_limit r = rate_limit_of(1000, 33);
 *     if (!rate_limit_take(&r, 1, now_ms)) ...more than 1000, and faster than 33/s...
 *
 * Go origin   none
 * Owner       whoever holds it
 */
#ifndef WEFT_NET_RATE_LIMIT_H
#define WEFT_NET_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct rate_limit {
    uint64_t tokens_milli; /* thousandths, so that 33/s fills every millisecond */
    uint64_t last_ms;
    uint32_t burst, per_s;
};

static inline struct rate_limit rate_limit_of(uint32_t burst, uint32_t per_s)
{
    return (struct rate_limit){ .tokens_milli = 1000ULL * burst, .burst = burst, .per_s = per_s };
}

static inline bool rate_limit_take(struct rate_limit *r, uint32_t n, uint64_t now_ms)
{
    uint64_t full = 1000ULL * r->burst, passed = now_ms > r->last_ms ? now_ms - r->last_ms : 0;
    uint64_t filled = passed < full ? passed * r->per_s : full;
    r->tokens_milli = full - r->tokens_milli < filled ? full : r->tokens_milli + filled;
    r->last_ms = now_ms;
    if (r->tokens_milli < 1000ULL * n)
        return false;
    r->tokens_milli -= 1000ULL * n;
    return true;
}

#endif
