#include "gossip/payload_buffer.h"

#include "base/rand.h"
#include "weft_test.h"

static struct block *block_of(uint64_t number, size_t size)
{
    WEFT_CLEANUP(buf_done) struct buf raw = { 0 };
    memset(buf_reserve(&raw, size), 'b', size);
    raw.len = size;
    struct block *b = block_adopt(&raw);
    b->v.number = number;
    return b;
}

static enum payload_put put(struct payload_buffer *b, uint64_t number, size_t size)
{
    WEFT_CLEANUP(block_unref) struct block *block = block_of(number, size);
    return payload_buffer_put(b, block);
}

static uint64_t pop(struct payload_buffer *b)
{
    WEFT_CLEANUP(block_unref) struct block *block = payload_buffer_pop(b);
    return block != NULL ? block->v.number : UINT64_MAX;
}

TEST(blocks_leave_in_the_order_of_their_numbers)
{
    WEFT_CLEANUP(payload_buffer_done) struct payload_buffer b = { 0 };
    payload_buffer_init(&b, 7, 1000);
    EXPECT_EQ(put(&b, 9, 10), PAYLOAD_TAKEN);
    EXPECT_EQ(pop(&b), UINT64_MAX);
    EXPECT_EQ(put(&b, 7, 10), PAYLOAD_TAKEN);
    EXPECT_EQ(pop(&b), 7);
    EXPECT_EQ(pop(&b), UINT64_MAX);
    EXPECT_EQ(put(&b, 8, 10), PAYLOAD_TAKEN);
    EXPECT_EQ(pop(&b), 8);
    EXPECT_EQ(pop(&b), 9);
    EXPECT_EQ(b.count, 0);
    EXPECT_EQ(b.bytes, 0);
}

TEST(what_was_here_is_not_taken_again)
{
    WEFT_CLEANUP(payload_buffer_done) struct payload_buffer b = { 0 };
    payload_buffer_init(&b, 7, 1000);
    EXPECT_EQ(put(&b, 6, 10), PAYLOAD_OLD);
    EXPECT_EQ(put(&b, 7, 10), PAYLOAD_TAKEN);
    EXPECT_EQ(put(&b, 7, 10), PAYLOAD_OLD);
    EXPECT_EQ(pop(&b), 7);
    EXPECT_EQ(put(&b, 7, 10), PAYLOAD_OLD);
}

TEST(over_the_budget_only_the_next_one_is_taken)
{
    WEFT_CLEANUP(payload_buffer_done) struct payload_buffer b = { 0 };
    payload_buffer_init(&b, 0, 100);
    EXPECT_EQ(put(&b, 1, 101), PAYLOAD_TAKEN);
    EXPECT(payload_buffer_is_full(&b));
    EXPECT_EQ(put(&b, 2, 1), PAYLOAD_AHEAD);
    EXPECT_EQ(put(&b, 0, 50), PAYLOAD_TAKEN);
    EXPECT_EQ(pop(&b), 0);
    EXPECT_EQ(pop(&b), 1);
    EXPECT(!payload_buffer_is_full(&b));
}

TEST(too_far_ahead_is_refused)
{
    WEFT_CLEANUP(payload_buffer_done) struct payload_buffer b = { 0 };
    payload_buffer_init(&b, 5, 1000);
    EXPECT_EQ(put(&b, 5 + PAYLOAD_WINDOW, 1), PAYLOAD_AHEAD);
    EXPECT_EQ(put(&b, UINT64_MAX, 1), PAYLOAD_AHEAD);
    EXPECT_EQ(put(&b, 4 + PAYLOAD_WINDOW, 1), PAYLOAD_TAKEN);
}

TEST(one_that_is_not_the_right_one_gives_its_place_to_another)
{
    WEFT_CLEANUP(payload_buffer_done) struct payload_buffer b = { 0 };
    payload_buffer_init(&b, 7, 1000);
    EXPECT(payload_buffer_peek(&b) == NULL);
    EXPECT_EQ(put(&b, 7, 10), PAYLOAD_TAKEN);
    EXPECT_EQ(put(&b, 8, 10), PAYLOAD_TAKEN);
    EXPECT_EQ(payload_buffer_peek(&b)->raw.len, 10);
    payload_buffer_discard(&b);
    EXPECT(payload_buffer_peek(&b) == NULL);
    EXPECT_EQ(b.bytes, 10);
    EXPECT_EQ(put(&b, 7, 20), PAYLOAD_TAKEN);
    EXPECT_EQ(pop(&b), 7);
    EXPECT_EQ(pop(&b), 8);
}

/* Whatever the order in which they come, each block leaves once and in turn. */
TEST(any_order_of_arrival_gives_the_same_order)
{
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct weft_rand r = weft_rand_of(seed);
        WEFT_CLEANUP(payload_buffer_done) struct payload_buffer b = { 0 };
        payload_buffer_init(&b, 0, 500);
        uint64_t expected = 0;
        for (int i = 0; i < 100000 && expected < 300; i++) {
            (void)put(&b, expected + weft_rand_below(&r, 12), 1 + weft_rand_below(&r, 60));
            for (uint64_t n = pop(&b); n != UINT64_MAX; n = pop(&b))
                EXPECT_EQ(n, expected++);
        }
        EXPECT(expected >= 300);
    }
}
