#include "deliver/deliver_stream.h"

#include "proto/wire.h"
#include "weft_test.h"

/* The rest of the orderer, as a stream sees it. */
struct world {
    struct deliver_stream ds;
    uint64_t height, first, last;
    unsigned reads, waits, next_requests, ends;
    int status; /* the last one sent */
    unsigned checks, sent, dropped, forgotten;
    bool writable, allowed, errored, answers; /* answers: access is told at once */
    uint64_t sequence;
    int64_t now_s, expires_s;
};

static int64_t now_ns(void *ctx)
{
    return ((struct world *)ctx)->now_s * 1000000000;
}

static struct deliver_channel *find_channel(void *ctx, struct bytes id)
{
    return bytes_eq(id, bytes_of_str("ch")) ? (struct deliver_channel *)ctx : NULL;
}

static const char *channel_id(void *ctx, struct deliver_channel *c)
{
    (void)ctx, (void)c;
    return "ch";
}

static uint64_t height(void *ctx, struct deliver_channel *c)
{
    (void)c;
    return ((struct world *)ctx)->height;
}

static void forget_channel(void *ctx, struct deliver_channel *c, bool success)
{
    (void)c, (void)success;
    ((struct world *)ctx)->forgotten++;
}

static bool is_errored(void *ctx, struct deliver_channel *c)
{
    (void)c;
    return ((struct world *)ctx)->errored;
}

static uint64_t sequence(void *ctx, struct deliver_channel *c)
{
    (void)c;
    return ((struct world *)ctx)->sequence;
}

static void check_access(void *ctx, struct deliver_channel *c)
{
    (void)c;
    ((struct world *)ctx)->checks++;
}

static void send_blocks(void *ctx, bool send)
{
    struct world *w = ctx;
    *(send ? &w->sent : &w->dropped) += 1;
}

static void start_read(void *ctx, struct deliver_channel *c, uint64_t first, uint64_t last)
{
    struct world *w = ctx;
    (void)c;
    w->reads++;
    w->first = first;
    w->last = last;
}

static void start_wait(void *ctx, struct deliver_channel *c)
{
    (void)c;
    ((struct world *)ctx)->waits++;
}

static void send_status(void *ctx, int status)
{
    ((struct world *)ctx)->status = status;
}

static bool is_writable(void *ctx)
{
    return ((struct world *)ctx)->writable;
}

static void next_request(void *ctx)
{
    ((struct world *)ctx)->next_requests++;
}

static void end_stream(void *ctx)
{
    ((struct world *)ctx)->ends++;
}

static const struct deliver_deps deps = {
    .now_ns = now_ns,
    .find_channel = find_channel,
    .channel_id = channel_id,
    .height = height,
    .forget_channel = forget_channel,
    .is_errored = is_errored,
    .sequence = sequence,
    .check_access = check_access,
    .read = start_read,
    .send_blocks = send_blocks,
    .wait = start_wait,
    .send_status = send_status,
    .is_writable = is_writable,
    .next_request = next_request,
    .end = end_stream,
};
static const struct deliver_config config = { .time_window_ns = 900LL * 1000000000 };

static void world_init(struct world *w, bool binds_tls)
{
    *w = (struct world){
        .height = 10, .writable = true, .allowed = true, .answers = true, .now_s = 1000000
    };
    deliver_stream_init(
        &w->ds, &config, &deps, w,
        &(struct deliver_client_info){ .address = "1.2.3.4:5",
                                       .binds_tls = binds_tls,
                                       .has_cert = true,
                                       .cert_hash = sha256_of(bytes_of_str("cert")) });
}

/* What the check of the client's access comes to. */
static void allow(struct world *w)
{
    const struct weft_err why = { .msg = "permission denied" };
    deliver_stream_access(&w->ds, w->allowed ? WEFT_OK : WEFT_FORBIDDEN, w->expires_s * 1000000000,
                          &why);
}

