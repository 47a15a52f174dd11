/* orderer_channel.h - the channels as one net loop knows them.
 *
 * Every net loop has a table of its own, and so looks channels up without a
 * lock.  Nothing here is written by another thread: whoever changes a channel
 * sends each loop a mail, and waits until all of them have handled it.
 *
 *     chain:<id>, main                     net loop
 *     channel_news_send --- mail --------> orderer_channels: the entry changes,
 *        waits          <-- mail back ---- then the watchers are called
 *
 *   what changes      by whom      when
 *   a channel added   main         before the block that created it is announced; at start
 *   bundle            chain:<id>   before the config block is announced, and before its
 *                                  Configure is answered
 *   is_errored        chain:<id>   the consenter can order (again), or can't any more
 *   refuses           chain:<id>   as above, with the reason
 *   removed           main         channel participation: the entry is out of the table; the
 *                                  sender goes on when the last reference has gone
 *
 * So a stream that sends a config block to a client has seen its bundle before,
 * if it looks at `bundle` when it sends and not when it starts to read.
 *
 * Go origin   orderer/common/multichannel/registrar.go GetChain SystemChannel ChannelsCount
 *             orderer/common/multichannel/chainsupport.go
 * Differs     a copy a loop, instead of one map behind a lock
 * Owner       the loop's thread; new, add and free also before it runs and after it has stopped
 * Memory      the table holds a reference of each entry.  Whoever keeps an entry
 *             over a turn (a stream, a read on a worker) holds one too, and so
 *             keeps its block_store and mailbox open
 * Limits      LIMIT_CHANNELS channels
 */
#ifndef WEFT_ORDERER_ORDERER_CHANNEL_H
#define WEFT_ORDERER_ORDERER_CHANNEL_H

#include "base/bytes.h"
#include "base/mailbox.h"

struct block_store;
struct bundle;
struct identity_cache;
struct orderer_channels;

struct orderer_channel {
    const char *id;
    struct bundle *bundle;             /* the configuration in force; never NULL */
    struct identity_cache *identities; /* of this bundle's MSPs; new with each bundle */
    struct block_store *store;
    struct mailbox *chain; /* takes order_requests; full or closed: UNAVAILABLE */
    bool is_system;
    bool is_removed; /* not in the table any more: streams on it are to end */
    /* The consenter can't order: Deliver answers SERVICE_UNAVAILABLE unless it is
     * BEST_EFFORT.  (Chain.Errored) */
    bool is_errored;
    /* NULL, or why Broadcast is SERVICE_UNAVAILABLE: "channel foo is not serviced by me".
     * (what Chain.WaitReady and Order would say) */
    const char *refuses;

    /* The table's own. */
    unsigned refs;
    struct channel_news *removal;
};

struct orderer_channel *orderer_channel_ref(struct orderer_channel *c);
void orderer_channel_unref(struct orderer_channel *c);
WEFT_DEFINE_CLEANUP(struct orderer_channel *, orderer_channel_unref)

/* ---- the table ------------------------------------------------------------------- */

/* NULL: no such channel. */
struct orderer_channel *orderer_channels_find(const struct orderer_channels *t, struct bytes id);
/* NULL: there is no system channel. */
struct orderer_channel *orderer_channels_system(const struct orderer_channels *t);
/* Of all channels, the system channel included.  (Registrar.ChannelsCount) */
size_t orderer_channels_count(const struct orderer_channels *t);
/* In no order; i < count. */
struct orderer_channel *orderer_channels_at(const struct orderer_channels *t, size_t i);

enum channel_change {
    CHANNEL_ADDED,
    CHANNEL_CONFIGURED, /* another bundle */
    CHANNEL_CONSENTER,  /* is_errored or refuses */
    CHANNEL_REMOVED,    /* the entry is out of the table; end the streams, give references back */
};

/* Embedded in whoever wants to know of changes (Deliver: streams that wait). */
struct channel_watch {
    void (*changed)(struct channel_watch *w, struct orderer_channel *c, enum channel_change what);
    struct channel_watch *next;
};
/* Keeps w until the table is freed; does not call it for what is there already. */
void orderer_channels_watch(struct orderer_channels *t, struct channel_watch *w);

struct orderer_channels *orderer_channels_new(void);
/* After the servers that use it. */
void orderer_channels_free(struct orderer_channels *t);
WEFT_DEFINE_CLEANUP(struct orderer_channels *, orderer_channels_free)

/* What a channel begins as; copied. */
struct channel_start {
    const char *id;
    struct bundle *bundle;
    struct block_store *store;
    struct mailbox *chain;
    bool is_system, is_errored;
    const char *refuses;
};
/* The entry, which the table holds. */
struct orderer_channel *orderer_channels_add(struct orderer_channels *t,
                                             const struct channel_start *start);

/* ---- telling all loops --------------------------------------------------------------- */

/* A loop that hears of changes. */
struct channel_listener {
    struct mailbox *mb;
    struct orderer_channels *table;
};
struct channel_listeners {
    const struct channel_listener *at;
    size_t count;
};

struct channel_event {
    enum channel_change what;
    struct channel_start start; /* CONFIGURED: id, bundle; CONSENTER: id, is_errored, refuses;
                                   REMOVED: id */
};

/* Tells every listener and returns when all have handled it (REMOVED: when their
 * last reference has gone).  Loops never wait for whoever calls this: chain
 * threads and main. */
void channel_news_send(const struct channel_listeners *to, const struct channel_event *event);

#endif
