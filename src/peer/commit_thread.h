/* commit_thread.h - the threads commit:<id> and sync:<id>: a channel's committer, its mailbox, results.
 *
 *     chan:<id> --blocks in order--> committer --parts--> crypto workers
 *         ^                             |  ^------results------+
 *         +--------- progress ----------+----> ledger
 *                                       |  ^
 *                                       v  |  a group of blocks, and that it is on the disk
 *                                     sync:<id>
 *
 * Who puts blocks learns by a commit_watch how far it is: one mail on its way at a time, and
 * then two numbers to look at.
 *
 * Go origin   gossip/state/state.go deliverPayloads
 * Owner       new, start, stop, free: main; put, watch: chan:<id>; numbers: any thread
 * Memory      the committer's; a lane for each worker
 * Limits      COMMIT_MAIL; put as long as commit_thread_bytes says that little is out
 */
#ifndef WEFT_PEER_COMMIT_THREAD_H
#define WEFT_PEER_COMMIT_THREAD_H

#include "base/mailbox.h"

#include <stdatomic.h>

struct block;
struct bundle;
struct bytes;
struct commit_thread;
struct jobs;
struct key_tables;
struct kv_ledger;
struct metrics;
struct msp_manager;

enum {
    COMMIT_BLOCKS = 512, /* put and not committed, at most */
    COMMIT_MAIL = 4096,  /* those, COMMITTER_PARTS_OUT results and that of a sync */
};

/* What all channels share; outlives the threads. */
struct commit_world {
    struct jobs *crypto;
    struct key_tables *tables;
    struct metrics *metrics; /* may be NULL */
    void *ctx;
    /* On commit:<id>.  Another configuration, before its block is announced. */
    void (*configured)(void *ctx, void *channel, struct bundle *b);
    /* The channel commits nothing more (`fatal` false), or the process is to end. */
    void (*failed)(void *ctx, void *channel, bool fatal, const struct weft_err *why);
    /* A reference of the MSPs of another channel, or with an empty id of the peer's own; NULL:
     * there is none. */
    struct msp_manager *(*msps_of)(void *ctx, struct bytes channel_id);
};

/* `channel` is what callbacks get.  The bundle is that in force. */
struct commit_thread *commit_thread_new(const struct commit_world *world, const char *id,
                                        void *channel, struct kv_ledger *ledger,
                                        struct bundle *bundle);
enum weft_code commit_thread_start(struct commit_thread *t, struct weft_err *e) WEFT_MUST_CHECK;
/* Begins nothing more, syncs, and joins.  Two steps, so that many can end at once. */
void commit_thread_ask_stop(struct commit_thread *t);
void commit_thread_join(struct commit_thread *t);
/* After join; also if it was never started. */
void commit_thread_free(struct commit_thread *t);
WEFT_DEFINE_CLEANUP(struct commit_thread *, commit_thread_free)

/* The next block.  Takes a reference.  False: it has stopped. */
bool commit_thread_put(struct commit_thread *t, struct block *b) WEFT_MUST_CHECK;

/* The number of the next block to be committed; how many, and how many bytes of them, were
 * committed since the start. */
uint64_t commit_thread_next(const struct commit_thread *t);
uint64_t commit_thread_done(const struct commit_thread *t);
uint64_t commit_thread_done_bytes(const struct commit_thread *t);

/* Embedded in who puts; `mb` is his. */
struct commit_watch {
    struct mail mail;
    struct mailbox *mb;
    void (*moved)(struct commit_watch *w, void *owner);
    _Atomic bool on_its_way;
};
/* Before the start.  Keeps w until the thread is joined. */
void commit_thread_watch(struct commit_thread *t, struct commit_watch *w);

#endif
