#include "ops/statsd_lines.h"

#include "weft_test.h"

struct world {
    struct metrics *metrics;
    struct metrics_owner *owner;
    struct statsd_lines *lines;
};

static void begin(struct world *w, const char *prefix)
{
    w->metrics = metrics_new();
    w->owner = metrics_owner_new(w->metrics);
    w->lines = statsd_lines_new(w->metrics, prefix);
}

static void end(struct world *w)
{
    statsd_lines_free(w->lines);
    metrics_free(w->metrics);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct world, end)

static void expect_lines(struct world *w, const char *want)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    statsd_lines_write(w->lines, &out);
    EXPECT_BYTES(buf_bytes(&out), bytes_of_str(want));
}

TEST(what_was_counted_since_the_last_time)
{
    WEFT_CLEANUP(end) struct world w;
    begin(&w, "node.one");
    struct metric_cell *sent = METRIC_OF(w.owner, DELIVER_BLOCKS_SENT, "ch", "false", "block");
    struct metric_cell *same =
        METRIC_OF(metrics_owner_new(w.metrics), DELIVER_BLOCKS_SENT, "ch", "false", "block");
    expect_lines(&w, "");
    metric_add(sent, 5);
    metric_add(same, 1);
    expect_lines(&w, "node.one.deliver.blocks_sent.ch.false.block:6.000000|c\n");
    expect_lines(&w, "");
    metric_add(METRIC(w.owner, DELIVER_STREAMS_OPENED), 1); /* sorted behind it */
    metric_add(METRIC_OF(w.owner, BROADCAST_PROCESSED_COUNT, "ch", "CONFIG", "SUCCESS"), 1);
    metric_add(sent, 2);
    expect_lines(&w, "node.one.broadcast.processed_count.ch.CONFIG.SUCCESS:1.000000|c\n"
                     "node.one.deliver.blocks_sent.ch.false.block:2.000000|c\n"
                     "node.one.deliver.streams_opened:1.000000|c\n");
}

TEST(a_gauge_is_told_each_time)
{
    WEFT_CLEANUP(end) struct world w;
    begin(&w, "");
    metric_set(METRIC_OF(w.owner, LEDGER_BLOCKCHAIN_HEIGHT, "ch"), 31);
    expect_lines(&w, "ledger.blockchain_height.ch:31.000000|g\n");
    expect_lines(&w, "ledger.blockchain_height.ch:31.000000|g\n");
}

TEST(observations_come_as_their_mean_and_how_many_they_were)
{
    WEFT_CLEANUP(end) struct world w;
    begin(&w, "p.");
    struct metric_cell *took = METRIC_OF(w.owner, LEDGER_BLOCK_PROCESSING_TIME, "ch");
    metric_observe(took, 0.5);
    expect_lines(&w, "p.ledger.block_processing_time.ch:0.500000|ms\n");
    metric_observe(took, 0.1);
    metric_observe(took, 0.2);
    metric_observe(took, 0.3);
    expect_lines(&w, "p.ledger.block_processing_time.ch:0.200000|ms|@0.333333333\n");
    expect_lines(&w, "");
}

/* A value may hold what Prometheus escapes, and what looks like another label. */
TEST(what_would_break_a_name_becomes_an_underscore)
{
    WEFT_CLEANUP(end) struct world w;
    begin(&w, "");
    metric_add(METRIC_OF(w.owner, LEDGER_TRANSACTION_COUNT, "my.ch", "a|b c\n", "cc:1.0\\\"x\"",
                         "\",channel=\"VALID"),
               1);
    expect_lines(&w, "ledger.transaction_count.my_ch.a_b_c_.cc_1_0\\\"x\"."
                     "\",channel=\"VALID:1.000000|c\n");
}

TEST(every_name_has_its_dots)
{
    WEFT_CLEANUP(end) struct world w;
    begin(&w, "");
    metric_set(METRIC_OF(w.owner, FABRIC_VERSION, "2.2"), 1);
    metric_set(METRIC_OF(w.owner, GOSSIP_LEADER_ELECTION_LEADER, "ch"), 1);
    metric_set(METRIC_OF(w.owner, GOSSIP_PAYLOAD_BUFFER_SIZE, "ch"), 2);
    metric_set(METRIC_OF(w.owner, GOSSIP_STATE_HEIGHT, "ch"), 3);
    metric_add(METRIC(w.owner, GRPC_COMM_CONN_OPENED), 4);
    metric_set(METRIC(w.owner, PROCESS_OPEN_FDS), 5);
    expect_lines(&w, "fabric_version.2_2:1.000000|g\n"
                     "gossip.leader_election.leader.ch:1.000000|g\n"
                     "gossip.payload_buffer.size.ch:2.000000|g\n"
                     "gossip.state.height.ch:3.000000|g\n"
                     "grpc.comm.conn_opened:4.000000|c\n");
}
