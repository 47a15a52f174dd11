#include "base/log.h"
#include "kvledger/kv_ledger_channel.h"
#include "ledger/kv.h"
#include "os/clock.h"
#include "proto/block.h"
#include "proto/envelope.h"

#include <inttypes.h>

LOG_DEFINE(logger, "kvledger");

enum {
    /* Updates and blocks that wait for a sync: more is synced without being asked, and while a
     * group is on its way to the disk only half of the updates may wait behind it. */
    PENDING_BYTES_MAX = 8 << 20,
    PENDING_BLOCKS_MAX = 256,
    NS_PER_MS = 1000000,
};

/* ---- what waits ----------------------------------------------------------------------------- */

static void keep_id(struct kv_ledger *l, struct bytes envelope)
{
    char room[TX_ID_LEN + 1];
    struct bytes id;
    if (envelope_tx_id(envelope, room, &id, NULL) == WEFT_OK)
        tx_ids_add(l->tx_ids, id);
}

void kv_ledger_remember(struct kv_ledger *l, const struct block_view *v,
                        const struct kv_commit_times *times)
{
    struct told_blocks *told = &l->told;
    if (told->count == told->cap) {
        told->cap = told->cap > 0 ? 2 * told->cap : 16;
        told->at = weft_realloc(told->at, told->cap * sizeof(*told->at));
    }
    told->at[told->count++] = (struct told_block){
        .number = v->number,
        .txs = v->txs.count,
        .has_hash = l->has_commit_hash,
        .hash = l->commit_hash,
        .times = *times,
    };
    for (size_t i = 0; i < v->txs.count; i++)
        keep_id(l, v->txs.at[i]);
}

bool kv_ledger_is_full(const struct kv_ledger *l)
{
    return l->pending->bytes > PENDING_BYTES_MAX || l->told.count >= PENDING_BLOCKS_MAX;
}

bool kv_ledger_sync_is_due(const struct kv_ledger *l)
{
    return !l->sync.is_out &&
           (l->pending->bytes > PENDING_BYTES_MAX / 2 || l->told.count >= PENDING_BLOCKS_MAX / 2);
}

bool kv_ledger_has_room(const struct kv_ledger *l, const struct block *b)
{
    return block_store_has_room(l->blocks, kv_ledger_stored_len(l, &b->v));
}

bool kv_ledger_takes(const struct kv_ledger *l, const struct block *b)
{
    if (!l->sync.is_out)
        return true;
    return l->pending->bytes <= PENDING_BYTES_MAX / 2 && l->told.count < PENDING_BLOCKS_MAX &&
           kv_ledger_has_room(l, b);
}

/* What a sync that failed has left undone, another one must not go past. */
enum weft_code kv_ledger_check(const struct kv_ledger *l, struct weft_err *e)
{
    return l->sync.has_failed
               ? WEFT_FAIL(e, WEFT_IO, "channel [%s]: a write to disk failed earlier", l->channel)
               : WEFT_OK;
}

/* ---- announcing --------------------------------------------------------------------------------- */

void kv_ledger_tell_times(struct kv_ledger *l,
                          void (*told)(void *ctx, const struct kv_commit_times *times), void *ctx)
{
    l->tell_times = told;
    l->tell_ctx = ctx;
}

static void tell_block(struct kv_ledger *l, const struct told_block *b,
                       const struct kv_commit_times *t)
{
    struct bytes hash = b->has_hash ? digest_bytes(&b->hash) : bytes_of(NULL, 0);
    WEFT_FREE char *hex = bytes_to_hex(hash);
    uint64_t all_ns = t->validation_ns + t->storage_ns + t->state_ns;
    LOG_INFO(&logger,
             "[%s] Committed block [%" PRIu64 "] with %zu transaction(s) in %" PRIu64
             "ms (state_validation=%" PRIu64 "ms block_and_pvtdata_commit=%" PRIu64
             "ms state_commit=%" PRIu64 "ms) commitHash=[%s]",
             l->channel, b->number, b->txs, all_ns / NS_PER_MS, t->validation_ns / NS_PER_MS,
             t->storage_ns / NS_PER_MS, t->state_ns / NS_PER_MS, hex);
    if (l->tell_times != NULL)
        l->tell_times(l->tell_ctx, t);
    else if (b->number == 0)
        l->first = *t;
}

static void tell_committed(struct kv_ledger *l, uint64_t flush_ns, uint64_t state_ns)
{
    struct told_blocks *told = &l->sync.told;
    for (size_t i = 0; i < told->count; i++) {
        struct kv_commit_times t = told->at[i].times;
        t.storage_ns += flush_ns;
        t.block_ns += flush_ns;
        t.state_ns = state_ns;
        tell_block(l, &told->at[i], &t);
    }
    told->count = 0;
}

/* ---- to the disk ------------------------------------------------------------------------------------ */

/* What was pending becomes the group's, whose place what comes next takes. */
static void hand_over(struct kv_ledger *l)
{
    struct kv_sync *s = &l->sync;
    struct update_batch *updates = s->updates;
    struct told_blocks told = s->told;
    s->updates = l->pending;
    l->pending = updates;
    l->overlay.updates = l->pending;
    l->beneath.updates = s->updates;
    s->told = l->told;
    l->told = told;
    update_batch_sort(s->updates); /* nobody changes it from here on */
    if (l->history != NULL)
        history_db_swap(l->history, l->savepoint.block, l->pending_txs, &s->history);
    tx_ids_indexing(l->tx_ids);
    s->savepoint = l->savepoint;
    s->has_expired = expiry_keeper_take_due(l->expiry);
}

