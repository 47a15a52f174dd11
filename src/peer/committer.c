#include "peer/committer.h"

#include "base/log.h"
#include "bundle/bundle.h"
#include "kvledger/kv_ledger.h"
#include "ops/metrics.h"
#include "peer/commit_counts.h"
#include "proto/block.h"
#include "proto/envelope.h"
#include "validation/block_validation.h"
#include "validation/config_apply.h"
#include "validation/tx_validator.h"

#include <inttypes.h>

LOG_DEFINE(privdata_log, "gossip.privdata");
LOG_DEFINE(validator_log, "committer.txvalidator");

enum {
    OWN_IDENTITIES = 256, /* of the lane for parts that no worker takes */
};

struct committer_block {
    struct committer_block *next;
    struct block *block;
    struct block_validation *v; /* NULL: nobody has looked at it yet */
    bool is_config;
    size_t next_part; /* the first one that nobody has been given */
    size_t out;       /* given, and not back */
};

struct committer {
    const char *channel_id;
    struct kv_ledger *ledger;
    struct bundle *bundle;
    struct committer_deps deps;
    struct tx_validator *validator;
    struct validation_lane *lane;
    struct commit_counts *counts;
    struct committer_block *head, **tail;
    size_t out;
    uint64_t bytes;          /* committed since the start */
    uint64_t unsynced_bytes; /* of blocks that are not announced */
    uint64_t unsynced_since_ns;
    uint64_t unsynced;          /* blocks */
    struct bundle *next_bundle; /* of the block that is decided; NULL: no config in it */
    bool is_syncing; /* blocks before those that are not synced are on their way to the disk */
    bool is_stopped;
};

/* ---- life ------------------------------------------------------------------------------------ */

static enum weft_code apply_config(void *ctx, const struct block *b, size_t tx, struct weft_err *e)
{
    struct committer *c = ctx;
    const struct bundle *now = c->next_bundle != NULL ? c->next_bundle : c->bundle;
    struct bundle *next = NULL;
    WEFT_TRY(config_apply(now, b->v.txs.at[tx], &next, e));
    bundle_unref(c->next_bundle);
    c->next_bundle = next;
    return WEFT_OK;
}

static struct msp_manager *msps_of(void *ctx, struct bytes channel_id)
{
    const struct committer *c = ctx;
    return c->deps.msps_of(c->deps.ctx, channel_id);
}

struct committer *committer_new(const struct committer_config *config,
                                const struct committer_deps *deps)
{
    struct committer *c = weft_alloc(sizeof(*c));
    c->channel_id = config->channel_id;
    c->ledger = config->ledger;
    c->bundle = bundle_ref(config->bundle);
    c->deps = *deps;
    c->tail = &c->head;
    c->lane = validation_lane_new(config->tables, OWN_IDENTITIES);
    c->validator = tx_validator_new(
        &(struct tx_validator_deps){ .ctx = c, .apply_config = apply_config, .msps_of = msps_of });
    c->counts = commit_counts_new(config->metrics, config->channel_id);
    commit_counts_height(c->counts, kv_ledger_next(c->ledger));
    if (kv_ledger_is_new(c->ledger))
        commit_counts_first(c->counts, kv_ledger_first_times(c->ledger));
    kv_ledger_tell_times(c->ledger, commit_counts_times, c->counts);
    return c;
}

static void block_free(struct committer_block *b)
{
    block_validation_free(b->v);
    block_unref(b->block);
    free(b);
}

void committer_free(struct committer *c)
{
    if (c == NULL)
        return;
    WEFT_ASSERT(committer_out(c) == 0);
    for (struct committer_block *b = c->head, *next; b != NULL; b = next) {
        next = b->next;
        block_free(b);
    }
    kv_ledger_tell_times(c->ledger, NULL, NULL);
    commit_counts_free(c->counts);
    tx_validator_free(c->validator);
    validation_lane_free(c->lane);
    bundle_unref(c->next_bundle);
    bundle_unref(c->bundle);
    free(c);
}

size_t committer_out(const struct committer *c)
{
    return c->out + c->is_syncing;
}

