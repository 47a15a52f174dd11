#include "kvledger/expiry_keeper.h"

#include "crypto/sha256.h"
#include "kvledger/collections.h"
#include "kvledger/pvtdata_keys.h"
#include "ledger/kv.h"
#include "ledger/order_key.h"
#include "state/update_batch.h"

struct expiry_keeper {
    struct kv *kv;
    struct kv_batch *batch;
    struct buf key;
    size_t prefix_len; /* "channel/0" 00 '1' */
    uint64_t kept;     /* no entry goes with a block before this one */
    bool is_due;       /* an entry has gone since that was asked */
};

struct expiry_keeper *expiry_keeper_new(struct kv *bookkeeper, const char *channel)
{
    struct expiry_keeper *k = weft_alloc(sizeof(*k));
    k->kv = bookkeeper;
    k->batch = kv_batch_new();
    buf_put_str(&k->key, channel);
    buf_put_str(&k->key, "/0");
    buf_put_u8(&k->key, 0);
    buf_put_u8(&k->key, '1');
    k->prefix_len = k->key.len;
    return k;
}

void expiry_keeper_free(struct expiry_keeper *k)
{
    if (k == NULL)
        return;
    kv_batch_free(k->batch);
    buf_done(&k->key);
    free(k);
}

static struct bytes expiring_key(struct expiry_keeper *k, uint64_t expiring)
{
    k->key.len = k->prefix_len;
    order_key_put(&k->key, expiring);
    return buf_bytes(&k->key);
}

/* ---- keeping ------------------------------------------------------------------------------- */

struct tracking {
    struct update_batch *updates;
    struct pvtdata_keys_of *all;
    size_t count;
};

static void tracking_done(struct tracking *t)
{
    for (size_t i = 0; i < t->count; i++)
        buf_done(&t->all[i].list);
    free(t->all);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct tracking, tracking_done)

static void put_private_keys(struct pvtdata_keys_of *w, const struct update_space *own)
{
    for (size_t i = 0; own != NULL && i < own->count; i++) {
        const struct update *u = own->updates[i];
        struct digest hash = sha256_of(u->key);
        if (!u->is_delete)
            pvtdata_keys_put(&w->list, u->key, digest_bytes(&hash));
    }
}

/* Hashes of which a private key is known are there already. */
static void put_hashes(struct pvtdata_keys_of *w, const struct update_space *hashed,
                       const struct update_space *own)
{
    WEFT_CLEANUP(byte_map_done) struct byte_map known = { 0 };
    size_t count = own != NULL ? own->count : 0;
    struct digest *hashes = weft_alloc((count + 1) * sizeof(*hashes));
    for (size_t i = 0; i < count; i++) {
        hashes[i] = sha256_of(own->updates[i]->key);
        *byte_map_at(&known, digest_bytes(&hashes[i])) = &known; /* anything but NULL */
    }
    for (size_t i = 0; hashed != NULL && i < hashed->count; i++) {
        const struct update *u = hashed->updates[i];
        if (!u->is_delete && byte_map_find(&known, u->key) == NULL)
            pvtdata_keys_put(&w->list, bytes_of(NULL, 0), u->key);
    }
    free(hashes);
}

static enum weft_code track_space(struct tracking *t, const struct update_space *s, uint64_t block,
                                  struct collections *c, struct weft_err *e)
{
    const struct collection_info *info;
    struct update_space *other = update_batch_space(
        t->updates, s->space == STATE_HASHED ? STATE_PRIVATE : STATE_HASHED, s->ns, s->coll);
    if (s->space == STATE_PUBLIC || (s->space == STATE_PRIVATE && other != NULL))
        return WEFT_OK; /* with its hashes */
    WEFT_TRY(collections_find(c, s->ns, s->coll, &info, e));
    uint64_t expiring = collection_expiring_block(info, block);
    if (expiring == UINT64_MAX)
        return WEFT_OK;
    const struct update_space *hashed = s->space == STATE_HASHED ? s : NULL;
    const struct update_space *own = s->space == STATE_HASHED ? other : s;
    t->all = weft_realloc(t->all, (t->count + 1) * sizeof(*t->all));
    struct pvtdata_keys_of *w = &t->all[t->count++];
    *w = (struct pvtdata_keys_of){ .expiring = expiring, .ns = s->ns, .coll = s->coll };
    put_private_keys(w, own);
    put_hashes(w, hashed, own);
    return WEFT_OK;
}

static int by_place(const void *x, const void *y)
{
    const struct pvtdata_keys_of *a = x, *b = y;
    int c = (a->expiring > b->expiring) - (a->expiring < b->expiring);
    if (c == 0)
        c = bytes_cmp(a->ns, b->ns);
    return c != 0 ? c : bytes_cmp(a->coll, b->coll);
}

static void drop_empty(struct tracking *t)
{
    size_t kept = 0;
    for (size_t i = 0; i < t->count; i++) {
        if (t->all[i].list.len == 0)
            buf_done(&t->all[i].list);
        else
            t->all[kept++] = t->all[i];
    }
    t->count = kept;
}

