#include "ledger/block_store_private.h"

#include "chain.h"
#include "ledger/block_record.h"
#include "os/dirs.h"
#include "weft_test.h"

enum {
    FILE_BYTES = 4000,
};

struct world {
    char *dir;
    struct block_stores *stores;
    struct block_store *bs;
    struct chain chain;
    uint64_t appended;
};

static void open_store(struct world *w, enum ledger_layout layout)
{
    struct weft_err e = { 0 };
    EXPECT_OK(block_stores_open(w->dir, layout, &w->stores, &e));
    block_stores_set_file_bytes(w->stores, FILE_BYTES);
    EXPECT_OK(block_store_open(w->stores, "ch", &w->bs, &e));
}

static void close_store(struct world *w)
{
    block_store_close(WEFT_TAKE(w->bs));
    block_stores_close(WEFT_TAKE(w->stores));
}

static void begin(struct world *w, enum ledger_layout layout)
{
    *w = (struct world){ .dir = weft_test_fast_dir() };
    chain_init(&w->chain, "ch", 7);
    open_store(w, layout);
}

static void end(struct world *w)
{
    close_store(w);
    chain_done(&w->chain);
    free(w->dir);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct world, end)

static uint64_t next_bytes(struct world *w, size_t txs)
{
    while (w->chain.count <= w->appended)
        (void)chain_next(&w->chain, txs, 300);
    return block_record_len(&w->chain.blocks[w->appended]->v);
}

static void append_next(struct world *w, enum block_append how)
{
    struct weft_err e = { 0 };
    (void)next_bytes(w, 1);
    EXPECT_OK(block_store_append(w->bs, &w->chain.blocks[w->appended++]->v, how, &e));
}

static void fill_file(struct world *w)
{
    while (block_store_has_room(w->bs, next_bytes(w, 1)))
        append_next(w, BLOCK_APPEND_LATER);
}

static bool has_file(const struct world *w, unsigned number)
{
    WEFT_FREE char *path = weft_asprintf("%s/chains/chains/ch/blockfile_%06u", w->dir, number);
    return path_exists(path);
}

/* As who does the parts on two threads. */
static void flush_for(struct world *w, uint64_t bytes)
{
    struct weft_err e = { 0 };
    bool any = false;
    EXPECT_OK(block_store_flush_begin(w->bs, bytes, &any, &e));
    EXPECT(any);
    EXPECT_OK(block_store_flush_file(w->bs, &e));
    EXPECT_OK(block_store_flush_index(w->bs, &e));
    EXPECT_OK(block_store_flush_tables(w->bs, &e));
    block_store_flush_end(w->bs, true);
    block_store_announce(w->bs);
}

static void expect_all(struct world *w)
{
    struct weft_err e = { 0 };
    EXPECT_EQ(block_store_height(w->bs), w->appended);
    for (uint64_t n = 0; n < w->appended; n++) {
        WEFT_CLEANUP(block_unref) struct block *b = NULL;
        EXPECT_OK(block_store_read(w->bs, n, &b, &e));
        chain_expect(&w->chain, n, &b->v);
    }
}

/* 0: the index checkpoint is not there */
static uint64_t blocks_saved(const struct world *w)
{
    struct weft_err e = { 0 };
    bool found = false;
    uint64_t last = 0;
    EXPECT_OK(block_index_checkpoint(&w->bs->ix, &found, &last, &e));
    return found ? last + 1 : 0;
}

TEST(a_flush_begins_the_file_that_the_next_block_needs)
{
    WEFT_CLEANUP(end) struct world w;
    struct weft_err e = { 0 };
    bool any = false;
    begin(&w, LEDGER_PEER);
    fill_file(&w);
    EXPECT(!has_file(&w, 1));
    EXPECT_OK(block_store_flush_begin(w.bs, next_bytes(&w, 1), &any, &e));
    EXPECT(any);
    EXPECT(!block_store_has_room(w.bs, 1)); /* neither in the old one, nor yet in the new */
    EXPECT_OK(block_store_flush_file(w.bs, &e));
    EXPECT(has_file(&w, 1));
    EXPECT_OK(block_store_flush_index(w.bs, &e));
    block_store_flush_end(w.bs, true);
    block_store_announce(w.bs);
    expect_all(&w);
    EXPECT(block_store_has_room(w.bs, next_bytes(&w, 1)));
    append_next(&w, BLOCK_APPEND_SYNC);
    EXPECT_EQ(w.bs->written.file, 1);
    close_store(&w);
    open_store(&w, LEDGER_PEER);
    EXPECT_EQ(w.bs->written.file, 1);
    expect_all(&w);
}

TEST(a_file_that_was_begun_is_there_after_opening_again)
{
    WEFT_CLEANUP(end) struct world w;
    begin(&w, LEDGER_PEER);
    fill_file(&w);
    flush_for(&w, next_bytes(&w, 1));
    close_store(&w);
    open_store(&w, LEDGER_PEER);
    EXPECT_EQ(w.bs->written.file, 1);
    EXPECT_EQ(w.bs->written.size, 0);
    append_next(&w, BLOCK_APPEND_SYNC);
    EXPECT_EQ(w.bs->written.file, 1);
    expect_all(&w);
}

/* Nothing to make durable, and no file twice for the same block. */
TEST(a_flush_begins_a_file_for_a_block_that_no_file_holds)
{
    WEFT_CLEANUP(end) struct world w;
    begin(&w, LEDGER_PEER);
    append_next(&w, BLOCK_APPEND_SYNC);
    uint64_t large = next_bytes(&w, 30);
    EXPECT(large > FILE_BYTES);
    flush_for(&w, large);
    EXPECT(block_store_has_room(w.bs, large));
    append_next(&w, BLOCK_APPEND_SYNC);
    EXPECT(has_file(&w, 1) && !has_file(&w, 2));
    EXPECT(!block_store_has_room(w.bs, next_bytes(&w, 1)));
    append_next(&w, BLOCK_APPEND_SYNC);
    EXPECT(has_file(&w, 2) && !has_file(&w, 3));
    expect_all(&w);
}

TEST(an_orderers_index_is_in_tables_before_a_new_file_is_written_to)
{
    WEFT_CLEANUP(end) struct world w;
    begin(&w, LEDGER_ORDERER);
    fill_file(&w);
    EXPECT_EQ(blocks_saved(&w), 0);
    flush_for(&w, next_bytes(&w, 1));
    EXPECT_EQ(blocks_saved(&w), w.appended);
    fill_file(&w);
    uint64_t before = w.appended;
    append_next(&w, BLOCK_APPEND_SYNC); /* in one */
    EXPECT_EQ(blocks_saved(&w), before);
}

/* What a crash then makes it read again. */
TEST(a_peers_index_goes_into_tables_after_four_files)
{
    WEFT_CLEANUP(end) struct world w;
    uint64_t saved = 0;
    begin(&w, LEDGER_PEER);
    for (unsigned files = 1; files <= 9; files++) {
        fill_file(&w);
        flush_for(&w, next_bytes(&w, 1));
        if (w.appended > 0 && blocks_saved(&w) > saved) {
            EXPECT(files == 5 || files == 9); /* files are not quite full */
            saved = w.appended;
        }
        EXPECT_EQ(blocks_saved(&w), saved);
    }
    EXPECT(saved > 0);
}
