/* blocks_out.h - what of a channel's blocks was handed on to the committer and is not committed yet.
 *
 *     handed on   0 1 2 3 4 5 6 7 8 9
 *     committed   0 1 2 3
 *     out                 4 5 6 7 8 9     room for more: under BLOCKS_OUT_BYTES
 *
 * Go origin   none (the committer has a block at a time)
 * Owner       the channel's thread (chan:<id>)
 * Memory      numbers only
 * Limits      COMMIT_BLOCKS; BLOCKS_OUT_BYTES and one block
 */
#ifndef WEFT_PEER_BLOCKS_OUT_H
#define WEFT_PEER_BLOCKS_OUT_H

#include "base/weft.h"

enum {
    BLOCKS_OUT_BYTES = 16 << 20,
    BLOCKS_OUT_BUSY_BYTES = 4 << 20, /* it is no hurry with the next */
};

struct blocks_out {
    uint64_t count, bytes;     /* handed on since the start */
    uint64_t done, done_bytes; /* of them, committed */
    bool had_much;             /* out since nothing was */
};

void blocks_out_put(struct blocks_out *o, size_t bytes);
/* So much is committed now.  True: much was out, and nothing is any more. */
bool blocks_out_done(struct blocks_out *o, uint64_t done, uint64_t done_bytes);

/* For another one; always when nothing is out. */
bool blocks_out_has_room(const struct blocks_out *o);
bool blocks_out_is_busy(const struct blocks_out *o);

#endif
