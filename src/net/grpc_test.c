/* Both ends of calls in one process, on one loop, over loopback sockets. */
#include "net/grpc_client.h"
#include "net/grpc_server.h"
#include "os/clock.h"
#include "os/loop.h"

#include "weft_test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PATIENCE_MS = 20000
};

struct side {
    struct grpc_stream *stream;
    size_t messages, bytes, half_closed, closed, writable;
    enum grpc_code code;
    char words[128];
    bool pause_each, in_order;
};

static struct world {
    struct {
        unsigned conns[2], calls, messages[2], ends; /* opened, closed; received, sent */
        enum grpc_code code;
        char what[128];
    } seen;
    struct loop *loop;
    struct net *net;
    struct grpc_server *server;
    struct grpc_listener *listener;
    struct grpc_client *client;
    struct side asked, answered; /* the client's end of a call, the server's */
    bool ready, down, stopped, free_on_message;
    unsigned goaways, failed_conns;
    struct weft_err why;
    struct net_limits limits;
} w;

/* ---- handlers: the same for both ends --------------------------------------------- */

static void on_message(struct grpc_stream *s, struct net_msg *m)
{
    struct side *me = grpc_stream_user(s);
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
    struct side *me = grpc_stream_user(s);
    me->half_closed++;
}

static void on_writable(struct grpc_stream *s)
{
    struct side *me = grpc_stream_user(s);
    me->writable++;
}

