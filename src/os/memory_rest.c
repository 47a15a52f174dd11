#include "os/memory_rest.h"

#include "os/memory.h"

enum {
    QUIET_MS = 1000,
    APART_MS = 10000,
};

static void give_back(struct loop_timer *t)
{
    struct memory_rest *r = WEFT_CONTAINER_OF(t, struct memory_rest, timer);
    r->not_before_ms = loop_now_ms(r->loop) + APART_MS;
    r->times++;
    memory_give_back();
}

void memory_rest_init(struct memory_rest *r, struct loop *loop)
{
    *r = (struct memory_rest){ .loop = loop, .timer.fire = give_back };
}

void memory_rest_done(struct memory_rest *r)
{
    loop_timer_clear(r->loop, &r->timer);
}

void memory_rest_soon(struct memory_rest *r)
{
    uint64_t at_ms = loop_now_ms(r->loop) + QUIET_MS;
    loop_timer_set(r->loop, &r->timer, at_ms > r->not_before_ms ? at_ms : r->not_before_ms);
}

void memory_storm_init(struct memory_storm *s, struct memory_rest *rest, uint32_t least)
{
    *s = (struct memory_storm){ .rest = rest, .least = least };
}

void memory_storm_come(struct memory_storm *s)
{
    s->now++;
    if (s->now > s->most)
        s->most = s->now;
}

void memory_storm_go(struct memory_storm *s)
{
    WEFT_ASSERT(s->now > 0);
    s->now--;
    if (s->most < s->least || s->now > s->most / 4)
        return;
    s->most = s->now;
    memory_rest_soon(s->rest);
}
