/* The blocks of a real orderer, validated and committed here, against what a real peer made of
 * them. */
#include "kvledger/kv_ledger.h"

#include "base/log.h"
#include "os/dirs.h"
#include "os/jobs.h"
#include "peer_fixture.h"
#include "proto/block.h"
#include "proto/metadata.h"
#include "weft_test.h"

enum {
    BLOCKS = PEER_FIXTURE_BLOCKS,
};

/* A line a block is too much here. */
__attribute__((constructor)) static void be_quiet(void)
{
    WEFT_IGNORE(log_set_spec("panic", NULL));
}

static void take_blocks(struct peer_world *w, const struct peer_fixture_pvt *pvt, uint64_t from,
                        uint64_t to, uint64_t each_sync)
{
    struct weft_err e = { 0 };
    for (uint64_t n = from; n < to; n++) {
        WEFT_CLEANUP(block_unref) struct block *b = peer_fixture_block(n);
        EXPECT_OK(peer_world_take(w, b, pvt != NULL ? pvt->blocks[n].txs : NULL,
                                  pvt != NULL ? pvt->blocks[n].count : 0, &e));
        if (n % each_sync == 0)
            EXPECT_OK(kv_ledger_sync(w->ledger, &e));
    }
    EXPECT_OK(kv_ledger_sync(w->ledger, &e));
}

TEST(every_block_gets_the_flags_and_the_commit_hash_that_the_peer_gave_it)
{
    struct weft_err e = { 0 };
    static const uint64_t syncs[] = { 1, 7, 100 };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(syncs); i++) {
        WEFT_FREE char *dir = weft_test_fast_dir();
        WEFT_CLEANUP(peer_world_close) struct peer_world w;
        EXPECT_OK(peer_world_open(&w, dir, "Org1MSP", PEER_FIXTURE_CHANNEL, &e));
        take_blocks(&w, NULL, 0, BLOCKS, syncs[i]);
        peer_fixture_expect_blocks(&w);
    }
}

TEST(with_the_private_data_every_database_is_the_peers_key_by_key)
{
    struct weft_err e = { 0 };
    static const uint64_t syncs[] = { 1, 7, 100 };
    WEFT_CLEANUP(peer_fixture_pvt_done) struct peer_fixture_pvt pvt = { 0 };
    peer_fixture_pvt_read(&pvt);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(syncs); i++) {
        WEFT_FREE char *dir = weft_test_fast_dir();
        WEFT_CLEANUP(peer_world_close) struct peer_world w;
        EXPECT_OK(peer_world_open(&w, dir, "Org1MSP", PEER_FIXTURE_CHANNEL, &e));
        take_blocks(&w, &pvt, 0, BLOCKS, syncs[i]);
        peer_fixture_expect_blocks(&w);
        peer_world_close(&w);
        peer_fixture_expect_databases(dir);
    }
}

/* ---- blocks that come while those before them are on their way to the disk ---------------------------- */

/* A step of the sync with each so many blocks. */
static void take_blocks_meanwhile(struct peer_world *w, const struct peer_fixture_pvt *pvt,
                                  uint64_t each_step)
{
    struct weft_err e = { 0 };
    for (uint64_t n = 0; n < BLOCKS; n++) {
        WEFT_CLEANUP(block_unref) struct block *b = peer_fixture_block(n);
        EXPECT_OK(peer_world_take(w, b, pvt->blocks[n].txs, pvt->blocks[n].count, &e));
        if (n % each_step == 0)
            EXPECT_OK(peer_world_sync_some(w, NULL, &e));
    }
    EXPECT_OK(peer_world_sync(w, &e));
}

TEST(blocks_that_come_while_others_are_synced_make_no_other_databases)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(peer_fixture_pvt_done) struct peer_fixture_pvt pvt = { 0 };
    peer_fixture_pvt_read(&pvt);
    for (uint64_t each = 1; each < 4; each++) {
        WEFT_FREE char *dir = weft_test_fast_dir();
        WEFT_CLEANUP(peer_world_close) struct peer_world w;
        EXPECT_OK(peer_world_open(&w, dir, "Org1MSP", PEER_FIXTURE_CHANNEL, &e));
        take_blocks_meanwhile(&w, &pvt, each);
        peer_fixture_expect_blocks(&w);
        peer_world_close(&w);
        peer_fixture_expect_databases(dir);
    }
}

