#include "ledger/ledger_dir.h"

#include "ledger_world.h"
#include "os/file.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what a folder is ------------------------------------------------------------------ */

static void expect_layout(const char *path, enum ledger_layout layout, bool with_index)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(ledger_dir_done) struct ledger_dir d = { 0 };
    EXPECT_OK(ledger_dir_open(path, &d, &e));
    EXPECT_EQ(d.layout, layout);
    EXPECT_EQ(d.index != NULL, with_index);
    EXPECT(ledger_dir_has(&d, "ch"));
    EXPECT(!ledger_dir_has(&d, "c"));
}

TEST(an_orderers_a_peers_and_a_channels_folder_are_told_apart)
{
    WEFT_CLEANUP(world_done) struct world orderer, peer;
    world_make(&orderer, LEDGER_ORDERER);
    world_make(&peer, LEDGER_PEER);
    WEFT_FREE char *production = weft_test_dir();
    WEFT_FREE char *ledgers_data = weft_asprintf("%s/ledgersData", production);
    EXPECT_EQ(symlink(peer.root, ledgers_data), 0);
    expect_layout(orderer.root, LEDGER_ORDERER, true);
    expect_layout(peer.root, LEDGER_PEER, true);
    expect_layout(production, LEDGER_PEER, true);
    expect_layout(orderer.channel_dir, LEDGER_ORDERER, false);
    expect_layout(peer.channel_dir, LEDGER_ORDERER, false); /* nothing tells whose it is */
}

TEST(what_is_no_ledger_is_told_what_would_be_one)
{
    struct weft_err e = { 0 };
    struct ledger_dir d;
    WEFT_FREE char *empty = weft_test_dir();
    EXPECT_CODE(ledger_dir_open(empty, &d, &e), WEFT_NOT_FOUND);
    EXPECT_WORDS(e, "is no ledger: give an orderer's folder");
    EXPECT_CODE(ledger_dir_open("/nowhere/at/all", &d, &e), WEFT_NOT_FOUND);
    EXPECT_WORDS(e, "there is no folder /nowhere/at/all");
}

/* ---- reading ------------------------------------------------------------------------------ */

static void expect_all_readable(struct world *w, struct ledger_dir *d)
{
    struct weft_err e = { 0 };
    for (uint64_t n = 0; n < w->chain.count; n++) {
        WEFT_CLEANUP(block_unref) struct block *b = NULL, *by_tx = NULL;
        char id[65];
        size_t tx = 99;
        EXPECT_OK(ledger_dir_read(d, "ch", n, &b, &e));
        chain_expect(&w->chain, n, &b->v);
        size_t last = b->v.txs.count - 1;
        chain_tx_id(&w->chain, n, last, id);
        EXPECT_OK(ledger_dir_find_tx(d, "ch", bytes_of_str(id), &by_tx, &tx, &e));
        EXPECT_EQ(by_tx->v.number, n);
        EXPECT_EQ(tx, last);
    }
}

static void expect_summary(struct world *w, struct ledger_dir *d)
{
    struct weft_err e = { 0 };
    struct ledger_summary s;
    size_t n = w->chain.count;
    EXPECT_OK(ledger_dir_summary(d, "ch", &s, &e));
    EXPECT_EQ(s.height, n);
    EXPECT_EQ(s.files, world_count_files(w));
    EXPECT_BYTES(digest_bytes(&s.current_hash), digest_bytes(&w->chain.last));
    EXPECT_BYTES(digest_bytes(&s.previous_hash), w->chain.blocks[n - 1]->v.previous_hash);
}

TEST(blocks_and_transactions_are_found_with_an_index_and_without)
{
    struct weft_err e = { 0 };
    for (int kind = 0; kind < 4; kind++) {
        WEFT_CLEANUP(world_done) struct world w;
        WEFT_CLEANUP(ledger_dir_done) struct ledger_dir d = { 0 };
        WEFT_CLEANUP(block_unref) struct block *newest = NULL, *none = NULL;
        size_t tx = 0;
        world_make(&w, kind % 2 == 0 ? LEDGER_ORDERER : LEDGER_PEER);
        if (kind >= 2)
            world_drop_index(&w);
        EXPECT_OK(ledger_dir_open(w.root, &d, &e));
        expect_all_readable(&w, &d);
        expect_summary(&w, &d);
        EXPECT_OK(ledger_dir_read(&d, "ch", UINT64_MAX, &newest, &e));
        EXPECT_EQ(newest->v.number, WORLD_BLOCKS - 1);
        EXPECT_CODE(ledger_dir_read(&d, "ch", WORLD_BLOCKS, &none, &e), WEFT_NOT_FOUND);
        EXPECT_WORDS(e, "channel [ch] has no block [6]");
        EXPECT_CODE(ledger_dir_find_tx(&d, "ch", bytes_of_str("ab"), &none, &tx, &e),
                    WEFT_NOT_FOUND);
        EXPECT_WORDS(e, "channel [ch] has no transaction [ab]");
    }
}

