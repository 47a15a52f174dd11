/* commit_hash_check.h - a peer's commit hashes, computed again from the blocks.
 *
 * Since 2.0 a peer writes into metadata slot 4 of each block a hash over what
 * the block did to its state, chained from block to block:
 *
 *   hash(n) = SHA-256( varint(#tx) · flags · updates · hash(n-1) )
 *
 * flags is slot 2, one byte a transaction.  updates is the protobuf message
 * Updates: the writes of all valid transactions, the last one of each key,
 * sorted by namespace and key, each with its version (block, transaction).
 * Block 0 has no hash, block 1 no predecessor.
 *
 * Almost all of it can be read off the block.  Not so where a transaction sets
 * only a key's metadata (its endorsement policy): the update then repeats the
 * value that the key has in the state database.  Such a block is skipped, but
 * its stored hash enters the next one.
 *
 *   block      5 -----> 6 (metadata only) -----> 7
 *   hash    matches     believed              matches, and so 6's was right
 *
 * 2.2.0 and 2.2.15 differ in the write of an empty value (2.2.15: a delete, so
 * that is tried first); either is accepted.
 *
 * Go origin   core/ledger/kvledger/kv_ledger.go addBlockCommitHash
 *             core/ledger/kvledger/txmgmt/txmgr/update_batch_bytes.go
 *             core/ledger/kvledger/txmgmt/validation/tx_ops.go
 * Differs     no peer ever checks its hashes
 * Owner       one thread
 * Memory      the list of one block's writes; borrows the block during a call
 * Limits      COMMIT_HASH_WRITES_MAX a block; one with more is skipped
 */
#ifndef WEFT_LEDGER_COMMIT_HASH_CHECK_H
#define WEFT_LEDGER_COMMIT_HASH_CHECK_H

#include "proto/block.h"

enum {
    COMMIT_HASH_WRITES_MAX = 1 << 20
};

struct commit_hash_check;

struct commit_hash_check *commit_hash_check_new(void);
void commit_hash_check_free(struct commit_hash_check *c);
WEFT_DEFINE_CLEANUP(struct commit_hash_check *, commit_hash_check_free)

/* Takes the next block of the chain.  WEFT_CORRUPT when its commit hash is not
 * the one of its transactions and flags; a block without one passes. */
enum weft_code commit_hash_check_block(struct commit_hash_check *c, const struct block_view *v,
                                       struct weft_err *e) WEFT_MUST_CHECK;

/* Blocks whose hash was computed and found right; blocks that have one which
 * can't be computed without the state. */
uint64_t commit_hash_check_matched(const struct commit_hash_check *c);
uint64_t commit_hash_check_skipped(const struct commit_hash_check *c);

#endif
