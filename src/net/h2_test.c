/* Two ends in memory: a client's h2 and a server's, and the bytes between. */
#include "net/h2.h"

#include "weft_test.h"

enum {
    STREAMS = 3,
    CALM = 11
};

struct test_stream {
    struct h2_stream s;
    struct end *end;
    size_t got, ended, closed;
    uint32_t error;
    bool open;
};

struct end {
    struct h2 *h2;
    struct test_stream streams[8];
    size_t count;
    bool greedy; /* consumes at once */
    uint32_t goaway;
    char goaway_text[32];
    size_t writable;
};

static struct test_stream *of(struct h2_stream *s)
{
    return WEFT_CONTAINER_OF(s, struct test_stream, s);
}

static struct h2_stream *stream_new(struct h2 *h, void *user)
{
    struct end *e = user;
    struct test_stream *t = &e->streams[e->count++];
    (void)h;
    WEFT_ASSERT(e->count <= WEFT_ARRAY_LEN(e->streams));
    t->end = e;
    t->open = true;
    return &t->s;
}

static void on_header(struct h2_stream *s, struct bytes name, struct bytes value)
{
    (void)s, (void)name, (void)value;
}

static void on_headers_end(struct h2_stream *s)
{
    (void)s;
}

static void on_data(struct h2_stream *s, struct bytes data)
{
    of(s)->got += data.len;
    if (of(s)->end->greedy)
        h2_consume(s, data.len);
}

static void on_end(struct h2_stream *s)
{
    of(s)->ended++;
}

static void on_writable(struct h2_stream *s)
{
    of(s)->end->writable++;
}

static void on_drained(struct h2_stream *s)
{
    const struct h2_field status = { bytes_of_str("grpc-status"), bytes_of_str("0") };
    h2_trailers(s, &status, 1);
}

static void on_close(struct h2_stream *s, uint32_t error)
{
    of(s)->closed++;
    of(s)->open = false;
    of(s)->error = error;
}

static void on_goaway(struct h2 *h, void *user, uint32_t error, struct bytes text)
{
    struct end *e = user;
    (void)h;
    e->goaway = error;
    (void)snprintf(e->goaway_text, sizeof(e->goaway_text), "%.*s", (int)text.len,
                   (const char *)text.data);
}

static void wake(struct h2 *h, void *user)
{
    (void)h, (void)user;
}

static const struct h2_ops ops = {
    .stream_new = stream_new,
    .on_header = on_header,
    .on_headers_end = on_headers_end,
    .on_data = on_data,
    .on_end = on_end,
    .on_writable = on_writable,
    .on_drained = on_drained,
    .on_close = on_close,
    .on_goaway = on_goaway,
    .wake = wake,
};

struct pair {
    struct end client, server;
    struct net_limits limits;
    uint64_t now_ms;
    uint8_t said;     /* the server's last GOAWAY */
    struct buf order; /* the stream ids of the DATA frames that the server sent */
};

static void pair_start(struct pair *p)
{
    p->now_ms = 1000;
    p->client.greedy = true;
    p->server.greedy = true;
    p->client.h2 = h2_new(H2_CLIENT, &ops, &p->client, &p->limits);
    p->server.h2 = h2_new(H2_SERVER, &ops, &p->server, &p->limits);
}

static void pair_done(struct pair *p)
{
    h2_free(p->client.h2);
    h2_free(p->server.h2);
    buf_done(&p->order);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct pair, pair_done)

static void note_order(struct pair *p, struct bytes b)
{
    while (b.len >= 9) {
        size_t len = (size_t)b.data[0] << 16 | (size_t)b.data[1] << 8 | b.data[2];
        if (b.data[3] == 0 && len > 0)
            buf_put_u8(&p->order, b.data[8]);
        if (b.data[3] == 7) /* GOAWAY */
            p->said = b.data[16];
        b = bytes_skip(b, 9 + len);
    }
}

