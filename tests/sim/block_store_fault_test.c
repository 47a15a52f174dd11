/* The disk says no: full, broken, short.  The block store says so in words,
 * loses nothing that it announced, and goes on when it may. */
#include "sim/disk.h"
#include "sim/store_story.h"

#include "base/log.h"
#include "ledger/block_store.h"
#include "os/dirs.h"
#include "weft_test.h"

#include <errno.h>

static void quiet(void)
{
    struct weft_err e = { 0 };
    EXPECT_OK(log_set_spec("panic", &e));
}

/* ---- the whole story, with each call failing once ------------------------------------ */

static const struct trouble {
    const char *name;
    struct disk_fault fault;
} troubles[] = {
    { "open", { .call = DISK_CALL_OPEN, .error = EMFILE } },
    { "read", { .call = DISK_CALL_READ, .error = EIO } },
    { "full disk", { .call = DISK_CALL_WRITE, .error = ENOSPC, .half = true } },
    { "full disk for good", { .call = DISK_CALL_WRITE, .error = ENOSPC, .lasting = true } },
    { "sync", { .call = DISK_CALL_SYNC, .error = EIO } },
    { "sync for good", { .call = DISK_CALL_SYNC, .error = EIO, .lasting = true } },
    { "truncate", { .call = DISK_CALL_TRUNCATE, .error = EIO } },
    { "rename", { .call = DISK_CALL_RENAME, .error = ENOSPC } },
    { "unlink", { .call = DISK_CALL_UNLINK, .error = EIO } },
    { "mkdir", { .call = DISK_CALL_MKDIR, .error = ENOSPC } },
};

static void expect_clear(const char *name, uint64_t nth, enum weft_code rc,
                         const struct weft_err *e)
{
    bool clear = (rc == WEFT_IO || rc == WEFT_CORRUPT) && strlen(e->msg) > 10;
    if (!clear)
        fail_msg("%s, call %" PRIu64 ": %s \"%s\"", name, nth, weft_code_name(rc), e->msg);
}

/* Plays the story with this fault; false when there are no so many calls. */
static bool play_with(struct story *s, const struct trouble *t, uint64_t nth)
{
    struct weft_err e = { 0 };
    struct disk_fault fault = t->fault;
    uint64_t height = 0;
    WEFT_FREE char *dir = disk_new_dir();
    fault.nth = nth;
    disk_watch(dir);
    disk_fault_set(&fault);
    enum weft_code rc = story_play(s, dir, &e);
    bool struck = disk_fault_hits() > 0;
    disk_fault_set(NULL);
    if (rc != WEFT_OK)
        expect_clear(t->name, nth, rc, &e);
    if (story_check(s, dir, s->announced, s->tried, &height, &e) != WEFT_OK)
        fail_msg("%s, call %" PRIu64 " failed; afterwards: %s", t->name, nth, e.msg);
    disk_watch(NULL);
    EXPECT_OK(dir_remove_tree(dir, &e));
    return struck;
}

TEST(whatever_call_fails_nothing_announced_is_lost)
{
    WEFT_CLEANUP(story_done) struct story s;
    quiet();
    for (size_t layout = 0; layout < 2; layout++) {
        story_init(&s, layout == 0 ? LEDGER_PEER : LEDGER_ORDERER, 3 + layout);
        for (size_t i = 0; i < WEFT_ARRAY_LEN(troubles); i++) {
            uint64_t step = troubles[i].fault.lasting ? 5 : 1 + 2 * layout;
            uint64_t nth = 0;
            while (play_with(&s, &troubles[i], nth))
                nth += step;
            print_message("%s: %" PRIu64 " calls\n", troubles[i].name, nth);
        }
        if (layout == 0)
            story_done(&s);
    }
}

/* ---- one store and one fault ------------------------------------------------------------ */

struct world {
    struct story story;
    char *dir;
    struct block_stores *stores;
    struct block_store *bs;
    struct block_iter *it;
};

static void world_open(struct world *w)
{
    struct weft_err e = { 0 };
    EXPECT_OK(block_stores_open(w->dir, w->story.layout, &w->stores, &e));
    block_stores_set_file_bytes(w->stores, STORY_FILE_BYTES);
    EXPECT_OK(block_store_open(w->stores, "ch", &w->bs, &e));
}

