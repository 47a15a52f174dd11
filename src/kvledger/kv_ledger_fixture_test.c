/* The blocks of a real orderer, validated and committed here, against what a real peer made of
 * them. */
#include "kvledger/kv_ledger.h"

#include "base/log.h"
#include "kv_dump.h"
#include "ledger_fixture.h"
#include "os/dirs.h"
#include "peer_world.h"
#include "proto/block.h"
#include "proto/metadata.h"
#include "weft_test.h"

enum {
    BLOCKS = FIXTURE_BLOCKS,
};

/* A line a block is too much here. */
__attribute__((constructor)) static void be_quiet(void)
{
    WEFT_IGNORE(log_set_spec("panic", NULL));
}

static void expect_as_the_peer_stored(const struct block *got, uint64_t n)
{
    WEFT_CLEANUP(block_unref) struct block *want = fixture_block(FIXTURE_OF_PEER, n);
    WEFT_CLEANUP(buf_done) struct buf a = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    EXPECT_BYTES(block_slot(&got->v, BLOCK_SLOT_FLAGS), block_slot(&want->v, BLOCK_SLOT_FLAGS));
    EXPECT_BYTES(block_slot(&got->v, BLOCK_SLOT_COMMIT_HASH),
                 block_slot(&want->v, BLOCK_SLOT_COMMIT_HASH));
    block_encode(&got->v, &a);
    block_encode(&want->v, &b);
    EXPECT_BYTES(buf_bytes(&a), buf_bytes(&b));
}

static void take_blocks(struct peer_world *w, const struct fixture_pvt *pvt, uint64_t from,
                        uint64_t to, uint64_t each_sync)
{
    struct weft_err e = { 0 };
    for (uint64_t n = from; n < to; n++) {
        WEFT_CLEANUP(block_unref) struct block *b = fixture_block(FIXTURE_OF_ORDERER, n);
        const struct fixture_pvt_block *came = pvt != NULL ? &pvt->blocks[n] : NULL;
        EXPECT_OK(peer_world_take(w, b, came != NULL ? came->txs : NULL,
                                  came != NULL ? came->count : 0, &e));
        if (n % each_sync == 0)
            EXPECT_OK(kv_ledger_sync(w->ledger, &e));
    }
    EXPECT_OK(kv_ledger_sync(w->ledger, &e));
}

static void expect_blocks(struct peer_world *w)
{
    struct weft_err e = { 0 };
    EXPECT_EQ(block_store_height(kv_ledger_blocks(w->ledger)), BLOCKS);
    for (uint64_t n = 0; n < BLOCKS; n++) {
        WEFT_CLEANUP(block_unref) struct block *b = NULL;
        EXPECT_OK(block_store_read(kv_ledger_blocks(w->ledger), n, &b, &e));
        expect_as_the_peer_stored(b, n);
    }
}

TEST(every_block_gets_the_flags_and_the_commit_hash_that_the_peer_gave_it)
{
    struct weft_err e = { 0 };
    static const uint64_t syncs[] = { 1, 7, 100 };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(syncs); i++) {
        WEFT_FREE char *dir = weft_test_fast_dir();
        WEFT_CLEANUP(peer_world_close) struct peer_world w;
        EXPECT_OK(peer_world_open(&w, dir, "Org1MSP", "mychannel", &e));
        take_blocks(&w, NULL, 0, BLOCKS, syncs[i]);
        expect_blocks(&w);
    }
}

static void expect_databases(const char *dir)
{
    static const char *const names[] = { "stateLeveldb", "historyLeveldb", "pvtdataStore",
                                         "configHistory", "bookkeeper" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(names); i++) {
        WEFT_FREE char *path = weft_asprintf("%s/%s", dir, names[i]);
        WEFT_FREE char *heading = weft_asprintf("# peer ledgersData/%s", names[i]);
        EXPECT(kv_dump_expect_dir(path, weft_test_fixture(FIXTURE_DIR "otherdb-dump.txt"),
                                  heading) > 0);
    }
}

TEST(with_the_private_data_every_database_is_the_peers_key_by_key)
{
    struct weft_err e = { 0 };
    static const uint64_t syncs[] = { 1, 7, 100 };
    WEFT_CLEANUP(fixture_pvt_done) struct fixture_pvt pvt = { 0 };
    fixture_pvt_read(&pvt);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(syncs); i++) {
        WEFT_FREE char *dir = weft_test_fast_dir();
        WEFT_CLEANUP(peer_world_close) struct peer_world w;
        EXPECT_OK(peer_world_open(&w, dir, "Org1MSP", "mychannel", &e));
        take_blocks(&w, &pvt, 0, BLOCKS, syncs[i]);
        expect_blocks(&w);
        peer_world_close(&w);
        expect_databases(dir);
    }
}

/* ---- going on from what a peer left --------------------------------------------------------------- */