static size_t carry(struct pair *p, struct end *from, struct end *to)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    struct weft_err e;
    EXPECT_OK(h2_pull(from->h2, &b, 96 << 10, &e));
    if (from == &p->server)
        note_order(p, buf_bytes(&b));
    WEFT_IGNORE(h2_recv(to->h2, buf_bytes(&b), p->now_ms, &e)); /* the tests look at what it did */
    return b.len;
}

static void settle(struct pair *p)
{
    while (carry(p, &p->client, &p->server) + carry(p, &p->server, &p->client) > 0)
        ;
}

static struct test_stream *request(struct pair *p)
{
    static const char *const f[][2] = {
        { ":method", "POST" }, { ":scheme", "http" }, { ":path", "/" }, { ":authority", "a" }
    };
    struct h2_field fields[4];
    for (size_t i = 0; i < 4; i++)
        fields[i] = (struct h2_field){ bytes_of_str(f[i][0]), bytes_of_str(f[i][1]) };
    struct test_stream *t = of(stream_new(NULL, &p->client));
    EXPECT(h2_request(p->client.h2, &t->s, fields, 4));
    return t;
}

static void respond(struct test_stream *t)
{
    const struct h2_field status = { bytes_of_str(":status"), bytes_of_str("200") };
    h2_respond(&t->s, &status, 1, false);
}

static struct net_msg *message(size_t size)
{
    uint8_t *to;
    struct net_msg *m = net_msg_new(size, &to);
    memset(to, 'm', size);
    return m;
}

/* How often the sequence changes from one stream to another. */
static size_t changes(const struct buf *order)
{
    size_t n = 0;
    for (size_t i = 1; i < order->len; i++)
        n += order->data[i] != order->data[i - 1];
    return n;
}

TEST(streams_send_whole_messages_in_turn)
{
    WEFT_CLEANUP(pair_done) struct pair p = { .limits = NET_LIMITS_DEFAULT };
    pair_start(&p);
    struct net_msg *m = message(100 << 10);
    for (size_t i = 0; i < STREAMS; i++)
        (void)request(&p);
    settle(&p);
    for (size_t i = 0; i < STREAMS; i++) {
        respond(&p.server.streams[i]);
        for (int k = 0; k < 4; k++)
            h2_send(&p.server.streams[i].s, net_msg_ref(m));
        h2_end(&p.server.streams[i].s);
    }
    settle(&p);
    for (size_t i = 0; i < STREAMS; i++) {
        EXPECT_EQ(p.client.streams[i].got, 4 * ((100 << 10) + 5));
        EXPECT_EQ(p.client.streams[i].ended, 1);
    }
    EXPECT_EQ(changes(&p.order), 4 * STREAMS - 1); /* by 16 KB frames it would be 83 */
    EXPECT_EQ(m->refs, 1);
    net_msg_unref(m);
}

TEST(small_messages_share_a_turn)
{
    WEFT_CLEANUP(pair_done) struct pair p = { .limits = NET_LIMITS_DEFAULT };
    pair_start(&p);
    for (size_t i = 0; i < 2; i++)
        (void)request(&p);
    settle(&p);
    for (size_t i = 0; i < 2; i++) {
        respond(&p.server.streams[i]);
        for (int k = 0; k < 64; k++)
            h2_send(&p.server.streams[i].s, message(1000));
    }
    settle(&p);
    EXPECT_EQ(changes(&p.order), 1);
    EXPECT_EQ(p.order.len, 8); /* four full frames a stream */
}

TEST(a_slow_reader_costs_its_window_and_nothing_else)
{
    WEFT_CLEANUP(pair_done) struct pair p = { .limits = NET_LIMITS_DEFAULT };
    p.limits.held_bytes = 100 << 20;
    pair_start(&p);
    p.client.greedy = false;
    for (size_t i = 0; i < 2; i++)
        (void)request(&p);
    settle(&p);
    for (size_t i = 0; i < 2; i++)
        respond(&p.server.streams[i]);
    h2_send(&p.server.streams[0].s, message(5 << 20));
    settle(&p);
    EXPECT_EQ(p.client.streams[0].got, p.limits.stream_window);
    h2_send(&p.server.streams[1].s, message(1000));
    settle(&p);
    EXPECT_EQ(p.client.streams[1].got, 1005);
    /* It reads on: the rest comes. */
    p.client.greedy = true;
    h2_consume(&p.client.streams[0].s, p.limits.stream_window);
    settle(&p);
    EXPECT_EQ(p.client.streams[0].got, (5 << 20) + 5);
}

