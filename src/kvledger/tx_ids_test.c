#include "kvledger/tx_ids.h"

#include "chain.h"
#include "ledger/block_store.h"
#include "weft_test.h"

#include <stdio.h>

/* A peer's folder of blocks, with other channels beside "ch". */
struct world {
    char *dir;
    struct block_stores *stores;
    struct block_store *blocks;
    struct chain chain;
    struct tx_ids *ids;
};

static void store(struct world *w, const char *channel, struct chain *c)
{
    struct weft_err e = { 0 };
    struct block_store *bs = NULL;
    EXPECT_OK(block_store_open(w->stores, channel, &bs, &e));
    for (size_t n = 0; n < c->count; n++)
        EXPECT_OK(block_store_append(bs, &c->blocks[n]->v, BLOCK_APPEND_LATER, &e));
    EXPECT_OK(block_store_sync(bs, &e));
    block_store_close(bs);
}

static void store_other(struct world *w, const char *channel)
{
    struct chain c;
    chain_init(&c, channel, 3);
    (void)chain_next(&c, 10, 20);
    store(w, channel, &c);
    chain_done(&c);
}

/* `blocks` of 1000 transactions. */
static void world_init(struct world *w, size_t blocks)
{
    struct weft_err e = { 0 };
    *w = (struct world){ .dir = weft_test_fast_dir() };
    EXPECT_OK(block_stores_open(w->dir, LEDGER_PEER, &w->stores, &e));
    chain_init(&w->chain, "ch", 7);
    for (size_t i = 0; i < blocks; i++)
        (void)chain_next(&w->chain, 1000, 20);
    store(w, "ch", &w->chain);
    store_other(w, "cg");
    store_other(w, "ch2");
    EXPECT_OK(block_store_open(w->stores, "ch", &w->blocks, &e));
    EXPECT_OK(tx_ids_new(w->blocks, &w->ids, &e));
}

static void world_done(struct world *w)
{
    tx_ids_free(w->ids);
    block_store_close(w->blocks);
    block_stores_close(w->stores);
    chain_done(&w->chain);
    free(w->dir);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct world, world_done)

static bool has(struct world *w, const char *id)
{
    struct weft_err e = { 0 };
    bool yes = false;
    EXPECT_OK(tx_ids_has(w->ids, bytes_of_str(id), &yes, &e));
    return yes;
}

static size_t count_known(struct world *w)
{
    char id[65];
    size_t known = 0;
    for (size_t n = 0; n < w->chain.count; n++)
        for (size_t i = 0; i < 1000; i++) {
            chain_tx_id(&w->chain, n, i, id);
            known += has(w, id) ? 1 : 0;
        }
    return known;
}

static void expect_strangers(struct world *w)
{
    char id[24];
    for (size_t i = 0; i < 1000; i++) {
        (void)snprintf(id, sizeof(id), "stranger %zu", i);
        EXPECT(!has(w, id));
    }
}

TEST(a_small_ledgers_ids_are_all_in_memory_at_once)
{
    WEFT_CLEANUP(world_done) struct world w;
    world_init(&w, 2);
    EXPECT(tx_ids_is_whole(w.ids));
    EXPECT_EQ(count_known(&w), 2000);
    expect_strangers(&w);
}

TEST(an_empty_ledger_knows_nothing)
{
    WEFT_CLEANUP(world_done) struct world w;
    world_init(&w, 0);
    EXPECT(tx_ids_is_whole(w.ids));
    expect_strangers(&w);
}

/* While the ids of a larger one are read, and after. */
TEST(no_id_is_overlooked_while_they_are_read_into_memory)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(world_done) struct world w;
    world_init(&w, TX_IDS_AT_OPEN / 1000 + 2);
    size_t all = w.chain.count * 1000, commits = 0;
    char id[24];
    EXPECT(!tx_ids_is_whole(w.ids));
    for (; !tx_ids_is_whole(w.ids); commits++) {
        if (commits % 40 == 0)
            EXPECT_EQ(count_known(&w), all);
        (void)snprintf(id, sizeof(id), "new %zu", commits);
        EXPECT(!has(&w, id));
        tx_ids_add(w.ids, bytes_of_str(id));
        EXPECT(has(&w, id));
        tx_ids_indexing(w.ids);
        EXPECT(has(&w, id));
        EXPECT_OK(tx_ids_indexed(w.ids, &e)); /* a little early for an empty index */
        EXPECT(!has(&w, id));
    }
    EXPECT_EQ(commits, (all - TX_IDS_AT_OPEN + TX_IDS_A_TX - 1) / TX_IDS_A_TX);
    EXPECT_EQ(count_known(&w), all);
    expect_strangers(&w);
}

TEST(an_id_is_known_before_its_block_is_indexed)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(world_done) struct world w;
    world_init(&w, 1);
    char id[65];
    (void)chain_next(&w.chain, 1000, 20);
    EXPECT_EQ(count_known(&w), 1000);
    for (size_t i = 0; i < 1000; i++) {
        chain_tx_id(&w.chain, 1, i, id);
        tx_ids_add(w.ids, bytes_of_str(id));
    }
    EXPECT_EQ(count_known(&w), 2000);
    tx_ids_indexing(w.ids);
    tx_ids_add(w.ids, bytes_of_str("of the next block"));
    EXPECT_EQ(count_known(&w), 2000);
    EXPECT_OK(block_store_append(w.blocks, &w.chain.blocks[1]->v, BLOCK_APPEND_SYNC, &e));
    EXPECT_OK(tx_ids_indexed(w.ids, &e));
    EXPECT(has(&w, "of the next block"));
    EXPECT_EQ(count_known(&w), 2000);
    expect_strangers(&w);
}
