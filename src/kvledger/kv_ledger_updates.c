#include "base/log.h"
#include "kvledger/kv_ledger_channel.h"
#include "proto/block.h"
#include "validation/block_validation.h"

#include <inttypes.h>

LOG_DEFINE(logger, "validation");

void block_work_done(struct block_work *w)
{
    collections_free(w->collections);
    block_pvt_free(w->pvt);
}

/* ---- transactions --------------------------------------------------------------------------------- */

const struct tx_check *block_txs_at(const struct block_txs *txs, size_t i)
{
    return txs->validated != NULL ? block_validation_tx(txs->validated, i) : &txs->own[i];
}

enum weft_code block_txs_read(struct block_txs *txs, const struct block_view *v,
                              uint8_t **ret_codes, struct weft_err *e)
{
    struct bytes flags = block_slot(v, BLOCK_SLOT_FLAGS);
    size_t count = v->txs.count;
    if (flags.len != count)
        return WEFT_FAIL(e, WEFT_INVALID, "block [%" PRIu64 "] has %zu transactions but %zu flags",
                         v->number, count, flags.len);
    uint8_t *codes = weft_alloc(count + 1);
    *txs = (struct block_txs){ .number = v->number, .count = count };
    txs->own = arena_alloc(&txs->arena, (count + 1) * sizeof(*txs->own));
    for (size_t i = 0; i < count; i++) {
        codes[i] = flags.data[i];
        if (codes[i] != TX_VALID)
            continue;
        tx_check_again(v->txs.at[i], &txs->arena, &txs->own[i]);
        codes[i] = (uint8_t)txs->own[i].code;
    }
    *ret_codes = codes;
    return WEFT_OK;
}

void block_txs_done(struct block_txs *txs)
{
    arena_done(&txs->arena);
}

/* ---- codes and updates ------------------------------------------------------------------------------ */

static void tell_invalid(const struct kv_ledger *l, const struct block_work *w, size_t i,
                         bool by_state)
{
    struct bytes id = block_txs_at(w->txs, i)->tx_id;
    const char *name = tx_validation_code_name(w->codes[i]);
    if (by_state)
        LOG_WARN(&logger,
                 "Block [%" PRIu64 "] Transaction index [%zu] TxId [%.*s] marked as invalid by "
                 "state validator. Reason code [%s]",
                 w->txs->number, i, (int)id.len, (const char *)id.data, name != NULL ? name : "");
    else
        LOG_WARN(&logger,
                 "Channel [%s]: Block [%" PRIu64 "] Transaction index [%zu] TxId [%.*s] marked as "
                 "invalid by committer. Reason code [%s]",
                 l->channel, w->txs->number, i, (int)id.len, (const char *)id.data,
                 name != NULL ? name : "");
}

static enum weft_code judge(struct kv_ledger *l, const struct block_work *w, size_t i,
                            struct weft_err *e)
{
    enum tx_validation_code code = TX_VALID;
    if (w->codes[i] != TX_VALID) {
        tell_invalid(l, w, i, false);
        return WEFT_OK;
    }
    WEFT_TRY(mvcc_check(&l->committed, l->updates, block_txs_at(w->txs, i), &code, e));
    w->codes[i] = (uint8_t)code;
    if (code != TX_VALID)
        tell_invalid(l, w, i, true);
    return WEFT_OK;
}

enum weft_code kv_ledger_prepare(struct kv_ledger *l, const struct block_work *w, bool check_reads,
                                 struct weft_err *e)
{
    uint64_t number = w->txs->number;
    update_batch_clear(l->updates);
    for (size_t i = 0; i < w->txs->count; i++) {
        if (check_reads)
            WEFT_TRY(judge(l, w, i, e));
        if (w->codes[i] == TX_VALID)
            WEFT_TRY(mvcc_apply(l->mvcc, &l->committed, l->updates, block_txs_at(w->txs, i),
                                (struct state_version){ number, i }, e));
    }
    struct state_overlay with = { l->updates, l->committed };
    struct state_reader after = state_overlay_reader(&with);
    WEFT_TRY(config_history_commit(&l->configs, number, l->updates, &after, e));
    if (!check_reads)
        return WEFT_OK;
    return config_history_note_eligible(l->pvt, l->all->mspid, number, l->updates, &l->committed,
                                        &after, e);
}

enum weft_code kv_ledger_add_private(struct kv_ledger *l, const struct block_work *w,
                                     struct weft_err *e)
{
    uint64_t number = w->txs->number;
    WEFT_TRY(block_pvt_add_updates(w->pvt, w->codes, w->txs->count, &l->committed, l->updates, e));
    WEFT_TRY(expiry_keeper_track(l->expiry, number, l->updates, w->collections, e));
    return expiry_keeper_expire(l->expiry, number, &l->committed, l->updates, e);
}

/* ---- what waits ---------------------------------------------------------------------------------------- */

void kv_ledger_pend(struct kv_ledger *l, const struct block_work *w)
{
    update_batch_add_all(l->pending, l->updates);
    l->pending_txs = w->txs->count;
    l->savepoint = (struct state_version){ w->txs->number, l->pending_txs - 1 };
    l->next = w->txs->number + 1;
}

void kv_ledger_add_history(struct kv_ledger *l, const struct block_work *w)
{
    for (size_t i = 0; l->history != NULL && i < w->txs->count; i++)
        if (w->codes[i] == TX_VALID)
            history_db_add(l->history, w->txs->number, i, block_txs_at(w->txs, i));
}
