/* Appending the blocks that a real network's nodes delivered gives the very
 * files and index entries that those nodes wrote.  The network's data lies
 * beside the project; a small chain of our own, in tests/vectors, shows the
 * same without it. */
#include "ledger/block_store.h"

#include "kv_dump.h"
#include "os/dirs.h"
#include "weft_test.h"

#include <unistd.h>

/* An empty store of a layout, and where its parts lie. */
struct store {
    char *root;
    struct block_stores *stores;
};

static void start_store(struct store *s, enum ledger_layout layout)
{
    struct weft_err e = { 0 };
    s->root = weft_test_fast_dir();
    EXPECT_OK(block_stores_open(s->root, layout, &s->stores, &e));
}

/* Appends `dir`/0.block, 1.block, ... as far as there are any, half of them in
 * groups. */
static uint64_t append_all(struct store *s, const char *channel, const char *dir)
{
    struct weft_err e = { 0 };
    struct block_store *bs = NULL;
    uint64_t n = 0;
    EXPECT_OK(block_store_open(s->stores, channel, &bs, &e));
    for (;; n++) {
        WEFT_FREE char *path = weft_asprintf("%s/%" PRIu64 ".block", dir, n);
        if (access(path, R_OK) != 0)
            break;
        WEFT_CLEANUP(buf_done) struct buf wire = weft_test_read(path);
        WEFT_CLEANUP(block_unref) struct block *b = NULL;
        EXPECT_OK(block_parse(buf_bytes(&wire), &b, &e));
        bool later = n % 20 > 10;
        EXPECT_OK(
            block_store_append(bs, &b->v, later ? BLOCK_APPEND_LATER : BLOCK_APPEND_SYNC, &e));
    }
    EXPECT_OK(block_store_sync(bs, &e));
    EXPECT_EQ(block_store_height(bs), n);
    block_store_close(bs);
    return n;
}

static void end_store(struct store *s)
{
    block_stores_close(s->stores);
}

static void same_file(const struct store *s, const char *name, const char *want_path)
{
    WEFT_FREE char *path = weft_asprintf("%s/%s", s->root, name);
    WEFT_CLEANUP(buf_done) struct buf got = weft_test_read(path);
    WEFT_CLEANUP(buf_done) struct buf want = weft_test_read(want_path);
    EXPECT(want.len > 0);
    EXPECT_EQ(got.len, want.len);
    EXPECT_EQ(memcmp(got.data, want.data, want.len), 0);
}

static void same_index(const struct store *s, const char *name, const char *list_path,
                       const char *heading)
{
    WEFT_FREE char *path = weft_asprintf("%s/%s", s->root, name);
    EXPECT(kv_dump_expect_dir(path, list_path, heading) > 5);
}

/* ---- a real network's ---------------------------------------------------------------------- */

TEST(a_peers_files_and_index_are_those_of_a_real_peer)
{
    WEFT_FREE char *blocks = weft_strdup(weft_test_fixture("ledger-small/blocks"));
    struct store s;
    start_store(&s, LEDGER_PEER);
    EXPECT_EQ(append_all(&s, "mychannel", blocks), 79);
    end_store(&s);
    same_file(&s, "chains/chains/mychannel/blockfile_000000",
              weft_test_fixture("ledger-small/peer0.org1.example.com/ledgersData/chains/chains/"
                                "mychannel/blockfile_000000"));
    same_index(&s, "chains/index", weft_test_fixture("ledger-small/index-dump.txt"),
               "# peer ledgersData/chains/index");
    free(s.root);
}

TEST(an_orderers_files_and_index_are_those_of_a_real_orderer)
{
    WEFT_FREE char *blocks = weft_strdup(weft_test_fixture("ledger-small/blocks-orderer"));
    WEFT_FREE char *system = weft_strdup(weft_test_fixture("ledger-small/blocks-system"));
    struct store s;
    start_store(&s, LEDGER_ORDERER);
    EXPECT_EQ(append_all(&s, "system-channel", system), 2);
    EXPECT_EQ(append_all(&s, "mychannel", blocks), 79);
    end_store(&s);
    same_file(&s, "chains/mychannel/blockfile_000000",
              weft_test_fixture("ledger-small/orderer/chains/mychannel/blockfile_000000"));
    same_file(&s, "chains/system-channel/blockfile_000000",
              weft_test_fixture("ledger-small/orderer/chains/system-channel/blockfile_000000"));
    same_index(&s, "index", weft_test_fixture("ledger-small/index-dump.txt"), "# orderer index");
    free(s.root);
}

/* ---- one of our own ------------------------------------------------------------------------- */

static void expect_tiny(enum ledger_layout layout)
{
    const char *kind = layout == LEDGER_PEER ? "peer" : "orderer";
    const char *part = layout == LEDGER_PEER ? "chains/" : "";
    WEFT_FREE char *blocks = weft_asprintf("vectors/ledger-tiny/%s-blocks", kind);
    WEFT_FREE char *block_file = weft_asprintf("vectors/ledger-tiny/%s-blockfile", kind);
    WEFT_FREE char *list = weft_asprintf("vectors/ledger-tiny/%s-index.txt", kind);
    WEFT_FREE char *ours = weft_asprintf("%schains/tiny/blockfile_000000", part);
    WEFT_FREE char *index = weft_asprintf("%sindex", part);
    WEFT_FREE char *dir = weft_strdup(weft_test_file(blocks));
    struct store s;
    start_store(&s, layout);
    EXPECT_EQ(append_all(&s, "tiny", dir), 6);
    end_store(&s);
    same_file(&s, ours, weft_test_file(block_file));
    same_index(&s, index, weft_test_file(list), NULL);
    free(s.root);
}

TEST(a_tiny_ledger_comes_out_the_same_byte_for_byte)
{
    expect_tiny(LEDGER_PEER);
    expect_tiny(LEDGER_ORDERER);
}
