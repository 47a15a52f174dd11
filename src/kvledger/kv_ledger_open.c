#include "base/log.h"
#include "kvledger/kv_ledger_channel.h"
#include "proto/block.h"
#include "validation/block_validation.h"

#include <inttypes.h>

LOG_DEFINE(logger, "kvledger");

enum {
    REPLAY_BYTES = 4 << 20, /* of updates, written at once */
    REPLAY_TELL = 1000,     /* blocks */
};

/* ---- transactions that were judged before ------------------------------------------------------ */

const struct tx_check *block_txs_at(const struct block_txs *txs, size_t i)
{
    return txs->validated != NULL ? block_validation_tx(txs->validated, i) : &txs->own[i];
}

void block_txs_read(struct block_txs *txs, const struct block_view *v, uint8_t *codes)
{
    txs->number = v->number;
    txs->count = v->txs.count;
    txs->own = arena_alloc(&txs->arena, (txs->count + 1) * sizeof(*txs->own));
    for (size_t i = 0; i < txs->count; i++) {
        if (codes[i] != TX_VALID)
            continue;
        tx_check_again(v->txs.at[i], &txs->arena, &txs->own[i]);
        codes[i] = (uint8_t)txs->own[i].code;
    }
}

void block_txs_done(struct block_txs *txs)
{
    arena_done(&txs->arena);
}

/* ---- recovery ------------------------------------------------------------------------------------ */

static enum weft_code ahead(const char *name, uint64_t height, uint64_t blocks, struct weft_err *e)
{
    return WEFT_FAIL(e, WEFT_CORRUPT,
                     "the %s database [height=%" PRIu64
                     "] is ahead of the block store [height=%" PRIu64
                     "]. This is possible when the %s database is not dropped after a ledger "
                     "reset/rollback. The %s database can safely be dropped and will be rebuilt up "
                     "to block store height upon the next peer start.",
                     name, height, blocks, name, name);
}

static enum weft_code replay_block(struct kv_ledger *l, const struct block *b, struct weft_err *e)
{
    WEFT_CLEANUP(block_txs_done) struct block_txs txs = { 0 };
    struct bytes flags = block_slot(&b->v, BLOCK_SLOT_FLAGS);
    if (flags.len != b->v.txs.count)
        return WEFT_FAIL(e, WEFT_CORRUPT, "block [%" PRIu64 "] has %zu transactions but %zu flags",
                         b->v.number, b->v.txs.count, flags.len);
    WEFT_FREE uint8_t *codes = weft_alloc(flags.len + 1);
    if (flags.len > 0)
        memcpy(codes, flags.data, flags.len);
    block_txs_read(&txs, &b->v, codes);
    WEFT_TRY(kv_ledger_prepare(l, &txs, false, codes, e));
    kv_ledger_pend(l, &txs);
    if (b->v.number % REPLAY_TELL == 0)
        LOG_INFO(&logger, "Recommitting block [%" PRIu64 "] to state database", b->v.number);
    return l->pending->bytes > REPLAY_BYTES ? kv_ledger_write_state(l, e) : WEFT_OK;
}

static enum weft_code replay(struct kv_ledger *l, uint64_t from, uint64_t height,
                             struct weft_err *e)
{
    WEFT_CLEANUP(block_iter_free) struct block_iter *it = block_iter_new(l->blocks, from);
    LOG_INFO(&logger, "Recommitting lost blocks - firstBlockNum=%" PRIu64 ", lastBlockNum=%" PRIu64,
             from, height - 1);
    for (uint64_t n = from; n < height; n++) {
        WEFT_CLEANUP(block_unref) struct block *b = NULL;
        WEFT_TRY(block_iter_next(it, &b, e));
        WEFT_TRY(replay_block(l, b, e));
    }
    WEFT_TRY(kv_ledger_write_state(l, e));
    LOG_INFO(&logger, "Recommitted lost blocks - firstBlockNum=%" PRIu64 ", lastBlockNum=%" PRIu64,
             from, height - 1);
    return WEFT_OK;
}

static enum weft_code recover(struct kv_ledger *l, uint64_t height, struct weft_err *e)
{
    struct state_version savepoint;
    bool found = false;
    WEFT_TRY(state_db_savepoint(l->state, &found, &savepoint, e));
    uint64_t from = found ? savepoint.block + 1 : 0;
    if (from > height)
        return ahead("state", from, height, e);
    return from < height ? replay(l, from, height, e) : WEFT_OK;
}

/* The commit hash goes on from the last block's, if that has one. */
static enum weft_code read_commit_hash(struct kv_ledger *l, uint64_t height, struct weft_err *e)
{
    WEFT_CLEANUP(block_unref) struct block *b = NULL;
    struct metadata_view m;
    WEFT_TRY(block_store_read(l->blocks, height - 1, &b, e));
    struct bytes slot = block_slot(&b->v, BLOCK_SLOT_COMMIT_HASH);
    if (slot.len == 0)
        return WEFT_OK;
    enum weft_code rc = metadata_parse(slot, &m, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error unmarshaling last persisted commit hash");
    l->has_commit_hash = m.value.len == SHA256_BYTES;
    if (l->has_commit_hash)
        memcpy(l->commit_hash.b, m.value.data, SHA256_BYTES);
    return WEFT_OK;
}

/* ---- opening and closing --------------------------------------------------------------------------- */

enum weft_code kv_ledger_open_stores(struct kv_ledgers *all, const char *channel,
                                     struct kv_ledger **ret, struct weft_err *e)
{
    WEFT_CLEANUP(kv_ledger_close) struct kv_ledger *l = weft_alloc(sizeof(*l));
    l->all = all;
    l->channel = weft_strdup(channel);
    l->mvcc = mvcc_new();
    l->updates = update_batch_new();
    l->pending = update_batch_new();
    WEFT_TRY(block_store_open(all->blocks, channel, &l->blocks, e));
    WEFT_TRY(state_db_open(all->state, all->bookkeeper, channel, &l->state, e));
    l->overlay = (struct state_overlay){ l->pending, state_db_reader(l->state) };
    l->committed = state_overlay_reader(&l->overlay);
    kv_ledger_init_validation_state(l);
    l->next = block_store_height(l->blocks);
    if (l->next > 0)
        WEFT_TRY(read_commit_hash(l, l->next, e));
    WEFT_TRY(recover(l, l->next, e));
    *ret = WEFT_TAKE(l);
    return WEFT_OK;
}

/* What was not synced is given up, as a crash would. */
void kv_ledger_close(struct kv_ledger *l)
{
    if (l == NULL)
        return;
    state_db_close(l->state);
    block_store_close(l->blocks);
    update_batch_free(l->updates);
    update_batch_free(l->pending);
    mvcc_free(l->mvcc);
    byte_map_done(&l->pending_ids);
    arena_done(&l->pending_room);
    buf_done(&l->room);
    free(l->told);
    free(l->channel);
    free(l);
}
