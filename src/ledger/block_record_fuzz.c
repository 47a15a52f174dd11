/* Whatever is read as a record is written again to the same bytes: there is
 * one form of a record only. */
#include "ledger/block_record.h"

#include "base/varint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    WEFT_CLEANUP(block_view_done) struct block_view v = { 0 };
    WEFT_CLEANUP(buf_done) struct buf want = { 0 };
    WEFT_CLEANUP(buf_done) struct buf got = { 0 };
    struct weft_err e = { 0 };
    size_t txs_at = 0, txs_at_again = 0;
    enum weft_code rc = block_record_parse(bytes_of(data, size), &v, &txs_at, &e);
    if (rc != WEFT_OK) {
        WEFT_ASSERT((rc == WEFT_CORRUPT || rc == WEFT_LIMIT) && e.msg[0] != '\0');
        return 0;
    }
    buf_put_len_bytes(&want, bytes_of(data, size));
    block_record_encode(&v, &got, &txs_at_again);
    WEFT_ASSERT(bytes_eq(buf_bytes(&got), buf_bytes(&want)));
    WEFT_ASSERT(txs_at_again == txs_at + uvarint_len(size));
    return 0;
}
