#include "kvledger/pvtdata_keys.h"

#include "proto/wire.h"

/* ---- writing ------------------------------------------------------------------------- */

void pvtdata_keys_put(struct buf *list, struct bytes key, struct bytes hash)
{
    WEFT_CLEANUP(buf_done) struct buf item = { 0 };
    if (key.len > 0)
        wire_put_bytes(&item, 1, key);
    wire_put_bytes(&item, 2, hash);
    wire_put_bytes(list, 1, buf_bytes(&item));
}

static void put_entry(struct buf *out, struct bytes key, const struct buf *value)
{
    WEFT_CLEANUP(buf_done) struct buf entry = { 0 };
    wire_put_bytes(&entry, 1, key);
    wire_put_bytes(&entry, 2, buf_bytes(value));
    wire_put_bytes(out, 1, buf_bytes(&entry));
}

size_t pvtdata_keys_encode(const struct pvtdata_keys_of *all, size_t count, struct buf *out)
{
    size_t i = 0;
    while (i < count && all[i].expiring == all[0].expiring) {
        WEFT_CLEANUP(buf_done) struct buf colls = { 0 };
        const struct pvtdata_keys_of *first = &all[i];
        for (; i < count && all[i].expiring == first->expiring && bytes_eq(all[i].ns, first->ns);
             i++)
            put_entry(&colls, all[i].coll, &all[i].list);
        put_entry(out, first->ns, &colls);
    }
    return i;
}

/* ---- reading ------------------------------------------------------------------------- */

struct reader {
    pvtdata_key_fn each;
    void *ctx;
    struct pvtdata_key_of key;
};

static enum weft_code damaged(struct weft_err *e)
{
    return WEFT_FAIL(e, WEFT_CORRUPT, "what expires is damaged in the bookkeeper database");
}

/* Two fields of bytes, of which the last count: an entry of a map, or a key with its hash. */
static enum weft_code two_fields(struct bytes b, struct bytes *ret_1, struct bytes *ret_2,
                                 struct weft_err *e)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    *ret_1 = *ret_2 = bytes_of(NULL, 0);
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            *ret_1 = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN))
            *ret_2 = f.bytes;
    }
    return w.bad ? damaged(e) : WEFT_OK;
}

typedef enum weft_code (*item_fn)(struct reader *r, struct bytes item, struct weft_err *e);

/* Every message in field 1. */
static enum weft_code each_item(struct reader *r, struct bytes b, item_fn take, struct weft_err *e)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f))
        if (wire_is(&f, 1, WIRE_LEN))
            WEFT_TRY(take(r, f.bytes, e));
    return w.bad ? damaged(e) : WEFT_OK;
}

static enum weft_code read_key(struct reader *r, struct bytes item, struct weft_err *e)
{
    WEFT_TRY(two_fields(item, &r->key.key, &r->key.hash, e));
    return r->each(r->ctx, &r->key, e);
}

static enum weft_code read_collection(struct reader *r, struct bytes entry, struct weft_err *e)
{
    struct bytes list;
    WEFT_TRY(two_fields(entry, &r->key.coll, &list, e));
    return each_item(r, list, read_key, e);
}

static enum weft_code read_namespace(struct reader *r, struct bytes entry, struct weft_err *e)
{
    struct bytes colls;
    WEFT_TRY(two_fields(entry, &r->key.ns, &colls, e));
    return each_item(r, colls, read_collection, e);
}

enum weft_code pvtdata_keys_parse(struct bytes b, pvtdata_key_fn each, void *ctx,
                                  struct weft_err *e)
{
    struct reader r = { .each = each, .ctx = ctx };
    return each_item(&r, b, read_namespace, e);
}
