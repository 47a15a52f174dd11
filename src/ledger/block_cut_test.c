#include "ledger/block_cut.h"

#include "ledger_world.h"
#include "os/file.h"

#include <fcntl.h>
#include <unistd.h>

static void cut_index(const struct world *w, uint64_t last)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    EXPECT_OK(kv_open(w->index_dir, block_index_format(BLOCK_INDEX_PEER), &kv, &e));
    struct block_index ix = { kv, "ch", BLOCK_INDEX_PEER };
    EXPECT_OK(block_index_cut(&ix, w->channel_dir, last, &e));
}

/* Between index and files a crash may come: what the index says must be true in either. */
static void expect_index_ends_at(const struct world *w, uint64_t last)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    struct block_loc loc;
    bool found = false;
    uint64_t indexed = 0;
    EXPECT_OK(kv_open_copy(w->index_dir, &kv, &e));
    struct block_index ix = { kv, "ch", BLOCK_INDEX_PEER };
    EXPECT_OK(block_index_checkpoint(&ix, &found, &indexed, &e));
    EXPECT(found);
    EXPECT_EQ(indexed, last);
    EXPECT_OK(block_index_by_number(&ix, last, &loc, &e));
    EXPECT_CODE(block_index_by_number(&ix, last + 1, &loc, &e), WEFT_NOT_FOUND);
}

static uint64_t files_height(const struct world *w)
{
    struct weft_err e = { 0 };
    uint64_t height = 99;
    EXPECT_OK(block_files_height(w->channel_dir, &height, &e));
    return height;
}

static uint64_t store_height(const struct world *w)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(block_stores_close) struct block_stores *stores = NULL;
    WEFT_CLEANUP(block_store_close) struct block_store *bs = NULL;
    EXPECT_OK(block_stores_open(w->root, w->layout, &stores, &e));
    EXPECT_OK(block_store_open(stores, "ch", &bs, &e));
    uint64_t height = block_store_height(bs);
    block_store_close(WEFT_TAKE(bs));
    return height;
}

/* Every key of the index, to compare. */
static void dump_index(const struct world *w, struct buf *out)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    EXPECT_OK(kv_open_copy(w->index_dir, &kv, &e));
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(kv, bytes_of(NULL, 0));
    struct bytes key, value;
    bool found = true;
    for (;;) {
        EXPECT_OK(kv_iter_next(it, &found, &key, &value, &e));
        if (!found)
            break;
        buf_put_len_bytes(out, key);
        buf_put_len_bytes(out, value);
    }
    kv_iter_free(WEFT_TAKE(it));
}

TEST(a_chain_that_was_cut_grows_again_to_what_it_was)
{
    struct weft_err e = { 0 };
    for (uint64_t last = 0; last + 1 < WORLD_BLOCKS; last++) {
        WEFT_CLEANUP(world_done) struct world w;
        WEFT_CLEANUP(buf_done) struct buf got = { 0 };
        WEFT_CLEANUP(buf_done) struct buf want = { 0 };
        world_make(&w, LEDGER_PEER);
        EXPECT(world_count_files(&w) > 1);
        cut_index(&w, last);
        expect_index_ends_at(&w, last);
        EXPECT_EQ(files_height(&w), WORLD_BLOCKS);
        EXPECT_OK(block_files_cut(w.channel_dir, last, &e));
        EXPECT_EQ(files_height(&w), last + 1);
        EXPECT_EQ(store_height(&w), last + 1);

        /* The index is that of a chain which never went further. */
        struct world shorter = w;
        WEFT_FREE char *root = shorter.root = weft_test_dir();
        WEFT_FREE char *index_dir = shorter.index_dir = weft_asprintf("%s/chains/index", root);
        world_store(&shorter, "ch", 0, (size_t)last + 1);
        dump_index(&w, &got);
        dump_index(&shorter, &want);
        EXPECT_BYTES(buf_bytes(&got), buf_bytes(&want));

        world_store(&w, "ch", (size_t)last + 1, WORLD_BLOCKS);
        EXPECT_OK(world_verify(&w, &e));
    }
}

TEST(an_index_that_was_cut_alone_is_brought_up_to_the_files)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(world_done) struct world w;
    world_make(&w, LEDGER_PEER);
    cut_index(&w, 1);
    EXPECT_EQ(store_height(&w), WORLD_BLOCKS);
    EXPECT_OK(world_verify(&w, &e));
}

TEST(a_cut_at_a_block_that_is_not_there_is_refused)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(world_done) struct world w;
    world_make(&w, LEDGER_PEER);
    EXPECT_CODE(block_files_cut(w.channel_dir, WORLD_BLOCKS, &e), WEFT_NOT_FOUND);
    EXPECT_EQ(files_height(&w), WORLD_BLOCKS);
}

TEST(a_torn_record_is_not_counted)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(world_done) struct world w;
    world_make(&w, LEDGER_PEER);
    WEFT_FREE char *newest = world_file(&w, world_count_files(&w));
    world_write(newest, bytes_of("\xff\x7f\x01", 3));
    EXPECT_EQ(files_height(&w), WORLD_BLOCKS);
    EXPECT_OK(block_files_cut(w.channel_dir, WORLD_BLOCKS - 1, &e));
    EXPECT_EQ(files_height(&w), WORLD_BLOCKS);
    EXPECT(access(newest, F_OK) != 0);
}

TEST(block_0_comes_out_as_it_lies_in_the_file)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(world_done) struct world w;
    WEFT_CLEANUP(buf_done) struct buf got = { 0 };
    world_make(&w, LEDGER_PEER);
    WEFT_FREE char *path = world_file(&w, 0);
    WEFT_CLEANUP(buf_done) struct buf file = weft_test_read(path);
    EXPECT_OK(block_files_genesis(w.channel_dir, &got, &e));
    EXPECT(got.len > 100);
    EXPECT(memmem(file.data, file.len, got.data, got.len) != NULL);
    EXPECT_OK(file_write_plain(path, bytes_of_str(""), 0640, &e));
    EXPECT_CODE(block_files_genesis(w.channel_dir, &got, &e), WEFT_CORRUPT);
}