struct sync_job {
    struct job job;
    struct kv_sync *sync;
    struct peer_world *w;
    bool is_out;
};

static void run_sync(struct job *j)
{
    kv_sync_run(WEFT_CONTAINER_OF(j, struct sync_job, job)->sync);
}

static void sync_back(struct mail *m, void *owner)
{
    struct sync_job *s = owner;
    struct weft_err e = { 0 };
    (void)m;
    EXPECT_OK(kv_ledger_sync_end(s->w->ledger, &e));
    s->is_out = false;
}

static void sync_dropped(struct mail *m)
{
    (void)m;
}

static void sync_elsewhere(struct sync_job *s, struct jobs *pool, struct mailbox *mb)
{
    struct weft_err e = { 0 };
    WEFT_IGNORE(mailbox_drain(mb, s, 1) == 0);
    if (s->is_out)
        return;
    EXPECT_OK(kv_ledger_sync_begin(s->w->ledger, NULL, &s->sync, &e));
    if (s->sync == NULL)
        return;
    s->job = (struct job){ .run = run_sync,
                           .back = mb,
                           .mail = { .handle = sync_back, .drop = sync_dropped } };
    s->is_out = jobs_submit(pool, &s->job);
    EXPECT(s->is_out);
}

TEST(a_sync_on_another_thread_makes_no_other_databases)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    WEFT_CLEANUP(peer_fixture_pvt_done) struct peer_fixture_pvt pvt = { 0 };
    WEFT_CLEANUP(peer_world_close) struct peer_world w;
    struct mailbox *mb = mailbox_new("owner", 1);
    struct jobs *pool = jobs_new("sync", 1, 1);
    struct sync_job s = { .w = &w };
    peer_fixture_pvt_read(&pvt);
    EXPECT_OK(peer_world_open(&w, dir, "Org1MSP", PEER_FIXTURE_CHANNEL, &e));
    for (uint64_t n = 0; n < BLOCKS; n++) {
        WEFT_CLEANUP(block_unref) struct block *b = peer_fixture_block(n);
        EXPECT_OK(peer_world_take(&w, b, pvt.blocks[n].txs, pvt.blocks[n].count, &e));
        sync_elsewhere(&s, pool, mb);
    }
    jobs_free(pool);
    WEFT_IGNORE(mailbox_drain(mb, &s, 1) == 0);
    EXPECT_OK(kv_ledger_sync(w.ledger, &e));
    mailbox_free(mb);
    peer_fixture_expect_blocks(&w);
    peer_world_close(&w);
    peer_fixture_expect_databases(dir);
}

/* ---- going on from what a peer left --------------------------------------------------------------- */

static void drop(const char *dir, const char *name)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *path = weft_asprintf("%s/%s", dir, name);
    EXPECT_OK(dir_remove_tree(path, &e));
}

/* A block of nothing good, which comes next whatever the last one was. */
static struct block *bad_block(struct peer_world *w)
{
    struct weft_err e = { 0 };
    struct block_store_info info;
    struct block *b = NULL;
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    struct bytes tx = bytes_of_str("no envelope");
    block_store_info(kv_ledger_blocks(w->ledger), &info);
    struct block_view v = { .number = info.height,
                            .previous_hash = digest_bytes(&info.current_hash),
                            .txs = { &tx, 1, 1 },
                            .has_header = true,
                            .has_data = true };
    struct digest data = block_data_hash(&v);
    v.data_hash = digest_bytes(&data);
    block_encode(&v, &wire);
    EXPECT_OK(block_parse(buf_bytes(&wire), &b, &e));
    return b;
}

TEST(a_real_peers_folder_is_taken_over_and_gone_on_with)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = peer_fixture_copy();
    WEFT_CLEANUP(peer_world_close) struct peer_world w;
    EXPECT_OK(peer_world_open(&w, dir, "Org1MSP", PEER_FIXTURE_CHANNEL, &e));
    peer_fixture_expect_blocks(&w);
    for (int i = 0; i < 3; i++) {
        WEFT_CLEANUP(block_unref) struct block *b = bad_block(&w);
        EXPECT_OK(peer_world_take(&w, b, NULL, 0, &e));
        EXPECT_EQ(w.codes[0], TX_INVALID_OTHER_REASON);
        EXPECT_OK(kv_ledger_sync(w.ledger, &e));
    }
    peer_world_close(&w);
    EXPECT_OK(peer_world_open(&w, dir, "Org1MSP", PEER_FIXTURE_CHANNEL, &e));
    EXPECT_EQ(kv_ledger_next(w.ledger), BLOCKS + 3);
}