enum weft_code expiry_keeper_track(struct expiry_keeper *k, uint64_t block,
                                   struct update_batch *updates, struct collections *c,
                                   struct weft_err *e)
{
    WEFT_CLEANUP(tracking_done) struct tracking t = { .updates = updates };
    update_batch_sort(updates);
    for (size_t i = 0; i < updates->count; i++)
        WEFT_TRY(track_space(&t, updates->spaces[i], block, c, e));
    drop_empty(&t);
    if (t.count == 0)
        return WEFT_OK;
    qsort(t.all, t.count, sizeof(*t.all), by_place);
    kv_batch_clear(k->batch);
    for (size_t i = 0, n; i < t.count; i += n) {
        WEFT_CLEANUP(buf_done) struct buf value = { 0 };
        n = pvtdata_keys_encode(&t.all[i], t.count - i, &value);
        (void)expiring_key(k, t.all[i].expiring);
        order_key_put(&k->key, block);
        kv_batch_put(k->batch, buf_bytes(&k->key), buf_bytes(&value));
    }
    return kv_write(k->kv, k->batch, true, e);
}

/* ---- letting go ------------------------------------------------------------------------------ */

struct going {
    uint64_t expiring, written; /* blocks */
    const struct state_reader *before;
    struct update_batch *updates;
};

static enum weft_code is_of_block(const struct going *g, const struct state_key *key, bool *ret,
                                  struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf room = { 0 };
    struct state_value v;
    bool found = false;
    WEFT_TRY(state_reader_get(g->before, key, &room, &found, &v, e));
    *ret = found && v.version.block == g->written;
    return WEFT_OK;
}

static void remove_key(const struct going *g, const struct state_key *key)
{
    if (update_batch_find(g->updates, key) == NULL)
        update_batch_delete(g->updates, key, (struct state_version){ g->expiring, UINT64_MAX });
}

/* Written again since: the hashed key stays.  The private one may be the old one still, where
 * the new one's data is missing. */
static enum weft_code let_go(void *ctx, const struct pvtdata_key_of *k, struct weft_err *e)
{
    const struct going *g = ctx;
    struct state_key hashed = { STATE_HASHED, k->ns, k->coll, k->hash };
    struct state_key own = { STATE_PRIVATE, k->ns, k->coll, k->key };
    bool hash_goes = false, key_goes = false;
    WEFT_TRY(is_of_block(g, &hashed, &hash_goes, e));
    if (!hash_goes && k->key.len > 0)
        WEFT_TRY(is_of_block(g, &own, &key_goes, e));
    if (hash_goes)
        remove_key(g, &hashed);
    if (k->key.len > 0 && (hash_goes || key_goes))
        remove_key(g, &own);
    return WEFT_OK;
}

static enum weft_code damaged(struct weft_err *e)
{
    return WEFT_FAIL(e, WEFT_CORRUPT, "a key of the bookkeeper database is damaged");
}

enum weft_code expiry_keeper_expire(struct expiry_keeper *k, uint64_t block,
                                    const struct state_reader *before, struct update_batch *updates,
                                    struct weft_err *e)
{
    struct going g = { .expiring = block, .before = before, .updates = updates };
    struct bytes start = expiring_key(k, block), key, value;
    bool found = false;
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(k->kv, start);
    for (;;) {
        WEFT_TRY(kv_iter_next(it, &found, &key, &value, e));
        if (!found || !bytes_start_with(key, start))
            return WEFT_OK;
        struct bytes rest = bytes_skip(key, start.len);
        if (!order_key_take(&rest, &g.written))
            return damaged(e);
        k->is_due = true;
        WEFT_TRY(pvtdata_keys_parse(value, let_go, &g, e));
    }
}

bool expiry_keeper_take_due(struct expiry_keeper *k)
{
    bool is_due = k->is_due;
    k->is_due = false;
    return is_due;
}

enum weft_code expiry_keeper_forget(struct expiry_keeper *k, uint64_t block, struct weft_err *e)
{
    struct bytes key, value;
    bool found = false, any = false;
    if (block < k->kept)
        return WEFT_OK;
    kv_batch_clear(k->batch);
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(k->kv, expiring_key(k, k->kept));
    for (;; any = true) {
        uint64_t expiring = 0;
        WEFT_TRY(kv_iter_next(it, &found, &key, &value, e));
        if (!found || !bytes_start_with(key, bytes_of(k->key.data, k->prefix_len)))
            break;
        struct bytes rest = bytes_skip(key, k->prefix_len);
        if (!order_key_take(&rest, &expiring))
            return damaged(e);
        if (expiring > block)
            break;
        kv_batch_delete(k->batch, key);
    }
    if (any)
        WEFT_TRY(kv_write(k->kv, k->batch, false, e));
    k->kept = block + 1;
    return WEFT_OK;
}
