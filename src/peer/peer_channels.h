/* peer_channels.h - a peer's channels: opened again at the start, joined, looked up.
 *
 *     peer_channels_open      locks, databases
 *     peer_channels_resume    "Loading chain mychannel": ledger, configuration, two threads
 *        ... peer_support.join, on a worker, asks main and waits:
 *            "Creating ledger [foo] with genesis block", configuration, two threads
 *     peer_channels_stop      every block that was committed is announced, all threads joined
 *
 * A channel that cannot be opened is passed over with a line in the log; one whose
 * configuration wants what this version cannot do ends the process.
 *
 * A channel never goes away, so it can be looked up from any thread without a lock; its
 * configuration is a snapshot that the commit thread replaces.
 *
 * Go origin   core/peer/peer.go CreateChannel createChannel Initialize
 * Owner       main; support's functions, put_roots and is_well: any thread
 * Memory      everything of the channels, until peer_channels_free
 * Limits      LIMIT_CHANNELS
 */
#ifndef WEFT_PEER_PEER_CHANNELS_H
#define WEFT_PEER_PEER_CHANNELS_H

#include "endorser/peer_support.h"
#include "kvledger/kv_ledger.h"
#include "peer/chan_thread.h"
#include "peer/commit_thread.h"

struct mailbox;
struct peer_channels;

struct peer_channels_config {
    const char *root; /* ledgersData; lives as long as the channels */
    struct kv_ledgers_config ledgers;
    struct chan_world chan;
    struct jobs *crypto;
    struct msp_manager *local; /* our own MSP */
    struct mailbox *mb;        /* main's, which drains it with the channels as owner */
    void *ctx;
    /* On main.  Clients' roots are to be gathered again, because of this channel. */
    void (*configured)(void *ctx, const char *channel);
    /* On main: the process is to end. */
    void (*failed)(void *ctx, const struct weft_err *why);
};

enum weft_code peer_channels_open(const struct peer_channels_config *config,
                                  struct peer_channels **ret, struct weft_err *e) WEFT_MUST_CHECK;
/* Those that are there.  The net loops run. */
enum weft_code peer_channels_resume(struct peer_channels *c, struct weft_err *e) WEFT_MUST_CHECK;
/* While the loops still run.  Whoever waits for a join hears that the peer stops. */
void peer_channels_stop(struct peer_channels *c);
/* After the workers: nobody reads a ledger any more. */
void peer_channels_free(struct peer_channels *c);
WEFT_DEFINE_CLEANUP(struct peer_channels *, peer_channels_free)

struct peer_support peer_channels_support(struct peer_channels *c);
/* On main: are channels that were reset as high again as they were?  After how many ms to ask
 * again; -1: they are. */
int peer_channels_check_rebuild(struct peer_channels *c);
/* Appends the TLS CAs of all channels' application organisations. */
void peer_channels_put_roots(struct peer_channels *c, struct buf *out);
/* An operations_check_fn: none is stuck, or far behind. */
bool peer_channels_are_well(void *c, struct buf *reason);
/* A line a channel into the log. */
void peer_channels_report(struct peer_channels *c);

#endif
