#include "kvledger/pvtdata_store.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/varint.h"
#include "kvledger/collections.h"
#include "kvledger/expiry_data.h"
#include "kvledger/kv_ledger.h"
#include "kvledger/pvtdata_store_private.h"
#include "kvledger/tx_pvt_rwset.h"
#include "ledger/kv.h"
#include "ledger/order_key.h"

LOG_DEFINE(logger, "pvtdatastorage");

struct bytes pvtdata_store_key(struct pvtdata_store *s, enum pvtdata_group group)
{
    s->key.len = s->prefix_len;
    buf_put_u8(&s->key, (uint8_t)group);
    return buf_bytes(&s->key);
}

/* ---- opening ------------------------------------------------------------------------- */

static enum weft_code read_height(struct pvtdata_store *s, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    bool found = false;
    uint64_t last = 0;
    WEFT_TRY(kv_get(s->kv, pvtdata_store_key(s, PVTDATA_LAST_BLOCK), &found, &value, e));
    if (found && (uvarint_decode(buf_bytes(&value), &last) != value.len || last == UINT64_MAX))
        return WEFT_FAIL(e, WEFT_CORRUPT, "the last block of the private data store is damaged");
    s->height = s->lasting_height = found ? last + 1 : 0;
    return WEFT_OK;
}

static void put_last_block(struct pvtdata_store *s, uint64_t last)
{
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    buf_put_uvarint(&value, last);
    kv_batch_put(s->batch, pvtdata_store_key(s, PVTDATA_LAST_BLOCK), buf_bytes(&value));
}

enum weft_code pvtdata_store_write(struct pvtdata_store *s, struct weft_err *e)
{
    enum weft_code rc = kv_write(s->kv, s->batch, true, e);
    kv_batch_clear(s->batch);
    return rc;
}

/* A 1.4 peer marked the commit of a block's data that it had prepared, and listed blocks whose
 * data came late for the sake of a state that was not made anew. */
static enum weft_code leave_1_4_behind(struct pvtdata_store *s, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    bool pending = false, listed = false;
    uint64_t height = s->height;
    WEFT_TRY(kv_get(s->kv, pvtdata_store_key(s, PVTDATA_PENDING), &pending, &value, e));
    WEFT_TRY(kv_get(s->kv, pvtdata_store_key(s, PVTDATA_UPDATED_BLOCKS), &listed, &value, e));
    if (!pending && !listed)
        return WEFT_OK;
    if (pending)
        put_last_block(s, height++);
    kv_batch_delete(s->batch, pvtdata_store_key(s, PVTDATA_PENDING));
    kv_batch_delete(s->batch, pvtdata_store_key(s, PVTDATA_UPDATED_BLOCKS));
    WEFT_TRY(pvtdata_store_write(s, e));
    s->height = height;
    return WEFT_OK;
}

enum weft_code pvtdata_store_open(struct kv *kv, const char *channel, uint64_t purge_interval,
                                  struct pvtdata_store **ret, struct weft_err *e)
{
    WEFT_CLEANUP(pvtdata_store_close) struct pvtdata_store *s = weft_alloc(sizeof(*s));
    s->kv = kv;
    s->channel = weft_strdup(channel);
    s->purge_interval = purge_interval;
    s->batch = kv_batch_new();
    buf_put(&s->key, bytes_of(channel, strlen(channel) + 1));
    s->prefix_len = s->key.len;
    WEFT_TRY(read_height(s, e));
    WEFT_TRY(leave_1_4_behind(s, e));
    WEFT_TRY(pvtdata_store_convert_eligible(s, e));
    *ret = WEFT_TAKE(s);
    return WEFT_OK;
}

void pvtdata_store_close(struct pvtdata_store *s)
{
    if (s == NULL)
        return;
    kv_batch_free(s->batch);
    buf_done(&s->key);
    free(s->channel);
    free(s);
}

uint64_t pvtdata_store_height(const struct pvtdata_store *s)
{
    return s->height;
}

/* ---- committing ------------------------------------------------------------------------ */

static void put_sets(struct pvtdata_store *s, const struct pvtdata_block *b)
{
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    for (size_t i = 0; i < b->set_count; i++) {
        const struct pvt_write_set *set = &b->sets[i];
        (void)pvtdata_store_key(s, PVTDATA_SET);
        pvtdata_key_put_set(&s->key, b->number, set->tx, set->ns, set->coll);
        buf_clear(&value);
        collection_pvt_rwset_encode(set->coll, set->rwset, &value);
        kv_batch_put(s->batch, buf_bytes(&s->key), buf_bytes(&value));
    }
}

