#include "peer/deliver_client.h"

#include "base/duration.h"
#include "peer/orderer_source.h"
#include "proto/wire.h"
#include "weft_test.h"

/* One orderer, a virtual clock, and what the client did, in order:
 * d dial, h hang up, w wait, b block, g gave up. */
struct world {
    struct deliver_client client;
    struct orderer_endpoint endpoint;
    bool no_endpoint;
    enum weft_code block_rc;
    int64_t wait_ns, waited_ns;
    char log[4096];
    size_t at;
};

static void note(struct world *w, char what)
{
    if (w->at + 1 < sizeof(w->log))
        w->log[w->at++] = what;
    w->log[w->at] = '\0';
}

static const struct orderer_endpoint *endpoint(void *ctx)
{
    struct world *w = ctx;
    return w->no_endpoint ? NULL : &w->endpoint;
}

static void dial(void *ctx, const struct orderer_endpoint *to)
{
    EXPECT_STR(to->address, "orderer:7050");
    note(ctx, 'd');
}

static void hang_up(void *ctx)
{
    note(ctx, 'h');
}

static void wait(void *ctx, int64_t ns)
{
    struct world *w = ctx;
    w->wait_ns = ns;
    w->waited_ns += ns;
    note(w, 'w');
}

static enum weft_code block(void *ctx, struct bytes b, struct weft_err *e)
{
    struct world *w = ctx;
    EXPECT_BYTES(b, bytes_of_str("block"));
    note(w, 'b');
    return w->block_rc == WEFT_OK ? WEFT_OK : WEFT_FAIL(e, w->block_rc, "it is bad");
}

static void gave_up(void *ctx)
{
    note(ctx, 'g');
}

static const struct deliver_client_deps deps = { endpoint, dial, hang_up, wait, block, gave_up };
static const struct deliver_client_config elected = { "mychannel", DURATION_H, DURATION_H, true };
static const struct deliver_client_config fixed = { "mychannel", DURATION_H, DURATION_H, false };

static void begin(struct world *w, const struct deliver_client_config *config)
{
    *w = (struct world){ .endpoint = { "orderer:7050", bytes_of(NULL, 0) } };
    deliver_client_init(&w->client, config, &deps, w);
    deliver_client_start(&w->client);
}

static void receive(struct world *w, uint32_t field, const char *content)
{
    WEFT_CLEANUP(buf_done) struct buf m = { 0 };
    if (content != NULL)
        wire_put_bytes(&m, field, bytes_of_str(content));
    else
        wire_put_varint(&m, 1, field);
    deliver_client_message(&w->client, buf_bytes(&m));
}

TEST(blocks_are_taken_until_the_stream_ends_and_then_it_asks_again)
{
    struct world w;
    begin(&w, &fixed);
    deliver_client_connected(&w.client, 7);
    receive(&w, 2, "block");
    receive(&w, 2, "block");
    deliver_client_closed(&w.client, "EOF");
    EXPECT_STR(w.log, "dbbhw");
    EXPECT_EQ(w.wait_ns, 100 * DURATION_MS);
    deliver_client_timer(&w.client);
    EXPECT_STR(w.log, "dbbhwd");
}

TEST(only_a_good_block_forgets_failures)
{
    struct world w;
    begin(&w, &fixed);
    deliver_client_failed(&w.client, "no route");
    deliver_client_timer(&w.client);
    deliver_client_connected(&w.client, 0);
    deliver_client_closed(&w.client, "EOF");
    EXPECT_EQ(w.wait_ns, 120 * DURATION_MS); /* connecting was none */
    deliver_client_timer(&w.client);
    deliver_client_connected(&w.client, 0);
    receive(&w, 2, "block");
    deliver_client_taken(&w.client);
    deliver_client_closed(&w.client, "EOF");
    EXPECT_EQ(w.wait_ns, 100 * DURATION_MS);
}

TEST(a_status_a_bad_block_and_nothing_known_end_the_connection)
{
    static const struct {
        uint32_t field;
        const char *content;
        enum weft_code rc;
        const char *log;
    } rows[] = {
        { 200, NULL, WEFT_OK, "dhw" },        { 404, NULL, WEFT_OK, "dhw" },
        { 4711, NULL, WEFT_OK, "dhw" },       { 7, "what is this", WEFT_OK, "dhw" },
        { 2, "block", WEFT_INVALID, "dbhw" },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++) {
        struct world w;
        begin(&w, &fixed);
        w.block_rc = rows[i].rc;
        deliver_client_connected(&w.client, 0);
        receive(&w, rows[i].field, rows[i].content);
        EXPECT_STR(w.log, rows[i].log);
    }
}

