/* Appending the blocks that a real network's nodes delivered gives the very
 * files and index entries that those nodes wrote.  The network's data lies
 * beside the project; a small chain of our own, in tests/vectors, shows the
 * same without it. */
#include "ledger/block_store.h"

#include "ledger/kv.h"
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

/* ---- an index against a list of "key -> value", in hex, after a heading ---------------- */

struct list {
    struct buf text;
    const char *at;
};

static void open_list(struct list *l, const char *path, const char *heading)
{
    l->text = weft_test_read(path);
    buf_put_u8(&l->text, '\0');
    l->at = (const char *)l->text.data;
    if (heading != NULL) {
        l->at = strstr(l->at, heading);
        EXPECT(l->at != NULL);
        l->at = strchr(l->at, '\n');
    }
    while (l->at != NULL && *l->at == '\n')
        l->at++;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static struct bytes take_hex(struct list *l)
{
    const char *start = l->at;
    while (is_hex(*l->at))
        l->at++;
    return bytes_of(start, (size_t)(l->at - start));
}

/* The next line's key and value, as hex; false at the end of the section. */
static bool next_line(struct list *l, struct bytes *ret_key, struct bytes *ret_value)
{
    if (!is_hex(*l->at))
        return false;
    *ret_key = take_hex(l);
    EXPECT(strncmp(l->at, " -> ", 4) == 0);
    l->at += 4;
    *ret_value = take_hex(l);
    const char *end = strchr(l->at, '\n');
    l->at = end != NULL ? end + 1 : "";
    return true;
}

static void same_index(const struct store *s, const char *name, const char *list_path,
                       const char *heading)
{
    struct weft_err e = { 0 };
    struct kv *kv = NULL;
    struct list l;
    WEFT_FREE char *path = weft_asprintf("%s/%s", s->root, name);
    EXPECT_OK(kv_open_copy(path, &kv, &e));
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(kv, bytes_of(NULL, 0));
    open_list(&l, list_path, heading);
    struct bytes key, value, want_key, want_value;
    bool found = false;
    size_t lines = 0;
    for (; next_line(&l, &want_key, &want_value); lines++) {
        EXPECT_OK(kv_iter_next(it, &found, &key, &value, &e));
        EXPECT(found);
        WEFT_FREE char *got_key = bytes_to_hex(key);
        WEFT_FREE char *got_value = bytes_to_hex(value);
        EXPECT_BYTES(bytes_of_str(got_key), want_key);
        EXPECT_BYTES(bytes_of_str(got_value), want_value);
    }
    EXPECT(lines > 5);
    EXPECT_OK(kv_iter_next(it, &found, &key, &value, &e));
    EXPECT(!found);
    kv_iter_free(WEFT_TAKE(it));
    kv_close(kv);
    buf_done(&l.text);
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
