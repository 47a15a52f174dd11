#include "kvledger/history_db.h"

#include "kv_dump.h"
#include "proto/block.h"
#include "validation/tx_check.h"
#include "weft_test.h"

#include <unistd.h>

/* All valid endorser transactions of a block that a peer stored. */
static void add_block(struct history_db *h, const char *path)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf wire = weft_test_read(path);
    WEFT_CLEANUP(block_unref) struct block *b = NULL;
    EXPECT_OK(block_parse(buf_bytes(&wire), &b, &e));
    struct bytes flags = block_slot(&b->v, BLOCK_SLOT_FLAGS);
    for (size_t i = 0; i < b->v.txs.count; i++) {
        WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
        struct tx_check c;
        if (flags.data[i] == TX_VALID && tx_check_rwset(b->v.txs.at[i], &arena, &c))
            history_db_add(h, b->v.number, i, &c);
    }
    EXPECT_OK(history_db_commit(h, b->v.number, b->v.txs.count, b->v.number % 2 == 0, &e));
}

TEST(a_real_chain_s_history_is_that_of_a_real_peer)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *blocks = weft_strdup(weft_test_fixture("ledger-small/blocks"));
    WEFT_FREE char *dir = weft_test_fast_dir();
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    EXPECT_OK(kv_open(dir, "2.0", &kv, &e));
    WEFT_CLEANUP(history_db_free) struct history_db *h = history_db_new(kv, "mychannel");
    uint64_t n = 0;
    for (;; n++) {
        WEFT_FREE char *path = weft_asprintf("%s/%" PRIu64 ".block", blocks, n);
        if (access(path, R_OK) != 0)
            break;
        add_block(h, path);
    }
    EXPECT_EQ(n, 79);
    EXPECT(kv_dump_expect(kv, weft_test_fixture("ledger-small/otherdb-dump.txt"),
                          "# peer ledgersData/historyLeveldb") > 200);
}

TEST(the_savepoint_is_the_last_block)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    EXPECT_OK(kv_open(dir, "2.0", &kv, &e));
    WEFT_CLEANUP(history_db_free) struct history_db *h = history_db_new(kv, "ch");
    WEFT_CLEANUP(history_db_free) struct history_db *other = history_db_new(kv, "ch2");
    bool found = true;
    uint64_t block = 0;
    EXPECT_OK(history_db_savepoint(h, &found, &block, &e));
    EXPECT(!found);
    EXPECT_OK(history_db_commit(h, 0, 1, true, &e));
    EXPECT_OK(history_db_commit(h, 1, 300, false, &e));
    EXPECT_OK(history_db_savepoint(h, &found, &block, &e));
    EXPECT(found);
    EXPECT_EQ(block, 1);
    EXPECT_OK(history_db_savepoint(other, &found, &block, &e));
    EXPECT(!found);
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    EXPECT_OK(kv_get(kv, bytes_of("ch\0s", 4), &found, &value, &e));
    EXPECT_BYTES(buf_bytes(&value), bytes_of("\x01\x01\x02\x01\x2c", 5));
}

TEST(a_damaged_savepoint_is_an_error)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    EXPECT_OK(kv_open(dir, "2.0", &kv, &e));
    kv_batch_put(b, bytes_of("ch\0s", 4), bytes_of("\x09", 1));
    EXPECT_OK(kv_write(kv, b, false, &e));
    WEFT_CLEANUP(history_db_free) struct history_db *h = history_db_new(kv, "ch");
    bool found = false;
    uint64_t block = 0;
    EXPECT_CODE(history_db_savepoint(h, &found, &block, &e), WEFT_CORRUPT);
}
