#include "base/log.h"
#include "kvledger/expiry_data.h"
#include "kvledger/pvtdata_store_private.h"
#include "ledger/kv.h"
#include "ledger/order_key.h"
#include "proto/repeated.h"

enum {
    BATCH_BYTES = 1 << 20 /* then it is written: batches lie in memory as a whole */
};

LOG_DEFINE(logger, "pvtdatastorage");

/* ---- what is over ------------------------------------------------------------------------ */

struct purge {
    struct pvtdata_store *s;
    uint64_t block; /* that the data came with */
};

static void delete_missing(struct pvtdata_store *s, enum pvtdata_group group, uint64_t block,
                           const struct expiry_item *item)
{
    (void)pvtdata_store_key(s, group);
    if (group == PVTDATA_MISSING_INELIGIBLE)
        pvtdata_key_put_ineligible(&s->key, item->ns, item->coll, block);
    else
        pvtdata_key_put_missing(&s->key, block, item->ns, item->coll);
    kv_batch_delete(s->batch, buf_bytes(&s->key));
}

static void delete_item(void *ctx, const struct expiry_item *item)
{
    const struct purge *p = ctx;
    struct pvtdata_store *s = p->s;
    if (item->is_missing) {
        delete_missing(s, PVTDATA_MISSING, p->block, item);
        delete_missing(s, PVTDATA_MISSING_DEPRIORITIZED, p->block, item);
        delete_missing(s, PVTDATA_MISSING_INELIGIBLE, p->block, item);
        return;
    }
    (void)pvtdata_store_key(s, PVTDATA_SET);
    pvtdata_key_put_set(&s->key, p->block, item->tx, item->ns, item->coll);
    kv_batch_delete(s->batch, buf_bytes(&s->key));
}

static enum weft_code purge_entry(struct pvtdata_store *s, struct bytes key, struct bytes value,
                                  uint64_t block, bool *ret_is_over, struct weft_err *e)
{
    struct purge p = { .s = s };
    struct bytes rest = bytes_skip(key, s->prefix_len + 1);
    uint64_t expiring = 0;
    if (!order_key_take(&rest, &expiring) || !order_key_take(&rest, &p.block))
        return WEFT_FAIL(e, WEFT_CORRUPT, "a key of the private data store is damaged");
    *ret_is_over = expiring <= block;
    if (!*ret_is_over)
        return WEFT_OK;
    kv_batch_delete(s->batch, key);
    WEFT_TRY(expiry_data_parse(value, delete_item, &p, e));
    return kv_batch_bytes(s->batch) > BATCH_BYTES ? pvtdata_store_write(s, e) : WEFT_OK;
}

enum weft_code pvtdata_store_purge(struct pvtdata_store *s, uint64_t block, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf start = { 0 };
    struct bytes key, value;
    bool found = false, is_over = true;
    size_t count = 0;
    buf_put(&start, pvtdata_store_key(s, PVTDATA_EXPIRY));
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(s->kv, buf_bytes(&start));
    for (;; count++) {
        WEFT_TRY(kv_iter_next(it, &found, &key, &value, e));
        if (!found || !bytes_start_with(key, buf_bytes(&start)))
            break;
        WEFT_TRY(purge_entry(s, key, value, block, &is_over, e));
        if (!is_over)
            break;
    }
    if (count == 0)
        return WEFT_OK;
    WEFT_TRY(pvtdata_store_write(s, e));
    LOG_INFO(&logger,
             "[%s] - [%zu] Entries purged from private data storage till block number [%" PRIu64
             "]",
             s->channel, count, block);
    return WEFT_OK;
}

/* ---- what became ours ---------------------------------------------------------------------- */

