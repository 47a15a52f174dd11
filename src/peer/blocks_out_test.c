#include "peer/blocks_out.h"

#include "peer/commit_thread.h"
#include "weft_test.h"

static const size_t mb = 1 << 20;

TEST(a_block_of_any_size_is_handed_on_when_nothing_is_out)
{
    struct blocks_out o = { 0 };
    EXPECT(blocks_out_has_room(&o));
    blocks_out_put(&o, 90 * mb);
    EXPECT(!blocks_out_has_room(&o));
    (void)blocks_out_done(&o, 1, 90 * mb);
    EXPECT(blocks_out_has_room(&o));
}

TEST(there_is_room_for_some_blocks_and_for_some_bytes)
{
    struct blocks_out o = { 0 };
    for (int i = 0; i < COMMIT_BLOCKS; i++) {
        EXPECT(blocks_out_has_room(&o));
        blocks_out_put(&o, 1000);
    }
    EXPECT(!blocks_out_has_room(&o));
    (void)blocks_out_done(&o, 1, 1000);
    EXPECT(blocks_out_has_room(&o));

    struct blocks_out large = { 0 };
    blocks_out_put(&large, BLOCKS_OUT_BYTES - 1);
    EXPECT(blocks_out_has_room(&large));
    blocks_out_put(&large, 1);
    EXPECT(!blocks_out_has_room(&large));
}

TEST(with_much_out_the_committer_is_busy)
{
    struct blocks_out o = { 0 };
    blocks_out_put(&o, BLOCKS_OUT_BUSY_BYTES - 1);
    EXPECT(!blocks_out_is_busy(&o));
    blocks_out_put(&o, 1);
    EXPECT(blocks_out_is_busy(&o));
    (void)blocks_out_done(&o, 1, BLOCKS_OUT_BUSY_BYTES - 1);
    EXPECT(!blocks_out_is_busy(&o));
}

/* When what that took can be given back. */
TEST(the_end_of_much_is_told_once_and_the_end_of_little_never)
{
    struct blocks_out o = { 0 };
    blocks_out_put(&o, 3 * mb);
    EXPECT(!blocks_out_done(&o, 1, 3 * mb));

    blocks_out_put(&o, 3 * mb);
    blocks_out_put(&o, 3 * mb);
    EXPECT(!blocks_out_done(&o, 2, 6 * mb));
    EXPECT(blocks_out_done(&o, 3, 9 * mb));
    EXPECT(!blocks_out_done(&o, 3, 9 * mb));
}
