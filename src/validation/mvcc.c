#include "validation/mvcc.h"

#include "state/range_check.h"
#include "state/state_overlay.h"

/* What a transaction does to a key, as the original counts it: in one byte. */
enum {
    OP_VALUE = 1,
    OP_METADATA = 2,
    OP_METADATA_DELETE = 4,
    OP_DELETE = 8,
};

struct key_op {
    struct key_op *next;
    struct state_key key;
    uint8_t sum;
    struct bytes value;
    struct repeated metadata;
};

struct mvcc {
    struct key_op *first, **last; /* of one namespace, in the order of their coming */
    struct byte_map by_key;
    struct arena arena;
    struct buf name, metadata, room;
};

struct mvcc *mvcc_new(void)
{
    return weft_alloc(sizeof(struct mvcc));
}

void mvcc_free(struct mvcc *m)
{
    if (m == NULL)
        return;
    byte_map_done(&m->by_key);
    arena_done(&m->arena);
    buf_done(&m->name);
    buf_done(&m->metadata);
    buf_done(&m->room);
    free(m);
}

/* ---- reads ---------------------------------------------------------------------------------- */

static enum weft_code read_holds(const struct state_reader *committed, struct update_batch *updates,
                                 const struct state_key *key, struct kv_version version,
                                 struct buf *room, bool *ret, struct weft_err *e)
{
    struct state_value v = { 0 };
    bool found = false;
    *ret = false;
    if (update_batch_find(updates, key) != NULL)
        return WEFT_OK;
    WEFT_TRY(state_reader_get(committed, key, room, &found, &v, e));
    struct state_version want = { version.block, version.tx };
    *ret = found == version.is_set && (!found || state_version_eq(v.version, want));
    return WEFT_OK;
}

static enum weft_code reads_hold(const struct state_reader *committed, struct update_batch *updates,
                                 struct state_key key, struct repeated reads, bool *ret,
                                 struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf room = { 0 };
    struct bytes item;
    *ret = true;
    while (*ret && repeated_next(&reads, &item)) {
        struct kv_read read = kv_read_of(item);
        key.key = read.key;
        WEFT_TRY(read_holds(committed, updates, &key, read.version, &room, ret, e));
    }
    return WEFT_OK;
}

static enum weft_code ranges_hold(const struct state_reader *committed,
                                  struct update_batch *updates, struct bytes ns,
                                  struct repeated queries, bool *ret, struct weft_err *e)
{
    struct state_overlay now = { updates, *committed };
    struct state_reader r = state_overlay_reader(&now);
    struct bytes item;
    *ret = true;
    while (*ret && repeated_next(&queries, &item)) {
        struct range_query q = range_query_of(item);
        WEFT_TRY(range_check(&r, ns, &q, ret, e));
    }
    return WEFT_OK;
}

static enum weft_code namespace_holds(const struct state_reader *committed,
                                      struct update_batch *updates, const struct tx_namespace *ns,
                                      enum tx_validation_code *ret, struct weft_err *e)
{
    struct state_key key = { .space = STATE_PUBLIC, .ns = ns->name };
    bool holds = false;
    *ret = TX_MVCC_READ_CONFLICT;
    WEFT_TRY(reads_hold(committed, updates, key, ns->kv.reads, &holds, e));
    if (!holds)
        return WEFT_OK;
    *ret = TX_PHANTOM_READ_CONFLICT;
    WEFT_TRY(ranges_hold(committed, updates, ns->name, ns->kv.range_queries, &holds, e));
    if (!holds)
        return WEFT_OK;
    *ret = TX_MVCC_READ_CONFLICT;
    key.space = STATE_HASHED;
    for (size_t i = 0; i < ns->collection_count; i++) {
        key.coll = ns->collections[i].name;
        WEFT_TRY(reads_hold(committed, updates, key, ns->collections[i].hashed.reads, &holds, e));
        if (!holds)
            return WEFT_OK;
    }
    *ret = TX_VALID;
    return WEFT_OK;
}

enum weft_code mvcc_check(const struct state_reader *committed, struct update_batch *updates,
                          const struct tx_check *tx, enum tx_validation_code *ret,
                          struct weft_err *e)
{
    *ret = TX_VALID;
    for (size_t i = 0; i < tx->namespace_count && *ret == TX_VALID; i++)
        WEFT_TRY(namespace_holds(committed, updates, &tx->namespaces[i], ret, e));
    return WEFT_OK;
}

/* ---- writes ---------------------------------------------------------------------------------- */

/* The key's entry, made if there is none. */
static struct key_op *op_for(struct mvcc *m, const struct state_key *key)
{
    buf_clear(&m->name);
    buf_put_len_bytes(&m->name, key->coll);
    buf_put(&m->name, key->key);
    struct key_op *op = byte_map_find(&m->by_key, buf_bytes(&m->name));
    if (op != NULL)
        return op;
    uint8_t *name = arena_alloc(&m->arena, m->name.len);
    memcpy(name, m->name.data, m->name.len);
    op = arena_alloc(&m->arena, sizeof(*op));
    op->key = *key;
    *m->last = op;
    m->last = &op->next;
    *byte_map_at(&m->by_key, bytes_of(name, m->name.len)) = op;
    return op;
}

static void count_op(struct key_op *op, unsigned what)
{
    op->sum = (uint8_t)(op->sum + what);
}

