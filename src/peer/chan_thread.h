/* chan_thread.h - the thread chan:<id>: where a channel's blocks come in.
 *
 *     orderers --net loop--> block_puller       gossip, once it is there
 *                                 | block_verifier  |
 *                                 v                 v
 *                              payload_buffer: in order, each follows from the one before it
 *                                 |
 *                              commit:<id>
 *
 * Nothing is read for which there is no room: while the payload buffer is over its budget what
 * came waits, the stream gets nothing back, and the orderer is not read (orderer_stream.h).
 * Blocks are handed on as long as little is out at the committer.
 *
 * Who pulls: this peer always (peer.gossip.orgLeader), when it was elected
 * (useLeaderElection), or never.
 *
 * Go origin   gossip/service/gossip_service.go InitializeChannel
 *             core/deliverservice/deliveryclient.go StartDeliverForChannel
 *             gossip/state/state.go addPayload
 * Differs     a block that does not follow from the one before it is refused here, and fetched
 *             again from another orderer (there the process ends)
 * Owner       new, start, stop, free: main; health: any thread; all else its own
 * Memory      CHAN_BUFFER_BYTES of blocks and one; those out at the committer (blocks_out.h).
 *             When these were many and are committed, the net loops give memory back
 * Limits      CHAN_MAIL; CHAN_BUFFER_BYTES; what blocks_out.h says
 */
#ifndef WEFT_PEER_CHAN_THREAD_H
#define WEFT_PEER_CHAN_THREAD_H

#include "peer/block_puller.h"

struct chan_thread;
struct commit_thread;
struct key_tables;
struct kv_ledger;
struct metrics;
struct snapshot;

enum {
    CHAN_MAIL = 2048,
    CHAN_BUFFER_BYTES = 8 << 20,
};

/* What all channels share; outlives the threads. */
struct chan_world {
    struct puller_world puller;
    const char *address; /* this peer's, as others know it */
    struct key_tables *tables;
    struct metrics *metrics; /* may be NULL */
};

struct chan_place {
    const char *id;
    struct snapshot *bundle; /* the configuration in force */
    struct kv_ledger *ledger;
    struct commit_thread *commit; /* not started yet */
};

struct chan_thread *chan_thread_new(const struct chan_world *world, const struct chan_place *place);
enum weft_code chan_thread_start(struct chan_thread *t, struct weft_err *e) WEFT_MUST_CHECK;
/* Hangs up and joins.  Two steps, so that many can end at once. */
void chan_thread_ask_stop(struct chan_thread *t);
void chan_thread_join(struct chan_thread *t);
/* After join, and after the commit thread's; also if it was never started. */
void chan_thread_free(struct chan_thread *t);
WEFT_DEFINE_CLEANUP(struct chan_thread *, chan_thread_free)

/* False: it has had no orderer, or could not keep up with one, for longer than
 * weft.health.lostAfter; why is appended. */
bool chan_thread_is_well(const struct chan_thread *t, struct buf *reason);

#endif
