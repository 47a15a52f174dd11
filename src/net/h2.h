/* h2.h - one HTTP/2 connection as a filter: bytes in, bytes out, no socket.
 *
 *      h2_recv(bytes)  -->  on_header, on_data, on_end, on_close
 *      h2_pull(buffer) <--  h2_respond, h2_request, h2_send, h2_end
 *
 * It stands on nghttp2 and adds three things:
 *
 *  Turns.    HTTP/2 libraries share a connection out by frames of 16 KB, and a
 *            peer that gets a hundred messages at once holds a hundred halves.
 *            Here a stream that has the turn sends whole messages, at least
 *            one and then up to 64 KB, and passes it on:
 *                frames:  AAAAAA BBBBBB CCCCCC AAAAAA    not  ABCABCABC
 *            A stream whose window is spent loses the turn until the peer
 *            opens it again.
 *  Shared    A message is a reference to a net_msg; its bytes are copied once,
 *  messages. into the frame.
 *  Defence.  Everything a peer can ask for without end is counted (net_limits):
 *            what goes over ends the connection with ENHANCE_YOUR_CALM.
 *
 * Received bytes are given back to the peer's window by h2_consume only: who
 * does not consume makes the peer wait.
 *
 * Go origin   none (vendored google.golang.org/grpc/internal/transport)
 * Owner       one thread; callbacks come from within h2_recv and h2_pull
 * Memory      the user embeds struct h2_stream; on_close is its last use
 * Limits      struct net_limits
 */
#ifndef WEFT_NET_H2_H
#define WEFT_NET_H2_H

#include "net/net_limits.h"
#include "net/net_msg.h"

struct h2;
struct h2_out;

/* The part of a stream that this file needs; embedded in the user's struct. */
struct h2_stream {
    struct h2 *h2;
    int32_t id;
    struct h2_stream *next, **link;           /* all of the connection */
    struct h2_stream *turn_next, **turn_link; /* those that wait for the turn */
    struct h2_out *out, **out_end;            /* messages to send */
    struct net_msg_reader out_read;           /* where in the first one it is, */
    size_t out_offset;                        /* how much of it is sent */
    size_t out_bytes;                         /* of all of them, unsent */
    size_t window_owed, conn_owed;            /* received, not yet consumed */
    size_t header_bytes,
        header_fields; /* received; whoever knows that a section ended resets them */
    bool headers_too_large;
    enum h2_sending {
        H2_IDLE,    /* no headers sent yet */
        H2_SENDING, /* headers sent: messages may follow */
        H2_ENDING,  /* no more messages: end when the queue is empty */
        H2_ENDED,
    } sending;
    bool remote_ended;
    bool starved;        /* on_writable is due when the queue is short again: */
    size_t starved_low;  /* so short, */
    bool starved_window; /* and the peer has a window open */
};

struct h2_field {
    struct bytes name, value;
};

/* Callbacks; they may call everything here but h2_recv, h2_pull and h2_free. */
struct h2_ops {
    /* A server's new stream: the user's struct, zeroed, or NULL to refuse it. */
    struct h2_stream *(*stream_new)(struct h2 *h, void *user);
    void (*on_header)(struct h2_stream *s, struct bytes name, struct bytes value);
    void (*on_headers_end)(struct h2_stream *s);
    void (*on_data)(struct h2_stream *s, struct bytes data);
    void (*on_end)(struct h2_stream *s);
    void (*on_writable)(struct h2_stream *s);
    /* The queue is empty after h2_end: h2_trailers may be called now. */
    void (*on_drained)(struct h2_stream *s);
    /* The last call: the struct may be freed.  An HTTP/2 error code. */
    void (*on_close)(struct h2_stream *s, uint32_t error);
    void (*on_settings)(struct h2 *h, void *user); /* the peer's first ones */
    void (*on_goaway)(struct h2 *h, void *user, uint32_t error, struct bytes text);
    /* There is something to pull. */
    void (*wake)(struct h2 *h, void *user);
};

enum h2_side {
    H2_SERVER,
    H2_CLIENT,
};

/* Keeps ops and limits. */
struct h2 *h2_new(enum h2_side side, const struct h2_ops *ops, void *user,
                  const struct net_limits *limits);
/* Closes the streams that are left (on_close for each). */
void h2_free(struct h2 *h);

/* Bytes of the peer.  An error ends the connection; what explains it to the
 * peer may still be pulled. */
enum weft_code h2_recv(struct h2 *h, struct bytes data, uint64_t now_ms,
                       struct weft_err *e) WEFT_MUST_CHECK;
/* Appends what is to be sent, until about `enough` bytes are there. */
enum weft_code h2_pull(struct h2 *h, struct buf *out, size_t enough,
                       struct weft_err *e) WEFT_MUST_CHECK;
/* Nothing more to say and to hear: GOAWAY is sent and all streams are closed. */
bool h2_is_over(const struct h2 *h);

/* No new streams; those that are open go on. */
void h2_drain(struct h2 *h);
/* GOAWAY with this error and its text, then over. */
void h2_terminate(struct h2 *h, uint32_t error, const char *text);
void h2_ping(struct h2 *h);
size_t h2_streams(const struct h2 *h);

/* A client's stream: s is zeroed and embedded.  False: no stream id left, or
 * the peer wants no new ones. */
bool h2_request(struct h2 *h, struct h2_stream *s, const struct h2_field *fields,
                size_t count) WEFT_MUST_CHECK;
/* A server's first headers; `last`: nothing follows. */
void h2_respond(struct h2_stream *s, const struct h2_field *fields, size_t count, bool last);
/* Takes the message. */
void h2_send(struct h2_stream *s, struct net_msg *m);
/* No more messages.  A server's on_drained then gives trailers. */
void h2_end(struct h2_stream *s);
void h2_trailers(struct h2_stream *s, const struct h2_field *fields, size_t count);
/* At most `low` bytes are queued and, if that is asked for too, the peer takes some more at once.
 * If not, on_writable comes when it is so. */
bool h2_is_short(struct h2_stream *s, size_t low, bool window);
/* Nothing is queued. */
bool h2_is_idle(const struct h2_stream *s);
void h2_reset(struct h2_stream *s, uint32_t error);

/* The application has taken n of the received bytes. */
void h2_consume(struct h2_stream *s, size_t n);

void h2_for_each(struct h2 *h, void (*fn)(struct h2_stream *s));

#endif