TEST(windows_that_open_late_let_every_stream_go_on)
{
    WEFT_CLEANUP(pair_done) struct pair p = { .limits = NET_LIMITS_DEFAULT };
    p.limits.stream_window = 100;
    pair_start(&p);
    p.client.greedy = false;
    for (size_t i = 0; i < 8; i++)
        (void)request(&p);
    settle(&p);
    for (size_t i = 0; i < 8; i++) {
        respond(&p.server.streams[i]);
        h2_send(&p.server.streams[i].s, message(1000));
        h2_end(&p.server.streams[i].s);
    }
    for (int round = 0; round < 30; round++) {
        settle(&p);
        for (size_t i = 0; i < 8; i++) {
            struct test_stream *t = &p.client.streams[(i * 3 + (size_t)round) % 8];
            if (t->open)
                h2_consume(&t->s, t->s.window_owed);
        }
    }
    for (size_t i = 0; i < 8; i++) {
        EXPECT_EQ(p.client.streams[i].got, 1005);
        EXPECT_EQ(p.client.streams[i].ended, 1);
    }
}

TEST(stalled_streams_stop_the_connection_when_they_hold_too_much)
{
    WEFT_CLEANUP(pair_done) struct pair p = { .limits = NET_LIMITS_DEFAULT };
    p.limits.held_bytes = 1 << 20;
    pair_start(&p);
    p.client.greedy = false;
    for (size_t i = 0; i < 8; i++)
        (void)request(&p);
    settle(&p);
    size_t got = 0;
    for (size_t i = 0; i < 8; i++) {
        respond(&p.server.streams[i]);
        h2_send(&p.server.streams[i].s, message(4 << 20));
    }
    settle(&p);
    for (size_t i = 0; i < 8; i++)
        got += p.client.streams[i].got;
    EXPECT(got <= p.limits.held_bytes + p.limits.conn_window);
    EXPECT(got >= p.limits.conn_window);
}

TEST(tells_when_a_long_queue_is_short_again)
{
    WEFT_CLEANUP(pair_done) struct pair p = { .limits = NET_LIMITS_DEFAULT };
    pair_start(&p);
    (void)request(&p);
    settle(&p);
    respond(&p.server.streams[0]);
    h2_send(&p.server.streams[0].s, message(500 << 10));
    p.server.streams[0].s.starved = true;
    settle(&p);
    EXPECT_EQ(p.server.writable, 1);
}

/* A server's stream on which n bytes, prefix included, were sent to a client that takes none. */
static struct h2_stream *sent(struct pair *p, size_t n)
{
    struct h2_stream *s = &p->server.streams[0].s;
    pair_start(p);
    p->client.greedy = false;
    (void)request(p);
    settle(p);
    respond(&p->server.streams[0]);
    h2_send(s, message(n - NET_MSG_PREFIX));
    EXPECT(!h2_is_short(s, 0, true));
    settle(p);
    EXPECT_EQ(p->client.streams[0].got, n);
    return s;
}

TEST(tells_when_all_is_sent_and_the_peer_takes_more)
{
    WEFT_CLEANUP(pair_done) struct pair p = { .limits = NET_LIMITS_DEFAULT };
    p.limits.stream_window = 64 << 10;
    struct h2_stream *s = sent(&p, 60 << 10);
    EXPECT_EQ(p.server.writable, 1);
    EXPECT(h2_is_short(s, 0, true)); /* it may open its window when that is used up */
    h2_consume(&p.client.streams[0].s, 60 << 10);
    settle(&p);
    h2_send(s, message((64 << 10) - NET_MSG_PREFIX));
    EXPECT(!h2_is_short(s, 0, true));
    settle(&p);
    EXPECT_EQ(p.client.streams[0].got, 124 << 10);
    EXPECT(!h2_is_short(s, 0, true)); /* now it is */
}

