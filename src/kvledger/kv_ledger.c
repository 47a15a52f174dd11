#include "kvledger/kv_ledger.h"

#include "base/log.h"
#include "kvledger/kv_ledger_channel.h"
#include "kvledger/tx_pvt_rwset.h"
#include "ledger/block_record.h"
#include "os/clock.h"
#include "proto/block.h"
#include "validation/block_validation.h"

#include <inttypes.h>

enum {
    COMMIT_HASH_SLOT_BYTES = 2 + SHA256_BYTES, /* as field 1 of a message */
};

LOG_DEFINE(pvt_log, "gossip.privdata");

/* ---- what the validator asks ------------------------------------------------------------------ */

static enum weft_code ask(struct kv_ledger *l, const struct state_key *key, bool *ret_found,
                          struct state_value *ret, struct weft_err *e)
{
    return state_reader_get(&l->committed, key, &l->room, ret_found, ret, e);
}

static enum weft_code ask_value(void *ctx, struct bytes ns, struct bytes key, struct buf *ret,
                                struct weft_err *e)
{
    struct kv_ledger *l = ctx;
    struct state_key k = { .space = STATE_PUBLIC, .ns = ns, .key = key };
    struct state_value v;
    bool found = false;
    WEFT_TRY(ask(l, &k, &found, &v, e));
    if (!found)
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "no such key");
    buf_put(ret, v.value);
    return WEFT_OK;
}

static enum weft_code ask_metadata(void *ctx, struct bytes ns, struct bytes collection,
                                   struct bytes key, struct buf *ret, struct weft_err *e)
{
    struct kv_ledger *l = ctx;
    struct state_key k = { collection.len > 0 ? STATE_HASHED : STATE_PUBLIC, ns, collection, key };
    struct state_value v;
    bool found = false;
    WEFT_TRY(ask(l, &k, &found, &v, e));
    if (!found || v.metadata.len == 0)
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "no metadata");
    buf_put(ret, v.metadata);
    return WEFT_OK;
}

static bool ask_may_have_metadata(void *ctx, struct bytes ns)
{
    struct kv_ledger *l = ctx;
    return l->committed.may_have_metadata(l->committed.ctx, ns);
}

static enum weft_code ask_tx_id(void *ctx, struct bytes tx_id, bool *ret, struct weft_err *e)
{
    struct kv_ledger *l = ctx;
    return tx_ids_has(l->tx_ids, tx_id, ret, e);
}

void kv_ledger_init_validation_state(struct kv_ledger *l)
{
    l->validation_state =
        (struct validation_state){ l, ask_value, ask_metadata, ask_may_have_metadata, ask_tx_id };
}

const struct validation_state *kv_ledger_validation_state(struct kv_ledger *l)
{
    return &l->validation_state;
}

/* ---- looking in --------------------------------------------------------------------------------- */

struct block_store *kv_ledger_blocks(struct kv_ledger *l)
{
    return l->blocks;
}

bool kv_ledger_is_new(const struct kv_ledger *l)
{
    return l->is_new;
}

const struct kv_commit_times *kv_ledger_first_times(const struct kv_ledger *l)
{
    return &l->first;
}

uint64_t kv_ledger_next(const struct kv_ledger *l)
{
    return l->next;
}

enum weft_code kv_ledger_config(struct kv_ledger *l, struct buf *ret, struct weft_err *e)
{
    return ask_value(l, bytes_of(NULL, 0), bytes_of_str(MVCC_CONFIG_KEY), ret, e);
}

struct state_snapshot *kv_ledger_snapshot(struct kv_ledger *l)
{
    return state_snapshot_new(l->state);
}

/* ---- the block as the peer stores it -------------------------------------------------------------- */

/* Flags and commit hash are its own. */
struct stored_block {
    struct block_view v;
    struct bytes slots[LIMIT_BLOCK_METADATA_SLOTS];
    struct buf hash;
};

static enum weft_code stored_block_init(struct stored_block *s, const struct block_view *v,
                                        struct bytes flags, struct weft_err *e)
{
    if (v->slots.count > LIMIT_BLOCK_METADATA_SLOTS)
        return WEFT_FAIL(e, WEFT_LIMIT, "block [%" PRIu64 "] has too much metadata", v->number);
    *s = (struct stored_block){ .v = *v };
    if (v->slots.count > 0)
        memcpy(s->slots, v->slots.at, v->slots.count * sizeof(s->slots[0]));
    s->v.has_metadata = true;
    s->v.slots.at = s->slots;
    if (s->v.slots.count < BLOCK_SLOT_NR)
        s->v.slots.count = BLOCK_SLOT_NR;
    s->slots[BLOCK_SLOT_FLAGS] = flags;
    return WEFT_OK;
}

static void stored_block_done(struct stored_block *s)
{
    buf_done(&s->hash);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct stored_block, stored_block_done)

/* From block 1 on, unless it goes on a chain that has none. */
static bool gets_commit_hash(const struct kv_ledger *l, const struct block_view *v)
{
    return v->number == 1 || l->has_commit_hash;
}

