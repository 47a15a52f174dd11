/* operations.h - a node's operations endpoint: how is it, what does it count?
 *
 *     GET  /healthz    200 {"status":"OK","time":"..."}, 503 with the failed checks
 *     GET  /metrics    everything counted, for Prometheus (provider: prometheus)
 *     GET  /logspec    200 {"spec":"info"};  PUT {"spec":"gossip=debug:info"}  204
 *     GET  /version    200 {"CommitSHA":"...","Version":"..."}
 *
 * With TLS, /metrics, /logspec and handlers that are added answer 401 to whoever
 * showed no client certificate; /healthz and /version answer everybody that TLS
 * lets in.
 *
 *     struct operations *o = operations_new(metrics, &config->metrics);
 *     operations_add_checker(o, "ledger", ledger_is_well, ledger);
 *     operations_add_handler(o, "/participation/v1/", 1 << 20, participation, p);
 *     operations_start(o, "127.0.0.1:8443", &config->operations_tls, &e);
 *     ...
 *     operations_free(o);
 *
 * A node that is stuck must still be able to say so: checkers and handlers run
 * on the operations thread, read atomics, and meet other threads by mail only.
 *
 * Go origin   core/operations/system.go core/operations/metrics.go
 *             core/operations/version.go core/middleware/require_cert.go
 *             core/middleware/request_id.go common/flogging/httpadmin/spec.go
 *             vendor/github.com/hyperledger/fabric-lib-go/healthz/checker.go
 * Differs     checks run in the order of their registration and have no time limit: they
 *             don't wait; neither CommitSHA nor go_ metrics
 * Owner       new, add, start and free: main; operations_answer: the operations thread
 * Memory      names that are added are copied; the configuration's texts outlive it; what ctx points to outlives it
 * Limits      http_server.h; OPERATIONS_CHECKERS and OPERATIONS_HANDLERS
 */
#ifndef WEFT_OPS_OPERATIONS_H
#define WEFT_OPS_OPERATIONS_H

#include "config/config_parts.h"
#include "ops/http.h"
#include "ops/metrics.h"

struct operations;

enum {
    OPERATIONS_CHECKERS = 16,
    OPERATIONS_HANDLERS = 8
};

/* False: not well; `reason` says why, for people. */
typedef bool operations_check_fn(void *ctx, struct buf *reason);

/* With provider statsd, operations_start starts sending (statsd.h).  A provider that we don't have
 * is said in the log. */
struct operations *operations_new(struct metrics *m, const struct config_metrics *config);
/* Stops it, too. */
void operations_free(struct operations *o);
WEFT_DEFINE_CLEANUP(struct operations *, operations_free)

/* Before the start. */
void operations_add_checker(struct operations *o, const char *component, operations_check_fn *check,
                            void *ctx);
/* Everything below a path ("/participation/v1/"), or one path; bodies up to
 * body_most bytes. */
void operations_add_handler(struct operations *o, const char *path, size_t body_most,
                            http_handler_fn *handle, void *ctx);

/* address: "" is any port on every interface, as with Fabric. */
enum weft_code operations_start(struct operations *o, const char *address,
                                const struct config_tls *tls, struct weft_err *e) WEFT_MUST_CHECK;
/* "127.0.0.1:40123" */
const char *operations_address(const struct operations *o);

/* What the endpoint answers; for its thread, and for tests. */
void operations_answer(struct operations *o, const struct http_request *rq,
                       struct http_response *rs);

#endif