TEST(tells_when_the_window_of_a_stream_opens)
{
    WEFT_CLEANUP(pair_done) struct pair p = { .limits = NET_LIMITS_DEFAULT };
    p.limits.stream_window = 64 << 10;
    struct h2_stream *s = sent(&p, 40 << 10);
    h2_consume(&p.client.streams[0].s, 40 << 10); /* 24 KB of it are left: that is early */
    settle(&p);
    h2_send(s, message((44 << 10) - NET_MSG_PREFIX));
    EXPECT(!h2_is_short(s, 0, true));
    settle(&p);
    EXPECT_EQ(p.server.writable, 2);
    EXPECT(h2_is_short(s, 0, true)); /* of the window 20 KB are left, a quarter is 16 */
    h2_send(s, message((16 << 10) - NET_MSG_PREFIX));
    EXPECT(!h2_is_short(s, 0, true));
    settle(&p);
    EXPECT_EQ(p.server.writable, 2);
    EXPECT(h2_is_short(s, 0, false));
    EXPECT(!h2_is_short(s, 0, true));
    h2_consume(&p.client.streams[0].s, 60 << 10);
    settle(&p);
    EXPECT_EQ(p.server.writable, 3);
    EXPECT(h2_is_short(s, 0, true));
}

TEST(tells_when_the_window_of_the_connection_opens)
{
    WEFT_CLEANUP(pair_done) struct pair p = { .limits = NET_LIMITS_DEFAULT };
    p.limits.conn_window = 65535; /* HTTP/2's own */
    p.limits.held_bytes = 0;
    struct h2_stream *s = sent(&p, 65535);
    EXPECT_EQ(p.server.writable, 0);
    EXPECT(!h2_is_short(s, 0, true));
    h2_consume(&p.client.streams[0].s, 65535);
    settle(&p);
    EXPECT_EQ(p.server.writable, 1);
}

TEST(early_pings_are_strikes_and_the_third_ends_it)
{
    WEFT_CLEANUP(pair_done) struct pair p = { .limits = NET_LIMITS_DEFAULT };
    pair_start(&p);
    settle(&p);
    for (int i = 0; i < 3; i++) {
        h2_ping(p.client.h2);
        settle(&p);
    }
    EXPECT(!h2_is_over(p.server.h2));
    h2_ping(p.client.h2);
    settle(&p);
    EXPECT(h2_is_over(p.server.h2));
    EXPECT_EQ(p.client.goaway, CALM);
    EXPECT_STR(p.client.goaway_text, "too_many_pings");
}

TEST(one_message_of_ours_does_not_excuse_all_pings_to_come)
{
    WEFT_CLEANUP(pair_done) struct pair p = { .limits = NET_LIMITS_DEFAULT };
    pair_start(&p);
    (void)request(&p);
    settle(&p);
    respond(&p.server.streams[0]);
    settle(&p);
    for (int i = 0; i < 5; i++) {
        h2_ping(p.client.h2);
        settle(&p);
    }
    EXPECT_EQ(p.said, CALM);
}

TEST(pings_in_time_are_welcome)
{
    WEFT_CLEANUP(pair_done) struct pair p = { .limits = NET_LIMITS_DEFAULT };
    pair_start(&p);
    for (int i = 0; i < 20; i++) {
        h2_ping(p.client.h2);
        settle(&p);
        p.now_ms += p.limits.ping_min_interval_ms;
    }
    EXPECT(!h2_is_over(p.server.h2));
}

TEST(pings_between_our_messages_are_no_strikes)
{
    WEFT_CLEANUP(pair_done) struct pair p = { .limits = NET_LIMITS_DEFAULT };
    pair_start(&p);
    (void)request(&p);
    settle(&p);
    respond(&p.server.streams[0]);
    for (int i = 0; i < 50; i++) { /* as a client does that measures the bandwidth */
        h2_send(&p.server.streams[0].s, message(10));
        settle(&p);
        h2_ping(p.client.h2);
        settle(&p);
    }
    EXPECT(!h2_is_over(p.server.h2));
}

