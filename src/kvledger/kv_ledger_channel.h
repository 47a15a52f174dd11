/* kv_ledger_channel.h - the inside of one channel's ledger.
 *
 * kv_ledger.c commits, kv_ledger_open.c opens and brings the stores up to the blocks.
 *
 *     committed = pending updates over the state database
 *     check, apply -> updates of the block -> pending -> (kv_ledger_sync) state database
 *
 * Go origin   none
 * Owner       see kv_ledger.h
 */
#ifndef WEFT_KVLEDGER_KV_LEDGER_CHANNEL_H
#define WEFT_KVLEDGER_KV_LEDGER_CHANNEL_H

#include "base/limits.h"
#include "kvledger/kv_ledger_private.h"
#include "state/commit_hash.h"
#include "state/state_db.h"
#include "state/state_overlay.h"
#include "validation/mvcc.h"

/* A block's transactions: as the validator read them, or read again from the block. */
struct block_txs {
    uint64_t number;
    size_t count;
    const struct block_validation *validated;
    struct tx_check *own;
    struct arena arena;
};
const struct tx_check *block_txs_at(const struct block_txs *txs, size_t i);
/* Reads those that are valid; one that can't be read gets its code. */
void block_txs_read(struct block_txs *txs, const struct block_view *v, uint8_t *codes);
void block_txs_done(struct block_txs *txs);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct block_txs, block_txs_done)

/* A block that is committed and not announced yet. */
struct told_block {
    uint64_t number;
    size_t txs;
    bool has_hash;
    struct digest hash;
    uint64_t validation_ms, storage_ms;
};

struct kv_ledger {
    struct kv_ledgers *all;
    char *channel;
    struct block_store *blocks;
    struct state_db *state;
    struct mvcc *mvcc;
    uint64_t next;
    bool has_commit_hash; /* of the newest block */
    struct digest commit_hash;

    struct update_batch *updates; /* of the block that is being committed */
    struct update_batch *pending; /* of blocks that are not synced */
    struct state_version savepoint;
    struct byte_map pending_ids;
    struct arena pending_room;
    struct told_block *told;
    size_t told_count, told_cap;

    struct state_overlay overlay;
    struct state_reader committed;
    struct validation_state validation_state;
    struct buf room;
};

void kv_ledger_init_validation_state(struct kv_ledger *l);

/* The block's updates from its transactions; with `check_reads` the final codes, too. */
enum weft_code kv_ledger_prepare(struct kv_ledger *l, const struct block_txs *txs, bool check_reads,
                                 uint8_t *codes, struct weft_err *e) WEFT_MUST_CHECK;
/* The block is stored: its updates join those that wait. */
void kv_ledger_pend(struct kv_ledger *l, const struct block_txs *txs);
/* What waits goes into the state database. */
enum weft_code kv_ledger_write_state(struct kv_ledger *l, struct weft_err *e) WEFT_MUST_CHECK;

#endif
