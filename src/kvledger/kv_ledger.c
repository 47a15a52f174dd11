#include "kvledger/kv_ledger.h"

#include "base/log.h"
#include "kvledger/kv_ledger_channel.h"
#include "os/clock.h"
#include "proto/block.h"
#include "proto/envelope.h"
#include "validation/block_validation.h"

#include <inttypes.h>

LOG_DEFINE(logger, "kvledger");
LOG_DEFINE(validation_logger, "validation");

enum {
    /* What waits for a sync: more is synced without being asked. */
    PENDING_BYTES_MAX = 8 << 20,
    PENDING_BLOCKS_MAX = 256,
};

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
    *ret = byte_map_find(&l->pending_ids, tx_id) != NULL;
    return *ret ? WEFT_OK : block_store_has_tx_id(l->blocks, tx_id, ret, e);
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

/* ---- one block: its codes and updates -------------------------------------------------------------- */

static void tell_invalid(const struct kv_ledger *l, uint64_t block, size_t tx, struct bytes id,
                         unsigned code, bool by_state)
{
    const char *name = tx_validation_code_name(code);
    if (by_state)
        LOG_WARN(&validation_logger,
                 "Block [%" PRIu64 "] Transaction index [%zu] TxId [%.*s] marked as invalid by "
                 "state validator. Reason code [%s]",
                 block, tx, (int)id.len, (const char *)id.data, name != NULL ? name : "");
    else
        LOG_WARN(&validation_logger,
                 "Channel [%s]: Block [%" PRIu64 "] Transaction index [%zu] TxId [%.*s] marked as "
                 "invalid by committer. Reason code [%s]",
                 l->channel, block, tx, (int)id.len, (const char *)id.data,
                 name != NULL ? name : "");
}

enum weft_code kv_ledger_prepare(struct kv_ledger *l, const struct block_txs *txs, bool check_reads,
                                 uint8_t *codes, struct weft_err *e)
{
    update_batch_clear(l->updates);
    for (size_t i = 0; i < txs->count; i++) {
        const struct tx_check *tx = block_txs_at(txs, i);
        enum tx_validation_code code = TX_VALID;
        if (codes[i] != TX_VALID) {
            if (check_reads)
                tell_invalid(l, txs->number, i, tx->tx_id, codes[i], false);
            continue;
        }
        if (check_reads)
            WEFT_TRY(mvcc_check(&l->committed, l->updates, tx, &code, e));
        codes[i] = (uint8_t)code;
        if (code == TX_VALID)
            WEFT_TRY(mvcc_apply(l->mvcc, &l->committed, l->updates, tx,
                                (struct state_version){ txs->number, i }, e));
        else
            tell_invalid(l, txs->number, i, tx->tx_id, code, true);
    }
    return WEFT_OK;
}

/* The block as the peer stores it: flags and commit hash are its own. */
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

/* From block 1 on, unless it goes on a chain that has none. */
static void add_commit_hash(struct kv_ledger *l, struct stored_block *s)
{
    if (s->v.number != 1 && !l->has_commit_hash)
        return;
    l->commit_hash = commit_hash_of(s->slots[BLOCK_SLOT_FLAGS], l->updates,
                                    l->has_commit_hash ? &l->commit_hash : NULL);
    l->has_commit_hash = true;
    wire_put_bytes(&s->hash, 1, digest_bytes(&l->commit_hash));
    s->slots[BLOCK_SLOT_COMMIT_HASH] = buf_bytes(&s->hash);
}

/* ---- what waits for a sync ---------------------------------------------------------------------------- */

static void keep_id(struct kv_ledger *l, struct bytes envelope)
{
    char room[TX_ID_LEN + 1];
    struct bytes id;
    if (envelope_tx_id(envelope, room, &id, NULL) != WEFT_OK || id.len == 0)
        return;
    uint8_t *copy = arena_alloc(&l->pending_room, id.len);
    memcpy(copy, id.data, id.len);
    *byte_map_at(&l->pending_ids, bytes_of(copy, id.len)) = l;
}

void kv_ledger_pend(struct kv_ledger *l, const struct block_txs *txs)
{
    update_batch_add_all(l->pending, l->updates);
    l->savepoint = (struct state_version){ txs->number, txs->count > 0 ? txs->count - 1 : 0 };
    l->next = txs->number + 1;
}

static void remember(struct kv_ledger *l, const struct block_view *v, uint64_t started,
                     uint64_t validated, uint64_t stored)
{
    if (l->told_count == l->told_cap) {
        l->told_cap = l->told_cap > 0 ? 2 * l->told_cap : 16;
        l->told = weft_realloc(l->told, l->told_cap * sizeof(*l->told));
    }
    l->told[l->told_count++] = (struct told_block){
        .number = v->number,
        .txs = v->txs.count,
        .has_hash = l->has_commit_hash,
        .hash = l->commit_hash,
        .validation_ms = validated - started,
        .storage_ms = stored - validated,
    };
    for (size_t i = 0; i < v->txs.count; i++)
        keep_id(l, v->txs.at[i]);
}

