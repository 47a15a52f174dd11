/* commit_hash.h - what a block did to the state, as one hash, chained from block to block.
 *
 *   hash(n) = SHA-256( varint(number of flags) flags updates hash(n-1) )
 *
 *   updates = Updates { repeated 1 KVWrite { 1 namespace, 2 collection, 3 key, 4 isDelete,
 *                                            5 value, 6 version } }
 *
 * The last update of every public and hashed key, by namespace, collection and key; public
 * keys before collections; namespace and collection where they change only.  The namespace
 * "" (the channel's config) is left out, and so are metadata and private values.  The first
 * block to have one is block 1, which has no hash before it.
 *
 * Go origin   core/ledger/kvledger/kv_ledger.go addBlockCommitHash
 *             core/ledger/kvledger/txmgmt/txmgr/update_batch_bytes.go
 * Owner       who owns the updates, which are sorted by it
 * Memory      none kept
 */
#ifndef WEFT_STATE_COMMIT_HASH_H
#define WEFT_STATE_COMMIT_HASH_H

#include "crypto/sha256.h"
#include "state/update_batch.h"

/* `previous` is NULL where there is none. */
struct digest commit_hash_of(struct bytes flags, struct update_batch *updates,
                             const struct digest *previous);

#endif
