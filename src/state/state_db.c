#include "state/state_db.h"

#include "ledger/kv.h"
#include "state/state_value.h"
#include "state/update_batch.h"

#include <stdatomic.h>

/* A namespace in which a key has, or had, metadata.  The list only grows, at its head, and
 * each is whole before it is put there: any thread may walk it. */
struct marked {
    struct marked *next;
    struct bytes ns;
    uint8_t room[];
};

struct state_db {
    struct kv *kv, *bookkeeper;
    char *channel, *hints; /* "channel/1" */
    _Atomic(struct marked *) marked;
    struct kv_batch *batch;
    struct buf key, value;
};

struct state_snapshot {
    struct state_db *db;
    struct kv_snapshot *kv;
};

/* ---- which namespaces have metadata --------------------------------------------------------- */

static bool is_marked(struct state_db *db, struct bytes ns)
{
    for (const struct marked *m = atomic_load(&db->marked); m != NULL; m = m->next)
        if (bytes_eq(m->ns, ns))
            return true;
    return false;
}

static void mark(struct state_db *db, struct bytes ns)
{
    struct marked *m = weft_alloc(sizeof(*m) + ns.len);
    if (ns.len > 0)
        memcpy(m->room, ns.data, ns.len);
    m->ns = bytes_of(m->room, ns.len);
    m->next = atomic_load(&db->marked);
    atomic_store(&db->marked, m);
}

static enum weft_code read_marks(struct state_db *db, struct weft_err *e)
{
    struct bytes prefix = bytes_of(db->hints, strlen(db->hints) + 1);
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(db->bookkeeper, prefix);
    for (;;) {
        struct bytes key, value;
        bool found = false;
        WEFT_TRY(kv_iter_next(it, &found, &key, &value, e));
        if (!found || !bytes_start_with(key, prefix))
            return WEFT_OK;
        mark(db, bytes_skip(key, prefix.len));
    }
}

/* True if that is a new one. */
static bool add_mark(struct state_db *db, struct bytes ns)
{
    if (is_marked(db, ns))
        return false;
    buf_clear(&db->key);
    buf_put(&db->key, bytes_of(db->hints, strlen(db->hints) + 1));
    buf_put(&db->key, ns);
    kv_batch_put(db->batch, buf_bytes(&db->key), bytes_of(NULL, 0));
    mark(db, ns);
    return true;
}

/* On the disk first: whoever reads a key's metadata asks for the mark before.  Of a collection
 * its namespace is what is asked for; its own mark is there because the original makes it. */
static enum weft_code write_marks(struct state_db *db, const struct update_batch *updates,
                                  struct weft_err *e)
{
    bool any = false;
    kv_batch_clear(db->batch);
    for (size_t i = 0; i < updates->count; i++) {
        const struct update_space *s = updates->spaces[i];
        if (!s->has_metadata)
            continue;
        buf_clear(&db->value);
        state_space_put(&db->value, s->space, s->ns, s->coll);
        any = add_mark(db, s->ns) || any;
        any = add_mark(db, buf_bytes(&db->value)) || any;
    }
    return any ? kv_write(db->bookkeeper, db->batch, true, e) : WEFT_OK;
}

/* ---- opening ---------------------------------------------------------------------------------- */

enum weft_code state_db_open(struct kv *state, struct kv *bookkeeper, const char *channel,
                             struct state_db **ret, struct weft_err *e)
{
    WEFT_CLEANUP(state_db_close) struct state_db *db = weft_alloc(sizeof(*db));
    db->kv = state;
    db->bookkeeper = bookkeeper;
    db->channel = weft_strdup(channel);
    db->hints = weft_asprintf("%s/1", channel);
    db->batch = kv_batch_new();
    WEFT_TRY(read_marks(db, e));
    *ret = WEFT_TAKE(db);
    return WEFT_OK;
}

