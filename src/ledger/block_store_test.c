#include "ledger/block_store.h"

#include "chain.h"
#include "ledger/block_record.h"
#include "ledger/order_key.h"
#include "os/dirs.h"
#include "weft_test.h"

#include <sys/stat.h>

/* The specification's integers (spec 18.1). */
TEST(order_keys_are_fabrics)
{
    static const struct {
        uint64_t n;
        const char *hex;
    } rows[] = {
        { 0, "00" },
        { 1, "0101" },
        { 127, "017f" },
        { 128, "0180" },
        { 255, "01ff" },
        { 256, "020100" },
        { 65535, "02ffff" },
        { 65536, "03010000" },
        { 1ULL << 32, "050100000000" },
        { 1ULL << 63, "088000000000000000" },
        { UINT64_MAX, "08ffffffffffffffff" },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++) {
        uint8_t out[ORDER_KEY_LEN_MAX];
        struct bytes key = bytes_of(out, order_key_encode(rows[i].n, out));
        WEFT_FREE char *hex = bytes_to_hex(key);
        uint64_t back = 0;
        EXPECT_STR(hex, rows[i].hex);
        EXPECT(order_key_take(&key, &back));
        EXPECT_EQ(back, rows[i].n);
        EXPECT_EQ(key.len, 0);
    }
    struct bytes cut = bytes_of("\x02\x01", 2), nine = bytes_of("\x09xxxxxxxxx", 10);
    uint64_t n = 0;
    EXPECT(!order_key_take(&cut, &n));
    EXPECT(!order_key_take(&nine, &n));
}

/* spec 18.2: two transactions "tx1" and "tx2", five slots, the third 00 00. */
TEST(a_record_has_the_bytes_of_the_specification)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(block_view_done) struct block_view v = { .has_header = true };
    bytes_list_add(&v.txs, bytes_of_str("tx1"));
    bytes_list_add(&v.txs, bytes_of_str("tx2"));
    for (int i = 0; i < 5; i++)
        bytes_list_add(&v.slots, i == 2 ? bytes_of("\0\0", 2) : bytes_of(NULL, 0));
    struct digest data = block_data_hash(&v);
    v.data_hash = digest_bytes(&data);

    WEFT_CLEANUP(buf_done) struct buf record = { 0 };
    size_t txs_at = 0;
    block_record_encode(&v, &record, &txs_at);
    WEFT_FREE char *hex = bytes_to_hex(buf_bytes(&record));
    EXPECT_STR(hex, "340020b75fa4cca73a24cc129213c6e064b971533e2fa3eb0d118e3f484a7ae4a70fd3"
                    "000203747831037478320500000200000000");
    EXPECT_EQ(txs_at, 37);

    WEFT_CLEANUP(block_view_done) struct block_view back = { 0 };
    EXPECT_OK(block_record_parse(bytes_skip(buf_bytes(&record), 1), &back, &txs_at, &e));
    EXPECT_EQ(txs_at, 36);
    EXPECT_EQ(back.txs.count, 2);
    EXPECT_BYTES(back.slots.at[2], bytes_of("\0\0", 2));
    EXPECT_BYTES(back.data_hash, v.data_hash);
}

/* ---- a store and what is in it ------------------------------------------------------ */

struct world {
    char *dir;
    struct block_stores *stores;
    struct block_store *bs;
    struct chain chain;
};

static void world_open(struct world *w, enum ledger_layout layout, uint64_t file_bytes)
{
    struct weft_err e = { 0 };
    EXPECT_OK(block_stores_open(w->dir, layout, &w->stores, &e));
    block_stores_set_file_bytes(w->stores, file_bytes);
    EXPECT_OK(block_store_open(w->stores, "ch", &w->bs, &e));
}

static void world_close(struct world *w)
{
    block_store_close(WEFT_TAKE(w->bs));
    block_stores_close(WEFT_TAKE(w->stores));
}

static void world_start(struct world *w, enum ledger_layout layout, uint64_t file_bytes)
{
    *w = (struct world){ .dir = weft_test_dir() };
    chain_init(&w->chain, "ch", 42);
    world_open(w, layout, file_bytes);
}

static void world_end(struct world *w)
{
    world_close(w);
    chain_done(&w->chain);
    free(w->dir);
}

