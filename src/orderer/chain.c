#include "orderer/chain.h"

#include "base/log.h"
#include "bundle/bundle.h"
#include "net/net_msg.h"
#include "orderer/journal.h"
#include "proto/envelope.h"
#include "proto/metadata.h"

#include <inttypes.h>

LOG_DEFINE(logger, "orderer.commmon.multichannel");

/* A block that the disk did not take yet. */
struct unwritten {
    struct batch batch;
    struct buf metadata;
    struct bundle *next; /* of a config block; NULL: of another */
    struct unwritten *after;
};

struct chain {
    char *id;
    struct chain_deps deps;
    struct bundle *bundle;
    struct block_cutter cutter;
    struct block_writer writer;
    struct consenter *consenter;

    /* The turn. */
    struct order_request **accepted; /* to be answered at its end, in order */
    size_t accepted_count, accepted_cap;
    bool appended; /* a block waits for the sync */

    struct journal *journal;
    bool journal_ends;
    size_t journaled; /* of the pending messages, so many are in the journal */
    bool dropped;     /* pending messages were taken back: the batch timer may be idle */

    struct unwritten *unwritten, **unwritten_end;
    char *stalled; /* why, while there are unwritten blocks */
    uint64_t retry_at, consenter_at;

    struct consenter_status told;
    char *told_refuses;
};

/* ---- timers --------------------------------------------------------------------------------- */

static void set_timer(struct chain *c)
{
    uint64_t at = c->stalled != NULL ? c->retry_at : c->consenter_at;
    c->deps.set_timer(c->deps.ctx, at);
}

static void support_set_timer(void *ctx, uint64_t at_ns)
{
    struct chain *c = ctx;
    c->consenter_at = at_ns;
    set_timer(c);
}

/* ---- what others see -------------------------------------------------------------------------- */

