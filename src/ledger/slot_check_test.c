#include "ledger/slot_check.h"

#include "chain.h"
#include "chain_signer.h"
#include "proto/metadata.h"
#include "proto/wire.h"
#include "weft_test.h"

/* Block 1 of a chain, whose metadata a test writes anew. */
struct world {
    struct chain chain;
    struct slot_check *check;
    struct block_view v; /* of block 1, with the slots below */
    struct buf slots[BLOCK_SLOT_NR];
};

static void world_init(struct world *w, enum ledger_layout layout)
{
    struct weft_err e = { 0 };
    *w = (struct world){ .check = slot_check_new(layout) };
    chain_init_signed(&w->chain, "ch", 3, layout == LEDGER_PEER ? CHAIN_OF_PEER : CHAIN_OF_ORDERER);
    const struct block *b0 = chain_next(&w->chain, 1, 10);
    const struct block *b1 = chain_next(&w->chain, 2, 10);
    EXPECT_OK(slot_check_block(w->check, &b0->v, &e));
    for (size_t i = 0; i < b1->v.txs.count; i++)
        bytes_list_add(&w->v.txs, b1->v.txs.at[i]);
    w->v.number = 1;
    w->v.previous_hash = b1->v.previous_hash;
    w->v.data_hash = b1->v.data_hash;
    w->v.has_header = w->v.has_data = w->v.has_metadata = true;
    for (int i = 0; i < BLOCK_SLOT_NR; i++)
        buf_put(&w->slots[i], b1->v.slots.at[i]);
}

static void world_done(struct world *w)
{
    for (int i = 0; i < BLOCK_SLOT_NR; i++)
        buf_done(&w->slots[i]);
    block_view_done(&w->v);
    slot_check_free(w->check);
    chain_done(&w->chain);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct world, world_done)

static enum weft_code check(struct world *w, struct weft_err *e)
{
    w->v.slots.count = 0;
    for (int i = 0; i < BLOCK_SLOT_NR; i++)
        bytes_list_add(&w->v.slots, buf_bytes(&w->slots[i]));
    WEFT_TRY(slot_check_block(w->check, &w->v, e));
    return slot_check_end(w->check, e);
}

static void expect_refused(struct world *w, const char *words)
{
    struct weft_err e = { 0 };
    EXPECT_CODE(check(w, &e), WEFT_CORRUPT);
    EXPECT_WORDS(e, "block [1]");
    EXPECT_WORDS(e, words);
}

TEST(what_an_orderer_and_a_peer_write_is_good)
{
    struct weft_err e = { 0 };
    for (int i = 0; i < 2; i++) {
        WEFT_CLEANUP(world_done) struct world w;
        world_init(&w, i == 0 ? LEDGER_ORDERER : LEDGER_PEER);
        EXPECT_OK(check(&w, &e));
        EXPECT_EQ(slot_check_signatures(w.check), 1);
        EXPECT_EQ(slot_check_unsigned(w.check), 0);
        buf_clear(&w.slots[BLOCK_SLOT_SIGNATURES]);
        EXPECT_OK(check(&w, &e)); /* a policy may ask for none */
        EXPECT_EQ(slot_check_unsigned(w.check), 1);
    }
}

TEST(a_signed_but_wrong_last_config_is_refused)
{
    WEFT_CLEANUP(world_done) struct world w;
    world_init(&w, LEDGER_ORDERER);
    buf_clear(&w.slots[BLOCK_SLOT_SIGNATURES]);
    chain_signer_put_slot(w.chain.signer, &w.v, 1, bytes_of_str("nonce"),
                          &w.slots[BLOCK_SLOT_SIGNATURES]);
    expect_refused(&w, "SIGNATURES does not say that the last config block is [0]");
}

