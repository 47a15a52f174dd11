#include "ledger_world.h"

#include "ledger/id_store.h"
#include "os/file.h"

#include <unistd.h>

/* ---- a node's ledger ----------------------------------------------------------------- */

void world_list(const struct world *w, const char *channel)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *path = weft_asprintf("%s/ledgerProvider", w->root);
    WEFT_CLEANUP(id_store_close) struct id_store *ids = NULL;
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    block_encode(&w->chain.blocks[0]->v, &wire);
    EXPECT_OK(id_store_open(path, &ids, &e));
    EXPECT_OK(id_store_begin(ids, channel, &e));
    EXPECT_OK(id_store_finish(ids, channel, buf_bytes(&wire), &e));
}

/* Blocks of the world's chain from `from` to `to`, a file each some. */
void world_store(struct world *w, const char *channel, size_t from, size_t to)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(block_stores_close) struct block_stores *stores = NULL;
    EXPECT_OK(block_stores_open(w->root, w->layout, &stores, &e));
    block_stores_set_file_bytes(stores, WORLD_FILE_BYTES);
    struct block_store *bs = NULL;
    EXPECT_OK(block_store_open(stores, channel, &bs, &e));
    for (size_t i = from; i < to; i++)
        EXPECT_OK(block_store_append(bs, &w->chain.blocks[i]->v, BLOCK_APPEND_SYNC, &e));
    block_store_close(bs);
}

void world_start(struct world *w, enum ledger_layout layout)
{
    if (access("/dev/shm", W_OK) == 0) /* the copies of the index need no disk */
        WEFT_ASSERT(setenv("TMPDIR", "/dev/shm", 1) == 0); /* NOLINT(concurrency-mt-unsafe) */
    *w = (struct world){ .layout = layout, .root = weft_test_dir() };
    const char *inner = layout == LEDGER_PEER ? "/chains" : "";
    w->channel_dir = weft_asprintf("%s%s/chains/ch", w->root, inner);
    w->index_dir = weft_asprintf("%s%s/index", w->root, inner);
    chain_init_signed(&w->chain, "ch", 7, layout == LEDGER_PEER ? CHAIN_OF_PEER : CHAIN_OF_ORDERER);
}

void world_grow(struct world *w)
{
    for (size_t i = 0; i < WORLD_BLOCKS; i++)
        if (i == 3)
            (void)chain_next_config(&w->chain, 60);
        else
            (void)chain_next(&w->chain, i == 5 ? 4 : 1, 40);
}

void world_make(struct world *w, enum ledger_layout layout)
{
    world_start(w, layout);
    world_grow(w);
    world_store(w, "ch", 0, WORLD_BLOCKS);
    if (layout == LEDGER_PEER)
        world_list(w, "ch");
}

void world_done(struct world *w)
{
    chain_done(&w->chain);
    free(w->root);
    free(w->channel_dir);
    free(w->index_dir);
}

/* ---- looking at it ------------------------------------------------------------------- */

static void take_progress(void *ctx, uint64_t bytes)
{
    (void)ctx, (void)bytes;
}

static void take_note(void *ctx, const char *text)
{
    struct world *w = ctx;
    size_t n = strlen(w->notes);
    (void)snprintf(w->notes + n, WORLD_NOTES_MAX - n, "%s\n", text);
}

enum weft_code world_verify_open(struct world *w, struct ledger_dir *d, struct weft_err *e)
{
    struct ledger_verify_deps deps = { .ctx = w, .progress = take_progress, .note = take_note };
    w->notes[0] = '\0';
    WEFT_TRY(ledger_verify(d, "ch", &deps, &w->found, e));
    return WEFT_OK;
}

enum weft_code world_verify(struct world *w, struct weft_err *e)
{
    struct ledger_verify_deps deps = { .ctx = w, .progress = take_progress, .note = take_note };
    WEFT_CLEANUP(ledger_dir_done) struct ledger_dir d = { 0 };
    WEFT_TRY(ledger_dir_open(w->root, &d, e));
    WEFT_TRY(world_verify_open(w, &d, e));
    return ledger_inventory_verify(&d, &deps, e);
}

char *world_file(const struct world *w, uint64_t number)
{
    return block_file_path(w->channel_dir, number);
}

uint64_t world_count_files(const struct world *w)
{
    struct weft_err e = { 0 };
    uint64_t n = 0;
    EXPECT_OK(block_file_count(w->channel_dir, &n, &e));
    return n;
}

void world_write(const char *path, struct bytes b)
{
    struct weft_err e = { 0 };
    EXPECT_OK(file_write_plain(path, b, 0644, &e));
}

void world_drop_index(const struct world *w)
{
    struct weft_err e = { 0 };
    EXPECT_OK(dir_remove_tree(w->index_dir, &e));
}

/* The places of all records. */
void world_places(const struct world *w, struct block_place *ret)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(block_scanner_done) struct block_scanner s = { .fd = -1 };
    enum block_scan what = BLOCK_SCAN_RECORD;
    struct bytes body;
    block_scanner_init(&s, w->channel_dir, 0, 0, world_count_files(w) - 1);
    for (size_t i = 0; i < w->chain.count; i++) {
        EXPECT_OK(block_scanner_next(&s, &what, &body, &ret[i], &e));
        EXPECT_EQ(what, BLOCK_SCAN_RECORD);
    }
}
