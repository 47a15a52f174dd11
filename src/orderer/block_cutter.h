/* block_cutter.h - which messages become one block.
 *
 * Messages gather in a pending batch.  Three numbers of the channel's
 * configuration say when it is cut: so many messages (N), so many bytes (P), so
 * long after the first (the batch timeout, which is the consenter's business).
 *
 *     N = 3, P = 100           sizes 40  50  20            pending
 *     add 40  ->                                           [40]
 *     add 50  ->                                           [40 50]
 *     add 20  -> [40 50]       110 > P: cut before it      [20]
 *     add 150 -> [20] [150]    alone is more than P        []
 *     add 1   ->                                           [1]
 *     ...two more -> [1 ..]    N reached                   []
 *
 * Go origin   orderer/common/blockcutter/blockcutter.go
 * Differs     batches are given to a function as they are cut; byte counts have
 *             64 bits
 * Owner       chain:<id>
 * Memory      holds a reference of each pending message
 * Limits      BatchSize.max_message_count and preferred_max_bytes
 */
#ifndef WEFT_ORDERER_BLOCK_CUTTER_H
#define WEFT_ORDERER_BLOCK_CUTTER_H

#include "orderer/ordered_message.h"

/* Messages of one block, in order.  Given away: batch_done. */
struct batch {
    struct net_msg **at;
    size_t count, cap;
    uint64_t fill_ns; /* from its first message to the cut; 0 for a message that came alone */
};
void batch_done(struct batch *b);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct batch, batch_done)
/* Takes the message. */
void batch_put(struct batch *b, struct net_msg *m);

struct block_cutter {
    uint32_t max_messages;
    uint64_t preferred_max_bytes;
    struct batch pending;
    uint64_t pending_bytes;
    uint64_t since_ns; /* when the first pending one came */
};

void block_cutter_init(struct block_cutter *c);
void block_cutter_done(struct block_cutter *c);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct block_cutter, block_cutter_done)

/* Of the configuration in force, for messages from now on. */
void block_cutter_configure(struct block_cutter *c, uint32_t max_messages,
                            uint32_t preferred_max_bytes);

/* At most two batches are cut by one message. */
enum {
    BLOCK_CUTTER_BATCHES = 2
};

/* Adds a message, which it takes.  Returns how many batches were cut, which the
 * caller ends. */
size_t block_cutter_add(struct block_cutter *c, struct ordered_message m, uint64_t now_ns,
                        struct batch ret_batches[BLOCK_CUTTER_BATCHES]);

/* The pending batch, which may be empty; nothing is pending afterwards. */
struct batch block_cutter_cut(struct block_cutter *c, uint64_t now_ns);

/* Drops the newest n pending messages: they were not accepted after all. */
void block_cutter_drop_newest(struct block_cutter *c, size_t n);

static inline size_t block_cutter_pending(const struct block_cutter *c)
{
    return c->pending.count;
}

#endif
