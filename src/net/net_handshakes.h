/* net_handshakes.h - gives memory back when many have shaken hands at once.
 *
 * OpenSSL holds 22 KB for the length of a handshake.  A thousand clients that
 * connect at once (a network that comes back) leave a thousand holes of that
 * size between what stays, and malloc keeps them.  So when a storm is over:
 *
 *     under way   0 1 90 800 1000 990 ... 250 | 1 s later: malloc_trim
 *                          most: 1000      a quarter
 *
 * which takes some milliseconds once, and never twice in ten seconds.
 *
 * Go origin   none
 * Owner       its loop's thread
 * Limits      fewer than HANDSHAKES_STORM at once are no storm
 */
#ifndef WEFT_NET_NET_HANDSHAKES_H
#define WEFT_NET_NET_HANDSHAKES_H

#include "os/loop.h"

enum {
    HANDSHAKES_STORM = 128
};

struct net_handshakes {
    struct loop *loop;
    struct loop_timer trim;
    uint32_t under_way, most; /* at once since the last storm */
    uint64_t not_before_ms;   /* the next trim */
    uint32_t trims;
};

void net_handshakes_init(struct net_handshakes *h, struct loop *loop);
void net_handshakes_done(struct net_handshakes *h);
void net_handshakes_begin(struct net_handshakes *h);
void net_handshakes_end(struct net_handshakes *h);

#endif
