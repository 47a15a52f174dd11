#include "ledger_fixture.h"

#include "kvledger/pvtdata_key.h"
#include "kvledger/tx_pvt_rwset.h"
#include "ledger/kv.h"
#include "os/dirs.h"
#include "os/file.h"
#include "proto/block.h"
#include "weft_test.h"

struct block *fixture_block(enum fixture_form form, uint64_t n)
{
    struct weft_err e = { 0 };
    struct block *b = NULL;
    WEFT_FREE char *name = weft_asprintf(FIXTURE_DIR "%s/%" PRIu64 ".block",
                                         form == FIXTURE_OF_PEER ? "blocks" : "blocks-orderer", n);
    WEFT_CLEANUP(buf_done) struct buf wire = weft_test_read(weft_test_fixture(name));
    EXPECT_OK(block_parse(buf_bytes(&wire), &b, &e));
    return b;
}

void fixture_pvt_done(struct fixture_pvt *p)
{
    arena_done(&p->arena);
}

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
    struct fixture_pvt_block *b = &p->blocks[k->block];
    struct pvt_write_set set = { .tx = k->tx, .ns = k->ns, .coll = k->coll, .rwset = rwset };
    if (b->count > 0 && b->txs[b->count - 1].tx == k->tx)
        buf_put(&whole, b->txs[--b->count].write_set);
    tx_pvt_writer_add(&w, &set);
    tx_pvt_writer_end(&w, &whole);
    EXPECT(b->count < WEFT_ARRAY_LEN(b->txs));
    b->txs[b->count++] = (struct kv_pvt_data){ k->tx, keep(p, buf_bytes(&whole)) };
}

void fixture_pvt_read(struct fixture_pvt *p)
{
    struct weft_err e = { 0 };
    struct bytes prefix = bytes_of(FIXTURE_CHANNEL "\0\2", 11);
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    EXPECT_OK(kv_open_copy(weft_test_fixture(FIXTURE_PEER "/pvtdataStore"), &kv, &e));
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

void copy_dir(const char *from, const char *to)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    EXPECT_OK(dir_list(from, &l, &e));
    for (size_t i = 0; i < l.count; i++) {
        WEFT_FREE char *a = weft_asprintf("%s/%s", from, l.names[i]);
        WEFT_FREE char *b = weft_asprintf("%s/%s", to, l.names[i]);
        if (path_is_dir(a)) {
            EXPECT_OK(dir_make(b, &e));
            copy_dir(a, b); /* NOLINT(misc-no-recursion): a ledger is three deep */
        } else {
            WEFT_CLEANUP(buf_done) struct buf content = weft_test_read(a);
            EXPECT_OK(file_write_atomic(b, buf_bytes(&content), 0644, &e));
        }
    }
}
