/* mvcc.h - does what a transaction read still hold, and what comes of what it writes.
 *
 *     block 7   tx 0   reads a 3:1   writes a        a is at 3:1: valid, a is at 7:0 now
 *               tx 1   reads a 3:1   writes b        written by tx 0: MVCC_READ_CONFLICT
 *               tx 2   reads [a, c)  a 3:1           PHANTOM_READ_CONFLICT
 *
 * Transactions are looked at in the block's order, namespaces in the transaction's, and there
 * public reads, range queries, reads of collections: the first "no" is the code.  Of those
 * that are valid the writes go into the block's updates:
 *
 *     value and metadata   both            a delete        counts, whatever else there is
 *     value alone          keeps the key's latest metadata
 *     metadata alone       keeps its latest value; of a key that is not there: nothing
 *
 * A value of no bytes is a delete, and so is the hash of one.  A key that a transaction
 * writes twice is taken for what the sum of both is in the original: values are 1,
 * new metadata 2, no metadata 4, deletes 8, so two values are metadata alone.
 *
 * A CONFIG transaction writes namespace "", key CHANNEL_CONFIG_ENV_BYTES.
 *
 * Go origin   core/ledger/kvledger/txmgmt/validation/validator.go
 *             core/ledger/kvledger/txmgmt/validation/tx_ops.go
 *             core/ledger/kvledger/txmgmt/validation/batch_preparer.go
 *             core/peer/configtx_processor.go
 * Differs     metadata for a key that an earlier transaction of the block deleted is nothing
 *             (the original dies of it)
 * Owner       one thread (commit:<id>)
 * Memory      of one transaction, to be used again
 * Limits      those of proto_check.h
 */
#ifndef WEFT_VALIDATION_MVCC_H
#define WEFT_VALIDATION_MVCC_H

#include "state/update_batch.h"
#include "validation/tx_check.h"

#define MVCC_CONFIG_KEY "CHANNEL_CONFIG_ENV_BYTES"

struct mvcc;
struct mvcc *mvcc_new(void);
void mvcc_free(struct mvcc *m);
WEFT_DEFINE_CLEANUP(struct mvcc *, mvcc_free)

/* Holds its reads against the committed state and the updates of those before it. */
enum weft_code mvcc_check(const struct state_reader *committed, struct update_batch *updates,
                          const struct tx_check *tx, enum tx_validation_code *ret,
                          struct weft_err *e) WEFT_MUST_CHECK;

/* Adds its writes to the updates. */
enum weft_code mvcc_apply(struct mvcc *m, const struct state_reader *committed,
                          struct update_batch *updates, const struct tx_check *tx,
                          struct state_version version, struct weft_err *e) WEFT_MUST_CHECK;

#endif
