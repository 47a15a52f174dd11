/* clock.h - what time it is: the only door to it.
 *
 * Logic never calls these; it gets the time as an argument or an event.
 *
 * Go origin   none (time.Now)
 * Owner       any thread
 */
#ifndef WEFT_OS_CLOCK_H
#define WEFT_OS_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Monotonic, for waits and rates. */
static inline uint64_t clock_monotonic_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static inline uint64_t clock_monotonic_ms(void)
{
    return clock_monotonic_ns() / 1000000U;
}

/* Nanoseconds since 1970, for certificates and timestamps. */
static inline int64_t clock_wall_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

#endif
