/* deliver_stream.h - one Deliver stream: requests in, blocks and statuses out.
 *
 *               request                    next block is there
 *      +------+ -----------> [ checks ] --------------> +---------+
 *      | IDLE |                  | refused              | READING |<--+
 *      +------+ <--- SUCCESS     v                      +---------+   |
 *          ^          |     status, end                      | blocks |
 *          |          +----------------------- last one sent-+        | room again
 *          | half-closed: end                                |        |
 *                                     at the tip             v        |
 *                                  +---------+         +---------+    |
 *                                  | WAITING |         | SENDING |----+
 *                                  +---------+         +---------+
 *                                       | height moved on: READING
 *
 * While a request is served nothing further is read from the client.  After
 * SUCCESS the same stream takes the next request; any other status ends it.
 * Reading files is not done here: deps.read starts it somewhere else, and its
 * blocks come back as an event.
 *
 * Go origin   common/deliver/deliver.go Handle deliverBlocks
 * Owner       the thread of the stream's connection
 * I/O         none: see struct deliver_deps
 * Memory      one envelope while it is looked at
 * Limits      none of its own: the transport's message size
 */
#ifndef WEFT_DELIVER_DELIVER_STREAM_H
#define WEFT_DELIVER_DELIVER_STREAM_H

#include "base/sm.h"
#include "crypto/sha256.h"
#include "deliver/seek.h"

struct deliver_channel; /* whatever deps makes of it */
struct net_msg;

enum deliver_state {
    DELIVER_IDLE,
    DELIVER_READING,
    DELIVER_SENDING,
    DELIVER_WAITING,
    DELIVER_ENDED,
    DELIVER_NR,
};

/* Who is at the other end: what the checks need to know. */
struct deliver_client_info {
    const char *address;
    bool binds_tls; /* mutual TLS: the request must carry the certificate's hash */
    bool has_cert;
    struct digest cert_hash;
};

/* What a stream needs from the rest.  Calls do not re-enter it. */
struct deliver_deps {
    void *ctx;
    int64_t (*now_ns)(void *ctx);                                        /* wall clock */
    struct deliver_channel *(*find_channel)(void *ctx, struct bytes id); /* NULL: none */
    uint64_t (*height)(void *ctx, struct deliver_channel *c);
    /* May this client read the channel?  `envelope` is the request. */
    enum weft_code (*access)(void *ctx, struct deliver_channel *c, struct bytes envelope,
                             struct weft_err *e);
    /* Get blocks from `first` on, at most up to `last`: deliver_stream_blocks, later. */
    void (*read)(void *ctx, struct deliver_channel *c, uint64_t first, uint64_t last);
    /* Call deliver_stream_height when the channel grows; once. */
    void (*wait)(void *ctx, struct deliver_channel *c);
    /* Sends a status as the stream's own message type. */
    void (*send_status)(void *ctx, int status);
    bool (*is_writable)(void *ctx);
    void (*next_request)(void *ctx); /* the client may speak again */
    void (*end)(void *ctx);          /* gRPC OK */
};

struct deliver_config {
    int64_t time_window_ns; /* General.Authentication.TimeWindow */
};

struct deliver_stream {
    struct sm sm;
    const struct deliver_config *config;
    const struct deliver_deps *deps;
    void *ctx;
    struct deliver_client_info client;
    struct deliver_channel *channel;
    uint64_t next, stop;
    bool fail_if_not_ready, half_closed;
};

void deliver_stream_init(struct deliver_stream *s, const struct deliver_config *config,
                         const struct deliver_deps *deps, void *ctx,
                         const struct deliver_client_info *client);

/* A request arrived (only in IDLE: the transport is paused otherwise). */
void deliver_stream_request(struct deliver_stream *s, struct bytes envelope);
/* `count` blocks from s->next on were sent by whoever read them; NOT OK: they
 * could not be read. */
void deliver_stream_blocks(struct deliver_stream *s, uint64_t count, enum weft_code rc,
                           const struct weft_err *why);
void deliver_stream_writable(struct deliver_stream *s);
void deliver_stream_height(struct deliver_stream *s);
void deliver_stream_half_close(struct deliver_stream *s);

#endif
