/* A value of the transient store: what is read lies within it. */
#include "kvledger/transient_store.h"

#include <stddef.h>
#include <stdint.h>

static enum weft_code within(void *ctx, const struct pvt_write_set *set, struct weft_err *e)
{
    const struct bytes *all = ctx;
    (void)e;
    WEFT_ASSERT(set->rwset.len <= all->len && set->ns.len <= all->len && set->coll.len <= all->len);
    WEFT_ASSERT(set->rwset.len == 0 || (set->rwset.data >= all->data &&
                                        set->rwset.data + set->rwset.len <= all->data + all->len));
    return WEFT_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes all = bytes_of(data, size);
    WEFT_IGNORE(transient_value_each(all, 0, within, &all, NULL) != WEFT_OK);
    return 0;
}