void chain_status(const struct chain *c, struct consenter_status *ret)
{
    c->consenter->ops->status(c->consenter, ret);
    if (ret->refuses == NULL)
        ret->refuses = c->stalled;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void tell_status(struct chain *c)
{
    struct consenter_status now;
    chain_status(c, &now);
    if (now.is_errored == c->told.is_errored && same_text(now.refuses, c->told_refuses))
        return;
    free(c->told_refuses);
    c->told_refuses = now.refuses == NULL ? NULL : weft_strdup(now.refuses);
    c->told = now;
    c->deps.status(c->deps.ctx, &now);
}

const struct bundle *chain_bundle(const struct chain *c)
{
    return c->bundle;
}

size_t chain_pending(const struct chain *c)
{
    return block_cutter_pending(&c->cutter);
}

static const struct bundle *support_bundle(void *ctx)
{
    return ((struct chain *)ctx)->bundle;
}

static uint64_t support_last_block(void *ctx)
{
    const struct chain *c = ctx;
    uint64_t n = c->writer.number;
    for (const struct unwritten *u = c->unwritten; u != NULL; u = u->after)
        n++;
    return n;
}

static enum weft_code support_metadata(void *ctx, uint64_t number, struct buf *ret,
                                       struct weft_err *e)
{
    struct chain *c = ctx;
    struct bytes own = { 0 };
    WEFT_CLEANUP(block_unref) struct block *b = NULL;
    WEFT_TRY(c->deps.read_block(c->deps.ctx, number, &b, e));
    WEFT_TRY(block_consenter_metadata(&b->v, &own, e));
    buf_put(ret, own);
    return WEFT_OK;
}

/* ---- answers ------------------------------------------------------------------------------------ */

static void answer(struct chain *c, struct order_request *r, enum weft_code rc,
                   const struct weft_err *why)
{
    r->rc = rc;
    if (rc != WEFT_OK && why != NULL)
        r->why = *why;
    c->deps.answer(c->deps.ctx, r);
}

static void end_item(struct order_item *item)
{
    net_msg_unref(item->message.envelope);
    item->message.envelope = NULL;
}

static void support_accepted(void *ctx, struct order_item *item)
{
    struct chain *c = ctx;
    end_item(item);
    if (item->request == NULL)
        return;
    if (c->accepted_count == c->accepted_cap) {
        c->accepted_cap = c->accepted_cap == 0 ? 64 : c->accepted_cap * 2;
        c->accepted = weft_realloc(c->accepted, c->accepted_cap * sizeof(*c->accepted));
    }
    c->accepted[c->accepted_count++] = item->request;
}

static void support_refused(void *ctx, struct order_item *item, enum weft_code rc,
                            const struct weft_err *why)
{
    end_item(item);
    if (item->request != NULL)
        answer(ctx, item->request, rc, why);
}

/* ---- the configuration ----------------------------------------------------------------------------- */

static void configure_cutter(struct chain *c)
{
    const struct bundle_orderer *o = bundle_orderer(c->bundle);
    block_cutter_configure(&c->cutter, o->batch_size.max_messages,
                           o->batch_size.preferred_max_bytes);
}

static void install(struct chain *c, struct bundle *next, uint64_t now_ns)
{
    bundle_unref(c->bundle);
    c->bundle = bundle_ref(next);
    configure_cutter(c);
    c->deps.configured(c->deps.ctx, next);
    c->consenter->ops->configured(c->consenter, now_ns);
}

/* The bundle of a CONFIG envelope that may follow the one in force. */
static enum weft_code next_bundle(const struct chain *c, struct bytes envelope, struct bytes data,
                                  struct bundle **ret, struct weft_err *e)
{
    enum weft_code rc = bundle_validate(c->bundle, data, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(
            e, WEFT_INVALID,
            "Told to write a config block with new config, but could not apply it");
    WEFT_CLEANUP(bundle_unref) struct bundle *next = NULL;
    rc = bundle_of_envelope(envelope, &next, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, WEFT_INVALID,
                             "Told to write a config block with a new config, but could not "
                             "convert it to a bundle");
    if (bundle_orderer(next) == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "[channel: %s] OrdererConfig missing from bundle", c->id);
    WEFT_TRY(bundle_check_supported_by_orderer(next, e));
    *ret = WEFT_TAKE(next);
    return WEFT_OK;
}

/* ---- blocks ------------------------------------------------------------------------------------------ */

static void unwritten_free(struct unwritten *u)
{
    batch_done(&u->batch);
    buf_done(&u->metadata);
    bundle_unref(u->next);
    free(u);
}

static void stall(struct chain *c, const struct weft_err *why)
{
    if (c->stalled == NULL)
        LOG_ERROR(&logger,
                  "Could not append block, nothing is accepted until it is: %s" LOG_KV "channel=%s",
                  why->msg, c->id);
    free(c->stalled);
    c->stalled = weft_asprintf("channel %s can't write blocks: %s", c->id, why->msg);
}

/* Appends the block; the disk's no is kept in the chain. */
static bool try_write(struct chain *c, const struct unwritten *u, uint64_t now_ns)
{
    struct weft_err e = { 0 };
    uint64_t sequence = bundle_sequence(u->next != NULL ? u->next : c->bundle);
    if (block_writer_write(&c->writer, &u->batch, buf_bytes(&u->metadata), sequence, &e) !=
        WEFT_OK) {
        stall(c, &e);
        c->retry_at = now_ns + CHAIN_RETRY_MS * UINT64_C(1000000);
        return false;
    }
    c->appended = true;
    if (u->next != NULL)
        install(c, u->next, now_ns);
    return true;
}

/* The clock of the step that is under way. */
static void put_block(struct chain *c, struct unwritten *u, uint64_t now_ns)
{
    if (c->unwritten == NULL && try_write(c, u, now_ns)) {
        unwritten_free(u);
        return;
    }
    *c->unwritten_end = u;
    c->unwritten_end = &u->after;
}

static void write_unwritten(struct chain *c, uint64_t now_ns)
{
    while (c->unwritten != NULL && try_write(c, c->unwritten, now_ns)) {
        struct unwritten *u = c->unwritten;
        c->unwritten = u->after;
        if (c->unwritten == NULL)
            c->unwritten_end = &c->unwritten;
        unwritten_free(u);
    }
    if (c->unwritten != NULL)
        return;
    LOG_INFO(&logger, "Blocks can be written again" LOG_KV "channel=%s", c->id);
    free(WEFT_TAKE(c->stalled));
}

static void support_write(void *ctx, struct batch *batch, struct bytes metadata, uint64_t now_ns)
{
    struct chain *c = ctx;
    struct unwritten *u = weft_alloc(sizeof(*u));
    c->journaled = 0; /* what is pending from here on belongs to another block */
    if (c->deps.block_filled != NULL)
        c->deps.block_filled(c->deps.ctx, batch->fill_ns);
    u->batch = *batch;
    *batch = (struct batch){ 0 };
    buf_put(&u->metadata, metadata);
    put_block(c, u, now_ns);
}

static enum weft_code support_write_config(void *ctx, struct net_msg *config, struct bytes metadata,
                                           uint64_t now_ns, struct weft_err *e)
{
    struct chain *c = ctx;
    struct envelope_headers h;
    struct bytes envelope = net_msg_bytes(config);
    WEFT_CLEANUP(bundle_unref) struct bundle *next = NULL;
    WEFT_TRY(envelope_headers_parse(envelope, &h, e));
    if (h.channel.type == HEADER_ORDERER_TRANSACTION)
        WEFT_TRY(c->deps.create_channel(c->deps.ctx, h.payload.data, e));
    else if (h.channel.type == HEADER_CONFIG)
        WEFT_TRY(next_bundle(c, envelope, h.payload.data, &next, e));
    else
        return WEFT_FAIL(e, WEFT_INVALID,
                         "Told to write a config block with unknown header type: %d",
                         h.channel.type);
    struct unwritten *u = weft_alloc(sizeof(*u));
    batch_put(&u->batch, net_msg_ref(config));
    bool other_type = next != NULL && strcmp(bundle_orderer(next)->consensus_type,
                                             bundle_orderer(c->bundle)->consensus_type) != 0;
    if (!other_type) /* the next type begins with nothing */
        buf_put(&u->metadata, metadata);
    u->next = WEFT_TAKE(next);
    put_block(c, u, now_ns);
    return WEFT_OK;
}

static enum weft_code support_reprocess(void *ctx, struct order_item *item, struct weft_err *e)
{
    struct chain *c = ctx;
    WEFT_CLEANUP(net_msg_unref) struct net_msg *made = NULL;
    WEFT_TRY(c->deps.reprocess(c->deps.ctx, c->bundle, item->kind,
                               net_msg_bytes(item->message.envelope), &made, e));
    item->config_sequence = bundle_sequence(c->bundle);
    if (made == NULL)
        return WEFT_OK;
    struct ordered_message m;
    WEFT_TRY(ordered_message_of(made, &m, e));
    net_msg_unref(item->message.envelope);
    item->message = m;
    return WEFT_OK;
}

/* ---- the chain ----------------------------------------------------------------------------------------- */

enum weft_code chain_new(const struct chain_config *config, const struct chain_deps *deps,
                         struct chain **ret, struct weft_err *e)
{
    WEFT_CLEANUP(chain_free) struct chain *c = weft_alloc(sizeof(*c));
    c->id = weft_strdup(config->id);
    c->deps = *deps;
    c->bundle = bundle_ref(config->bundle);
    c->unwritten_end = &c->unwritten;
    block_cutter_init(&c->cutter);
    if (bundle_orderer(c->bundle) == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "[channel %s] has no orderer configuration", c->id);
    configure_cutter(c);
    struct consenter_config with = { .cluster = config->cluster, .raft_index = config->raft_index };
    enum weft_code rc = block_consenter_metadata(config->last, &with.last_metadata, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error extracting orderer metadata for channel: %s", c->id);
    const struct consenter_support support = { .ctx = c,
                                               .channel = c->id,
                                               .cutter = &c->cutter,
                                               .bundle = support_bundle,
                                               .last_block = support_last_block,
                                               .metadata = support_metadata,
                                               .reprocess = support_reprocess,
                                               .write = support_write,
                                               .write_config = support_write_config,
                                               .accepted = support_accepted,
                                               .refused = support_refused,
                                               .set_timer = support_set_timer };
    WEFT_TRY(block_writer_init(&c->writer, &deps->writer, config->last,
                               bundle_sequence(config->bundle), e));
    rc = consenter_new(&support, &with, &c->consenter, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error creating consenter for channel: %s", c->id);
    c->journal = config->journal;
    c->journal_ends = config->journal_ends;
    chain_status(c, &c->told);
    c->told_refuses = c->told.refuses == NULL ? NULL : weft_strdup(c->told.refuses);
    *ret = WEFT_TAKE(c);
    return WEFT_OK;
}

void chain_free(struct chain *c)
{
    if (c == NULL)
        return;
    consenter_free(c->consenter);
    while (c->unwritten != NULL) {
        struct unwritten *u = c->unwritten;
        c->unwritten = u->after;
        unwritten_free(u);
    }
    block_cutter_done(&c->cutter);
    block_writer_done(&c->writer);
    journal_close(c->journal);
    bundle_unref(c->bundle);
    free(c->accepted);
    free(c->stalled);
    free(c->told_refuses);
    free(c->id);
    free(c);
}

static void journal_pending(struct chain *c)
{
    for (size_t i = c->journaled; i < c->cutter.pending.count; i++)
        journal_add(c->journal, &(struct journal_record){
                                    .block = c->writer.number + 1,
                                    .index = (uint32_t)i,
                                    .config_sequence = bundle_sequence(c->bundle),
                                    .envelope = net_msg_bytes(c->cutter.pending.at[i]),
                                });
}

/* ---- what was accepted before the process ended --------------------------------------------------------- */

static enum weft_code order_again(struct chain *c, const struct journal_record *r, uint64_t now_ns,
                                  struct weft_err *e)
{
    struct order_item item = { .kind = ORDER_NORMAL, .config_sequence = r->config_sequence };
    WEFT_CLEANUP(net_msg_unref) struct net_msg *m = net_msg_copy(r->envelope);
    WEFT_TRY(ordered_message_of(m, &item.message, e));
    c->consenter->ops->order(c->consenter, &item, now_ns);
    return WEFT_OK;
}

/* Does the journal hold the pending messages, and no others, at their places? */
static bool journal_is_current(const struct chain *c)
{
    if (journal_found_count(c->journal) != c->cutter.pending.count)
        return false;
    for (size_t i = 0; i < c->cutter.pending.count; i++) {
        const struct journal_record *r = journal_found(c->journal, i);
        if (r->block != c->writer.number + 1 ||
            !bytes_eq(r->envelope, net_msg_bytes(c->cutter.pending.at[i])))
            return false;
    }
    return true;
}

static enum weft_code replay(struct chain *c, uint64_t now_ns, struct weft_err *e)
{
    size_t again = 0, count = journal_found_count(c->journal);
    WEFT_FREE bool *done = weft_alloc((count + 1) * sizeof(*done));
    WEFT_TRY(
        journal_find_done(c->journal, c->writer.number, c->deps.read_block, c->deps.ctx, done, e));
    for (size_t i = 0; i < count; i++) {
        if (done[i])
            continue;
        WEFT_TRY(order_again(c, journal_found(c->journal, i), now_ns, e));
        again++;
    }
    if (again > 0)
        LOG_INFO(&logger,
                 "Ordering [%zu] messages that were accepted before the last stop" LOG_KV
                 "channel=%s",
                 again, c->id);
    if (c->journal_ends)
        c->consenter->ops->flush(c->consenter, now_ns);
    if (c->stalled != NULL)
        return WEFT_FAIL(e, WEFT_IO, "%s", c->stalled);
    if (c->appended)
        WEFT_TRY(c->deps.sync(c->deps.ctx, e));
    c->appended = false;
    if (!journal_is_current(c)) {
        journal_pending(c);
        WEFT_TRY(journal_replace(c->journal, e));
    }
    c->journaled = c->cutter.pending.count;
    journal_forget(c->journal);
    return WEFT_OK;
}

enum weft_code chain_start(struct chain *c, uint64_t now_ns, struct weft_err *e)
{
    c->consenter->ops->start(c->consenter, now_ns);
    if (c->journal == NULL)
        return WEFT_OK;
    if (c->told.refuses != NULL) {
        if (journal_found_count(c->journal) > 0)
            LOG_WARN(&logger,
                     "The journal's [%zu] messages stay where they are: %s" LOG_KV "channel=%s",
                     journal_found_count(c->journal), c->told.refuses, c->id);
        journal_close(WEFT_TAKE(c->journal)); /* nothing will be accepted */
        return WEFT_OK;
    }
    enum weft_code rc = replay(c, now_ns, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "[channel: %s] replaying the journal", c->id);
    if (c->journal_ends)
        journal_close(WEFT_TAKE(c->journal));
    return WEFT_OK;
}

/* ---- events --------------------------------------------------------------------------------------------- */

static void step_done(struct chain *c)
{
    if (c->stalled != NULL)
        set_timer(c);
    tell_status(c);
}

void chain_order(struct chain *c, struct order_request *r, uint64_t now_ns)
{
    struct weft_err why = { 0 };
    struct order_item item = { .kind = r->kind,
                               .config_sequence = r->config_sequence,
                               .request = r };
    enum weft_code rc;
    if (c->stalled != NULL)
        rc = WEFT_FAIL(&why, WEFT_UNAVAILABLE, "%s", c->stalled);
    else
        rc = ordered_message_of(r->envelope, &item.message, &why);
    if (rc != WEFT_OK) {
        answer(c, r, rc, &why);
        return;
    }
    c->consenter->ops->order(c->consenter, &item, now_ns);
    step_done(c);
}

void chain_timer(struct chain *c, uint64_t now_ns)
{
    if (c->stalled != NULL && now_ns >= c->retry_at)
        write_unwritten(c, now_ns);
    if (c->stalled == NULL && c->consenter_at != 0 && now_ns >= c->consenter_at) {
        c->consenter_at = 0;
        if (c->dropped && block_cutter_pending(&c->cutter) == 0)
            c->consenter->ops->flush(c->consenter, now_ns); /* nothing to write: stops its timer */
        else
            c->consenter->ops->timer(c->consenter, now_ns);
        c->dropped = false;
    }
    set_timer(c);
    tell_status(c);
}

/* The newest ones could not be kept: they are taken back, and their clients told. */
static void take_back(struct chain *c, const struct weft_err *why)
{
    size_t n = c->cutter.pending.count - c->journaled;
    LOG_WARN(&logger, "Could not keep %zu messages, refusing them: %s" LOG_KV "channel=%s", n,
             why->msg, c->id);
    block_cutter_drop_newest(&c->cutter, n);
    c->dropped = true;
    WEFT_ASSERT(n <= c->accepted_count);
    for (size_t i = c->accepted_count - n; i < c->accepted_count; i++)
        answer(c, c->accepted[i], WEFT_UNAVAILABLE, why);
    c->accepted_count -= n;
}

static enum weft_code keep_pending(struct chain *c, struct weft_err *e)
{
    if (c->journal == NULL || c->journaled == c->cutter.pending.count)
        return WEFT_OK;
    journal_pending(c);
    enum weft_code rc = journal_sync(c->journal, e);
    if (rc == WEFT_UNAVAILABLE)
        take_back(c, e);
    else if (rc != WEFT_OK)
        return rc;
    c->journaled = c->cutter.pending.count;
    return WEFT_OK;
}

enum weft_code chain_end_turn(struct chain *c, uint64_t now_ns, struct weft_err *e)
{
    (void)now_ns;
    if (c->appended) {
        enum weft_code rc = c->deps.sync(c->deps.ctx, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "[channel: %s] Could not append block", c->id);
        c->appended = false;
    }
    if (c->stalled != NULL)
        return WEFT_OK; /* all wait for the disk */
    WEFT_TRY(keep_pending(c, e));
    for (size_t i = 0; i < c->accepted_count; i++)
        answer(c, c->accepted[i], WEFT_OK, NULL);
    c->accepted_count = 0;
    return WEFT_OK;
}

enum weft_code chain_stop(struct chain *c, uint64_t now_ns, struct weft_err *e)
{
    if (c->stalled != NULL)
        write_unwritten(c, now_ns); /* a last time */
    if (c->stalled == NULL)
        c->consenter->ops->flush(c->consenter, now_ns);
    WEFT_TRY(chain_end_turn(c, now_ns, e));
    struct weft_err why = { 0 };
    enum weft_code rc = WEFT_FAIL(&why, WEFT_UNAVAILABLE, "%s",
                                  c->stalled != NULL ? c->stalled : "chain is stopped");
    for (size_t i = 0; i < c->accepted_count; i++)
        answer(c, c->accepted[i], rc, &why);
    c->accepted_count = 0;
    return WEFT_OK;
}