static void world_close(struct world *w)
{
    block_store_close(WEFT_TAKE(w->bs));
    block_stores_close(WEFT_TAKE(w->stores));
}

static enum weft_code append(struct world *w, uint64_t n, enum block_append how, struct weft_err *e)
{
    return block_store_append(w->bs, &w->story.chain.blocks[n]->v, how, e);
}

static void world_start(struct world *w, uint64_t blocks)
{
    struct weft_err e = { 0 };
    *w = (struct world){ .dir = disk_new_dir() };
    quiet();
    story_init(&w->story, LEDGER_PEER, 9);
    disk_watch(w->dir);
    world_open(w);
    for (uint64_t n = 0; n < blocks; n++)
        EXPECT_OK(append(w, n, BLOCK_APPEND_SYNC, &e));
}

/* Opens it again, holds everything against the chain, and cleans up. */
static void world_end(struct world *w, uint64_t announced, uint64_t tried)
{
    struct weft_err e = { 0 };
    uint64_t height = 0;
    disk_fault_set(NULL);
    world_close(w);
    EXPECT_OK(story_check(&w->story, w->dir, announced, tried, &height, &e));
    disk_watch(NULL);
    EXPECT_OK(dir_remove_tree(w->dir, &e));
    story_done(&w->story);
    free(w->dir);
}

TEST(a_full_disk_leaves_the_file_as_it_was_and_is_forgotten)
{
    struct weft_err e = { 0 };
    struct world w;
    world_start(&w, 3);
    struct disk_fault full = {
        .call = DISK_CALL_WRITE, .error = ENOSPC, .half = true, .part = "blockfile"
    };
    disk_fault_set(&full);
    EXPECT_CODE(append(&w, 3, BLOCK_APPEND_SYNC, &e), WEFT_IO);
    EXPECT_WORDS(e, "error appending block to file: can't write ");
    EXPECT_WORDS(e, "No space left on device");
    EXPECT_EQ(block_store_height(w.bs), 3);
    EXPECT_OK(story_check_blocks(&w.story, w.bs, &e));

    disk_fault_set(NULL);
    for (uint64_t n = 3; n < 8; n++)
        EXPECT_OK(append(&w, n, BLOCK_APPEND_SYNC, &e));
    EXPECT_OK(story_check_blocks(&w.story, w.bs, &e));
    world_end(&w, 8, 8);
}

TEST(a_full_disk_within_a_group_costs_only_the_block_that_did_not_fit)
{
    struct weft_err e = { 0 };
    struct world w;
    world_start(&w, 2);
    struct disk_fault full = {
        .call = DISK_CALL_WRITE, .nth = 2, .error = ENOSPC, .half = true, .part = "blockfile"
    };
    disk_fault_set(&full);
    EXPECT_OK(append(&w, 2, BLOCK_APPEND_LATER, &e));
    EXPECT_OK(append(&w, 3, BLOCK_APPEND_LATER, &e));
    EXPECT_CODE(append(&w, 4, BLOCK_APPEND_LATER, &e), WEFT_IO);
    EXPECT_OK(append(&w, 4, BLOCK_APPEND_LATER, &e));
    EXPECT_EQ(block_store_height(w.bs), 2);
    EXPECT_OK(block_store_sync(w.bs, &e));
    EXPECT_EQ(block_store_height(w.bs), 5);
    EXPECT_OK(story_check_blocks(&w.story, w.bs, &e));
    world_end(&w, 5, 5);
}

TEST(short_writes_and_reads_are_no_errors)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(story_done) struct story s;
    static const enum disk_call calls[] = { DISK_CALL_WRITE, DISK_CALL_READ };
    quiet();
    story_init(&s, LEDGER_PEER, 10);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(calls); i++) {
        uint64_t height = 0;
        WEFT_FREE char *dir = disk_new_dir();
        disk_watch(dir);
        struct disk_fault halves = { .call = calls[i], .lasting = true };
        disk_fault_set(&halves);
        EXPECT_OK(story_play(&s, dir, &e));
        EXPECT_OK(story_check(&s, dir, STORY_BLOCKS, STORY_BLOCKS, &height, &e));
        EXPECT(disk_fault_hits() > 50);
        disk_watch(NULL);
        EXPECT_OK(dir_remove_tree(dir, &e));
    }
}

