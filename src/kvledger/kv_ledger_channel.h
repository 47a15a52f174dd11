/* kv_ledger_channel.h - the inside of one channel's ledger.
 *
 * kv_ledger.c commits, kv_ledger_open.c opens and brings the stores up to the blocks;
 * kv_ledger_updates.c makes a block's updates, for both; kv_ledger_sync.c brings groups of blocks
 * to the disk, and announces them.
 *
 *     committed = pending updates over those of the group that is being synced over the database
 *     check, apply -> updates of the block -> pending -> (kv_ledger_sync) state database
 *
 * Go origin   none
 * Owner       see kv_ledger.h
 */
#ifndef WEFT_KVLEDGER_KV_LEDGER_CHANNEL_H
#define WEFT_KVLEDGER_KV_LEDGER_CHANNEL_H

#include "base/limits.h"
#include "kvledger/block_pvt.h"
#include "kvledger/collections.h"
#include "kvledger/config_history.h"
#include "kvledger/expiry_keeper.h"
#include "kvledger/history_db.h"
#include "kvledger/kv_ledger_private.h"
#include "kvledger/transient_store.h"
#include "kvledger/tx_ids.h"
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
/* Reads those that are valid by the block's flags; the codes are these, and those of what can't
 * be read.  The caller frees them. */
enum weft_code block_txs_read(struct block_txs *txs, const struct block_view *v,
                              uint8_t **ret_codes, struct weft_err *e) WEFT_MUST_CHECK;
void block_txs_done(struct block_txs *txs);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct block_txs, block_txs_done)

/* A block that is committed and not announced yet. */
struct told_block {
    uint64_t number;
    size_t txs;
    bool has_hash;
    struct digest hash;
    struct kv_commit_times times;
};

struct told_blocks {
    struct told_block *at;
    size_t count, cap;
};

enum kv_sync_stage {
    KV_SYNC_BLOCKS,
    KV_SYNC_INDEX,
    KV_SYNC_STATE,
    KV_SYNC_HISTORY,
    KV_SYNC_TABLES,
    KV_SYNC_DONE,
};

/* A group of blocks on its way to the disk.  From begin to end it is the thread's that runs it,
 * but for the updates, which nobody changes and the owner reads, too. */
struct kv_sync {
    struct kv_ledger *ledger;
    struct update_batch *updates; /* empty while no group is out */
    struct state_version savepoint;
    struct kv_batch *history; /* with its savepoint; NULL: none is kept */
    struct told_blocks told;
    bool is_out, has_failed; /* the owner's alone */
    bool is_flushing, has_expired;
    enum kv_sync_stage next;
    uint64_t since_ns, flush_ns;
    enum weft_code rc;
    struct weft_err why;
};
void kv_sync_init(struct kv_sync *s, struct kv_ledger *l);
void kv_sync_done(struct kv_sync *s);

struct kv_ledger {
    struct kv_ledgers *all;
    char *channel;
    struct block_store *blocks;
    struct state_db *state;
    struct history_db *history; /* NULL: none is kept */
    struct pvtdata_store *pvt;
    struct transient_store *transient; /* NULL: none */
    struct expiry_keeper *expiry;
    struct config_history configs;
    struct mvcc *mvcc;
    uint64_t next;
    bool is_new;
    bool has_commit_hash; /* of the newest block */
    struct digest commit_hash;

    struct update_batch *updates; /* of the block that is being committed */
    struct update_batch *pending; /* of blocks that are not synced, nor being synced */
    struct state_version savepoint;
    uint64_t pending_txs; /* of the newest of them */
    struct tx_ids *tx_ids;
    struct told_blocks told;
    struct kv_sync sync;
    void (*tell_times)(void *ctx, const struct kv_commit_times *times); /* NULL: nobody counts */
    void *tell_ctx;
    struct kv_commit_times first; /* if is_new: of the first block */

    struct state_overlay beneath, overlay;
    struct state_reader committed;
    struct validation_state validation_state;
    struct buf room;
};

void kv_ledger_init_validation_state(struct kv_ledger *l);

/* One block on its way. */
struct block_work {
    const struct block_txs *txs;
    uint8_t *codes;
    struct collections *collections; /* of the state before */
    struct block_pvt *pvt;
    bool is_fetched; /* it is what came, and not what the store had already */
    bool is_lacking; /* other peers would have to be asked */
    uint64_t fetch_ns;
};
void block_work_done(struct block_work *w);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct block_work, block_work_done)

/* The block's updates from its transactions, public and hashed; with `check_reads` the final
 * codes, too.  The history of collections is written. */
enum weft_code kv_ledger_prepare(struct kv_ledger *l, const struct block_work *w, bool check_reads,
                                 struct weft_err *e) WEFT_MUST_CHECK;
/* Private updates, and what leaves the state with this block: after the commit hash. */
enum weft_code kv_ledger_add_private(struct kv_ledger *l, const struct block_work *w,
                                     struct weft_err *e) WEFT_MUST_CHECK;
/* The block is stored: its updates join those that wait. */
void kv_ledger_pend(struct kv_ledger *l, const struct block_work *w);
/* Its writes go into the history's batch. */
void kv_ledger_add_history(struct kv_ledger *l, const struct block_work *w);

/* It is told of, and its ids are known, until it is announced. */
void kv_ledger_remember(struct kv_ledger *l, const struct block_view *v,
                        const struct kv_commit_times *times);
/* Not if a sync has failed. */
enum weft_code kv_ledger_check(const struct kv_ledger *l, struct weft_err *e) WEFT_MUST_CHECK;
/* Of the next block's record, with what the peer adds to it. */
uint64_t kv_ledger_stored_len(const struct kv_ledger *l, const struct block_view *v);
/* More must not wait. */
bool kv_ledger_is_full(const struct kv_ledger *l);

#endif
