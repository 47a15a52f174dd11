/* Channels that are removed, and what a crash leaves of them. */
#include "ledger/block_store.h"

#include "chain.h"
#include "os/dirs.h"
#include "weft_test.h"

#include <stdio.h>

enum {
    BLOCKS = 5
};

struct world {
    char *root;
    struct block_stores *stores;
    struct chain a, b;
};

static void open_stores(struct world *w)
{
    struct weft_err e;
    EXPECT_OK(block_stores_open(w->root, LEDGER_ORDERER, &w->stores, &e));
}

static void look_at(struct block_store *bs, const struct chain *c)
{
    struct weft_err e;
    for (uint64_t n = 0; n < BLOCKS; n++) {
        WEFT_CLEANUP(block_unref) struct block *b = NULL;
        EXPECT_OK(block_store_read(bs, n, &b, &e));
        chain_expect(c, n, &b->v);
    }
}

/* Stores the chain from where the ledger is, and looks at all of it. */
static void fill(struct world *w, const char *id, const struct chain *c)
{
    struct weft_err e;
    WEFT_CLEANUP(block_store_close) struct block_store *bs = NULL;
    EXPECT_OK(block_store_open(w->stores, id, &bs, &e));
    for (uint64_t n = block_store_height(bs); n < BLOCKS; n++)
        EXPECT_OK(block_store_append(bs, &c->blocks[n]->v, BLOCK_APPEND_SYNC, &e));
    look_at(bs, c);
}

static void expect_height(struct world *w, const char *id, uint64_t height)
{
    struct weft_err e;
    WEFT_CLEANUP(block_store_close) struct block_store *bs = NULL;
    EXPECT_OK(block_store_open(w->stores, id, &bs, &e));
    EXPECT_EQ(block_store_height(bs), height);
}

static void expect_channels(const struct world *w, const char *names)
{
    struct weft_err e;
    char got[64] = "";
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    EXPECT_OK(block_stores_list(w->stores, &l, &e));
    for (size_t i = 0; i < l.count; i++) {
        strncat(got, l.names[i], 16);
        strncat(got, " ", 2);
    }
    EXPECT_STR(got, names);
}

/* Channels "aa" and "aab": one name begins with the other. */
static void world_init(struct world *w)
{
    *w = (struct world){ .root = weft_test_fast_dir() };
    chain_init(&w->a, "aa", 1);
    chain_init(&w->b, "aab", 2);
    for (int i = 0; i < BLOCKS; i++) {
        WEFT_IGNORE(chain_next(&w->a, 2, 100) == NULL);
        WEFT_IGNORE(chain_next(&w->b, 2, 100) == NULL);
    }
    open_stores(w);
    fill(w, "aa", &w->a);
    fill(w, "aab", &w->b);
}

static void world_done(struct world *w)
{
    block_stores_close(w->stores);
    chain_done(&w->a);
    chain_done(&w->b);
    free(w->root);
}

TEST(a_removed_channel_is_gone_and_can_be_made_again)
{
    struct weft_err e;
    struct world w;
    world_init(&w);
    struct block_store *neighbour = NULL;
    EXPECT_OK(block_store_open(w.stores, "aab", &neighbour, &e));
    EXPECT_OK(block_stores_remove(w.stores, "aa", &e));
    expect_channels(&w, "aab ");
    look_at(neighbour, &w.b); /* by the index that it shares */
    block_store_close(neighbour);
    expect_height(&w, "aa", 0);
    fill(&w, "aa", &w.b); /* other blocks than before */
    block_stores_close(w.stores);
    open_stores(&w);
    fill(&w, "aa", &w.b);
    fill(&w, "aab", &w.b);
    world_done(&w);
}

TEST(a_removal_that_was_interrupted_is_finished_with_the_next_open)
{
    struct weft_err e;
    struct world w;
    world_init(&w);
    block_stores_close(w.stores);
    WEFT_FREE char *from = weft_asprintf("%s/chains/aa", w.root);
    WEFT_FREE char *above = weft_asprintf("%s/removed", w.root);
    WEFT_FREE char *to = weft_asprintf("%s/removed/aa", w.root);
    EXPECT_OK(dir_make(above, &e));
    EXPECT_EQ(rename(from, to), 0);
    open_stores(&w);
    expect_channels(&w, "aab ");
    EXPECT(!path_exists(to));
    fill(&w, "aa", &w.b);
    fill(&w, "aab", &w.b);
    world_done(&w);
}
