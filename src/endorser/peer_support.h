/* peer_support.h - the peer around an endorser: its channels, and how one is joined.
 *
 * The endorser, the system chaincodes and the event services look channels up here.  A
 * channel never goes away while the peer runs; its configuration is replaced, so whoever
 * looks gets the one that is in force, and keeps it as long as he needs it:
 *
 *     struct peer_channel_view ch;
 *     if (!support->find(support->ctx, id, &ch))
 *         "channel 'foo' not found"
 *     bundle_evaluate(ch.bundle, "/Channel/Application/Readers", ...)
 *     peer_channel_view_done(&ch)
 *
 * Go origin   core/endorser/support.go core/peer/peer.go GetLedger GetChannelsInfo CreateChannel
 * Owner       any thread may call
 * Memory      a view holds a reference of the bundle; the ledger is open until the peer stops
 */
#ifndef WEFT_ENDORSER_PEER_SUPPORT_H
#define WEFT_ENDORSER_PEER_SUPPORT_H

#include "bundle/bundle.h"

struct block;
struct kv_ledger;

struct peer_channel_view {
    const char *id;
    struct bundle *bundle;
    struct kv_ledger *ledger;
};

static inline void peer_channel_view_done(struct peer_channel_view *v)
{
    bundle_unref(v->bundle);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct peer_channel_view, peer_channel_view_done)

struct peer_support {
    void *ctx;
    /* False: not joined, or not ready yet. */
    bool (*find)(void *ctx, struct bytes id, struct peer_channel_view *ret);
    /* Calls `each` for every channel, in no order. */
    void (*list)(void *ctx, void (*each)(void *arg, const char *id), void *arg);
    /* Makes the ledger and starts the channel: from a block that was looked through, with flags
     * set.  Waits until it is done, so never on a net loop.  "cannot create ledger from
     * genesis block: LedgerID already exists" */
    enum weft_code (*join)(void *ctx, const char *id, struct block *genesis, struct weft_err *e);
    /* True after a reset or rollback, until the old heights are reached again. */
    bool (*is_rebuilding)(void *ctx);
};

#endif
