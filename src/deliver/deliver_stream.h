/* deliver_stream.h - one Deliver stream: requests in, blocks and statuses out.
 *
 *            request            may read              next block is there
 *   +------+ -------> +----------+ ------> [ seek ] ------------> +---------+
 *   | IDLE |          | ALLOWING |            | refused           | READING |<-+
 *   +------+          +----------+            v                   +---------+  |
 *      ^                   | may not      status, end                  |       |
 *      |                   v                                    blocks in hand |
 *      |              status, end       config changed: HOLDING -> may read?   |
 *      +-- SUCCESS ---------------------- last one sent ---------------|       | room
 *                                                   at the tip         v       | again
 *                                                 +---------+     +---------+  |
 *                                                 | WAITING |     | SENDING |--+
 *                                                 +---------+     +---------+
 *                                                      | height moved on: READING
 *
 * While a request is served nothing further is read from the client.  After
 * SUCCESS the same stream takes the next request; any other status ends it.
 * Reading files and checking signatures is not done here: deps start it
 * somewhere else, and what came of it returns as an event.
 *
 * Whether the client may read is asked at the start, and again before the next
 * block when the channel's configuration has changed; a certificate that
 * expires ends the session too.
 *
 * Go origin   common/deliver/deliver.go Handle deliverBlocks
 *             common/deliver/acl.go SessionAccessControl
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
    DELIVER_ALLOWING,
    DELIVER_READING,
    DELIVER_HOLDING,
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
    int64_t (*now_ns)(void *ctx); /* wall clock */
    /* NULL: none.  Kept until the request ends: forget_channel. */
    struct deliver_channel *(*find_channel)(void *ctx, struct bytes id);
    void (*forget_channel)(void *ctx, struct deliver_channel *c, bool success);
    const char *(*channel_id)(void *ctx, struct deliver_channel *c); /* for the log */
    uint64_t (*height)(void *ctx, struct deliver_channel *c);
    /* The consenter can't order: nobody knows whether there are blocks to come. */
    bool (*is_errored)(void *ctx, struct deliver_channel *c);
    /* Of the configuration in force. */
    uint64_t (*sequence)(void *ctx, struct deliver_channel *c);
    /* May this client read the channel?  deliver_stream_access, later. */
    void (*check_access)(void *ctx, struct deliver_channel *c);
    /* Get blocks from `first` on, at most up to `last`: deliver_stream_blocks, later. */
    void (*read)(void *ctx, struct deliver_channel *c, uint64_t first, uint64_t last);
    /* Sends what was read; `false` drops it. */
    void (*send_blocks)(void *ctx, bool send);
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
    struct deliver_channel *channel; /* of the request that is served */
    struct seek_info seek;
    uint64_t next, stop;
    uint64_t held;      /* blocks in hand */
    uint64_t sequence;  /* of the configuration under which access was checked last */
    int64_t expires_ns; /* the client's certificate; 0: never */
    bool half_closed;
};

void deliver_stream_init(struct deliver_stream *s, const struct deliver_config *config,
                         const struct deliver_deps *deps, void *ctx,
                         const struct deliver_client_info *client);

/* A request arrived (only in IDLE: the transport is paused otherwise). */
void deliver_stream_request(struct deliver_stream *s, struct bytes envelope);
/* What check_access came to; expires_ns: until when, 0 for ever. */
void deliver_stream_access(struct deliver_stream *s, enum weft_code rc, int64_t expires_ns,
                           const struct weft_err *why);
/* `count` blocks from s->next on are in hand; NOT OK: they could not be read. */
void deliver_stream_blocks(struct deliver_stream *s, uint64_t count, enum weft_code rc,
                           const struct weft_err *why);
/* The consenter can't order any more. */
void deliver_stream_errored(struct deliver_stream *s);
void deliver_stream_writable(struct deliver_stream *s);
void deliver_stream_height(struct deliver_stream *s);
void deliver_stream_half_close(struct deliver_stream *s);

#endif
