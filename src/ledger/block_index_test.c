#include "ledger/block_checkpoint.h"

#include "base/varint.h"
#include "chain.h"
#include "ledger/block_record.h"
#include "ledger/order_key.h"
#include "proto/envelope.h"
#include "weft_test.h"

static struct buf from_hex(const char *hex)
{
    struct buf b = { 0 };
    size_t n = strlen(hex) / 2;
    EXPECT(bytes_from_hex(bytes_of_str(hex), buf_reserve(&b, n)));
    b.len = n;
    return b;
}

static void expect_hex(const struct buf *b, const char *hex)
{
    WEFT_FREE char *got = bytes_to_hex(buf_bytes(b));
    EXPECT_STR(got, hex);
}

/* ---- values (spec 20, 4: taken from a real node's index) ------------------------------- */

TEST(a_place_has_the_bytes_of_the_specification)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    struct block_loc back;
    block_loc_encode(&(struct block_loc){ 0, 12578, 0 }, &b);
    expect_hex(&b, "00a26200");
    EXPECT_OK(block_loc_parse(buf_bytes(&b), &back, &e));
    EXPECT_EQ(back.offset, 12578);
    EXPECT_CODE(block_loc_parse(bytes_of("\0\xa2\x62", 3), &back, &e), WEFT_CORRUPT);
    EXPECT_CODE(block_loc_parse(bytes_of("\0\xa2\x62\0\0", 5), &back, &e), WEFT_CORRUPT);
    EXPECT_CODE(block_loc_parse(bytes_of(NULL, 0), &back, &e), WEFT_CORRUPT);
}

TEST(a_transactions_value_has_the_bytes_of_the_specification)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    struct tx_loc loc = { .block = { 0, 12579, 0 }, .tx = { 0, 12649, 3604 } };
    struct tx_loc back;
    tx_loc_encode(&loc, &b);
    expect_hex(&b, "0a0400a36200120500e962941c");
    EXPECT_OK(tx_loc_parse(buf_bytes(&b), &back, &e));
    EXPECT_EQ(back.block.offset, 12579);
    EXPECT_EQ(back.tx.offset, 12649);
    EXPECT_EQ(back.tx.len, 3604);
    EXPECT_EQ(back.validation_code, 0);

    loc.validation_code = 254; /* NOT_VALIDATED */
    buf_clear(&b);
    tx_loc_encode(&loc, &b);
    expect_hex(&b, "0a0400a36200120500e962941c18fe01");
    EXPECT_OK(tx_loc_parse(buf_bytes(&b), &back, &e));
    EXPECT_EQ(back.validation_code, 254);
    b.len -= 4;
    EXPECT_CODE(tx_loc_parse(buf_bytes(&b), &back, &e), WEFT_CORRUPT);
    EXPECT_CODE(tx_loc_parse(bytes_of(NULL, 0), &back, &e), WEFT_CORRUPT);
}

TEST(a_transaction_ids_key_is_taken_apart)
{
    struct bytes id = { 0 };
    uint64_t block = 9, tx = 9;
    WEFT_CLEANUP(buf_done)
    struct buf empty = from_hex("74000101"
                                "0102");
    EXPECT(tx_id_key_parse(buf_bytes(&empty), &id, &block, &tx));
    EXPECT_EQ(id.len, 0);
    EXPECT_EQ(block, 1);
    EXPECT_EQ(tx, 2);
    WEFT_CLEANUP(buf_done)
    struct buf abc = from_hex("740103"
                              "616263"
                              "0201ff"
                              "00");
    EXPECT(tx_id_key_parse(buf_bytes(&abc), &id, &block, &tx));
    EXPECT_BYTES(id, bytes_of_str("abc"));
    EXPECT_EQ(block, 511);
    EXPECT_EQ(tx, 0);
    static const char *const wrong[] = { "",
                                         "74",
                                         "6e00",
                                         "740103",
                                         "7401046162630101"
                                         "00",
                                         "740103616263"
                                         "0101",
                                         "740103616263010100"
                                         "00" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(wrong); i++) {
        WEFT_CLEANUP(buf_done) struct buf b = from_hex(wrong[i]);
        EXPECT(!tx_id_key_parse(buf_bytes(&b), &id, &block, &tx));
    }
}