static void append(struct world *w, size_t blocks, size_t txs, enum block_append how)
{
    struct weft_err e = { 0 };
    for (size_t i = 0; i < blocks; i++)
        EXPECT_OK(block_store_append(w->bs, &chain_next(&w->chain, txs, 300)->v, how, &e));
}

static void expect_all(struct world *w, uint64_t height)
{
    struct weft_err e = { 0 };
    EXPECT_EQ(block_store_height(w->bs), height);
    for (uint64_t n = 0; n < height; n++) {
        WEFT_CLEANUP(block_unref) struct block *b = NULL;
        EXPECT_OK(block_store_read(w->bs, n, &b, &e));
        chain_expect(&w->chain, n, &b->v);
    }
}

TEST(a_record_in_pieces_is_the_record)
{
    static const size_t counts[] = { 0, 1, 3, 200 };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(counts); i++) {
        struct chain c;
        WEFT_CLEANUP(buf_done) struct buf whole = { 0 };
        WEFT_CLEANUP(buf_done) struct buf own = { 0 };
        WEFT_CLEANUP(buf_done) struct buf joined = { 0 };
        struct bytes_list pieces = { 0 };
        size_t at[2] = { 0 };
        chain_init(&c, "ch", 1);
        (void)chain_next(&c, 1, 10);
        struct block_view v = chain_next(&c, counts[i] > 0 ? counts[i] : 1, 300)->v;
        if (counts[i] == 0)
            v.txs.count = 0;
        if (counts[i] == 3)
            v.txs.at[1].len = 0;
        block_record_encode(&v, &whole, &at[0]);
        block_record_pieces(&v, &own, &pieces, &at[1]);
        for (size_t k = 0; k < pieces.count; k++)
            buf_put(&joined, pieces.at[k]);
        EXPECT_BYTES(buf_bytes(&joined), buf_bytes(&whole));
        EXPECT_EQ(at[0], at[1]);
        EXPECT_EQ(block_record_len(&v), whole.len);
        free(pieces.at);
        chain_done(&c);
    }
}

TEST(large_blocks_are_stored_as_small_ones_are)
{
    struct world w;
    struct weft_err e = { 0 };
    world_start(&w, LEDGER_PEER, 1 << 20);
    for (size_t i = 0; i < 4; i++)
        EXPECT_OK(block_store_append(w.bs, &chain_next(&w.chain, 1 + i % 2 * 300, 400)->v,
                                     BLOCK_APPEND_SYNC, &e));
    expect_all(&w, 4);
    world_end(&w);
}

TEST(gives_back_what_was_appended_over_many_files)
{
    struct world w;
    world_start(&w, LEDGER_PEER, 4000);
    append(&w, 20, 3, BLOCK_APPEND_SYNC);
    expect_all(&w, 20);
    world_close(&w);
    world_open(&w, LEDGER_PEER, 4000);
    expect_all(&w, 20);
    append(&w, 5, 2, BLOCK_APPEND_SYNC);
    expect_all(&w, 25);
    world_end(&w);
}

TEST(finds_by_hash_by_transaction_and_by_validation_code)
{
    struct weft_err e = { 0 };
    struct world w;
    world_start(&w, LEDGER_PEER, 4000);
    append(&w, 6, 3, BLOCK_APPEND_SYNC);
    for (uint64_t n = 0; n < 6; n++) {
        const struct block_view *v = &w.chain.blocks[n]->v;
        struct digest hash = block_header_hash(v);
        WEFT_CLEANUP(block_unref) struct block *b = NULL;
        EXPECT_OK(block_store_read_by_hash(w.bs, digest_bytes(&hash), &b, &e));
        EXPECT_EQ(b->v.number, n);
        for (size_t t = 0; t < 3; t++) {
            char id[65];
            int32_t code = 0;
            WEFT_CLEANUP(buf_done) struct buf tx = { 0 };
            WEFT_CLEANUP(block_unref) struct block *by_id = NULL;
            chain_tx_id(&w.chain, n, t, id);
            EXPECT_OK(block_store_read_tx(w.bs, n, t, &tx, &e));
            EXPECT_BYTES(buf_bytes(&tx), v->txs.at[t]);
            EXPECT_OK(block_store_read_tx_by_id(w.bs, bytes_of_str(id), &tx, &e));
            EXPECT_BYTES(buf_bytes(&tx), v->txs.at[t]);
            EXPECT_OK(block_store_read_by_tx_id(w.bs, bytes_of_str(id), &by_id, &e));
            EXPECT_EQ(by_id->v.number, n);
            EXPECT_OK(block_store_validation_code(w.bs, bytes_of_str(id), &code, &e));
            EXPECT_EQ(code, block_slot(v, BLOCK_SLOT_FLAGS).data[t]);
        }
    }
    struct block *none = NULL;
    EXPECT_CODE(block_store_read(w.bs, 6, &none, &e), WEFT_NOT_FOUND);
    EXPECT_WORDS(e, "Entry not found in index");
    EXPECT_CODE(block_store_read_by_tx_id(w.bs, bytes_of_str("nix"), &none, &e), WEFT_NOT_FOUND);
    EXPECT_OK(block_store_read(w.bs, UINT64_MAX, &none, &e));
    EXPECT_EQ(none->v.number, 5);
    block_unref(none);
    world_end(&w);
}