/* Sends raw bytes to a server that has its preface; true if it ended calmly. */
static bool is_told_to_calm_down(const uint8_t *frame, size_t len, size_t times)
{
    WEFT_CLEANUP(pair_done) struct pair p = { .limits = NET_LIMITS_DEFAULT };
    WEFT_CLEANUP(buf_done) struct buf flood = { 0 };
    struct weft_err e;
    pair_start(&p);
    (void)request(&p);
    settle(&p);
    for (size_t i = 0; i < times; i++)
        buf_put(&flood, bytes_of(frame, len));
    WEFT_IGNORE(h2_recv(p.server.h2, buf_bytes(&flood), p.now_ms, &e));
    settle(&p);
    return h2_is_over(p.server.h2) && p.said == CALM;
}

TEST(floods_of_empty_frames_end_the_connection)
{
    static const uint8_t empty_data[] = { 0, 0, 0, 0, 0, 0, 0, 0, 1 };
    static const uint8_t settings[] = { 0, 0, 0, 4, 0, 0, 0, 0, 0 };
    static const uint8_t priority[] = { 0, 0, 5, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1 };
    static const uint8_t ping[] = { 0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8 };
    EXPECT(!is_told_to_calm_down(empty_data, sizeof(empty_data), 900));
    EXPECT(is_told_to_calm_down(empty_data, sizeof(empty_data), 1100));
    EXPECT(!is_told_to_calm_down(settings, sizeof(settings), 10));
    EXPECT(is_told_to_calm_down(settings, sizeof(settings), 250));
    EXPECT(is_told_to_calm_down(priority, sizeof(priority), 1100));
    EXPECT(is_told_to_calm_down(ping, sizeof(ping), 5000));
}

TEST(too_many_headers_end_the_stream_only)
{
    WEFT_CLEANUP(pair_done) struct pair p = { .limits = NET_LIMITS_DEFAULT };
    p.limits.header_fields = 5;
    pair_start(&p);
    (void)request(&p);
    settle(&p);
    EXPECT(p.server.streams[0].open);
    p.limits.header_fields = 3;
    (void)request(&p);
    settle(&p);
    EXPECT(!p.server.streams[1].open);
    EXPECT_EQ(p.client.streams[1].closed, 1);
    EXPECT(p.server.streams[0].open);
    EXPECT(!h2_is_over(p.server.h2));
}

TEST(draining_lets_open_streams_end_and_opens_no_new_ones)
{
    WEFT_CLEANUP(pair_done) struct pair p = { .limits = NET_LIMITS_DEFAULT };
    pair_start(&p);
    (void)request(&p);
    settle(&p);
    h2_drain(p.server.h2);
    settle(&p);
    EXPECT(!h2_is_over(p.server.h2));
    EXPECT(p.client.streams[0].open);
    (void)request(&p); /* accepted by us, refused on the way */
    settle(&p);
    EXPECT_EQ(p.client.streams[1].closed, 1);
    EXPECT_EQ(p.server.count, 1);
    respond(&p.server.streams[0]);
    h2_send(&p.server.streams[0].s, message(10));
    h2_end(&p.server.streams[0].s);
    settle(&p);
    EXPECT_EQ(p.client.streams[0].got, 15);
    EXPECT_EQ(p.client.streams[0].ended, 1);
    EXPECT(h2_is_over(p.server.h2));
}

TEST(free_closes_every_stream_once)
{
    struct pair p = { .limits = NET_LIMITS_DEFAULT };
    pair_start(&p);
    for (size_t i = 0; i < STREAMS; i++)
        (void)request(&p);
    settle(&p);
    respond(&p.server.streams[0]);
    h2_send(&p.server.streams[0].s, message(1000));
    pair_done(&p);
    for (size_t i = 0; i < STREAMS; i++) {
        EXPECT_EQ(p.client.streams[i].closed, 1);
        EXPECT_EQ(p.server.streams[i].closed, 1);
    }
}