/* spec 20, 3.4 */
TEST(the_block_file_checkpoint_has_the_bytes_of_the_specification)
{
    struct weft_err e = { 0 };
    static const struct {
        struct block_checkpoint c;
        const char *hex;
    } rows[] = {
        { { .empty = true }, "00000001" },
        { { .file = 0, .size = 9383, .last_block = 0 }, "00a7490000" },
        { { .file = 3, .size = 0, .last_block = 641 }, "0300810500" },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++) {
        WEFT_CLEANUP(buf_done) struct buf b = { 0 };
        struct block_checkpoint back;
        block_checkpoint_encode(&rows[i].c, &b);
        expect_hex(&b, rows[i].hex);
        EXPECT_OK(block_checkpoint_parse(buf_bytes(&b), &back, &e));
        EXPECT_EQ(back.size, rows[i].c.size);
        EXPECT_EQ(back.last_block, rows[i].c.last_block);
        EXPECT_EQ(back.empty, rows[i].c.empty);
    }
    static const char *const wrong[] = { "", "000000", "00000002", "0000000000", "00a7490080" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(wrong); i++) {
        WEFT_CLEANUP(buf_done) struct buf b = from_hex(wrong[i]);
        struct block_checkpoint back;
        EXPECT_CODE(block_checkpoint_parse(buf_bytes(&b), &back, &e), WEFT_CORRUPT);
    }
}

/* ---- what a block adds ------------------------------------------------------------------- */

struct seen {
    char lines[4096];
};

static enum weft_code see(void *ctx, struct bytes key, struct bytes value, struct weft_err *e)
{
    (void)e;
    struct seen *s = ctx;
    WEFT_FREE char *k = bytes_to_hex(key);
    WEFT_FREE char *v = bytes_to_hex(value);
    size_t n = strlen(s->lines);
    (void)snprintf(s->lines + n, sizeof(s->lines) - n, "%s %s\n", k, v);
    return WEFT_OK;
}

static void entries(enum block_index_kind kind, const struct block_view *v, uint64_t offset,
                    size_t txs_at, struct seen *ret)
{
    struct weft_err e = { 0 };
    struct block_index ix = { NULL, "c", kind };
    struct block_place place = { .file = 2, .offset = offset };
    struct digest hash = { { 0xab } };
    struct block_index_sink sink = { see, ret };
    ret->lines[0] = '\0';
    EXPECT_OK(block_index_entries(&ix, v, &place, txs_at, &hash, &sink, &e));
}

/* Two things that are no envelopes: both go under the empty id.  "tx1" is read
 * as an envelope of unknown fields... it is none: wire type 4. */
TEST(an_unreadable_envelope_is_indexed_under_the_empty_id)
{
    WEFT_CLEANUP(block_view_done) struct block_view v = { .has_header = true, .number = 300 };
    struct seen seen;
    bytes_list_add(&v.txs, bytes_of_str("tx1"));
    bytes_list_add(&v.txs, bytes_of_str("tx2"));
    for (int i = 0; i < 3; i++)
        bytes_list_add(&v.slots, i == 2 ? bytes_of("\0\x0b", 2) : bytes_of(NULL, 0));
    entries(BLOCK_INDEX_PEER, &v, 1000, 37, &seen);
    EXPECT_STR(seen.lines,
               "63006e02012c 02e80700\n"
               "630068ab00000000000000000000000000000000000000000000000000000000000000 02e80700\n"
               "6300740002012c00 0a0402e80700120402"
               "8d08"
               "04\n"
               "63006102012c00 028d0804\n"
               "6300740002012c0101 0a0402e80700120402"
               "9108"
               "04180b\n"
               "63006102012c0101 02910804\n");
    entries(BLOCK_INDEX_ORDERER, &v, 1000, 37, &seen);
    EXPECT_STR(seen.lines, "63006e02012c 02e80700\n");
}

TEST(a_peers_block_must_have_a_flag_for_each_transaction)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(block_view_done) struct block_view v = { .has_header = true };
    struct seen seen = { "" };
    struct block_index ix = { NULL, "c", BLOCK_INDEX_PEER };
    struct block_place place = { 0 };
    struct digest hash = { { 0 } };
    struct block_index_sink sink = { see, &seen };
    bytes_list_add(&v.txs, bytes_of_str("tx1"));
    EXPECT_CODE(block_index_entries(&ix, &v, &place, 0, &hash, &sink, &e), WEFT_CORRUPT);
    EXPECT_WORDS(e, "block [0] has 1 transactions but 0 flags");
}

/* ---- ids that occur twice ------------------------------------------------------------------ */

static void add(const struct block_index *ix, const struct block_view *v, uint64_t offset)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    struct block_place place = { .offset = offset };
    struct digest hash = block_header_hash(v);
    EXPECT_OK(block_index_add(ix, b, v, &place, 70, &hash, &e));
    EXPECT_OK(kv_write(ix->kv, b, false, &e));
}