static int by_collection(const void *x, const void *y)
{
    const struct pvt_missing *a = x, *b = y;
    int c = (int)a->is_eligible - (int)b->is_eligible;
    if (c == 0)
        c = bytes_cmp(a->ns, b->ns);
    if (c == 0)
        c = bytes_cmp(a->coll, b->coll);
    return c != 0 ? c : (a->tx > b->tx) - (a->tx < b->tx);
}

static bool same_collection(const struct pvt_missing *a, const struct pvt_missing *b)
{
    return a->is_eligible == b->is_eligible && bytes_eq(a->ns, b->ns) && bytes_eq(a->coll, b->coll);
}

/* One bitmap a collection. */
static void put_missing(struct pvtdata_store *s, const struct pvtdata_block *b)
{
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    struct pvt_missing *all = arena_alloc(&arena, b->missing_count * sizeof(*all));
    uint64_t *txs = arena_alloc(&arena, b->missing_count * sizeof(*txs));
    if (b->missing_count == 0)
        return;
    memcpy(all, b->missing, b->missing_count * sizeof(*all));
    qsort(all, b->missing_count, sizeof(*all), by_collection);
    for (size_t i = 0, n; i < b->missing_count; i += n) {
        for (n = 0; i + n < b->missing_count && same_collection(&all[i], &all[i + n]); n++)
            txs[n] = all[i + n].tx;
        if (all[i].is_eligible) {
            (void)pvtdata_store_key(s, PVTDATA_MISSING);
            pvtdata_key_put_missing(&s->key, b->number, all[i].ns, all[i].coll);
        } else {
            (void)pvtdata_store_key(s, PVTDATA_MISSING_INELIGIBLE);
            pvtdata_key_put_ineligible(&s->key, all[i].ns, all[i].coll, b->number);
        }
        buf_clear(&value);
        pvtdata_bitmap_put(&value, txs, n);
        kv_batch_put(s->batch, buf_bytes(&s->key), buf_bytes(&value));
    }
}

static enum weft_code expiring_of(struct collections *c, struct bytes ns, struct bytes coll,
                                  uint64_t block, uint64_t *ret, struct weft_err *e)
{
    const struct collection_info *info;
    WEFT_TRY(collections_find(c, ns, coll, &info, e));
    *ret = collection_expiring_block(info, block);
    return WEFT_OK;
}

static void put_expiry(struct pvtdata_store *s, uint64_t block, struct expiry_item *items,
                       size_t count)
{
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    expiry_items_sort(items, count);
    for (size_t i = 0, n; i < count && items[i].expiring != UINT64_MAX; i += n) {
        for (n = 1; i + n < count && items[i + n].expiring == items[i].expiring;)
            n++;
        (void)pvtdata_store_key(s, PVTDATA_EXPIRY);
        order_key_put(&s->key, items[i].expiring);
        order_key_put(&s->key, block);
        buf_clear(&value);
        expiry_data_encode(&items[i], n, &value);
        kv_batch_put(s->batch, buf_bytes(&s->key), buf_bytes(&value));
    }
}

/* What never goes has the last of all numbers, and is sorted to the end. */
static enum weft_code schedule(struct pvtdata_store *s, const struct pvtdata_block *b,
                               struct collections *c, struct weft_err *e)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    size_t count = 0;
    struct expiry_item *items =
        arena_alloc(&arena, (b->set_count + b->missing_count) * sizeof(*items));
    for (size_t i = 0; i < b->set_count; i++) {
        struct expiry_item *to = &items[count++];
        *to = (struct expiry_item){ .ns = b->sets[i].ns,
                                    .coll = b->sets[i].coll,
                                    .tx = b->sets[i].tx };
        WEFT_TRY(expiring_of(c, to->ns, to->coll, b->number, &to->expiring, e));
    }
    for (size_t i = 0; i < b->missing_count; i++) {
        struct expiry_item *to = &items[count++];
        *to = (struct expiry_item){ .ns = b->missing[i].ns,
                                    .coll = b->missing[i].coll,
                                    .is_missing = true };
        WEFT_TRY(expiring_of(c, to->ns, to->coll, b->number, &to->expiring, e));
    }
    put_expiry(s, b->number, items, count);
    return WEFT_OK;
}

