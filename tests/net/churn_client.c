/* Many connections that open, stall, die and come back at random, and a few
 * that do not take part: those must not lose a message.
 *
 *   churn_client --connect ADDRESS [--roots F ...] SECONDS CONNECTIONS SEED */
#include "base/rand.h"
#include "net/grpc_client.h"
#include "os/loop.h"
#include "test_options.h"

#include <inttypes.h>

enum {
    STEADY = 10,
    IN_FLIGHT = 8,
    PER_TURN = 16,
    CONNECT_MS = 30000
};

struct slot {
    struct grpc_client *client;
    struct grpc_stream *stream;
    bool gone; /* down, to be freed */
};

struct steady {
    struct grpc_stream *stream;
    uint32_t sent, got;
    bool stop, ended, wrong;
};

static struct {
    struct loop *loop;
    struct net *net;
    struct grpc_client_config config;
    struct weft_rand rand;
    struct slot *slots;
    struct steady steady[STEADY];
    struct grpc_client *calm;
    uint64_t opened, killed, cancelled, stalled;
} t;

/* ---- the steady ones ---------------------------------------------------------------- */

static void steady_send(struct steady *me)
{
    struct weft_err e;
    while (!me->stop && me->sent - me->got < IN_FLIGHT) {
        uint8_t *to;
        struct net_msg *m = net_msg_new(4 + me->sent % 3000, &to);
        memset(to, 's', m->len);
        memcpy(to, &me->sent, 4);
        me->sent++;
        if (grpc_stream_send(me->stream, m, &e) != WEFT_OK)
            me->wrong = true;
    }
}

static void steady_message(struct grpc_stream *s, struct net_msg *m)
{
    struct steady *me = grpc_stream_user(s);
    struct bytes b = net_msg_bytes(m);
    uint32_t n = 0;
    if (b.len >= 4)
        memcpy(&n, b.data, 4);
    me->wrong = me->wrong || n != me->got || b.len != 4 + n % 3000;
    me->got++;
    net_msg_unref(m);
    steady_send(me);
}

static void steady_close(struct grpc_stream *s, enum grpc_code code, const char *message)
{
    struct steady *me = grpc_stream_user(s);
    (void)message;
    me->ended = true;
    me->wrong = me->wrong || code != GRPC_OK || me->got != me->sent;
}

static const struct grpc_stream_ops steady_ops = { .on_message = steady_message,
                                                   .on_close = steady_close };

/* ---- the others ----------------------------------------------------------------------- */

static void churn_close(struct grpc_stream *s, enum grpc_code code, const char *message)
{
    struct slot *me = grpc_stream_user(s);
    (void)code, (void)message;
    me->stream = NULL;
}

static const struct grpc_stream_ops churn_ops = { .on_close = churn_close };

static void churn_down(void *user, const struct weft_err *why)
{
    struct slot *me = user;
    (void)why;
    me->gone = true;
}

static const struct grpc_client_ops client_ops = { .on_down = churn_down };

static void open_call(struct slot *s)
{
    static const char *const paths[] = { "/test.Echo/Chat", "/test.Echo/List", "/test.Echo/Hang",
                                         "/test.Echo/Stall" };
    struct weft_err e;
    s->stream = grpc_client_call(s->client, paths[weft_rand_below(&t.rand, 4)], NULL,
                                 weft_rand_below(&t.rand, 2) * 500, &churn_ops, s);
    if (s->stream != NULL)
        (void)grpc_stream_send(s->stream, net_msg_copy(bytes_of_str("1000 10000")), &e);
}

static void send_some(struct slot *s)
{
    struct weft_err e;
    uint8_t *to;
    struct net_msg *m = net_msg_new(weft_rand_below(&t.rand, 50000), &to);
    memset(to, 'c', m->len);
    (void)grpc_stream_send(s->stream, m, &e);
}

