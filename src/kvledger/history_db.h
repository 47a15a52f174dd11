/* history_db.h - in which transactions a key was written: ledgersData/historyLeveldb.
 *
 *     ns 00 order(key length) key 00 order(block) order(tx) -> ""     one per public write
 *     's' -> order(block) order(transactions in it): the savepoint
 *
 *     block 31 writes "a" in transaction 2 -> "asset" 00 0101 "a" 00 011f 0102
 *
 * All of it after "channel" 00.  Where a key was written is all that is kept; the values are
 * in the blocks.  A block's entries and the savepoint become visible in one step:
 *
 *     for each valid endorser transaction    history_db_add(h, 31, i, tx)
 *     history_db_commit(h, 31, transactions in the block, sync, e)
 *
 * Go origin   core/ledger/kvledger/history/db.go core/ledger/kvledger/history/kv_encoding.go
 * Differs     batches need not be synced one by one: what a crash takes away is done again
 *             from the savepoint on (kv_ledger.h)
 * Owner       one thread (commit:<id>), but for history_db_write
 * Memory      one block's entries
 * Limits      none of its own
 */
#ifndef WEFT_KVLEDGER_HISTORY_DB_H
#define WEFT_KVLEDGER_HISTORY_DB_H

#include "base/bytes.h"

struct history_db;
struct kv;
struct kv_batch;
struct tx_check;

/* The database is the folder's, for all channels; it stays open while this is. */
struct history_db *history_db_new(struct kv *kv, const char *channel);
void history_db_free(struct history_db *h);
WEFT_DEFINE_CLEANUP(struct history_db *, history_db_free)

/* The last block that is in it; found = false: none. */
enum weft_code history_db_savepoint(struct history_db *h, bool *ret_found, uint64_t *ret_block,
                                    struct weft_err *e) WEFT_MUST_CHECK;

/* All public writes of a valid endorser transaction go into the batch. */
void history_db_add(struct history_db *h, uint64_t block, uint64_t tx, const struct tx_check *c);

/* Writes the batch and the savepoint, and empties the batch. */
enum weft_code history_db_commit(struct history_db *h, uint64_t block, uint64_t tx_count, bool sync,
                                 struct weft_err *e) WEFT_MUST_CHECK;

/* The same in two, so that the next blocks' entries can be added meanwhile: the batch, with the
 * savepoint, for an empty one; then it is written, on any thread, and empty. */
void history_db_swap(struct history_db *h, uint64_t block, uint64_t tx_count,
                     struct kv_batch **batch);
enum weft_code history_db_write(struct history_db *h, struct kv_batch *batch, bool sync,
                                struct weft_err *e) WEFT_MUST_CHECK;

#endif
