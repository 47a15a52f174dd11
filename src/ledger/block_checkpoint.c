#include "ledger/block_checkpoint.h"

#include "base/varint.h"

static const char checkpoint_key[] = "blkMgrInfo";

uint64_t block_checkpoint_height(const struct block_checkpoint *c)
{
    return c->empty ? 0 : c->last_block + 1;
}

void block_checkpoint_encode(const struct block_checkpoint *c, struct buf *out)
{
    buf_put_uvarint(out, c->file);
    buf_put_uvarint(out, c->size);
    buf_put_uvarint(out, c->last_block);
    buf_put_uvarint(out, c->empty ? 1 : 0);
}

enum weft_code block_checkpoint_parse(struct bytes b, struct block_checkpoint *ret,
                                      struct weft_err *e)
{
    uint64_t part[4];
    for (size_t i = 0; i < WEFT_ARRAY_LEN(part); i++) {
        size_t n = uvarint_decode(b, &part[i]);
        if (n == 0)
            return WEFT_FAIL(e, WEFT_CORRUPT, "the block file checkpoint is no four varints");
        b = bytes_skip(b, n);
    }
    if (b.len > 0 || part[3] > 1)
        return WEFT_FAIL(e, WEFT_CORRUPT, "the block file checkpoint is damaged");
    *ret = (struct block_checkpoint){ part[0], part[1], part[2], part[3] == 1 };
    return WEFT_OK;
}

enum weft_code block_checkpoint_load(const struct block_index *ix, bool *ret_found,
                                     struct block_checkpoint *ret, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    block_index_key(ix, bytes_of_str(checkpoint_key), &key);
    WEFT_TRY(kv_get(ix->kv, buf_bytes(&key), ret_found, &value, e));
    return *ret_found ? block_checkpoint_parse(buf_bytes(&value), ret, e) : WEFT_OK;
}

void block_checkpoint_put(const struct block_index *ix, struct kv_batch *batch,
                          const struct block_checkpoint *c)
{
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    block_index_key(ix, bytes_of_str(checkpoint_key), &key);
    block_checkpoint_encode(c, &value);
    kv_batch_put(batch, buf_bytes(&key), buf_bytes(&value));
}

void block_checkpoint_drop(const struct block_index *ix, struct kv_batch *batch)
{
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    block_index_key(ix, bytes_of_str(checkpoint_key), &key);
    kv_batch_delete(batch, buf_bytes(&key));
}
