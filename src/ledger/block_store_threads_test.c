/* One thread appends, others read, iterate and wait: what they see is whole,
 * in order, and announced. */
#include "ledger/block_store.h"

#include "chain.h"
#include "weft_test.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
    BLOCKS = 200,
    READERS = 2,
    ITERATORS = 3,
};

struct world {
    struct block_store *bs;
    struct chain chain;
};

static void fail_thread(const char *what, const struct weft_err *e)
{
    (void)fprintf(stderr, "%s: %s\n", what, e->msg);
    abort();
}

static void *append_blocks(void *arg)
{
    struct world *w = arg;
    struct weft_err e = { 0 };
    for (size_t n = 0; n < BLOCKS; n++) {
        bool group = n % 40 >= 20;
        const struct block_view *v = &w->chain.blocks[n]->v;
        if (block_store_append(w->bs, v, group ? BLOCK_APPEND_LATER : BLOCK_APPEND_SYNC, &e) !=
            WEFT_OK)
            fail_thread("append", &e);
        if (group && n % 7 == 0 && block_store_sync(w->bs, &e) != WEFT_OK)
            fail_thread("sync", &e);
    }
    if (block_store_sync(w->bs, &e) != WEFT_OK)
        fail_thread("sync", &e);
    return NULL;
}

/* By number, hash and id, at random among what is announced. */
static void *read_blocks(void *arg)
{
    struct world *w = arg;
    struct weft_err e = { 0 };
    struct weft_rand rand = weft_rand_of(4);
    uint64_t height = 0;
    while (height < BLOCKS) {
        uint64_t now = block_store_height(w->bs);
        WEFT_ASSERT(now >= height);
        height = now;
        if (height == 0)
            continue;
        uint64_t n = weft_rand_below(&rand, height);
        struct digest hash = block_header_hash(&w->chain.blocks[n]->v);
        WEFT_CLEANUP(block_unref) struct block *by_number = NULL;
        WEFT_CLEANUP(block_unref) struct block *by_hash = NULL;
        WEFT_CLEANUP(block_unref) struct block *by_id = NULL;
        char id[65];
        chain_tx_id(&w->chain, n, 0, id);
        if (block_store_read(w->bs, n, &by_number, &e) != WEFT_OK ||
            block_store_read_by_hash(w->bs, digest_bytes(&hash), &by_hash, &e) != WEFT_OK ||
            block_store_read_by_tx_id(w->bs, bytes_of_str(id), &by_id, &e) != WEFT_OK)
            fail_thread("read", &e);
        chain_expect(&w->chain, n, &by_number->v);
        chain_expect(&w->chain, n, &by_hash->v);
        chain_expect(&w->chain, n, &by_id->v);
    }
    return NULL;
}

static void height_moved(struct block_watch *watch, uint64_t height, void *owner)
{
    (void)watch;
    uint64_t *seen = owner;
    WEFT_ASSERT(height >= *seen);
    *seen = height;
}

/* Reads to the tip, sleeps until a mail says that there is more. */
static void *iterate(void *arg)
{
    struct world *w = arg;
    struct weft_err e = { 0 };
    uint64_t seen = 0, next = 0;
    WEFT_CLEANUP(mailbox_free) struct mailbox *mb = mailbox_new("iterator", 4);
    WEFT_CLEANUP(block_iter_free) struct block_iter *it = block_iter_new(w->bs, 0);
    struct block_watch watch = { .mb = mb, .handle = height_moved };
    block_store_watch(w->bs, &watch);
    while (next < BLOCKS) {
        WEFT_CLEANUP(block_unref) struct block *b = NULL;
        if (block_iter_next(it, &b, &e) != WEFT_OK)
            fail_thread("iterator", &e);
        if (b != NULL) {
            chain_expect(&w->chain, next++, &b->v);
            continue;
        }
        struct pollfd wait = { .fd = mailbox_fd(mb), .events = POLLIN };
        if (block_store_height(w->bs) == next)
            WEFT_ASSERT(poll(&wait, 1, 30000) == 1);
        (void)mailbox_drain(mb, &seen, 4);
    }
    block_store_unwatch(w->bs, &watch);
    return NULL;
}

TEST(readers_see_whole_blocks_in_order_while_one_appends)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    struct block_stores *stores = NULL;
    struct world w = { 0 };
    pthread_t threads[1 + READERS + ITERATORS];
    chain_init(&w.chain, "ch", 8);
    for (size_t i = 0; i < BLOCKS; i++)
        if (i % 16 == 15) /* large enough to be seen half written */
            (void)chain_next(&w.chain, 1, 2 << 20);
        else
            (void)chain_next(&w.chain, 1 + i % 3, 100 + (i * 997) % 20000);
    EXPECT_OK(block_stores_open(dir, LEDGER_PEER, &stores, &e));
    block_stores_set_file_bytes(stores, 5 << 20);
    EXPECT_OK(block_store_open(stores, "ch", &w.bs, &e));
    for (size_t i = 0; i < WEFT_ARRAY_LEN(threads); i++)
        EXPECT_EQ(pthread_create(&threads[i], NULL,
                                 i == 0         ? append_blocks
                                 : i <= READERS ? read_blocks
                                                : iterate,
                                 &w),
                  0);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(threads); i++)
        EXPECT_EQ(pthread_join(threads[i], NULL), 0);
    EXPECT_EQ(block_store_height(w.bs), BLOCKS);
    block_store_close(w.bs);
    block_stores_close(stores);
    chain_done(&w.chain);
}
