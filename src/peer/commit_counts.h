/* commit_counts.h - what is counted of a channel's blocks on their way into the ledger.
 *
 *     ledger_blockchain_height, ledger_transaction_count{type, chaincode, code}, gossip_state_height,
 *     and how long validation, commit and both took
 *
 * Go origin   core/ledger/kvledger/metrics.go gossip/metrics/metrics.go
 * Owner       one thread (commit:<id>)
 * Memory      the cells are the metrics'
 */
#ifndef WEFT_PEER_COMMIT_COUNTS_H
#define WEFT_PEER_COMMIT_COUNTS_H

#include "base/weft.h"

struct block_validation;
struct commit_counts;
struct kv_commit_times;
struct metrics;

/* metrics may be NULL. */
struct commit_counts *commit_counts_new(struct metrics *metrics, const char *channel_id);
void commit_counts_free(struct commit_counts *c);

/* The configuration that a new channel began with is a block with a transaction, too. */
void commit_counts_first(struct commit_counts *c, const struct kv_commit_times *times);
void commit_counts_height(struct commit_counts *c, uint64_t height);
void commit_counts_validated(struct commit_counts *c, uint64_t took_ns);
/* `codes` are the final ones. */
void commit_counts_committed(struct commit_counts *c, const struct block_validation *v,
                             const uint8_t *codes, uint64_t validated_ns, uint64_t committed_ns);

/* What the ledger says of a block, once it is announced; ctx is the counts. */
void commit_counts_times(void *ctx, const struct kv_commit_times *times);

#endif
