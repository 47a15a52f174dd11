#include "endorser/tx_simulator.h"

#include "crypto/sha256.h"
#include "state/merkle_summary.h"
#include "txmaker/rwset_writer.h"

#include <inttypes.h>

enum {
    RANGE_DEGREE = 50 /* more keys of a range than this are summed up: Fabric's number */
};

struct tx_simulator {
    struct state_reader reader;
    struct rwset_writer sets;
    struct arena values; /* what was handed out */
};

struct tx_simulator *tx_simulator_new(const struct state_reader *r)
{
    struct tx_simulator *s = weft_alloc(sizeof(*s));
    s->reader = *r;
    return s;
}

void tx_simulator_free(struct tx_simulator *s)
{
    if (s == NULL)
        return;
    rwset_writer_done(&s->sets);
    arena_done(&s->values);
    free(s);
}

static struct bytes keep(struct tx_simulator *s, struct bytes b)
{
    uint8_t *copy = arena_alloc(&s->values, b.len + 1);
    if (b.len > 0)
        memcpy(copy, b.data, b.len);
    return bytes_of(copy, b.len);
}

/* ---- reading ------------------------------------------------------------------------------- */

static struct kv_version version_of(bool found, const struct state_value *v)
{
    return (struct kv_version){ found, found ? v->version.block : 0, found ? v->version.tx : 0 };
}

enum weft_code tx_simulator_get(struct tx_simulator *s, const char *ns, struct bytes key,
                                struct bytes *ret, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf room = { 0 };
    struct state_key k = { STATE_PUBLIC, bytes_of_str(ns), { 0 }, key };
    struct state_value v = { 0 };
    bool found = false;
    WEFT_TRY(state_reader_get(&s->reader, &k, &room, &found, &v, e));
    rwset_writer_read(&s->sets, ns, key, version_of(found, &v));
    *ret = found ? keep(s, v.value) : bytes_of(NULL, 0);
    return WEFT_OK;
}

/* The hashed key of a private one. */
static enum weft_code get_hash(struct tx_simulator *s, const struct state_key *private,
                               struct buf *room, bool *ret_found, struct state_value *ret,
                               struct weft_err *e)
{
    struct digest hash = sha256_of(private->key);
    struct state_key k = { STATE_HASHED, private->ns, private->coll, digest_bytes(&hash) };
    return state_reader_get(&s->reader, &k, room, ret_found, ret, e);
}

static void note_private_read(struct tx_simulator *s, const char *ns, struct bytes coll,
                              struct bytes key, struct kv_version version)
{
    WEFT_FREE char *name = bytes_dup_str(coll);
    rwset_writer_private_read(&s->sets, ns, name, key, version);
}

enum weft_code tx_simulator_get_private(struct tx_simulator *s, const char *ns, struct bytes coll,
                                        struct bytes key, struct bytes *ret, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf room = { 0 };
    WEFT_CLEANUP(buf_done) struct buf hash_room = { 0 };
    struct state_key k = { STATE_PRIVATE, bytes_of_str(ns), coll, key };
    struct state_value v = { 0 }, hash = { 0 };
    bool found = false, hash_found = false;
    WEFT_TRY(state_reader_get(&s->reader, &k, &room, &found, &v, e));
    WEFT_TRY(get_hash(s, &k, &hash_room, &hash_found, &hash, e));
    if (found != hash_found || (found && !state_version_eq(v.version, hash.version)))
        return WEFT_FAIL(e, WEFT_UNAVAILABLE,
                         "private data matching public hash version is not available. Public hash "
                         "version = {BlockNum: %" PRIu64 ", TxNum: %" PRIu64 "}",
                         hash.version.block, hash.version.tx);
    note_private_read(s, ns, coll, key, version_of(found, &v));
    *ret = found ? keep(s, v.value) : bytes_of(NULL, 0);
    return WEFT_OK;
}

enum weft_code tx_simulator_get_private_hash(struct tx_simulator *s, const char *ns,
                                             struct bytes coll, struct bytes key, struct bytes *ret,
                                             struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf room = { 0 };
    struct state_key k = { STATE_PRIVATE, bytes_of_str(ns), coll, key };
    struct state_value v = { 0 };
    bool found = false;
    WEFT_TRY(get_hash(s, &k, &room, &found, &v, e));
    note_private_read(s, ns, coll, key, version_of(found, &v));
    *ret = found ? keep(s, v.value) : bytes_of(NULL, 0);
    return WEFT_OK;
}

