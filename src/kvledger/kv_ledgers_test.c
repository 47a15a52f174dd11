/* The folder of all channels: made, listed, brought back from what a crash left half made. */
#include "base/log.h"
#include "kv_dump.h"
#include "kvledger/kv_ledger_private.h"
#include "ledger/id_store.h"
#include "ledger/kv.h"
#include "os/dirs.h"
#include "os/file.h"
#include "peer_fixture.h"
#include "proto/block.h"
#include "weft_test.h"

/* Warnings are part of what is shown here; the rest is not. */
__attribute__((constructor)) static void be_quiet(void)
{
    WEFT_IGNORE(log_set_spec("panic", NULL));
}

static const struct kv_ledgers_config config = { .mspid = "Org1MSP", .history = true };

/* Block 0 as a peer that joins has it: with flags. */
static struct block *genesis(void)
{
    struct weft_err e = { 0 };
    struct block *b = NULL;
    WEFT_CLEANUP(buf_done)
    struct buf wire = weft_test_read(weft_test_fixture("ledger-small/blocks/0.block"));
    EXPECT_OK(block_parse(buf_bytes(&wire), &b, &e));
    return b;
}

static struct kv_ledgers *open_all(const char *dir)
{
    struct weft_err e = { 0 };
    struct kv_ledgers *all = NULL;
    EXPECT_OK(kv_ledgers_open(dir, &config, &all, &e));
    return all;
}

static size_t count(struct kv_ledgers *all)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    EXPECT_OK(kv_ledgers_list(all, &l, &e));
    return l.count;
}

TEST(a_ledger_that_is_made_is_there_and_can_t_be_made_again)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(block_unref) struct block *b = genesis();
    WEFT_FREE char *dir = weft_test_fast_dir();
    WEFT_CLEANUP(kv_ledgers_close) struct kv_ledgers *all = open_all(dir);
    WEFT_CLEANUP(kv_ledger_close) struct kv_ledger *l = NULL;
    EXPECT_EQ(count(all), 0);
    EXPECT_CODE(kv_ledger_open(all, "mychannel", &l, &e), WEFT_NOT_FOUND);
    EXPECT_WORDS(e, "LedgerID does not exist");
    EXPECT_OK(kv_ledgers_create(all, b, &l, &e));
    EXPECT_EQ(kv_ledger_next(l), 1);
    EXPECT_EQ(count(all), 1);
    struct kv_ledger *again = NULL;
    EXPECT_CODE(kv_ledgers_create(all, b, &again, &e), WEFT_EXISTS);
    EXPECT_WORDS(e, "LedgerID already exists");
    kv_ledger_close(WEFT_TAKE(l));
    EXPECT_OK(kv_ledger_open(all, "mychannel", &l, &e));
    EXPECT_EQ(kv_ledger_next(l), 1);
    kv_ledger_close(WEFT_TAKE(l));
    kv_ledgers_close(WEFT_TAKE(all));
    WEFT_FREE char *inventory = weft_asprintf("%s/ledgerProvider", dir);
    EXPECT_EQ(kv_dump_expect_dir(inventory, weft_test_fixture("ledger-small/index-dump.txt"),
                                 "# peer ledgersData/ledgerProvider"),
              3);
}

TEST(a_block_that_is_not_the_first_makes_no_ledger)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    WEFT_CLEANUP(block_unref) struct block *first = genesis();
    WEFT_CLEANUP(block_unref) struct block *third = peer_fixture_block(3);
    WEFT_CLEANUP(kv_ledgers_close) struct kv_ledgers *all = open_all(dir);
    WEFT_CLEANUP(kv_ledger_close) struct kv_ledger *l = NULL;
    WEFT_FREE char *folder = weft_asprintf("%s/chains/chains/mychannel", dir);
    EXPECT_CODE(kv_ledgers_create(all, third, &l, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "Expected block number=0, received block number=3");
    EXPECT(!path_exists(folder));
    EXPECT_EQ(count(all), 0);
    EXPECT_OK(kv_ledgers_create(all, first, &l, &e));
    EXPECT_EQ(count(all), 1);
}

