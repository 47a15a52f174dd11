#include "os/memory.h"

#include "os/process_stat.h"
#include "weft_test.h"

#include <unistd.h>

enum {
    PIECES = 4096,
    PIECE = 16 << 10
};

static uint64_t rss(void)
{
    struct process_stat s = { 0 };
    EXPECT(process_stat_read((uint64_t)getpid(), &s));
    return s.rss_bytes;
}

/* A large table that cannot be written, as code is. */
static const uint8_t table[8 << 20] = { 1, 2, 3 };

static uint64_t touch_table(void)
{
    const volatile uint8_t *t = table;
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof(table); i += 1024)
        sum += (uint64_t)t[i] + t[i + 1] + t[i + 2];
    return sum;
}

TEST(pages_of_files_are_given_back_and_come_again_as_they_were)
{
    EXPECT_EQ(touch_table(), 6);
    uint64_t before = rss();
    memory_give_back();
    EXPECT(rss() + sizeof(table) / 2 < before);
    EXPECT_EQ(touch_table(), 6);
    EXPECT(rss() + sizeof(table) / 2 > before);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* their malloc is another */
/* Between pieces that stay, so that malloc alone would not do it. */
TEST(free_memory_between_what_is_used_is_given_back)
{
    static uint8_t *pieces[PIECES];
    for (size_t i = 0; i < PIECES; i++) {
        pieces[i] = weft_alloc(PIECE);
        memset(pieces[i], (int)i, PIECE);
    }
    for (size_t i = 0; i < PIECES; i++)
        if (i % 4 != 0)
            free(WEFT_TAKE(pieces[i]));
    uint64_t before = rss();
    memory_give_back();
    EXPECT(rss() + (uint64_t)PIECES * PIECE / 4 < before);
    for (size_t i = 0; i < PIECES; i += 4) {
        EXPECT_EQ(pieces[i][PIECE - 1], (uint8_t)i);
        free(pieces[i]);
    }
}
#endif