TEST(a_failed_sync_stops_the_store_until_it_is_opened_again)
{
    struct weft_err e = { 0 };
    struct world w;
    world_start(&w, 3);
    struct disk_fault broken = { .call = DISK_CALL_SYNC, .error = EIO, .part = "blockfile" };
    disk_fault_set(&broken);
    EXPECT_CODE(append(&w, 3, BLOCK_APPEND_SYNC, &e), WEFT_IO);
    EXPECT_WORDS(e, "error appending block to file: can't sync ");
    disk_fault_set(NULL);
    EXPECT_CODE(append(&w, 3, BLOCK_APPEND_SYNC, &e), WEFT_IO);
    EXPECT_WORDS(e, "channel [ch]: a write to disk failed earlier");
    EXPECT_CODE(block_store_sync(w.bs, &e), WEFT_IO);
    EXPECT_EQ(block_store_height(w.bs), 3);
    EXPECT_OK(story_check_blocks(&w.story, w.bs, &e)); /* reading goes on */

    world_close(&w);
    world_open(&w);
    EXPECT_EQ(block_store_height(w.bs), 3); /* the unsure one was cut off */
    EXPECT_OK(append(&w, 3, BLOCK_APPEND_SYNC, &e));
    world_end(&w, 4, 4);
}

TEST(a_failed_sync_takes_along_what_was_appended_behind_it)
{
    struct weft_err e = { 0 };
    struct world w;
    bool any = false;
    world_start(&w, 2);
    EXPECT_OK(append(&w, 2, BLOCK_APPEND_LATER, &e));
    EXPECT_OK(block_store_flush_begin(w.bs, 0, &any, &e));
    EXPECT_OK(append(&w, 3, BLOCK_APPEND_LATER, &e));
    struct disk_fault broken = { .call = DISK_CALL_SYNC, .error = EIO, .part = "blockfile" };
    disk_fault_set(&broken);
    EXPECT_CODE(block_store_flush_file(w.bs, &e), WEFT_IO);
    EXPECT_WORDS(e, "error appending block to file: can't sync ");
    block_store_flush_end(w.bs, false);
    disk_fault_set(NULL);
    EXPECT_CODE(append(&w, 4, BLOCK_APPEND_LATER, &e), WEFT_IO);
    EXPECT_CODE(block_store_flush_begin(w.bs, 0, &any, &e), WEFT_IO);
    EXPECT_WORDS(e, "channel [ch]: a write to disk failed earlier");
    world_end(&w, 2, 2); /* the unsure one was cut off, and the one behind it */
}

TEST(an_index_that_cannot_be_written_stops_the_store_but_the_block_is_kept)
{
    struct weft_err e = { 0 };
    struct world w;
    world_start(&w, 3);
    struct disk_fault full = { .call = DISK_CALL_WRITE, .error = ENOSPC, .part = "index/" };
    disk_fault_set(&full);
    EXPECT_CODE(append(&w, 3, BLOCK_APPEND_SYNC, &e), WEFT_IO);
    EXPECT_WORDS(e, "the block is stored but could not be indexed: leveldb at [");
    EXPECT_EQ(block_store_height(w.bs), 3);
    disk_fault_set(NULL);
    EXPECT_CODE(append(&w, 4, BLOCK_APPEND_SYNC, &e), WEFT_IO);
    world_end(&w, 4, 4);
}

/* The first block that does not fit the file any more. */
static uint64_t fill_first_file(struct world *w)
{
    struct weft_err e = { 0 };
    uint64_t n = 0;
    WEFT_FREE char *second = weft_asprintf("%s/chains/chains/ch/blockfile_000001", w->dir);
    struct disk_fault no_file = { .call = DISK_CALL_OPEN,
                                  .error = EMFILE,
                                  .part = "blockfile_000001" };
    disk_fault_set(&no_file);
    while (append(w, n, BLOCK_APPEND_SYNC, &e) == WEFT_OK)
        n++;
    EXPECT_WORDS(e, "Too many open files");
    EXPECT(!path_exists(second));
    disk_fault_set(NULL);
    return n;
}