static void collect(struct mvcc *m, struct state_key key, const struct kv_rwset_view *set,
                    bool is_hashed)
{
    struct bytes item;
    for (struct repeated r = set->writes; repeated_next(&r, &item);) {
        struct kv_write w = kv_write_of(item);
        key.key = w.key;
        struct key_op *op = op_for(m, &key);
        bool deletes = is_hashed ? kv_write_hash_deletes(&w) : kv_write_deletes(&w);
        count_op(op, deletes ? OP_DELETE : OP_VALUE);
        if (!deletes)
            op->value = w.value;
    }
    for (struct repeated r = set->metadata_writes; repeated_next(&r, &item);) {
        struct kv_metadata_write w = kv_metadata_write_of(item);
        key.key = w.key;
        struct key_op *op = op_for(m, &key);
        count_op(op, w.entries.count > 0 ? OP_METADATA : OP_METADATA_DELETE);
        if (w.entries.count > 0)
            op->metadata = w.entries;
    }
}

/* An entry as Go writes it: unknown fields last. */
static void encode_entry(struct bytes item, struct buf *out)
{
    struct kv_metadata_entry entry = kv_metadata_entry_of(item);
    struct wire w = wire_of(item);
    struct wire_field f;
    if (entry.name.len > 0)
        wire_put_bytes(out, 1, entry.name);
    if (entry.value.len > 0)
        wire_put_bytes(out, 2, entry.value);
    while (wire_next(&w, &f))
        if (!wire_is(&f, 1, WIRE_LEN) && !wire_is(&f, 2, WIRE_LEN))
            buf_put(out, f.whole);
}

/* KVMetadataWrite { 2 entries { 1 name, 2 value } } */
static void encode_metadata(struct repeated entries, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf one = { 0 };
    struct bytes item;
    buf_clear(out);
    while (repeated_next(&entries, &item)) {
        buf_clear(&one);
        encode_entry(item, &one);
        wire_put_bytes(out, 2, buf_bytes(&one));
    }
}

static enum weft_code latest(struct mvcc *m, const struct state_reader *committed,
                             struct update_batch *updates, const struct state_key *key,
                             bool *ret_found, struct state_value *ret, struct weft_err *e)
{
    const struct update *u = update_batch_find(updates, key);
    if (u == NULL)
        return state_reader_get(committed, key, &m->room, ret_found, ret, e);
    *ret_found = !u->is_delete;
    *ret = u->value;
    return WEFT_OK;
}

/* Its metadata; nobody is asked for those of a namespace that has none. */
static enum weft_code latest_metadata(struct mvcc *m, const struct state_reader *committed,
                                      struct update_batch *updates, const struct state_key *key,
                                      struct bytes *ret, struct weft_err *e)
{
    struct state_value v = { 0 };
    bool found = false;
    if (update_batch_find(updates, key) != NULL ||
        committed->may_have_metadata(committed->ctx, key->ns))
        WEFT_TRY(latest(m, committed, updates, key, &found, &v, e));
    *ret = found ? v.metadata : bytes_of(NULL, 0);
    return WEFT_OK;
}

/* Which of the two a sum means, in the original's order of asking. */
static enum weft_code apply_op(struct mvcc *m, const struct state_reader *committed,
                               struct update_batch *updates, const struct key_op *op,
                               struct state_version version, struct weft_err *e)
{
    struct state_value v = { .version = version, .value = op->value };
    if (op->sum & OP_DELETE) {
        update_batch_delete(updates, &op->key, version);
        return WEFT_OK;
    }
    encode_metadata(op->metadata, &m->metadata);
    v.metadata = buf_bytes(&m->metadata);
    bool has_value = op->sum & OP_VALUE,
         has_metadata = op->sum & (OP_METADATA | OP_METADATA_DELETE);
    if (!has_value || !has_metadata) {
        if ((op->sum | OP_VALUE) == OP_VALUE) {
            WEFT_TRY(latest_metadata(m, committed, updates, &op->key, &v.metadata, e));
        } else {
            struct state_value old = { 0 };
            bool found = false;
            WEFT_TRY(latest(m, committed, updates, &op->key, &found, &old, e));
            if (!found)
                return WEFT_OK;
            v.value = old.value;
        }
    }
    update_batch_put(updates, &op->key, &v);
    return WEFT_OK;
}

static enum weft_code apply_namespace(struct mvcc *m, const struct state_reader *committed,
                                      struct update_batch *updates, const struct tx_namespace *ns,
                                      struct state_version version, struct weft_err *e)
{
    struct state_key key = { .space = STATE_PUBLIC, .ns = ns->name };
    m->first = NULL;
    m->last = &m->first;
    byte_map_clear(&m->by_key);
    arena_reset(&m->arena);
    collect(m, key, &ns->kv, false);
    for (size_t i = 0; i < ns->collection_count; i++) {
        key.coll = ns->collections[i].name;
        key.space = key.coll.len > 0 ? STATE_HASHED : STATE_PUBLIC; /* no name: as in Go */
        collect(m, key, &ns->collections[i].hashed, true);
    }
    for (const struct key_op *op = m->first; op != NULL; op = op->next)
        WEFT_TRY(apply_op(m, committed, updates, op, version, e));
    return WEFT_OK;
}

static void apply_config(struct update_batch *updates, struct bytes config,
                         struct state_version version)
{
    struct state_key key = { .space = STATE_PUBLIC, .key = bytes_of_str(MVCC_CONFIG_KEY) };
    struct state_value v = { .version = version, .value = config };
    if (config.len > 0)
        update_batch_put(updates, &key, &v);
    else
        update_batch_delete(updates, &key, version);
}

enum weft_code mvcc_apply(struct mvcc *m, const struct state_reader *committed,
                          struct update_batch *updates, const struct tx_check *tx,
                          struct state_version version, struct weft_err *e)
{
    if (tx->type == HEADER_CONFIG)
        apply_config(updates, tx->data, version);
    for (size_t i = 0; i < tx->namespace_count; i++)
        WEFT_TRY(apply_namespace(m, committed, updates, &tx->namespaces[i], version, e));
    return WEFT_OK;
}
