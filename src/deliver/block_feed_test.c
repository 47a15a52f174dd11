#include "deliver/block_feed.h"

#include "chain.h"
#include "deliver/block_message.h"
#include "net/net_msg.h"
#include "os/file.h"
#include "os/jobs.h"
#include "os/memory_rest.h"
#include "proto/block.h"
#include "weft_test.h"

#include <fcntl.h>
#include <stdatomic.h>

enum {
    BLOCKS = 100,
    BAD_BLOCK = 90,
    READERS = 20,
    LARGE = 200 << 10, /* three of them are a batch */
    LARGE_TX = 40000,
};

/* One channel, one worker, and this thread as the loop. */
struct world {
    char *dir;
    struct block_stores *stores;
    struct block_store *bs;
    struct jobs *jobs;
    struct mailbox *mb;
    struct loop *loop;
    struct memory_rest rest;
    struct block_feed *feed;
    struct feed_source source;
    size_t users;
};

struct reader {
    struct feed_reader r;
    size_t gives, drops, count;
    uint64_t next; /* the number that is expected */
    struct net_msg *first;
    enum weft_code rc;
    bool is_bad_form;
    struct world *again; /* asks for its last block once more, while it is given this */
    size_t turn;         /* when it was given something last */
};

static size_t turns;

static _Atomic size_t message_bytes;
static _Atomic enum weft_code bad_code = WEFT_CORRUPT;

/* The block's number, and zeros; a person's begins with his name. */
static struct net_msg *encode(void *snapshot, struct bytes request, struct block *b,
                              struct weft_err *e)
{
    uint8_t *data;
    if (b->v.number == BAD_BLOCK) {
        (void)WEFT_FAIL(e, atomic_load(&bad_code), "can't be told");
        return NULL;
    }
    struct net_msg *m = net_msg_new(atomic_load(&message_bytes), &data);
    memset(data, 0, m->len);
    data[0] = (uint8_t)b->v.number;
    if (snapshot != NULL)
        data[1] = request.data[0];
    return m;
}

static void free_snapshot(void *snapshot)
{
    free(snapshot);
}

static void ask(struct world *w, struct reader *r, uint64_t first, uint64_t last);

static void give(struct feed_reader *r, const struct feed_batch *batch)
{
    struct reader *reader = WEFT_CONTAINER_OF(r, struct reader, r);
    reader->gives++;
    reader->turn = ++turns;
    reader->count = batch->count;
    reader->rc = batch->rc;
    reader->is_bad_form = batch->is_bad_form;
    reader->first = batch->count > 0 ? batch->messages[0] : NULL; /* only to compare */
    for (size_t i = 0; i < batch->count; i++)
        EXPECT_EQ(net_msg_bytes(batch->messages[i]).data[0], reader->next++);
    if (reader->again != NULL)
        ask(WEFT_TAKE(reader->again), reader, BAD_BLOCK - 1, BAD_BLOCK - 1);
}

static void drop(struct feed_reader *r)
{
    WEFT_CONTAINER_OF(r, struct reader, r)->drops++;
}

static void retain(void *key)
{
    ((struct world *)key)->users++;
}

static void release(void *key)
{
    ((struct world *)key)->users--;
}

static void world_init_of(struct world *w, size_t bytes, size_t tx_bytes, bool is_light)
{
    struct weft_err e;
    struct chain chain;
    *w = (struct world){ .dir = weft_test_dir() };
    atomic_store(&message_bytes, bytes);
    EXPECT_OK(block_stores_open(w->dir, LEDGER_ORDERER, &w->stores, &e));
    EXPECT_OK(block_store_open(w->stores, "ch", &w->bs, &e));
    chain_init(&chain, "ch", 1);
    for (size_t i = 0; i < BLOCKS; i++)
        EXPECT_OK(
            block_store_append(w->bs, &chain_next(&chain, 1, tx_bytes)->v, BLOCK_APPEND_LATER, &e));
    EXPECT_OK(block_store_sync(w->bs, &e));
    chain_done(&chain);
    w->jobs = jobs_new("store", 1, 100);
    w->mb = mailbox_new("net", 1000);
    w->loop = loop_new(NULL, NULL);
    memory_rest_init(&w->rest, w->loop);
    w->feed = block_feed_new(&(struct block_feed_config){ .jobs = w->jobs,
                                                          .is_light = is_light,
                                                          .mb = w->mb,
                                                          .rest = &w->rest,
                                                          .encode = encode,
                                                          .free_snapshot = free_snapshot,
                                                          .give = give,
                                                          .drop = drop,
                                                          .retain = retain,
                                                          .release = release });
    w->source = (struct feed_source){ w, w->bs };
}

