#include "orderer/block_cutter.h"

#include "base/log.h"
#include "net/net_msg.h"
#include "proto/envelope.h"

#include <inttypes.h>

LOG_DEFINE(logger, "orderer.common.blockcutter");

/* ---- batches ------------------------------------------------------------------------ */

void batch_done(struct batch *b)
{
    for (size_t i = 0; i < b->count; i++)
        net_msg_unref(b->at[i]);
    free(b->at);
    *b = (struct batch){ 0 };
}

void batch_put(struct batch *b, struct net_msg *m)
{
    if (b->count == b->cap) {
        b->cap = b->cap == 0 ? 16 : b->cap * 2;
        b->at = weft_realloc(b->at, b->cap * sizeof(struct net_msg *));
    }
    b->at[b->count++] = m;
}

/* ---- the cutter ------------------------------------------------------------------------ */

void block_cutter_init(struct block_cutter *c)
{
    *c = (struct block_cutter){ .max_messages = 1 };
}

void block_cutter_done(struct block_cutter *c)
{
    batch_done(&c->pending);
}

void block_cutter_configure(struct block_cutter *c, uint32_t max_messages,
                            uint32_t preferred_max_bytes)
{
    c->max_messages = max_messages;
    c->preferred_max_bytes = preferred_max_bytes;
}

struct batch block_cutter_cut(struct block_cutter *c, uint64_t now_ns)
{
    struct batch b = c->pending;
    if (b.count > 0)
        b.fill_ns = now_ns - c->since_ns;
    c->pending = (struct batch){ 0 };
    c->pending_bytes = 0;
    return b;
}

size_t block_cutter_add(struct block_cutter *c, struct ordered_message m, uint64_t now_ns,
                        struct batch ret_batches[BLOCK_CUTTER_BATCHES])
{
    size_t cut = 0;
    bool is_alone = m.size > c->preferred_max_bytes;
    if (is_alone)
        LOG_DEBUG(&logger,
                  "The current message, with %" PRIu64
                  " bytes, is larger than the preferred batch size of %" PRIu64
                  " bytes and will be isolated.",
                  m.size, c->preferred_max_bytes);
    if (c->pending.count > 0 && (is_alone || c->pending_bytes + m.size > c->preferred_max_bytes)) {
        LOG_DEBUG(&logger,
                  "The current message, with %" PRIu64
                  " bytes, will overflow the pending batch of %" PRIu64 " bytes.",
                  m.size, c->pending_bytes);
        ret_batches[cut++] = block_cutter_cut(c, now_ns);
    }
    if (is_alone) {
        ret_batches[cut] = (struct batch){ 0 };
        batch_put(&ret_batches[cut++], m.envelope);
        return cut;
    }
    if (c->pending.count == 0)
        c->since_ns = now_ns;
    batch_put(&c->pending, m.envelope);
    c->pending_bytes += m.size;
    if (c->pending.count >= c->max_messages) {
        LOG_DEBUG(&logger, "Batch size met, cutting batch");
        ret_batches[cut++] = block_cutter_cut(c, now_ns);
    }
    return cut;
}

/* They were envelopes when they were added. */
static uint64_t size_of(struct net_msg *m)
{
    struct envelope_view v = { 0 };
    WEFT_IGNORE(envelope_parse(net_msg_bytes(m), &v, NULL));
    return (uint64_t)v.payload.len + v.signature.len;
}

void block_cutter_drop_newest(struct block_cutter *c, size_t n)
{
    WEFT_ASSERT(n <= c->pending.count);
    for (; n > 0; n--) {
        struct net_msg *m = c->pending.at[--c->pending.count];
        c->pending_bytes -= size_of(m);
        net_msg_unref(m);
    }
}
