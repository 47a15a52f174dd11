#include "txmaker/rwset_writer.h"

#include "crypto/sha256.h"
#include "proto/wire.h"

enum item_kind {
    ITEM_READ,
    ITEM_RANGE,
    ITEM_WRITE,
    ITEM_METADATA,
    ITEM_NR,
};

struct rwset_item {
    const char *ns, *collection; /* NULL: public */
    enum item_kind kind;
    struct bytes key;
    struct bytes public;  /* the message in the results */
    struct bytes private; /* the message in the private set; none: no data */
    size_t at;            /* when it came */
};

/* Field numbers by kind, in a KVRWSet and in a HashedRWSet. */
static const uint32_t public_field[ITEM_NR] = { 1, 2, 3, 4 };
static const uint32_t hashed_field[ITEM_NR] = { 1, 0, 2, 3 };

void rwset_writer_done(struct rwset_writer *w)
{
    arena_done(&w->arena);
    free(w->items);
    *w = (struct rwset_writer){ 0 };
}

/* ---- messages -------------------------------------------------------------------- */

static void put_filled(struct buf *out, uint32_t number, struct bytes what)
{
    if (what.len > 0)
        wire_put_bytes(out, number, what);
}

static void put_version(struct buf *out, struct kv_version v)
{
    WEFT_CLEANUP(buf_done) struct buf height = { 0 };
    if (!v.is_set)
        return;
    if (v.block > 0)
        wire_put_varint(&height, 1, v.block);
    if (v.tx > 0)
        wire_put_varint(&height, 2, v.tx);
    wire_put_bytes(out, 2, buf_bytes(&height));
}

static void put_read(struct buf *out, struct bytes key, struct kv_version v)
{
    put_filled(out, 1, key);
    put_version(out, v);
}

static void put_write(struct buf *out, struct bytes key, bool is_delete, struct bytes value)
{
    put_filled(out, 1, key);
    if (is_delete)
        wire_put_varint(out, 2, 1);
    put_filled(out, 3, value);
}

static void put_metadata(struct buf *out, struct bytes key, const struct rwset_entry *entries,
                         size_t count)
{
    put_filled(out, 1, key);
    for (size_t i = 0; i < count; i++) {
        WEFT_CLEANUP(buf_done) struct buf entry = { 0 };
        put_filled(&entry, 1, bytes_of_str(entries[i].name));
        put_filled(&entry, 2, entries[i].value);
        wire_put_bytes(out, 2, buf_bytes(&entry));
    }
}

static void put_range(struct buf *out, const struct rwset_range *r)
{
    WEFT_CLEANUP(buf_done) struct buf results = { 0 };
    put_filled(out, 1, r->start_key);
    put_filled(out, 2, r->end_key);
    if (r->exhausted)
        wire_put_varint(out, 3, 1);
    if (r->kind == RANGE_QUERY_RAW) {
        for (size_t i = 0; i < r->count; i++) {
            WEFT_CLEANUP(buf_done) struct buf read = { 0 };
            put_read(&read, r->reads[i].key, r->reads[i].version);
            wire_put_bytes(&results, 1, buf_bytes(&read));
        }
        wire_put_bytes(out, 4, buf_bytes(&results));
    } else if (r->kind == RANGE_QUERY_MERKLE) {
        if (r->max_degree > 0)
            wire_put_varint(&results, 1, r->max_degree);
        if (r->max_level > 0)
            wire_put_varint(&results, 2, r->max_level);
        for (size_t i = 0; i < r->count; i++)
            wire_put_bytes(&results, 3, r->hashes[i]);
        wire_put_bytes(out, 5, buf_bytes(&results));
    }
}

/* ---- items --------------------------------------------------------------------------- */

static struct bytes keep(struct rwset_writer *w, struct bytes b)
{
    return bytes_of(arena_dup_str(&w->arena, b), b.len);
}

static void add(struct rwset_writer *w, const char *ns, const char *collection, enum item_kind kind,
                struct bytes key, const struct buf *public, const struct buf *private)
{
    if (w->count == w->cap) {
        w->cap = w->cap > 0 ? w->cap * 2 : 8;
        w->items = weft_realloc(w->items, w->cap * sizeof(*w->items));
    }
    w->items[w->count] = (struct rwset_item){
        .ns = arena_dup_str(&w->arena, bytes_of_str(ns)),
        .collection =
            collection != NULL ? arena_dup_str(&w->arena, bytes_of_str(collection)) : NULL,
        .kind = kind,
        .key = keep(w, key),
        .public = keep(w, buf_bytes(public)),
        .private = private != NULL ? keep(w, buf_bytes(private)) : bytes_of(NULL, 0),
        .at = w->count,
    };
    w->count++;
}

void rwset_writer_read(struct rwset_writer *w, const char *ns, struct bytes key,
                       struct kv_version version)
{
    WEFT_CLEANUP(buf_done) struct buf item = { 0 };
    put_read(&item, key, version);
    add(w, ns, NULL, ITEM_READ, key, &item, NULL);
}

