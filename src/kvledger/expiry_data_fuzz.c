/* What of a block's private data goes with another, as it is stored: what was read is written,
 * and read again it is the same. */
#include "kvledger/expiry_data.h"

#include <stddef.h>
#include <stdint.h>

struct items {
    struct expiry_item *at;
    size_t count;
};

static void items_done(struct items *i)
{
    free(i->at);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct items, items_done)

static void take(void *ctx, const struct expiry_item *item)
{
    struct items *i = ctx;
    i->at = weft_realloc(i->at, (i->count + 1) * sizeof(*i->at));
    i->at[i->count++] = *item;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    WEFT_CLEANUP(items_done) struct items first = { 0 };
    WEFT_CLEANUP(items_done) struct items second = { 0 };
    WEFT_CLEANUP(buf_done) struct buf once = { 0 };
    WEFT_CLEANUP(buf_done) struct buf twice = { 0 };
    if (expiry_data_parse(bytes_of(data, size), take, &first, NULL) != WEFT_OK)
        return 0;
    expiry_items_sort(first.at, first.count);
    expiry_data_encode(first.at, first.count, &once);
    WEFT_ASSERT(expiry_data_parse(buf_bytes(&once), take, &second, NULL) == WEFT_OK);
    WEFT_ASSERT(second.count <= first.count); /* missing ones are one a collection */
    expiry_data_encode(second.at, second.count, &twice);
    WEFT_ASSERT(bytes_eq(buf_bytes(&once), buf_bytes(&twice)));
    return 0;
}
