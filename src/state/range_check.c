#include "state/range_check.h"

#include "state/merkle_summary.h"

/* The results, one after the other: a scan, and perhaps the end key after it. */
struct results {
    const struct state_reader *state;
    struct state_scan *scan;
    struct bytes ns, end;
    bool end_is_wanted;
    struct buf room;
};

static void results_done(struct results *r)
{
    state_scan_free(r->scan);
    buf_done(&r->room);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct results, results_done)

static enum weft_code results_next(struct results *r, bool *ret_found, struct bytes *ret_key,
                                   struct state_version *ret, struct weft_err *e)
{
    struct state_value v;
    WEFT_TRY(state_scan_next(r->scan, ret_found, ret_key, &v, e));
    if (!*ret_found && r->end_is_wanted) {
        struct state_key key = { .space = STATE_PUBLIC, .ns = r->ns, .key = r->end };
        r->end_is_wanted = false;
        *ret_key = r->end;
        WEFT_TRY(state_reader_get(r->state, &key, &r->room, ret_found, &v, e));
    }
    if (*ret_found)
        *ret = v.version;
    return WEFT_OK;
}

static enum weft_code compare_list(struct results *r, struct repeated reads, bool *ret_same,
                                   struct weft_err *e)
{
    struct bytes item, key;
    struct state_version version;
    bool found = false;
    while (repeated_next(&reads, &item)) {
        struct kv_read read = kv_read_of(item);
        WEFT_TRY(results_next(r, &found, &key, &version, e));
        *ret_same = found && bytes_eq(key, read.key) && read.version.is_set &&
                    state_version_eq(version,
                                     (struct state_version){ read.version.block, read.version.tx });
        if (!*ret_same)
            return WEFT_OK;
    }
    WEFT_TRY(results_next(r, &found, &key, &version, e));
    *ret_same = !found;
    return WEFT_OK;
}

/* Can more results still make the summary that is wanted?  What stands at its level stays. */
static bool can_still_match(const struct merkle_summary *m, const struct range_query *q,
                            struct bytes want)
{
    return m->max_level < q->max_level ||
           (m->max_level == q->max_level && bytes_start_with(want, merkle_summary_hashes(m)));
}

/* One after the other; empty where one is not as long as a hash. */
static void join_hashes(struct repeated hashes, struct buf *out)
{
    struct bytes item;
    while (repeated_next(&hashes, &item)) {
        if (item.len != SHA256_BYTES) {
            buf_clear(out);
            return;
        }
        buf_put(out, item);
    }
}

static enum weft_code compare_summary(struct results *r, const struct range_query *q,
                                      bool *ret_same, struct weft_err *e)
{
    WEFT_CLEANUP(merkle_summary_done) struct merkle_summary m;
    WEFT_CLEANUP(buf_done) struct buf want = { 0 };
    merkle_summary_init(&m, q->max_degree);
    join_hashes(q->hashes, &want);
    *ret_same = false;
    for (;;) {
        struct bytes key;
        struct state_version version;
        bool found = false;
        WEFT_TRY(results_next(r, &found, &key, &version, e));
        if (!found)
            break;
        merkle_summary_add(&m, key, version);
        if (m.pending == 0 && !can_still_match(&m, q, buf_bytes(&want)))
            return WEFT_OK;
    }
    merkle_summary_end(&m);
    *ret_same = m.max_level == q->max_level && want.len > 0 &&
                bytes_eq(merkle_summary_hashes(&m), buf_bytes(&want));
    return WEFT_OK;
}

enum weft_code range_check(const struct state_reader *state, struct bytes ns,
                           const struct range_query *q, bool *ret_same, struct weft_err *e)
{
    WEFT_CLEANUP(results_done)
    struct results r = { .state = state, .ns = ns, .end = q->end_key };
    bool same = false;
    if (q->kind == RANGE_QUERY_MERKLE && q->max_degree < MERKLE_DEGREE_MIN) {
        *ret_same = false;
        return WEFT_OK;
    }
    WEFT_TRY(state_reader_scan(state, ns, q->start_key, q->end_key, &r.scan, e));
    r.end_is_wanted = !q->exhausted;
    if (q->kind == RANGE_QUERY_MERKLE)
        WEFT_TRY(compare_summary(&r, q, &same, e));
    else
        WEFT_TRY(compare_list(
            &r, q->kind == RANGE_QUERY_RAW ? q->raw_reads : (struct repeated){ 0 }, &same, e));
    *ret_same = same;
    return WEFT_OK;
}
