/* deliver_server.h - Deliver streams on a net loop, over block stores.
 *
 * One deliver_server is one loop's share: its streams, and who of them waits
 * for which channel.  Reading and checking signatures are jobs for workers,
 * which come back by mail; a new block is one mail a loop (block_watch), which
 * wakes the streams that wait on that channel.
 *
 *     net loop                        workers
 *     deliver_stream --- may read? ---->  deliver_world.access
 *        block_feed  --- read 5..78 --->  block_iter, encode
 *        send x n    <--- messages ----
 *
 * A thousand streams that wait for the same block are woken by one mail, and the
 * block is read and encoded once for all of them (block_feed.h).
 *
 * Go origin   orderer/common/server/server.go Deliver core/peer/deliverevents.go
 *             common/deliver/deliver.go
 * Owner       the loop's thread; new before it runs, free after
 * Memory      a stream: its request and a few hundred bytes, and one batch that is
 *             on its way
 * Limits      those of its feed
 */
#ifndef WEFT_DELIVER_DELIVER_SERVER_H
#define WEFT_DELIVER_DELIVER_SERVER_H

#include "deliver/deliver_stream.h"
#include "ledger/block_store.h"
#include "net/grpc_server.h"

struct concurrency_limit;
struct jobs;
struct memory_rest;
struct metrics_owner;

/* The node's channels, as Deliver needs them; on the loop's thread, but for access. */
struct deliver_world {
    void *ctx;
    /* A reference to a channel, which keeps it and its store; NULL: there is none. */
    void *(*find)(void *ctx, struct bytes id);
    void (*unref)(void *channel);
    const char *(*id)(const void *channel);
    struct block_store *(*store)(const void *channel);
    bool (*is_errored)(const void *channel);
    uint64_t (*sequence)(const void *channel); /* of the configuration in force */
    /* What access needs to know of the channel as it is now; freed by snapshot_free. */
    void *(*snapshot)(void *ctx, void *channel);
    void (*snapshot_free)(void *snapshot);
    /* May whoever signed this request read the channel?  On a worker.
     * *ret_expires_ns: until when his certificate is good; 0: for ever. */
    enum weft_code (*access)(void *snapshot, struct bytes envelope, int64_t *ret_expires_ns,
                             struct weft_err *e);
};

/* What a method sends for a block, and what it is called in the metrics. */
struct deliver_form {
    const char *filtered, *data_type;
    bool is_personal; /* not the same for everybody who asks */
    bool is_light;    /* encode takes less than to read the block */
    /* On a worker, a light one also on the loop; `snapshot` and `request` are of who asks where it
     * is personal, else there are none.  NULL: the stream ends with this error. */
    struct net_msg *(*encode)(void *snapshot, struct bytes request, struct block *b,
                              struct weft_err *e);
};

/* DeliverResponse { 2 block }: the orderer's, and a peer's Deliver. */
extern const struct deliver_form deliver_form_block;

struct deliver_server_config {
    struct deliver_config stream;
    const struct deliver_form *form; /* NULL: deliver_form_block */
    struct concurrency_limit *limit; /* of the service's streams; may be NULL */
    bool binds_tls; /* clients' certificates are required, and requests bound to them */
    const struct deliver_world *world;
    struct jobs *store;       /* workers that may wait for the disk */
    struct jobs *workers;     /* workers that compute */
    struct mailbox *mb;       /* the loop's */
    struct memory_rest *rest; /* likewise; may be NULL */
    struct metrics_owner *metrics;
    void (*trace)(const void *ctx, struct bytes request); /* NULL: none */
    const void *trace_ctx;
};

struct deliver_server;

struct deliver_server *deliver_server_new(const struct deliver_server_config *config);
/* After its grpc_server is freed, which ends the streams, and the workers. */
void deliver_server_free(struct deliver_server *d);
WEFT_DEFINE_CLEANUP(struct deliver_server *, deliver_server_free)

/* The channel's consenter can't order any more: strict streams end. */
void deliver_server_errored(struct deliver_server *d, const char *channel_id);
/* The channel is going: its streams end, and all references are given back. */
void deliver_server_forget(struct deliver_server *d, const char *channel_id);

/* For the method table: ops of the method, whose service is the server. */
extern const struct grpc_stream_ops deliver_server_ops;

#endif