/* An inventory that was lost does not cost the blocks. */
TEST(a_ledger_is_not_made_over_blocks_that_are_there)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = peer_fixture_copy();
    WEFT_FREE char *inventory = weft_asprintf("%s/ledgerProvider", dir);
    WEFT_FREE char *file = weft_asprintf("%s/chains/chains/mychannel/blockfile_000000", dir);
    WEFT_CLEANUP(block_unref) struct block *b = genesis();
    EXPECT_OK(dir_remove_tree(inventory, &e));
    WEFT_CLEANUP(kv_ledgers_close) struct kv_ledgers *all = open_all(dir);
    for (int again = 0; again < 2; again++) {
        struct kv_ledger *l = NULL;
        EXPECT_CODE(kv_ledgers_create(all, b, &l, &e), WEFT_INVALID);
        EXPECT_WORDS(e, "block number should have been 79 but was 0");
        EXPECT(path_exists(file));
        EXPECT_EQ(count(all), 0);
    }
    kv_ledgers_close(WEFT_TAKE(all));
    all = open_all(dir); /* and is not taken for one that is being made */
    EXPECT_EQ(count(all), 0);
}

TEST(a_ledger_that_can_t_be_opened_is_not_made_and_stops_nobody)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = peer_fixture_copy();
    WEFT_FREE char *inventory = weft_asprintf("%s/ledgerProvider", dir);
    WEFT_FREE char *stray = weft_asprintf("%s/chains/chains/mychannel/blockfile_x", dir);
    WEFT_CLEANUP(block_unref) struct block *b = genesis();
    EXPECT_OK(dir_remove_tree(inventory, &e));
    EXPECT_OK(file_write_plain(stray, bytes_of_str(""), 0640, &e));
    WEFT_CLEANUP(kv_ledgers_close) struct kv_ledgers *all = open_all(dir);
    struct kv_ledger *l = NULL;
    EXPECT_CODE(kv_ledgers_create(all, b, &l, &e), WEFT_CORRUPT);
    kv_ledgers_close(WEFT_TAKE(all));
    all = open_all(dir);
    EXPECT_EQ(count(all), 0);
    EXPECT(path_exists(stray));
}

/* ---- a crash while a ledger is made --------------------------------------------------------- */

/* As far as a creation got: begun, its stores made, block 0 in them, further blocks. */
static void leave_unfinished(const char *dir, unsigned steps)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(block_unref) struct block *b = genesis();
    WEFT_CLEANUP(kv_ledgers_close) struct kv_ledgers *all = open_all(dir);
    WEFT_CLEANUP(kv_ledger_close) struct kv_ledger *l = NULL;
    EXPECT_OK(id_store_begin(all->ids, "mychannel", &e));
    if (steps >= 1)
        EXPECT_OK(kv_ledger_open_stores(all, "mychannel", &l, &e));
    if (steps >= 2)
        EXPECT_OK(kv_ledger_commit_first(l, b, &e));
}

TEST(a_ledger_whose_making_was_cut_off_before_its_block_is_gone)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(block_unref) struct block *b = genesis();
    for (unsigned steps = 0; steps < 2; steps++) {
        WEFT_FREE char *dir = weft_test_fast_dir();
        WEFT_FREE char *folder = weft_asprintf("%s/chains/chains/mychannel", dir);
        leave_unfinished(dir, steps);
        WEFT_CLEANUP(kv_ledgers_close) struct kv_ledgers *all = open_all(dir);
        WEFT_CLEANUP(kv_ledger_close) struct kv_ledger *l = NULL;
        EXPECT_EQ(count(all), 0);
        EXPECT(!path_exists(folder));
        EXPECT_OK(kv_ledgers_create(all, b, &l, &e));
        EXPECT_EQ(count(all), 1);
    }
}

TEST(a_ledger_whose_making_was_cut_off_after_its_block_is_there)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    leave_unfinished(dir, 2);
    WEFT_CLEANUP(kv_ledgers_close) struct kv_ledgers *all = open_all(dir);
    WEFT_CLEANUP(kv_ledger_close) struct kv_ledger *l = NULL;
    WEFT_FREE char *unfinished = NULL;
    EXPECT_EQ(count(all), 1);
    EXPECT_OK(id_store_unfinished(all->ids, &unfinished, &e));
    EXPECT(unfinished == NULL);
    EXPECT_OK(kv_ledger_open(all, "mychannel", &l, &e));
    EXPECT_EQ(kv_ledger_next(l), 1);
}

TEST(a_ledger_that_is_being_made_and_has_many_blocks_is_refused)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = peer_fixture_copy();
    WEFT_FREE char *inventory = weft_asprintf("%s/ledgerProvider", dir);
    {
        WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
        WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
        EXPECT_OK(kv_open(inventory, "", &kv, &e));
        kv_batch_put(b, bytes_of_str("underConstructionLedgerKey"), bytes_of_str("mychannel"));
        EXPECT_OK(kv_write(kv, b, true, &e));
    }
    struct kv_ledgers *all = NULL;
    EXPECT_CODE(kv_ledgers_open(dir, &config, &all, &e), WEFT_CORRUPT);
    EXPECT_WORDS(e, "data inconsistency: under construction flag is set for ledger [mychannel] "
                    "while the height of the blockchain is [79]");
}

