#include "os/memory_rest.h"

#include "weft_test.h"

enum {
    LEAST = 128
};

struct world {
    struct loop *loop;
    struct memory_rest rest;
    struct memory_storm storm;
};

static void world_init(struct world *w)
{
    w->loop = loop_new(NULL, NULL);
    memory_rest_init(&w->rest, w->loop);
    memory_storm_init(&w->storm, &w->rest, LEAST);
}

static void world_done(struct world *w)
{
    memory_rest_done(&w->rest);
    loop_free(w->loop);
}

static void storm(struct world *w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        memory_storm_come(&w->storm);
    for (size_t i = 0; i < n; i++)
        memory_storm_go(&w->storm);
}

static bool is_due(const struct world *w)
{
    return w->rest.timer.place != 0;
}

TEST(memory_is_given_back_after_a_storm_and_not_after_a_breeze)
{
    struct world w;
    world_init(&w);
    storm(&w, LEAST - 1);
    EXPECT(!is_due(&w));
    storm(&w, LEAST);
    EXPECT(is_due(&w));
    while (w.rest.times == 0)
        loop_turn(w.loop, 100);
    EXPECT(!is_due(&w));
    world_done(&w);
}

TEST(a_storm_is_over_when_a_quarter_is_left)
{
    struct world w;
    world_init(&w);
    for (int i = 0; i < 400; i++)
        memory_storm_come(&w.storm);
    for (int i = 0; i < 299; i++)
        memory_storm_go(&w.storm);
    EXPECT(!is_due(&w));
    memory_storm_go(&w.storm);
    EXPECT(is_due(&w));
    world_done(&w);
}

TEST(work_that_comes_again_puts_it_off)
{
    struct world w;
    world_init(&w);
    memory_rest_soon(&w.rest);
    uint64_t at_ms = w.rest.timer.at_ms;
    EXPECT(at_ms >= loop_now_ms(w.loop) + 1000);
    for (uint64_t until = loop_now_ms(w.loop) + 200; loop_now_ms(w.loop) < until;)
        loop_turn(w.loop, 50);
    memory_rest_soon(&w.rest);
    EXPECT(w.rest.timer.at_ms >= at_ms + 200);
    EXPECT_EQ(w.rest.times, 0);
    world_done(&w);
}

TEST(storms_that_follow_each_other_are_cleaned_up_after_once)
{
    struct world w;
    world_init(&w);
    storm(&w, 500);
    while (w.rest.times == 0)
        loop_turn(w.loop, 100);
    uint64_t first_ms = loop_now_ms(w.loop);
    storm(&w, 500);
    EXPECT(is_due(&w));
    EXPECT(w.rest.timer.at_ms >= first_ms + 9000);
    world_done(&w);
}