/* ---- ranges ----------------------------------------------------------------------------------- */

struct range {
    struct rwset_range_read *reads;
    size_t count, cap;
    struct merkle_summary summary;
};

static void range_done(struct range *r)
{
    merkle_summary_done(&r->summary);
    free(r->reads);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct range, range_done)

static void range_add(struct range *r, struct bytes key, struct state_version version)
{
    merkle_summary_add(&r->summary, key, version);
    if (r->count == r->cap) {
        r->cap = r->cap == 0 ? 16 : r->cap * 2;
        r->reads = weft_realloc(r->reads, r->cap * sizeof(*r->reads));
    }
    r->reads[r->count++] = (struct rwset_range_read){ key, { true, version.block, version.tx } };
}

static void note_range(struct tx_simulator *s, const char *ns, struct range *r, struct bytes start,
                       struct bytes end)
{
    struct rwset_range info = { .start_key = start,
                                .end_key = end,
                                .exhausted = true,
                                .kind = r->count > 0 ? RANGE_QUERY_RAW : RANGE_QUERY_NONE,
                                .reads = r->reads,
                                .count = r->count };
    struct bytes hashes[RANGE_DEGREE + 1];
    if (r->count > RANGE_DEGREE) {
        merkle_summary_end(&r->summary);
        struct bytes all = merkle_summary_hashes(&r->summary);
        size_t count = all.len / SHA256_BYTES;
        WEFT_ASSERT(count <= WEFT_ARRAY_LEN(hashes));
        for (size_t i = 0; i < count; i++)
            hashes[i] = bytes_of(all.data + i * SHA256_BYTES, SHA256_BYTES);
        info.kind = RANGE_QUERY_MERKLE;
        info.max_degree = r->summary.max_degree;
        info.max_level = r->summary.max_level;
        info.hashes = hashes;
        info.count = count;
    }
    rwset_writer_range(&s->sets, ns, &info);
}

enum weft_code tx_simulator_scan(struct tx_simulator *s, const char *ns, struct bytes start,
                                 struct bytes end,
                                 void (*each)(void *arg, struct bytes key, struct bytes value),
                                 void *arg, struct weft_err *e)
{
    WEFT_CLEANUP(state_scan_free) struct state_scan *scan = NULL;
    WEFT_CLEANUP(range_done) struct range r = { 0 };
    bool found = false;
    merkle_summary_init(&r.summary, RANGE_DEGREE);
    WEFT_TRY(state_reader_scan(&s->reader, bytes_of_str(ns), start, end, &scan, e));
    for (;;) {
        struct bytes key = { 0 };
        struct state_value v = { 0 };
        WEFT_TRY(state_scan_next(scan, &found, &key, &v, e));
        if (!found)
            break;
        key = keep(s, key);
        range_add(&r, key, v.version);
        each(arg, key, keep(s, v.value));
    }
    note_range(s, ns, &r, start, end);
    return WEFT_OK;
}

/* ---- writing ------------------------------------------------------------------------------------ */

void tx_simulator_put(struct tx_simulator *s, const char *ns, struct bytes key, struct bytes value)
{
    if (value.data == NULL)
        rwset_writer_delete(&s->sets, ns, key);
    else
        rwset_writer_write(&s->sets, ns, key, value);
}

void tx_simulator_put_private(struct tx_simulator *s, const char *ns, struct bytes coll,
                              struct bytes key, struct bytes value)
{
    WEFT_FREE char *name = bytes_dup_str(coll);
    if (value.data == NULL)
        rwset_writer_private_delete(&s->sets, ns, name, key);
    else
        rwset_writer_private_write(&s->sets, ns, name, key, value);
}

void tx_simulator_results(struct tx_simulator *s, struct buf *out)
{
    rwset_writer_encode(&s->sets, out);
}

void tx_simulator_private_results(struct tx_simulator *s, struct buf *out)
{
    rwset_writer_encode_private(&s->sets, out);
}