TEST(a_last_config_slot_with_another_number_is_refused)
{
    WEFT_CLEANUP(world_done) struct world w;
    world_init(&w, LEDGER_ORDERER);
    buf_clear(&w.slots[BLOCK_SLOT_LAST_CONFIG]);
    buf_put(&w.slots[BLOCK_SLOT_LAST_CONFIG], bytes_of("\x0a\x02\x08\x01", 4));
    expect_refused(&w, "LAST_CONFIG does not say that the last config block is [0]");
}

/* Bytes that mean the same to a reader of protobuf, but are not Fabric's. */
TEST(a_slot_in_another_encoding_is_refused)
{
    static const struct {
        const char *bytes;
        size_t len;
    } more[] = {
        { "\x18\x01", 2 },     /* a field that Metadata does not have */
        { "\x0a\x00", 2 },     /* the value again, empty */
        { "\x12\x80\x00", 3 }, /* a length longer than need be */
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(more); i++) {
        WEFT_CLEANUP(world_done) struct world w;
        world_init(&w, LEDGER_ORDERER);
        buf_put(&w.slots[BLOCK_SLOT_SIGNATURES], bytes_of(more[i].bytes, more[i].len));
        expect_refused(&w, "metadata slot SIGNATURES is damaged");
    }
}

/* Before 1.4.1 the orderer signed slots 1 and 3 as well. */
TEST(signatures_of_old_orderers_in_other_slots_are_checked)
{
    static const enum block_slot slots[] = { BLOCK_SLOT_LAST_CONFIG, BLOCK_SLOT_ORDERER };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(slots); i++) {
        struct weft_err e = { 0 };
        WEFT_CLEANUP(world_done) struct world w;
        world_init(&w, LEDGER_ORDERER);
        struct bytes value = bytes_of(NULL, 0); /* LastConfig { 0 } */
        struct buf *slot = &w.slots[slots[i]];
        buf_clear(slot);
        chain_signer_put_metadata(w.chain.signer, &w.v, value, bytes_of_str("nonce"), slot);
        EXPECT_OK(check(&w, &e));
        EXPECT_EQ(slot_check_signatures(w.check), 2);
        slot->data[slot->len - 1] ^= 1;
        expect_refused(&w, "it is not by its signer over this block");
    }
}

TEST(flags_that_no_peer_writes_are_refused)
{
    static const struct {
        const char *flags;
        size_t len;
        const char *words;
    } rows[] = {
        { "\0", 1, "2 transactions but 1 validation flags" },
        { "\0\0\0", 3, "2 transactions but 3 validation flags" },
        { "", 0, "2 transactions but 0 validation flags" },
        { "\0\x1a", 2, "transaction [1] has the validation flag 26" },
        { "\xfe\0", 2, "transaction [0] has the validation flag 254" },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++) {
        WEFT_CLEANUP(world_done) struct world w;
        world_init(&w, LEDGER_PEER);
        buf_clear(&w.slots[BLOCK_SLOT_FLAGS]);
        buf_put(&w.slots[BLOCK_SLOT_FLAGS], bytes_of(rows[i].flags, rows[i].len));
        expect_refused(&w, rows[i].words);
    }
}

/* configtxgen writes OrdererBlockMetadata { LastConfig { 0 } } and no signature. */
TEST(no_bit_of_an_unsigned_genesis_slot_can_change_unseen)
{
    static const uint8_t good[] = { 0x0a, 0x02, 0x0a, 0x00 };
    WEFT_CLEANUP(world_done) struct world w;
    world_init(&w, LEDGER_ORDERER);
    struct buf *slot = &w.slots[BLOCK_SLOT_SIGNATURES];
    for (size_t bit = 0; bit <= 8 * sizeof(good); bit++) {
        struct weft_err e = { 0 };
        buf_clear(slot);
        buf_put(slot, bytes_of(good, sizeof(good)));
        if (bit < 8 * sizeof(good)) {
            slot->data[bit / 8] ^= (uint8_t)(1U << (bit % 8));
            expect_refused(&w, "metadata slot SIGNATURES");
        } else {
            EXPECT_OK(check(&w, &e));
        }
    }
}