TEST(an_orderer_indexes_numbers_only)
{
    struct weft_err e = { 0 };
    struct world w;
    world_start(&w, LEDGER_ORDERER, 4000);
    append(&w, 3, 1, BLOCK_APPEND_SYNC);
    expect_all(&w, 3);
    struct block *none = NULL;
    EXPECT_CODE(block_store_read_by_tx_id(w.bs, bytes_of_str("x"), &none, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "attribute not indexed");
    world_end(&w);
}

TEST(refuses_a_block_that_does_not_follow)
{
    struct weft_err e = { 0 };
    struct world w;
    world_start(&w, LEDGER_PEER, 4000);
    append(&w, 2, 1, BLOCK_APPEND_SYNC);
    struct block *first = w.chain.blocks[0];
    EXPECT_CODE(block_store_append(w.bs, &first->v, BLOCK_APPEND_SYNC, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "block number should have been 2 but was 0");

    struct block_view wrong = chain_next(&w.chain, 1, 10)->v;
    wrong.previous_hash = bytes_of("12345678901234567890123456789012", 32);
    EXPECT_CODE(block_store_append(w.bs, &wrong, BLOCK_APPEND_SYNC, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "unexpected Previous block hash. Expected PreviousHash = [");
    EXPECT_OK(block_store_append(w.bs, &w.chain.blocks[2]->v, BLOCK_APPEND_SYNC, &e));
    expect_all(&w, 3);
    world_end(&w);
}

TEST(announces_a_group_only_when_it_is_synced)
{
    struct weft_err e = { 0 };
    struct world w;
    world_start(&w, LEDGER_PEER, 1 << 20);
    append(&w, 4, 1, BLOCK_APPEND_LATER);
    struct block *none = NULL;
    EXPECT_EQ(block_store_height(w.bs), 0);
    EXPECT_CODE(block_store_read(w.bs, 0, &none, &e), WEFT_NOT_FOUND);
    EXPECT_OK(block_store_sync(w.bs, &e));
    expect_all(&w, 4);
    world_end(&w);
}

TEST(goes_on_appending_while_a_group_is_made_durable)
{
    struct weft_err e = { 0 };
    struct world w;
    bool any = false;
    world_start(&w, LEDGER_PEER, 1 << 20);
    EXPECT_OK(block_store_flush_begin(w.bs, 0, &any, &e));
    EXPECT(!any);
    append(&w, 3, 1, BLOCK_APPEND_LATER);
    EXPECT_OK(block_store_flush_begin(w.bs, 0, &any, &e));
    EXPECT(any);
    append(&w, 1, 1, BLOCK_APPEND_LATER);
    EXPECT_OK(block_store_flush_file(w.bs, &e));
    append(&w, 1, 1, BLOCK_APPEND_LATER);
    EXPECT_OK(block_store_flush_index(w.bs, &e));
    append(&w, 1, 1, BLOCK_APPEND_LATER);
    block_store_flush_end(w.bs, true);
    EXPECT_EQ(block_store_height(w.bs), 0);
    block_store_announce(w.bs);
    EXPECT_EQ(block_store_height(w.bs), 3);
    EXPECT(block_store_tip(w.bs) == NULL); /* it is not the last one written */
    struct block *none = NULL;
    EXPECT_CODE(block_store_read(w.bs, 3, &none, &e), WEFT_NOT_FOUND);
    EXPECT_OK(block_store_sync(w.bs, &e));
    expect_all(&w, 6);
    WEFT_CLEANUP(block_unref) struct block *tip = block_store_tip(w.bs);
    EXPECT_EQ(tip->v.number, 5);
    block_unref(WEFT_TAKE(tip));
    world_close(&w);
    world_open(&w, LEDGER_PEER, 1 << 20);
    expect_all(&w, 6);
    world_end(&w);
}

TEST(says_whether_a_record_goes_into_the_newest_file)
{
    struct world w;
    world_start(&w, LEDGER_ORDERER, 500);
    append(&w, 1, 0, BLOCK_APPEND_SYNC);
    WEFT_FREE char *path = weft_asprintf("%s/chains/ch/blockfile_000000", w.dir);
    struct stat st;
    EXPECT_EQ(stat(path, &st), 0);
    uint64_t left = 500 - (uint64_t)st.st_size;
    EXPECT(block_store_has_room(w.bs, left));
    EXPECT(!block_store_has_room(w.bs, left + 1));
    world_end(&w);
}

/* Fabric's rule: a file may be exactly the limit, a larger block has a file to
 * itself, and if that is the very first one, file 0 stays empty. */
TEST(rolls_over_as_fabric_does)
{
    struct weft_err e = { 0 };
    struct world w;
    world_start(&w, LEDGER_ORDERER, 500);
    append(&w, 1, 4, BLOCK_APPEND_SYNC); /* 1,200 bytes and more */
    append(&w, 1, 0, BLOCK_APPEND_SYNC);
    static const char *const names[] = { "blockfile_000000", "blockfile_000001",
                                         "blockfile_000002" };
    struct stat st[3];
    for (size_t i = 0; i < 3; i++) {
        WEFT_FREE char *path = weft_asprintf("%s/chains/ch/%s", w.dir, names[i]);
        EXPECT_EQ(stat(path, &st[i]), 0);
    }
    EXPECT_EQ(st[0].st_size, 0);
    EXPECT(st[1].st_size > 1200);
    EXPECT(st[2].st_size > 0);
    world_close(&w);
    world_open(&w, LEDGER_ORDERER, 500);
    expect_all(&w, 2);

    /* the next block fills the file to the byte */
    WEFT_CLEANUP(buf_done) struct buf record = { 0 };
    size_t at = 0;
    struct block *next = chain_next(&w.chain, 1, 20);
    block_record_encode(&next->v, &record, &at);
    world_close(&w);
    world_open(&w, LEDGER_ORDERER, (uint64_t)st[2].st_size + record.len);
    EXPECT_OK(block_store_append(w.bs, &next->v, BLOCK_APPEND_SYNC, &e));
    WEFT_FREE char *path = weft_asprintf("%s/chains/ch/blockfile_000002", w.dir);
    uint64_t full = (uint64_t)st[2].st_size + record.len;
    EXPECT_EQ(stat(path, &st[2]), 0);
    EXPECT_EQ(st[2].st_size, full);
    world_end(&w);
}

/* ---- iterators and watches ------------------------------------------------------------- */

TEST(an_iterator_waits_at_the_tip_and_goes_on_across_files)
{
    struct weft_err e = { 0 };
    struct world w;
    world_start(&w, LEDGER_PEER, 2000);
    WEFT_CLEANUP(block_iter_free) struct block_iter *it = block_iter_new(w.bs, 1);
    struct block *b = NULL;
    uint64_t want = 1;
    for (size_t round = 0; round < 12; round++) {
        append(&w, round % 3, 2, BLOCK_APPEND_SYNC);
        for (;;) {
            EXPECT_OK(block_iter_next(it, &b, &e));
            if (b == NULL)
                break;
            EXPECT_EQ(b->v.number, want);
            chain_expect(&w.chain, want++, &b->v);
            block_unref(b);
        }
        uint64_t height = block_store_height(w.bs);
        EXPECT_EQ(want, height > 1 ? height : 1);
    }
    world_end(&w);
}

TEST(the_newest_block_is_at_hand_once_it_is_announced)
{
    struct weft_err e = { 0 };
    struct world w;
    world_start(&w, LEDGER_PEER, 1 << 20);
    EXPECT(block_store_tip(w.bs) == NULL);
    append(&w, 1, 2, BLOCK_APPEND_SYNC);
    append(&w, 2, 2, BLOCK_APPEND_LATER);
    WEFT_CLEANUP(block_unref) struct block *first = block_store_tip(w.bs);
    EXPECT_EQ(first->v.number, 0);
    EXPECT_OK(block_store_sync(w.bs, &e));
    WEFT_CLEANUP(block_unref) struct block *third = block_store_tip(w.bs);
    chain_expect(&w.chain, 2, &third->v);
    chain_expect(&w.chain, 0, &first->v);
    EXPECT(third->owner != NULL);

    EXPECT_OK(block_store_append(w.bs, &chain_next(&w.chain, 1, BLOCK_TIP_BYTES)->v,
                                 BLOCK_APPEND_SYNC, &e));
    EXPECT(block_store_tip(w.bs) == NULL); /* too large */
    append(&w, 1, 2, BLOCK_APPEND_SYNC);
    EXPECT_CODE(block_store_append(w.bs, &third->v, BLOCK_APPEND_SYNC, &e), WEFT_INVALID);
    EXPECT_OK(block_store_sync(w.bs, &e));
    WEFT_CLEANUP(block_unref) struct block *last = block_store_tip(w.bs);
    EXPECT_EQ(last->v.number, 4);
    world_end(&w);
}

struct seen {
    uint64_t height, calls;
};

static void see(struct block_watch *watch, uint64_t height, void *owner)
{
    (void)watch;
    struct seen *seen = owner;
    seen->height = height;
    seen->calls++;
}

TEST(a_watch_has_one_message_on_its_way_however_many_blocks_come)
{
    struct world w;
    world_start(&w, LEDGER_PEER, 1 << 20);
    WEFT_CLEANUP(mailbox_free) struct mailbox *mb = mailbox_new("test", 4);
    struct block_watch watch = { .mb = mb, .handle = see };
    struct seen seen = { 0 };
    block_store_watch(w.bs, &watch);
    append(&w, 10, 1, BLOCK_APPEND_SYNC);
    EXPECT_EQ(mailbox_drain(mb, &seen, 10), 1);
    EXPECT_EQ(seen.height, 10);
    append(&w, 1, 1, BLOCK_APPEND_SYNC);
    EXPECT_EQ(mailbox_drain(mb, &seen, 10), 1);
    EXPECT_EQ(seen.height, 11);
    block_store_unwatch(w.bs, &watch);
    append(&w, 1, 1, BLOCK_APPEND_SYNC);
    EXPECT_EQ(mailbox_drain(mb, &seen, 10), 0);
    world_end(&w);
}

/* ---- locks and formats -------------------------------------------------------------------- */

TEST(two_nodes_never_open_one_ledger)
{
    struct weft_err e = { 0 };
    struct world w;
    struct block_stores *second = NULL;
    world_start(&w, LEDGER_PEER, 4000);
    EXPECT_CODE(block_stores_open(w.dir, LEDGER_PEER, &second, &e), WEFT_UNAVAILABLE);
    EXPECT_WORDS(e,
                 "as another peer node command is executing, wait for that command to complete its "
                 "execution or terminate it before retrying: lock is already acquired on file ");
    EXPECT_STR(e.msg + strlen(e.msg) - strlen("/fileLock"), "/fileLock");
    world_end(&w);
}

TEST(a_peers_index_is_not_taken_for_an_orderers)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_dir();
    WEFT_FREE char *index = weft_asprintf("%s/index", dir);
    struct kv *kv = NULL;
    EXPECT_OK(kv_open(index, "2.0", &kv, &e));
    kv_close(kv);
    struct block_stores *s = NULL;
    EXPECT_CODE(block_stores_open(dir, LEDGER_ORDERER, &s, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "unexpected format. db info = [leveldb at [");
    EXPECT_WORDS(e, "data format = [2.0], expected format = []");
}

TEST(a_channel_name_cannot_leave_its_folder)
{
    struct weft_err e = { 0 };
    struct world w;
    struct block_store *bs = NULL;
    world_start(&w, LEDGER_PEER, 4000);
    EXPECT_CODE(block_store_open(w.stores, "../x", &bs, &e), WEFT_INVALID);
    EXPECT_CODE(block_store_open(w.stores, "", &bs, &e), WEFT_INVALID);
    EXPECT_CODE(block_store_open(w.stores, "..", &bs, &e), WEFT_INVALID);
    world_end(&w);
}