static void world_init(struct world *w, size_t bytes)
{
    world_init_of(w, bytes, 100, false);
}

static void world_done(struct world *w)
{
    jobs_free(w->jobs);
    mailbox_free(w->mb);
    block_feed_free(w->feed);
    memory_rest_done(&w->rest);
    loop_free(w->loop);
    block_store_close(w->bs);
    block_stores_close(w->stores);
    free(w->dir);
}

static void ask(struct world *w, struct reader *r, uint64_t first, uint64_t last)
{
    r->next = first;
    EXPECT(block_feed_read(w->feed, &w->source, &r->r, first, last, NULL));
}

/* What was read ahead may still be on its way. */
static void wait_for(struct world *w, const struct reader *r, size_t gives)
{
    while (r->gives < gives) {
        mailbox_wait(w->mb, -1);
        (void)mailbox_drain(w->mb, NULL, SIZE_MAX);
    }
}

static void settle(struct world *w)
{
    while (w->users > 0) {
        mailbox_wait(w->mb, -1);
        (void)mailbox_drain(w->mb, NULL, SIZE_MAX);
    }
}

static struct block_feed_stats stats_of(const struct world *w)
{
    struct block_feed_stats s;
    block_feed_stats(w->feed, &s);
    return s;
}

TEST(a_stream_gets_the_blocks_that_it_asks_for_batch_by_batch)
{
    struct world w;
    struct reader r = { 0 };
    world_init(&w, 100);
    block_feed_streams(w.feed, 1);
    ask(&w, &r, 3, 80);
    wait_for(&w, &r, 1);
    EXPECT_EQ(r.count, FEED_BATCH_BLOCKS);
    ask(&w, &r, r.next, 80);
    wait_for(&w, &r, 2);
    EXPECT_EQ(r.next, 81);
    atomic_store(&message_bytes, LARGE);
    r = (struct reader){ 0 };
    ask(&w, &r, 81, 89);
    wait_for(&w, &r, 1);
    EXPECT_EQ(r.count, 3);
    settle(&w);
    world_done(&w);
}

TEST(streams_that_ask_for_the_same_block_are_read_for_once)
{
    struct world w;
    struct reader r[READERS] = { 0 };
    world_init(&w, 100);
    block_feed_streams(w.feed, READERS);
    for (size_t i = 0; i < READERS; i++)
        ask(&w, &r[i], 7, i == 3 ? 7 : 20);
    for (size_t i = 0; i < READERS; i++) {
        wait_for(&w, &r[i], 1);
        EXPECT(r[i].first == r[0].first);
    }
    EXPECT_EQ(stats_of(&w).reads, 1);
    EXPECT_EQ(stats_of(&w).joined, READERS - 1);
    settle(&w);
    world_done(&w);
}

TEST(what_another_stream_has_had_is_not_read_again)
{
    struct world w;
    struct reader one = { 0 }, two = { 0 };
    world_init(&w, 100);
    block_feed_streams(w.feed, 2);
    ask(&w, &one, 0, 30);
    wait_for(&w, &one, 1);
    ask(&w, &two, 10, 30);
    wait_for(&w, &two, 1);
    EXPECT_EQ(two.next, 31);
    EXPECT_EQ(stats_of(&w).reads, 1);
    EXPECT_EQ(stats_of(&w).from_cache, 1);
    settle(&w);
    world_done(&w);
}

TEST(the_newest_block_is_not_read_from_the_disk)
{
    struct world w;
    struct reader r[READERS] = { 0 };
    world_init(&w, 100);
    block_feed_streams(w.feed, READERS);
    for (size_t i = 0; i < READERS; i++)
        ask(&w, &r[i], BLOCKS - 1, BLOCKS - 1);
    for (size_t i = 0; i < READERS; i++) {
        wait_for(&w, &r[i], 1);
        EXPECT_EQ(r[i].count, 1);
        EXPECT(r[i].first == r[0].first);
    }
    EXPECT_EQ(stats_of(&w).reads, 0);
    EXPECT_EQ(stats_of(&w).from_tip, 1);
    ask(&w, &r[0], BLOCKS - 2, BLOCKS - 1); /* the one before it is */
    wait_for(&w, &r[0], 2);
    EXPECT_EQ(stats_of(&w).reads, 1);
    settle(&w);
    world_done(&w);
}