static void kill_one(struct slot *s)
{
    grpc_client_free(s->client);
    *s = (struct slot){ 0 };
    t.killed++;
}

static void do_something(struct slot *s)
{
    if (s->client == NULL) {
        s->client = grpc_client_new(t.net, &t.config, &client_ops, s);
        t.opened++;
        return;
    }
    if (s->gone || weft_rand_below(&t.rand, 12) == 0) {
        kill_one(s);
        return;
    }
    if (s->stream == NULL) {
        open_call(s);
        return;
    }
    switch (weft_rand_below(&t.rand, 6)) {
    case 0:
        grpc_stream_pause(s->stream);
        t.stalled++;
        break;
    case 1:
        grpc_stream_resume(s->stream);
        break;
    case 2:
        grpc_stream_cancel(s->stream);
        t.cancelled++;
        break;
    case 3:
        grpc_stream_half_close(s->stream);
        break;
    default:
        send_some(s);
        break;
    }
}

/* ---- main --------------------------------------------------------------------------------- */

static bool all_ended(void)
{
    for (size_t i = 0; i < STEADY; i++)
        if (!t.steady[i].ended)
            return false;
    return true;
}

static void churn(uint64_t seconds, size_t count)
{
    uint64_t until = loop_now_ms(t.loop) + seconds * 1000;
    while (loop_now_ms(t.loop) < until) {
        for (size_t i = 0; i < PER_TURN; i++)
            do_something(&t.slots[weft_rand_below(&t.rand, count)]);
        loop_turn(t.loop, 5);
    }
    for (size_t i = 0; i < count; i++)
        grpc_client_free(t.slots[i].client);
}

static int report(void)
{
    uint64_t messages = 0;
    bool wrong = false;
    for (size_t i = 0; i < STEADY; i++) {
        messages += t.steady[i].got;
        wrong = wrong || t.steady[i].wrong || !t.steady[i].ended;
    }
    (void)printf("opened %" PRIu64 " killed %" PRIu64 " cancelled %" PRIu64 " stalled %" PRIu64
                 "; %" PRIu64 " messages left alone: %s\n",
                 t.opened, t.killed, t.cancelled, t.stalled, messages,
                 wrong ? "WRONG" : "all there");
    return wrong ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct test_options o;
    test_options_parse(&o, argc, argv);
    if (o.rest + 2 >= argc)
        return 2;
    size_t count = strtoul(argv[o.rest + 1], NULL, 10);
    struct tls_context *tls = test_tls_context(TLS_CLIENT, &o);
    t.loop = loop_new(NULL, NULL);
    t.net = net_new(t.loop, &o.limits, NULL, NULL);
    t.rand = weft_rand_of(strtoul(argv[o.rest + 2], NULL, 10));
    t.config = (struct grpc_client_config){ .address = o.address,
                                            .tls = tls,
                                            .connect_timeout_ms = CONNECT_MS };
    t.slots = weft_alloc(count * sizeof(*t.slots));
    t.calm = grpc_client_new(t.net, &t.config, NULL, NULL);
    for (size_t i = 0; i < STEADY; i++) {
        t.steady[i].stream =
            grpc_client_call(t.calm, "/test.Echo/Chat", NULL, 0, &steady_ops, &t.steady[i]);
        steady_send(&t.steady[i]);
    }
    churn(strtoul(argv[o.rest], NULL, 10), count);
    for (size_t i = 0; i < STEADY; i++) {
        t.steady[i].stop = true;
        grpc_stream_half_close(t.steady[i].stream);
    }
    uint64_t until = loop_now_ms(t.loop) + CONNECT_MS;
    while (!all_ended() && loop_now_ms(t.loop) < until)
        loop_turn(t.loop, 100);
    int rc = report();
    grpc_client_free(t.calm);
    net_free(t.net);
    loop_free(t.loop);
    tls_context_unref(tls);
    free(t.slots);
    return rc;
}
