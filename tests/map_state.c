#include "map_state.h"

#include "proto/block.h"
#include "proto/envelope.h"
#include "proto/wire.h"
#include "state/commit_hash.h"
#include "state/state_overlay.h"
#include "state/state_value.h"
#include "validation/block_validation.h"
#include "validation/mvcc.h"

/* A key that is to go, unless it is written again. */
struct leaving {
    struct state_key key;
    uint64_t written, goes;
};

struct map_state {
    struct validation_state view;
    struct update_batch *all, *updates;
    struct state_overlay overlay;
    struct state_reader committed;
    struct mvcc *mvcc;
    struct arena arena;
    struct byte_map ids;
    const char *broken, *mortal;
    enum weft_code broken_by;
    uint64_t blocks;
    struct leaving *leaving;
    size_t leaving_count, leaving_cap;
    struct state_version last;
    bool has_hash;
    struct digest hash;
};

static struct bytes keep(struct map_state *m, struct bytes b)
{
    uint8_t *to = arena_alloc(&m->arena, b.len + 1);
    if (b.len > 0)
        memcpy(to, b.data, b.len);
    return bytes_of(to, b.len);
}

static struct state_key key_of(struct bytes ns, struct bytes collection, struct bytes key)
{
    return (struct state_key){ collection.len > 0 ? STATE_HASHED : STATE_PUBLIC, ns, collection,
                               key };
}

/* ---- below everything: nothing ---------------------------------------------------------------- */

static enum weft_code get_nothing(void *ctx, const struct state_key *key, struct buf *room,
                                  bool *ret_found, struct state_value *ret, struct weft_err *e)
{
    (void)ctx, (void)key, (void)room, (void)ret, (void)e;
    *ret_found = false;
    return WEFT_OK;
}

static enum weft_code next_nothing(struct state_scan *s, bool *ret_found, struct bytes *ret_key,
                                   struct state_value *ret, struct weft_err *e)
{
    (void)s, (void)ret_key, (void)ret, (void)e;
    *ret_found = false;
    return WEFT_OK;
}

static void free_nothing(struct state_scan *s)
{
    free(s);
}

static enum weft_code scan_nothing(void *ctx, struct bytes ns, struct bytes start, struct bytes end,
                                   struct state_scan **ret, struct weft_err *e)
{
    (void)ctx, (void)ns, (void)start, (void)end, (void)e;
    *ret = weft_alloc(sizeof(**ret));
    **ret = (struct state_scan){ next_nothing, free_nothing };
    return WEFT_OK;
}

static bool nothing_has_metadata(void *ctx, struct bytes ns)
{
    (void)ctx, (void)ns;
    return false;
}

/* ---- questions ----------------------------------------------------------------------------------- */

static enum weft_code find(struct map_state *m, struct bytes ns, struct bytes collection,
                           struct bytes key, struct state_value *ret, struct weft_err *e)
{
    struct state_key k = key_of(ns, collection, key);
    WEFT_CLEANUP(buf_done) struct buf room = { 0 }; /* all values are the batch's */
    bool found = false;
    if (m->broken != NULL && bytes_eq(ns, bytes_of_str(m->broken)))
        return WEFT_FAIL(e, m->broken_by, "the disk is gone");
    WEFT_TRY(state_reader_get(&m->committed, &k, &room, &found, ret, e));
    return found ? WEFT_OK : WEFT_NOT_FOUND;
}

static enum weft_code get(void *ctx, struct bytes ns, struct bytes key, struct buf *ret,
                          struct weft_err *e)
{
    struct state_value v = { 0 };
    WEFT_TRY(find(ctx, ns, (struct bytes){ 0 }, key, &v, e));
    buf_put(ret, v.value);
    return WEFT_OK;
}

static enum weft_code get_metadata(void *ctx, struct bytes ns, struct bytes collection,
                                   struct bytes key, struct buf *ret, struct weft_err *e)
{
    struct state_value v = { 0 };
    WEFT_TRY(find(ctx, ns, collection, key, &v, e));
    buf_put(ret, v.metadata);
    return v.metadata.len > 0 ? WEFT_OK : WEFT_NOT_FOUND;
}

static bool may_have_metadata(void *ctx, struct bytes ns)
{
    struct map_state *m = ctx;
    return m->committed.may_have_metadata(m->committed.ctx, ns);
}