void rwset_writer_write(struct rwset_writer *w, const char *ns, struct bytes key,
                        struct bytes value)
{
    WEFT_CLEANUP(buf_done) struct buf item = { 0 };
    put_write(&item, key, w->order == RWSET_AS_SIMULATED && value.len == 0, value);
    add(w, ns, NULL, ITEM_WRITE, key, &item, NULL);
}

void rwset_writer_delete(struct rwset_writer *w, const char *ns, struct bytes key)
{
    WEFT_CLEANUP(buf_done) struct buf item = { 0 };
    put_write(&item, key, true, bytes_of(NULL, 0));
    add(w, ns, NULL, ITEM_WRITE, key, &item, NULL);
}

void rwset_writer_metadata(struct rwset_writer *w, const char *ns, struct bytes key,
                           const struct rwset_entry *entries, size_t count)
{
    WEFT_CLEANUP(buf_done) struct buf item = { 0 };
    put_metadata(&item, key, entries, count);
    add(w, ns, NULL, ITEM_METADATA, key, &item, NULL);
}

void rwset_writer_range(struct rwset_writer *w, const char *ns, const struct rwset_range *r)
{
    WEFT_CLEANUP(buf_done) struct buf item = { 0 };
    put_range(&item, r);
    add(w, ns, NULL, ITEM_RANGE, r->start_key, &item, NULL);
}

void rwset_writer_private_read(struct rwset_writer *w, const char *ns, const char *collection,
                               struct bytes key, struct kv_version version)
{
    WEFT_CLEANUP(buf_done) struct buf item = { 0 };
    struct digest hash = sha256_of(key);
    put_read(&item, digest_bytes(&hash), version);
    add(w, ns, collection, ITEM_READ, key, &item, NULL);
}

void rwset_writer_private_write(struct rwset_writer *w, const char *ns, const char *collection,
                                struct bytes key, struct bytes value)
{
    WEFT_CLEANUP(buf_done) struct buf hashed = { 0 };
    WEFT_CLEANUP(buf_done) struct buf plain = { 0 };
    struct digest key_hash = sha256_of(key), value_hash = sha256_of(value);
    if (w->order == RWSET_AS_SIMULATED && value.len == 0) {
        rwset_writer_private_delete(w, ns, collection, key);
        return;
    }
    put_write(&hashed, digest_bytes(&key_hash), false, digest_bytes(&value_hash));
    put_write(&plain, key, false, value);
    add(w, ns, collection, ITEM_WRITE, key, &hashed, &plain);
}

void rwset_writer_private_delete(struct rwset_writer *w, const char *ns, const char *collection,
                                 struct bytes key)
{
    WEFT_CLEANUP(buf_done) struct buf hashed = { 0 };
    WEFT_CLEANUP(buf_done) struct buf plain = { 0 };
    struct digest hash = sha256_of(key);
    put_write(&hashed, digest_bytes(&hash), true, bytes_of(NULL, 0));
    put_write(&plain, key, true, bytes_of(NULL, 0));
    add(w, ns, collection, ITEM_WRITE, key, &hashed, &plain);
}

void rwset_writer_private_metadata(struct rwset_writer *w, const char *ns, const char *collection,
                                   struct bytes key, const struct rwset_entry *entries,
                                   size_t count)
{
    WEFT_CLEANUP(buf_done) struct buf hashed = { 0 };
    WEFT_CLEANUP(buf_done) struct buf plain = { 0 };
    struct digest hash = sha256_of(key);
    put_metadata(&hashed, digest_bytes(&hash), entries, count);
    put_metadata(&plain, key, NULL, 0);
    add(w, ns, collection, ITEM_METADATA, key, &hashed, &plain);
}

/* ---- the outcome ------------------------------------------------------------------------ */

static bool same_collection(const struct rwset_item *a, const struct rwset_item *b)
{
    if (a->collection == NULL || b->collection == NULL)
        return a->collection == b->collection;
    return strcmp(a->collection, b->collection) == 0;
}

/* By namespace, collection (public first), kind and key; ranges as they came. */
static int compare_places(const struct rwset_item *a, const struct rwset_item *b)
{
    int c = strcmp(a->ns, b->ns);
    if (c == 0 && !same_collection(a, b))
        c = strcmp(a->collection != NULL ? a->collection : "",
                   b->collection != NULL ? b->collection : "");
    if (c == 0)
        c = (int)a->kind - (int)b->kind;
    if (c == 0 && a->kind != ITEM_RANGE)
        c = bytes_cmp(a->key, b->key);
    return c;
}

static int compare(const void *va, const void *vb)
{
    const struct rwset_item *a = va, *b = vb;
    int c = compare_places(a, b);
    return c != 0 ? c : (a->at > b->at) - (a->at < b->at);
}

