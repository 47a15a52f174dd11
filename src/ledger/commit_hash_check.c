#include "ledger/commit_hash_check.h"

#include "ledger/order_key.h"
#include "proto/envelope.h"
#include "proto/metadata.h"
#include "proto/rwset.h"
#include "proto/transaction.h"

#include <inttypes.h>

/* One write of a valid transaction.  Public writes have no collection. */
struct update {
    struct bytes ns, coll, key, value;
    uint32_t tx;
    bool is_metadata; /* sets the key's metadata only; no value */
    bool is_delete;
    bool is_void; /* no delete, but its value is an empty one */
};

struct commit_hash_check {
    struct update *updates;
    size_t count, cap;
    uint64_t matched, skipped;
    bool has_previous;
    struct digest previous;
};

/* What a block's flags and transactions allow. */
enum computable {
    COMPUTABLE,
    NEEDS_STATE,
};

struct commit_hash_check *commit_hash_check_new(void)
{
    return weft_alloc(sizeof(struct commit_hash_check));
}

void commit_hash_check_free(struct commit_hash_check *c)
{
    if (c == NULL)
        return;
    free(c->updates);
    free(c);
}

uint64_t commit_hash_check_matched(const struct commit_hash_check *c)
{
    return c->matched;
}

uint64_t commit_hash_check_skipped(const struct commit_hash_check *c)
{
    return c->skipped;
}

/* ---- collecting writes ------------------------------------------------------------- */

static enum computable add_update(struct commit_hash_check *c, const struct update *u)
{
    if (c->count == COMMIT_HASH_WRITES_MAX)
        return NEEDS_STATE;
    if (c->count == c->cap) {
        c->cap = c->cap == 0 ? 256 : c->cap * 2;
        c->updates = weft_realloc(c->updates, c->cap * sizeof(*c->updates));
    }
    c->updates[c->count++] = *u;
    return COMPUTABLE;
}

/* A hashed write of nothing is a delete since 2.2.15, as is an empty value. */
static bool is_void(const struct update *u)
{
    static const uint8_t sha256_of_nothing[SHA256_BYTES] = {
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4,
        0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
        0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
    };
    struct bytes nothing = bytes_of(sha256_of_nothing, sizeof(sha256_of_nothing));
    return !u->is_delete && (u->value.len == 0 || (u->coll.len > 0 && bytes_eq(u->value, nothing)));
}

/* The writes of one namespace, or of one collection in it. */
static enum computable add_rwset(struct commit_hash_check *c, const struct kv_rwset_view *set,
                                 struct update u)
{
    struct bytes item;
    for (struct repeated r = set->writes; repeated_next(&r, &item);) {
        struct kv_write w = kv_write_of(item);
        u.key = w.key;
        u.value = w.is_delete ? bytes_of(NULL, 0) : w.value;
        u.is_delete = w.is_delete;
        u.is_void = is_void(&u);
        if (add_update(c, &u) != COMPUTABLE)
            return NEEDS_STATE;
    }
    for (struct repeated r = set->metadata_writes; repeated_next(&r, &item);) {
        struct update m = { .ns = u.ns, .coll = u.coll, .tx = u.tx, .is_metadata = true };
        m.key = kv_metadata_write_of(item).key;
        if (add_update(c, &m) != COMPUTABLE)
            return NEEDS_STATE;
    }
    return COMPUTABLE;
}

static enum computable add_namespace(struct commit_hash_check *c, const struct ns_rwset *ns,
                                     struct update u)
{
    struct kv_rwset_view set;
    struct bytes item;
    u.ns = ns->name;
    if (kv_rwset_parse(ns->rwset, &set, NULL) != WEFT_OK || add_rwset(c, &set, u) != COMPUTABLE)
        return NEEDS_STATE;
    for (struct repeated r = ns->collections; repeated_next(&r, &item);) {
        struct collection_rwset coll = collection_rwset_of(item);
        u.coll = coll.name;
        if (coll.name.len == 0 || hashed_rwset_parse(coll.hashed_rwset, &set, NULL) != WEFT_OK ||
            add_rwset(c, &set, u) != COMPUTABLE)
            return NEEDS_STATE;
    }
    return COMPUTABLE;
}

/* A transaction that no peer could have found valid is left to the state, too. */
static enum computable add_tx(struct commit_hash_check *c, struct bytes envelope, uint32_t tx)
{
    struct envelope_headers h;
    struct chaincode_action action;
    struct tx_rwset_view set;
    struct bytes item;
    if (envelope_headers_parse(envelope, &h, NULL) != WEFT_OK)
        return NEEDS_STATE;
    if (h.channel.type != HEADER_ENDORSER_TRANSACTION)
        return COMPUTABLE; /* a config: its write is left out of the hash */
    if (transaction_chaincode_action(h.payload.data, &action, NULL) != WEFT_OK ||
        tx_rwset_parse(action.results, &set, NULL) != WEFT_OK)
        return NEEDS_STATE;
    for (struct repeated r = set.namespaces; repeated_next(&r, &item);) {
        struct ns_rwset ns = ns_rwset_of(item);
        if (add_namespace(c, &ns, (struct update){ .tx = tx }) != COMPUTABLE)
            return NEEDS_STATE;
    }
    return COMPUTABLE;
}

/* ---- sorting ------------------------------------------------------------------------- */

static int compare_keys(const struct update *a, const struct update *b)
{
    int order = bytes_cmp(a->ns, b->ns);
    if (order == 0)
        order = bytes_cmp(a->coll, b->coll);
    return order != 0 ? order : bytes_cmp(a->key, b->key);
}

