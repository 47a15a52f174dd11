/* A block that is read is written again to bytes that read the same, and those
 * are written to themselves. */
#include "proto/block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_same(const struct bytes_list *a, const struct bytes_list *b)
{
    WEFT_ASSERT(a->count == b->count);
    for (size_t i = 0; i < a->count; i++)
        WEFT_ASSERT(bytes_eq(a->at[i], b->at[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    WEFT_CLEANUP(block_view_done) struct block_view v = { 0 };
    WEFT_CLEANUP(block_unref) struct block *back = NULL;
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    WEFT_CLEANUP(buf_done) struct buf again = { 0 };
    struct weft_err e = { 0 };
    if (block_view_parse(&v, bytes_of(data, size), &e) != WEFT_OK) {
        WEFT_ASSERT((e.code == WEFT_INVALID || e.code == WEFT_LIMIT) && e.msg[0] != '\0');
        return 0;
    }
    block_encode(&v, &out);
    WEFT_ASSERT(out.len == block_encoded_len(&v));
    WEFT_ASSERT(block_parse(buf_bytes(&out), &back, NULL) == WEFT_OK);
    const struct block_view *w = &back->v;
    WEFT_ASSERT(w->number == v.number && w->has_header == v.has_header &&
                w->has_data == v.has_data && w->has_metadata == v.has_metadata);
    WEFT_ASSERT(bytes_eq(w->previous_hash, v.previous_hash));
    WEFT_ASSERT(bytes_eq(w->data_hash, v.data_hash));
    expect_same(&w->txs, &v.txs);
    expect_same(&w->slots, &v.slots);
    struct digest a = block_header_hash(&v), b = block_header_hash(w);
    WEFT_ASSERT(bytes_eq(digest_bytes(&a), digest_bytes(&b)));
    block_encode(w, &again);
    WEFT_ASSERT(bytes_eq(buf_bytes(&again), buf_bytes(&out)));
    return 0;
}
