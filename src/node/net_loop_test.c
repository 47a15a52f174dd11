#include "node/net_loop.h"

#include "base/log.h"
#include "net/net.h"
#include "ops/metrics.h"
#include "os/loop.h"
#include "weft_test.h"

LOG_DEFINE(logger, "test");

/* What a thread of a channel says after much work, each time. */
TEST(memory_is_given_back_once_however_often_it_is_asked_for)
{
    WEFT_CLEANUP(metrics_free) struct metrics *metrics = metrics_new();
    const struct net_limits limits = NET_LIMITS_DEFAULT;
    WEFT_CLEANUP(net_loop_free)
    struct net_loop *n = net_loop_new(
        &(struct net_loop_config){ .limits = &limits, .metrics = metrics, .logger = &logger });
    const struct memory_rest *rest = &net_loop_net(n)->rest;
    struct loop *loop = net_loop_loop(n);

    for (int i = 0; i < 3; i++)
        net_loop_rest_soon(n);
    loop_turn(loop, 0);
    EXPECT(rest->timer.place != 0);
    while (rest->times == 0)
        loop_turn(loop, 100);
    net_loop_rest_soon(n);
    loop_turn(loop, 0);
    EXPECT(rest->timer.place != 0); /* again, but not so soon */
    EXPECT_EQ(rest->times, 1);
}
