#include "net/net_handshakes.h"

#include "weft_test.h"

static void storm(struct net_handshakes *h, size_t n)
{
    for (size_t i = 0; i < n; i++)
        net_handshakes_begin(h);
    for (size_t i = 0; i < n; i++)
        net_handshakes_end(h);
}

TEST(memory_is_given_back_after_a_storm_and_not_after_a_breeze)
{
    WEFT_CLEANUP(loop_free) struct loop *loop = loop_new(NULL, NULL);
    struct net_handshakes h;
    net_handshakes_init(&h, loop);
    storm(&h, HANDSHAKES_STORM - 1);
    EXPECT_EQ(h.trim.place, 0);
    storm(&h, HANDSHAKES_STORM);
    EXPECT(h.trim.place != 0);
    while (h.trims == 0)
        loop_turn(loop, 100);
    EXPECT_EQ(h.trim.place, 0);
    net_handshakes_done(&h);
}

TEST(a_storm_is_over_when_a_quarter_is_left)
{
    WEFT_CLEANUP(loop_free) struct loop *loop = loop_new(NULL, NULL);
    struct net_handshakes h;
    net_handshakes_init(&h, loop);
    for (int i = 0; i < 400; i++)
        net_handshakes_begin(&h);
    for (int i = 0; i < 299; i++)
        net_handshakes_end(&h);
    EXPECT_EQ(h.trim.place, 0);
    net_handshakes_end(&h);
    EXPECT(h.trim.place != 0);
    net_handshakes_done(&h);
}

TEST(storms_that_follow_each_other_are_cleaned_up_after_once)
{
    WEFT_CLEANUP(loop_free) struct loop *loop = loop_new(NULL, NULL);
    struct net_handshakes h;
    net_handshakes_init(&h, loop);
    storm(&h, 500);
    while (h.trims == 0)
        loop_turn(loop, 100);
    uint64_t first_ms = loop_now_ms(loop);
    storm(&h, 500);
    EXPECT(h.trim.place != 0);
    EXPECT(h.trim.at_ms >= first_ms + 9000);
    net_handshakes_done(&h);
}