uint64_t committer_next(const struct committer *c)
{
    return kv_ledger_next(c->ledger);
}

uint64_t committer_bytes(const struct committer *c)
{
    return c->bytes;
}

/* ---- ahead of their turn ------------------------------------------------------------------------ */

/* What was found out under another configuration is worth nothing. */
static void prepare(struct committer *c, struct committer_block *b)
{
    if (b->out > 0 || (b->v != NULL && block_validation_is_of(b->v, c->bundle)))
        return;
    block_validation_free(b->v);
    b->v = block_validation_new(b->block, c->bundle);
    b->next_part = 0;
}

/* Up to a config block: what lies behind it is looked at under another configuration. */
static void hand_out(struct committer *c)
{
    for (struct committer_block *b = c->head; b != NULL && !c->is_stopped; b = b->next) {
        prepare(c, b);
        for (; b->next_part < block_validation_parts(b->v); b->next_part++) {
            if (c->out >= COMMITTER_PARTS_OUT || !c->deps.run(c->deps.ctx, b, b->next_part))
                return;
            b->out++;
            c->out++;
        }
        if (b->is_config)
            return;
    }
}

static bool is_config_block(const struct block_view *v)
{
    struct envelope_headers h;
    return v->txs.count == 1 && envelope_headers_parse(v->txs.at[0], &h, NULL) == WEFT_OK &&
           h.channel.type == HEADER_CONFIG;
}

void committer_put(struct committer *c, struct block *block)
{
    struct committer_block *b = weft_alloc(sizeof(*b));
    b->block = block_ref(block);
    b->is_config = is_config_block(&block->v);
    *c->tail = b;
    c->tail = &b->next;
    hand_out(c);
}

void committer_block_run(struct committer_block *b, size_t part, struct validation_lane *lane)
{
    block_validation_run(b->v, part, lane);
}

void committer_part_done(struct committer *c, struct committer_block *b)
{
    b->out--;
    c->out--;
    hand_out(c);
}

/* Can the first one be decided?  If no worker takes its parts, they are run here. */
static bool head_is_ready(struct committer *c)
{
    struct committer_block *b = c->head;
    if (b == NULL)
        return false;
    prepare(c, b);
    while (b->out == 0 && b->next_part < block_validation_parts(b->v))
        block_validation_run(b->v, b->next_part++, c->lane);
    return b->out == 0 && block_validation_is_of(b->v, c->bundle);
}

/* ---- in order --------------------------------------------------------------------------------------- */

static enum weft_code decide(struct committer *c, const struct block_validation *v, uint8_t *codes,
                             struct weft_err *e)
{
    const struct block *block = block_validation_block(v);
    uint64_t began = c->deps.now_ns(c->deps.ctx);
    enum weft_code rc =
        tx_validator_decide(c->validator, v, kv_ledger_validation_state(c->ledger), codes, e);
    if (rc != WEFT_OK) {
        LOG_ERROR(&privdata_log, "Validation failed: %s" LOG_KV "channel=%s", e->msg,
                  c->channel_id);
        return rc;
    }
    uint64_t took = c->deps.now_ns(c->deps.ctx) - began;
    LOG_INFO(&validator_log, "[%s] Validated block [%" PRIu64 "] in %" PRIu64 "ms", c->channel_id,
             block->v.number, took / 1000000);
    commit_counts_validated(c->counts, took);
    return WEFT_OK;
}

static void take_bundle(struct committer *c)
{
    if (c->next_bundle == NULL)
        return;
    bundle_unref(c->bundle);
    c->bundle = WEFT_TAKE(c->next_bundle);
    c->deps.configured(c->deps.ctx, c->bundle);
}

