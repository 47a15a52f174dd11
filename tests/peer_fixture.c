#include "peer_fixture.h"

#include "kv_dump.h"
#include "kvledger/pvtdata_key.h"
#include "kvledger/tx_pvt_rwset.h"
#include "os/dirs.h"
#include "os/file.h"
#include "proto/block.h"
#include "weft_test.h"

#define FIXTURE "ledger-small/"

enum {
    FILE_BYTES_MAX = 64 << 20
};

/* ---- the copy ---------------------------------------------------------------------------- */

static void copy_file(const char *from, const char *to)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    EXPECT_OK(file_read_all(from, FILE_BYTES_MAX, &b, &e));
    EXPECT_OK(file_write_plain(to, buf_bytes(&b), 0640, &e));
}

/* Folders lie three deep. */
void copy_tree(const char *from, const char *to) /* NOLINT(misc-no-recursion) */
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    EXPECT_OK(dir_make(to, &e));
    EXPECT_OK(dir_list(from, &l, &e));
    for (size_t i = 0; i < l.count; i++) {
        WEFT_FREE char *source = weft_asprintf("%s/%s", from, l.names[i]);
        WEFT_FREE char *target = weft_asprintf("%s/%s", to, l.names[i]);
        if (path_is_dir(source))
            copy_tree(source, target);
        else
            copy_file(source, target);
    }
}

char *peer_fixture_copy(void)
{
    WEFT_FREE char *from =
        weft_strdup(weft_test_fixture(FIXTURE "peer0.org1.example.com/ledgersData"));
    char *dir = weft_test_fast_dir();
    copy_tree(from, dir);
    return dir;
}

/* ---- blocks -------------------------------------------------------------------------------- */

static struct block *read_block(const char *kind, uint64_t number)
{
    struct weft_err e = { 0 };
    struct block *b = NULL;
    WEFT_FREE char *name = weft_asprintf(FIXTURE "%s/%" PRIu64 ".block", kind, number);
    WEFT_CLEANUP(buf_done) struct buf wire = weft_test_read(weft_test_fixture(name));
    EXPECT_OK(block_parse(buf_bytes(&wire), &b, &e));
    return b;
}

struct block *peer_fixture_block(uint64_t number)
{
    return read_block("blocks-orderer", number);
}

void peer_fixture_take(struct peer_world *w, uint64_t from, uint64_t to)
{
    struct weft_err e = { 0 };
    for (uint64_t n = from; n < to; n++) {
        WEFT_CLEANUP(block_unref) struct block *b = peer_fixture_block(n);
        EXPECT_OK(peer_world_take(w, b, NULL, 0, &e));
        if (n % 3 == 0)
            EXPECT_OK(kv_ledger_sync(w->ledger, &e));
    }
    EXPECT_OK(kv_ledger_sync(w->ledger, &e));
}

void peer_fixture_expect_blocks(struct peer_world *w)
{
    struct weft_err e = { 0 };
    EXPECT_EQ(block_store_height(kv_ledger_blocks(w->ledger)), PEER_FIXTURE_BLOCKS);
    for (uint64_t n = 0; n < PEER_FIXTURE_BLOCKS; n++) {
        WEFT_CLEANUP(block_unref) struct block *got = NULL;
        WEFT_CLEANUP(block_unref) struct block *want = read_block("blocks", n);
        WEFT_CLEANUP(buf_done) struct buf a = { 0 };
        WEFT_CLEANUP(buf_done) struct buf b = { 0 };
        EXPECT_OK(block_store_read(kv_ledger_blocks(w->ledger), n, &got, &e));
        block_encode(&got->v, &a);
        block_encode(&want->v, &b);
        EXPECT_BYTES(buf_bytes(&a), buf_bytes(&b));
    }
}

/* ---- databases -------------------------------------------------------------------------------- */

static void expect(const char *dir, const char *name, const char *list)
{
    WEFT_FREE char *path = weft_asprintf("%s/%s", dir, name);
    WEFT_FREE char *heading = weft_asprintf("# peer ledgersData/%s", name);
    EXPECT(kv_dump_expect_dir(path, weft_test_fixture(list), heading) > 0);
}

void peer_fixture_expect_databases(const char *dir)
{
    static const char *const names[] = { "stateLeveldb", "historyLeveldb", "pvtdataStore",
                                         "configHistory", "bookkeeper" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(names); i++)
        expect(dir, names[i], FIXTURE "otherdb-dump.txt");
    expect(dir, "chains/index", FIXTURE "index-dump.txt");
    expect(dir, "ledgerProvider", FIXTURE "index-dump.txt");
}

/* ---- private data ----------------------------------------------------------------------- */

void peer_fixture_pvt_done(struct peer_fixture_pvt *p)
{
    arena_done(&p->arena);
}

static struct bytes keep(struct peer_fixture_pvt *p, struct bytes b)
{
    uint8_t *to = arena_alloc(&p->arena, b.len);
    memcpy(to, b.data, b.len);
    return bytes_of(to, b.len);
}

/* TxPvtReadWriteSet messages of one transaction, one collection each, joined: they merge. */
static void add_pvt(struct peer_fixture_pvt *p, const struct pvtdata_set_key *k, struct bytes rwset)
{
    WEFT_CLEANUP(tx_pvt_writer_done) struct tx_pvt_writer w = { 0 };
    WEFT_CLEANUP(buf_done) struct buf whole = { 0 };
    __typeof__(p->blocks[0]) *b = &p->blocks[k->block];
    struct pvt_write_set set = { .tx = k->tx, .ns = k->ns, .coll = k->coll, .rwset = rwset };
    if (b->count > 0 && b->txs[b->count - 1].tx == k->tx)
        buf_put(&whole, b->txs[--b->count].write_set);
    tx_pvt_writer_add(&w, &set);
    tx_pvt_writer_end(&w, &whole);
    EXPECT(b->count < WEFT_ARRAY_LEN(b->txs));
    b->txs[b->count++] = (struct kv_pvt_data){ k->tx, keep(p, buf_bytes(&whole)) };
}

void peer_fixture_pvt_read(struct peer_fixture_pvt *p)
{
    struct weft_err e = { 0 };
    struct bytes prefix = bytes_of(PEER_FIXTURE_CHANNEL "\0\2", 11);
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    EXPECT_OK(kv_open_copy(
        weft_test_fixture(FIXTURE "peer0.org1.example.com/ledgersData/pvtdataStore"), &kv, &e));
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(kv, prefix);
    for (;;) {
        struct bytes key, value, rwset;
        struct pvtdata_set_key k;
        bool found = false;
        EXPECT_OK(kv_iter_next(it, &found, &key, &value, &e));
        if (!found || !bytes_start_with(key, prefix))
            break;
        EXPECT(pvtdata_set_key_parse(bytes_skip(key, prefix.len), &k));
        EXPECT_OK(collection_pvt_rwset_parse(value, &rwset, &e));
        add_pvt(p, &k, rwset);
    }
    kv_iter_free(WEFT_TAKE(it));
}
