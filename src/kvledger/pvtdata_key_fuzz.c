/* Keys of the private data store: what can be taken apart is put together to the same. */
#include "kvledger/pvtdata_key.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    struct bytes whole = bytes_of(data, size), rest = whole;
    struct pvtdata_set_key k, again;
    uint64_t n = 0, same = 0;
    if (pvtdata_set_key_parse(whole, &k) && !k.is_whole_tx) {
        pvtdata_key_put_set(&b, k.block, k.tx, k.ns, k.coll);
        WEFT_ASSERT(pvtdata_set_key_parse(buf_bytes(&b), &again));
        WEFT_ASSERT(k.block == again.block && k.tx == again.tx);
        WEFT_ASSERT(bytes_eq(k.ns, again.ns) && bytes_eq(k.coll, again.coll));
    }
    buf_clear(&b);
    if (reverse_key_take(&rest, &n)) {
        reverse_key_put(&b, n);
        rest = buf_bytes(&b);
        WEFT_ASSERT(reverse_key_take(&rest, &same) && same == n && rest.len == 0);
    }
    return 0;
}
