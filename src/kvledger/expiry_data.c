#include "kvledger/expiry_data.h"

#include "base/varint.h"
#include "proto/wire.h"

/* ---- writing ------------------------------------------------------------------------- */

static int by_number(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int by_place(const void *x, const void *y)
{
    const struct expiry_item *a = x, *b = y;
    int c = by_number(a->expiring, b->expiring);
    if (c == 0)
        c = bytes_cmp(a->ns, b->ns);
    if (c == 0)
        c = (int)a->is_missing - (int)b->is_missing;
    if (c == 0)
        c = bytes_cmp(a->coll, b->coll);
    return c != 0 ? c : by_number(a->tx, b->tx);
}

void expiry_items_sort(struct expiry_item *items, size_t count)
{
    if (count > 1)
        qsort(items, count, sizeof(*items), by_place);
}

/* How many of the items are of one namespace, or of one collection in it. */
static size_t run_of_ns(const struct expiry_item *items, size_t count)
{
    size_t n = 1;
    while (n < count && bytes_eq(items[n].ns, items[0].ns))
        n++;
    return n;
}

static size_t run_of_coll(const struct expiry_item *items, size_t count)
{
    size_t n = 1;
    while (n < count && items[n].is_missing == items[0].is_missing &&
           bytes_eq(items[n].coll, items[0].coll))
        n++;
    return n;
}

static void put_tx_nums(const struct expiry_item *items, size_t count, struct buf *entry)
{
    WEFT_CLEANUP(buf_done) struct buf list = { 0 };
    WEFT_CLEANUP(buf_done) struct buf nums = { 0 };
    for (size_t i = 0; i < count; i++)
        buf_put_uvarint(&list, items[i].tx);
    wire_put_bytes(&nums, 1, buf_bytes(&list));
    wire_put_bytes(entry, 2, buf_bytes(&nums));
}

static void put_collections(const struct expiry_item *items, size_t count, struct buf *out)
{
    for (size_t i = 0, n; i < count; i += n) {
        WEFT_CLEANUP(buf_done) struct buf entry = { 0 };
        n = run_of_coll(&items[i], count - i);
        wire_put_bytes(&entry, 1, items[i].coll);
        if (items[i].is_missing)
            wire_put_varint(&entry, 2, 1);
        else
            put_tx_nums(&items[i], n, &entry);
        wire_put_bytes(out, items[i].is_missing ? 2 : 1, buf_bytes(&entry));
    }
}

void expiry_data_encode(const struct expiry_item *items, size_t count, struct buf *out)
{
    for (size_t i = 0, n; i < count; i += n) {
        WEFT_CLEANUP(buf_done) struct buf entry = { 0 };
        WEFT_CLEANUP(buf_done) struct buf collections = { 0 };
        n = run_of_ns(&items[i], count - i);
        put_collections(&items[i], n, &collections);
        wire_put_bytes(&entry, 1, items[i].ns);
        wire_put_bytes(&entry, 2, buf_bytes(&collections));
        wire_put_bytes(out, 1, buf_bytes(&entry));
    }
}

/* ---- reading ------------------------------------------------------------------------- */

struct reader {
    expiry_item_fn each;
    void *ctx;
    struct expiry_item item;
};

/* TxNums { 1 list }, packed or not. */
static bool read_tx_nums(struct reader *r, struct bytes b)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_VARINT)) {
            r->item.tx = f.varint;
            r->each(r->ctx, &r->item);
        }
        struct bytes list = wire_is(&f, 1, WIRE_LEN) ? f.bytes : (struct bytes){ 0 };
        while (list.len > 0) {
            size_t n = uvarint_decode(list, &r->item.tx);
            if (n == 0)
                return false;
            list = bytes_skip(list, n);
            r->each(r->ctx, &r->item);
        }
    }
    return !w.bad;
}

/* An entry of a map: { 1 key, 2 value }, of which the last count. */
static bool read_entry(struct bytes b, struct bytes *ret_key, struct bytes *ret_value)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    *ret_key = *ret_value = bytes_of(NULL, 0);
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            *ret_key = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN))
            *ret_value = f.bytes;
    }
    return !w.bad;
}

static bool read_collections(struct reader *r, struct bytes b)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    struct bytes value;
    while (wire_next(&w, &f)) {
        if (f.type != WIRE_LEN || (f.number != 1 && f.number != 2))
            continue;
        if (!read_entry(f.bytes, &r->item.coll, &value))
            return false;
        r->item.is_missing = f.number == 2;
        r->item.tx = 0;
        if (r->item.is_missing)
            r->each(r->ctx, &r->item);
        else if (!read_tx_nums(r, value))
            return false;
    }
    return !w.bad;
}

enum weft_code expiry_data_parse(struct bytes b, expiry_item_fn each, void *ctx, struct weft_err *e)
{
    struct reader r = { .each = each, .ctx = ctx };
    struct wire w = wire_of(b);
    struct wire_field f;
    struct bytes value;
    bool good = true;
    while (good && wire_next(&w, &f))
        if (wire_is(&f, 1, WIRE_LEN))
            good = read_entry(f.bytes, &r.item.ns, &value) && read_collections(&r, value);
    if (w.bad || !good)
        return WEFT_FAIL(e, WEFT_CORRUPT, "what expires is damaged in the private data store");
    return WEFT_OK;
}
