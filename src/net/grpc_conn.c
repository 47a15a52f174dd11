#include "net/grpc_conn.h"

/* ---- between h2 and the streams ------------------------------------------------ */

static struct h2_stream *stream_new(struct h2 *h, void *user)
{
    (void)h;
    return &grpc_stream_new(user)->h2s;
}

static void on_settings(struct h2 *h, void *user)
{
    struct grpc_conn *c = user;
    (void)h;
    if (c->io != NULL)
        net_conn_settled(c->io);
    if (c->io != NULL && c->keepalive_ms > 0)
        loop_timer_set(c->net->loop, &c->keepalive, loop_now_ms(c->net->loop) + c->keepalive_ms);
    if (c->ops->on_ready != NULL)
        c->ops->on_ready(c);
}

static void on_goaway(struct h2 *h, void *user, uint32_t error, struct bytes text)
{
    struct grpc_conn *c = user;
    (void)h;
    if (c->ops->on_goaway != NULL)
        c->ops->on_goaway(c, error, text);
}

static void on_wake(struct h2 *h, void *user)
{
    struct grpc_conn *c = user;
    (void)h;
    if (c->io != NULL)
        net_conn_wake(c->io);
}

static const struct h2_ops streams = {
    .stream_new = stream_new,
    .on_header = grpc_stream_header,
    .on_headers_end = grpc_stream_headers_end,
    .on_data = grpc_stream_data,
    .on_end = grpc_stream_end,
    .on_writable = grpc_stream_writable,
    .on_drained = grpc_stream_drained,
    .on_close = grpc_stream_closed,
    .on_settings = on_settings,
    .on_goaway = on_goaway,
    .wake = on_wake,
};

/* ---- between the socket and h2 --------------------------------------------------- */

enum weft_code grpc_conn_bytes(struct grpc_conn *c, struct bytes data, struct weft_err *e)
{
    c->busy++;
    enum weft_code rc = h2_recv(c->h2, data, loop_now_ms(c->net->loop), e);
    c->busy--;
    return rc;
}

static void io_open(void *user, struct net_conn *io)
{
    struct grpc_conn *c = user;
    c->io = io;
    c->opened = true;
    if (c->ops->on_open != NULL)
        c->ops->on_open(c);
}

static enum weft_code io_bytes(void *user, struct bytes data, struct weft_err *e)
{
    return grpc_conn_bytes(user, data, e);
}

static enum weft_code io_pull(void *user, struct buf *out, size_t enough, struct weft_err *e)
{
    struct grpc_conn *c = user;
    c->busy++;
    enum weft_code rc = h2_pull(c->h2, out, enough, e);
    c->busy--;
    return rc;
}

static bool io_is_over(void *user)
{
    struct grpc_conn *c = user;
    return h2_is_over(c->h2);
}

static void io_down(void *user, const struct net_peer *peer, const struct weft_err *why)
{
    struct grpc_conn *c = user;
    c->io = NULL;
    c->ops->on_down(c, peer, why);
}

const struct net_conn_ops grpc_conn_io = {
    .on_open = io_open,
    .on_bytes = io_bytes,
    .on_pull = io_pull,
    .is_over = io_is_over,
    .on_down = io_down,
};

/* ---- keepalive --------------------------------------------------------------------- */

static void keepalive_due(struct loop_timer *t)
{
    struct grpc_conn *c = WEFT_CONTAINER_OF(t, struct grpc_conn, keepalive);
    uint64_t now = loop_now_ms(c->net->loop), heard = net_conn_heard_ms(c->io);
    if (c->ping_sent_ms != 0 && heard < c->ping_sent_ms) {
        net_conn_kill(c->io, WEFT_UNAVAILABLE, "keepalive ping failed to receive ACK in time");
        return;
    }
    c->ping_sent_ms = 0;
    if (now < heard + c->keepalive_ms) {
        loop_timer_set(c->net->loop, t, heard + c->keepalive_ms);
        return;
    }
    c->ping_sent_ms = now;
    h2_ping(c->h2);
    loop_timer_set(c->net->loop, t, now + c->keepalive_timeout_ms);
}

/* ---- life ---------------------------------------------------------------------------- */

void grpc_conn_init(struct grpc_conn *c, enum h2_side side, struct net *net,
                    const struct grpc_conn_ops *ops, void *owner)
{
    *c = (struct grpc_conn){ .side = side,
                             .net = net,
                             .ops = ops,
                             .owner = owner,
                             .keepalive.fire = keepalive_due,
                             .keepalive_ms = net->limits.keepalive_ms,
                             .keepalive_timeout_ms = net->limits.keepalive_timeout_ms };
    c->h2 = h2_new(side, &streams, c, &net->limits);
}

void grpc_conn_down(struct grpc_conn *c)
{
    loop_timer_clear(c->net->loop, &c->keepalive);
    h2_free(c->h2); /* a second time it is NULL */
    c->h2 = NULL;
    net_conn_free(c->io);
    c->io = NULL;
}

void grpc_conn_done(struct grpc_conn *c)
{
    grpc_conn_down(c);
    for (struct grpc_stream *s = c->orphans, *next; s != NULL; s = next) {
        next = s->next_orphan;
        grpc_stream_forget(s);
    }
}
