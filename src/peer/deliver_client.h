/* deliver_client.h - keeps asking an orderer for a channel's blocks.
 *
 *                   start
 *     +---------+ --------> +---------+  connected   +-----------+
 *     | STOPPED |           | DIALING | -----------> | RECEIVING |<-+ block taken:
 *     +---------+           +---------+              +-----------+--+ failures = 0
 *          ^                  |     ^ timer                |
 *     stop | gave up          v     |                      | closed, a status, a block
 *          +------------- +-----------+ <------------------+ that is refused: failures + 1
 *                         |  WAITING  |
 *                         +-----------+    endpoints refreshed: DIALING, nothing counted
 *
 * Each connection asks from the ledger's height on, without end, and draws its
 * endpoint by lot.  Blocks go to deps.block, which may check them elsewhere:
 * a refusal comes back later, as deliver_client_refused.
 *
 * Go origin   internal/pkg/peer/blocksprovider/blocksprovider.go
 * Differs     nothing sleeps: waits are a timer; a block without a header is refused (Go crashes)
 * Owner       the thread of the channel's stream
 * I/O         none: see struct deliver_client_deps
 * Memory      none of its own
 * Limits      none of its own
 */
#ifndef WEFT_PEER_DELIVER_CLIENT_H
#define WEFT_PEER_DELIVER_CLIENT_H

#include "base/bytes.h"
#include "base/sm.h"

struct orderer_endpoint;

enum deliver_client_state {
    DELIVER_CLIENT_STOPPED,
    DELIVER_CLIENT_WAITING,
    DELIVER_CLIENT_DIALING,
    DELIVER_CLIENT_RECEIVING,
    DELIVER_CLIENT_NR,
};

/* Calls do not re-enter the client. */
struct deliver_client_deps {
    /* NULL: none is defined. */
    const struct orderer_endpoint *(*endpoint)(void *ctx);
    /* Connect, open the stream, ask for all blocks from the ledger's height on; then
     * deliver_client_connected or _failed.  Replaces what was there. */
    void (*dial)(void *ctx, const struct orderer_endpoint *to);
    void (*hang_up)(void *ctx);
    /* deliver_client_timer after so long; a new one takes the old one's place. */
    void (*wait)(void *ctx, int64_t ns);
    /* One received block, the bytes of common.Block.  An error refuses it at once;
     * WEFT_CORRUPT: they are none, and the stream counts as broken. */
    enum weft_code (*block)(void *ctx, struct bytes block, struct weft_err *e);
    /* It will not go on: its leadership, if it was elected, is given up. */
    void (*gave_up)(void *ctx);
};

struct deliver_client_config {
    const char *channel_id;
    int64_t most_delay_ns; /* peer.deliveryclient.reConnectBackoffThreshold */
    int64_t most_total_ns; /* peer.deliveryclient.reconnectTotalTimeThreshold */
    bool yields;           /* elected: gives up after most_total_ns of waiting */
};

struct deliver_client {
    struct sm sm;
    const struct deliver_client_config *config;
    const struct deliver_client_deps *deps;
    void *ctx;
    unsigned failures;
    int64_t waited_ns;   /* all waits since the start */
    const char *address; /* of who is asked, for the log */
};

void deliver_client_init(struct deliver_client *c, const struct deliver_client_config *config,
                         const struct deliver_client_deps *deps, void *ctx);

void deliver_client_start(struct deliver_client *c);
void deliver_client_stop(struct deliver_client *c);

void deliver_client_timer(struct deliver_client *c);
/* The request is on its way. */
void deliver_client_connected(struct deliver_client *c, uint64_t from);
/* The connection did not come about: "could not dial endpoint '...': ..." */
void deliver_client_failed(struct deliver_client *c, const char *why);
/* The ledger's height or our own signature can't be had: it ends for good. */
void deliver_client_broken(struct deliver_client *c);
/* The block that a DeliverResponse brings, as bytes in it; false: it brings none. */
bool deliver_response_block(struct bytes message, struct bytes *ret);
/* A DeliverResponse. */
void deliver_client_message(struct deliver_client *c, struct bytes message);
/* The stream ended. */
void deliver_client_closed(struct deliver_client *c, const char *why);
/* A block of this connection was found good and has its place, or was refused. */
void deliver_client_taken(struct deliver_client *c);
void deliver_client_refused(struct deliver_client *c, const char *why);
/* The configuration names other endpoints now. */
void deliver_client_refreshed(struct deliver_client *c);

#endif
