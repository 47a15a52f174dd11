/* grpc_client.h - the asking end: one connection and the calls on it.
 *
 * A grpc_client is one connection, not a pool: when it is down it stays down,
 * and its owner, who knows how long to wait, makes another.
 *
 *     new -> (resolve, connect, TLS, SETTINGS) -> on_ready
 *      \________________ any failure, or the end __________> on_down, once
 *
 * Calls may be made at once; they leave when the connection is there.
 *
 *     struct grpc_client *c = grpc_client_new(net, &config, &ops, self);
 *     struct grpc_stream *s = grpc_client_call(c, "/echo.Echo/Chat", NULL, 0, &chat_ops, self);
 *     grpc_stream_send(s, net_msg_copy(bytes_of_str("hello")), &e);
 *
 * Go origin   internal/pkg/comm/client.go internal/pkg/comm/connection.go
 * Differs     never connects again by itself
 * Owner       the loop's thread
 * Memory      config is copied; tls is counted; free cancels the calls
 * Limits      struct net_limits of the net
 */
#ifndef WEFT_NET_GRPC_CLIENT_H
#define WEFT_NET_GRPC_CLIENT_H

#include "net/grpc_stream.h"
#include "net/tls.h"

struct grpc_client;

struct grpc_client_config {
    const char *address;         /* "orderer.example.com:7050" */
    struct tls_context *tls;     /* NULL: plain text */
    const char *host_override;   /* the name to expect in the certificate; NULL: the address's */
    uint32_t connect_timeout_ms; /* for all of it, names and TLS included */
    uint32_t keepalive_ms;       /* a ping after so much silence; 0: the net's limits say */
    uint32_t keepalive_timeout_ms;
};

/* Any may be NULL. */
struct grpc_client_ops {
    void (*on_ready)(void *user);
    /* The server wants no new calls; those that are open go on. */
    void (*on_goaway)(void *user, uint32_t h2_error, struct bytes text);
    /* It is down; the calls have been closed.  May free the client.
     * why->code is WEFT_OK after grpc_client_close. */
    void (*on_down)(void *user, const struct weft_err *why);
};

struct grpc_client *grpc_client_new(struct net *net, const struct grpc_client_config *config,
                                    const struct grpc_client_ops *ops, void *user);
/* From anywhere, its own callbacks too.  No on_down; on_close for each call. */
void grpc_client_free(struct grpc_client *c);
WEFT_DEFINE_CLEANUP(struct grpc_client *, grpc_client_free)

/* Ends when the open calls have ended; on_down follows. */
void grpc_client_close(struct grpc_client *c);

bool grpc_client_is_ready(const struct grpc_client *c);
const struct net_peer *grpc_client_peer(const struct grpc_client *c);

/* metadata and timeout_ms may be NULL and 0.  NULL: it is down, or the server
 * wants no new calls. */
struct grpc_stream *grpc_client_call(struct grpc_client *c, const char *path,
                                     const struct grpc_meta *metadata, uint64_t timeout_ms,
                                     const struct grpc_stream_ops *ops, void *user);

/* One request, one answer.  Takes request.  reply comes once, with the
 * message only if the code is GRPC_OK; it is given away.  NULL as above:
 * reply is not called then. */
typedef void grpc_reply_fn(void *user, enum grpc_code code, const char *message,
                           struct net_msg *reply);
struct grpc_stream *grpc_client_unary(struct grpc_client *c, const char *path,
                                      const struct grpc_meta *metadata, uint64_t timeout_ms,
                                      struct net_msg *request, grpc_reply_fn *reply, void *user);

#endif
