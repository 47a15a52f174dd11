/* deliver_server.h - Deliver streams on a net loop, over block stores.
 *
 * One deliver_server is one loop's share: its streams, and who of them waits
 * for which channel.  A read is a job for the `store` workers, who encode what
 * they read and send it back by mail; a new block is one mail a loop
 * (block_watch), which wakes the streams that wait on that channel.
 *
 *     net loop                        store workers
 *     deliver_stream --- read 5..78 --->  block_iter_next, encode
 *        send x n    <--- messages ----
 *
 * Go origin   orderer/common/server/server.go Deliver
 *             common/deliver/deliver.go
 * Owner       the loop's thread; new before it runs, free after
 * Memory      a stream: a few hundred bytes, and one batch that is on its way
 * Limits      DELIVER_BATCH_BYTES read ahead a stream
 */
#ifndef WEFT_DELIVER_DELIVER_SERVER_H
#define WEFT_DELIVER_DELIVER_SERVER_H

#include "deliver/deliver_stream.h"
#include "ledger/block_store.h"
#include "net/grpc_server.h"

struct jobs;

enum {
    DELIVER_BATCH_BYTES = 1 << 20,
    DELIVER_BATCH_BLOCKS = 64,
};

/* A channel to read from; `store` is open while servers run. */
struct deliver_source {
    const char *id;
    struct block_store *store;
    void *ctx; /* for the access check */
};

struct deliver_server_config {
    struct deliver_config stream;
    bool binds_tls; /* clients' certificates are required, and requests bound to them */
    const struct deliver_source *sources;
    size_t source_count;
    struct jobs *store; /* workers that may wait for the disk */
    struct mailbox *mb; /* the loop's */
    /* May the client that signed this request read the channel? */
    enum weft_code (*access)(const struct deliver_source *source, struct bytes envelope,
                             struct weft_err *e);
};

struct deliver_server;

struct deliver_server *deliver_server_new(const struct deliver_server_config *config);
/* After its grpc_server is freed, which ends the streams, and the workers. */
void deliver_server_free(struct deliver_server *d);
WEFT_DEFINE_CLEANUP(struct deliver_server *, deliver_server_free)

/* For the method table: ops of the method, whose service is the server. */
extern const struct grpc_stream_ops deliver_server_ops;

#endif
