#include "peer/committer.h"

#include "bundle/bundle.h"
#include "channel_chain.h"
#include "kvledger/kv_ledger.h"
#include "peer_world.h"
#include "validation/block_validation.h"
#include "weft_test.h"

enum {
    JOBS_MAX = 256,
};

/* A ledger with its first block, and workers that do what they have been given when told. */
struct world {
    struct channel_chain *chain;
    struct peer_world ledger;
    struct committer *committer;
    struct validation_lane *lane;
    struct {
        struct committer_block *block;
        size_t part;
    } jobs[JOBS_MAX];
    size_t job_count, given;
    bool refuses; /* the workers take nothing */
    bool syncs_elsewhere;
    struct kv_sync *sync; /* that is out */
    uint64_t now_ns;
    struct bundle *configured; /* the last one that was told; not counted */
    size_t configs;
};

static uint64_t now_ns(void *ctx)
{
    return ((struct world *)ctx)->now_ns;
}

static bool run(void *ctx, struct committer_block *b, size_t part)
{
    struct world *w = ctx;
    if (w->refuses || w->job_count == JOBS_MAX)
        return false;
    w->jobs[w->job_count].block = b;
    w->jobs[w->job_count++].part = part;
    w->given++;
    return true;
}

static bool sync_elsewhere(void *ctx, struct kv_sync *s)
{
    struct world *w = ctx;
    EXPECT(w->sync == NULL);
    if (w->syncs_elsewhere)
        w->sync = s;
    return w->syncs_elsewhere;
}

static void configured(void *ctx, struct bundle *b)
{
    struct world *w = ctx;
    w->configured = b;
    w->configs++;
}

static struct msp_manager *msps_of(void *ctx, struct bytes channel_id)
{
    (void)ctx, (void)channel_id;
    return NULL;
}

static void begin(struct world *w)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    *w = (struct world){ .chain = channel_chain_new("ch", 1, CHAIN_OF_ORDERER) };
    EXPECT_OK(peer_world_open(&w->ledger, dir, "Org1MSP", "ch", &e));
    EXPECT_OK(peer_world_take(&w->ledger, chain_next(&w->chain->chain, 1, 10), NULL, 0, &e));
    w->lane = validation_lane_new(NULL, 16);
    w->committer = committer_new(
        &(struct committer_config){
            .channel_id = "ch", .ledger = w->ledger.ledger, .bundle = w->ledger.bundle },
        &(struct committer_deps){ w, now_ns, run, sync_elsewhere, configured, msps_of });
}

/* The oldest job, or the newest. */
static void work_one(struct world *w, bool newest)
{
    size_t i = newest ? w->job_count - 1 : 0;
    struct committer_block *b = w->jobs[i].block;
    size_t part = w->jobs[i].part;
    memmove(&w->jobs[i], &w->jobs[i + 1], (w->job_count - i - 1) * sizeof(w->jobs[0]));
    w->job_count--;
    committer_block_run(b, part, w->lane);
    committer_part_done(w->committer, b);
}

static void work_all(struct world *w)
{
    while (w->job_count > 0)
        work_one(w, false);
}

/* What is out has run. */
static void synced(struct world *w)
{
    struct weft_err e = { 0 };
    kv_sync_run(WEFT_TAKE(w->sync));
    EXPECT_OK(committer_synced(w->committer, &e));
}

static void end(struct world *w)
{
    work_all(w);
    w->syncs_elsewhere = false;
    if (w->sync != NULL)
        synced(w);
    committer_free(w->committer);
    validation_lane_free(w->lane);
    peer_world_close(&w->ledger);
    channel_chain_free(w->chain);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct world, end)

static void put(struct world *w, struct block *b)
{
    committer_put(w->committer, b);
}

static uint64_t height(const struct world *w)
{
    return block_store_height(kv_ledger_blocks(w->ledger.ledger));
}

TEST(blocks_are_committed_in_order_whichever_was_looked_through_first)
{
    WEFT_CLEANUP(end) struct world w;
    struct weft_err e = { 0 };
    begin(&w);
    for (int i = 0; i < 3; i++)
        put(&w, chain_next(&w.chain->chain, 40, 20)); /* two parts each */
    EXPECT_EQ(w.job_count, 6);
    for (int i = 0; i < 5; i++)
        work_one(&w, true);
    EXPECT_OK(committer_step(w.committer, &e));
    EXPECT_EQ(committer_next(w.committer), 1);
    work_one(&w, true);
    EXPECT_OK(committer_step(w.committer, &e));
    EXPECT_EQ(committer_next(w.committer), 4);
    EXPECT_EQ(committer_out(w.committer), 0);
    EXPECT(committer_bytes(w.committer) > 2400);
}