enum weft_code pvtdata_store_commit(struct pvtdata_store *s, const struct pvtdata_block *b,
                                    struct collections *c, struct weft_err *e)
{
    bool any = b->set_count > 0 || b->missing_count > 0;
    if (b->number != s->height)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "Expected block number=%" PRIu64 ", received block number=%" PRIu64,
                         pvtdata_store_height(s), b->number);
    kv_batch_clear(s->batch);
    put_sets(s, b);
    WEFT_TRY(schedule(s, b, c, e));
    put_missing(s, b);
    if (any) {
        put_last_block(s, b->number);
        WEFT_TRY(pvtdata_store_write(s, e));
        s->lasting_height = b->number + 1;
    }
    s->height = b->number + 1;
    if (b->number % s->purge_interval == 0)
        return pvtdata_store_purge(s, b->number, e);
    return WEFT_OK;
}

enum weft_code pvtdata_store_raise(struct pvtdata_store *s, uint64_t height, struct weft_err *e)
{
    if (height <= s->lasting_height)
        return WEFT_OK;
    LOG_DEBUG(&logger, "[%s] Last block of the private data store moves on to [%" PRIu64 "]",
              s->channel, height - 1);
    kv_batch_clear(s->batch);
    put_last_block(s, height - 1);
    WEFT_TRY(pvtdata_store_write(s, e));
    s->lasting_height = height;
    if (height > s->height)
        s->height = height;
    return WEFT_OK;
}

/* ---- reading ----------------------------------------------------------------------------- */

struct reading {
    const struct kv_pvt_filter *filter;
    pvt_write_set_fn each;
    void *ctx;
};

static enum weft_code give(void *ctx, const struct pvt_write_set *set, struct weft_err *e)
{
    const struct reading *r = ctx;
    if (r->filter != NULL && !r->filter->may_see(r->filter->ctx, set->ns, set->coll))
        return WEFT_OK;
    return r->each(r->ctx, set, e);
}

static enum weft_code give_entry(struct reading *r, struct bytes key, struct bytes value,
                                 struct collections *c, uint64_t last, struct weft_err *e)
{
    struct pvtdata_set_key k;
    uint64_t expiring = 0;
    if (!pvtdata_set_key_parse(key, &k))
        return WEFT_FAIL(e, WEFT_CORRUPT, "a key of the private data store is damaged");
    if (k.is_whole_tx)
        return tx_pvt_rwset_each(value, k.tx, give, r, e);
    WEFT_TRY(expiring_of(c, k.ns, k.coll, k.block, &expiring, e));
    if (last >= expiring)
        return WEFT_OK;
    struct pvt_write_set set = { .tx = k.tx, .ns = k.ns, .coll = k.coll };
    WEFT_TRY(collection_pvt_rwset_parse(value, &set.rwset, e));
    return give(r, &set, e);
}

static enum weft_code check_range(uint64_t height, uint64_t block, struct weft_err *e)
{
    if (height == 0)
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "The store is empty");
    if (block >= height)
        return WEFT_FAIL(e, WEFT_NOT_FOUND,
                         "Last committed block=%" PRIu64 ", block requested=%" PRIu64, height - 1,
                         block);
    return WEFT_OK;
}

enum weft_code pvtdata_store_read(struct pvtdata_store *s, uint64_t block, struct collections *c,
                                  const struct kv_pvt_filter *filter, pvt_write_set_fn each,
                                  void *ctx, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf start = { 0 }; /* not the owner's: any thread reads */
    struct reading r = { filter, each, ctx };
    struct bytes key, value;
    uint64_t height = s->height;
    bool found = false;
    WEFT_TRY(check_range(height, block, e));
    buf_put(&start, bytes_of(s->channel, s->prefix_len));
    buf_put_u8(&start, PVTDATA_SET);
    order_key_put(&start, block);
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(s->kv, buf_bytes(&start));
    for (;;) {
        WEFT_TRY(kv_iter_next(it, &found, &key, &value, e));
        if (!found || !bytes_start_with(key, buf_bytes(&start)))
            return WEFT_OK;
        WEFT_TRY(give_entry(&r, bytes_skip(key, s->prefix_len + 1), value, c, height - 1, e));
    }
}
