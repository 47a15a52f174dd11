/* expiry_data.h - what of a block's private data goes with a later block.
 *
 *     ExpiryData { 1 map ns -> Collections {
 *                      1 map coll -> TxNums { 1 transactions whose data is there },
 *                      2 map coll -> true: data of it is missing } }
 *
 *     pdc / collBtl, transaction 3 -> 0a170a0370646312100a0e0a07636f6c6c42746c12030a0103
 *
 * A map's order in the original is chance; here it is that of the names.
 *
 * Go origin   core/ledger/pvtdatastorage/persistent_msgs_helper.go
 *             core/ledger/pvtdatastorage/helper.go deriveKeys
 * Owner       any thread
 * Memory      borrows names
 * Limits      none of its own
 */
#ifndef WEFT_KVLEDGER_EXPIRY_DATA_H
#define WEFT_KVLEDGER_EXPIRY_DATA_H

#include "base/bytes.h"

struct expiry_item {
    uint64_t expiring; /* the block with which it goes */
    struct bytes ns, coll;
    bool is_missing;
    uint64_t tx; /* 0 when it is missing: all of the block's together */
};

/* By expiring block, and in it as the encoder wants them. */
void expiry_items_sort(struct expiry_item *items, size_t count);
/* Items of one expiring block, sorted. */
void expiry_data_encode(const struct expiry_item *items, size_t count, struct buf *out);

/* Calls `each` for every item; `expiring` is left 0. */
typedef void (*expiry_item_fn)(void *ctx, const struct expiry_item *item);
enum weft_code expiry_data_parse(struct bytes b, expiry_item_fn each, void *ctx,
                                 struct weft_err *e) WEFT_MUST_CHECK;

#endif
