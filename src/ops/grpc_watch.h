/* grpc_watch.h - a gRPC server's calls as metrics and as lines in the log.
 *
 *     grpc_server_stream_requests_received{method="Deliver",service="orderer_AtomicBroadcast"} 1
 *     streaming call completed grpc.service=orderer.AtomicBroadcast grpc.method=Deliver
 *         grpc.peer_address=10.1.2.3:40123 grpc.code=OK grpc.call_duration=1.2ms
 *
 * One for each loop.  A daemon that has a struct of its own behind its
 * grpc_server_ops passes the calls on; one that has not uses grpc_watch_ops
 * with the watch as `user`.
 *
 * Go origin   common/grpcmetrics/interceptor.go common/grpclogging/server.go
 *             internal/pkg/comm/serverstatshandler.go
 * Differs     calls of methods that we don't have are neither counted nor logged,
 *             and neither are payloads
 * Owner       the loop's thread
 * Memory      a row a method; the methods outlive the watch
 */
#ifndef WEFT_OPS_GRPC_WATCH_H
#define WEFT_OPS_GRPC_WATCH_H

#include "net/grpc_server.h"
#include "ops/metrics.h"

struct grpc_watch;

/* owner may be NULL: then calls are logged only. */
struct grpc_watch *grpc_watch_new(struct metrics_owner *owner, const struct grpc_method *methods,
                                  size_t count);
void grpc_watch_free(struct grpc_watch *w);
WEFT_DEFINE_CLEANUP(struct grpc_watch *, grpc_watch_free)

void grpc_watch_conn(struct grpc_watch *w, bool opened);
void grpc_watch_call(struct grpc_watch *w, const struct grpc_method *m);
void grpc_watch_message(struct grpc_watch *w, const struct grpc_method *m, bool sent);
void grpc_watch_call_end(struct grpc_watch *w, const struct grpc_call_end *end);

extern const struct grpc_server_ops grpc_watch_ops;

#endif
