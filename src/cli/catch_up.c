#include "cli/catch_up.h"

#include <inttypes.h>

void catch_up_start(struct catch_up *c, const char *channel, uint64_t now_ms)
{
    *c = (struct catch_up){ .channel = channel, .started_ms = now_ms, .moved_ms = now_ms };
}

bool catch_up_at(struct catch_up *c, uint64_t height, uint64_t target, uint64_t now_ms)
{
    if (!c->has_height)
        c->first = height;
    if (!c->has_height || height != c->height)
        c->moved_ms = now_ms;
    c->has_height = true;
    c->height = height;
    c->target = target;
    if (target > 0)
        return height >= target;
    return now_ms - c->moved_ms >= CATCH_UP_STANDS_MS;
}

static double rate_of(const struct catch_up *c, uint64_t now_ms)
{
    uint64_t ran_ms = now_ms - c->started_ms;
    return ran_ms > 0 ? (double)(c->height - c->first) * 1e3 / (double)ran_ms : 0;
}

void catch_up_put_line(const struct catch_up *c, uint64_t now_ms, struct buf *out)
{
    double rate = rate_of(c, now_ms);
    buf_printf(out, "%s: block %" PRIu64, c->channel, c->height);
    if (c->target > 0)
        buf_printf(out, " of %" PRIu64, c->target);
    buf_printf(out, ", %.0f blocks/s", rate);
    if (c->target > c->height && rate > 0) {
        uint64_t left_s = (uint64_t)((double)(c->target - c->height) / rate);
        buf_printf(out, ", %" PRIu64 ":%02" PRIu64 " left", left_s / 60, left_s % 60);
    }
}

void catch_up_put_end(const struct catch_up *c, uint64_t now_ms, struct buf *out)
{
    buf_printf(out, "%s: height %" PRIu64 " after %.1f s", c->channel, c->height,
               (double)(now_ms - c->started_ms) / 1e3);
}
