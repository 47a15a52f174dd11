#include "ops/metrics.h"

#include "base/limits.h"
#include "os/thread.h"
#include "weft_test.h"

static char *scrape(struct metrics *m)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    metrics_write(m, &out);
    return bytes_dup_str(buf_bytes(&out));
}

TEST(shows_a_counter_with_its_help_and_type)
{
    WEFT_CLEANUP(metrics_free) struct metrics *m = metrics_new();
    struct metrics_owner *o = metrics_owner_new(m);
    metric_add(METRIC_OF(o, DELIVER_BLOCKS_SENT, "mychannel", "false", "block"), 3);

    WEFT_FREE char *text = scrape(m);
    EXPECT_STR(text,
               "# HELP deliver_blocks_sent The number of blocks sent by the deliver service.\n"
               "# TYPE deliver_blocks_sent counter\n"
               "deliver_blocks_sent{channel=\"mychannel\",data_type=\"block\",filtered=\"false\"} "
               "3\n");
}

TEST(shows_nothing_that_was_never_recorded)
{
    WEFT_CLEANUP(metrics_free) struct metrics *m = metrics_new();
    struct metrics_owner *o = metrics_owner_new(m);
    EXPECT(METRIC(o, DELIVER_STREAMS_OPENED) != NULL);

    WEFT_FREE char *before = scrape(m);
    EXPECT_STR(before, "");
    metric_set(METRIC_OF(o, CONSENSUS_ETCDRAFT_IS_LEADER, "c"), 0);
    WEFT_FREE char *after = scrape(m);
    EXPECT(strstr(after, "consensus_etcdraft_is_leader{channel=\"c\"} 0\n") != NULL);
}

TEST(a_histogram_cumulates_its_buckets)
{
    WEFT_CLEANUP(metrics_free) struct metrics *m = metrics_new();
    struct metrics_owner *o = metrics_owner_new(m);
    struct metric_cell *c = METRIC_OF(o, LEDGER_BLOCKSTORAGE_COMMIT_TIME, "c");
    metric_observe(c, 0.005); /* a bound belongs to its bucket */
    metric_observe_ns(c, 12000000);
    metric_observe(c, 0.5);
    metric_observe(c, 20);

    WEFT_FREE char *text = scrape(m);
    EXPECT_STR(strchr(strchr(text, '\n') + 1, '\n') + 1,
               "ledger_blockstorage_commit_time_bucket{channel=\"c\",le=\"0.005\"} 1\n"
               "ledger_blockstorage_commit_time_bucket{channel=\"c\",le=\"0.01\"} 1\n"
               "ledger_blockstorage_commit_time_bucket{channel=\"c\",le=\"0.015\"} 2\n"
               "ledger_blockstorage_commit_time_bucket{channel=\"c\",le=\"0.05\"} 2\n"
               "ledger_blockstorage_commit_time_bucket{channel=\"c\",le=\"0.1\"} 2\n"
               "ledger_blockstorage_commit_time_bucket{channel=\"c\",le=\"1\"} 3\n"
               "ledger_blockstorage_commit_time_bucket{channel=\"c\",le=\"10\"} 3\n"
               "ledger_blockstorage_commit_time_bucket{channel=\"c\",le=\"+Inf\"} 4\n"
               "ledger_blockstorage_commit_time_sum{channel=\"c\"} 20.517\n"
               "ledger_blockstorage_commit_time_count{channel=\"c\"} 4\n");
}

TEST(asking_again_finds_the_same_cell)
{
    WEFT_CLEANUP(metrics_free) struct metrics *m = metrics_new();
    struct metrics_owner *o = metrics_owner_new(m);
    struct metric_cell *c = METRIC_OF(o, LEDGER_BLOCKCHAIN_HEIGHT, "a");
    char name[16];
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof(name), "c%d", i);
        metric_set(METRIC_OF(o, LEDGER_BLOCKCHAIN_HEIGHT, name), i);
    }
    EXPECT(METRIC_OF(o, LEDGER_BLOCKCHAIN_HEIGHT, "a") == c);
    EXPECT(METRIC_OF(o, LEDGER_BLOCKCHAIN_HEIGHT, "c7") ==
           METRIC_OF(o, LEDGER_BLOCKCHAIN_HEIGHT, "c7"));
    EXPECT(METRIC_OF(o, CONSENSUS_ETCDRAFT_CLUSTER_SIZE, "a") != c);
}

