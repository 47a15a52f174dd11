#include "base/arena.h"

#include "weft_test.h"

TEST(an_arena_gives_zeroed_aligned_memory_also_after_reset)
{
    WEFT_CLEANUP(arena_done) struct arena a = { 0 };
    for (int round = 0; round < 3; round++) {
        for (size_t n = 1; n < 3000; n += 17) {
            uint8_t *p = arena_alloc(&a, n);
            EXPECT_EQ((uintptr_t)p % 16, 0);
            for (size_t i = 0; i < n; i++)
                EXPECT_EQ(p[i], 0);
            memset(p, 0xff, n);
        }
        arena_reset(&a);
    }
}

TEST(what_is_larger_than_a_chunk_has_one_of_its_own)
{
    WEFT_CLEANUP(arena_done) struct arena a = { 0 };
    uint8_t *small = arena_alloc(&a, 10);
    uint8_t *large = arena_alloc(&a, 3 << 20);
    memset(small, 1, 10);
    memset(large, 2, 3 << 20);
    EXPECT_EQ(small[9], 1);
    EXPECT_EQ(large[0], 2);
    EXPECT(arena_alloc(&a, 0) != NULL);
}

TEST(a_text_is_a_copy_with_an_end)
{
    char from[] = "peer0.org1";
    WEFT_CLEANUP(arena_done) struct arena a = { 0 };
    const char *copy = arena_dup_str(&a, bytes_of(from, 5));
    from[0] = 'x';
    EXPECT_STR(copy, "peer0");
    EXPECT_STR(arena_dup_str(&a, bytes_of(NULL, 0)), "");
}