void state_db_close(struct state_db *db)
{
    if (db == NULL)
        return;
    for (struct marked *m = atomic_load(&db->marked), *next; m != NULL; m = next) {
        next = m->next;
        free(m);
    }
    kv_batch_free(db->batch);
    buf_done(&db->key);
    buf_done(&db->value);
    free(db->channel);
    free(db->hints);
    free(db);
}

struct state_snapshot *state_snapshot_new(struct state_db *db)
{
    struct state_snapshot *s = weft_alloc(sizeof(*s));
    s->db = db;
    s->kv = kv_snapshot_new(db->kv);
    return s;
}

void state_snapshot_free(struct state_snapshot *s)
{
    if (s == NULL)
        return;
    kv_snapshot_free(s->kv);
    free(s);
}

/* ---- reading: of now, or of a snapshot -------------------------------------------------------- */

/* The rest of a value that was found, which borrows from the room. */
static enum weft_code found_value(bool found, const struct buf *room, bool *ret_found,
                                  struct state_value *ret, struct weft_err *e)
{
    if (found)
        WEFT_TRY(state_value_parse(buf_bytes(room), ret, e));
    *ret_found = found;
    return WEFT_OK;
}

static enum weft_code get_now(void *ctx, const struct state_key *key, struct buf *room,
                              bool *ret_found, struct state_value *ret, struct weft_err *e)
{
    struct state_db *db = ctx;
    bool found = false;
    WEFT_CLEANUP(buf_done) struct buf stored = { 0 };
    state_key_put(&stored, db->channel, key);
    WEFT_TRY(kv_get(db->kv, buf_bytes(&stored), &found, room, e));
    return found_value(found, room, ret_found, ret, e);
}

static enum weft_code get_then(void *ctx, const struct state_key *key, struct buf *room,
                               bool *ret_found, struct state_value *ret, struct weft_err *e)
{
    struct state_snapshot *s = ctx;
    bool found = false;
    WEFT_CLEANUP(buf_done) struct buf stored = { 0 };
    state_key_put(&stored, s->db->channel, key);
    WEFT_TRY(kv_snapshot_get(s->kv, buf_bytes(&stored), &found, room, e));
    return found_value(found, room, ret_found, ret, e);
}

static bool may_have_metadata_now(void *ctx, struct bytes ns)
{
    return is_marked(ctx, ns);
}

static bool may_have_metadata_then(void *ctx, struct bytes ns)
{
    struct state_snapshot *s = ctx;
    return is_marked(s->db, ns);
}

struct db_scan {
    struct state_scan scan;
    struct kv_iter *it;
    struct buf end; /* the first key beyond */
    size_t prefix;  /* of each key */
};

static enum weft_code db_scan_next(struct state_scan *scan, bool *ret_found, struct bytes *ret_key,
                                   struct state_value *ret, struct weft_err *e)
{
    struct db_scan *s = WEFT_CONTAINER_OF(scan, struct db_scan, scan);
    struct bytes key, value;
    bool found = false;
    WEFT_TRY(kv_iter_next(s->it, &found, &key, &value, e));
    if (!found || bytes_cmp(key, buf_bytes(&s->end)) >= 0) {
        *ret_found = false;
        return WEFT_OK;
    }
    WEFT_TRY(state_value_parse(value, ret, e));
    *ret_key = bytes_skip(key, s->prefix);
    *ret_found = true;
    return WEFT_OK;
}

static void db_scan_free(struct state_scan *scan)
{
    struct db_scan *s = WEFT_CONTAINER_OF(scan, struct db_scan, scan);
    kv_iter_free(s->it);
    buf_done(&s->end);
    free(s);
}

