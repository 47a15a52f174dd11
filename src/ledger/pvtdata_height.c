#include "ledger/pvtdata_height.h"

#include "base/varint.h"
#include "ledger/kv.h"

enum {
    LAST_COMMITTED_KEY = 1
};

enum weft_code pvtdata_height_raise(const char *path, const char *channel, uint64_t last_block,
                                    struct weft_err *e)
{
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    bool found = false;
    uint64_t counts = 0;
    buf_put_str(&key, channel);
    buf_put_u8(&key, 0);
    buf_put_u8(&key, LAST_COMMITTED_KEY);
    WEFT_TRY(kv_open(path, "", &kv, e));
    WEFT_TRY(kv_get(kv, buf_bytes(&key), &found, &value, e));
    if (found && uvarint_decode(buf_bytes(&value), &counts) != value.len)
        return WEFT_FAIL(e, WEFT_CORRUPT, "the last block of channel [%s] in %s is damaged",
                         channel, path);
    if (found && counts >= last_block)
        return WEFT_OK;
    buf_clear(&value);
    buf_put_uvarint(&value, last_block);
    kv_batch_put(b, buf_bytes(&key), buf_bytes(&value));
    return kv_write(kv, b, true, e);
}