/* ---- damage ------------------------------------------------------------------------------------ */

/* Bytes in the middle of a database's files are not what they were. */
static void damage(const char *dir, const char *name)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *folder = weft_asprintf("%s/%s", dir, name);
    WEFT_FREE char *current = weft_asprintf("%s/CURRENT", folder);
    EXPECT(path_exists(current));
    EXPECT_OK(file_write_plain(current, bytes_of_str("nothing that is there\n"), 0640, &e));
}

TEST(a_damaged_database_that_can_be_made_again_is)
{
    static const char *const names[] = { "stateLeveldb", "historyLeveldb", "configHistory",
                                         "bookkeeper", "chains/index" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(names); i++) {
        struct weft_err e = { 0 };
        WEFT_FREE char *dir = peer_fixture_copy();
        WEFT_FREE char *aside = weft_asprintf("%s/%s.damaged", dir, names[i]);
        WEFT_CLEANUP(peer_world_close) struct peer_world w;
        damage(dir, names[i]);
        EXPECT_OK(peer_world_open(&w, dir, "Org1MSP", "mychannel", &e));
        peer_fixture_expect_blocks(&w);
        peer_world_close(&w);
        peer_fixture_expect_databases(dir);
        EXPECT(path_exists(aside));
    }
}

TEST(a_damaged_private_data_store_is_refused)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = peer_fixture_copy();
    struct kv_ledgers *all = NULL;
    damage(dir, "pvtdataStore");
    EXPECT_CODE(kv_ledgers_open(dir, &config, &all, &e), WEFT_CORRUPT);
}

/* Does the inventory keep Go peers off?  Afterwards it does if `keep`, as after a kill. */
static bool keeps_off(const char *dir, bool keep)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *path = weft_asprintf("%s/ledgerProvider", dir);
    WEFT_CLEANUP(id_store_close) struct id_store *s = NULL;
    bool was = false;
    EXPECT_OK(id_store_open(path, &s, &e));
    EXPECT_OK(id_store_keep_off(s, &was, &e));
    if (!keep)
        EXPECT_OK(id_store_let_in(s, &e));
    return was;
}

/* After a kill the LevelDB logs hold what a Go peer would not see. */
TEST(ledgers_that_were_not_closed_keep_go_peers_off_until_they_are)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = peer_fixture_copy();
    WEFT_FREE char *inventory = weft_asprintf("%s/ledgerProvider", dir);
    WEFT_CLEANUP(kv_ledgers_close) struct kv_ledgers *all = open_all(dir);
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    WEFT_CLEANUP(buf_done) struct buf format = { 0 };
    bool found = false;
    EXPECT_OK(kv_open_copy(inventory, &kv, &e));
    EXPECT_OK(kv_get(kv, bytes_of_str("f"), &found, &format, &e));
    EXPECT(!bytes_eq(buf_bytes(&format), bytes_of_str("2.0")));
    kv_ledgers_close(WEFT_TAKE(all));
    EXPECT(!keeps_off(dir, true));
    all = open_all(dir);
    kv_ledgers_close(WEFT_TAKE(all));
    EXPECT(!keeps_off(dir, false));
}

/* Who could not open them has changed nothing. */
TEST(ledgers_that_can_t_be_opened_keep_go_peers_off_only_if_they_did_before)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = peer_fixture_copy();
    struct kv_ledgers *all = NULL;
    damage(dir, "pvtdataStore");
    EXPECT_CODE(kv_ledgers_open(dir, &config, &all, &e), WEFT_CORRUPT);
    EXPECT(!keeps_off(dir, true));
    EXPECT_CODE(kv_ledgers_open(dir, &config, &all, &e), WEFT_CORRUPT);
    EXPECT(keeps_off(dir, false));
}

TEST(a_peer_that_keeps_no_history_makes_none)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    WEFT_FREE char *history = weft_asprintf("%s/historyLeveldb", dir);
    struct kv_ledgers_config none = { .mspid = "Org1MSP" };
    WEFT_CLEANUP(block_unref) struct block *b = genesis();
    WEFT_CLEANUP(kv_ledgers_close) struct kv_ledgers *all = NULL;
    WEFT_CLEANUP(kv_ledger_close) struct kv_ledger *l = NULL;
    EXPECT_OK(kv_ledgers_open(dir, &none, &all, &e));
    EXPECT_OK(kv_ledgers_create(all, b, &l, &e));
    EXPECT(!path_exists(history));
}
