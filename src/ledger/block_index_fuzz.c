/* Values and keys of the block index: what is read is written again to
 * something that reads the same.  The first byte says as what it is taken. */
#include "ledger/block_index.h"

#include "ledger/order_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same_loc(const struct block_loc *a, const struct block_loc *b)
{
    return a->file == b->file && a->offset == b->offset && a->len == b->len;
}

static void try_loc(struct bytes b)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    struct block_loc loc, back;
    if (block_loc_parse(b, &loc, NULL) != WEFT_OK)
        return;
    block_loc_encode(&loc, &out);
    WEFT_ASSERT(block_loc_parse(buf_bytes(&out), &back, NULL) == WEFT_OK);
    WEFT_ASSERT(same_loc(&loc, &back));
}

static void try_tx(struct bytes b)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    struct tx_loc loc, back;
    if (tx_loc_parse(b, &loc, NULL) != WEFT_OK)
        return;
    tx_loc_encode(&loc, &out);
    WEFT_ASSERT(tx_loc_parse(buf_bytes(&out), &back, NULL) == WEFT_OK);
    WEFT_ASSERT(same_loc(&loc.block, &back.block) && same_loc(&loc.tx, &back.tx));
    WEFT_ASSERT(loc.validation_code == back.validation_code);
}

static void try_key(struct bytes b)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    struct bytes id, id_back;
    uint64_t block = 0, tx = 0, block_back = 0, tx_back = 0;
    if (!tx_id_key_parse(b, &id, &block, &tx))
        return;
    buf_put_u8(&out, 't');
    order_key_put(&out, id.len);
    buf_put(&out, id);
    order_key_put(&out, block);
    order_key_put(&out, tx);
    WEFT_ASSERT(tx_id_key_parse(buf_bytes(&out), &id_back, &block_back, &tx_back));
    WEFT_ASSERT(bytes_eq(id, id_back) && block == block_back && tx == tx_back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct bytes b = bytes_of(data + 1, size - 1);
    switch (data[0] % 3) {
    case 0:
        try_loc(b);
        break;
    case 1:
        try_tx(b);
        break;
    default:
        try_key(b);
        break;
    }
    return 0;
}
