/* A real peer's ledger is cut back and comes up again to what it was. */
#include "kvledger/ledger_admin.h"

#include "base/log.h"
#include "kv_dump.h"
#include "ledger/pre_reset_height.h"
#include "os/dirs.h"
#include "peer_fixture.h"
#include "proto/block.h"
#include "weft_test.h"

/* A line a block is too much here. */
__attribute__((constructor)) static void be_quiet(void)
{
    WEFT_IGNORE(log_set_spec("panic", NULL));
}

static void open_peer(struct peer_world *w, const char *dir)
{
    struct weft_err e = { 0 };
    EXPECT_OK(peer_world_open(w, dir, "Org1MSP", "mychannel", &e));
}

static uint64_t height(struct peer_world *w)
{
    return block_store_height(kv_ledger_blocks(w->ledger));
}

static void expect_height_before(const char *dir, uint64_t want)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *channel = weft_asprintf("%s/chains/chains/mychannel", dir);
    bool found = false;
    uint64_t got = 0;
    EXPECT_OK(pre_reset_height_load(channel, &found, &got, &e));
    EXPECT(found);
    EXPECT_EQ(got, want);
}

/* Opens, takes what is missing, closes: everything is as it was. */
static void come_up_again(const char *dir, uint64_t from)
{
    WEFT_CLEANUP(peer_world_close) struct peer_world w;
    open_peer(&w, dir);
    EXPECT_EQ(height(&w), from);
    peer_fixture_take(&w, from, PEER_FIXTURE_BLOCKS);
    peer_fixture_expect_blocks(&w);
    peer_world_close(&w);
    peer_fixture_expect_databases(dir);
}

TEST(a_real_peer_s_ledger_is_opened_and_left_as_it_was)
{
    WEFT_FREE char *dir = peer_fixture_copy();
    WEFT_CLEANUP(peer_world_close) struct peer_world w;
    open_peer(&w, dir);
    peer_fixture_expect_blocks(&w);
    peer_world_close(&w);
    peer_fixture_expect_databases(dir);
}

TEST(databases_are_made_again_of_blocks_and_private_data)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = peer_fixture_copy();
    EXPECT_OK(ledger_admin_rebuild(dir, &e));
    static const char *const gone[] = { "stateLeveldb", "historyLeveldb", "configHistory",
                                        "bookkeeper", "chains/index" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(gone); i++) {
        WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
        WEFT_FREE char *path = weft_asprintf("%s/%s", dir, gone[i]);
        EXPECT_OK(dir_list(path, &l, &e));
        EXPECT_EQ(l.count, 0);
    }
    come_up_again(dir, PEER_FIXTURE_BLOCKS);
}

TEST(a_channel_that_is_rolled_back_comes_up_to_the_same_ledger)
{
    struct weft_err e = { 0 };
    static const uint64_t targets[] = { 0, 36, 77 };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(targets); i++) {
        WEFT_FREE char *dir = peer_fixture_copy();
        EXPECT_OK(ledger_admin_rollback(dir, "mychannel", targets[i], &e));
        expect_height_before(dir, 79);
        come_up_again(dir, targets[i] + 1);
    }
}

TEST(all_channels_are_reset_to_their_first_block)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = peer_fixture_copy();
    WEFT_FREE char *copy =
        weft_asprintf("%s/chains/chains/mychannel/__backupGenesisBlockBytes", dir);
    EXPECT_OK(ledger_admin_reset(dir, &e));
    EXPECT(path_exists(copy));
    expect_height_before(dir, 79);
    come_up_again(dir, 1);
}

TEST(the_height_before_a_reset_is_not_lowered_by_another_one)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = peer_fixture_copy();
    WEFT_FREE char *channel = weft_asprintf("%s/chains/chains/mychannel", dir);
    EXPECT_OK(ledger_admin_rollback(dir, "mychannel", 50, &e));
    EXPECT_OK(ledger_admin_rollback(dir, "mychannel", 20, &e));
    EXPECT_OK(ledger_admin_reset(dir, &e));
    EXPECT_OK(ledger_admin_reset(dir, &e));
    expect_height_before(dir, 79);
    EXPECT_OK(pre_reset_height_clear(channel, &e));
    EXPECT_OK(pre_reset_height_clear(channel, &e));
    bool found = true;
    uint64_t got = 0;
    EXPECT_OK(pre_reset_height_load(channel, &found, &got, &e));
    EXPECT(!found);
    come_up_again(dir, 1);
}

TEST(a_rollback_that_makes_no_sense_is_refused_and_changes_nothing)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = peer_fixture_copy();
    EXPECT_CODE(ledger_admin_rollback(dir, "nochannel", 1, &e), WEFT_NOT_FOUND);
    EXPECT_WORDS(e, "ledgerID [nochannel] does not exist");
    EXPECT_CODE(ledger_admin_rollback(dir, "../chains", 1, &e), WEFT_NOT_FOUND);
    EXPECT_CODE(ledger_admin_rollback(dir, "mychannel", 78, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "target block number [78] should be less than the biggest block number [78]");
    EXPECT_CODE(ledger_admin_rollback(dir, "mychannel", UINT64_MAX, &e), WEFT_INVALID);
    peer_fixture_expect_databases(dir);
}