/* An envelope with a channel header and a SeekInfo. */
static void request(struct world *w, const char *channel, int64_t at_s, struct bytes tls_hash,
                    const struct seek_info *seek)
{
    WEFT_CLEANUP(buf_done) struct buf time = { 0 };
    WEFT_CLEANUP(buf_done) struct buf ch = { 0 };
    WEFT_CLEANUP(buf_done) struct buf header = { 0 };
    WEFT_CLEANUP(buf_done) struct buf payload = { 0 };
    WEFT_CLEANUP(buf_done) struct buf info = { 0 };
    WEFT_CLEANUP(buf_done) struct buf envelope = { 0 };
    wire_put_varint(&time, 1, (uint64_t)at_s);
    wire_put_bytes(&ch, 3, buf_bytes(&time));
    wire_put_bytes(&ch, 4, bytes_of_str(channel));
    wire_put_bytes(&ch, 8, tls_hash);
    wire_put_bytes(&header, 1, buf_bytes(&ch));
    wire_put_bytes(&payload, 1, buf_bytes(&header));
    seek_info_encode(seek, &info);
    wire_put_bytes(&payload, 2, buf_bytes(&info));
    wire_put_bytes(&envelope, 1, buf_bytes(&payload));
    deliver_stream_request(&w->ds, buf_bytes(&envelope));
    if (w->answers)
        allow(w);
}

static void ask(struct world *w, uint64_t start, uint64_t stop)
{
    struct seek_info s = { .start = { SEEK_SPECIFIED, start }, .stop = { SEEK_SPECIFIED, stop } };
    request(w, "ch", w->now_s, bytes_of(NULL, 0), &s);
}

static void blocks(struct world *w, uint64_t count)
{
    deliver_stream_blocks(&w->ds, count, WEFT_OK, NULL);
}

TEST(reads_on_until_the_last_block_and_takes_the_next_request)
{
    struct world w;
    world_init(&w, false);
    ask(&w, 3, 7);
    EXPECT_EQ(w.first, 3);
    EXPECT_EQ(w.last, 7);
    blocks(&w, 2);
    EXPECT_EQ(w.first, 5);
    EXPECT_EQ(w.status, 0);
    blocks(&w, 3);
    EXPECT_EQ(w.status, 200);
    EXPECT_EQ(w.next_requests, 1);
    ask(&w, 0, 0);
    blocks(&w, 1);
    EXPECT_EQ(w.next_requests, 2);
    EXPECT_EQ(w.ends, 0);
}

TEST(waits_at_the_tip_and_wakes_with_the_height)
{
    struct world w;
    world_init(&w, false);
    ask(&w, 10, UINT64_MAX);
    EXPECT_EQ(w.waits, 1);
    EXPECT_EQ(w.reads, 0);
    deliver_stream_height(&w.ds); /* a false alarm */
    EXPECT_EQ(w.waits, 2);
    w.height = 12;
    deliver_stream_height(&w.ds);
    EXPECT_EQ(w.first, 10);
    EXPECT_EQ(w.last, 11);
    blocks(&w, 2);
    EXPECT_EQ(w.waits, 3);
}

TEST(reads_no_further_while_the_client_does_not)
{
    struct world w;
    world_init(&w, false);
    w.writable = false;
    ask(&w, 0, 9);
    blocks(&w, 4);
    EXPECT_EQ(w.reads, 1);
    deliver_stream_writable(&w.ds);
    EXPECT_EQ(w.reads, 2);
    EXPECT_EQ(w.first, 4);
}

TEST(ends_after_a_half_close_when_the_request_is_served)
{
    struct world w;
    world_init(&w, false);
    ask(&w, 1, 1);
    deliver_stream_half_close(&w.ds);
    EXPECT_EQ(w.ends, 0);
    blocks(&w, 1);
    EXPECT_EQ(w.status, 200);
    EXPECT_EQ(w.ends, 1);
    EXPECT_EQ(w.next_requests, 0);
}

TEST(a_block_that_cannot_be_read_ends_the_stream)
{
    struct world w;
    struct weft_err why = { .msg = "the disk is gone" };
    world_init(&w, false);
    ask(&w, 1, 5);
    deliver_stream_blocks(&w.ds, 0, WEFT_IO, &why);
    EXPECT_EQ(w.status, 500);
    EXPECT_EQ(w.ends, 1);
    blocks(&w, 1); /* comes too late to matter */
    EXPECT_EQ(w.reads, 1);
}

TEST(fail_if_not_ready_ends_at_the_tip)
{
    struct world w;
    world_init(&w, false);
    struct seek_info s = { .start = { SEEK_SPECIFIED, 9 },
                           .stop = { SEEK_SPECIFIED, 50 },
                           .fail_if_not_ready = true };
    request(&w, "ch", w.now_s, bytes_of(NULL, 0), &s);
    blocks(&w, 1);
    EXPECT_EQ(w.status, 404);
    EXPECT_EQ(w.waits, 0);
}

