#include "base/log.h"
#include "kvledger/kv_ledger_channel.h"
#include "proto/block.h"

#include <inttypes.h>

LOG_DEFINE(logger, "kvledger");

enum {
    REPLAY_BYTES = 4 << 20, /* of updates, written at once */
    REPLAY_TELL = 1000,     /* blocks */
};

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

/* The first block that a store does not have. */
struct recovery {
    uint64_t state, history, height;
};

static enum weft_code look(struct kv_ledger *l, struct recovery *r, struct weft_err *e)
{
    struct state_version savepoint;
    uint64_t block = 0;
    bool found = false;
    WEFT_TRY(state_db_savepoint(l->state, &found, &savepoint, e));
    r->height = r->history = block_store_height(l->blocks);
    r->state = found ? savepoint.block + 1 : 0;
    if (r->state > r->height)
        return ahead("state", r->state, r->height, e);
    if (l->history == NULL)
        return WEFT_OK;
    WEFT_TRY(history_db_savepoint(l->history, &found, &block, e));
    r->history = found ? block + 1 : 0;
    if (r->history > r->height)
        return ahead("history", r->history, r->height, e);
    return WEFT_OK;
}

static enum weft_code write_state(struct kv_ledger *l, bool sync, struct weft_err *e)
{
    WEFT_TRY(state_db_apply(l->state, l->pending, &l->savepoint, sync, e));
    update_batch_clear(l->pending);
    return WEFT_OK;
}

static enum weft_code replay_state(struct kv_ledger *l, struct block_work *w, struct weft_err *e)
{
    uint64_t number = w->txs->number;
    w->collections = collections_new(&l->committed, l->all->mspid);
    WEFT_TRY(block_pvt_of_store(l->pvt, number, w->collections, &w->pvt, e));
    WEFT_TRY(kv_ledger_prepare(l, w, false, e));
    WEFT_TRY(kv_ledger_add_private(l, w, e));
    kv_ledger_pend(l, w);
    if (number % REPLAY_TELL == 0)
        LOG_INFO(&logger, "Recommitting block [%" PRIu64 "] to state database", number);
    return l->pending->bytes > REPLAY_BYTES ? write_state(l, false, e) : WEFT_OK;
}

static enum weft_code replay_history(struct kv_ledger *l, const struct block_work *w,
                                     struct weft_err *e)
{
    uint64_t number = w->txs->number;
    kv_ledger_add_history(l, w);
    if (number % REPLAY_TELL == 0)
        LOG_INFO(&logger, "Recommitting block [%" PRIu64 "] to history database", number);
    return history_db_commit(l->history, number, w->txs->count, false, e);
}

static enum weft_code replay_block(struct kv_ledger *l, const struct recovery *r,
                                   const struct block *b, struct weft_err *e)
{
    WEFT_CLEANUP(block_txs_done) struct block_txs txs = { 0 };
    WEFT_CLEANUP(block_work_done) struct block_work w = { .txs = &txs };
    WEFT_FREE uint8_t *codes = NULL;
    WEFT_TRY(block_txs_read(&txs, &b->v, &codes, e));
    w.codes = codes;
    if (b->v.number >= r->state)
        WEFT_TRY(replay_state(l, &w, e));
    return b->v.number >= r->history ? replay_history(l, &w, e) : WEFT_OK;
}

static enum weft_code replay(struct kv_ledger *l, const struct recovery *r, uint64_t from,
                             struct weft_err *e)
{
    uint64_t last = r->height - 1;
    WEFT_CLEANUP(block_iter_free) struct block_iter *it = block_iter_new(l->blocks, from);
    LOG_INFO(&logger, "Recommitting lost blocks - firstBlockNum=%" PRIu64 ", lastBlockNum=%" PRIu64,
             from, last);
    for (uint64_t n = from; n <= last; n++) {
        WEFT_CLEANUP(block_unref) struct block *b = NULL;
        WEFT_TRY(block_iter_next(it, &b, e));
        WEFT_TRY(replay_block(l, r, b, e));
    }
    if (r->state <= last)
        WEFT_TRY(write_state(l, true, e));
    LOG_INFO(&logger, "Recommitted lost blocks - firstBlockNum=%" PRIu64 ", lastBlockNum=%" PRIu64,
             from, last);
    return WEFT_OK;
}

