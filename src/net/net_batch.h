/* net_batch.h - how much a connection sends at once.
 *
 * More at once is fewer calls, and fewer times that the other end is woken: a stream of blocks
 * takes a tenth less CPU in batches of 240 KB than in those of 96.  But what the kernel does not
 * take of a batch has to be kept, so that only who keeps up gets large ones:
 *
 *     96 whole  96 whole  96 whole  96 whole  192 ...  240 whole  240 in part  96 ...
 *
 * Go origin   none
 * Owner       the thread of the connection
 * Limits      NET_BATCH_LEAST, NET_BATCH_MOST, and a frame more
 */
#ifndef WEFT_NET_NET_BATCH_H
#define WEFT_NET_NET_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    NET_BATCH_LEAST = 96 << 10,
    NET_BATCH_MOST = 240 << 10,
    NET_BATCH_WHOLE = 4, /* so many in a row, and the next may be twice as large */
};

struct net_batch {
    size_t bytes; /* of the next one */
    uint32_t whole;
};

static inline void net_batch_init(struct net_batch *b)
{
    *b = (struct net_batch){ .bytes = NET_BATCH_LEAST };
}

/* `n` bytes there were to be sent, and the kernel took all of them, or not. */
static inline void net_batch_sent(struct net_batch *b, size_t n, bool all)
{
    if (!all) {
        net_batch_init(b);
    } else if (n >= b->bytes && ++b->whole == NET_BATCH_WHOLE) {
        b->bytes = 2 * b->bytes < NET_BATCH_MOST ? 2 * b->bytes : NET_BATCH_MOST;
        b->whole = 0;
    }
}

#endif
