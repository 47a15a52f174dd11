#include "net/net_stranger.h"
#include "weft_test.h"

static const uint64_t ms = 1000000;

static struct net_strangers all;
static struct loop *l;
static int resumed;

static void resume(struct net_stranger *s)
{
    (void)s;
    resumed++;
}

static void begin(uint32_t percent)
{
    l = loop_new(NULL, NULL);
    resumed = 0;
    loop_turn(l, 0); /* the loop knows the time now */
    net_strangers_init(&all, l, percent);
}

static void end(void)
{
    net_strangers_done(&all);
    loop_free(l);
}

TEST(strangers_rest_while_others_are_served)
{
    struct net_stranger a = { .resume = resume }, b = { .resume = resume };
    begin(25);
    net_strangers_known(&all);
    net_strangers_spent(&all, ms / 2);
    EXPECT(!net_stranger_rests(&all, &a));
    net_strangers_spent(&all, 2 * ms);
    EXPECT(net_stranger_rests(&all, &a));
    EXPECT(net_stranger_rests(&all, &b));
    EXPECT(net_stranger_rests(&all, &b)); /* once more is no harm */
    uint64_t from = loop_now_ms(l);
    while (resumed < 2)
        loop_turn(l, 100);
    EXPECT(loop_now_ms(l) >= from + 7); /* 2.5 ms were a quarter */
    EXPECT(!net_stranger_rests(&all, &a));
    end();
}

TEST(strangers_alone_do_not_rest)
{
    struct net_stranger a = { .resume = resume };
    begin(25);
    all.known_at_ms = loop_now_ms(l) - 1000;
    net_strangers_spent(&all, 100 * ms);
    EXPECT(!net_stranger_rests(&all, &a));
    end();
}

TEST(without_a_limit_nobody_rests)
{
    struct net_stranger a = { .resume = resume };
    begin(100);
    net_strangers_known(&all);
    net_strangers_spent(&all, 100 * ms);
    EXPECT(!net_stranger_rests(&all, &a));
    end();
}

TEST(who_leaves_is_not_resumed)
{
    struct net_stranger a = { .resume = resume }, b = { .resume = resume },
                        c = { .resume = resume };
    begin(50);
    net_strangers_known(&all);
    net_strangers_spent(&all, 2 * ms);
    EXPECT(net_stranger_rests(&all, &a) && net_stranger_rests(&all, &b) &&
           net_stranger_rests(&all, &c));
    net_stranger_leave(&b);
    net_stranger_leave(&b);
    while (resumed < 2)
        loop_turn(l, 100);
    EXPECT_EQ(resumed, 2);
    EXPECT(all.resting == NULL);
    end();
}
