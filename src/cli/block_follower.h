/* block_follower.h - a load client that reads an orderer's blocks as they come.
 *
 *     block_follower_new(plan, thread, 7, &ops, ctx)
 *         on_asked                      from now on it waits
 *         on_envelope x n, on_block     block 7, when it is there
 *         ...
 *         on_end                        not before something fails, or it is freed
 *
 * Go origin   none
 * Owner       its thread
 * Memory      one block
 */
#ifndef WEFT_CLI_BLOCK_FOLLOWER_H
#define WEFT_CLI_BLOCK_FOLLOWER_H

#include "cli/bench_run.h"

struct block_follower;

struct block_follower_ops {
    void (*on_asked)(void *ctx);
    void (*on_envelope)(void *ctx, struct bytes envelope, uint64_t now_ns);
    void (*on_block)(void *ctx);
    void (*on_end)(void *ctx, const char *why); /* once */
};

/* Of the plan's orderer and channel, from block `first` on.  Keeps what it is given. */
struct block_follower *block_follower_new(const struct bench_plan *plan, struct bench_thread *t,
                                          uint64_t first, const struct block_follower_ops *ops,
                                          void *ctx);
/* Without another call. */
void block_follower_free(struct block_follower *f);

#endif