TEST(the_next_batch_is_read_while_this_one_is_sent)
{
    struct world w;
    struct reader r = { 0 };
    world_init(&w, LARGE);
    block_feed_streams(w.feed, 1);
    for (size_t i = 1; r.next < BAD_BLOCK; i++) {
        ask(&w, &r, r.next, BAD_BLOCK - 1);
        wait_for(&w, &r, i);
        EXPECT(stats_of(&w).cache_bytes <= 2UL * FEED_CACHE_STREAM_BYTES);
    }
    settle(&w);
    EXPECT(stats_of(&w).read_ahead > 10);
    world_done(&w);
}

static char *channel_file(const struct world *w)
{
    return weft_asprintf("%s/chains/ch/blockfile_000000", w->dir);
}

/* False: what is in memory can't be known, or can't be changed. */
static bool forget_file(const struct world *w, bool *ret_is_cached)
{
    struct weft_err e;
    char byte;
    size_t n = 0;
    WEFT_FREE char *path = channel_file(w);
    WEFT_CLEANUP(file_close) int fd = -1;
    EXPECT_OK(file_open(path, O_RDONLY, 0, &fd, &e));
    EXPECT_OK(file_pread_cached(fd, path, 0, &byte, 1, &n, &e));
    *ret_is_cached = n > 0;
    EXPECT_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    EXPECT_OK(file_pread_cached(fd, path, 0, &byte, 1, &n, &e));
    return *ret_is_cached && n == 0;
}

/* All blocks but the last, which is the tip. */
static void read_all(struct world *w, struct reader *r)
{
    *r = (struct reader){ 0 };
    for (size_t i = 1; r->next < BAD_BLOCK; i++) {
        ask(w, r, r->next, BAD_BLOCK - 1);
        wait_for(w, r, i);
        EXPECT_EQ(r->rc, WEFT_OK);
    }
    settle(w);
}

TEST(what_the_system_has_in_memory_the_loop_reads_itself)
{
    struct world w;
    struct reader r;
    bool is_cached = false;
    world_init_of(&w, LARGE, LARGE_TX, true);
    (void)forget_file(&w, &is_cached);
    block_feed_streams(w.feed, 1);
    read_all(&w, &r); /* now it is in memory */
    block_feed_streams(w.feed, 0);
    struct block_feed_stats before = stats_of(&w);
    block_feed_streams(w.feed, 1);
    read_all(&w, &r);
    struct block_feed_stats after = stats_of(&w);
    block_feed_streams(w.feed, FEED_HERE_STREAMS + 1);
    read_all(&w, &r);
    struct block_feed_stats many = stats_of(&w);
    world_done(&w);
    if (!is_cached) {
        print_message("this file system does not say what is in memory: skipped\n");
        skip();
    }
    EXPECT(after.reads - before.reads >= BAD_BLOCK / 2); /* two in a batch, not three */
    EXPECT_EQ(after.here - before.here, after.reads - before.reads - 1); /* one opened the file */
    EXPECT_EQ(after.read_ahead, before.read_ahead);
    EXPECT_EQ(many.here, after.here);
    EXPECT(many.read_ahead > after.read_ahead);
}

TEST(the_loop_does_not_wait_for_the_disk)
{
    struct world w;
    struct reader r = { 0 };
    struct weft_err e;
    WEFT_CLEANUP(buf_done) struct buf all = { 0 };
    bool is_cached = false;
    world_init_of(&w, LARGE, LARGE_TX, true);
    WEFT_FREE char *path = channel_file(&w);
    block_feed_streams(w.feed, 1);
    size_t gives = 0;
    while (gives < 2) { /* the first opens the file */
        ask(&w, &r, r.next, BAD_BLOCK - 1);
        wait_for(&w, &r, ++gives);
    }
    struct block_feed_stats before = stats_of(&w);
    bool can_forget = forget_file(&w, &is_cached);
    while (stats_of(&w).reads < before.reads + FEED_COLD_READS) {
        ask(&w, &r, r.next, BAD_BLOCK - 1);
        wait_for(&w, &r, ++gives);
    }
    settle(&w);
    struct block_feed_stats cold = stats_of(&w);
    EXPECT_OK(file_read_all(path, UINT32_MAX, &all, &e)); /* now it is in memory */
    while (r.next < BAD_BLOCK) {
        ask(&w, &r, r.next, BAD_BLOCK - 1);
        wait_for(&w, &r, ++gives);
    }
    settle(&w);
    struct block_feed_stats after = stats_of(&w);
    world_done(&w);
    if (!can_forget) {
        print_message("this file system does not let go of what is in memory: skipped\n");
        skip();
    }
    EXPECT_EQ(before.here, 1);
    EXPECT_EQ(cold.here, before.here);
    EXPECT(cold.read_ahead > before.read_ahead);
    EXPECT(after.here > cold.here);
}