/* Block 255 and block 256 have the same transaction, 256 twice: the order of
 * keys must not be that of the bytes of the number.  An id that begins with
 * another is not that one. */
TEST(the_first_occurrence_of_an_id_counts)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    struct chain chain;
    struct kv *kv = NULL;
    char id[TX_ID_LEN + 1];
    chain_init(&chain, "c", 5);
    (void)chain_next(&chain, 1, 100);
    chain_tx_id(&chain, 0, 0, id);
    struct bytes tx = chain.blocks[0]->v.txs.at[0];
    EXPECT_OK(kv_open(dir, "2.0", &kv, &e));
    struct block_index ix = { kv, "c", BLOCK_INDEX_PEER };

    WEFT_CLEANUP(block_view_done) struct block_view v = { .has_header = true, .number = 256 };
    bytes_list_add(&v.txs, tx);
    bytes_list_add(&v.txs, tx);
    for (int i = 0; i < 3; i++)
        bytes_list_add(&v.slots, i == 2 ? bytes_of("\x0a\x0b", 2) : bytes_of(NULL, 0));
    add(&ix, &v, 5000);
    struct tx_loc found;
    EXPECT_OK(block_index_by_tx_id(&ix, bytes_of_str(id), &found, &e));
    EXPECT_EQ(found.block.offset, 5000);
    EXPECT_EQ(found.validation_code, 0x0a);

    v.number = 255;
    v.txs.count = 1;
    v.slots.at[2] = bytes_of("\0", 1);
    add(&ix, &v, 3000);
    EXPECT_OK(block_index_by_tx_id(&ix, bytes_of_str(id), &found, &e));
    EXPECT_EQ(found.block.offset, 3000);
    EXPECT_EQ(found.validation_code, 0);
    struct block_loc loc;
    EXPECT_OK(block_index_by_tx(&ix, 256, 1, &loc, &e));
    EXPECT_EQ(loc.offset, 5000 + 70 + tx.len + uvarint_len(tx.len));
    EXPECT_CODE(block_index_by_tx(&ix, 255, 1, &loc, &e), WEFT_NOT_FOUND);
    EXPECT_CODE(block_index_by_tx_id(&ix, bytes_of(id, 63), &found, &e), WEFT_NOT_FOUND);
    EXPECT_CODE(block_index_by_tx_id(&ix, bytes_of(NULL, 0), &found, &e), WEFT_NOT_FOUND);
    kv_close(kv);
    chain_done(&chain);
}

TEST(channels_in_one_index_do_not_see_each_other)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    struct kv *kv = NULL;
    EXPECT_OK(kv_open(dir, "", &kv, &e));
    struct block_index a = { kv, "ch", BLOCK_INDEX_ORDERER };
    struct block_index b = { kv, "ch2", BLOCK_INDEX_ORDERER };
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *batch = kv_batch_new();
    uint64_t last = 0;
    bool found = true;
    block_index_put_checkpoint(&a, batch, 7);
    EXPECT_OK(kv_write(kv, batch, false, &e));
    EXPECT_OK(block_index_checkpoint(&b, &found, &last, &e));
    EXPECT(!found);
    EXPECT_OK(block_index_checkpoint(&a, &found, &last, &e));
    EXPECT(found);
    EXPECT_EQ(last, 7);
    kv_batch_clear(batch);
    block_index_drop_checkpoint(&a, batch);
    EXPECT_OK(kv_write(kv, batch, false, &e));
    EXPECT_OK(block_index_checkpoint(&a, &found, &last, &e));
    EXPECT(!found);
    kv_close(kv);
}

TEST(an_entry_of_a_snapshot_has_no_details)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    struct kv *kv = NULL;
    struct tx_loc found;
    EXPECT_OK(kv_open(dir, "2.0", &kv, &e));
    struct block_index ix = { kv, "c", BLOCK_INDEX_PEER };
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *batch = kv_batch_new();
    kv_batch_put(batch, bytes_of("c\0t\1\2id\1\1\0", 10), bytes_of(NULL, 0));
    EXPECT_OK(kv_write(kv, batch, false, &e));
    EXPECT_CODE(block_index_by_tx_id(&ix, bytes_of_str("id"), &found, &e), WEFT_NOT_FOUND);
    EXPECT_WORDS(e, "Ledger bootstrapped from a snapshot");
    kv_close(kv);
}
