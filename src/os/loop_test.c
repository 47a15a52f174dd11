#include "os/loop.h"

#include "base/rand.h"

#include "weft_test.h"

#include <sys/epoll.h>
#include <unistd.h>

struct world {
    struct loop *loop;
    char log[64];
    struct loop_timer timers[3];
    struct loop_task task, second;
    struct loop_fd fds[2];
};

static struct world *world;

static void note(char c)
{
    size_t n = strlen(world->log);
    WEFT_ASSERT(n + 1 < sizeof(world->log));
    world->log[n] = c;
}

static void fire(struct loop_timer *t)
{
    note((char)('a' + (t - world->timers)));
}

static void run_first(struct loop_task *t)
{
    (void)t;
    note('1');
}

static void run_second(struct loop_task *t)
{
    (void)t;
    note('2');
    loop_defer(world->loop, &world->task);
}

static void start(struct world *w)
{
    *w = (struct world){ .loop = loop_new(NULL, NULL),
                         .task.run = run_first,
                         .second.run = run_second };
    for (size_t i = 0; i < 3; i++)
        w->timers[i].fire = fire;
    world = w;
}

TEST(fires_timers_in_the_order_of_their_time)
{
    struct world w;
    start(&w);
    uint64_t now = loop_now_ms(w.loop);
    loop_timer_set(w.loop, &w.timers[0], now + 3);
    loop_timer_set(w.loop, &w.timers[1], now + 1);
    loop_timer_set(w.loop, &w.timers[2], now + 2);
    while (strlen(w.log) < 3)
        loop_turn(w.loop, -1);
    EXPECT_STR(w.log, "bca");
    loop_free(w.loop);
}

TEST(moves_and_clears_timers)
{
    struct world w;
    start(&w);
    uint64_t now = loop_now_ms(w.loop);
    loop_timer_set(w.loop, &w.timers[0], now + 1);
    loop_timer_set(w.loop, &w.timers[1], now + 2);
    loop_timer_set(w.loop, &w.timers[2], now + 3);
    loop_timer_set(w.loop, &w.timers[0], now + 4);
    loop_timer_clear(w.loop, &w.timers[1]);
    loop_timer_clear(w.loop, &w.timers[1]);
    while (strlen(w.log) < 2)
        loop_turn(w.loop, -1);
    EXPECT_STR(w.log, "ca");
    loop_free(w.loop);
}

static uint64_t last_at;
static size_t fired;

static void in_order(struct loop_timer *t)
{
    EXPECT(t->at_ms >= last_at);
    last_at = t->at_ms;
    fired++;
}

TEST(keeps_thousands_of_timers_in_order)
{
    struct world w;
    start(&w);
    struct loop_timer *many = weft_alloc(5000 * sizeof(*many));
    struct weft_rand rand = weft_rand_of(7);
    uint64_t now = loop_now_ms(w.loop);
    size_t left = 5000;
    last_at = 0;
    fired = 0;
    for (size_t i = 0; i < 5000; i++) {
        many[i].fire = in_order;
        loop_timer_set(w.loop, &many[i], now + weft_rand_below(&rand, 50));
    }
    for (size_t i = 0; i < 5000; i += 3, left--)
        loop_timer_clear(w.loop, &many[i]);
    while (fired < left)
        loop_turn(w.loop, -1);
    free(many);
    loop_free(w.loop);
}

TEST(runs_a_task_once_however_often_it_was_put_off)
{
    struct world w;
    start(&w);
    loop_defer(w.loop, &w.task);
    loop_defer(w.loop, &w.task);
    loop_turn(w.loop, 0);
    loop_turn(w.loop, 0);
    EXPECT_STR(w.log, "1");
    loop_free(w.loop);
}

TEST(leaves_to_the_next_turn_what_a_task_puts_off)
{
    struct world w;
    start(&w);
    loop_defer(w.loop, &w.second);
    loop_turn(w.loop, 0);
    EXPECT_STR(w.log, "2");
    loop_turn(w.loop, -1); /* does not wait: a task is due */
    EXPECT_STR(w.log, "21");
    loop_defer(w.loop, &w.task);
    loop_undefer(w.loop, &w.task);
    loop_turn(w.loop, 0);
    EXPECT_STR(w.log, "21");
    loop_free(w.loop);
}

/* Whichever is ready first stops both. */
static void stop_both(struct loop_fd *f, uint32_t events)
{
    (void)f, (void)events;
    note('r');
    loop_unwatch(world->loop, &world->fds[0]);
    loop_unwatch(world->loop, &world->fds[1]);
}

TEST(delivers_nothing_to_what_is_watched_no_more)
{
    struct world w;
    int ends[2][2];
    start(&w);
    for (size_t i = 0; i < 2; i++) {
        EXPECT_EQ(pipe(ends[i]), 0);
        EXPECT_EQ(write(ends[i][1], "x", 1), 1);
        w.fds[i] = (struct loop_fd){ .fd = ends[i][0], .ready = stop_both };
        EXPECT(loop_watch(w.loop, &w.fds[i], EPOLLIN));
    }
    loop_turn(w.loop, 0);
    EXPECT_STR(w.log, "r");
    for (size_t i = 0; i < 2; i++) {
        (void)close(ends[i][0]);
        (void)close(ends[i][1]);
    }
    loop_free(w.loop);
}

struct letter {
    struct mail mail;
};

static void stop_loop(struct mail *m, void *owner)
{
    struct world *w = owner;
    note('m');
    loop_stop(w->loop);
    free(WEFT_CONTAINER_OF(m, struct letter, mail));
}

static void drop(struct mail *m)
{
    free(WEFT_CONTAINER_OF(m, struct letter, mail));
}

TEST(handles_mail_and_stops_when_told)
{
    struct world w = { 0 };
    WEFT_CLEANUP(mailbox_free) struct mailbox *mb = mailbox_new("test", 4);
    w.loop = loop_new(mb, &w);
    world = &w;
    struct letter *l = weft_alloc(sizeof(*l));
    l->mail = (struct mail){ .handle = stop_loop, .drop = drop };
    EXPECT(mailbox_put(mb, &l->mail));
    loop_run(w.loop);
    EXPECT_STR(w.log, "m");
    loop_free(w.loop);
}