/* Messages for many bytes, as slow readers hold them. */
static size_t hold(const struct world *w, struct net_msg **held)
{
    struct weft_err e;
    struct block *b = NULL;
    size_t n = 0;
    EXPECT_OK(block_store_read(w->bs, 0, &b, &e));
    while (!block_feed_is_tight())
        held[n++] = block_message(b);
    block_unref(b);
    return n;
}

TEST(while_much_is_on_its_way_a_stream_gets_one_block_and_nothing_is_read_ahead)
{
    struct world w;
    struct reader r = { 0 };
    world_init(&w, LARGE);
    block_feed_streams(w.feed, 9);
    struct net_msg **held = weft_alloc(FEED_TIGHT_BYTES / 100 * sizeof(*held));
    size_t n = hold(&w, held);
    for (size_t i = 1; i <= 5; i++) {
        ask(&w, &r, r.next, BAD_BLOCK - 1);
        wait_for(&w, &r, i);
        EXPECT_EQ(r.count, 1);
    }
    EXPECT_EQ(stats_of(&w).read_ahead, 0);
    EXPECT_EQ(stats_of(&w).cache_bytes, 0);
    atomic_store(&message_bytes, 100); /* small ones still come together */
    ask(&w, &r, r.next, BAD_BLOCK - 1);
    wait_for(&w, &r, 6);
    EXPECT_EQ(r.count, FEED_BATCH_BLOCKS);
    while (n > 0)
        net_msg_unref(held[--n]);
    free(held);
    EXPECT(!block_feed_is_tight());
    atomic_store(&message_bytes, LARGE);
    ask(&w, &r, r.next, BAD_BLOCK - 1);
    wait_for(&w, &r, 7);
    EXPECT_EQ(r.count, 3);
    EXPECT_EQ(stats_of(&w).read_ahead, 1);
    settle(&w);
    world_done(&w);
}

TEST(only_some_reads_are_with_the_workers_and_the_others_follow)
{
    struct world w;
    struct reader r[READERS] = { 0 };
    world_init(&w, LARGE);
    block_feed_streams(w.feed, READERS);
    for (size_t i = 0; i < READERS; i++)
        ask(&w, &r[i], 4 * i, 4 * i); /* each alone, and nothing behind it */
    EXPECT_EQ(stats_of(&w).reads, FEED_READS);
    for (size_t i = 0; i < READERS; i++) {
        wait_for(&w, &r[i], 1);
        EXPECT_EQ(r[i].count, 1);
    }
    EXPECT_EQ(stats_of(&w).reads, READERS);
    settle(&w);
    world_done(&w);
}

TEST(who_asks_again_does_not_overtake_those_who_wait)
{
    struct world w;
    struct reader r[READERS] = { 0 };
    world_init(&w, LARGE);
    block_feed_streams(w.feed, READERS);
    r[0].again = &w;
    for (size_t i = 0; i < READERS; i++)
        ask(&w, &r[i], 4 * i, 4 * i);
    wait_for(&w, &r[0], 2);
    settle(&w);
    size_t before = 0;
    for (size_t i = 1; i < READERS; i++)
        before += r[i].turn < r[0].turn;
    EXPECT_EQ(before, READERS - 1);
    world_done(&w);
}

TEST(it_keeps_no_more_than_it_may)
{
    struct world w;
    world_init(&w, LARGE);
    block_feed_streams(w.feed, 1000);
    for (uint64_t n = 0; n < BAD_BLOCK; n++) {
        struct reader r = { 0 };
        ask(&w, &r, n, n);
        wait_for(&w, &r, 1);
        EXPECT(stats_of(&w).cache_bytes <= FEED_CACHE_BYTES);
    }
    EXPECT(stats_of(&w).cache_bytes > FEED_CACHE_BYTES / 2);
    block_feed_streams(w.feed, 0);
    EXPECT_EQ(stats_of(&w).cache_bytes, 0);
    settle(&w);
    world_done(&w);
}

