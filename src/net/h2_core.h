/* h2_core.h - inside src/net: the state of struct h2, for h2.c and h2_receive.c.
 *
 * h2.c sends, h2_receive.c receives; both are nghttp2's callbacks on one struct.
 *
 * Go origin   none
 * Owner       the connection's thread
 */
#ifndef WEFT_NET_H2_CORE_H
#define WEFT_NET_H2_CORE_H

#include "net/h2.h"
#include "net/rate_limit.h"

#include <nghttp2/nghttp2.h>

struct h2_out {
    struct h2_out *next;
    struct net_msg *msg;
};

struct h2 {
    nghttp2_session *session;
    enum h2_side side;
    const struct h2_ops *ops;
    void *user;
    const struct net_limits *limits;
    struct h2_stream *streams;
    size_t stream_count;
    struct h2_stream *turn; /* whose messages are sent now */
    size_t turn_sent;
    struct h2_stream *waiting, **waiting_end;
    struct buf *pulled; /* while pulling, until there is */
    size_t pull_enough; /* so much */
    size_t held;        /* received, not yet consumed */
    enum h2_life {
        LIFE_OPEN,
        LIFE_DRAIN_NOTICED, /* told not to open streams; those on the way still count */
        LIFE_DRAINING,      /* the final GOAWAY is queued */
        LIFE_DYING,         /* GOAWAY with an error is queued */
        LIFE_OVER,
    } life;
    bool is_shut;     /* somebody waits for the connection's window */
    bool opens_early; /* the peer, a stream's window: before three quarters of it are used */
    bool has_settings;
    uint64_t now_ms, last_ping_ms;
    uint32_t ping_strikes;
    bool sent_since_ping;
    struct rate_limit glitches;
};

/* What the peer is sent to be recognised when a drain has reached it. */
extern const uint8_t h2_drain_ping[8];

static inline void h2_wake(struct h2 *h)
{
    h->ops->wake(h, h->user);
}

static inline struct h2_stream *h2_stream_of(const struct h2 *h, int32_t id)
{
    return nghttp2_session_get_stream_user_data(h->session, id);
}

static inline bool h2_has_something_to_send(const struct h2_stream *s)
{
    return s->out != NULL || s->sending == H2_ENDING;
}

/* Something no honest peer does often. */
void h2_glitch(struct h2 *h, uint32_t cost);
void h2_link(struct h2 *h, struct h2_stream *s, int32_t id);
void h2_close_stream(struct h2 *h, struct h2_stream *s, uint32_t error);
void h2_join_queue(struct h2 *h, struct h2_stream *s);
/* The peer takes more: so much of this stream, of the connection (NULL); or perhaps of all. */
void h2_window_opened(struct h2 *h, struct h2_stream *s, int32_t by);
void h2_windows_opened(struct h2 *h);
void h2_set_receive_callbacks(nghttp2_session_callbacks *c);

#endif