static void add_commit_hash(struct kv_ledger *l, struct stored_block *s)
{
    if (!gets_commit_hash(l, &s->v))
        return;
    l->commit_hash = commit_hash_of(s->slots[BLOCK_SLOT_FLAGS], l->updates,
                                    l->has_commit_hash ? &l->commit_hash : NULL);
    l->has_commit_hash = true;
    wire_put_bytes(&s->hash, 1, digest_bytes(&l->commit_hash));
    s->slots[BLOCK_SLOT_COMMIT_HASH] = buf_bytes(&s->hash);
}

uint64_t kv_ledger_stored_len(const struct kv_ledger *l, const struct block_view *v)
{
    struct stored_block s;
    struct weft_err e;
    if (stored_block_init(&s, v, bytes_of(NULL, v->txs.count), &e) != WEFT_OK)
        return block_record_len(v); /* it won't be stored */
    if (gets_commit_hash(l, v))
        s.slots[BLOCK_SLOT_COMMIT_HASH] = bytes_of(NULL, COMMIT_HASH_SLOT_BYTES);
    return block_record_len(&s.v);
}

/* ---- commit --------------------------------------------------------------------------------------------- */

static bool pvt_is_ahead(const struct kv_ledger *l)
{
    return pvtdata_store_height(l->pvt) > l->next;
}

enum weft_code kv_ledger_keep_private(struct kv_ledger *l, struct bytes tx_id, uint64_t height,
                                      struct bytes set, struct weft_err *e)
{
    if (l->transient == NULL)
        return WEFT_FAIL(e, WEFT_UNAVAILABLE, "this peer keeps no private data");
    return transient_store_persist(l->transient, tx_id, height, set, e);
}

/* What the block's transactions wrote is in the private data store, and durable there; what was
 * endorsed long ago comes into no block any more.  A failure leaves orphans behind. */
static void purge_transient(struct kv_ledger *l, const struct block_work *w)
{
    const struct block_txs *txs = w->txs;
    uint64_t retention = l->all->config.transient_retention;
    struct weft_err e = { 0 };
    if (l->transient == NULL || !w->is_fetched)
        return;
    if (block_pvt_block(w->pvt)->set_count > 0) {
        WEFT_FREE struct bytes *ids = weft_alloc((txs->count + 1) * sizeof(*ids));
        for (size_t i = 0; i < txs->count; i++)
            ids[i] = block_txs_at(txs, i)->tx_id;
        if (transient_store_purge(l->transient, ids, txs->count, &e) != WEFT_OK)
            LOG_ERROR(&pvt_log,
                      "Purging transactions of block [%" PRIu64 "] failed: %s" LOG_KV "channel=%s",
                      txs->number, e.msg, l->channel);
    }
    if (txs->number % retention == 0 && txs->number > retention &&
        transient_store_purge_below(l->transient, txs->number - retention, &e) != WEFT_OK)
        LOG_ERROR(&pvt_log,
                  "Failed purging data from transient store at block [%" PRIu64 "]: %s" LOG_KV
                  "channel=%s",
                  txs->number, e.msg, l->channel);
}

/* Private data first, then the block: what has one has the other. */
static enum weft_code store(struct kv_ledger *l, const struct block_view *v,
                            const struct block_work *w, struct kv_commit_times *times,
                            struct weft_err *e)
{
    uint64_t started = clock_monotonic_ns();
    if (!pvt_is_ahead(l))
        WEFT_TRY(pvtdata_store_commit(l->pvt, block_pvt_block(w->pvt), w->collections, e));
    uint64_t kept = clock_monotonic_ns();
    WEFT_TRY(block_store_append(l->blocks, v, BLOCK_APPEND_LATER, e));
    times->block_ns = clock_monotonic_ns() - kept;
    times->storage_ns = kept - started + times->block_ns;
    return WEFT_OK;
}

static enum weft_code commit(struct kv_ledger *l, const struct block_view *v, struct block_work *w,
                             struct weft_err *e)
{
    WEFT_CLEANUP(stored_block_done) struct stored_block s = { 0 };
    struct kv_commit_times times = { .fetch_ns = w->fetch_ns, .is_lacking = w->is_lacking };
    uint64_t started = clock_monotonic_ns();
    WEFT_TRY(stored_block_init(&s, v, bytes_of(w->codes, w->txs->count), e));
    WEFT_TRY(kv_ledger_prepare(l, w, true, e));
    add_commit_hash(l, &s);
    WEFT_TRY(kv_ledger_add_private(l, w, e));
    times.validation_ns = clock_monotonic_ns() - started;
    WEFT_TRY(store(l, &s.v, w, &times, e));
    uint64_t stored = clock_monotonic_ns();
    purge_transient(l, w);
    times.purge_ns = clock_monotonic_ns() - stored;
    kv_ledger_add_history(l, w);
    kv_ledger_pend(l, w);
    kv_ledger_remember(l, v, &times);
    return kv_ledger_is_full(l) && !l->sync.is_out ? kv_ledger_sync(l, e) : WEFT_OK;
}

