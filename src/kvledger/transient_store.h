/* transient_store.h - what was written privately, until the block with the transaction comes.
 *
 * A peer that endorses a transaction gives its client hashes of the private writes, and keeps
 * the writes themselves.  When the transaction is in a block, they go from here into the
 * private data store; what never comes into a block is thrown away some thousand blocks later.
 *
 *     "P" 00 txid 00 uuid 00 order(height)   -> 00 TxPvtReadWriteSetWithConfigInfo
 *     "H" 00 order(height) 00 txid 00 uuid   -> nothing: found by height
 *     "T" 00 txid 00 uuid 00 order(height)   -> nothing: found by transaction
 *
 * All of it after "channel" 00, in <fileSystemPath>/transientstore.  A transaction may be there
 * more than once, from different endorsers: so there is a uuid.
 *
 *     transient_store_persist(s, "7f3a..", 31, set, e)      endorsed when the height was 31
 *     transient_store_find(s, "7f3a..", each, ctx, e)       its block has come
 *     transient_store_purge(s, ids, count, e)               and is committed
 *     transient_store_purge_below(s, 2000, e)               what was endorsed below height 2000
 *
 * Go origin   core/transientstore/store.go core/transientstore/store_helper.go
 * Differs     an id finds itself, not all that begin with it; purging is synced, too: a crash
 *             leaves no hole in the log (kv_open_mending), and few orphans
 * Owner       any thread
 * Memory      one entry
 * Limits      LIMIT_PROTO_BYTES a value
 */
#ifndef WEFT_KVLEDGER_TRANSIENT_STORE_H
#define WEFT_KVLEDGER_TRANSIENT_STORE_H

#include "kvledger/pvtdata_store.h"

struct transient_store;

/* The database is the folder's, for all channels; it stays open while this is. */
struct transient_store *transient_store_new(struct kv *kv, const char *channel);
void transient_store_free(struct transient_store *s);
WEFT_DEFINE_CLEANUP(struct transient_store *, transient_store_free)

/* `set`: a TxPvtReadWriteSetWithConfigInfo.  Durable on return.  WEFT_INVALID: no such id. */
enum weft_code transient_store_persist(struct transient_store *s, struct bytes tx_id,
                                       uint64_t height, struct bytes set,
                                       struct weft_err *e) WEFT_MUST_CHECK;

/* Calls `each` with every write set that is kept for the transaction, as that of transaction
 * `tx`; good during the call. */
enum weft_code transient_store_find(struct transient_store *s, struct bytes tx_id, uint64_t tx,
                                    pvt_write_set_fn each, void *ctx,
                                    struct weft_err *e) WEFT_MUST_CHECK;

enum weft_code transient_store_purge(struct transient_store *s, const struct bytes *tx_ids,
                                     size_t count, struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code transient_store_purge_below(struct transient_store *s, uint64_t height,
                                           struct weft_err *e) WEFT_MUST_CHECK;

/* The bytes of a value: of ours, and as a 1.1 peer wrote them. */
enum weft_code transient_value_each(struct bytes value, uint64_t tx, pvt_write_set_fn each,
                                    void *ctx, struct weft_err *e) WEFT_MUST_CHECK;

#endif