TEST(the_newest_block_is_announced_at_once_and_others_with_it)
{
    WEFT_CLEANUP(end) struct world w;
    struct weft_err e = { 0 };
    begin(&w);
    put(&w, chain_next(&w.chain->chain, 1, 10));
    put(&w, chain_next(&w.chain->chain, 1, 10));
    work_one(&w, false);
    EXPECT_OK(committer_step(w.committer, &e)); /* another one waits behind it */
    EXPECT_EQ(committer_next(w.committer), 2);
    EXPECT_EQ(height(&w), 1);
    work_one(&w, false);
    EXPECT_OK(committer_step(w.committer, &e));
    EXPECT_EQ(height(&w), 3);
}

TEST(what_waits_for_a_sync_does_not_wait_long)
{
    WEFT_CLEANUP(end) struct world w;
    struct weft_err e = { 0 };
    begin(&w);
    for (int i = 0; i < 3; i++)
        put(&w, chain_next(&w.chain->chain, 1, 10));
    work_one(&w, false);
    EXPECT_OK(committer_step(w.committer, &e));
    EXPECT_EQ(height(&w), 1);
    w.now_ns += COMMITTER_UNSYNCED_MS * UINT64_C(1000000);
    work_one(&w, false);
    EXPECT_OK(committer_step(w.committer, &e));
    EXPECT_EQ(height(&w), 3); /* though the third one is there */
}

TEST(nothing_behind_a_config_block_is_looked_at_before_it_has_taken_effect)
{
    WEFT_CLEANUP(end) struct world w;
    struct weft_err e = { 0 };
    begin(&w);
    put(&w, chain_next(&w.chain->chain, 1, 10));
    put(&w, chain_next_config(&w.chain->chain, 0));
    put(&w, chain_next(&w.chain->chain, 1, 10));
    put(&w, chain_next_config(&w.chain->chain, 0));
    EXPECT_EQ(w.given, 2);
    work_all(&w);
    EXPECT_OK(committer_step(w.committer, &e));
    EXPECT_EQ(committer_next(w.committer), 3);
    EXPECT_EQ(w.configs, 1);
    EXPECT_EQ(bundle_sequence(w.configured), 1);
    EXPECT_EQ(w.given, 4);
    work_all(&w);
    EXPECT_OK(committer_step(w.committer, &e));
    EXPECT_EQ(committer_next(w.committer), 5);
    EXPECT_EQ(bundle_sequence(w.configured), 2);
    EXPECT_EQ(w.given, 4);
}

/* A configuration that is not alone in its block, which no orderer makes. */
static struct block *hidden_config(struct world *w)
{
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    const struct block *config = chain_next_config(&w->chain->chain, 0);
    struct block_view v = config->v;
    struct block *ret = NULL;
    v.txs = (struct bytes_list){ 0 };
    bytes_list_add(&v.txs, config->v.txs.at[0]);
    bytes_list_add(&v.txs, bytes_of_str("no envelope"));
    block_encode(&v, &wire);
    free(v.txs.at);
    WEFT_ASSERT(block_parse(buf_bytes(&wire), &ret, NULL) == WEFT_OK);
    return ret;
}

TEST(what_was_found_out_under_another_configuration_is_found_out_again)
{
    WEFT_CLEANUP(end) struct world w;
    struct weft_err e = { 0 };
    begin(&w);
    WEFT_CLEANUP(block_unref) struct block *hidden = hidden_config(&w);
    put(&w, hidden);
    put(&w, chain_next(&w.chain->chain, 1, 10));
    put(&w, chain_next(&w.chain->chain, 1, 10));
    EXPECT_EQ(w.given, 3);
    work_one(&w, false);
    work_one(&w, false);
    EXPECT_OK(committer_step(w.committer, &e)); /* the third one's part is still out */
    EXPECT_EQ(committer_next(w.committer), 2);
    EXPECT_EQ(w.configs, 1);
    EXPECT_EQ(w.given, 4); /* the second one's, again */
    work_one(&w, false);   /* for nothing */
    EXPECT_EQ(w.given, 5);
}

TEST(without_workers_it_does_the_work_itself)
{
    WEFT_CLEANUP(end) struct world w;
    struct weft_err e = { 0 };
    begin(&w);
    w.refuses = true;
    put(&w, chain_next(&w.chain->chain, 40, 10));
    put(&w, chain_next_config(&w.chain->chain, 0));
    EXPECT_OK(committer_step(w.committer, &e));
    EXPECT_EQ(committer_next(w.committer), 3);
}

TEST(a_configuration_that_does_not_follow_ends_the_work)
{
    WEFT_CLEANUP(end) struct world w;
    struct weft_err e = { 0 };
    begin(&w);
    (void)chain_next_config(&w.chain->chain, 0);
    put(&w, chain_next_config(&w.chain->chain, 0)); /* the one before it is missing */
    work_all(&w);
    EXPECT(committer_step(w.committer, &e) != WEFT_OK);
    EXPECT_WORDS(e, "error validating config which passed initial validity checks");
    EXPECT_EQ(height(&w), 1);
}

