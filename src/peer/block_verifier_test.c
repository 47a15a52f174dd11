#include "peer/block_verifier.h"

#include "bundle/bundle.h"
#include "channel_chain.h"
#include "weft_test.h"

/* A channel with a block of transactions, and a way to change a copy of it. */
struct world {
    struct channel_chain *chain;
    struct bundle *bundle;
    struct block_verifier *verifier;
    struct block *block; /* number 1 */
};

static void begin(struct world *w)
{
    struct weft_err e = { 0 };
    *w = (struct world){ .chain = channel_chain_new("ch", 1, CHAIN_OF_ORDERER) };
    (void)chain_next(&w->chain->chain, 1, 10); /* the first configuration */
    EXPECT_OK(bundle_of_block(&w->chain->chain.blocks[0]->v, &w->bundle, &e));
    w->block = chain_next(&w->chain->chain, 3, 40);
    w->verifier = block_verifier_new("ch", NULL);
}

static void end(struct world *w)
{
    block_verifier_free(w->verifier);
    bundle_unref(w->bundle);
    channel_chain_free(w->chain);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct world, end)

static enum weft_code verify(struct world *w, const struct block_view *v, struct weft_err *e)
{
    struct block b = { .v = *v };
    return block_verify(w->verifier, w->bundle, v->number, &b, e);
}

/* A view of the world's block that may be changed. */
static void copy(const struct world *w, struct block_view *ret)
{
    *ret = w->block->v;
    ret->txs = ret->slots = (struct bytes_list){ 0 };
    for (size_t i = 0; i < w->block->v.txs.count; i++)
        bytes_list_add(&ret->txs, w->block->v.txs.at[i]);
    for (size_t i = 0; i < w->block->v.slots.count; i++)
        bytes_list_add(&ret->slots, w->block->v.slots.at[i]);
}

TEST(a_block_as_the_orderer_made_it_is_good_and_so_is_a_config_block)
{
    WEFT_CLEANUP(end) struct world w;
    struct weft_err e = { 0 };
    begin(&w);
    EXPECT_OK(verify(&w, &w.block->v, &e));
    EXPECT_OK(verify(&w, &chain_next_config(&w.chain->chain, 0)->v, &e));
    EXPECT_OK(verify(&w, &chain_next(&w.chain->chain, 1, 10)->v, &e));
}

TEST(a_number_that_was_not_claimed_a_block_without_header_and_one_of_another_channel_are_refused)
{
    WEFT_CLEANUP(end) struct world w;
    WEFT_CLEANUP(block_view_done) struct block_view v = { 0 };
    struct weft_err e = { 0 };
    begin(&w);
    EXPECT_CODE(block_verify(w.verifier, w.bundle, 7, w.block, &e), WEFT_INVALID);
    EXPECT_STR(e.msg, "Claimed seqNum is [7] but actual seqNum inside block is [1]");
    copy(&w, &v);
    v.has_header = false;
    EXPECT_CODE(verify(&w, &v, &e), WEFT_INVALID);
    EXPECT_STR(e.msg, "Invalid Block on channel [ch]. Header must be different from nil.");
    WEFT_CLEANUP(block_verifier_free)
    struct block_verifier *other = block_verifier_new("other", NULL);
    EXPECT_CODE(block_verify(other, w.bundle, 1, w.block, &e), WEFT_INVALID);
    EXPECT_STR(e.msg, "Invalid block's channel id. Expected [other]. Given [ch]");
}

TEST(a_block_without_transactions_or_metadata_is_refused)
{
    WEFT_CLEANUP(end) struct world w;
    WEFT_CLEANUP(block_view_done) struct block_view v = { 0 };
    struct weft_err e = { 0 };
    begin(&w);
    copy(&w, &v);
    v.slots.count = 0;
    EXPECT_CODE(verify(&w, &v, &e), WEFT_INVALID);
    EXPECT_STR(e.msg, "Block with id [1] on channel [ch] does not have metadata. Block not valid.");
    v.txs.count = 0;
    EXPECT_CODE(verify(&w, &v, &e), WEFT_INVALID);
    EXPECT_STR(e.msg, "Failed getting channel id from block with id [1] on channel [ch]: "
                      "[failed to retrieve channel id - block is empty]");
}

