/* broadcast_server.h - Broadcast streams on a net loop.
 *
 *      client            net loop                      workers          chain:<id>
 *        | envelope 1      |                             |                 |
 *        | envelope 2 ---> | filters, identities known   |                 |
 *        |                 |--- signatures of a turn --->|                 |
 *        |                 |<----------- verdicts -------|                 |
 *        |                 | policy, in stream order     |                 |
 *        |                 |--- order_request 1, 2 ------------------------->
 *        |                 |<------------------------------- durable ------|
 *        |<-- SUCCESS 1, 2 |                             |                 |
 *
 * One answer an envelope, in order; the first that is not SUCCESS ends the stream,
 * and what came behind it is not looked at.  An envelope goes to its chain
 * after all before it on its stream, so that their order is that of the stream.
 * Config updates are worked out on a worker and wait for their turn as well.
 *
 * Back-pressure: a stream may have so many envelopes and bytes on the way
 * (BROADCAST_WINDOW, BROADCAST_WINDOW_BYTES), then it is read no further.  A
 * chain that takes no more answers SERVICE_UNAVAILABLE.
 *
 * Go origin   orderer/common/broadcast/broadcast.go
 *             orderer/common/multichannel/registrar.go BroadcastChannelSupport
 * Differs     many envelopes of a stream are on their way at once; what is refused and is
 *             of no channel, or of no type, is counted as unknown
 * Owner       the loop's thread; new before it runs, free after
 * Memory      the envelopes on their way
 * Limits      BROADCAST_WINDOW, BROADCAST_WINDOW_BYTES a stream
 */
#ifndef WEFT_ORDERER_BROADCAST_SERVER_H
#define WEFT_ORDERER_BROADCAST_SERVER_H

#include "net/grpc_server.h"
#include "orderer/msg_processor.h"
#include "orderer/orderer_channel.h"

struct jobs;
struct key_tables;
struct metrics_owner;
struct broadcast_server;

enum {
    BROADCAST_WINDOW = 1024,
    BROADCAST_WINDOW_BYTES = 4 << 20,
};

struct broadcast_server_config {
    const struct msg_processor *processor;
    struct orderer_channels *channels; /* the loop's */
    struct loop *loop;
    struct mailbox *mb;            /* the loop's */
    struct memory_rest *rest;      /* likewise */
    struct jobs *workers;          /* check signatures, work out config updates */
    struct key_tables *tables;     /* may be NULL */
    struct metrics_owner *metrics; /* may be NULL */
    const char *trace_dir;         /* Debug.BroadcastTraceDir; NULL or "": none */
};

struct broadcast_server *broadcast_server_new(const struct broadcast_server_config *config);
/* After its grpc_server is freed, the chains have stopped and the workers ended. */
void broadcast_server_free(struct broadcast_server *b);
WEFT_DEFINE_CLEANUP(struct broadcast_server *, broadcast_server_free)

/* For the method table: ops of the method, whose service is the server. */
extern const struct grpc_stream_ops broadcast_server_ops;

#endif