static struct state_scan *db_scan_new(struct state_db *db, struct kv_snapshot *snapshot,
                                      struct bytes ns, struct bytes start, struct bytes end)
{
    WEFT_CLEANUP(buf_done) struct buf first = { 0 };
    struct db_scan *s = weft_alloc(sizeof(*s));
    struct state_key key = { .space = STATE_PUBLIC, .ns = ns, .key = end };
    state_key_put(&s->end, db->channel, &key);
    s->prefix = s->end.len - end.len;
    if (end.len == 0) /* up to where the next namespace begins */
        s->end.data[s->end.len - 1] = 1;
    key.key = start;
    state_key_put(&first, db->channel, &key);
    s->scan = (struct state_scan){ db_scan_next, db_scan_free };
    s->it = snapshot != NULL ? kv_snapshot_iter_new(snapshot, buf_bytes(&first))
                             : kv_iter_new(db->kv, buf_bytes(&first));
    return &s->scan;
}

static enum weft_code scan_now(void *ctx, struct bytes ns, struct bytes start, struct bytes end,
                               struct state_scan **ret, struct weft_err *e)
{
    (void)e;
    *ret = db_scan_new(ctx, NULL, ns, start, end);
    return WEFT_OK;
}

static enum weft_code scan_then(void *ctx, struct bytes ns, struct bytes start, struct bytes end,
                                struct state_scan **ret, struct weft_err *e)
{
    struct state_snapshot *s = ctx;
    (void)e;
    *ret = db_scan_new(s->db, s->kv, ns, start, end);
    return WEFT_OK;
}

struct state_reader state_db_reader(struct state_db *db)
{
    return (struct state_reader){ db, get_now, scan_now, may_have_metadata_now };
}

struct state_reader state_snapshot_reader(struct state_snapshot *s)
{
    return (struct state_reader){ s, get_then, scan_then, may_have_metadata_then };
}

/* ---- writing ------------------------------------------------------------------------------------ */

static void savepoint_key(const struct state_db *db, struct buf *out)
{
    buf_clear(out);
    buf_put(out, bytes_of(db->channel, strlen(db->channel) + 1));
    buf_put_u8(out, 's');
}

enum weft_code state_db_savepoint(struct state_db *db, bool *ret_found, struct state_version *ret,
                                  struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    bool found = false;
    savepoint_key(db, &db->key);
    WEFT_TRY(kv_get(db->kv, buf_bytes(&db->key), &found, &value, e));
    struct bytes rest = buf_bytes(&value);
    if (found && !state_version_take(&rest, ret))
        return WEFT_FAIL(e, WEFT_CORRUPT, "the savepoint of channel [%s]'s state is damaged",
                         db->channel);
    *ret_found = found;
    return WEFT_OK;
}

static void add_update(struct state_db *db, struct state_key *key, const struct update *u)
{
    key->key = u->key;
    buf_clear(&db->key);
    state_key_put(&db->key, db->channel, key);
    if (u->is_delete) {
        kv_batch_delete(db->batch, buf_bytes(&db->key));
        return;
    }
    buf_clear(&db->value);
    state_value_encode(&db->value, &u->value);
    kv_batch_put(db->batch, buf_bytes(&db->key), buf_bytes(&db->value));
}

enum weft_code state_db_apply(struct state_db *db, struct update_batch *updates,
                              const struct state_version *savepoint, bool sync, struct weft_err *e)
{
    WEFT_TRY(write_marks(db, updates, e));
    kv_batch_clear(db->batch);
    update_batch_sort(updates);
    for (size_t i = 0; i < updates->count; i++) {
        const struct update_space *s = updates->spaces[i];
        struct state_key key = { s->space, s->ns, s->coll, { 0 } };
        for (size_t j = 0; j < s->count; j++)
            add_update(db, &key, s->updates[j]);
    }
    if (savepoint != NULL) {
        savepoint_key(db, &db->key);
        buf_clear(&db->value);
        state_version_put(&db->value, *savepoint);
        kv_batch_put(db->batch, buf_bytes(&db->key), buf_bytes(&db->value));
    }
    enum weft_code rc = kv_write(db->kv, db->batch, sync, e);
    kv_batch_clear(db->batch);
    return rc;
}
