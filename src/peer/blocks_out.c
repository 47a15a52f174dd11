#include "peer/blocks_out.h"

#include "peer/commit_thread.h"

static uint64_t bytes_out(const struct blocks_out *o)
{
    return o->bytes - o->done_bytes;
}

void blocks_out_put(struct blocks_out *o, size_t bytes)
{
    o->count++;
    o->bytes += bytes;
    if (blocks_out_is_busy(o))
        o->had_much = true;
}

bool blocks_out_done(struct blocks_out *o, uint64_t done, uint64_t done_bytes)
{
    o->done = done;
    o->done_bytes = done_bytes;
    if (!o->had_much || o->done < o->count)
        return false;
    o->had_much = false;
    return true;
}

bool blocks_out_has_room(const struct blocks_out *o)
{
    uint64_t out = o->count - o->done;
    return out == 0 || (out < COMMIT_BLOCKS && bytes_out(o) < BLOCKS_OUT_BYTES);
}

bool blocks_out_is_busy(const struct blocks_out *o)
{
    return bytes_out(o) >= BLOCKS_OUT_BUSY_BYTES;
}