/* By key, then by transaction; in one, the write before its metadata. */
static int compare_updates(const void *a, const void *b)
{
    const struct update *x = a, *y = b;
    int order = compare_keys(x, y);
    if (order == 0)
        order = (x->tx > y->tx) - (x->tx < y->tx);
    return order != 0 ? order : (int)x->is_metadata - (int)y->is_metadata;
}

/* What one transaction does to one key, `many` entries from `u` on: one write,
 * perhaps with new metadata.  Metadata alone needs the value from the state;
 * so does a key that is written twice, which Fabric takes for the same. */
static enum computable check_key(const struct update *u, size_t many)
{
    bool one_write = many == 1 && !u->is_metadata;
    bool with_metadata = many == 2 && !u->is_metadata && !u->is_delete && u[1].is_metadata;
    return one_write || with_metadata ? COMPUTABLE : NEEDS_STATE;
}

/* Sorts, and leaves the last write of each key. */
static enum computable keep_last_writes(struct commit_hash_check *c)
{
    struct update *all = c->updates;
    size_t kept = 0, many = 0;
    if (c->count > 1)
        qsort(all, c->count, sizeof(*all), compare_updates);
    for (size_t i = 0; i < c->count; i += many) {
        for (many = 1; i + many < c->count && all[i + many].tx == all[i].tx &&
                       compare_keys(&all[i], &all[i + many]) == 0;)
            many++;
        if (check_key(&all[i], many) != COMPUTABLE)
            return NEEDS_STATE;
        if (kept > 0 && compare_keys(&all[kept - 1], &all[i]) == 0)
            kept--;
        all[kept++] = all[i];
    }
    c->count = kept;
    return COMPUTABLE;
}

static enum computable collect(struct commit_hash_check *c, const struct block_view *v)
{
    struct bytes flags = block_slot(v, BLOCK_SLOT_FLAGS);
    c->count = 0;
    for (size_t i = 0; i < flags.len && i < v->txs.count; i++)
        if (flags.data[i] == TX_VALID && add_tx(c, v->txs.at[i], (uint32_t)i) != COMPUTABLE)
            return NEEDS_STATE;
    return keep_last_writes(c);
}

/* ---- hashing ------------------------------------------------------------------------- */

static void put_if_any(struct buf *out, uint32_t number, struct bytes b)
{
    if (b.len > 0)
        wire_put_bytes(out, number, b);
}

/* KVWrite { 1 namespace, 2 collection, 3 key, 4 isDelete, 5 value, 6 version_bytes };
 * namespace and collection only where they change. */
static void put_update(const struct update *u, const struct update *before, uint64_t block,
                       bool void_deletes, struct buf *out)
{
    bool same_ns = before != NULL && bytes_eq(before->ns, u->ns);
    bool deletes = u->is_delete || (u->is_void && void_deletes);
    WEFT_CLEANUP(buf_done) struct buf version = { 0 };
    if (!same_ns)
        put_if_any(out, 1, u->ns);
    if (!same_ns || !bytes_eq(before->coll, u->coll))
        put_if_any(out, 2, u->coll);
    put_if_any(out, 3, u->key);
    if (deletes)
        wire_put_varint(out, 4, 1);
    else
        put_if_any(out, 5, u->value);
    order_key_put(&version, block);
    order_key_put(&version, u->tx);
    put_if_any(out, 6, buf_bytes(&version));
}

static struct digest commit_hash(const struct commit_hash_check *c, const struct block_view *v,
                                 bool void_deletes)
{
    WEFT_CLEANUP(buf_done) struct buf one = { 0 };
    WEFT_CLEANUP(buf_done) struct buf field = { 0 };
    struct bytes flags = block_slot(v, BLOCK_SLOT_FLAGS);
    struct sha256 h;
    sha256_init(&h);
    buf_put_uvarint(&field, flags.len);
    sha256_add(&h, buf_bytes(&field));
    sha256_add(&h, flags);
    const struct update *before = NULL;
    for (size_t i = 0; i < c->count; i++) {
        const struct update *u = &c->updates[i];
        if (u->ns.len == 0)
            continue;
        buf_clear(&one);
        buf_clear(&field);
        put_update(u, before, v->number, void_deletes, &one);
        wire_put_bytes(&field, 1, buf_bytes(&one));
        sha256_add(&h, buf_bytes(&field));
        before = u;
    }
    if (c->has_previous)
        sha256_add(&h, digest_bytes(&c->previous));
    return sha256_end(&h);
}

static enum weft_code check(struct commit_hash_check *c, const struct block_view *v,
                            struct bytes stored, struct weft_err *e)
{
    if (collect(c, v) != COMPUTABLE) {
        c->skipped++;
        return WEFT_OK;
    }
    struct digest want = commit_hash(c, v, true);
    if (!bytes_eq(stored, digest_bytes(&want)))
        want = commit_hash(c, v, false);
    if (!bytes_eq(stored, digest_bytes(&want)))
        return WEFT_FAIL(e, WEFT_CORRUPT,
                         "block [%" PRIu64
                         "]: metadata slot COMMIT_HASH does not fit its transactions and their "
                         "validation flags, or the commit hash of block [%" PRIu64 "]",
                         v->number, v->number - 1);
    c->matched++;
    return WEFT_OK;
}

enum weft_code commit_hash_check_block(struct commit_hash_check *c, const struct block_view *v,
                                       struct weft_err *e)
{
    struct bytes slot = block_slot(v, BLOCK_SLOT_COMMIT_HASH);
    struct metadata_view m = { 0 };
    if (slot.len > 0)
        WEFT_TRY(metadata_parse(slot, &m, e));
    if (m.value.len > 0)
        WEFT_TRY(check(c, v, m.value, e));
    c->has_previous = m.value.len == SHA256_BYTES;
    if (c->has_previous)
        memcpy(c->previous.b, m.value.data, SHA256_BYTES);
    return WEFT_OK;
}
