#include "kvledger/expiry_keeper.h"

#include "crypto/sha256.h"
#include "kvledger/collections.h"
#include "ledger/kv.h"
#include "ledger/order_key.h"
#include "proto/repeated.h"
#include "state/update_batch.h"

struct expiry_keeper {
    struct kv *kv;
    struct kv_batch *batch;
    struct buf key;
    size_t prefix_len; /* "channel/0" 00 '1' */
    uint64_t kept;     /* no entry goes with a block before this one */
    bool is_due;       /* an entry has gone and is not forgotten */
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

/* A collection's keys that a block writes, and the block with which they go. */
struct written {
    uint64_t expiring;
    struct bytes ns, coll;
    struct buf list; /* KeysAndHashes */
};

struct tracking {
    struct update_batch *updates;
    struct written *all;
    size_t count;
};

static void tracking_done(struct tracking *t)
{
    for (size_t i = 0; i < t->count; i++)
        buf_done(&t->all[i].list);
    free(t->all);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct tracking, tracking_done)

/* KeysAndHashes { 1 repeated KeyAndHash { 1 key, 2 hash } }; without a key: the hash alone. */
static void put_key(struct buf *list, struct bytes key, struct bytes hash)
{
    WEFT_CLEANUP(buf_done) struct buf item = { 0 };
    if (key.len > 0)
        wire_put_bytes(&item, 1, key);
    wire_put_bytes(&item, 2, hash);
    wire_put_bytes(list, 1, buf_bytes(&item));
}

static void put_private_keys(struct written *w, const struct update_space *own)
{
    for (size_t i = 0; own != NULL && i < own->count; i++) {
        const struct update *u = own->updates[i];
        struct digest hash = sha256_of(u->key);
        if (!u->is_delete)
            put_key(&w->list, u->key, digest_bytes(&hash));
    }
}

/* Hashes of which a private key is known are there already. */
static void put_hashes(struct written *w, const struct update_space *hashed,
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
            put_key(&w->list, bytes_of(NULL, 0), u->key);
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
    struct written *w = &t->all[t->count++];
    *w = (struct written){ .expiring = expiring, .ns = s->ns, .coll = s->coll };
    put_private_keys(w, own);
    put_hashes(w, hashed, own);
    return WEFT_OK;
}

static int by_place(const void *x, const void *y)
{
    const struct written *a = x, *b = y;
    int c = (a->expiring > b->expiring) - (a->expiring < b->expiring);
    if (c == 0)
        c = bytes_cmp(a->ns, b->ns);
    return c != 0 ? c : bytes_cmp(a->coll, b->coll);
}

/* PvtdataKeys { 1 map ns -> Collections { 1 map coll -> KeysAndHashes } }, of one block with
 * which they go; returns how many collections it took. */
static size_t encode_keys(const struct written *all, size_t count, struct buf *out)
{
    size_t i = 0;
    while (i < count && all[i].expiring == all[0].expiring) {
        WEFT_CLEANUP(buf_done) struct buf colls = { 0 };
        WEFT_CLEANUP(buf_done) struct buf entry = { 0 };
        size_t first = i;
        for (;
             i < count && all[i].expiring == all[0].expiring && bytes_eq(all[i].ns, all[first].ns);
             i++) {
            WEFT_CLEANUP(buf_done) struct buf coll = { 0 };
            wire_put_bytes(&coll, 1, all[i].coll);
            wire_put_bytes(&coll, 2, buf_bytes(&all[i].list));
            wire_put_bytes(&colls, 1, buf_bytes(&coll));
        }
        wire_put_bytes(&entry, 1, all[first].ns);
        wire_put_bytes(&entry, 2, buf_bytes(&colls));
        wire_put_bytes(out, 1, buf_bytes(&entry));
    }
    return i;
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
        n = encode_keys(&t.all[i], t.count - i, &value);
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
    struct bytes ns, coll;
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
static enum weft_code let_key_go(const struct going *g, struct bytes key, struct bytes hash,
                                 struct weft_err *e)
{
    struct state_key hashed = { STATE_HASHED, g->ns, g->coll, hash };
    struct state_key own = { STATE_PRIVATE, g->ns, g->coll, key };
    bool hash_goes = false, key_goes = false;
    WEFT_TRY(is_of_block(g, &hashed, &hash_goes, e));
    if (!hash_goes && key.len > 0)
        WEFT_TRY(is_of_block(g, &own, &key_goes, e));
    if (hash_goes)
        remove_key(g, &hashed);
    if (key.len > 0 && (hash_goes || key_goes))
        remove_key(g, &own);
    return WEFT_OK;
}

static bool two_fields(struct bytes b, struct bytes *ret_1, struct bytes *ret_2)
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
    return !w.bad;
}

static enum weft_code damaged(struct weft_err *e)
{
    return WEFT_FAIL(e, WEFT_CORRUPT, "what expires is damaged in the bookkeeper database");
}

static enum weft_code let_collection_go(struct going *g, struct bytes entry, struct weft_err *e)
{
    struct bytes list, item, key, hash;
    if (!two_fields(entry, &g->coll, &list))
        return damaged(e);
    for (struct repeated r = repeated_of(list, 1); repeated_next(&r, &item);) {
        if (!two_fields(item, &key, &hash))
            return damaged(e);
        WEFT_TRY(let_key_go(g, key, hash, e));
    }
    return WEFT_OK;
}

static enum weft_code let_go(struct going *g, struct bytes keys, struct weft_err *e)
{
    struct wire w = wire_of(keys);
    struct wire_field f;
    struct bytes colls, entry;
    while (wire_next(&w, &f)) {
        if (!wire_is(&f, 1, WIRE_LEN))
            continue;
        if (!two_fields(f.bytes, &g->ns, &colls))
            return damaged(e);
        for (struct repeated r = repeated_of(colls, 1); repeated_next(&r, &entry);)
            WEFT_TRY(let_collection_go(g, entry, e));
    }
    return w.bad ? damaged(e) : WEFT_OK;
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
        WEFT_TRY(let_go(&g, value, e));
    }
}

bool expiry_keeper_is_due(const struct expiry_keeper *k)
{
    return k->is_due;
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
    k->is_due = false;
    return WEFT_OK;
}