/* As a simulation has it: sorted, and of two items for the same key the later. */
static void settle(struct rwset_writer *w)
{
    size_t kept = 0;
    if (w->order == RWSET_AS_GIVEN || w->count == 0)
        return;
    qsort(w->items, w->count, sizeof(*w->items), compare);
    for (size_t i = 0; i < w->count; i++) {
        if (kept > 0 && w->items[i].kind != ITEM_RANGE &&
            compare_places(&w->items[kept - 1], &w->items[i]) == 0)
            kept--;
        w->items[kept++] = w->items[i];
    }
    w->count = kept;
}

/* Of the items [from, to) those of the collection, kind by kind. */
static void put_items(const struct rwset_writer *w, size_t from, size_t to,
                      const struct rwset_item *like, const uint32_t field[ITEM_NR], bool private,
                      struct buf *out)
{
    for (int kind = 0; kind < ITEM_NR; kind++) {
        for (size_t i = from; i < to; i++) {
            const struct rwset_item *item = &w->items[i];
            if ((int)item->kind != kind || !same_collection(item, like))
                continue;
            if (!private)
                wire_put_bytes(out, field[kind], item->public);
            else if (item->private.data != NULL)
                wire_put_bytes(out, field[kind], item->private);
        }
    }
}

static size_t end_of_namespace(const struct rwset_writer *w, size_t from)
{
    size_t to = from + 1;
    while (to < w->count && strcmp(w->items[to].ns, w->items[from].ns) == 0)
        to++;
    return to;
}

static bool is_first_of_collection(const struct rwset_writer *w, size_t from, size_t i)
{
    for (size_t k = from; k < i; k++)
        if (same_collection(&w->items[k], &w->items[i]))
            return false;
    return w->items[i].collection != NULL;
}

/* CollectionHashedReadWriteSet { 1 name, 2 HashedRWSet, 3 hash of the private one } */
static void put_collection(const struct rwset_writer *w, size_t from, size_t to,
                           const struct rwset_item *like, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf hashed = { 0 };
    WEFT_CLEANUP(buf_done) struct buf plain = { 0 };
    WEFT_CLEANUP(buf_done) struct buf whole = { 0 };
    put_items(w, from, to, like, hashed_field, false, &hashed);
    put_items(w, from, to, like, public_field, true, &plain);
    wire_put_bytes(&whole, 1, bytes_of_str(like->collection));
    put_filled(&whole, 2, buf_bytes(&hashed));
    if (plain.len > 0) {
        struct digest hash = sha256_of(buf_bytes(&plain));
        wire_put_bytes(&whole, 3, digest_bytes(&hash));
    }
    wire_put_bytes(out, 3, buf_bytes(&whole));
}

/* NsReadWriteSet { 1 namespace, 2 KVRWSet, 3 collections ... } */
static void put_namespace(const struct rwset_writer *w, size_t from, size_t to, struct buf *out)
{
    static const struct rwset_item public = { 0 };
    WEFT_CLEANUP(buf_done) struct buf set = { 0 };
    WEFT_CLEANUP(buf_done) struct buf whole = { 0 };
    put_items(w, from, to, &public, public_field, false, &set);
    put_filled(&whole, 1, bytes_of_str(w->items[from].ns));
    put_filled(&whole, 2, buf_bytes(&set));
    for (size_t i = from; i < to; i++)
        if (is_first_of_collection(w, from, i))
            put_collection(w, from, to, &w->items[i], &whole);
    wire_put_bytes(out, 2, buf_bytes(&whole));
}

void rwset_writer_encode(struct rwset_writer *w, struct buf *out)
{
    settle(w);
    for (size_t from = 0; from < w->count; from = end_of_namespace(w, from))
        put_namespace(w, from, end_of_namespace(w, from), out);
}

/* NsPvtReadWriteSet { 1 namespace, 2 { 1 name, 2 KVRWSet } ... } */
static void put_private_namespace(const struct rwset_writer *w, size_t from, size_t to,
                                  struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf collections = { 0 };
    WEFT_CLEANUP(buf_done) struct buf whole = { 0 };
    for (size_t i = from; i < to; i++) {
        WEFT_CLEANUP(buf_done) struct buf set = { 0 };
        WEFT_CLEANUP(buf_done) struct buf one = { 0 };
        if (!is_first_of_collection(w, from, i))
            continue;
        put_items(w, from, to, &w->items[i], public_field, true, &set);
        if (set.len == 0)
            continue;
        wire_put_bytes(&one, 1, bytes_of_str(w->items[i].collection));
        wire_put_bytes(&one, 2, buf_bytes(&set));
        wire_put_bytes(&collections, 2, buf_bytes(&one));
    }
    if (collections.len == 0)
        return;
    wire_put_bytes(&whole, 1, bytes_of_str(w->items[from].ns));
    buf_put(&whole, buf_bytes(&collections));
    wire_put_bytes(out, 2, buf_bytes(&whole));
}

void rwset_writer_encode_private(struct rwset_writer *w, struct buf *out)
{
    settle(w);
    for (size_t from = 0; from < w->count; from = end_of_namespace(w, from))
        put_private_namespace(w, from, end_of_namespace(w, from), out);
}
