/* A whole server connection without a socket: any bytes, in any split, to
 * handlers that echo, pause, end early and give up.
 *
 *     [mode][seed] bytes ...
 *
 * mode bit 0: the connection's preface and a SETTINGS frame are put before the
 * bytes; bit 1: the output is read only now and then; bit 2: GOAWAY half-way. */
#include "net/grpc_conn.h"
#include "net/grpc_server.h"

#include "base/rand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void echo_message(struct grpc_stream *s, struct net_msg *m)
{
    struct weft_err e;
    if (grpc_stream_send(s, m, &e) != WEFT_OK)
        grpc_stream_finish(s, GRPC_RESOURCE_EXHAUSTED, e.msg);
    if (!grpc_stream_is_writable(s))
        grpc_stream_pause(s);
}

static void echo_half_close(struct grpc_stream *s)
{
    grpc_stream_add_trailer(s, "x-end-bin", bytes_of("\x00\xff", 2));
    grpc_stream_finish(s, GRPC_OK, NULL);
}

static const struct grpc_stream_ops echo = { .on_message = echo_message,
                                             .on_half_close = echo_half_close,
                                             .on_writable = grpc_stream_resume };

/* Pauses after each message; the loop resumes it. */
static void slow_message(struct grpc_stream *s, struct net_msg *m)
{
    net_msg_unref(m);
    grpc_stream_pause(s);
    if (grpc_stream_user(s) == NULL)
        grpc_stream_set_user(s, s);
    else
        grpc_stream_resume(s);
}

static const struct grpc_stream_ops slow = { .on_message = slow_message };

static void give_up(struct grpc_stream *s, struct net_msg *m)
{
    net_msg_unref(m);
    grpc_stream_cancel(s);
    grpc_stream_resume(s);
}

static const struct grpc_stream_ops gives_up = { .on_message = give_up };

static void ends_at_once(struct grpc_stream *s, void *service)
{
    (void)service;
    grpc_stream_finish(s, GRPC_ABORTED, "no \xc3\xa9");
}

static const struct grpc_stream_ops ends = { .on_open = ends_at_once };

static void reply(struct grpc_stream *s, void *service, struct net_msg *request)
{
    (void)service;
    grpc_stream_add_header(s, "x-a", bytes_of_str("b"));
    grpc_stream_reply(s, request);
}

static const struct grpc_method methods[] = {
    { .path = "/a/e", .ops = &echo },     { .path = "/a/s", .ops = &slow },
    { .path = "/a/g", .ops = &gives_up }, { .path = "/a/x", .ops = &ends },
    { .path = "/a/u", .unary = reply },
};

static void read_output(struct grpc_conn *c)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    struct weft_err e;
    WEFT_IGNORE(h2_pull(c->h2, &out, 20000, &e)); /* an error ends it elsewhere */
    WEFT_ASSERT(out.len < 20000 + (1 << 20));
}

static bool feed(struct grpc_conn *c, struct bytes data)
{
    struct weft_err e;
    bool alive = grpc_conn_bytes(c, data, &e) == WEFT_OK;
    loop_turn(c->net->loop, 0);
    return alive && !h2_is_over(c->h2);
}

static void talk(struct grpc_conn *c, struct bytes all, uint8_t mode, struct weft_rand *rand)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    if ((mode & 1) != 0 && !feed(c, bytes_of(preface, sizeof(preface) - 1)))
        return;
    size_t half = all.len / 2;
    while (all.len > 0) {
        size_t n = 1 + weft_rand_below(rand, 1 + weft_rand_below(rand, 2000));
        struct bytes piece = bytes_of(all.data, n < all.len ? n : all.len);
        all = bytes_skip(all, piece.len);
        if (!feed(c, piece))
            return;
        if ((mode & 2) == 0 || weft_rand_below(rand, 8) == 0)
            read_output(c);
        if ((mode & 4) != 0 && all.len <= half)
            h2_drain(c->h2);
    }
    for (int i = 0; i < 4; i++)
        read_output(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct net_limits limits = NET_LIMITS_DEFAULT;
    if (size < 2)
        return 0;
    limits.message_recv_bytes = 1 << 16;
    limits.partial_bytes = 1 << 16;
    limits.outbound_low_bytes = 64;
    limits.outbound_bytes = 1 << 16;
    limits.held_bytes = 1000;
    limits.streams = 8;
    limits.glitches_burst = 50;
    struct weft_rand rand = weft_rand_of(data[1]);
    struct loop *loop = loop_new(NULL, NULL);
    struct net *net = net_new(loop, &limits, NULL, NULL);
    struct grpc_server *sv =
        grpc_server_new(net, methods, WEFT_ARRAY_LEN(methods), NULL, NULL, NULL);
    struct grpc_conn *c = grpc_server_add_conn(sv);
    talk(c, bytes_of(data + 2, size - 2), data[0], &rand);
    WEFT_ASSERT(c->partial_bytes <= limits.partial_bytes);
    grpc_server_free(sv);
    net_free(net);
    loop_free(loop);
    return 0;
}