TEST(databases_that_are_gone_are_made_again_from_the_blocks)
{
    struct weft_err e = { 0 };
    static const char *const state[] = { "stateLeveldb", "bookkeeper", "configHistory" };
    for (int which = 1; which < 4; which++) {
        WEFT_FREE char *dir = peer_fixture_copy();
        for (size_t i = 0; (which & 1) && i < WEFT_ARRAY_LEN(state); i++)
            drop(dir, state[i]);
        if (which & 2)
            drop(dir, "historyLeveldb");
        WEFT_CLEANUP(peer_world_close) struct peer_world w;
        EXPECT_OK(peer_world_open(&w, dir, "Org1MSP", PEER_FIXTURE_CHANNEL, &e));
        peer_fixture_expect_blocks(&w);
        peer_world_close(&w);
        peer_fixture_expect_databases(dir);
    }
}

/* State and history as they were some blocks ago, private data and blocks as they are now. */
TEST(databases_that_are_behind_are_brought_up_to_the_blocks)
{
    struct weft_err e = { 0 };
    static const char *const names[] = { "stateLeveldb", "bookkeeper", "configHistory",
                                         "historyLeveldb" };
    WEFT_CLEANUP(peer_fixture_pvt_done) struct peer_fixture_pvt pvt = { 0 };
    peer_fixture_pvt_read(&pvt);
    for (uint64_t at = 30; at < 46; at += 5) {
        WEFT_FREE char *dir = weft_test_fast_dir();
        WEFT_FREE char *old = weft_test_fast_dir();
        WEFT_CLEANUP(peer_world_close) struct peer_world w;
        EXPECT_OK(peer_world_open(&w, dir, "Org1MSP", PEER_FIXTURE_CHANNEL, &e));
        take_blocks(&w, &pvt, 0, at, 1);
        peer_world_close(&w);
        copy_tree(dir, old);
        EXPECT_OK(peer_world_open(&w, dir, "Org1MSP", PEER_FIXTURE_CHANNEL, &e));
        take_blocks(&w, &pvt, at, BLOCKS, 9);
        peer_world_close(&w);
        for (size_t i = 0; i < (at == 40 ? 3 : WEFT_ARRAY_LEN(names)); i++) {
            WEFT_FREE char *from = weft_asprintf("%s/%s", old, names[i]);
            WEFT_FREE char *to = weft_asprintf("%s/%s", dir, names[i]);
            drop(dir, names[i]);
            copy_tree(from, to);
        }
        EXPECT_OK(peer_world_open(&w, dir, "Org1MSP", PEER_FIXTURE_CHANNEL, &e));
        peer_world_close(&w);
        peer_fixture_expect_databases(dir);
    }
}

TEST(a_state_ahead_of_the_blocks_is_refused)
{
    struct weft_err e = { 0 };
    static const char *const names[] = { "stateLeveldb", "historyLeveldb" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(names); i++) {
        WEFT_FREE char *dir = weft_test_fast_dir();
        WEFT_CLEANUP(peer_world_close) struct peer_world w;
        EXPECT_OK(peer_world_open(&w, dir, "Org1MSP", PEER_FIXTURE_CHANNEL, &e));
        take_blocks(&w, NULL, 0, 5, 1);
        peer_world_close(&w);
        WEFT_FREE char *from = weft_asprintf(
            "%s/%s", weft_test_fixture("ledger-small/peer0.org1.example.com/ledgersData"),
            names[i]);
        WEFT_FREE char *to = weft_asprintf("%s/%s", dir, names[i]);
        drop(dir, names[i]);
        copy_tree(from, to);
        EXPECT_CODE(peer_world_open(&w, dir, "Org1MSP", PEER_FIXTURE_CHANNEL, &e), WEFT_CORRUPT);
        EXPECT_WORDS(e, i == 0 ? "the state database [height=79] is ahead of the block store "
                                 "[height=5]"
                               : "the history database [height=79] is ahead of the block store "
                                 "[height=5]");
    }
}