static void on_close(struct grpc_stream *s, enum grpc_code code, const char *message)
{
    struct side *me = grpc_stream_user(s);
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

static const struct grpc_stream_ops ops = {
    .on_open = on_open,
    .on_message = on_message,
    .on_half_close = on_half_close,
    .on_writable = on_writable,
    .on_close = on_close,
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

static const struct grpc_method methods[] = { { .path = "/t.T/Stream", .ops = &ops },
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

static void dial(const char *address, uint32_t timeout_ms)
{
    const struct grpc_client_config config = { .address = address,
                                               .connect_timeout_ms = timeout_ms,
                                               .keepalive_ms = w.limits.keepalive_ms,
                                               .keepalive_timeout_ms = 100 };
    w.client = grpc_client_new(w.net, &config, &client_ops, NULL);
}

static void begin(void)
{
    struct weft_err e;
    w.loop = loop_new(NULL, NULL);
    w.net = net_new(w.loop, &w.limits, NULL, NULL);
    w.server = grpc_server_new(w.net, methods, 2, NULL, &server_ops, NULL);
    const struct grpc_target to = { w.server, NULL };
    EXPECT_OK(grpc_listener_new(w.net, "127.0.0.1:0", &to, 1, &w.listener, &e));
}

static void start(void)
{
    w = (struct world){ .limits = NET_LIMITS_DEFAULT };
    begin();
}

static void finish(void)
{
    grpc_client_free(w.client);
    grpc_listener_free(w.listener);
    grpc_server_free(w.server);
    net_free(w.net);
    loop_free(w.loop);
}

#define WAIT_UNTIL(cond)                                      \
    do {                                                      \
        uint64_t until_ = clock_monotonic_ms() + PATIENCE_MS; \
        while (!(cond) && clock_monotonic_ms() < until_)      \
            loop_turn(w.loop, 10);                            \
        EXPECT(cond);                                         \
    } while (0)

static void some_turns(void)
{
    for (int i = 0; i < 30; i++)
        loop_turn(w.loop, 5);
}

static void connect_both(void)
{
    dial(grpc_listener_address(w.listener), 5000);
    WAIT_UNTIL(w.ready);
}

static void call(uint64_t timeout_ms)
{
    w.asked.in_order = true;
    w.asked.stream = grpc_client_call(w.client, "/t.T/Stream", NULL, timeout_ms, &ops, &w.asked);
    EXPECT(w.asked.stream != NULL);
    WAIT_UNTIL(w.answered.stream != NULL);
}

static void send_one(struct grpc_stream *s, size_t n, size_t size)
{
    struct weft_err e;
    uint8_t *to;
    struct net_msg *m = net_msg_new(size, &to);
    memset(to, (int)(uint8_t)n, size);
    EXPECT_OK(grpc_stream_send(s, m, &e));
}

/* ---- calls ------------------------------------------------------------------------------ */

struct reply {
    enum grpc_code code;
    struct net_msg *m;
    bool came;
};

static void on_reply(void *user, enum grpc_code code, const char *message, struct net_msg *m)
{
    struct reply *r = user;
    (void)message;
    EXPECT(!r->came);
    *r = (struct reply){ code, m, true };
}

TEST(a_unary_call_brings_back_one_message)
{
    struct reply r = { 0 };
    start();
    connect_both();
    EXPECT(grpc_client_unary(w.client, "/t.T/Once", NULL, 5000, net_msg_copy(bytes_of_str("hello")),
                             on_reply, &r) != NULL);
    WAIT_UNTIL(r.came);
    EXPECT_EQ(r.code, GRPC_OK);
    EXPECT_BYTES(net_msg_bytes(r.m), bytes_of_str("hello"));
    net_msg_unref(r.m);
    finish();
}

/* What a daemon counts and logs. */
TEST(the_server_tells_of_connections_calls_and_messages)
{
    struct reply r = { 0 };
    start();
    connect_both();
    WAIT_UNTIL(w.seen.conns[0] == 1);
    call(5000);
    send_one(w.asked.stream, 1, 10);
    send_one(w.asked.stream, 2, 10);
    WAIT_UNTIL(w.seen.messages[0] == 2);
    send_one(w.answered.stream, 1, 10);
    EXPECT_EQ(w.seen.messages[1], 1);
    EXPECT_EQ(w.seen.ends, 0);
    grpc_stream_finish(w.answered.stream, GRPC_NOT_FOUND, "gone");
    WAIT_UNTIL(w.seen.ends == 1);
    EXPECT_EQ(w.seen.code, GRPC_NOT_FOUND);
    EXPECT_STR(w.seen.what, "/t.T/Stream /t.T/Stream gone");

    EXPECT(grpc_client_unary(w.client, "/t.T/No", NULL, 5000, net_msg_copy(bytes_of_str("a")),
                             on_reply, &r) != NULL);
    WAIT_UNTIL(r.came);
    EXPECT_EQ(w.seen.calls, 1); /* nobody counts what is no method of ours */
    EXPECT_EQ(w.seen.ends, 1);
    EXPECT_EQ(w.seen.conns[1], 0);
    grpc_client_free(WEFT_TAKE(w.client));
    WAIT_UNTIL(w.seen.conns[1] == 1);
    finish();
}

static struct bytes seen_head, seen_tail;
static uint8_t seen[2][16];

static void keep(struct bytes v, unsigned at, struct bytes *ret)
{
    memcpy(seen[at], v.data, v.len);
    *ret = bytes_of(seen[at], v.len);
}

static void on_headers(struct grpc_stream *s)
{
    struct bytes v;
    EXPECT(grpc_meta_get(grpc_stream_metadata(s), "x-head-bin", &v));
    keep(v, 0, &seen_head);
}

static void close_with_trailers(struct grpc_stream *s, enum grpc_code code, const char *message)
{
    struct bytes v;
    EXPECT(grpc_meta_get(grpc_stream_trailers(s), "x-tail", &v));
    keep(v, 1, &seen_tail);
    on_close(s, code, message);
}

TEST(metadata_goes_both_ways_and_binary_stays_binary)
{
    static const struct grpc_stream_ops meta_ops = { .on_headers = on_headers,
                                                     .on_message = on_message,
                                                     .on_close = close_with_trailers };
    WEFT_CLEANUP(grpc_meta_done) struct grpc_meta md = { 0 };
    grpc_meta_add(&md, bytes_of_str("x-in-bin"), bytes_of("\x00\xff\x01", 3));
    start();
    connect_both();
    w.asked.stream = grpc_client_call(w.client, "/t.T/Once", &md, 0, &meta_ops, &w.asked);
    send_one(w.asked.stream, 0, 3);
    grpc_stream_half_close(w.asked.stream);
    WAIT_UNTIL(w.asked.closed);
    EXPECT_BYTES(seen_head, bytes_of("\x00\xff\x01", 3));
    EXPECT_BYTES(seen_tail, bytes_of_str("end"));
    finish();
}

TEST(messages_of_both_sides_arrive_whole_and_in_order)
{
    start();
    connect_both();
    call(0);
    for (size_t i = 0; i < 200; i++) {
        send_one(w.asked.stream, i, i * 100);
        send_one(w.answered.stream, i, 20000 - i * 100);
    }
    grpc_stream_half_close(w.asked.stream);
    WAIT_UNTIL(w.answered.half_closed);
    grpc_stream_finish(w.answered.stream, GRPC_OK, NULL);
    WAIT_UNTIL(w.asked.closed && w.answered.closed);
    EXPECT(w.asked.in_order && w.answered.in_order);
    EXPECT_EQ(w.asked.messages, 200);
    EXPECT_EQ(w.answered.messages, 200);
    EXPECT_EQ(w.asked.code, GRPC_OK);
    EXPECT_EQ(w.answered.code, GRPC_OK);
    finish();
}

TEST(a_server_may_end_a_call_while_the_client_still_sends)
{
    start();
    connect_both();
    call(0);
    send_one(w.asked.stream, 0, 10);
    WAIT_UNTIL(w.answered.messages == 1);
    grpc_stream_finish(w.answered.stream, GRPC_FAILED_PRECONDITION, "enough \xc3\xa9 100%");
    send_one(w.asked.stream, 1, 100000);
    WAIT_UNTIL(w.asked.closed && w.answered.closed);
    EXPECT_EQ(w.asked.code, GRPC_FAILED_PRECONDITION);
    EXPECT_STR(w.asked.words, "enough \xc3\xa9 100%");
    EXPECT(grpc_client_is_ready(w.client));
    finish();
}

TEST(cancelling_ends_both_ends_once)
{
    start();
    connect_both();
    call(0);
    grpc_stream_cancel(w.asked.stream);
    grpc_stream_cancel(w.asked.stream);
    WAIT_UNTIL(w.asked.closed && w.answered.closed);
    some_turns();
    EXPECT_EQ(w.asked.closed + w.answered.closed, 2);
    EXPECT_EQ(w.asked.code, GRPC_CANCELLED);
    EXPECT_EQ(w.answered.code, GRPC_CANCELLED);
    finish();
}

TEST(a_server_that_gives_up_cancels_the_client)
{
    start();
    connect_both();
    call(0);
    grpc_stream_cancel(w.answered.stream);
    WAIT_UNTIL(w.asked.closed && w.answered.closed);
    EXPECT_EQ(w.asked.code, GRPC_CANCELLED);
    finish();
}

TEST(deadlines_end_both_ends)
{
    start();
    connect_both();
    call(50);
    EXPECT(grpc_stream_deadline_ms(w.answered.stream) > 0);
    WAIT_UNTIL(w.asked.closed && w.answered.closed);
    EXPECT_EQ(w.asked.code, GRPC_DEADLINE_EXCEEDED);
    EXPECT(w.answered.code == GRPC_DEADLINE_EXCEEDED || w.answered.code == GRPC_CANCELLED);
    finish();
}

TEST(unknown_methods_are_unimplemented)
{
    start();
    connect_both();
    w.asked.stream = grpc_client_call(w.client, "/t.T/None", NULL, 0, &ops, &w.asked);
    WAIT_UNTIL(w.asked.closed);
    EXPECT_EQ(w.asked.code, GRPC_UNIMPLEMENTED);
    EXPECT_STR(w.asked.words, "unknown method None for service t.T");
    finish();
}

TEST(messages_over_the_limits_are_refused_on_both_ends)
{
    struct weft_err e;
    uint8_t *to;
    w = (struct world){ .limits = NET_LIMITS_DEFAULT };
    w.limits.message_send_bytes = 2000;
    w.limits.message_recv_bytes = 1000;
    begin();
    connect_both();
    call(0);
    EXPECT_CODE(grpc_stream_send(w.asked.stream, net_msg_new(2001, &to), &e), WEFT_LIMIT);
    send_one(w.asked.stream, 0, 1000);
    send_one(w.asked.stream, 1, 1001);
    WAIT_UNTIL(w.asked.closed && w.answered.closed);
    EXPECT_EQ(w.answered.messages, 1);
    EXPECT_EQ(w.asked.code, GRPC_RESOURCE_EXHAUSTED);
    finish();
}

/* ---- back-pressure ------------------------------------------------------------------------ */

TEST(a_paused_reader_stops_its_sender_and_loses_nothing)
{
    start();
    connect_both();
    call(0);
    w.answered.pause_each = true;
    size_t sent = 0;
    for (int i = 0; i < 2000; i++) {
        while (grpc_stream_is_writable(w.asked.stream))
            send_one(w.asked.stream, sent++, 5000);
        loop_turn(w.loop, 0);
    }
    EXPECT_EQ(w.answered.messages, 1);
    EXPECT(sent * 5005 < w.limits.stream_window + 2 * w.limits.outbound_low_bytes);
    w.answered.pause_each = false;
    grpc_stream_resume(w.answered.stream);
    grpc_stream_half_close(w.asked.stream);
    WAIT_UNTIL(w.answered.half_closed);
    EXPECT_EQ(w.answered.messages, sent);
    EXPECT(w.answered.in_order);
    EXPECT(w.asked.writable > 0);
    finish();
}

TEST(a_paused_stream_does_not_stop_its_neighbours)
{
    struct reply r = { 0 };
    start();
    connect_both();
    call(0);
    w.answered.pause_each = true;
    for (size_t i = 0; i < 500; i++)
        send_one(w.asked.stream, i, 20000);
    some_turns();
    (void)grpc_client_unary(w.client, "/t.T/Once", NULL, 0, net_msg_copy(bytes_of_str("x")),
                            on_reply, &r);
    WAIT_UNTIL(r.came);
    EXPECT_EQ(r.code, GRPC_OK);
    net_msg_unref(r.m);
    finish();
}

TEST(a_paused_client_gets_the_messages_before_the_status)
{
    start();
    connect_both();
    call(0);
    w.asked.pause_each = true;
    for (size_t i = 0; i < 3; i++)
        send_one(w.answered.stream, i, 100);
    grpc_stream_finish(w.answered.stream, GRPC_ABORTED, "later");
    WAIT_UNTIL(w.answered.closed);
    some_turns();
    EXPECT_EQ(w.asked.messages, 1);
    EXPECT_EQ(w.asked.closed, 0);
    grpc_server_stop(w.server, 0); /* the connection may even go */
    WAIT_UNTIL(w.down);
    grpc_stream_resume(w.asked.stream);
    WAIT_UNTIL(w.asked.messages == 2);
    w.asked.pause_each = false;
    grpc_stream_resume(w.asked.stream);
    WAIT_UNTIL(w.asked.closed);
    EXPECT_EQ(w.asked.messages, 3);
    EXPECT_EQ(w.asked.code, GRPC_ABORTED);
    finish();
}

TEST(one_message_is_shared_by_all_the_streams_that_send_it)
{
    struct weft_err e;
    start();
    connect_both();
    struct net_msg *m = net_msg_copy(bytes_of_str("shared"));
    struct side many[20] = { 0 };
    for (size_t i = 0; i < 20; i++) {
        struct grpc_stream *s = grpc_client_call(w.client, "/t.T/Once", NULL, 0, &ops, &many[i]);
        EXPECT_OK(grpc_stream_send(s, net_msg_ref(m), &e));
        grpc_stream_half_close(s);
    }
    EXPECT_EQ(m->refs, 21);
    for (size_t i = 0; i < 20; i++)
        WAIT_UNTIL(many[i].closed && many[i].bytes == 6);
    EXPECT_EQ(m->refs, 1);
    net_msg_unref(m);
    finish();
}

/* ---- connections --------------------------------------------------------------------------- */

TEST(calls_fail_when_the_server_goes)
{
    start();
    connect_both();
    call(0);
    grpc_server_free(w.server);
    w.server = NULL;
    WAIT_UNTIL(w.down);
    EXPECT_EQ(w.asked.closed, 1);
    EXPECT_EQ(w.asked.code, GRPC_UNAVAILABLE);
    EXPECT(grpc_client_call(w.client, "/t.T/Once", NULL, 0, &ops, &w.asked) == NULL);
    finish();
}

TEST(a_refused_connection_is_reported_with_its_reason)
{
    start();
    dial("127.0.0.1:1", 1000);
    w.asked.stream = grpc_client_call(w.client, "/t.T/Stream", NULL, 0, &ops, &w.asked);
    WAIT_UNTIL(w.down);
    EXPECT_WORDS(w.why, "connect: connection refused");
    EXPECT_EQ(w.asked.code, GRPC_UNAVAILABLE);
    finish();
}

TEST(bad_addresses_are_refused)
{
    static const char *const bad[] = { "nowhere", "a:b:1", "host:port", "x:70000" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(bad); i++) {
        start();
        dial(bad[i], 1000);
        WAIT_UNTIL(w.down);
        EXPECT(w.why.code == WEFT_INVALID);
        finish();
    }
}

TEST(a_client_may_be_freed_inside_of_its_callbacks)
{
    start();
    connect_both();
    call(0);
    w.free_on_message = true;
    send_one(w.answered.stream, 0, 10);
    send_one(w.answered.stream, 1, 10);
    WAIT_UNTIL(w.asked.closed);
    EXPECT(!w.down);
    finish();
}

TEST(closing_waits_for_the_open_calls)
{
    start();
    connect_both();
    call(0);
    grpc_client_close(w.client);
    some_turns();
    EXPECT(!w.down);
    grpc_stream_finish(w.answered.stream, GRPC_OK, NULL);
    WAIT_UNTIL(w.down && w.asked.closed);
    EXPECT_EQ(w.why.code, WEFT_OK);
    EXPECT_EQ(w.asked.code, GRPC_OK);
    finish();
}

TEST(stopping_lets_calls_end_until_the_deadline)
{
    start();
    connect_both();
    call(0);
    grpc_server_stop(w.server, 300);
    WAIT_UNTIL(w.goaways > 0);
    EXPECT(grpc_client_call(w.client, "/t.T/Once", NULL, 0, &ops, NULL) == NULL);
    EXPECT(!w.stopped && w.asked.closed == 0);
    send_one(w.answered.stream, 0, 10);
    WAIT_UNTIL(w.asked.messages == 1);
    WAIT_UNTIL(w.stopped);
    EXPECT_EQ(grpc_server_connections(w.server), 0);
    WAIT_UNTIL(w.asked.closed);
    finish();
}

static int connect_raw(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const char *colon = strrchr(grpc_listener_address(w.listener), ':');
    unsigned long port = strtoul(colon + 1, NULL, 10);
    a.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
    return fd;
}

TEST(connections_that_say_nothing_are_closed)
{
    w = (struct world){ .limits = NET_LIMITS_DEFAULT };
    w.limits.handshake_ms = 50;
    begin();
    int fd = connect_raw();
    WAIT_UNTIL(grpc_server_connections(w.server) == 1);
    WAIT_UNTIL(grpc_server_connections(w.server) == 0);
    EXPECT_EQ(w.failed_conns, 1);
    (void)close(fd);
    finish();
}

TEST(there_are_never_more_connections_than_allowed)
{
    w = (struct world){ .limits = NET_LIMITS_DEFAULT };
    w.limits.connections = 2;
    begin();
    int fds[4];
    for (size_t i = 0; i < 4; i++)
        fds[i] = connect_raw();
    some_turns();
    EXPECT_EQ(grpc_server_connections(w.server), 2);
    for (size_t i = 0; i < 4; i++)
        (void)close(fds[i]);
    WAIT_UNTIL(grpc_server_connections(w.server) == 0);
    finish();
}

/* A server that greets and then does not move any more. */
static int start_mute(char address[64])
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(fd, 1) == 0);
    EXPECT_EQ(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    (void)snprintf(address, 64, "127.0.0.1:%u", (unsigned)ntohs(a.sin_port));
    return fd;
}

TEST(a_server_that_says_nothing_runs_into_the_connect_timeout)
{
    char address[64];
    start();
    int fd = start_mute(address);
    dial(address, 100);
    WAIT_UNTIL(w.down);
    EXPECT_WORDS(w.why, "deadline exceeded");
    (void)close(fd);
    finish();
}

TEST(a_client_leaves_a_server_that_says_goodbye)
{
    static const uint8_t greeting[] = { 0, 0, 0, 4, 0, 0, 0, 0, 0, /* SETTINGS */
                                        0, 0, 8, 7, 0, 0, 0, 0, 0, /* GOAWAY: stream 0, no error */
                                        0, 0, 0, 0, 0, 0, 0, 0 };
    char address[64];
    start();
    int fd = start_mute(address);
    dial(address, 5000);
    loop_turn(w.loop, 10);
    int peer = accept(fd, NULL, NULL);
    EXPECT(peer >= 0 && write(peer, greeting, sizeof(greeting)) == (ssize_t)sizeof(greeting));
    WAIT_UNTIL(w.down);
    EXPECT_EQ(w.goaways, 1);
    EXPECT_EQ(w.why.code, WEFT_OK);
    (void)close(peer);
    (void)close(fd);
    finish();
}

TEST(a_call_is_over_when_its_server_has_ended_it)
{
    static const uint8_t settings[] = { 0, 0, 0, 4, 0, 0, 0, 0, 0 };
    /* HEADERS with the status, END_STREAM, and no RST_STREAM behind it */
    static const char answer[] = "\0\0\x2f\1\5\0\0\0\1\x88\0\x0c"
                                 "content-type\x10"
                                 "application/grpc\0\x0b"
                                 "grpc-status\1"
                                 "5";
    char address[64];
    start();
    int fd = start_mute(address);
    dial(address, 5000);
    loop_turn(w.loop, 10);
    int peer = accept(fd, NULL, NULL);
    EXPECT(peer >= 0 && write(peer, settings, sizeof(settings)) == (ssize_t)sizeof(settings));
    WAIT_UNTIL(w.ready);
    w.asked.stream = grpc_client_call(w.client, "/t.T/Stream", NULL, 0, &ops, &w.asked);
    some_turns();
    EXPECT(write(peer, answer, sizeof(answer) - 1) == (ssize_t)sizeof(answer) - 1);
    WAIT_UNTIL(w.asked.closed);
    EXPECT_EQ(w.asked.code, GRPC_NOT_FOUND);
    (void)close(peer);
    (void)close(fd);
    finish();
}

TEST(keepalive_finds_a_dead_server)
{
    static const uint8_t settings[] = { 0, 0, 0, 4, 0, 0, 0, 0, 0 };
    char address[64];
    w = (struct world){ .limits = NET_LIMITS_DEFAULT };
    w.limits.keepalive_ms = 100;
    begin();
    int fd = start_mute(address);
    dial(address, 5000);
    loop_turn(w.loop, 10);
    int peer = accept(fd, NULL, NULL);
    EXPECT(peer >= 0 && write(peer, settings, sizeof(settings)) == (ssize_t)sizeof(settings));
    WAIT_UNTIL(w.ready);
    WAIT_UNTIL(w.down);
    EXPECT_WORDS(w.why, "keepalive");
    (void)close(peer);
    (void)close(fd);
    finish();
}

TEST(keepalive_leaves_a_living_server_alone)
{
    w = (struct world){ .limits = NET_LIMITS_DEFAULT };
    w.limits.keepalive_ms = 30;
    w.limits.ping_min_interval_ms = 1;
    begin();
    connect_both();
    uint64_t until = clock_monotonic_ms() + 500;
    while (clock_monotonic_ms() < until)
        loop_turn(w.loop, 10);
    EXPECT(!w.down && grpc_client_is_ready(w.client));
    finish();
}
