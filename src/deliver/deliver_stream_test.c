#include "deliver/deliver_stream.h"

#include "proto/wire.h"
#include "weft_test.h"

/* The rest of the orderer, as a stream sees it. */
struct world {
    struct deliver_stream ds;
    uint64_t height, first, last;
    unsigned reads, waits, next_requests, ends;
    int status; /* the last one sent */
    bool writable, allowed;
    int64_t now_s;
};

static int64_t now_ns(void *ctx)
{
    return ((struct world *)ctx)->now_s * 1000000000;
}

static struct deliver_channel *find_channel(void *ctx, struct bytes id)
{
    return bytes_eq(id, bytes_of_str("ch")) ? (struct deliver_channel *)ctx : NULL;
}

static uint64_t height(void *ctx, struct deliver_channel *c)
{
    (void)c;
    return ((struct world *)ctx)->height;
}

static enum weft_code may_read(void *ctx, struct deliver_channel *c, struct bytes envelope,
                               struct weft_err *e)
{
    (void)c, (void)envelope;
    if (((struct world *)ctx)->allowed)
        return WEFT_OK;
    return WEFT_FAIL(e, WEFT_FORBIDDEN, "permission denied");
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
    .height = height,
    .access = may_read,
    .read = start_read,
    .wait = start_wait,
    .send_status = send_status,
    .is_writable = is_writable,
    .next_request = next_request,
    .end = end_stream,
};
static const struct deliver_config config = { .time_window_ns = 900LL * 1000000000 };

static void world_init(struct world *w, bool binds_tls)
{
    *w = (struct world){ .height = 10, .writable = true, .allowed = true, .now_s = 1000000 };
    deliver_stream_init(
        &w->ds, &config, &deps, w,
        &(struct deliver_client_info){ .address = "1.2.3.4:5",
                                       .binds_tls = binds_tls,
                                       .has_cert = true,
                                       .cert_hash = sha256_of(bytes_of_str("cert")) });
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