TEST(a_torn_tail_and_an_empty_channel_can_be_looked_at)
{
    struct weft_err e = { 0 };
    struct ledger_summary s;
    WEFT_CLEANUP(world_done) struct world w;
    WEFT_CLEANUP(ledger_dir_done) struct ledger_dir d = { 0 };
    world_make(&w, LEDGER_ORDERER);
    WEFT_FREE char *last = world_file(&w, world_count_files(&w) - 1);
    WEFT_CLEANUP(buf_done) struct buf b = weft_test_read(last);
    buf_put_str(&b, "\xff\x7f torn");
    world_write(last, buf_bytes(&b));
    WEFT_FREE char *fresh = weft_asprintf("%s/chains/fresh", w.root);
    WEFT_FREE char *first = weft_asprintf("%s/blockfile_000000", fresh);
    EXPECT_EQ(mkdir(fresh, 0755), 0);
    world_write(first, bytes_of_str("\xff"));
    EXPECT_OK(ledger_dir_open(w.root, &d, &e));
    expect_summary(&w, &d);
    expect_all_readable(&w, &d);
    EXPECT_OK(ledger_dir_summary(&d, "fresh", &s, &e));
    EXPECT_EQ(s.height, 0);
}

/* ---- nothing changes ------------------------------------------------------------------------ */

/* Names, sizes, times and contents of all that is below a folder. */
static void take_picture(const char *path, struct buf *out)
{
    struct weft_err e = { 0 };
    struct stat st;
    EXPECT_EQ(lstat(path, &st), 0);
    buf_printf(out, "%s %ju %jo %jd %jd.%09ld %jd.%09ld\n", path, (uintmax_t)st.st_ino,
               (uintmax_t)st.st_mode, (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec,
               st.st_mtim.tv_nsec, (intmax_t)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
    if (S_ISREG(st.st_mode)) {
        WEFT_CLEANUP(buf_done) struct buf b = weft_test_read(path);
        buf_put(out, buf_bytes(&b));
        return;
    }
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    EXPECT_OK(dir_list(path, &l, &e));
    for (size_t i = 0; i < l.count; i++) {
        WEFT_FREE char *below = weft_asprintf("%s/%s", path, l.names[i]);
        take_picture(below, out);
    }
}

static void read_everything(struct world *w)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(ledger_dir_done) struct ledger_dir d = { 0 };
    EXPECT_OK(ledger_dir_open(w->root, &d, &e));
    expect_summary(w, &d);
    expect_all_readable(w, &d);
    EXPECT_OK(world_verify(w, &e));
}

TEST(reading_changes_nothing)
{
    for (int kind = 0; kind < 4; kind++) {
        WEFT_CLEANUP(world_done) struct world w;
        WEFT_CLEANUP(buf_done) struct buf before = { 0 };
        WEFT_CLEANUP(buf_done) struct buf after = { 0 };
        world_make(&w, kind % 2 == 0 ? LEDGER_ORDERER : LEDGER_PEER);
        if (kind >= 2)
            world_drop_index(&w);
        take_picture(w.root, &before);
        read_everything(&w);
        take_picture(w.root, &after);
        EXPECT(bytes_eq(buf_bytes(&before), buf_bytes(&after)));
    }
}

/* The node has its lock and goes on appending; what is looked at is a moment. */
TEST(a_ledger_that_a_node_has_open_can_be_read_and_is_not_changed)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(world_done) struct world w;
    WEFT_CLEANUP(block_stores_close) struct block_stores *stores = NULL, *second = NULL;
    WEFT_CLEANUP(block_store_close) struct block_store *bs = NULL;
    world_make(&w, LEDGER_ORDERER);
    EXPECT_OK(block_stores_open(w.root, w.layout, &stores, &e));
    EXPECT_OK(block_store_open(stores, "ch", &bs, &e));
    EXPECT_CODE(block_stores_open(w.root, w.layout, &second, &e), WEFT_UNAVAILABLE);
    for (int i = 0; i < 5; i++) {
        WEFT_CLEANUP(buf_done) struct buf before = { 0 };
        WEFT_CLEANUP(buf_done) struct buf after = { 0 };
        take_picture(w.root, &before);
        read_everything(&w);
        take_picture(w.root, &after);
        EXPECT(bytes_eq(buf_bytes(&before), buf_bytes(&after)));
        const struct block *b = chain_next(&w.chain, 2, 100);
        EXPECT_OK(block_store_append(bs, &b->v, BLOCK_APPEND_SYNC, &e));
        EXPECT_EQ(block_store_height(bs), w.chain.count);
    }
}

/* A manifest that does not know the newest table yet, as while a node flushes:
 * LevelDB gives that table's number out again. */
TEST(a_table_that_the_manifest_does_not_know_yet_is_not_written_to)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(world_done) struct world w;
    WEFT_CLEANUP(buf_done) struct buf before = { 0 };
    WEFT_CLEANUP(buf_done) struct buf after = { 0 };
    WEFT_CLEANUP(block_stores_close) struct block_stores *stores = NULL;
    WEFT_CLEANUP(block_store_close) struct block_store *bs = NULL;
    world_make(&w, LEDGER_ORDERER);
    EXPECT_OK(block_stores_open(w.root, w.layout, &stores, &e)); /* something in the log */
    EXPECT_OK(block_store_open(stores, "ch", &bs, &e));
    const struct block *b = chain_next(&w.chain, 1, 100);
    EXPECT_OK(block_store_append(bs, &b->v, BLOCK_APPEND_SYNC, &e));
    for (int number = 5; number < 40; number++) { /* wherever the next number is */
        WEFT_FREE char *path = weft_asprintf("%s/%06d.ldb", w.index_dir, number);
        if (access(path, F_OK) != 0)
            world_write(path, bytes_of_str("a table that is just being written"));
    }
    take_picture(w.root, &before);
    read_everything(&w);
    take_picture(w.root, &after);
    EXPECT(bytes_eq(buf_bytes(&before), buf_bytes(&after)));
}