enum weft_code kv_ledger_sync_begin(struct kv_ledger *l, const struct block *next,
                                    struct kv_sync **ret, struct weft_err *e)
{
    struct kv_sync *s = &l->sync;
    WEFT_ASSERT(!s->is_out);
    *ret = NULL;
    WEFT_TRY(kv_ledger_check(l, e));
    if (l->told.count == 0)
        return WEFT_OK;
    bool any = false;
    uint64_t next_bytes = next != NULL ? kv_ledger_stored_len(l, &next->v) : 0;
    WEFT_TRY(block_store_flush_begin(l->blocks, next_bytes, &any, e));
    hand_over(l);
    s->next = any ? KV_SYNC_BLOCKS : KV_SYNC_STATE;
    s->is_flushing = any;
    s->rc = WEFT_OK;
    s->is_out = true;
    s->flush_ns = 0;
    s->since_ns = clock_monotonic_ns();
    *ret = s;
    return WEFT_OK;
}

static enum weft_code take_step(struct kv_sync *s, enum kv_sync_stage *ret_next, struct weft_err *e)
{
    struct kv_ledger *l = s->ledger;
    switch (s->next) {
    case KV_SYNC_BLOCKS:
        *ret_next = KV_SYNC_INDEX;
        return block_store_flush_file(l->blocks, e);
    case KV_SYNC_INDEX: {
        *ret_next = KV_SYNC_STATE;
        WEFT_TRY(block_store_flush_index(l->blocks, e));
        uint64_t now = clock_monotonic_ns();
        s->flush_ns = now - s->since_ns;
        s->since_ns = now;
        return WEFT_OK;
    }
    case KV_SYNC_STATE:
        *ret_next = KV_SYNC_HISTORY;
        return state_db_apply(l->state, s->updates, &s->savepoint, s->has_expired, e);
    case KV_SYNC_HISTORY:
        *ret_next = s->is_flushing ? KV_SYNC_TABLES : KV_SYNC_DONE;
        return l->history != NULL ? history_db_write(l->history, s->history, false, e) : WEFT_OK;
    case KV_SYNC_TABLES:
        *ret_next = KV_SYNC_DONE;
        return block_store_flush_tables(l->blocks, e);
    case KV_SYNC_DONE:
        break;
    }
    return WEFT_OK;
}

/* Blocks first: state and history never know of one that a crash can take away. */
bool kv_sync_step(struct kv_sync *s)
{
    enum kv_sync_stage next = s->next;
    s->rc = take_step(s, &next, &s->why);
    if (s->rc == WEFT_OK)
        s->next = next;
    return s->rc == WEFT_OK && s->next != KV_SYNC_DONE;
}

void kv_sync_run(struct kv_sync *s)
{
    bool more = true;
    while (more)
        more = kv_sync_step(s);
}

/* Readers hear of the blocks when all of it is there. */
static enum weft_code end(struct kv_ledger *l, struct weft_err *e)
{
    struct kv_sync *s = &l->sync;
    if (s->is_flushing)
        block_store_flush_end(l->blocks, s->next > KV_SYNC_INDEX);
    if (s->rc != WEFT_OK)
        return WEFT_FAIL(e, s->rc, "%s", s->why.msg);
    update_batch_clear(s->updates);
    if (s->has_expired)
        WEFT_TRY(expiry_keeper_forget(l->expiry, s->savepoint.block, e));
    WEFT_TRY(tx_ids_indexed(l->tx_ids, e));
    block_store_announce(l->blocks);
    tell_committed(l, s->flush_ns, clock_monotonic_ns() - s->since_ns);
    return WEFT_OK;
}

enum weft_code kv_ledger_sync_end(struct kv_ledger *l, struct weft_err *e)
{
    struct kv_sync *s = &l->sync;
    WEFT_ASSERT(s->is_out && (s->rc != WEFT_OK || s->next == KV_SYNC_DONE));
    enum weft_code rc = end(l, e);
    s->is_out = false;
    s->has_failed = rc != WEFT_OK;
    return rc;
}

enum weft_code kv_ledger_sync(struct kv_ledger *l, struct weft_err *e)
{
    struct kv_sync *s = NULL;
    WEFT_TRY(kv_ledger_sync_begin(l, NULL, &s, e));
    if (s == NULL)
        return WEFT_OK;
    kv_sync_run(s);
    return kv_ledger_sync_end(l, e);
}

/* ---- life ------------------------------------------------------------------------------------------- */

void kv_sync_init(struct kv_sync *s, struct kv_ledger *l)
{
    *s = (struct kv_sync){ .ledger = l, .updates = update_batch_new() };
    if (l->history != NULL)
        s->history = kv_batch_new();
}

void kv_sync_done(struct kv_sync *s)
{
    update_batch_free(s->updates);
    kv_batch_free(s->history);
    free(s->told.at);
}
