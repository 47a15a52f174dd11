/* pvtdata_key.h - keys of the private data store, and its bitmaps.
 *
 *     02 order(31) order(1) "pdc" 00 "collBoth"            data of transaction 1 in block 31
 *     05 "pdc" 00 "collOrg1" 00 reverse(57)                what is missing in block 57
 *
 * reverse(n) sorts larger numbers first: the bytes of 2^64 - 1 - n without leading ff, after
 * one byte that counts those.
 *
 *     0 -> 08     1 -> 07 fe     57 -> 07 c6     256 -> 06 fe ff
 *
 * A bitmap says which transactions of a block are meant: how many bits there are, then words
 * of 64 with the lowest bit first.
 *
 *     { 1, 3 } -> 0000000000000004 000000000000000a
 *
 * Go origin   core/ledger/pvtdatastorage/kv_encoding.go
 *             vendor/github.com/willf/bitset/bitset.go
 * Owner       any thread
 * Memory      appends to a buffer; what is taken apart borrows
 * Limits      none
 */
#ifndef WEFT_KVLEDGER_PVTDATA_KEY_H
#define WEFT_KVLEDGER_PVTDATA_KEY_H

#include "base/bytes.h"

enum pvtdata_group {
    PVTDATA_PENDING = 0, /* of 1.4 */
    PVTDATA_LAST_BLOCK = 1,
    PVTDATA_SET = 2,
    PVTDATA_EXPIRY = 3,
    PVTDATA_MISSING = 4,
    PVTDATA_MISSING_INELIGIBLE = 5,
    PVTDATA_ELIGIBLE = 6,
    PVTDATA_UPDATED_BLOCKS = 7, /* of 1.4 */
    PVTDATA_MISSING_DEPRIORITIZED = 8,
};

void reverse_key_put(struct buf *b, uint64_t n);
/* Takes one off the front; false when it is cut short or counts more than 8. */
bool reverse_key_take(struct bytes *in, uint64_t *ret_n);

/* What follows the group's byte. */
void pvtdata_key_put_set(struct buf *b, uint64_t block, uint64_t tx, struct bytes ns,
                         struct bytes coll);
void pvtdata_key_put_missing(struct buf *b, uint64_t block, struct bytes ns, struct bytes coll);
void pvtdata_key_put_ineligible(struct buf *b, struct bytes ns, struct bytes coll, uint64_t block);

struct pvtdata_set_key {
    uint64_t block, tx;
    bool is_whole_tx; /* of 1.1: the value is all that the transaction wrote */
    struct bytes ns, coll;
};
bool pvtdata_set_key_parse(struct bytes b, struct pvtdata_set_key *ret);

/* Numbers of transactions, ascending. */
void pvtdata_bitmap_put(struct buf *b, const uint64_t *txs, size_t count);

#endif
