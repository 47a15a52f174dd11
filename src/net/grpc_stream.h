/* grpc_stream.h - one call, seen from either end.
 *
 * A call is a stream of messages each way, metadata before, a status behind:
 *
 *   client                                   server
 *   grpc_client_call        -- headers -->   on_open
 *   grpc_stream_send        -- message -->   on_message      (any number)
 *   grpc_stream_half_close  ------------->   on_half_close
 *   on_headers, on_message  <-- message --   grpc_stream_send
 *   on_close(status)        <-- status  --   grpc_stream_finish, then on_close
 *
 * on_close comes exactly once and last, whatever happened; afterwards the
 * stream is gone.  Work on other threads therefore keeps no pointer to a
 * stream: it holds an object of the handler's own, whose stream pointer
 * on_close sets to NULL, and comes back to the loop by mail.
 *
 * Back-pressure.  Towards us: after grpc_stream_pause no more messages come
 * (one that is on its way through on_message has been handed over), and the
 * peer stops when its window is spent; grpc_stream_resume goes on.  Towards
 * the peer: send while grpc_stream_is_writable, then wait for on_writable.
 *
 * Go origin   none (vendored google.golang.org/grpc/stream.go)
 * Owner       the thread of the connection's loop, for every call here
 * Memory      messages that are passed are given away, both ways; metadata is
 *             borrowed until on_close returns
 * Limits      struct net_limits: message sizes, outbound queue, windows
 */
#ifndef WEFT_NET_GRPC_STREAM_H
#define WEFT_NET_GRPC_STREAM_H

#include "net/grpc_meta.h"
#include "net/net.h"
#include "net/net_msg.h"

struct grpc_stream;

/* Any of them may be NULL: then nothing is done (a message is dropped). */
struct grpc_stream_ops {
    void (*on_open)(struct grpc_stream *s, void *service); /* server: the request's headers */
    void (*on_headers)(struct grpc_stream *s);             /* client: the response's */
    void (*on_message)(struct grpc_stream *s, struct net_msg *m); /* m is now the handler's */
    void (*on_half_close)(struct grpc_stream *s);                 /* server: no more messages */
    void (*on_writable)(struct grpc_stream *s);
    /* Client: the status.  Server: what was given to finish, or CANCELLED,
     * DEADLINE_EXCEEDED, UNAVAILABLE when the call ended before that. */
    void (*on_close)(struct grpc_stream *s, enum grpc_code code, const char *message);
};

void grpc_stream_set_user(struct grpc_stream *s, void *user);
void *grpc_stream_user(const struct grpc_stream *s);

const char *grpc_stream_path(const struct grpc_stream *s);
const struct net_peer *grpc_stream_peer(const struct grpc_stream *s);
/* What the peer sent before its messages; and, a client's, behind them. */
const struct grpc_meta *grpc_stream_metadata(const struct grpc_stream *s);
const struct grpc_meta *grpc_stream_trailers(const struct grpc_stream *s);
/* Monotonic, as loop_now_ms; 0: none. */
uint64_t grpc_stream_deadline_ms(const struct grpc_stream *s);

/* Takes m in any case.  WEFT_LIMIT: larger than message_send_bytes, or too
 * much is queued; WEFT_CANCELLED: the call is ending. */
enum weft_code grpc_stream_send(struct grpc_stream *s, struct net_msg *m, struct weft_err *e);
/* At most outbound_low_bytes are queued.  After a false on_writable comes, once they are. */
bool grpc_stream_is_writable(struct grpc_stream *s);
/* Nothing is, and the peer takes some more at once: for who must not hold a message that has to
 * wait.  Likewise. */
bool grpc_stream_is_drained(struct grpc_stream *s);
size_t grpc_stream_queued(const struct grpc_stream *s);

void grpc_stream_pause(struct grpc_stream *s);
void grpc_stream_resume(struct grpc_stream *s);

/* Server: headers go with the first message, trailers with the status. */
void grpc_stream_add_header(struct grpc_stream *s, const char *name, struct bytes value);
void grpc_stream_add_trailer(struct grpc_stream *s, const char *name, struct bytes value);
/* Server: the end, after what is queued.  Later messages of the peer are
 * dropped.  message may be NULL. */
void grpc_stream_finish(struct grpc_stream *s, enum grpc_code code, const char *message);
/* Server: the one message and OK.  Takes m. */
void grpc_stream_reply(struct grpc_stream *s, struct net_msg *m);

/* Client: no more messages from us. */
void grpc_stream_half_close(struct grpc_stream *s);
/* Either end: now, without a word; what is queued is dropped. */
void grpc_stream_cancel(struct grpc_stream *s);

#endif