TEST(ending_begins_nothing_and_announces_what_was_committed)
{
    WEFT_CLEANUP(end) struct world w;
    struct weft_err e = { 0 };
    begin(&w);
    put(&w, chain_next(&w.chain->chain, 1, 10));
    put(&w, chain_next(&w.chain->chain, 1, 10));
    work_one(&w, false);
    EXPECT_OK(committer_step(w.committer, &e));
    EXPECT_EQ(height(&w), 1);
    EXPECT_OK(committer_end(w.committer, &e));
    EXPECT_EQ(height(&w), 2);
    work_all(&w);
    EXPECT_OK(committer_step(w.committer, &e));
    EXPECT_EQ(committer_next(w.committer), 2);
}

/* ---- syncs that others do -------------------------------------------------------------------------- */

static void put_small(struct world *w, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put(w, chain_next(&w->chain->chain, 1, 10));
    work_all(w);
}

static void expect_heights(struct world *w, uint64_t committed, uint64_t announced)
{
    struct weft_err e = { 0 };
    EXPECT_OK(committer_step(w->committer, &e));
    EXPECT_EQ(committer_next(w->committer), committed);
    EXPECT_EQ(height(w), announced);
}

TEST(blocks_are_committed_while_those_before_them_are_synced)
{
    WEFT_CLEANUP(end) struct world w;
    begin(&w);
    w.syncs_elsewhere = true;
    put_small(&w, 1);
    expect_heights(&w, 2, 1);
    EXPECT_EQ(committer_out(w.committer), 1);
    put_small(&w, 2);
    expect_heights(&w, 4, 1);
    synced(&w); /* and what came meanwhile goes on its way */
    EXPECT_EQ(height(&w), 2);
    EXPECT(w.sync != NULL);
    put_small(&w, 1);
    expect_heights(&w, 5, 2);
    synced(&w);
    EXPECT_EQ(height(&w), 4);
    synced(&w);
    EXPECT_EQ(height(&w), 5);
    EXPECT(w.sync == NULL);
    EXPECT_EQ(committer_out(w.committer), 0);
}

TEST(a_config_takes_effect_while_blocks_before_it_are_synced)
{
    WEFT_CLEANUP(end) struct world w;
    begin(&w);
    w.syncs_elsewhere = true;
    put_small(&w, 1);
    expect_heights(&w, 2, 1);
    put(&w, chain_next_config(&w.chain->chain, 0));
    put(&w, chain_next(&w.chain->chain, 1, 10));
    work_all(&w);
    expect_heights(&w, 3, 1);
    EXPECT_EQ(bundle_sequence(w.configured), 1);
    work_all(&w);
    expect_heights(&w, 4, 1);
    synced(&w);
    EXPECT_EQ(height(&w), 2);
}

TEST(when_enough_waits_behind_a_sync_nothing_is_committed_until_its_end)
{
    WEFT_CLEANUP(end) struct world w;
    begin(&w);
    w.syncs_elsewhere = true;
    put_small(&w, 1);
    expect_heights(&w, 2, 1);
    put(&w, chain_next(&w.chain->chain, 1, COMMITTER_BEHIND_BYTES));
    put_small(&w, 1);
    expect_heights(&w, 3, 1);
    synced(&w);
    expect_heights(&w, 4, 2);
}

/* Others wait behind it, and still a sync begins: it makes the file meanwhile. */
TEST(a_sync_begins_when_the_next_block_needs_another_file)
{
    peer_world_file_bytes = 64 << 10;
    WEFT_CLEANUP(end) struct world w;
    begin(&w);
    w.syncs_elsewhere = true;
    put(&w, chain_next(&w.chain->chain, 1, 40000));
    put(&w, chain_next(&w.chain->chain, 1, 40000));
    put_small(&w, 1);
    expect_heights(&w, 2, 1);
    EXPECT(w.sync != NULL);
    synced(&w);
    expect_heights(&w, 4, 2);
    peer_world_file_bytes = 0;
}

TEST(ending_waits_for_the_sync_that_is_out_and_does_the_rest_itself)
{
    WEFT_CLEANUP(end) struct world w;
    struct weft_err e = { 0 };
    begin(&w);
    w.syncs_elsewhere = true;
    put_small(&w, 1);
    expect_heights(&w, 2, 1);
    put_small(&w, 1);
    expect_heights(&w, 3, 1);
    put(&w, chain_next(&w.chain->chain, 1, 10));
    EXPECT_OK(committer_end(w.committer, &e));
    work_all(&w);
    expect_heights(&w, 3, 1);
    EXPECT_EQ(committer_out(w.committer), 1);
    synced(&w);
    EXPECT_EQ(committer_out(w.committer), 0);
    expect_heights(&w, 3, 3);
}