static enum weft_code has_tx_id(void *ctx, struct bytes tx_id, bool *ret, struct weft_err *e)
{
    struct map_state *m = ctx;
    if (m->broken != NULL && *m->broken == '\0')
        return WEFT_FAIL(e, m->broken_by, "the disk is gone");
    *ret = byte_map_find(&m->ids, tx_id) != NULL;
    return WEFT_OK;
}

/* ---- putting ------------------------------------------------------------------------------------- */

struct map_state *map_state_new(void)
{
    struct map_state *m = weft_alloc(sizeof(*m));
    m->view = (struct validation_state){ m, get, get_metadata, may_have_metadata, has_tx_id };
    m->all = update_batch_new();
    m->updates = update_batch_new();
    m->overlay =
        (struct state_overlay){ m->all, { NULL, get_nothing, scan_nothing, nothing_has_metadata } };
    m->committed = state_overlay_reader(&m->overlay);
    m->mvcc = mvcc_new();
    return m;
}

void map_state_free(struct map_state *m)
{
    if (m == NULL)
        return;
    update_batch_free(m->all);
    update_batch_free(m->updates);
    mvcc_free(m->mvcc);
    byte_map_done(&m->ids);
    free(m->leaving);
    arena_done(&m->arena);
    free(m);
}

const struct validation_state *map_state_view(struct map_state *m)
{
    return &m->view;
}

void map_state_put(struct map_state *m, const char *ns, struct bytes key, struct bytes value)
{
    struct state_key k = key_of(bytes_of_str(ns), (struct bytes){ 0 }, key);
    update_batch_put(m->all, &k, &(struct state_value){ .value = value });
}

void map_state_put_metadata(struct map_state *m, const char *ns, const char *collection,
                            struct bytes key, struct bytes metadata)
{
    struct state_key k = key_of(bytes_of_str(ns), bytes_of_str(collection), key);
    update_batch_put(m->all, &k,
                     &(struct state_value){ .value = bytes_of_str("value"), .metadata = metadata });
}

/* KVMetadataWrite { 2 entries { 1 name, 2 value } } */
void map_state_put_policy(struct map_state *m, const char *ns, const char *collection,
                          struct bytes key, struct bytes policy)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    WEFT_CLEANUP(buf_done) struct buf entry = { 0 };
    wire_put_bytes(&entry, 1, bytes_of_str("VALIDATION_PARAMETER"));
    wire_put_bytes(&entry, 2, policy);
    wire_put_bytes(&b, 2, buf_bytes(&entry));
    map_state_put_metadata(m, ns, collection, key, buf_bytes(&b));
}

void map_state_put_id(struct map_state *m, struct bytes tx_id)
{
    *byte_map_at(&m->ids, keep(m, tx_id)) = m;
}

void map_state_break(struct map_state *m, const char *ns, enum weft_code code)
{
    m->broken = ns;
    m->broken_by = code;
}

void map_state_live(struct map_state *m, const char *collection, uint64_t blocks)
{
    m->mortal = collection;
    m->blocks = blocks;
}

/* ---- keys that go -------------------------------------------------------------------------------- */

static void note_leaving(struct map_state *m, const struct update_space *s, const struct update *u,
                         uint64_t block)
{
    if (m->leaving_count == m->leaving_cap) {
        m->leaving_cap = m->leaving_cap > 0 ? 2 * m->leaving_cap : 16;
        m->leaving = weft_realloc(m->leaving, m->leaving_cap * sizeof(*m->leaving));
    }
    m->leaving[m->leaving_count++] = (struct leaving){
        .key = { s->space, keep(m, s->ns), keep(m, s->coll), keep(m, u->key) },
        .written = block,
        .goes = block + m->blocks + 1,
    };
}

static void note_all_leaving(struct map_state *m, uint64_t block)
{
    for (size_t i = 0; m->mortal != NULL && i < m->updates->count; i++) {
        const struct update_space *s = m->updates->spaces[i];
        if (s->space == STATE_HASHED && bytes_eq(s->coll, bytes_of_str(m->mortal)))
            for (size_t j = 0; j < s->count; j++)
                note_leaving(m, s, s->updates[j], block);
    }
}

