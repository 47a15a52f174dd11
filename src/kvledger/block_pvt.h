/* block_pvt.h - a block's private data: what it should have, what came with it, what is missing.
 *
 *     in the block           pdc / collBoth, hash of the private write set
 *     came with it           pdc / collBoth, the write set          -> kept, if its hash is that
 *     was endorsed here      and lies in the transient store        -> likewise
 *     we are a member        and it is nowhere                      -> missing, ours to have
 *     we are not             whatever came                          -> missing, not ours
 *
 * The order of a commit:
 *
 *     block_pvt_new(v, codes of the validator, collections of the state before, &from, &p, e)
 *     MVCC: the final codes, the block's updates, the commit hash
 *     block_pvt_add_updates(p, final codes, count, state before, updates, e)
 *     pvtdata_store_commit(store, block_pvt_block(p), collections, e)
 *
 * Where the store has the block already (it is ahead), block_pvt_of_store takes what that has.
 *
 * Go origin   gossip/privdata/coordinator.go gossip/privdata/pvtdataprovider.go
 *             core/ledger/kvledger/txmgmt/validation/batch_preparer.go validateAndPreparePvtBatch
 * Differs     a collection that no state knows is nobody's and leaves no trace (the original
 *             stops its channel, also when the transaction is invalid); other peers are not asked
 *             yet
 * Owner       one thread (commit:<id>)
 * Memory      borrows the block, and what came with it; copies what comes from the store
 * Limits      those of proto_check.h
 */
#ifndef WEFT_KVLEDGER_BLOCK_PVT_H
#define WEFT_KVLEDGER_BLOCK_PVT_H

#include "kvledger/kv_ledger.h"
#include "kvledger/pvtdata_store.h"

struct block_pvt;
struct transient_store;
struct update_batch;

/* Where it is looked for, one after the other. */
struct pvt_sources {
    const struct kv_pvt_data *came;
    size_t count;
    struct transient_store *transient; /* NULL: none */
};
enum weft_code block_pvt_new(const struct block_validation *v, const uint8_t *codes,
                             struct collections *c, const struct pvt_sources *from,
                             struct block_pvt **ret, struct weft_err *e) WEFT_MUST_CHECK;
/* What the store has of a block that it has: recovery, and blocks that come again. */
enum weft_code block_pvt_of_store(struct pvtdata_store *s, uint64_t number, struct collections *c,
                                  struct block_pvt **ret, struct weft_err *e) WEFT_MUST_CHECK;
/* Of a block that has none: the first. */
struct block_pvt *block_pvt_none(uint64_t number);
void block_pvt_free(struct block_pvt *p);
WEFT_DEFINE_CLEANUP(struct block_pvt *, block_pvt_free)

/* Should some of it have come from other peers? */
bool block_pvt_is_lacking(const struct block_pvt *p);
/* For pvtdata_store_commit. */
const struct pvtdata_block *block_pvt_block(const struct block_pvt *p);

/* What the valid ones of the block's transactions wrote goes into the private space of the
 * updates, which hold the public and hashed ones already.  A key whose metadata alone was
 * written gets the hashed key's new version. */
enum weft_code block_pvt_add_updates(const struct block_pvt *p, const uint8_t *codes, size_t count,
                                     const struct state_reader *before, struct update_batch *u,
                                     struct weft_err *e) WEFT_MUST_CHECK;

#endif
