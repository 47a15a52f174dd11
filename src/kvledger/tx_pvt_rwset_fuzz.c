/* Private data as it comes with a block: taken apart and put together again it is the same data. */
#include "kvledger/tx_pvt_rwset.h"

#include "base/limits.h"

#include <stddef.h>
#include <stdint.h>

struct copy {
    struct tx_pvt_writer writer;
    size_t sets, bytes;
};

static enum weft_code take(void *ctx, const struct pvt_write_set *set, struct weft_err *e)
{
    struct copy *c = ctx;
    (void)e;
    c->sets++;
    c->bytes += set->ns.len + set->coll.len + set->rwset.len;
    tx_pvt_writer_add(&c->writer, set);
    return WEFT_OK;
}

static enum weft_code walk(struct bytes b, struct copy *c, struct buf *out)
{
    *c = (struct copy){ 0 };
    enum weft_code rc = tx_pvt_rwset_each(b, 7, take, c, NULL);
    tx_pvt_writer_end(&c->writer, out);
    tx_pvt_writer_done(&c->writer);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    WEFT_CLEANUP(buf_done) struct buf once = { 0 };
    WEFT_CLEANUP(buf_done) struct buf twice = { 0 };
    struct copy a, b;
    struct bytes rwset;
    if (walk(bytes_of(data, size), &a, &once) == WEFT_OK) {
        WEFT_ASSERT(walk(buf_bytes(&once), &b, &twice) == WEFT_OK);
        WEFT_ASSERT(a.sets == b.sets && a.bytes == b.bytes);
        WEFT_ASSERT(bytes_eq(buf_bytes(&once), buf_bytes(&twice)));
    }
    WEFT_IGNORE(collection_pvt_rwset_parse(bytes_of(data, size), &rwset, NULL));
    return 0;
}
