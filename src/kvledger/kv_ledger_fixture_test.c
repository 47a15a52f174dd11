/* The blocks of a real orderer, validated and committed here, against what a real peer made of
 * them. */
#include "kvledger/kv_ledger.h"

#include "base/arena.h"
#include "base/log.h"
#include "kv_dump.h"
#include "kvledger/pvtdata_key.h"
#include "kvledger/tx_pvt_rwset.h"
#include "os/dirs.h"
#include "peer_world.h"
#include "proto/block.h"
#include "proto/metadata.h"
#include "weft_test.h"

#define FIXTURE "ledger-small/"

enum {
    BLOCKS = 79,
};

static struct block *fixture_block(const char *kind, uint64_t n)
{
    struct weft_err e = { 0 };
    struct block *b = NULL;
    WEFT_FREE char *name = weft_asprintf(FIXTURE "%s/%" PRIu64 ".block", kind, n);
    WEFT_CLEANUP(buf_done) struct buf wire = weft_test_read(weft_test_fixture(name));
    EXPECT_OK(block_parse(buf_bytes(&wire), &b, &e));
    return b;
}

/* A line a block is too much here. */
__attribute__((constructor)) static void be_quiet(void)
{
    WEFT_IGNORE(log_set_spec("panic", NULL));
}

static void expect_as_the_peer_stored(const struct block *got, uint64_t n)
{
    WEFT_CLEANUP(block_unref) struct block *want = fixture_block("blocks", n);
    WEFT_CLEANUP(buf_done) struct buf a = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    EXPECT_BYTES(block_slot(&got->v, BLOCK_SLOT_FLAGS), block_slot(&want->v, BLOCK_SLOT_FLAGS));
    EXPECT_BYTES(block_slot(&got->v, BLOCK_SLOT_COMMIT_HASH),
                 block_slot(&want->v, BLOCK_SLOT_COMMIT_HASH));
    block_encode(&got->v, &a);
    block_encode(&want->v, &b);
    EXPECT_BYTES(buf_bytes(&a), buf_bytes(&b));
}

/* The private data that the peer had, by block. */
struct pvt_block {
    struct kv_pvt_data txs[16];
    size_t count;
};

struct fixture_pvt {
    struct arena arena;
    struct pvt_block blocks[BLOCKS];
};

static void fixture_pvt_done(struct fixture_pvt *p)
{
    arena_done(&p->arena);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct fixture_pvt, fixture_pvt_done)

static struct bytes keep(struct fixture_pvt *p, struct bytes b)
{
    uint8_t *to = arena_alloc(&p->arena, b.len);
    memcpy(to, b.data, b.len);
    return bytes_of(to, b.len);
}

/* TxPvtReadWriteSet messages of one transaction, one collection each, joined: they merge. */
static void add_pvt(struct fixture_pvt *p, const struct pvtdata_set_key *k, struct bytes rwset)
{
    WEFT_CLEANUP(tx_pvt_writer_done) struct tx_pvt_writer w = { 0 };
    WEFT_CLEANUP(buf_done) struct buf whole = { 0 };
    struct pvt_block *b = &p->blocks[k->block];
    struct pvt_write_set set = { .tx = k->tx, .ns = k->ns, .coll = k->coll, .rwset = rwset };
    if (b->count > 0 && b->txs[b->count - 1].tx == k->tx)
        buf_put(&whole, b->txs[--b->count].write_set);
    tx_pvt_writer_add(&w, &set);
    tx_pvt_writer_end(&w, &whole);
    EXPECT(b->count < WEFT_ARRAY_LEN(b->txs));
    b->txs[b->count++] = (struct kv_pvt_data){ k->tx, keep(p, buf_bytes(&whole)) };
}

static void fixture_pvt_read(struct fixture_pvt *p)
{
    struct weft_err e = { 0 };
    struct bytes prefix = bytes_of("mychannel\0\2", 11);
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

static void take_blocks(struct peer_world *w, const struct fixture_pvt *pvt, uint64_t from,
                        uint64_t to, uint64_t each_sync)
{
    struct weft_err e = { 0 };
    for (uint64_t n = from; n < to; n++) {
        WEFT_CLEANUP(block_unref) struct block *b = fixture_block("blocks-orderer", n);
        const struct pvt_block *came = pvt != NULL ? &pvt->blocks[n] : NULL;
        EXPECT_OK(peer_world_take(w, b, came != NULL ? came->txs : NULL,
                                  came != NULL ? came->count : 0, &e));
        if (n % each_sync == 0)
            EXPECT_OK(kv_ledger_sync(w->ledger, &e));
    }
    EXPECT_OK(kv_ledger_sync(w->ledger, &e));
}

static void expect_blocks(struct peer_world *w)
{
    struct weft_err e = { 0 };
    EXPECT_EQ(block_store_height(kv_ledger_blocks(w->ledger)), BLOCKS);
    for (uint64_t n = 0; n < BLOCKS; n++) {
        WEFT_CLEANUP(block_unref) struct block *b = NULL;
        EXPECT_OK(block_store_read(kv_ledger_blocks(w->ledger), n, &b, &e));
        expect_as_the_peer_stored(b, n);
    }
}

TEST(every_block_gets_the_flags_and_the_commit_hash_that_the_peer_gave_it)
{
    struct weft_err e = { 0 };
    (void)weft_test_fixture(FIXTURE "validation.tsv");
    static const uint64_t syncs[] = { 1, 7, 100 };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(syncs); i++) {
        WEFT_FREE char *dir = weft_test_fast_dir();
        WEFT_CLEANUP(peer_world_close) struct peer_world w;
        EXPECT_OK(peer_world_open(&w, dir, "Org1MSP", "mychannel", &e));
        take_blocks(&w, NULL, 0, BLOCKS, syncs[i]);
        expect_blocks(&w);
    }
}

static void expect_databases(const char *dir)
{
    static const char *const names[] = { "stateLeveldb", "historyLeveldb", "pvtdataStore",
                                         "configHistory", "bookkeeper" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(names); i++) {
        WEFT_FREE char *path = weft_asprintf("%s/%s", dir, names[i]);
        WEFT_FREE char *heading = weft_asprintf("# peer ledgersData/%s", names[i]);
        EXPECT(kv_dump_expect_dir(path, weft_test_fixture(FIXTURE "otherdb-dump.txt"), heading) >
               0);
    }
}

TEST(with_the_private_data_every_database_is_the_peers_key_by_key)
{
    struct weft_err e = { 0 };
    static const uint64_t syncs[] = { 1, 7, 100 };
    WEFT_CLEANUP(fixture_pvt_done) struct fixture_pvt pvt = { 0 };
    fixture_pvt_read(&pvt);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(syncs); i++) {
        WEFT_FREE char *dir = weft_test_fast_dir();
        WEFT_CLEANUP(peer_world_close) struct peer_world w;
        EXPECT_OK(peer_world_open(&w, dir, "Org1MSP", "mychannel", &e));
        take_blocks(&w, &pvt, 0, BLOCKS, syncs[i]);
        expect_blocks(&w);
        peer_world_close(&w);
        expect_databases(dir);
    }
}
