/* net_loop.h - a daemon's net loop: a thread with its mailbox, its connections, its gRPC server.
 *
 *     n = net_loop_new(&config)                        mail may be put from now on
 *     net_loop_serve(n, methods, count, tls)           the services, which the daemon made
 *     net_loop_start(n, e)                             main
 *     ... net_loop_net(n) for connections of our own, on its thread ...
 *     net_loop_ask_stop(n), net_loop_join(n)           open calls get NET_LOOP_STOP_MS
 *     net_loop_close_calls(n)                          then the workers are ended, then
 *     net_loop_free(n)
 *
 * Calls are counted and logged here (grpc_watch.h), for every daemon alike.
 *
 * Go origin   internal/pkg/comm/server.go
 * Owner       new, serve, start, stop, free: main; all else: its own thread
 * Memory      everything of the loop; methods and their services are the daemon's
 * Limits      net_limits.h; NET_LOOP_MAIL messages wait
 */
#ifndef WEFT_NODE_NET_LOOP_H
#define WEFT_NODE_NET_LOOP_H

#include "net/grpc_server.h"

struct jobs;
struct loop;
struct metrics;
struct metrics_owner;
struct net_loop;

enum {
    NET_LOOP_MAIL = 1 << 16,
    NET_LOOP_STOP_MS = 300,
    NET_LOOPS_MAX = 16,
};

struct net_loop_config {
    const struct net_limits *limits;
    struct jobs *resolver;   /* NULL: it calls numeric addresses only */
    struct metrics *metrics; /* may be NULL */
    struct log *logger;      /* who tells of connections that failed */
};

struct net_loop *net_loop_new(const struct net_loop_config *config);
/* One loop for each core, at most NET_LOOPS_MAX. */
size_t net_loop_cores(void);

struct mailbox *net_loop_mailbox(const struct net_loop *n);
struct loop *net_loop_loop(const struct net_loop *n);
struct net *net_loop_net(const struct net_loop *n);
struct metrics_owner *net_loop_metrics(const struct net_loop *n);

/* tls may be NULL: plain text.  Keeps the methods. */
void net_loop_serve(struct net_loop *n, const struct grpc_method *methods, size_t count,
                    struct tls_context *tls);
struct grpc_server *net_loop_server(const struct net_loop *n);
/* For connections from now on; any thread but a loop's. */
void net_loop_set_tls(struct net_loop *n, struct tls_context *tls);

/* Work that took much memory is over: some of it may be this loop's (memory_rest.h).  Any
 * thread. */
void net_loop_rest_soon(struct net_loop *n);

enum weft_code net_loop_start(struct net_loop *n, struct weft_err *e) WEFT_MUST_CHECK;
void net_loop_ask_stop(struct net_loop *n);
void net_loop_join(struct net_loop *n);
/* Three steps, each for all loops before the next: close_calls ends the streams,
 * then the workers are ended, then free. */
void net_loop_close_calls(struct net_loop *n);
void net_loop_free(struct net_loop *n);
WEFT_DEFINE_CLEANUP(struct net_loop *, net_loop_free)

#endif
