#include "orderer/consenter_local.h"

#include "base/duration.h"
#include "base/log.h"
#include "bundle/bundle.h"

static struct consenter_local *local_of(struct consenter *c)
{
    return WEFT_CONTAINER_OF(c, struct consenter_local, consenter);
}

static void write_batch(struct consenter_local *l, struct batch *batch, uint64_t now_ns)
{
    const struct consenter_support *s = &l->consenter.support;
    s->write(s->ctx, batch, l->metadata(l, NULL), now_ns);
    l->written(l);
}

static void stop_timer(struct consenter_local *l)
{
    const struct consenter_support *s = &l->consenter.support;
    if (l->timer_runs)
        s->set_timer(s->ctx, 0);
    l->timer_runs = false;
}

static void start_timer(struct consenter_local *l, uint64_t now_ns)
{
    const struct consenter_support *s = &l->consenter.support;
    char text[DURATION_TEXT_MAX];
    int64_t timeout = bundle_orderer(s->bundle(s->ctx))->batch_timeout_ns;
    if (l->timer_runs)
        return;
    LOG_DEBUG(l->logger, "Just began %s batch timer" LOG_KV "channel=%s",
              duration_text(timeout, text), s->channel);
    l->timer_runs = true;
    s->set_timer(s->ctx, now_ns + (uint64_t)timeout);
}

static void order_normal(struct consenter_local *l, struct order_item *item, uint64_t now_ns)
{
    const struct consenter_support *s = &l->consenter.support;
    struct batch batches[BLOCK_CUTTER_BATCHES];
    size_t n = block_cutter_add(s->cutter, item->message, now_ns, batches);
    item->message.envelope = NULL; /* given away */
    for (size_t i = 0; i < n; i++)
        write_batch(l, &batches[i], now_ns);
    if (block_cutter_pending(s->cutter) == 0)
        stop_timer(l);
    else
        start_timer(l, now_ns);
    s->accepted(s->ctx, item);
}

/* What is pending becomes a block, then the config message alone. */
static void order_config(struct consenter_local *l, struct order_item *item, uint64_t now_ns)
{
    const struct consenter_support *s = &l->consenter.support;
    struct weft_err why = { 0 };
    struct batch pending = block_cutter_cut(s->cutter, now_ns);
    if (pending.count > 0)
        write_batch(l, &pending, now_ns);
    stop_timer(l);
    struct net_msg *config = item->message.envelope;
    enum weft_code rc = s->write_config(s->ctx, config, l->metadata(l, config), now_ns, &why);
    if (rc != WEFT_OK) {
        s->refused(s->ctx, item, rc, &why);
        return;
    }
    l->written(l);
    s->accepted(s->ctx, item);
}

void consenter_local_order(struct consenter *c, struct order_item *item, uint64_t now_ns)
{
    struct consenter_local *l = local_of(c);
    const struct consenter_support *s = &c->support;
    struct weft_err why = { 0 };
    if (item->config_sequence < bundle_sequence(s->bundle(s->ctx))) {
        enum weft_code rc = s->reprocess(s->ctx, item, &why);
        if (rc != WEFT_OK) {
            LOG_WARN(l->logger, "Discarding bad %s message: %s" LOG_KV "channel=%s",
                     item->kind == ORDER_CONFIG ? "config" : "normal", why.msg, s->channel);
            s->refused(s->ctx, item, rc, &why);
            return;
        }
    }
    if (item->kind == ORDER_CONFIG)
        order_config(l, item, now_ns);
    else
        order_normal(l, item, now_ns);
}

void consenter_local_timer(struct consenter *c, uint64_t now_ns)
{
    struct consenter_local *l = local_of(c);
    l->timer_runs = false;
    struct batch batch = block_cutter_cut(c->support.cutter, now_ns);
    if (batch.count == 0) {
        LOG_WARN(l->logger,
                 "Batch timer expired with no pending requests, this might indicate a bug" LOG_KV
                 "channel=%s",
                 c->support.channel);
        return;
    }
    LOG_DEBUG(l->logger, "Batch timer expired, creating block" LOG_KV "channel=%s",
              c->support.channel);
    write_batch(l, &batch, now_ns);
}

void consenter_local_flush(struct consenter *c, uint64_t now_ns)
{
    struct consenter_local *l = local_of(c);
    struct batch batch = block_cutter_cut(c->support.cutter, now_ns);
    stop_timer(l);
    if (batch.count > 0)
        write_batch(l, &batch, now_ns);
}
