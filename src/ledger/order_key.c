#include "ledger/order_key.h"

size_t order_key_encode(uint64_t n, uint8_t out[ORDER_KEY_LEN_MAX])
{
    size_t count = n == 0 ? 0 : (size_t)(63 - __builtin_clzll(n)) / 8 + 1;
    out[0] = (uint8_t)count;
    for (size_t i = 0; i < count; i++)
        out[1 + i] = (uint8_t)(n >> (8 * (count - 1 - i)));
    return 1 + count;
}

void order_key_put(struct buf *b, uint64_t n)
{
    b->len += order_key_encode(n, buf_reserve(b, ORDER_KEY_LEN_MAX));
}

bool order_key_take(struct bytes *in, uint64_t *ret_n)
{
    if (in->len == 0 || in->data[0] > 8 || in->data[0] > in->len - 1)
        return false;
    size_t count = in->data[0];
    uint64_t n = 0;
    for (size_t i = 0; i < count; i++)
        n = n << 8 | in->data[1 + i];
    *in = bytes_skip(*in, 1 + count);
    *ret_n = n;
    return true;
}
