/* block_puller.h - a deliver_client with everything it asks for: orderers, streams, requests, time.
 *
 *     deliver_client -- dial --> orderer_stream (on a net loop)
 *          ^                          |
 *          +----- one by one <---- events, as long as there is room
 *
 * Events wait (event_inbox.h) while deps.has_room says no; block_puller_work goes on with them.
 * Blocks wait for each other, too, as long as deps.is_busy says that nobody waits for them.  A
 * stream owes blocks in the order of their numbers, from the ledger's height on: one that skips
 * any is left.
 *
 * Go origin   internal/pkg/peer/blocksprovider/blocksprovider.go
 *             core/deliverservice/deliveryclient.go
 *             core/peer/peer.go ordererSourceCallback
 * Differs     a block that is further on than the stream should be is refused (there it waits in
 *             the payload buffer for those before it)
 * Owner       the channel's thread (chan:<id>)
 * Memory      the events that wait: at most what an orderer_stream lets out
 * Limits      those of orderer_stream.h
 */
#ifndef WEFT_PEER_BLOCK_PULLER_H
#define WEFT_PEER_BLOCK_PULLER_H

#include "base/bytes.h"

struct block;
struct block_puller;
struct bundle;
struct core_config;
struct loop;
struct mailbox;
struct net_loop;
struct orderer_override;
struct peer_tls;
struct signing_identity;

enum {
    PULLER_STEADY_MS = 10000, /* a stream that is open so long is a good one */
};

/* What all channels share; outlives them. */
struct puller_world {
    const struct core_config *config;
    const struct signing_identity *signer;
    const struct peer_tls *tls;
    struct net_loop *const *loops;
    size_t loop_count;
    const struct orderer_override *overrides;
    size_t override_count;
};

/* On the channel's thread; they don't call back. */
struct block_puller_deps {
    uint64_t (*height)(void *ctx); /* committed blocks */
    bool (*has_room)(void *ctx);
    /* Is there enough to do with what it has, for now?  More may come first then. */
    bool (*is_busy)(void *ctx);
    /* Is it good?  Then it has its place.  WEFT_INVALID, WEFT_FORBIDDEN: no. */
    enum weft_code (*take)(void *ctx, struct block *b, struct weft_err *e);
    void (*gave_up)(void *ctx);
};

struct block_puller_place {
    const char *channel_id;
    struct loop *loop;
    struct mailbox *mb; /* the thread's */
};

struct block_puller *block_puller_new(const struct puller_world *world,
                                      const struct block_puller_place *place,
                                      const struct block_puller_deps *deps, void *ctx);
void block_puller_free(struct block_puller *p);
WEFT_DEFINE_CLEANUP(struct block_puller *, block_puller_free)

/* The configuration's orderers; whoever is connected may have to connect again. */
void block_puller_configure(struct block_puller *p, const struct bundle *b);
void block_puller_start(struct block_puller *p);
void block_puller_stop(struct block_puller *p);
/* There is room again. */
void block_puller_work(struct block_puller *p);
/* A block that it brought was found bad after all. */
void block_puller_refuse(struct block_puller *p, const char *why);

/* Any thread.  For how long there was no orderer that gives blocks; 0: there is one, or none is
 * wanted. */
uint64_t block_puller_lost_ms(const struct block_puller *p, uint64_t now_ms);

#endif
