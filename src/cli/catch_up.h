/* catch_up.h - how far a peer is behind a channel that it has just joined.
 *
 *     catch_up_start(&c, "mychannel", now)
 *     while (!catch_up_at(&c, height of the peer, height of the orderer or 0, now))
 *         ... ask both again ...
 *     catch_up_put_line(&c, now, &line)
 *         mychannel: block 3100 of 64200, 310 blocks/s, 3:17 left
 *
 * With an orderer's height it is over when the peer has reached it; without, when the peer's has
 * stood still for a while.
 *
 * Go origin   none
 * Owner       whoever holds it; the time is an argument
 * Memory      none
 */
#ifndef WEFT_CLI_CATCH_UP_H
#define WEFT_CLI_CATCH_UP_H

#include "base/bytes.h"

enum {
    CATCH_UP_STANDS_MS = 3000 /* so long without a block is an end */
};

struct catch_up {
    const char *channel;
    uint64_t first, height, target; /* target 0: not known */
    uint64_t started_ms, moved_ms;
    bool has_height;
};

void catch_up_start(struct catch_up *c, const char *channel, uint64_t now_ms);
/* True: it has caught up. */
bool catch_up_at(struct catch_up *c, uint64_t height, uint64_t target, uint64_t now_ms);
void catch_up_put_line(const struct catch_up *c, uint64_t now_ms, struct buf *out);
/* "mychannel: height 642 after 2.1 s" */
void catch_up_put_end(const struct catch_up *c, uint64_t now_ms, struct buf *out);

#endif
