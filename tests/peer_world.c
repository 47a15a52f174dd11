#include "peer_world.h"

#include "bundle/bundle.h"
#include "channel/config_envelope.h"
#include "crypto/key_tables.h"
#include "kvledger/kv_ledger_private.h"
#include "os/dirs.h"
#include "proto/envelope.h"
#include "validation/block_validation.h"
#include "validation/config_apply.h"
#include "validation/tx_validator.h"

uint64_t peer_world_file_bytes;

enum {
    IDENTITIES = 64,
    TRANSIENT_RETENTION = 10,
};

static enum weft_code apply_config(void *ctx, const struct block *b, size_t tx, struct weft_err *e)
{
    struct peer_world *w = ctx;
    struct bundle *next = NULL;
    WEFT_TRY(config_apply(w->bundle, b->v.txs.at[tx], &next, e));
    bundle_unref(w->bundle);
    w->bundle = next;
    return WEFT_OK;
}

static enum weft_code open_channel(struct peer_world *w, const char *channel, struct weft_err *e)
{
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    WEFT_CLEANUP(buf_done) struct buf config = { 0 };
    WEFT_TRY(kv_ledgers_list(w->all, &l, e));
    if (l.count == 0)
        return WEFT_OK;
    WEFT_TRY(kv_ledger_open(w->all, channel, &w->ledger, e));
    WEFT_TRY(kv_ledger_config(w->ledger, &config, e));
    struct config_envelope_view v;
    WEFT_TRY(config_envelope_parse(buf_bytes(&config), &v, e));
    return bundle_new(channel, v.sequence, v.channel_group, &w->bundle, e);
}

enum weft_code peer_world_open_purging(struct peer_world *w, const char *dir, const char *mspid,
                                       const char *channel, uint64_t interval, struct weft_err *e)
{
    WEFT_FREE char *transient = weft_asprintf("%s/transientstore", dir);
    struct kv_ledgers_config config = { .mspid = mspid,
                                        .history = true,
                                        .purge_interval = interval,
                                        .transient = transient,
                                        .transient_retention = TRANSIENT_RETENTION };
    *w = (struct peer_world){ .tables = key_tables_new(&(struct key_tables_config){ 0 }) };
    w->lane = validation_lane_new(w->tables, IDENTITIES);
    w->validator = tx_validator_new(&(struct tx_validator_deps){ w, apply_config, NULL });
    WEFT_TRY(kv_ledgers_open(dir, &config, &w->all, e));
    if (peer_world_file_bytes > 0)
        block_stores_set_file_bytes(w->all->blocks, peer_world_file_bytes);
    return open_channel(w, channel, e);
}

enum weft_code peer_world_open(struct peer_world *w, const char *dir, const char *mspid,
                               const char *channel, struct weft_err *e)
{
    return peer_world_open_purging(w, dir, mspid, channel, 0, e);
}

void peer_world_close(struct peer_world *w)
{
    kv_ledger_close(w->ledger);
    kv_ledgers_close(w->all);
    tx_validator_free(w->validator);
    validation_lane_free(w->lane);
    key_tables_free(w->tables);
    bundle_unref(w->bundle);
    free(w->codes);
    *w = (struct peer_world){ 0 };
}

/* As a peer that joins: block 0 is valid. */
static enum weft_code take_first(struct peer_world *w, const struct block *b, struct weft_err *e)
{
    WEFT_CLEANUP(block_unref) struct block *flagged = NULL;
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    struct bytes slots[BLOCK_SLOT_NR] = { 0 };
    struct block_view v = b->v;
    memcpy(slots, v.slots.at,
           (v.slots.count < BLOCK_SLOT_NR ? v.slots.count : BLOCK_SLOT_NR) * sizeof(slots[0]));
    slots[BLOCK_SLOT_FLAGS] = bytes_of(w->codes, v.txs.count);
    v.slots = (struct bytes_list){ slots, BLOCK_SLOT_NR, BLOCK_SLOT_NR };
    block_encode(&v, &wire);
    WEFT_TRY(block_parse(buf_bytes(&wire), &flagged, e));
    WEFT_TRY(bundle_of_block(&b->v, &w->bundle, e));
    return kv_ledgers_create(w->all, flagged, &w->ledger, e);
}

enum weft_code peer_world_take(struct peer_world *w, struct block *b, const struct kv_pvt_data *pvt,
                               size_t count, struct weft_err *e)
{
    free(w->codes);
    w->codes = weft_alloc(b->v.txs.count + 1);
    if (w->ledger == NULL)
        return take_first(w, b, e);
    WEFT_CLEANUP(block_validation_free)
    struct block_validation *v = block_validation_new(b, w->bundle);
    block_validation_run_all(v, w->lane);
    WEFT_TRY(
        tx_validator_decide(w->validator, v, kv_ledger_validation_state(w->ledger), w->codes, e));
    return kv_ledger_commit(w->ledger, v, w->codes, pvt, count, e);
}

enum weft_code peer_world_sync_some(struct peer_world *w, const struct block *next,
                                    struct weft_err *e)
{
    if (w->sync == NULL)
        return kv_ledger_sync_begin(w->ledger, next, &w->sync, e);
    if (kv_sync_step(w->sync))
        return WEFT_OK;
    w->sync = NULL;
    return kv_ledger_sync_end(w->ledger, e);
}

enum weft_code peer_world_sync(struct peer_world *w, struct weft_err *e)
{
    while (w->sync != NULL)
        WEFT_TRY(peer_world_sync_some(w, NULL, e));
    return kv_ledger_sync(w->ledger, e);
}