TEST(an_envelope_has_one_form_only)
{
    static const struct {
        const char *tx; /* field 1 "p" is 0a 01 70, field 2 "s" is 12 01 73 */
        size_t len;
        const char *why;
    } rows[] = {
        { "\x0a\x01p\x12\x01s\x08\x01\x08", 9, "transaction 2 is invalid: it is no Envelope" },
        { "\x12\x01s", 3, "transaction 2 has no payload" },
        { "\x0a\x01p", 3, "transaction 2 has no signature" },
        { "\x0a\x01p\x12\x81\x00s", 7, "transaction 2 has 1 trailing bytes" },
        { "\x0a\x01q\x0a\x01p\x12\x01s", 9, "transaction 2 has 3 trailing bytes" },
        { "\x12\x01s\x0a\x01p", 6, "transaction 2 does not match its raw form" },
        { "\x0a\x01p\x18\x07\x12\x01s", 8, "transaction 2 does not match its raw form" },
        { "\x0a\x01p\x12\x01s\x18\x07", 8, NULL }, /* unknown, and at the end: kept */
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++) {
        WEFT_CLEANUP(end) struct world w;
        WEFT_CLEANUP(block_view_done) struct block_view v = { 0 };
        struct weft_err e = { 0 };
        char why[128] = "Header.DataHash is different from Hash(block.Data) for block with id [1] "
                        "on channel [ch]";
        begin(&w);
        copy(&w, &v);
        v.txs.at[2] = bytes_of(rows[i].tx, rows[i].len);
        if (rows[i].why != NULL)
            (void)snprintf(why, sizeof(why), "block has malformed transactions: %s", rows[i].why);
        EXPECT_CODE(verify(&w, &v, &e), WEFT_INVALID);
        EXPECT_STR(e.msg, why);
    }
}

TEST(who_did_not_sign_or_may_not_sign_is_refused)
{
    static const char no[] = "implicit policy evaluation failed - 0 sub-policies were satisfied, "
                             "but this policy requires 1 of the 'Writers' sub-policies to be "
                             "satisfied";
    WEFT_CLEANUP(end) struct world w;
    WEFT_CLEANUP(block_view_done) struct block_view v = { 0 };
    WEFT_CLEANUP(buf_done) struct buf slot = { 0 };
    struct weft_err e = { 0 };
    begin(&w);
    copy(&w, &v);
    buf_put(&slot, block_slot(&v, BLOCK_SLOT_SIGNATURES));
    WEFT_ASSERT(v.slots.at != NULL && slot.len > 0);
    slot.data[slot.len - 1] ^= 1; /* the signature's last byte */
    v.slots.at[0] = buf_bytes(&slot);
    EXPECT_CODE(verify(&w, &v, &e), WEFT_FORBIDDEN);
    EXPECT_STR(e.msg, no);
    v.slots.at[0] = bytes_of_str(""); /* nobody */
    EXPECT_CODE(verify(&w, &v, &e), WEFT_FORBIDDEN);
    v.slots.at[0] = bytes_of_str("\x12\x03\x0a\x01\xff"); /* a header that is none */
    EXPECT_CODE(verify(&w, &v, &e), WEFT_INVALID);
    EXPECT(strstr(e.msg, "Failed unmarshalling signature header for block with id [1] on channel "
                         "[ch]: [") == e.msg);
    v.slots.at[0] = bytes_of_str("\xff");
    EXPECT_CODE(verify(&w, &v, &e), WEFT_INVALID);
    EXPECT(strstr(e.msg, "Failed unmarshalling medatata for signatures [") == e.msg);
    channel_chain_sign_as(w.chain, "Org1MSP");
    EXPECT_CODE(verify(&w, &chain_next(&w.chain->chain, 1, 10)->v, &e), WEFT_FORBIDDEN);
}