TEST(a_new_file_that_cannot_be_made_is_tried_again)
{
    struct weft_err e = { 0 };
    struct world w;
    world_start(&w, 0);
    uint64_t n = fill_first_file(&w);
    EXPECT_OK(story_check_blocks(&w.story, w.bs, &e));
    EXPECT_OK(append(&w, n, BLOCK_APPEND_SYNC, &e));
    EXPECT_OK(append(&w, n + 1, BLOCK_APPEND_SYNC, &e));
    EXPECT_EQ(block_store_height(w.bs), n + 2);
    EXPECT_OK(story_check_blocks(&w.story, w.bs, &e));
    world_end(&w, n + 2, n + 2);
}

TEST(a_new_file_whose_name_cannot_be_synced_stops_the_store)
{
    struct weft_err e = { 0 };
    struct world w;
    world_start(&w, 0);
    uint64_t n = fill_first_file(&w);
    struct disk_fault broken = { .call = DISK_CALL_SYNC, .error = EIO, .part = "/chains/ch" };
    disk_fault_set(&broken);
    EXPECT_CODE(append(&w, n, BLOCK_APPEND_SYNC, &e), WEFT_IO);
    EXPECT_WORDS(e, "Could not save next block file info to db: can't sync ");
    disk_fault_set(NULL);
    EXPECT_CODE(append(&w, n, BLOCK_APPEND_SYNC, &e), WEFT_IO);
    EXPECT_WORDS(e, "failed earlier");
    world_end(&w, n, n);
}

/* Who does a flush in parts can do nothing about it. */
TEST(a_new_file_that_a_flush_cannot_make_stops_the_store)
{
    struct weft_err e = { 0 };
    struct world w;
    bool any = false;
    world_start(&w, 2);
    EXPECT_OK(append(&w, 2, BLOCK_APPEND_LATER, &e));
    struct disk_fault no_file = { .call = DISK_CALL_OPEN,
                                  .error = EMFILE,
                                  .part = "blockfile_000001" };
    disk_fault_set(&no_file);
    EXPECT_OK(block_store_flush_begin(w.bs, STORY_FILE_BYTES, &any, &e));
    EXPECT_CODE(block_store_flush_file(w.bs, &e), WEFT_IO);
    EXPECT_WORDS(e, "Could not save next block file info to db: ");
    EXPECT_WORDS(e, "Too many open files");
    block_store_flush_end(w.bs, false);
    disk_fault_set(NULL);
    EXPECT_CODE(append(&w, 3, BLOCK_APPEND_SYNC, &e), WEFT_IO);
    EXPECT_WORDS(e, "failed earlier");
    EXPECT_EQ(block_store_height(w.bs), 2);
    world_end(&w, 3, 3); /* its file was synced */
}

TEST(a_file_that_can_neither_be_written_nor_cut_back_stops_the_store)
{
    struct weft_err e = { 0 };
    struct world w;
    world_start(&w, 3);
    struct disk_fault no_cut = { .call = DISK_CALL_TRUNCATE, .error = EIO };
    struct disk_fault full = {
        .call = DISK_CALL_WRITE, .error = ENOSPC, .half = true, .part = "blockfile", .also = &no_cut
    };
    disk_fault_set(&full);
    EXPECT_CODE(append(&w, 3, BLOCK_APPEND_SYNC, &e), WEFT_IO);
    EXPECT_EQ(disk_fault_hits(), 2);
    disk_fault_set(NULL);
    EXPECT_CODE(append(&w, 3, BLOCK_APPEND_SYNC, &e), WEFT_IO);
    EXPECT_WORDS(e, "failed earlier");
    EXPECT_OK(story_check_blocks(&w.story, w.bs, &e));
    world_end(&w, 3, 3);
}

