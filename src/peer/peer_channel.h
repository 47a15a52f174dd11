/* peer_channel.h - one channel of a peer: its ledger, its configuration, its two threads.
 *
 *     chan:<id>     where blocks come in (chan_thread.h)
 *     commit:<id>   where they are committed (commit_thread.h)
 *
 * Go origin   core/peer/channel.go
 * Owner       new, start, stop, free: main; the rest: any thread
 * Memory      the ledger is open as long as it lives
 */
#ifndef WEFT_PEER_PEER_CHANNEL_H
#define WEFT_PEER_PEER_CHANNEL_H

#include "peer/chan_thread.h"
#include "peer/commit_thread.h"

struct bundle;
struct kv_ledger;
struct peer_channel;

/* What all channels share; outlives them. */
struct peer_channel_world {
    struct chan_world chan;
    struct commit_world commit; /* callbacks get the peer_channel */
};

/* Takes the ledger, reads its configuration.  WEFT_UNAVAILABLE: this version cannot do what the
 * configuration asks for ("[channel foo] incompatible: ..."); the process is to end. */
enum weft_code peer_channel_new(const struct peer_channel_world *world, const char *id,
                                struct kv_ledger *ledger, struct peer_channel **ret,
                                struct weft_err *e) WEFT_MUST_CHECK;
/* Both threads, or none. */
enum weft_code peer_channel_start(struct peer_channel *c, struct weft_err *e) WEFT_MUST_CHECK;
/* Blocks stop coming, then the committer ends.  Three steps, so that many can end at once. */
void peer_channel_ask_stop(struct peer_channel *c);
void peer_channel_join_chan(struct peer_channel *c);
void peer_channel_join(struct peer_channel *c);
void peer_channel_free(struct peer_channel *c);
WEFT_DEFINE_CLEANUP(struct peer_channel *, peer_channel_free)

const char *peer_channel_id(const struct peer_channel *c);
struct kv_ledger *peer_channel_ledger(const struct peer_channel *c);
/* A reference of the configuration in force. */
struct bundle *peer_channel_bundle(const struct peer_channel *c);
/* On commit:<id>: another one; a reference is taken. */
void peer_channel_set_bundle(struct peer_channel *c, struct bundle *b);
/* On commit:<id>: it commits nothing more. */
void peer_channel_set_stuck(struct peer_channel *c, const char *why);
bool peer_channel_is_well(const struct peer_channel *c, struct buf *reason);

#endif
