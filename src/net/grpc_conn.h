/* grpc_conn.h - inside src/net: what server and client have in common.
 *
 * A grpc_conn joins one connection's bytes (net_conn) with its HTTP/2 state
 * (h2) and makes streams into calls.  Only grpc_*.c and tests include this.
 *
 * Go origin   none
 * Owner       the loop's thread
 * Memory      streams are freed when their h2 stream has closed and, a
 *             client's, all its messages were delivered
 */
#ifndef WEFT_NET_GRPC_CONN_H
#define WEFT_NET_GRPC_CONN_H

#include "net/grpc_frame.h"
#include "net/grpc_stream.h"
#include "net/h2.h"
#include "net/net_conn.h"
#include "os/loop.h"

struct grpc_conn;

struct grpc_conn_ops {
    /* Connected, hands shaken. */
    void (*on_open)(struct grpc_conn *c);
    /* Server: a message of a call has come, or is sent; a call has ended. */
    void (*on_message)(struct grpc_stream *s, bool sent);
    void (*on_stream_end)(struct grpc_stream *s);
    /* Server: the request's headers are complete. */
    void (*on_request)(struct grpc_stream *s);
    /* The connection speaks HTTP/2. */
    void (*on_ready)(struct grpc_conn *c);
    void (*on_goaway)(struct grpc_conn *c, uint32_t error, struct bytes text);
    /* The last call; all streams are closed.  Frees or forgets c. */
    void (*on_down)(struct grpc_conn *c, const struct net_peer *peer, const struct weft_err *why);
};

struct grpc_conn {
    enum h2_side side;
    struct net *net;
    struct net_conn *io; /* NULL: none yet, or a test's own bytes */
    struct h2 *h2;
    const struct grpc_conn_ops *ops;
    void *owner;                    /* the server or the client */
    struct grpc_conn *next, **link; /* of a server */
    struct loop_timer keepalive;
    uint64_t ping_sent_ms; /* 0: no ping is out */
    uint32_t keepalive_ms, keepalive_timeout_ms;
    size_t partial_bytes;        /* room of begun messages */
    struct grpc_stream *orphans; /* closed by h2, messages still held */
    struct net_peer no_peer;
    bool opened;          /* connected, hands shaken */
    unsigned busy;        /* inside a callback: it must not be freed */
    const char *why_down; /* while its streams are closed */
};

enum grpc_life {
    GRPC_STREAM_HEADERS, /* server: the request's headers are arriving */
    GRPC_STREAM_OPEN,
    GRPC_STREAM_ENDING, /* the status is decided; input is dropped */
    GRPC_STREAM_CUT,    /* ended by us at once; on_close is due */
    GRPC_STREAM_CLOSED, /* on_close is done or being called */
};

struct grpc_stream {
    struct h2_stream h2s; /* first: h2's callbacks give it back */
    struct grpc_conn *conn;
    const struct grpc_stream_ops *ops;
    void *service, *user;
    void (*unary)(struct grpc_stream *s, void *service, struct net_msg *request);
    struct net_msg *unary_request;
    const void *user_method; /* the server's row of its table */
    uint64_t began_ns;       /* when that was found */
    enum grpc_life life;
    bool h2_closed; /* h2s must not be used any more */
    bool paused;
    bool told_half_close;
    bool headers_complete; /* the peer's first ones */
    char *path;
    struct grpc_meta metadata, trailers; /* the peer's */
    struct grpc_meta to_send_headers, to_send_trailers;
    struct grpc_deframer deframer;
    size_t partial_counted;
    struct buf held; /* arrived while paused, from held_from on */
    size_t held_from;
    struct loop_task pump;
    struct loop_timer deadline;
    enum grpc_code code;
    char *message;
    bool has_status;
    /* request and response fields of gRPC's own */
    char encoding[24];
    unsigned http_status;
    bool is_post, has_te, is_grpc, bad_header;
    uint64_t timeout_ms;
    bool has_timeout;
    struct grpc_stream *next_orphan, **orphan_link;
};

void grpc_conn_init(struct grpc_conn *c, enum h2_side side, struct net *net,
                    const struct grpc_conn_ops *ops, void *owner);
/* Ends the connection and its streams, but not those whose messages wait for
 * their reader; those are left to done.  Without on_down. */
void grpc_conn_down(struct grpc_conn *c);
void grpc_conn_done(struct grpc_conn *c);
/* For net_conn. */
extern const struct net_conn_ops grpc_conn_io;

/* What net_conn calls, and a fuzz target too. */
enum weft_code grpc_conn_bytes(struct grpc_conn *c, struct bytes data, struct weft_err *e);

/* In grpc_stream.c: h2's side of a stream. */
struct grpc_stream *grpc_stream_new(struct grpc_conn *c);
void grpc_stream_header(struct h2_stream *h2s, struct bytes name, struct bytes value);
void grpc_stream_headers_end(struct h2_stream *h2s);
void grpc_stream_data(struct h2_stream *h2s, struct bytes data);
void grpc_stream_end(struct h2_stream *h2s);
void grpc_stream_writable(struct h2_stream *h2s);
void grpc_stream_drained(struct h2_stream *h2s);
void grpc_stream_closed(struct h2_stream *h2s, uint32_t error);
/* Its end, after h2's; calls on_close if that was not done. */
void grpc_stream_forget(struct grpc_stream *s);
/* Ends the call for a reason of ours: status to a client of ours, trailers to a peer. */
void grpc_stream_fail(struct grpc_stream *s, enum grpc_code code, const char *fmt, ...)
    WEFT_PRINTF(3, 4);
void grpc_stream_set_deadline(struct grpc_stream *s, uint64_t timeout_ms);

/* In grpc_server.c: a connection without a socket yet. */
struct grpc_server;
struct grpc_conn *grpc_server_add_conn(struct grpc_server *sv);

/* Sends fields: fixed ones, then the list in its wire form. */
enum grpc_how {
    GRPC_REQUEST,
    GRPC_RESPONSE,
    GRPC_RESPONSE_LAST,
    GRPC_TRAILERS
};
bool grpc_send_fields(struct grpc_stream *s, enum grpc_how how, const struct h2_field *fixed,
                      size_t fixed_count, const struct grpc_meta *list);

#endif
