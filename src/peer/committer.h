/* committer.h - blocks in order become part of the ledger; what can be found out ahead is.
 *
 *     chan:<id>      committer_put: 7 8 9 10             in the order of their numbers
 *
 *     workers        [ 10 ] [ 9 ][ 9 ] [ 8 ]             parts of the next blocks (block_validation.h)
 *                                        |  all parts of 7 are done, and it is its turn
 *     commit:<id>                       [ 7 ] decided, committed --> progress
 *                                             config: another bundle from here on
 *                                        6 5    not yet synced
 *     sync:<id>                          4 3    on their way to the disk
 *                                        2 1    announced
 *
 * Blocks share their syncs while others wait behind them, and the newest is synced at once, or
 * once the sync before it has ended.  While one runs the next blocks are decided and committed.
 * A sync also begins when the next block needs a new block file: it makes that, too.
 * Nothing behind a config block is looked at before it has taken effect.  Should a
 * configuration come in another way, what was found out under the old one is thrown away and
 * found out again.
 *
 * A transaction that is bad gets its code; nothing in a block can stop the channel but a
 * policy that nobody can decide: then committer_step says WEFT_UNAVAILABLE once, and nothing
 * is committed any more.  Any other error is ours, or the disk's: the process must end.
 *
 * Go origin   gossip/state/state.go deliverPayloads commitBlock
 *             gossip/privdata/coordinator.go StoreBlock
 * Differs     blocks behind the one that is committed are worked on meanwhile; syncs are shared,
 *             and others do them
 * Owner       one thread (commit:<id>)
 * I/O         the ledger's; else none: see struct committer_deps
 * Memory      the blocks that wait, and what was found out about them
 * Limits      whoever puts blocks says how many: committer_bytes; COMMITTER_*
 */
#ifndef WEFT_PEER_COMMITTER_H
#define WEFT_PEER_COMMITTER_H

#include "base/bytes.h"

struct block;
struct bundle;
struct committer;
struct committer_block;
struct key_tables;
struct kv_ledger;
struct kv_sync;
struct metrics;
struct msp_manager;
struct validation_lane;

enum {
    COMMITTER_PARTS_OUT = 512,          /* with workers at once */
    COMMITTER_UNSYNCED_BYTES = 4 << 20, /* while others wait behind; then a sync */
    COMMITTER_UNSYNCED_MS = 250,        /* likewise */
    COMMITTER_BEHIND_BYTES = 16 << 20,  /* behind a sync that runs; then nothing until its end */
};

struct committer_deps {
    void *ctx;
    uint64_t (*now_ns)(void *ctx); /* monotonic */
    /* Has committer_block_run(b, part, lane) done elsewhere, then committer_part_done(c, b) here.
     * False: not now. */
    bool (*run)(void *ctx, struct committer_block *b, size_t part);
    /* Has kv_sync_run(s) done elsewhere, then committer_synced(c, e) here.  False: not now. */
    bool (*sync)(void *ctx, struct kv_sync *s);
    /* The channel has another configuration; the block that brought it is not announced yet. */
    void (*configured)(void *ctx, struct bundle *b);
    /* As in tx_validator_deps. */
    struct msp_manager *(*msps_of)(void *ctx, struct bytes channel_id);
};

struct committer_config {
    const char *channel_id;
    struct kv_ledger *ledger;
    struct bundle *bundle; /* in force; a reference is taken */
    struct key_tables *tables;
    struct metrics *metrics; /* may be NULL */
};

struct committer *committer_new(const struct committer_config *config,
                                const struct committer_deps *deps);
/* After all parts have come back, and the sync. */
void committer_free(struct committer *c);
WEFT_DEFINE_CLEANUP(struct committer *, committer_free)

/* The next block; takes a reference. */
void committer_put(struct committer *c, struct block *b);
/* On any thread. */
void committer_block_run(struct committer_block *b, size_t part, struct validation_lane *lane);
void committer_part_done(struct committer *c, struct committer_block *b);
/* Commits what is ready, syncs what is to be. */
enum weft_code committer_step(struct committer *c, struct weft_err *e) WEFT_MUST_CHECK;
/* A sync has run: announces its blocks, and begins the next one if it is time. */
enum weft_code committer_synced(struct committer *c, struct weft_err *e) WEFT_MUST_CHECK;
/* Nothing more is begun: syncs what was committed, at once or, if a sync is out, behind it. */
enum weft_code committer_end(struct committer *c, struct weft_err *e) WEFT_MUST_CHECK;

/* Parts that have not come back, and a sync that has not. */
size_t committer_out(const struct committer *c);
/* The number of the next block to be committed; bytes of the blocks that were, since the start. */
uint64_t committer_next(const struct committer *c);
uint64_t committer_bytes(const struct committer *c);

#endif
