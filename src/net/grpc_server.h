/* grpc_server.h - the answering end: methods, connections, listening.
 *
 * One grpc_server is one loop's share of a service; a daemon with four net
 * loops makes four of them over the same table, and one listener that deals
 * accepted sockets out to them in turn:
 *
 *     static const struct grpc_method methods[] = {
 *         { .path = "/echo.Echo/Chat", .ops = &chat_ops, .service = &state },
 *         { .path = "/echo.Echo/Once", .unary = once, .service = &state },
 *     };
 *     struct grpc_server *s = grpc_server_new(net, methods, 2, tls, NULL, NULL);
 *     const struct grpc_target to = { s, NULL };
 *     grpc_listener_new(net, "127.0.0.1:7050", &to, 1, &listener, e);
 *     loop_run(loop);
 *
 * Handlers are called on the loop's thread and never wait.
 *
 * Go origin   internal/pkg/comm/server.go
 * Owner       the loop's thread; new, free and listener_free also before it
 *             runs and after it has stopped
 * Memory      methods and their services outlive the server; free cancels what is open
 * Limits      struct net_limits of the net
 */
#ifndef WEFT_NET_GRPC_SERVER_H
#define WEFT_NET_GRPC_SERVER_H

#include "net/grpc_stream.h"
#include "net/tls.h"

struct mailbox;
struct grpc_server;
struct grpc_listener;

struct grpc_method {
    const char *path; /* "/package.Service/Method" */
    const struct grpc_stream_ops *ops;
    /* Instead of on_open, on_message and on_half_close: one request, which is
     * given away; answered by grpc_stream_reply or _finish, now or later (by
     * an object whose stream pointer ops->on_close clears). */
    void (*unary)(struct grpc_stream *s, void *service, struct net_msg *request);
    void *service;
};

/* One call of a method of ours has ended. */
struct grpc_call_end {
    const struct grpc_method *method;
    const struct grpc_stream *stream;
    enum grpc_code code;
    const char *message;
    uint64_t took_ns;
};

/* What a daemon may want to count or log; may be NULL, and so may each.  They
 * only look: no call on the stream but for its peer, path and deadline. */
struct grpc_server_ops {
    /* Hands are shaken; it is gone again. */
    void (*on_conn)(void *user, bool opened);
    /* A call came for a method of ours; a message of it came, or was sent. */
    void (*on_call)(void *user, const struct grpc_method *m);
    void (*on_call_message)(void *user, const struct grpc_method *m, bool sent);
    void (*on_call_end)(void *user, const struct grpc_call_end *end);
    /* A connection ended with an error: a failed handshake, say. */
    void (*on_conn_failed)(void *user, const struct net_peer *peer, const struct weft_err *why);
    /* After grpc_server_stop: nothing is open any more. */
    void (*on_stopped)(void *user);
};

/* tls may be NULL (plain text); takes a reference. */
struct grpc_server *grpc_server_new(struct net *net, const struct grpc_method *methods,
                                    size_t count, struct tls_context *tls,
                                    const struct grpc_server_ops *ops, void *user);
void grpc_server_free(struct grpc_server *s);
WEFT_DEFINE_CLEANUP(struct grpc_server *, grpc_server_free)

/* For connections accepted from now on: new trusted roots, a new certificate. */
void grpc_server_set_tls(struct grpc_server *s, struct tls_context *tls);

/* An accepted socket; takes fd.  Closes it at once when there are too many. */
void grpc_server_accept(struct grpc_server *s, int fd);

/* No new connections and calls; what is open may end until the deadline, then
 * it is cut off.  on_stopped follows. */
void grpc_server_stop(struct grpc_server *s, uint32_t deadline_ms);

size_t grpc_server_connections(const struct grpc_server *s);

/* ---- listening --------------------------------------------------------------- */

/* Where accepted sockets go: a server, and the mailbox of its loop (NULL: it is
 * the listener's own loop). */
struct grpc_target {
    struct grpc_server *server;
    struct mailbox *mailbox;
};

/* Copies the targets.  "address already in use" is WEFT_EXISTS.  Addresses are
 * numeric, or a name that resolves at once (this call may wait for it). */
enum weft_code grpc_listener_new(struct net *net, const char *address,
                                 const struct grpc_target *targets, size_t count,
                                 struct grpc_listener **ret_listener,
                                 struct weft_err *e) WEFT_MUST_CHECK;
void grpc_listener_free(struct grpc_listener *l);
WEFT_DEFINE_CLEANUP(struct grpc_listener *, grpc_listener_free)
/* "127.0.0.1:40123": with port 0 the system has chosen one. */
const char *grpc_listener_address(const struct grpc_listener *l);

#endif
