/* endorser_service.h - /protos.Endorser/ProcessProposal on a net loop.
 *
 *      client              net loop                      workers
 *        |--- proposal --->|                               |
 *        |                 |--- endorser_process --------->|  may wait: a join does
 *        |                 |<---------- answer ------------|
 *        |<-- response ----|  counted, sent                |
 *
 * The workers are to be others than those that a join waits for.
 *
 *     const struct grpc_method m = { .path = ENDORSER_PATH, .ops = &endorser_service_ops,
 *                                    .unary = endorser_service_call, .service = service };
 *
 * Go origin   vendor/github.com/hyperledger/fabric-protos-go/peer/peer.pb.go EndorserServer
 *             internal/peer/node/start.go serve core/endorser/metrics.go
 * Owner       the loop's thread; new before it runs, free after
 * Memory      the proposals on their way, and their answers
 * Limits      struct concurrency_limit; what the pool of workers takes
 */
#ifndef WEFT_ENDORSER_ENDORSER_SERVICE_H
#define WEFT_ENDORSER_ENDORSER_SERVICE_H

#include "deliver/concurrency_limit.h"
#include "endorser/endorser.h"
#include "net/grpc_server.h"

struct jobs;
struct mailbox;
struct metrics_owner;
struct endorser_service;

#define ENDORSER_PATH "/protos.Endorser/ProcessProposal"

struct endorser_service_config {
    const struct endorser *endorser;
    struct concurrency_limit *limit; /* of all loops; may be NULL */
    struct jobs *workers;            /* may wait */
    struct mailbox *mb;              /* the loop's */
    struct metrics_owner *metrics;   /* may be NULL */
};

struct endorser_service *endorser_service_new(const struct endorser_service_config *config);
/* After its grpc_server is freed and the workers have ended. */
void endorser_service_free(struct endorser_service *s);
WEFT_DEFINE_CLEANUP(struct endorser_service *, endorser_service_free)

/* For the method table. */
void endorser_service_call(struct grpc_stream *s, void *service, struct net_msg *request);
extern const struct grpc_stream_ops endorser_service_ops;

#endif