static enum weft_code fetch_private(const struct block_validation *v,
                                    const struct pvt_sources *from, struct block_work *w,
                                    struct weft_err *e)
{
    uint64_t started = clock_monotonic_ns();
    WEFT_TRY(block_pvt_new(v, w->codes, w->collections, from, &w->pvt, e));
    w->is_fetched = true;
    w->is_lacking = block_pvt_is_lacking(w->pvt);
    w->fetch_ns = clock_monotonic_ns() - started;
    return WEFT_OK;
}

enum weft_code kv_ledger_commit(struct kv_ledger *l, const struct block_validation *v,
                                uint8_t *codes, const struct kv_pvt_data *pvt, size_t pvt_count,
                                struct weft_err *e)
{
    const struct block_view *b = &block_validation_block(v)->v;
    struct block_txs txs = { .number = b->number, .count = b->txs.count, .validated = v };
    const struct pvt_sources from = { pvt, pvt_count, l->transient };
    WEFT_CLEANUP(block_work_done) struct block_work w = { .txs = &txs };
    w.codes = codes;
    WEFT_TRY(kv_ledger_check(l, e));
    WEFT_TRY(block_store_check_next(l->blocks, b, e));
    w.collections = collections_new(&l->committed, l->all->mspid);
    if (pvt_is_ahead(l))
        WEFT_TRY(block_pvt_of_store(l->pvt, b->number, w.collections, &w.pvt, e));
    else
        WEFT_TRY(fetch_private(v, &from, &w, e));
    return commit(l, b, &w, e);
}

enum weft_code kv_ledger_commit_first(struct kv_ledger *l, const struct block *b,
                                      struct weft_err *e)
{
    WEFT_CLEANUP(block_txs_done) struct block_txs txs = { 0 };
    WEFT_CLEANUP(block_work_done) struct block_work w = { .txs = &txs };
    WEFT_FREE uint8_t *codes = NULL;
    if (b->v.number != 0)
        return WEFT_FAIL(e, WEFT_INVALID, "Expected block number=0, received block number=%" PRIu64,
                         b->v.number);
    WEFT_TRY(block_store_check_next(l->blocks, &b->v, e));
    WEFT_TRY(block_txs_read(&txs, &b->v, &codes, e));
    w.codes = codes;
    w.collections = collections_new(&l->committed, l->all->mspid);
    w.pvt = block_pvt_none(b->v.number);
    WEFT_TRY(commit(l, &b->v, &w, e));
    l->is_new = true;
    return kv_ledger_sync(l, e);
}

/* ---- private data, to be read ------------------------------------------------------------------------------ */

struct pvt_reading {
    struct tx_pvt_writer writer;
    struct buf out;
    bool any;
    uint64_t tx;
    void (*each)(void *ctx, uint64_t tx, struct bytes write_set);
    void *ctx;
};

static void pvt_reading_done(struct pvt_reading *r)
{
    tx_pvt_writer_done(&r->writer);
    buf_done(&r->out);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct pvt_reading, pvt_reading_done)

static void give_tx(struct pvt_reading *r)
{
    if (!r->any)
        return;
    buf_clear(&r->out);
    tx_pvt_writer_end(&r->writer, &r->out);
    r->each(r->ctx, r->tx, buf_bytes(&r->out));
    r->any = false;
}

static enum weft_code take_set(void *ctx, const struct pvt_write_set *set, struct weft_err *e)
{
    struct pvt_reading *r = ctx;
    (void)e;
    if (r->any && r->tx != set->tx)
        give_tx(r);
    r->any = true;
    r->tx = set->tx;
    tx_pvt_writer_add(&r->writer, set);
    return WEFT_OK;
}

enum weft_code kv_ledger_pvt_data(struct kv_ledger *l, uint64_t block,
                                  const struct kv_pvt_filter *filter,
                                  void (*each)(void *ctx, uint64_t tx, struct bytes write_set),
                                  void *ctx, struct weft_err *e)
{
    WEFT_CLEANUP(pvt_reading_done) struct pvt_reading r = { .each = each, .ctx = ctx };
    WEFT_CLEANUP(state_snapshot_free) struct state_snapshot *now = state_snapshot_new(l->state);
    struct state_reader reader = state_snapshot_reader(now);
    WEFT_CLEANUP(collections_free)
    struct collections *c = collections_new(&reader, l->all->mspid);
    WEFT_TRY(pvtdata_store_read(l->pvt, block, c, filter, take_set, &r, e));
    give_tx(&r);
    return WEFT_OK;
}

enum weft_code kv_ledger_collections_at(struct kv_ledger *l, uint64_t block, struct bytes ns,
                                        struct buf *ret, struct weft_err *e)
{
    return config_history_below(&l->configs, block, ns, ret, e);
}
