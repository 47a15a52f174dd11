#include "orderer/broadcast_queue.h"

#include "base/rand.h"
#include "weft_test.h"

enum {
    ITEMS = 64
};

struct thing {
    struct broadcast_item item;
    size_t n;
    bool freed;
};

struct world {
    struct broadcast_queue q;
    struct thing things[ITEMS];
    size_t ordered[ITEMS], ordered_count;
    size_t answered[ITEMS], answered_count;
    int last_status;
    bool over, chain_is_full;
};

static bool order(void *ctx, struct broadcast_item *item)
{
    struct world *w = ctx;
    if (w->chain_is_full) {
        item->status = 503;
        item->info = weft_strdup("full");
        return false;
    }
    w->ordered[w->ordered_count++] = ((struct thing *)item)->n;
    return true;
}

static void answer(void *ctx, const struct broadcast_item *item)
{
    struct world *w = ctx;
    EXPECT(!w->over);
    w->answered[w->answered_count++] = ((const struct thing *)item)->n;
    w->last_status = item->status;
}

static void over(void *ctx)
{
    ((struct world *)ctx)->over = true;
}

static void free_thing(void *ctx, struct broadcast_item *item)
{
    (void)ctx;
    EXPECT(!((struct thing *)item)->freed);
    ((struct thing *)item)->freed = true;
}

static const struct broadcast_queue_deps deps = { order, answer, over, free_thing };

static void begin(struct world *w, size_t count)
{
    memset(w, 0, sizeof(*w));
    broadcast_queue_init(&w->q, &deps, w);
    for (size_t i = 0; i < count; i++) {
        w->things[i].n = i;
        w->things[i].item.bytes = 10;
        broadcast_queue_add(&w->q, &w->things[i].item);
    }
}

TEST(nobody_is_ordered_or_answered_before_his_turn)
{
    static struct world w;
    begin(&w, 3);
    broadcast_queue_passed(&w.q, &w.things[1].item);
    EXPECT_EQ(w.ordered_count, 0);
    broadcast_queue_passed(&w.q, &w.things[0].item);
    EXPECT_EQ(w.ordered_count, 2);
    broadcast_queue_done(&w.q, &w.things[1].item, BROADCAST_SUCCESS, NULL);
    EXPECT_EQ(w.answered_count, 0);
    EXPECT_EQ(w.q.bytes, 30);
    broadcast_queue_done(&w.q, &w.things[0].item, BROADCAST_SUCCESS, NULL);
    EXPECT_EQ(w.answered_count, 2);
    EXPECT_EQ(w.q.bytes, 10);
    EXPECT(w.things[0].freed && w.things[1].freed && !w.things[2].freed);
}

TEST(behind_one_that_is_refused_nobody_is_ordered)
{
    static struct world w;
    begin(&w, 3);
    broadcast_queue_passed(&w.q, &w.things[0].item);
    broadcast_queue_refused(&w.q, &w.things[1].item, 403, "permission denied");
    broadcast_queue_passed(&w.q, &w.things[2].item);
    EXPECT_EQ(w.ordered_count, 1);
    EXPECT(!w.over);
    broadcast_queue_done(&w.q, &w.things[0].item, BROADCAST_SUCCESS, NULL);
    EXPECT(w.over);
    EXPECT_EQ(w.answered_count, 2);
    EXPECT_EQ(w.last_status, 403);
    EXPECT(w.things[2].freed);
}

TEST(a_chain_that_takes_no_more_ends_the_stream)
{
    static struct world w;
    begin(&w, 2);
    w.chain_is_full = true;
    broadcast_queue_passed(&w.q, &w.things[0].item);
    EXPECT(w.over);
    EXPECT_EQ(w.last_status, 503);
    EXPECT(w.things[1].item.is_orphan && !w.things[1].freed); /* its check is still out */
}

TEST(the_end_makes_orphans_of_those_in_other_hands)
{
    static struct world w;
    begin(&w, 4);
    broadcast_queue_passed(&w.q, &w.things[0].item);
    broadcast_queue_passed(&w.q, &w.things[2].item);
    broadcast_queue_refused(&w.q, &w.things[3].item, 400, "bad");
    broadcast_queue_end(&w.q);
    EXPECT(w.things[0].item.is_orphan); /* ordered */
    EXPECT(w.things[1].item.is_orphan); /* checking */
    EXPECT(w.things[2].freed && w.things[3].freed);
    EXPECT_EQ(w.q.count, 0);
}

/* Whatever the order of events: what was ordered is a prefix in order, what was
 * answered too, and every item is freed or an orphan in the end. */
TEST(any_order_of_events_keeps_the_streams_order)
{
    static struct world w;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        struct weft_rand r = weft_rand_of(seed);
        size_t count = 1 + weft_rand_below(&r, ITEMS - 1);
        begin(&w, count);
        for (int step = 0; step < 2000 && !w.over && w.q.count > 0; step++) {
            struct thing *t = &w.things[weft_rand_below(&r, count)];
            if (t->freed)
                continue;
            w.chain_is_full = weft_rand_below(&r, 400) == 0;
            if (t->item.state == BROADCAST_CHECKING && weft_rand_below(&r, 100) == 0)
                broadcast_queue_refused(&w.q, &t->item, 400, "bad");
            else if (t->item.state == BROADCAST_CHECKING)
                broadcast_queue_passed(&w.q, &t->item);
            else if (t->item.state == BROADCAST_ORDERED)
                broadcast_queue_done(&w.q, &t->item, BROADCAST_SUCCESS, NULL);
        }
        for (size_t i = 0; i < w.ordered_count; i++)
            EXPECT_EQ(w.ordered[i], i);
        for (size_t i = 0; i < w.answered_count; i++)
            EXPECT_EQ(w.answered[i], i);
        EXPECT(w.over || w.answered_count == count);
        for (size_t i = 0; i < count; i++)
            EXPECT(w.things[i].freed || w.things[i].item.is_orphan);
    }
}
