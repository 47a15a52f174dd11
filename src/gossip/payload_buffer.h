/* payload_buffer.h - blocks on their way to the ledger, in the order of their numbers.
 *
 * Blocks come from the orderer, later from other peers too: twice, ahead of
 * their turn, or again after a reconnect.  Here each has one place, and leaves
 * it when all before it have left.
 *
 *     next = 7      [ 7 ][   ][ 9 ][ 10 ]        pop: 7, then NULL until 8 comes
 *
 *     payload_buffer_put(&b, block)       PAYLOAD_TAKEN, PAYLOAD_OLD, PAYLOAD_AHEAD
 *     payload_buffer_is_full(&b)          stop reading the stream
 *     payload_buffer_pop(&b)
 *
 * The buffer is full when it holds more than its budget of bytes.  The next
 * block is taken even then: without it nothing would ever leave.
 *
 * Go origin   gossip/state/payloads_buffer.go
 *             gossip/state/state.go addPayload
 * Differs     a budget in bytes instead of 2 x blockBufferSize blocks; a block
 *             further ahead than PAYLOAD_WINDOW is refused
 * Owner       one thread
 * Memory      holds a reference of each block
 * Limits      PAYLOAD_WINDOW numbers, the budget and one block
 */
#ifndef WEFT_GOSSIP_PAYLOAD_BUFFER_H
#define WEFT_GOSSIP_PAYLOAD_BUFFER_H

#include "proto/block.h"

enum {
    PAYLOAD_WINDOW = 4096, /* a power of two */
};

struct payload_buffer {
    uint64_t next; /* the number that pop waits for */
    size_t count, bytes, budget;
    struct block **slots; /* by number modulo PAYLOAD_WINDOW */
};

enum payload_put {
    PAYLOAD_TAKEN,
    PAYLOAD_OLD,   /* was here before, or has one of that number */
    PAYLOAD_AHEAD, /* too far, or no room so far ahead */
};

void payload_buffer_init(struct payload_buffer *b, uint64_t next, size_t budget);
void payload_buffer_done(struct payload_buffer *b);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct payload_buffer, payload_buffer_done)

/* Takes a reference of its own when it takes the block. */
enum payload_put payload_buffer_put(struct payload_buffer *b, struct block *block);
/* The next block, now the caller's; NULL when it is not there. */
struct block *payload_buffer_pop(struct payload_buffer *b);
/* The same, left where it is; and then: it is not the right one, its place is free again. */
struct block *payload_buffer_peek(const struct payload_buffer *b);
void payload_buffer_discard(struct payload_buffer *b);
bool payload_buffer_is_full(const struct payload_buffer *b);

#endif