static enum weft_code commit_head(struct committer *c, struct weft_err *e)
{
    struct committer_block *b = c->head;
    const struct block *block = b->block;
    WEFT_FREE uint8_t *codes = weft_alloc(block->v.txs.count + 1);
    uint64_t began = c->deps.now_ns(c->deps.ctx);
    LOG_INFO(&privdata_log, "Received block [%" PRIu64 "] from buffer" LOG_KV "channel=%s",
             block->v.number, c->channel_id);
    WEFT_TRY(decide(c, b->v, codes, e));
    uint64_t decided = c->deps.now_ns(c->deps.ctx);
    enum weft_code rc = kv_ledger_commit(c->ledger, b->v, codes, NULL, 0, e);
    if (rc != WEFT_OK) /* also INVALID: what comes here was looked through */
        return weft_err_wrap(e, rc == WEFT_UNAVAILABLE ? WEFT_IO : rc, "commit failed");
    uint64_t now = c->deps.now_ns(c->deps.ctx);
    commit_counts_committed(c->counts, b->v, codes, decided - began, now - decided);
    if (c->unsynced++ == 0)
        c->unsynced_since_ns = now;
    c->unsynced_bytes += block->raw.len;
    c->bytes += block->raw.len;
    c->head = b->next;
    if (c->head == NULL)
        c->tail = &c->head;
    block_free(b);
    take_bundle(c);
    return WEFT_OK;
}

static enum weft_code end_sync(struct committer *c, struct weft_err *e)
{
    WEFT_TRY(kv_ledger_sync_end(c->ledger, e));
    commit_counts_height(c->counts, block_store_height(kv_ledger_blocks(c->ledger)));
    return WEFT_OK;
}

/* Elsewhere, if somebody takes it and more is to be done here meanwhile. */
static enum weft_code begin_sync(struct committer *c, struct weft_err *e)
{
    struct kv_sync *s = NULL;
    const struct block *next = c->head != NULL && !c->is_stopped ? c->head->block : NULL;
    WEFT_TRY(kv_ledger_sync_begin(c->ledger, next, &s, e));
    c->unsynced = 0;
    c->unsynced_bytes = 0;
    if (s == NULL)
        return WEFT_OK;
    c->is_syncing = !c->is_stopped && c->deps.sync(c->deps.ctx, s);
    if (c->is_syncing)
        return WEFT_OK;
    kv_sync_run(s);
    return end_sync(c, e);
}

static enum weft_code sync_if_due(struct committer *c, struct weft_err *e)
{
    if (c->unsynced == 0 || c->is_syncing)
        return WEFT_OK;
    uint64_t waited = c->deps.now_ns(c->deps.ctx) - c->unsynced_since_ns;
    bool is_due = c->head == NULL || c->is_stopped || kv_ledger_sync_is_due(c->ledger) ||
                  c->unsynced_bytes >= COMMITTER_UNSYNCED_BYTES ||
                  !kv_ledger_has_room(c->ledger, c->head->block) ||
                  waited >= COMMITTER_UNSYNCED_MS * UINT64_C(1000000);
    return is_due ? begin_sync(c, e) : WEFT_OK;
}

static bool has_to_wait(const struct committer *c)
{
    return c->is_syncing && (c->unsynced_bytes >= COMMITTER_BEHIND_BYTES ||
                             !kv_ledger_takes(c->ledger, c->head->block));
}

enum weft_code committer_step(struct committer *c, struct weft_err *e)
{
    enum weft_code rc = WEFT_OK;
    while (rc == WEFT_OK && !c->is_stopped && head_is_ready(c) && !has_to_wait(c)) {
        rc = commit_head(c, e);
        if (rc == WEFT_OK)
            rc = sync_if_due(c, e);
        hand_out(c);
    }
    if (rc != WEFT_UNAVAILABLE)
        return rc;
    /* The process lives on: what was committed before is not kept back. */
    struct weft_err why = { 0 };
    enum weft_code synced = committer_end(c, &why);
    if (synced != WEFT_OK)
        return WEFT_FAIL(e, synced, "%s", why.msg);
    return rc;
}

enum weft_code committer_synced(struct committer *c, struct weft_err *e)
{
    c->is_syncing = false;
    WEFT_TRY(end_sync(c, e));
    return sync_if_due(c, e);
}

enum weft_code committer_end(struct committer *c, struct weft_err *e)
{
    c->is_stopped = true;
    return sync_if_due(c, e);
}
