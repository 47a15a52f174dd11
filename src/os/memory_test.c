#include "os/memory.h"

#include "os/process_stat.h"
#include "weft_test.h"

#include <pthread.h>
#include <unistd.h>

enum {
    PIECES = 4096,
    PIECE = 16 << 10,
    WARM = 32 << 20
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

struct heap {
    uint64_t used, freed, given_back; /* what the process had then */
};

static void *use_and_give_back(void *arg)
{
    static uint8_t *pieces[WARM / 2 / PIECE];
    struct heap *h = arg;
    for (size_t i = 0; i < WEFT_ARRAY_LEN(pieces); i++) {
        pieces[i] = weft_alloc(PIECE);
        memset(pieces[i], (int)i, PIECE);
    }
    h->used = rss();
    for (size_t i = 0; i < WEFT_ARRAY_LEN(pieces); i++)
        free(WEFT_TAKE(pieces[i]));
    h->freed = rss();
    memory_give_back();
    h->given_back = rss();
    return NULL;
}

/* A thread's heap is not the first one, and its end is kept warm. */
TEST(a_thread_gives_back_the_end_of_its_own_heap)
{
    pthread_t thread;
    struct heap h = { 0 };
    memory_keep_warm(WARM);
    EXPECT(pthread_create(&thread, NULL, use_and_give_back, &h) == 0);
    EXPECT(pthread_join(thread, NULL) == 0);
    EXPECT(h.freed + WARM / 8 > h.used);
    EXPECT(h.given_back + WARM / 2 - WARM / 8 < h.used);
}
#endif