/* A database has on the disk what it has when it is opened: what went with these blocks needs
 * no schedule any more. */
static enum weft_code recover(struct kv_ledger *l, struct weft_err *e)
{
    struct recovery r;
    WEFT_TRY(look(l, &r, e));
    WEFT_TRY(pvtdata_store_raise(l->pvt, r.height, e));
    uint64_t from = r.state < r.history ? r.state : r.history;
    if (from < r.height)
        WEFT_TRY(replay(l, &r, from, e));
    return r.height > 0 ? expiry_keeper_forget(l->expiry, r.height - 1, e) : WEFT_OK;
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

static enum weft_code open_stores(struct kv_ledger *l, struct weft_err *e)
{
    const struct kv_ledgers *all = l->all;
    WEFT_TRY(block_store_open(all->blocks, l->channel, &l->blocks, e));
    WEFT_TRY(pvtdata_store_open(all->pvtdata, l->channel, all->config.purge_interval, &l->pvt, e));
    if (all->transient != NULL)
        l->transient = transient_store_new(all->transient, l->channel);
    WEFT_TRY(state_db_open(all->state, all->bookkeeper, l->channel, &l->state, e));
    if (all->history != NULL)
        l->history = history_db_new(all->history, l->channel);
    l->expiry = expiry_keeper_new(all->bookkeeper, l->channel);
    l->configs = (struct config_history){ all->config_history, l->channel };
    return WEFT_OK;
}

enum weft_code kv_ledger_open_stores(struct kv_ledgers *all, const char *channel,
                                     struct kv_ledger **ret, struct weft_err *e)
{
    WEFT_CLEANUP(kv_ledger_close) struct kv_ledger *l = weft_alloc(sizeof(*l));
    l->all = all;
    l->channel = weft_strdup(channel);
    l->mvcc = mvcc_new();
    l->updates = update_batch_new();
    l->pending = update_batch_new();
    WEFT_TRY(open_stores(l, e));
    kv_sync_init(&l->sync, l);
    l->beneath = (struct state_overlay){ l->sync.updates, state_db_reader(l->state) };
    l->overlay = (struct state_overlay){ l->pending, state_overlay_reader(&l->beneath) };
    l->committed = state_overlay_reader(&l->overlay);
    kv_ledger_init_validation_state(l);
    WEFT_TRY(recover(l, e));
    (void)expiry_keeper_take_due(l->expiry); /* forgotten, too */
    WEFT_TRY(tx_ids_new(l->blocks, &l->tx_ids, e));
    l->next = block_store_height(l->blocks);
    if (l->next > 0)
        WEFT_TRY(read_commit_hash(l, l->next, e));
    *ret = WEFT_TAKE(l);
    return WEFT_OK;
}

/* A Go peer does not open a ledger whose private data end before its blocks. */
static void raise_private_data(struct kv_ledger *l)
{
    struct weft_err e = { 0 };
    if (l->pvt != NULL && pvtdata_store_raise(l->pvt, block_store_height(l->blocks), &e) != WEFT_OK)
        LOG_ERROR(&logger, "[%s] Closing the private data store: %s", l->channel, e.msg);
}

/* What was not synced is given up, as in a crash. */
void kv_ledger_close(struct kv_ledger *l)
{
    if (l == NULL)
        return;
    raise_private_data(l);
    state_db_close(l->state);
    history_db_free(l->history);
    pvtdata_store_close(l->pvt);
    transient_store_free(l->transient);
    expiry_keeper_free(l->expiry);
    block_store_close(l->blocks);
    update_batch_free(l->updates);
    update_batch_free(l->pending);
    mvcc_free(l->mvcc);
    tx_ids_free(l->tx_ids);
    buf_done(&l->room);
    kv_sync_done(&l->sync);
    free(l->told.at);
    free(l->channel);
    free(l);
}
