#include "net/net_batch.h"

#include "weft_test.h"

static void sent_whole(struct net_batch *b, int times)
{
    for (int i = 0; i < times; i++)
        net_batch_sent(b, b->bytes, true);
}

TEST(a_peer_that_takes_all_gets_more_at_once)
{
    struct net_batch b;
    net_batch_init(&b);
    EXPECT_EQ(b.bytes, NET_BATCH_LEAST);
    sent_whole(&b, NET_BATCH_WHOLE - 1);
    EXPECT_EQ(b.bytes, NET_BATCH_LEAST);
    sent_whole(&b, 1);
    EXPECT_EQ(b.bytes, 2 * NET_BATCH_LEAST);
    sent_whole(&b, 10 * NET_BATCH_WHOLE);
    EXPECT_EQ(b.bytes, NET_BATCH_MOST);
}

TEST(what_the_kernel_does_not_take_is_never_of_a_large_batch_twice)
{
    struct net_batch b;
    net_batch_init(&b);
    sent_whole(&b, 10 * NET_BATCH_WHOLE);
    net_batch_sent(&b, b.bytes, false);
    EXPECT_EQ(b.bytes, NET_BATCH_LEAST);
    sent_whole(&b, NET_BATCH_WHOLE - 1);
    net_batch_sent(&b, b.bytes, false);
    sent_whole(&b, NET_BATCH_WHOLE - 1);
    EXPECT_EQ(b.bytes, NET_BATCH_LEAST);
}

TEST(who_has_little_to_send_says_nothing_about_who_receives_it)
{
    struct net_batch b;
    net_batch_init(&b);
    for (int i = 0; i < 10 * NET_BATCH_WHOLE; i++)
        net_batch_sent(&b, 100, true);
    EXPECT_EQ(b.bytes, NET_BATCH_LEAST);
}