TEST(a_read_error_names_the_file_and_is_forgotten)
{
    struct weft_err e = { 0 };
    struct world w;
    struct block *b = NULL;
    WEFT_CLEANUP(buf_done) struct buf tx = { 0 };
    world_start(&w, 5);
    struct disk_fault broken = {
        .call = DISK_CALL_READ, .error = EIO, .lasting = true, .part = "blockfile"
    };
    disk_fault_set(&broken);
    EXPECT_CODE(block_store_read(w.bs, 2, &b, &e), WEFT_IO);
    EXPECT_WORDS(e, "/blockfile_000000: Input/output error");
    EXPECT_CODE(block_store_read_tx(w.bs, 2, 0, &tx, &e), WEFT_IO);
    WEFT_CLEANUP(block_iter_free) struct block_iter *it = block_iter_new(w.bs, 0);
    EXPECT_CODE(block_iter_next(it, &b, &e), WEFT_IO);

    disk_fault_set(NULL);
    EXPECT_OK(block_iter_next(it, &b, &e));
    EXPECT_EQ(b->v.number, 0);
    block_unref(b);
    EXPECT_OK(story_check_blocks(&w.story, w.bs, &e));
    world_end(&w, 5, 5);
}

/* Opens an iterator and reads the newest block, while the next one is half
 * written: what it reads ahead is half a block, and so is the file's size. */
static void look_now(void *ctx)
{
    struct weft_err e = { 0 };
    struct world *w = ctx;
    struct block *b = NULL;
    w->it = block_iter_new(w->bs, 2);
    EXPECT_OK(block_iter_next(w->it, &b, &e));
    EXPECT_EQ(b->v.number, 2);
    block_unref(b);
    EXPECT_OK(block_iter_next(w->it, &b, &e));
    EXPECT(b == NULL);
}

TEST(an_iterator_that_looked_at_half_a_block_reads_it_whole_later)
{
    struct weft_err e = { 0 };
    struct world w;
    struct block *b = NULL;
    world_start(&w, 3);
    struct disk_fault half = {
        .call = DISK_CALL_WRITE, .part = "blockfile", .then = look_now, .ctx = &w
    };
    disk_fault_set(&half);
    EXPECT_OK(append(&w, 3, BLOCK_APPEND_SYNC, &e));
    EXPECT_EQ(disk_fault_hits(), 1);
    EXPECT_OK(block_iter_next(w.it, &b, &e));
    EXPECT(b != NULL);
    chain_expect(&w.story.chain, 3, &b->v);
    block_unref(b);
    block_iter_free(w.it);
    world_end(&w, 4, 4);
}

/* ---- what a block costs -------------------------------------------------------------- */

static uint64_t syncs_for(struct block_store *bs, const struct chain *c, uint64_t from,
                          uint64_t count)
{
    struct weft_err e = { 0 };
    disk_fault_set(NULL);
    for (uint64_t i = from; i < from + count; i++)
        EXPECT_OK(block_store_append(bs, &c->blocks[i]->v, BLOCK_APPEND_LATER, &e));
    EXPECT_OK(block_store_sync(bs, &e));
    EXPECT_EQ(block_store_height(bs), from + count);
    return disk_calls(DISK_CALL_SYNC);
}

TEST(a_block_alone_costs_one_sync_and_a_group_two)
{
    WEFT_CLEANUP(story_done) struct story s;
    struct weft_err e = { 0 };
    quiet();
    story_init(&s, LEDGER_ORDERER, 7);
    WEFT_FREE char *dir = disk_new_dir();
    disk_watch(dir);
    struct block_stores *all = NULL;
    struct block_store *bs = NULL;
    EXPECT_OK(block_stores_open(dir, LEDGER_ORDERER, &all, &e));
    EXPECT_OK(block_store_open(all, "mychannel", &bs, &e));
    EXPECT_EQ(syncs_for(bs, &s.chain, 0, 1), 1);
    EXPECT_EQ(syncs_for(bs, &s.chain, 1, 1), 1);
    EXPECT_EQ(syncs_for(bs, &s.chain, 2, 5), 2);
    EXPECT_EQ(syncs_for(bs, &s.chain, 7, 1), 1);
    block_store_close(bs);
    block_stores_close(all);
    disk_watch(NULL);
    EXPECT_OK(dir_remove_tree(dir, &e));
}