TEST(label_values_are_escaped)
{
    WEFT_CLEANUP(metrics_free) struct metrics *m = metrics_new();
    metric_set(METRIC_OF(metrics_owner_new(m), FABRIC_VERSION, "a\"b\\c\nd"), 1);
    WEFT_FREE char *text = scrape(m);
    EXPECT(strstr(text, "fabric_version{version=\"a\\\"b\\\\c\\nd\"} 1\n") != NULL);
}

TEST(without_metrics_counting_does_nothing)
{
    struct metrics_owner *o = metrics_owner_new(NULL);
    EXPECT(o == NULL);
    metric_add(METRIC(o, DELIVER_STREAMS_OPENED), 1);
    metric_set(METRIC_OF(o, LEDGER_BLOCKCHAIN_HEIGHT, "a"), 1);
    metric_observe_ns(METRIC_OF(o, BLOCKCUTTER_BLOCK_FILL_DURATION, "a"), 1);
}

TEST(too_many_label_values_are_not_counted)
{
    WEFT_CLEANUP(metrics_free) struct metrics *m = metrics_new();
    struct metrics_owner *o = metrics_owner_new(m);
    char name[16];
    for (int i = 0; i < LIMIT_METRIC_CELLS; i++) {
        (void)snprintf(name, sizeof(name), "%d", i);
        EXPECT(METRIC_OF(o, LEDGER_BLOCKCHAIN_HEIGHT, name) != NULL);
    }
    EXPECT(METRIC_OF(o, LEDGER_BLOCKCHAIN_HEIGHT, "one more") == NULL);
    EXPECT(METRIC_OF(o, LEDGER_BLOCKCHAIN_HEIGHT, "7") != NULL);
}

/* What a scrape prints is in Prometheus' order, and so is the table. */
TEST(names_rise_and_have_help)
{
    for (size_t i = 0; i < METRIC_NR; i++) {
        EXPECT(i == 0 || strcmp(metric_defs[i - 1].name, metric_defs[i].name) < 0);
        EXPECT(metric_defs[i].help[0] != '\0');
        EXPECT((metric_defs[i].kind == METRIC_HISTOGRAM) == (metric_defs[i].bucket_count > 0));
    }
}

struct counting {
    struct metrics_owner *o;
    const char *channel;
};

enum {
    ROUNDS = 20000
};

static void count(void *arg)
{
    const struct counting *w = arg;
    for (int i = 0; i < ROUNDS; i++) {
        metric_add(METRIC_OF(w->o, DELIVER_BLOCKS_SENT, "shared", "false", "block"), 1);
        metric_observe(METRIC_OF(w->o, BLOCKCUTTER_BLOCK_FILL_DURATION, w->channel), 1);
    }
}

TEST(threads_that_count_the_same_are_summed_while_others_read)
{
    WEFT_CLEANUP(metrics_free) struct metrics *m = metrics_new();
    struct counting a = { metrics_owner_new(m), "a" }, b = { metrics_owner_new(m), "b" };
    struct thread *first = NULL, *second = NULL;
    struct weft_err e = { 0 };
    EXPECT_OK(thread_start("a", count, &a, &first, &e));
    EXPECT_OK(thread_start("b", count, &b, &second, &e));
    uint64_t last = 0;
    for (int i = 0; i < 50; i++) {
        uint64_t now = metrics_count(m, METRIC_DELIVER_BLOCKS_SENT);
        EXPECT(now >= last);
        last = now;
        WEFT_FREE char *text = scrape(m);
    }
    thread_join(first);
    thread_join(second);
    EXPECT_EQ(metrics_count(m, METRIC_DELIVER_BLOCKS_SENT), 2 * ROUNDS);
    WEFT_FREE char *text = scrape(m);
    EXPECT(strstr(text, "filtered=\"false\"} 40000\n") != NULL);
    EXPECT(strstr(text, "blockcutter_block_fill_duration_sum{channel=\"b\"} 20000\n") != NULL);
}
