#include "net/net_handshakes.h"

#include <malloc.h>

enum {
    QUIET_MS = 1000,
    APART_MS = 10000,
};

static void trim(struct loop_timer *t)
{
    struct net_handshakes *h = WEFT_CONTAINER_OF(t, struct net_handshakes, trim);
    h->not_before_ms = loop_now_ms(h->loop) + APART_MS;
    h->trims++;
    (void)malloc_trim(0); /* says whether there was something */
}

void net_handshakes_init(struct net_handshakes *h, struct loop *loop)
{
    *h = (struct net_handshakes){ .loop = loop, .trim.fire = trim };
}

void net_handshakes_done(struct net_handshakes *h)
{
    loop_timer_clear(h->loop, &h->trim);
}

void net_handshakes_begin(struct net_handshakes *h)
{
    h->under_way++;
    if (h->under_way > h->most)
        h->most = h->under_way;
}

void net_handshakes_end(struct net_handshakes *h)
{
    WEFT_ASSERT(h->under_way > 0);
    h->under_way--;
    if (h->most < HANDSHAKES_STORM || h->under_way > h->most / 4)
        return;
    uint64_t at_ms = loop_now_ms(h->loop) + QUIET_MS;
    h->most = h->under_way;
    loop_timer_set(h->loop, &h->trim, at_ms > h->not_before_ms ? at_ms : h->not_before_ms);
}
