#include "grpc_world.h"

struct grpc_world w;

/* ---- handlers: the same for both ends --------------------------------------------- */

void world_on_message(struct grpc_stream *s, struct net_msg *m)
{
    struct world_side *me = grpc_stream_user(s);
    struct bytes b = net_msg_bytes(m);
    me->in_order = b.len == 0 || (me->in_order && b.data[0] == (uint8_t)me->messages);
    me->messages++;
    me->bytes += b.len;
    net_msg_unref(m);
    if (me->pause_each)
        grpc_stream_pause(s);
    if (w.free_on_message && me == &w.asked)
        grpc_client_free(WEFT_TAKE(w.client));
}

static void on_half_close(struct grpc_stream *s)
{
    struct world_side *me = grpc_stream_user(s);
    me->half_closed++;
}

static void on_writable(struct grpc_stream *s)
{
    struct world_side *me = grpc_stream_user(s);
    me->writable++;
}

void world_on_close(struct grpc_stream *s, enum grpc_code code, const char *message)
{
    struct world_side *me = grpc_stream_user(s);
    me->closed++;
    me->code = code;
    me->stream = NULL;
    (void)snprintf(me->words, sizeof(me->words), "%s", message);
}

static void on_open(struct grpc_stream *s, void *service)
{
    (void)service;
    w.answered.stream = s;
    w.answered.in_order = true;
    grpc_stream_set_user(s, &w.answered);
}

const struct grpc_stream_ops world_ops = {
    .on_open = on_open,
    .on_message = world_on_message,
    .on_half_close = on_half_close,
    .on_writable = on_writable,
    .on_close = world_on_close,
};

static void once(struct grpc_stream *s, void *service, struct net_msg *request)
{
    struct bytes v = { 0 };
    (void)service;
    if (grpc_meta_get(grpc_stream_metadata(s), "x-in-bin", &v)) {
        grpc_stream_add_header(s, "x-head-bin", v);
        grpc_stream_add_trailer(s, "x-tail", bytes_of_str("end"));
    }
    grpc_stream_reply(s, request);
}

static const struct grpc_method methods[] = { { .path = "/t.T/Stream", .ops = &world_ops },
                                              { .path = "/t.T/Once", .unary = once } };

/* ---- the world ----------------------------------------------------------------------- */

static void on_ready(void *user)
{
    (void)user;
    w.ready = true;
}

static void on_goaway(void *user, uint32_t error, struct bytes text)
{
    (void)user, (void)error, (void)text;
    w.goaways++;
}

static void on_down(void *user, const struct weft_err *why)
{
    (void)user;
    EXPECT(!w.down);
    w.down = true;
    w.why = *why;
}

static void on_stopped(void *user)
{
    (void)user;
    EXPECT(!w.stopped);
    w.stopped = true;
}

static void on_conn_failed(void *user, const struct net_peer *peer, const struct weft_err *why)
{
    (void)user, (void)peer, (void)why;
    w.failed_conns++;
}

static const struct grpc_client_ops client_ops = { .on_ready = on_ready,
                                                   .on_goaway = on_goaway,
                                                   .on_down = on_down };
static void watch_conn(void *user, bool opened)
{
    (void)user;
    w.seen.conns[opened ? 0 : 1]++;
}

static void watch_call(void *user, const struct grpc_method *m)
{
    (void)user, (void)m;
    w.seen.calls++;
}

static void watch_message(void *user, const struct grpc_method *m, bool sent)
{
    (void)user, (void)m;
    w.seen.messages[sent ? 1 : 0]++;
}

static void watch_end(void *user, const struct grpc_call_end *end)
{
    (void)user;
    w.seen.ends++;
    w.seen.code = end->code;
    (void)snprintf(w.seen.what, sizeof(w.seen.what), "%s %s %s", end->method->path,
                   grpc_stream_path(end->stream), end->message);
}

static const struct grpc_server_ops server_ops = { .on_conn = watch_conn,
                                                   .on_call = watch_call,
                                                   .on_call_message = watch_message,
                                                   .on_call_end = watch_end,
                                                   .on_stopped = on_stopped,
                                                   .on_conn_failed = on_conn_failed };

void world_dial(const char *address, uint32_t timeout_ms)
{
    const struct grpc_client_config config = { .address = address,
                                               .connect_timeout_ms = timeout_ms,
                                               .keepalive_ms = w.limits.keepalive_ms,
                                               .keepalive_timeout_ms = 100 };
    w.client = grpc_client_new(w.net, &config, &client_ops, NULL);
}

void world_begin(void)
{
    struct weft_err e;
    w.loop = loop_new(NULL, NULL);
    w.net = net_new(w.loop, &w.limits, NULL, NULL);
    w.server = grpc_server_new(w.net, methods, 2, NULL, &server_ops, NULL);
    const struct grpc_target to = { w.server, NULL };
    EXPECT_OK(grpc_listener_new(w.net, "127.0.0.1:0", &to, 1, &w.listener, &e));
}

void world_start(void)
{
    w = (struct grpc_world){ .limits = NET_LIMITS_DEFAULT };
    world_begin();
}

void world_finish(void)
{
    grpc_client_free(w.client);
    grpc_listener_free(w.listener);
    grpc_server_free(w.server);
    net_free(w.net);
    loop_free(w.loop);
}

void world_turns(void)
{
    for (int i = 0; i < 30; i++)
        loop_turn(w.loop, 5);
}

void world_connect(void)
{
    world_dial(grpc_listener_address(w.listener), 5000);
    WORLD_WAIT(w.ready);
}

void world_call(uint64_t timeout_ms)
{
    w.asked.in_order = true;
    w.asked.stream =
        grpc_client_call(w.client, "/t.T/Stream", NULL, timeout_ms, &world_ops, &w.asked);
    EXPECT(w.asked.stream != NULL);
    WORLD_WAIT(w.answered.stream != NULL);
}

void world_send(struct grpc_stream *s, size_t n, size_t size)
{
    struct weft_err e;
    uint8_t *to;
    struct net_msg *m = net_msg_new(size, &to);
    memset(to, (int)(uint8_t)n, size);
    EXPECT_OK(grpc_stream_send(s, m, &e));
}

void world_on_reply(void *user, enum grpc_code code, const char *message, struct net_msg *m)
{
    struct world_reply *r = user;
    (void)message;
    EXPECT(!r->came);
    *r = (struct world_reply){ code, m, true };
}
