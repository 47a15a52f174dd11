#include "net/net_stranger.h"

enum {
    SLICE_NS = 1000000, /* so much at a time */
    LATELY_MS = 20,     /* a known one that was served then counts as being at work */
};

static void wake(struct loop_timer *t)
{
    struct net_strangers *all = WEFT_CONTAINER_OF(t, struct net_strangers, wake);
    all->rest = false;
    while (all->resting != NULL) {
        struct net_stranger *s = all->resting;
        net_stranger_leave(s);
        s->resume(s);
    }
}

void net_strangers_init(struct net_strangers *all, struct loop *loop, uint32_t percent)
{
    *all = (struct net_strangers){ .wake.fire = wake, .loop = loop, .percent = percent };
}

void net_strangers_done(struct net_strangers *all)
{
    loop_timer_clear(all->loop, &all->wake);
}

void net_strangers_known(struct net_strangers *all)
{
    all->known_at_ms = loop_now_ms(all->loop);
}

void net_strangers_spent(struct net_strangers *all, uint64_t ns)
{
    if (all->percent >= 100 || loop_now_ms(all->loop) > all->known_at_ms + LATELY_MS)
        return;
    all->spent_ns += ns;
    if (all->spent_ns < SLICE_NS)
        return;
    uint64_t rest_ns = all->spent_ns * (100 - all->percent) / all->percent;
    all->spent_ns = 0;
    all->rest = true;
    loop_timer_set(all->loop, &all->wake,
                   loop_now_ms(all->loop) + (rest_ns + SLICE_NS - 1) / SLICE_NS);
}

bool net_stranger_rests(struct net_strangers *all, struct net_stranger *s)
{
    if (!all->rest || s->link != NULL)
        return all->rest;
    s->next = all->resting;
    s->link = &all->resting;
    if (s->next != NULL)
        s->next->link = &s->next;
    all->resting = s;
    return true;
}

void net_stranger_leave(struct net_stranger *s)
{
    if (s->link == NULL)
        return;
    *s->link = s->next;
    if (s->next != NULL)
        s->next->link = s->link;
    s->next = NULL;
    s->link = NULL;
}
