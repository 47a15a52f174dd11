/* pvtdata_store.h - private data by block, and what of it is missing: ledgersData/pvtdataStore.
 *
 *     01                                        -> varint: the last block it was asked about
 *     02 order(block) order(tx) ns 00 coll      -> CollectionPvtReadWriteSet
 *     03 order(expiring) order(block)           -> ExpiryData: what of a block goes with another
 *     04 reverse(block) ns 00 coll              -> transactions whose data we should have, as bits
 *     05 ns 00 coll 00 reverse(block)           -> the same, of collections that are not ours
 *     06 reverse(block)                         -> CollElgInfo: became ours with this block
 *     08 reverse(block) ns 00 coll              -> as 04, asked for in vain
 *     00, 07                                       a 1.4 peer's; understood and removed
 *
 * All of it after "channel" 00.  With the block files this is the truth: state is made of the
 * two.  So a block's private data is on the disk before the block is; the store may be ahead of
 * the block files, after a crash or a rollback, and then what it has is taken, not what comes.
 *
 *     pvtdata_store_commit(s, &(struct pvtdata_block){ 31, sets, 4, missing, 1 }, collections, e)
 *     pvtdata_store_read(s, 31, collections, NULL, each, ctx, e)
 *
 * Every write is synced.  A block without any private data moves only the last block on, and that
 * in memory: pvtdata_store_raise puts it on the disk when the ledger is closed, or after a crash
 * when it is opened, from the block files.
 *
 * Data of a collection with block_to_live is not given out any more once it is over, and is
 * removed from the disk with every block whose number the purge interval divides.
 *
 * Go origin   core/ledger/pvtdatastorage/store.go core/ledger/pvtdatastorage/kv_encoding.go
 *             core/ledger/pvtdatastorage/helper.go core/ledger/pvtdatastorage/v11.go
 *             core/ledger/pvtdatastorage/persistent_msgs_helper.go
 * Differs     purging, and moving from 05 to 04, happen in the commit and not beside it
 * Owner       one thread (commit:<id>); height and reading: any
 * Memory      one block's entries
 * Limits      LIMIT_PROTO_BYTES a value
 */
#ifndef WEFT_KVLEDGER_PVTDATA_STORE_H
#define WEFT_KVLEDGER_PVTDATA_STORE_H

#include "base/bytes.h"

struct collections;
struct kv;
struct kv_pvt_filter;
struct pvtdata_store;

/* The database is the folder's, for all channels; it stays open while this is. */
enum weft_code pvtdata_store_open(struct kv *kv, const char *channel, uint64_t purge_interval,
                                  struct pvtdata_store **ret, struct weft_err *e) WEFT_MUST_CHECK;
void pvtdata_store_close(struct pvtdata_store *s);
WEFT_DEFINE_CLEANUP(struct pvtdata_store *, pvtdata_store_close)

/* How many blocks it was asked about. */
uint64_t pvtdata_store_height(const struct pvtdata_store *s);

/* What a transaction wrote into a collection: the bytes of a KVRWSet. */
struct pvt_write_set {
    uint64_t tx;
    struct bytes ns, coll, rwset;
};

struct pvt_missing {
    uint64_t tx;
    struct bytes ns, coll;
    bool is_eligible; /* we should have it */
};

struct pvtdata_block {
    uint64_t number;
    const struct pvt_write_set *sets;
    size_t set_count;
    const struct pvt_missing *missing;
    size_t missing_count;
};

/* The next block; `c` is of the state before it.  Durable on return, if there is anything.
 * WEFT_INVALID: "Expected block number=%d, received block number=%d". */
enum weft_code pvtdata_store_commit(struct pvtdata_store *s, const struct pvtdata_block *b,
                                    struct collections *c, struct weft_err *e) WEFT_MUST_CHECK;

/* The block files have that many blocks: those beyond ours had no private data.  Lasts on return. */
enum weft_code pvtdata_store_raise(struct pvtdata_store *s, uint64_t height,
                                   struct weft_err *e) WEFT_MUST_CHECK;

/* Collections that became ours with this block, by namespace: what is missing of them is now
 * ours to have. */
struct pvt_collection {
    struct bytes ns, coll;
};
enum weft_code pvtdata_store_set_eligible(struct pvtdata_store *s, uint64_t block,
                                          const struct pvt_collection *colls, size_t count,
                                          struct weft_err *e) WEFT_MUST_CHECK;

/* The block's data that is not over, by transaction, namespace and collection; those that the
 * filter lets pass (NULL: all).  `c` is of the newest state.  WEFT_NOT_FOUND: "Last committed
 * block=%d, block requested=%d". */
typedef enum weft_code (*pvt_write_set_fn)(void *ctx, const struct pvt_write_set *set,
                                           struct weft_err *e);
enum weft_code pvtdata_store_read(struct pvtdata_store *s, uint64_t block, struct collections *c,
                                  const struct kv_pvt_filter *filter, pvt_write_set_fn each,
                                  void *ctx, struct weft_err *e) WEFT_MUST_CHECK;

#endif
