#include "kvledger/pvtdata_key.h"

#include "ledger/order_key.h"

void reverse_key_put(struct buf *b, uint64_t n)
{
    size_t count = n == 0 ? 0 : (size_t)(63 - __builtin_clzll(n)) / 8 + 1;
    buf_put_u8(b, (uint8_t)(8 - count));
    for (size_t i = count; i-- > 0;)
        buf_put_u8(b, (uint8_t) ~(n >> (8 * i)));
}

bool reverse_key_take(struct bytes *in, uint64_t *ret_n)
{
    if (in->len == 0 || in->data[0] > 8 || 8 - (size_t)in->data[0] > in->len - 1)
        return false;
    size_t count = 8 - (size_t)in->data[0];
    uint64_t n = 0;
    for (size_t i = 0; i < count; i++)
        n = n << 8 | (uint8_t)~in->data[1 + i];
    *in = bytes_skip(*in, 1 + count);
    *ret_n = n;
    return true;
}

static void put_names(struct buf *b, struct bytes ns, struct bytes coll)
{
    buf_put(b, ns);
    buf_put_u8(b, 0);
    buf_put(b, coll);
}

void pvtdata_key_put_set(struct buf *b, uint64_t block, uint64_t tx, struct bytes ns,
                         struct bytes coll)
{
    order_key_put(b, block);
    order_key_put(b, tx);
    put_names(b, ns, coll);
}

void pvtdata_key_put_missing(struct buf *b, uint64_t block, struct bytes ns, struct bytes coll)
{
    reverse_key_put(b, block);
    put_names(b, ns, coll);
}

void pvtdata_key_put_ineligible(struct buf *b, struct bytes ns, struct bytes coll, uint64_t block)
{
    put_names(b, ns, coll);
    buf_put_u8(b, 0);
    reverse_key_put(b, block);
}

bool pvtdata_set_key_parse(struct bytes b, struct pvtdata_set_key *ret)
{
    struct pvtdata_set_key k = { 0 };
    if (!order_key_take(&b, &k.block) || !order_key_take(&b, &k.tx))
        return false;
    k.is_whole_tx = b.len == 0;
    if (!k.is_whole_tx) {
        const uint8_t *zero = memchr(b.data, 0, b.len);
        if (zero == NULL)
            return false;
        k.ns = bytes_of(b.data, (size_t)(zero - b.data));
        k.coll = bytes_skip(b, k.ns.len + 1);
    }
    *ret = k;
    return true;
}

static void put_be64(struct buf *b, uint64_t n)
{
    for (unsigned i = 8; i-- > 0;)
        buf_put_u8(b, (uint8_t)(n >> (8 * i)));
}

void pvtdata_bitmap_put(struct buf *b, const uint64_t *txs, size_t count)
{
    uint64_t bits = count > 0 ? txs[count - 1] + 1 : 0;
    size_t i = 0;
    put_be64(b, bits);
    for (uint64_t first = 0; first < bits; first += 64) {
        uint64_t word = 0;
        for (; i < count && txs[i] - first < 64; i++)
            word |= (uint64_t)1 << (txs[i] - first);
        put_be64(b, word);
    }
}
