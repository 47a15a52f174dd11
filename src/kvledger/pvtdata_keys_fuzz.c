/* The schedule of private keys as the bookkeeper stores it. */
#include "kvledger/pvtdata_keys.h"

#include <stddef.h>
#include <stdint.h>

struct seen {
    size_t keys, bytes;
};

static enum weft_code take(void *ctx, const struct pvtdata_key_of *key, struct weft_err *e)
{
    struct seen *s = ctx;
    (void)e;
    s->keys++;
    s->bytes += key->ns.len + key->coll.len + key->key.len + key->hash.len;
    return WEFT_OK;
}

/* Each key written alone, and read again. */
static enum weft_code write_alone(void *ctx, const struct pvtdata_key_of *key, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    struct seen s = { 0 };
    struct pvtdata_keys_of of = { 5, key->ns, key->coll, { 0 } };
    (void)ctx, (void)e;
    pvtdata_keys_put(&of.list, key->key, key->hash);
    WEFT_ASSERT(pvtdata_keys_encode(&of, 1, &out) == 1);
    WEFT_ASSERT(pvtdata_keys_parse(buf_bytes(&out), take, &s, NULL) == WEFT_OK);
    WEFT_ASSERT(s.keys == 1);
    WEFT_ASSERT(s.bytes == key->ns.len + key->coll.len + key->key.len + key->hash.len);
    buf_done(&of.list);
    return WEFT_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    WEFT_IGNORE(pvtdata_keys_parse(bytes_of(data, size), write_alone, NULL, NULL));
    return 0;
}