/* From "not ours" to "ours", for the collection's blocks up to this one, newest first. */
static enum weft_code convert_collection(struct pvtdata_store *s, uint64_t block, struct bytes ns,
                                         struct bytes coll, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf prefix = { 0 };
    WEFT_CLEANUP(buf_done) struct buf start = { 0 };
    struct bytes key, value;
    bool found = false;
    size_t count = 0;
    (void)pvtdata_store_key(s, PVTDATA_MISSING_INELIGIBLE);
    pvtdata_key_put_ineligible(&s->key, ns, coll, block);
    buf_put(&start, buf_bytes(&s->key));
    buf_put(&prefix, bytes_of(start.data, s->prefix_len + 1 + ns.len + 1 + coll.len + 1));
    LOG_INFO(&logger,
             "Converting missing data entries from ineligible to eligible for [ns=%.*s, coll=%.*s]",
             (int)ns.len, (const char *)ns.data, (int)coll.len, (const char *)coll.data);
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(s->kv, buf_bytes(&start));
    for (;; count++) {
        uint64_t at = 0;
        WEFT_TRY(kv_iter_next(it, &found, &key, &value, e));
        if (!found || !bytes_start_with(key, buf_bytes(&prefix)))
            break;
        struct bytes rest = bytes_skip(key, prefix.len);
        if (!reverse_key_take(&rest, &at))
            return WEFT_FAIL(e, WEFT_CORRUPT, "a key of the private data store is damaged");
        kv_batch_delete(s->batch, key);
        (void)pvtdata_store_key(s, PVTDATA_MISSING);
        pvtdata_key_put_missing(&s->key, at, ns, coll);
        kv_batch_put(s->batch, buf_bytes(&s->key), value);
        if (kv_batch_bytes(s->batch) > BATCH_BYTES)
            WEFT_TRY(pvtdata_store_write(s, e));
    }
    LOG_INFO(&logger, "Converted all [%zu] entries for [ns=%.*s, coll=%.*s]", count, (int)ns.len,
             (const char *)ns.data, (int)coll.len, (const char *)coll.data);
    return WEFT_OK;
}

/* An entry of CollElgInfo's map: { 1 namespace, 2 CollNames { 1 repeated names } }. */
static enum weft_code convert_namespace(struct pvtdata_store *s, uint64_t block, struct bytes entry,
                                        struct weft_err *e)
{
    struct wire w = wire_of(entry);
    struct wire_field f;
    struct bytes ns = bytes_of_str(""), names = { 0 }, coll;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            ns = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN))
            names = f.bytes;
    }
    if (w.bad)
        return WEFT_FAIL(e, WEFT_CORRUPT, "a note of new collections is damaged");
    for (struct repeated r = repeated_of(names, 1); repeated_next(&r, &coll);)
        WEFT_TRY(convert_collection(s, block, ns, coll, e));
    return WEFT_OK;
}

/* The note goes last: whatever a crash leaves undone is done with the next opening. */
enum weft_code pvtdata_store_convert_eligible(struct pvtdata_store *s, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf start = { 0 };
    struct bytes key, value, entry;
    bool found = false, any = false;
    buf_put(&start, pvtdata_store_key(s, PVTDATA_ELIGIBLE));
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(s->kv, buf_bytes(&start));
    for (;;) {
        uint64_t block = 0;
        WEFT_TRY(kv_iter_next(it, &found, &key, &value, e));
        if (!found || !bytes_start_with(key, buf_bytes(&start)))
            break;
        struct bytes rest = bytes_skip(key, start.len);
        if (!reverse_key_take(&rest, &block))
            return WEFT_FAIL(e, WEFT_CORRUPT, "a key of the private data store is damaged");
        for (struct repeated r = repeated_of(value, 1); repeated_next(&r, &entry);)
            WEFT_TRY(convert_namespace(s, block, entry, e));
        kv_batch_delete(s->batch, key);
        any = true;
    }
    return any ? pvtdata_store_write(s, e) : WEFT_OK;
}

/* CollElgInfo { 1 map ns -> CollNames { 1 names } }; one namespace after the other. */
static void encode_collections(const struct pvt_collection *colls, size_t count, struct buf *out)
{
    for (size_t i = 0, n; i < count; i += n) {
        WEFT_CLEANUP(buf_done) struct buf names = { 0 };
        WEFT_CLEANUP(buf_done) struct buf entry = { 0 };
        for (n = 0; i + n < count && bytes_eq(colls[i + n].ns, colls[i].ns); n++)
            wire_put_bytes(&names, 1, colls[i + n].coll);
        wire_put_bytes(&entry, 1, colls[i].ns);
        wire_put_bytes(&entry, 2, buf_bytes(&names));
        wire_put_bytes(out, 1, buf_bytes(&entry));
    }
}

enum weft_code pvtdata_store_set_eligible(struct pvtdata_store *s, uint64_t block,
                                          const struct pvt_collection *colls, size_t count,
                                          struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    if (count == 0)
        return WEFT_OK;
    encode_collections(colls, count, &value);
    (void)pvtdata_store_key(s, PVTDATA_ELIGIBLE);
    reverse_key_put(&s->key, block);
    kv_batch_clear(s->batch);
    kv_batch_put(s->batch, buf_bytes(&s->key), buf_bytes(&value));
    WEFT_TRY(pvtdata_store_write(s, e));
    return pvtdata_store_convert_eligible(s, e);
}