static void let_go(struct map_state *m, uint64_t block)
{
    for (size_t i = 0; i < m->leaving_count; i++) {
        const struct leaving *l = &m->leaving[i];
        const struct update *now = update_batch_find(m->all, &l->key);
        if (l->goes == block && update_batch_find(m->updates, &l->key) == NULL && now != NULL &&
            !now->is_delete && now->value.version.block == l->written)
            update_batch_delete(m->updates, &l->key, (struct state_version){ block, 0 });
    }
}

/* ---- committing ---------------------------------------------------------------------------------- */

static enum weft_code commit_one(struct map_state *m, const struct tx_check *tx,
                                 struct state_version version, uint8_t *code, struct weft_err *e)
{
    enum tx_validation_code found = TX_VALID;
    WEFT_TRY(mvcc_check(&m->committed, m->updates, tx, &found, e));
    *code = (uint8_t)found;
    if (found != TX_VALID)
        return WEFT_OK;
    return mvcc_apply(m->mvcc, &m->committed, m->updates, tx, version, e);
}

enum weft_code map_state_commit(struct map_state *m, const struct block_validation *v,
                                uint8_t *codes, struct digest *ret_hash, struct weft_err *e)
{
    const struct block *b = block_validation_block(v);
    size_t count = b->v.txs.count;
    update_batch_clear(m->updates);
    for (size_t i = 0; i < count; i++) {
        char room[TX_ID_LEN + 1];
        struct bytes id;
        if (codes[i] == TX_VALID)
            WEFT_TRY(commit_one(m, block_validation_tx(v, i),
                                (struct state_version){ b->v.number, i }, &codes[i], e));
        if (envelope_tx_id(b->v.txs.at[i], room, &id, NULL) == WEFT_OK)
            map_state_put_id(m, id);
    }
    if (b->v.number > 0) {
        m->hash = commit_hash_of(bytes_of(codes, count), m->updates, m->has_hash ? &m->hash : NULL);
        m->has_hash = true;
    }
    *ret_hash = m->hash;
    note_all_leaving(m, b->v.number);
    let_go(m, b->v.number);
    update_batch_add_all(m->all, m->updates);
    m->last = (struct state_version){ b->v.number, count > 0 ? count - 1 : 0 };
    return WEFT_OK;
}

/* ---- the whole state ------------------------------------------------------------------------------- */

struct pair {
    struct bytes key, value;
};

static int by_key(const void *a, const void *b)
{
    return bytes_cmp(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

static struct bytes keep_buf(struct map_state *m, struct buf *b)
{
    struct bytes kept = keep(m, buf_bytes(b));
    buf_clear(b);
    return kept;
}

static void add_part(struct sha256 *sum, struct bytes part)
{
    uint8_t len[4];
    for (int i = 0; i < 4; i++)
        len[i] = (uint8_t)(part.len >> (8 * i));
    sha256_add(sum, bytes_of(len, sizeof(len)));
    sha256_add(sum, part);
}

static size_t collect(struct map_state *m, const char *channel, struct pair *pairs)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    size_t n = 0;
    for (size_t i = 0; i < m->all->count; i++) {
        const struct update_space *s = m->all->spaces[i];
        for (size_t j = 0; s->ns.len > 0 && j < s->count; j++) {
            const struct update *u = s->updates[j];
            if (u->is_delete)
                continue;
            state_key_put(&b, channel, &(struct state_key){ s->space, s->ns, s->coll, u->key });
            pairs[n].key = keep_buf(m, &b);
            state_value_encode(&b, &u->value);
            pairs[n++].value = keep_buf(m, &b);
        }
    }
    buf_put(&b, bytes_of(channel, strlen(channel) + 1));
    buf_put_u8(&b, 's');
    pairs[n].key = keep_buf(m, &b);
    state_version_put(&b, m->last);
    pairs[n++].value = keep_buf(m, &b);
    return n;
}

struct digest map_state_digest(struct map_state *m, const char *channel, size_t *ret_count)
{
    struct sha256 sum;
    size_t most = 1;
    for (size_t i = 0; i < m->all->count; i++)
        most += m->all->spaces[i]->count;
    WEFT_FREE struct pair *pairs = weft_alloc(most * sizeof(*pairs));
    size_t n = collect(m, channel, pairs);
    qsort(pairs, n, sizeof(*pairs), by_key);
    sha256_init(&sum);
    for (size_t i = 0; i < n; i++) {
        add_part(&sum, pairs[i].key);
        add_part(&sum, pairs[i].value);
    }
    *ret_count = n;
    return sha256_end(&sum);
}