static char *copy_of_the_peer(void)
{
    char *dir = weft_test_fast_dir();
    copy_dir(weft_test_fixture(FIXTURE_PEER), dir);
    return dir;
}

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
    WEFT_FREE char *dir = copy_of_the_peer();
    WEFT_CLEANUP(peer_world_close) struct peer_world w;
    EXPECT_OK(peer_world_open(&w, dir, "Org1MSP", FIXTURE_CHANNEL, &e));
    expect_blocks(&w);
    for (int i = 0; i < 3; i++) {
        WEFT_CLEANUP(block_unref) struct block *b = bad_block(&w);
        EXPECT_OK(peer_world_take(&w, b, NULL, 0, &e));
        EXPECT_EQ(w.codes[0], TX_INVALID_OTHER_REASON);
        EXPECT_OK(kv_ledger_sync(w.ledger, &e));
    }
    peer_world_close(&w);
    EXPECT_OK(peer_world_open(&w, dir, "Org1MSP", FIXTURE_CHANNEL, &e));
    EXPECT_EQ(kv_ledger_next(w.ledger), BLOCKS + 3);
}

TEST(databases_that_are_gone_are_made_again_from_the_blocks)
{
    struct weft_err e = { 0 };
    static const char *const state[] = { "stateLeveldb", "bookkeeper", "configHistory" };
    for (int which = 1; which < 4; which++) {
        WEFT_FREE char *dir = copy_of_the_peer();
        for (size_t i = 0; (which & 1) && i < WEFT_ARRAY_LEN(state); i++)
            drop(dir, state[i]);
        if (which & 2)
            drop(dir, "historyLeveldb");
        WEFT_CLEANUP(peer_world_close) struct peer_world w;
        EXPECT_OK(peer_world_open(&w, dir, "Org1MSP", FIXTURE_CHANNEL, &e));
        expect_blocks(&w);
        peer_world_close(&w);
        expect_databases(dir);
    }
}

/* State and history as they were some blocks ago, private data and blocks as they are now. */
TEST(databases_that_are_behind_are_brought_up_to_the_blocks)
{
    struct weft_err e = { 0 };
    static const char *const names[] = { "stateLeveldb", "bookkeeper", "configHistory",
                                         "historyLeveldb" };
    WEFT_CLEANUP(fixture_pvt_done) struct fixture_pvt pvt = { 0 };
    fixture_pvt_read(&pvt);
    for (uint64_t at = 30; at < 46; at += 5) {
        WEFT_FREE char *dir = weft_test_fast_dir();
        WEFT_FREE char *old = weft_test_fast_dir();
        WEFT_CLEANUP(peer_world_close) struct peer_world w;
        EXPECT_OK(peer_world_open(&w, dir, "Org1MSP", FIXTURE_CHANNEL, &e));
        take_blocks(&w, &pvt, 0, at, 1);
        peer_world_close(&w);
        copy_dir(dir, old);
        EXPECT_OK(peer_world_open(&w, dir, "Org1MSP", FIXTURE_CHANNEL, &e));
        take_blocks(&w, &pvt, at, BLOCKS, 9);
        peer_world_close(&w);
        for (size_t i = 0; i < (at == 40 ? 3 : WEFT_ARRAY_LEN(names)); i++) {
            WEFT_FREE char *from = weft_asprintf("%s/%s", old, names[i]);
            WEFT_FREE char *to = weft_asprintf("%s/%s", dir, names[i]);
            drop(dir, names[i]);
            EXPECT_OK(dir_make(to, &e));
            copy_dir(from, to);
        }
        EXPECT_OK(peer_world_open(&w, dir, "Org1MSP", FIXTURE_CHANNEL, &e));
        peer_world_close(&w);
        expect_databases(dir);
    }
}

TEST(a_state_ahead_of_the_blocks_is_refused)
{
    struct weft_err e = { 0 };
    static const char *const names[] = { "stateLeveldb", "historyLeveldb" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(names); i++) {
        WEFT_FREE char *dir = weft_test_fast_dir();
        WEFT_CLEANUP(peer_world_close) struct peer_world w;
        EXPECT_OK(peer_world_open(&w, dir, "Org1MSP", FIXTURE_CHANNEL, &e));
        take_blocks(&w, NULL, 0, 5, 1);
        peer_world_close(&w);
        WEFT_FREE char *from = weft_asprintf("%s/%s", weft_test_fixture(FIXTURE_PEER), names[i]);
        WEFT_FREE char *to = weft_asprintf("%s/%s", dir, names[i]);
        drop(dir, names[i]);
        EXPECT_OK(dir_make(to, &e));
        copy_dir(from, to);
        EXPECT_CODE(peer_world_open(&w, dir, "Org1MSP", FIXTURE_CHANNEL, &e), WEFT_CORRUPT);
        EXPECT_WORDS(e, i == 0 ? "the state database [height=79] is ahead of the block store "
                                 "[height=5]"
                               : "the history database [height=79] is ahead of the block store "
                                 "[height=5]");
    }
}