TEST(refuses_in_fabrics_order)
{
    struct digest hash = sha256_of(bytes_of_str("cert"));
    const struct seek_info good = { .start = { SEEK_OLDEST, 0 }, .stop = { SEEK_NEWEST, 0 } };
    const struct seek_info bad = { .start = { SEEK_OLDEST, 0 } };
    static const struct bytes none = { 0 };
    const struct {
        const char *channel;
        int64_t age_s;
        struct bytes tls_hash;
        bool binds, allowed;
        const struct seek_info *seek;
        int status;
    } rows[] = {
        { "ch", 901, none, false, true, &good, 400 },
        { "ch", -901, none, false, true, &good, 400 },
        { "no", 901, none, false, true, &good, 400 },
        { "no", 0, none, false, true, &good, 404 },
        { "ch", 0, none, true, true, &good, 400 },
        { "ch", 0, digest_bytes(&hash), true, false, &bad, 403 },
        { "ch", 0, none, false, false, &good, 403 },
        { "ch", 0, none, false, true, &bad, 400 },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++) {
        struct world w;
        world_init(&w, rows[i].binds);
        w.allowed = rows[i].allowed;
        request(&w, rows[i].channel, w.now_s - rows[i].age_s, rows[i].tls_hash, rows[i].seek);
        EXPECT_EQ(w.status, rows[i].status);
        EXPECT_EQ(w.ends, 1);
        EXPECT_EQ(w.reads, 0);
    }
    struct world w; /* exactly at the window's edge, and bound to the right certificate */
    world_init(&w, true);
    request(&w, "ch", w.now_s - 900, digest_bytes(&hash), &good);
    EXPECT_EQ(w.reads, 1);
}

TEST(waits_for_the_verdict_on_the_client)
{
    struct world w;
    world_init(&w, false);
    w.answers = false;
    ask(&w, 3, 7);
    EXPECT_EQ(w.checks, 1);
    EXPECT_EQ(w.reads, 0);
    allow(&w);
    EXPECT_EQ(w.reads, 1);
}

TEST(a_new_configuration_is_asked_before_the_next_block_goes_out)
{
    struct world w;
    world_init(&w, false);
    w.answers = false;
    ask(&w, 0, UINT64_MAX);
    allow(&w);
    blocks(&w, 2);
    EXPECT_EQ(w.sent, 1);
    EXPECT_EQ(w.checks, 1);
    w.sequence = 1;
    blocks(&w, 3);
    EXPECT_EQ(w.checks, 2);
    EXPECT_EQ(w.sent, 1);
    allow(&w);
    EXPECT_EQ(w.sent, 2);
    EXPECT_EQ(w.first, 5);
    w.sequence = 2;
    blocks(&w, 3);
    w.allowed = false;
    allow(&w);
    EXPECT_EQ(w.status, 403);
    EXPECT_EQ(w.sent, 2);
    EXPECT_EQ(w.dropped, 1);
    EXPECT_EQ(w.forgotten, 1);
}

TEST(an_expired_certificate_ends_the_session)
{
    struct world w;
    world_init(&w, false);
    w.expires_s = w.now_s + 10;
    ask(&w, 0, UINT64_MAX);
    blocks(&w, 2);
    EXPECT_EQ(w.sent, 1);
    w.now_s += 11;
    blocks(&w, 2);
    EXPECT_EQ(w.status, 403);
    EXPECT_EQ(w.sent, 1);
    world_init(&w, false);
    w.expires_s = w.now_s - 1;
    ask(&w, 0, 5);
    EXPECT_EQ(w.status, 403);
    EXPECT_EQ(w.reads, 0);
}

TEST(a_consenter_in_error_ends_who_is_strict)
{
    struct world w;
    const struct seek_info eager = { .start = { SEEK_OLDEST, 0 },
                                     .stop = { SEEK_SPECIFIED, UINT64_MAX },
                                     .best_effort = true };
    world_init(&w, false);
    w.errored = true;
    ask(&w, 0, 5);
    EXPECT_EQ(w.status, 503);
    EXPECT_EQ(w.checks, 0);
    world_init(&w, false);
    ask(&w, 10, UINT64_MAX);
    w.errored = true;
    deliver_stream_errored(&w.ds);
    EXPECT_EQ(w.status, 503);
    world_init(&w, false);
    w.errored = true;
    request(&w, "ch", w.now_s, bytes_of(NULL, 0), &eager);
    blocks(&w, 10);
    deliver_stream_errored(&w.ds);
    EXPECT_EQ(w.status, 0);
    EXPECT_EQ(w.waits, 1);
}