TEST(a_block_that_is_none_breaks_the_stream)
{
    struct world w;
    begin(&w, &fixed);
    w.block_rc = WEFT_CORRUPT;
    deliver_client_connected(&w.client, 0);
    receive(&w, 2, "block");
    EXPECT_STR(w.log, "dbhw");
}

TEST(garbage_ends_the_connection)
{
    struct world w;
    begin(&w, &fixed);
    deliver_client_connected(&w.client, 0);
    deliver_client_message(&w.client, bytes_of_str("\xff\xff\xff"));
    EXPECT_STR(w.log, "dhw");
}

TEST(a_refusal_that_comes_after_the_end_counts_once)
{
    struct world w;
    begin(&w, &fixed);
    deliver_client_connected(&w.client, 0);
    receive(&w, 2, "block");
    deliver_client_refused(&w.client, "bad signature");
    deliver_client_refused(&w.client, "bad signature");
    deliver_client_closed(&w.client, "EOF");
    EXPECT_STR(w.log, "dbhw");
}

TEST(refreshed_endpoints_are_dialed_at_once)
{
    struct world w;
    begin(&w, &fixed);
    deliver_client_refreshed(&w.client); /* still dialing: nothing to hang up on */
    EXPECT_STR(w.log, "d");
    deliver_client_connected(&w.client, 0);
    deliver_client_refreshed(&w.client);
    EXPECT_STR(w.log, "dhd");
    EXPECT_EQ(w.client.failures, 0);
}

TEST(without_endpoints_it_waits_for_some)
{
    struct world w;
    *(&w) = (struct world){ .no_endpoint = true };
    deliver_client_init(&w.client, &fixed, &deps, &w);
    deliver_client_start(&w.client);
    EXPECT_STR(w.log, "w");
}

/* With the defaults the 49th wait would go over the hour. */
TEST(an_elected_leader_gives_up_after_an_hour_of_waits)
{
    struct world w;
    begin(&w, &elected);
    unsigned n = 0;
    while (w.client.sm.state != DELIVER_CLIENT_STOPPED) {
        deliver_client_failed(&w.client, "no route");
        deliver_client_timer(&w.client);
        n++;
    }
    EXPECT_EQ(n, 49);
    EXPECT_EQ(w.waited_ns / DURATION_MS, 3159350);
    EXPECT_EQ(w.log[w.at - 1], 'g');
}

TEST(blocks_in_between_do_not_shorten_the_hour)
{
    struct world w;
    begin(&w, &elected);
    unsigned n = 0;
    while (w.client.sm.state != DELIVER_CLIENT_STOPPED) {
        deliver_client_connected(&w.client, n);
        deliver_client_taken(&w.client);
        deliver_client_closed(&w.client, "EOF");
        deliver_client_timer(&w.client);
        n++;
    }
    EXPECT_EQ(n, 36001); /* 100 ms each */
}

TEST(a_leader_by_configuration_never_gives_up)
{
    struct world w;
    begin(&w, &fixed);
    for (int i = 0; i < 1000; i++) {
        deliver_client_failed(&w.client, "no route");
        deliver_client_timer(&w.client);
    }
    EXPECT_EQ(w.wait_ns, DURATION_H);
    EXPECT_EQ(w.client.sm.state, DELIVER_CLIENT_DIALING);
}

TEST(stopped_it_hears_nothing_and_starts_afresh)
{
    struct world w;
    begin(&w, &fixed);
    deliver_client_failed(&w.client, "no route");
    deliver_client_stop(&w.client);
    EXPECT_STR(w.log, "dwh");
    deliver_client_timer(&w.client);
    deliver_client_connected(&w.client, 0);
    deliver_client_failed(&w.client, "late");
    deliver_client_closed(&w.client, "late");
    deliver_client_broken(&w.client);
    EXPECT_STR(w.log, "dwh");
    deliver_client_start(&w.client);
    EXPECT_EQ(w.client.failures, 0);
    EXPECT_EQ(w.client.waited_ns, 0);
    EXPECT_STR(w.log, "dwhd");
}