static void tell_committed(struct kv_ledger *l, uint64_t storage_ms, uint64_t state_ms)
{
    for (size_t i = 0; i < l->told_count; i++) {
        const struct told_block *b = &l->told[i];
        struct bytes hash = b->has_hash ? digest_bytes(&b->hash) : bytes_of(NULL, 0);
        WEFT_FREE char *hex = bytes_to_hex(hash);
        LOG_INFO(&logger,
                 "[%s] Committed block [%" PRIu64 "] with %zu transaction(s) in %" PRIu64
                 "ms (state_validation=%" PRIu64 "ms block_and_pvtdata_commit=%" PRIu64
                 "ms state_commit=%" PRIu64 "ms) commitHash=[%s]",
                 l->channel, b->number, b->txs,
                 b->validation_ms + b->storage_ms + storage_ms + state_ms, b->validation_ms,
                 b->storage_ms + storage_ms, state_ms, hex);
    }
    l->told_count = 0;
}

enum weft_code kv_ledger_write_state(struct kv_ledger *l, struct weft_err *e)
{
    WEFT_TRY(state_db_apply(l->state, l->pending, &l->savepoint, false, e));
    update_batch_clear(l->pending);
    return WEFT_OK;
}

/* Blocks first: state and history never know of one that a crash can take away.  Readers hear
 * of the blocks when all of it is there. */
enum weft_code kv_ledger_sync(struct kv_ledger *l, struct weft_err *e)
{
    if (l->told_count == 0)
        return WEFT_OK;
    uint64_t started = clock_monotonic_ms();
    WEFT_TRY(block_store_flush(l->blocks, e));
    uint64_t stored = clock_monotonic_ms();
    WEFT_TRY(kv_ledger_write_state(l, e));
    byte_map_clear(&l->pending_ids);
    arena_reset(&l->pending_room);
    WEFT_TRY(block_store_sync(l->blocks, e));
    tell_committed(l, stored - started, clock_monotonic_ms() - stored);
    return WEFT_OK;
}

/* ---- commit --------------------------------------------------------------------------------------------- */

static enum weft_code commit(struct kv_ledger *l, const struct block_view *v,
                             const struct block_txs *txs, uint8_t *codes, struct weft_err *e)
{
    struct stored_block s;
    uint64_t started = clock_monotonic_ms();
    WEFT_TRY(block_store_check_next(l->blocks, v, e));
    WEFT_TRY(stored_block_init(&s, v, bytes_of(codes, txs->count), e));
    WEFT_TRY(kv_ledger_prepare(l, txs, true, codes, e));
    uint64_t validated = clock_monotonic_ms();
    add_commit_hash(l, &s);
    enum weft_code rc = block_store_append(l->blocks, &s.v, BLOCK_APPEND_LATER, e);
    buf_done(&s.hash);
    if (rc != WEFT_OK)
        return rc;
    kv_ledger_pend(l, txs);
    remember(l, v, started, validated, clock_monotonic_ms());
    if (l->pending->bytes > PENDING_BYTES_MAX || l->told_count >= PENDING_BLOCKS_MAX)
        return kv_ledger_sync(l, e);
    return WEFT_OK;
}

enum weft_code kv_ledger_commit(struct kv_ledger *l, const struct block_validation *v,
                                uint8_t *codes, const struct kv_pvt_data *pvt, size_t pvt_count,
                                struct weft_err *e)
{
    const struct block *b = block_validation_block(v);
    struct block_txs txs = { .number = b->v.number, .count = b->v.txs.count, .validated = v };
    (void)pvt;
    (void)pvt_count;
    return commit(l, &b->v, &txs, codes, e);
}

enum weft_code kv_ledger_commit_first(struct kv_ledger *l, const struct block *b,
                                      struct weft_err *e)
{
    WEFT_CLEANUP(block_txs_done) struct block_txs txs = { 0 };
    struct bytes flags = block_slot(&b->v, BLOCK_SLOT_FLAGS);
    if (flags.len != b->v.txs.count)
        return WEFT_FAIL(e, WEFT_INVALID, "block [%" PRIu64 "] has %zu transactions but %zu flags",
                         b->v.number, b->v.txs.count, flags.len);
    WEFT_FREE uint8_t *codes = weft_alloc(flags.len + 1);
    if (flags.len > 0)
        memcpy(codes, flags.data, flags.len);
    block_txs_read(&txs, &b->v, codes);
    WEFT_TRY(commit(l, &b->v, &txs, codes, e));
    return kv_ledger_sync(l, e);
}