TEST(a_paused_channel_is_left_alone_until_it_is_resumed)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = peer_fixture_copy();
    struct kv_ledgers_config config = { .mspid = "Org1MSP", .history = true };
    EXPECT_OK(ledger_admin_pause(dir, "mychannel", &e));
    EXPECT_OK(ledger_admin_pause(dir, "mychannel", &e));
    {
        WEFT_CLEANUP(kv_ledgers_close) struct kv_ledgers *all = NULL;
        WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
        WEFT_CLEANUP(block_unref) struct block *genesis = peer_fixture_block(0);
        struct kv_ledger *ledger = NULL;
        EXPECT_OK(kv_ledgers_open(dir, &config, &all, &e));
        EXPECT_OK(kv_ledgers_list(all, &l, &e));
        EXPECT_EQ(l.count, 0);
        EXPECT_CODE(kv_ledger_open(all, "mychannel", &ledger, &e), WEFT_INVALID);
        EXPECT_WORDS(e, "Ledger is not active");
        EXPECT_CODE(kv_ledger_open(all, "other", &ledger, &e), WEFT_NOT_FOUND);
        EXPECT_WORDS(e, "LedgerID does not exist");
        EXPECT_CODE(kv_ledgers_create(all, genesis, &ledger, &e), WEFT_EXISTS);
        EXPECT_WORDS(e, "LedgerID already exists");
    }
    EXPECT_CODE(ledger_admin_resume(dir, "other", &e), WEFT_NOT_FOUND);
    EXPECT_WORDS(e, "LedgerID does not exist");
    EXPECT_OK(ledger_admin_resume(dir, "mychannel", &e));
    come_up_again(dir, PEER_FIXTURE_BLOCKS);
}

TEST(nothing_is_done_while_a_peer_has_the_ledgers)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    WEFT_CLEANUP(kv_ledgers_close) struct kv_ledgers *all = NULL;
    struct kv_ledgers *second = NULL;
    struct kv_ledgers_config config = { .mspid = "Org1MSP", .history = true };
    EXPECT_OK(kv_ledgers_open(dir, &config, &all, &e));
    WEFT_FREE char *words = weft_asprintf(
        "as another peer node command is executing, wait for that command to complete its "
        "execution or terminate it before retrying: lock is already acquired on file %s/fileLock",
        dir);
    EXPECT_CODE(ledger_admin_reset(dir, &e), WEFT_UNAVAILABLE);
    EXPECT_STR(e.msg, words);
    EXPECT_CODE(ledger_admin_rollback(dir, "ch", 0, &e), WEFT_UNAVAILABLE);
    EXPECT_CODE(ledger_admin_rebuild(dir, &e), WEFT_UNAVAILABLE);
    EXPECT_CODE(ledger_admin_upgrade(dir, &e), WEFT_UNAVAILABLE);
    EXPECT_CODE(ledger_admin_pause(dir, "ch", &e), WEFT_UNAVAILABLE);
    EXPECT_CODE(ledger_admin_resume(dir, "ch", &e), WEFT_UNAVAILABLE);
    EXPECT_CODE(kv_ledgers_open(dir, &config, &second, &e), WEFT_UNAVAILABLE);
    EXPECT_STR(e.msg, words);
}

/* An inventory of 1.4: no format, no status. */
static void make_old(const char *dir)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *path = weft_asprintf("%s/ledgerProvider", dir);
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    EXPECT_OK(kv_open(path, "", &kv, &e));
    kv_batch_delete(b, bytes_of_str("f"));
    kv_batch_delete(b, bytes_of_str("smychannel"));
    EXPECT_OK(kv_write(kv, b, true, &e));
}

TEST(an_old_inventory_is_refused_until_it_is_upgraded)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = peer_fixture_copy();
    WEFT_CLEANUP(peer_world_close) struct peer_world w = { 0 };
    make_old(dir);
    EXPECT_CODE(peer_world_open(&w, dir, "Org1MSP", "mychannel", &e), WEFT_INVALID);
    EXPECT_WORDS(e, "data format = [], expected format = [2.0]");
    peer_world_close(&w);
    EXPECT_OK(ledger_admin_upgrade(dir, &e));
    EXPECT_OK(ledger_admin_upgrade(dir, &e));
    come_up_again(dir, PEER_FIXTURE_BLOCKS);
}

TEST(commands_on_an_empty_folder_find_nothing_to_do)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    EXPECT_OK(ledger_admin_reset(dir, &e));
    EXPECT_OK(ledger_admin_rebuild(dir, &e));
    EXPECT_OK(ledger_admin_upgrade(dir, &e));
    EXPECT_CODE(ledger_admin_pause(dir, "ch", &e), WEFT_NOT_FOUND);
}
