/* concurrency_limit.h - so many calls of a service at once, and not one more.
 *
 *     peer.limits.concurrency.endorserService: 2500
 *
 * One number for all net loops.  What comes above is refused at once:
 *
 *     too many requests for /protos.Endorser, exceeding concurrency limit (2500)
 *
 * Go origin   internal/peer/node/grpc_limiters.go common/semaphore/semaphore.go
 * Owner       any thread
 */
#ifndef WEFT_DELIVER_CONCURRENCY_LIMIT_H
#define WEFT_DELIVER_CONCURRENCY_LIMIT_H

#include "base/weft.h"

#include <stdatomic.h>

struct concurrency_limit {
    const char *service; /* "/protos.Endorser" */
    uint32_t most;       /* 0: no limit */
    _Atomic uint32_t now;
};

/* False: there are too many; *e says so. */
static inline bool concurrency_limit_enter(struct concurrency_limit *l, struct weft_err *e)
{
    uint32_t before = atomic_fetch_add_explicit(&l->now, 1, memory_order_relaxed);
    if (l->most == 0 || before < l->most)
        return true;
    (void)atomic_fetch_sub_explicit(&l->now, 1, memory_order_relaxed);
    weft_err_set(e, WEFT_UNAVAILABLE, __FILE__, __LINE__,
                 "too many requests for %s, exceeding concurrency limit (%u)", l->service, l->most);
    return false;
}

static inline void concurrency_limit_leave(struct concurrency_limit *l)
{
    (void)atomic_fetch_sub_explicit(&l->now, 1, memory_order_relaxed);
}

#endif
