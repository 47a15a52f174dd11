#include "validation/block_validation.h"

#include "bundle/bundle.h"
#include "proto/block.h"
#include "validation/block_tx.h"
#include "validation_world.h"
#include "weft_test.h"

/* A block of many transactions, some of them bad, and its world. */
static struct block *make_block(struct vworld *w, size_t count)
{
    WEFT_CLEANUP(buf_done) struct buf results = vworld_write("asset", "k");
    vworld_init(w, "V2_0");
    for (size_t i = 0; i < count; i++) {
        struct tx_order o = { .chaincode = "asset", .results = buf_bytes(&results) };
        if (i % 5 == 1)
            o.how = SIGNED_OTHER;
        if (i % 5 == 2)
            o.flaw = FLAW_PAYLOAD;
        if (i % 5 == 3) {
            o.signed_by[o.signers++] = (struct tx_signature){ w->peer2, SIGNED_OTHER };
            o.signed_by[o.signers++].who = w->peer1;
            o.signed_by[o.signers++].who = w->stranger;
        }
        vworld_add(w, &o);
    }
    return vworld_block(w);
}

static void expect_found(const struct block_validation *v, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct block_tx *tx = block_validation_signed_tx(v, i);
        EXPECT_EQ(tx->check.code, i % 5 == 2 ? TX_BAD_PAYLOAD : TX_VALID);
        EXPECT_EQ(tx->creator_is_good, i % 5 != 1 && i % 5 != 2);
        EXPECT_EQ(tx->signers.count, i % 5 == 2 ? 0 : i % 5 == 3 ? 1 : 2);
    }
}

TEST(who_signed_is_found_whatever_the_order_of_the_parts)
{
    enum {
        COUNT = VWORLD_TXS
    };
    WEFT_CLEANUP(vworld_done) struct vworld w;
    WEFT_CLEANUP(block_unref) struct block *b = make_block(&w, COUNT);
    for (int backwards = 0; backwards < 2; backwards++) {
        WEFT_CLEANUP(validation_lane_free)
        struct validation_lane *one = validation_lane_new(NULL, 4);
        WEFT_CLEANUP(validation_lane_free)
        struct validation_lane *two = validation_lane_new(NULL, 100);
        WEFT_CLEANUP(block_validation_free)
        struct block_validation *v = block_validation_new(b, w.bundle);
        size_t parts = block_validation_parts(v);
        EXPECT_EQ(parts, 2);
        for (size_t i = 0; i < parts; i++)
            block_validation_run(v, backwards ? parts - 1 - i : i, i % 2 == 0 ? one : two);
        expect_found(v, COUNT);
        EXPECT(block_validation_bytes(v) > COUNT * sizeof(struct block_tx));
    }
}

/* Identities are the bundle's: a lane that was of another one starts afresh. */
TEST(a_lane_goes_from_bundle_to_bundle)
{
    WEFT_CLEANUP(vworld_done) struct vworld w;
    WEFT_CLEANUP(block_unref) struct block *b = make_block(&w, 1);
    WEFT_CLEANUP(validation_lane_free)
    struct validation_lane *lane = validation_lane_new(NULL, 100);
    WEFT_CLEANUP(block_validation_free)
    struct block_validation *before = block_validation_new(b, w.bundle);
    block_validation_run_all(before, lane);
    test_channel_drop(w.channel, "Application", CONFIG_ITEM_GROUP, "Org2MSP");
    vworld_reconfigure(&w);
    WEFT_CLEANUP(block_validation_free)
    struct block_validation *after = block_validation_new(b, w.bundle);
    block_validation_run_all(after, lane);
    EXPECT_EQ(block_validation_signed_tx(before, 0)->signers.count, 2);
    EXPECT_EQ(block_validation_signed_tx(after, 0)->signers.count, 1);
    EXPECT(block_validation_is_of(after, w.bundle));
    EXPECT(!block_validation_is_of(before, w.bundle));
    EXPECT(block_validation_block(after) == b);
    EXPECT(block_validation_bundle(after) == w.bundle);
}

TEST(a_block_of_nothing_has_no_parts)
{
    WEFT_CLEANUP(vworld_done) struct vworld w;
    WEFT_CLEANUP(block_unref) struct block *b = make_block(&w, 0);
    WEFT_CLEANUP(validation_lane_free)
    struct validation_lane *lane = validation_lane_new(NULL, 100);
    WEFT_CLEANUP(block_validation_free)
    struct block_validation *v = block_validation_new(b, w.bundle);
    EXPECT_EQ(block_validation_parts(v), 0);
    block_validation_run_all(v, lane);
}