TEST(memory_goes_back_a_while_after_the_last_stream_and_not_for_little)
{
    struct world w;
    struct reader r = { 0 };
    world_init(&w, 100);
    block_feed_streams(w.feed, 1);
    ask(&w, &r, 0, 9);
    wait_for(&w, &r, 1);
    settle(&w);
    block_feed_streams(w.feed, 0);
    EXPECT_EQ(w.rest.timer.place, 0);

    atomic_store(&message_bytes, LARGE);
    block_feed_streams(w.feed, 1);
    ask(&w, &r, 10, 19);
    wait_for(&w, &r, 2);
    settle(&w);
    EXPECT_EQ(w.rest.timer.place, 0);
    block_feed_streams(w.feed, 0);
    EXPECT(w.rest.timer.place != 0);
    world_done(&w);
}

TEST(a_channel_that_goes_leaves_nothing)
{
    struct world w;
    struct reader r = { 0 };
    world_init(&w, 100);
    block_feed_streams(w.feed, 9);
    ask(&w, &r, 0, 5);
    wait_for(&w, &r, 1);
    settle(&w);
    block_feed_forget(w.feed, &r);
    EXPECT(stats_of(&w).cache_bytes > 0);
    block_feed_forget(w.feed, &w);
    EXPECT_EQ(stats_of(&w).cache_bytes, 0);
    world_done(&w);
}

TEST(a_block_that_has_no_form_comes_in_its_turn)
{
    struct world w;
    struct reader r = { 0 };
    world_init(&w, 100);
    ask(&w, &r, BAD_BLOCK - 2, BAD_BLOCK + 2);
    wait_for(&w, &r, 1);
    EXPECT_EQ(r.count, 2);
    EXPECT(r.is_bad_form);
    ask(&w, &r, BAD_BLOCK, BAD_BLOCK + 2);
    wait_for(&w, &r, 2);
    EXPECT_EQ(r.count, 0);
    EXPECT_EQ(r.rc, WEFT_CORRUPT);
    settle(&w);
    world_done(&w);
}

TEST(a_form_that_is_not_to_be_had_now_is_not_taken_for_a_wait_for_the_disk)
{
    struct world w;
    struct reader r = { 0 };
    world_init_of(&w, LARGE, LARGE_TX, true);
    block_feed_streams(w.feed, 1);
    atomic_store(&bad_code, WEFT_UNAVAILABLE);
    r.next = BAD_BLOCK - 9;
    for (size_t i = 1; r.rc == WEFT_OK && r.next <= BAD_BLOCK; i++) {
        ask(&w, &r, r.next, BAD_BLOCK + 2);
        wait_for(&w, &r, i);
    }
    EXPECT_EQ(r.rc, WEFT_UNAVAILABLE);
    EXPECT(r.is_bad_form);
    EXPECT_EQ(r.next, BAD_BLOCK);
    atomic_store(&bad_code, WEFT_CORRUPT);
    settle(&w);
    world_done(&w);
}

TEST(what_is_personal_is_for_one_only)
{
    struct world w;
    struct reader r[2] = { 0 };
    world_init(&w, 100);
    block_feed_streams(w.feed, 2);
    for (size_t i = 0; i < 2; i++) {
        struct feed_person person = { weft_alloc(1),
                                      net_msg_copy(bytes_of(i == 0 ? "a" : "b", 1)) };
        r[i].next = 5;
        EXPECT(block_feed_read(w.feed, &w.source, &r[i].r, 5, 9, &person));
    }
    for (size_t i = 0; i < 2; i++)
        wait_for(&w, &r[i], 1);
    EXPECT(r[0].first != r[1].first);
    EXPECT_EQ(stats_of(&w).reads, 2);
    EXPECT_EQ(stats_of(&w).cache_bytes, 0);
    settle(&w);
    world_done(&w);
}

TEST(at_the_end_nobody_waits_for_what_is_on_its_way)
{
    struct world w;
    struct reader r[READERS] = { 0 };
    world_init(&w, 100);
    block_feed_streams(w.feed, READERS);
    for (size_t i = 0; i < READERS; i++)
        ask(&w, &r[i], i / 2, 20);
    mailbox_close(w.mb);
    world_done(&w);
    for (size_t i = 0; i < READERS; i++)
        EXPECT_EQ(r[i].drops, 1);
}
