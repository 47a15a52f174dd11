/* order_key.h - numbers as keys that sort as the numbers do.
 *
 * The big-endian bytes without leading zeros, after one byte that counts
 * them:
 *
 *     0 -> 00     1 -> 01 01     255 -> 01 ff     256 -> 02 01 00
 *
 * Go origin   common/ledger/util/util.go EncodeOrderPreservingVarUint64
 * Owner       any thread
 * Memory      none
 */
#ifndef WEFT_LEDGER_ORDER_KEY_H
#define WEFT_LEDGER_ORDER_KEY_H

#include "base/bytes.h"

enum {
    ORDER_KEY_LEN_MAX = 9
};

size_t order_key_encode(uint64_t n, uint8_t out[ORDER_KEY_LEN_MAX]);
void order_key_put(struct buf *b, uint64_t n);

/* Takes one off the front; false when it is cut short or counts more than 8. */
bool order_key_take(struct bytes *in, uint64_t *ret_n);

#endif
