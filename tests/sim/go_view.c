#include "sim/go_view.h"

#include "base/number.h"
#include "base/varint.h"
#include "ledger/block_checkpoint.h"
#include "ledger/block_record.h"
#include "os/dirs.h"
#include "os/file.h"
#include "sim/disk.h"

#include <inttypes.h>

enum {
    LOG_BLOCK = 32768,
    LOG_HEADER = 7, /* checksum, length, kind */
    FILE_MAX = 64 << 20,
};

/* ---- LevelDB's log format ----------------------------------------------------------- */

/* The next whole record of a log file; false at its end, or where it is torn. */
static bool next_record(struct bytes log, size_t *at, struct buf *ret)
{
    buf_clear(ret);
    for (;;) {
        size_t left = LOG_BLOCK - *at % LOG_BLOCK;
        if (left < LOG_HEADER)
            *at += left;
        if (*at + LOG_HEADER > log.len)
            return false;
        const uint8_t *h = log.data + *at;
        size_t len = h[4] | (size_t)h[5] << 8;
        unsigned kind = h[6]; /* 1 whole, 2 first, 3 middle, 4 last */
        if (kind == 0 || kind > 4 || *at + LOG_HEADER + len > log.len)
            return false;
        buf_put(ret, bytes_of(h + LOG_HEADER, len));
        *at += LOG_HEADER + len;
        if (kind == 1 || kind == 4)
            return true;
    }
}

static bool take(struct bytes *in, uint64_t *ret)
{
    size_t n = uvarint_decode(*in, ret);
    if (n == 0)
        return false;
    *in = bytes_skip(*in, n);
    return true;
}

static bool skip_numbers(struct bytes *in, int count)
{
    uint64_t n = 0;
    while (count > 0 && take(in, &n))
        count--;
    return count == 0;
}

static bool take_bytes(struct bytes *in, struct bytes *ret)
{
    uint64_t len = 0;
    if (!take(in, &len) || len > in->len)
        return false;
    *ret = bytes_of(in->data, (size_t)len);
    *in = bytes_skip(*in, (size_t)len);
    return true;
}

struct manifest {
    uint64_t log_number, last_seq;
};

/* One edit of the manifest: only two of its fields matter here. */
static bool read_edit(struct bytes b, struct manifest *m)
{
    struct bytes skipped;
    uint64_t tag = 0, n = 0;
    while (b.len > 0 && take(&b, &tag)) {
        bool good = false;
        if (tag == 1) /* comparator */
            good = take_bytes(&b, &skipped);
        else if (tag == 2)
            good = take(&b, &m->log_number);
        else if (tag == 4)
            good = take(&b, &m->last_seq);
        else if (tag == 3 || tag == 9) /* next file, previous log */
            good = take(&b, &n);
        else if (tag == 5) /* compaction pointer */
            good = take(&b, &n) && take_bytes(&b, &skipped);
        else if (tag == 6) /* deleted file */
            good = skip_numbers(&b, 2);
        else if (tag == 7) /* new file */
            good = skip_numbers(&b, 3) && take_bytes(&b, &skipped) && take_bytes(&b, &skipped);
        if (!good)
            return false;
    }
    return true;
}

static enum weft_code read_manifest(const char *dir, struct manifest *ret, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf name = { 0 };
    WEFT_CLEANUP(buf_done) struct buf log = { 0 };
    WEFT_CLEANUP(buf_done) struct buf record = { 0 };
    WEFT_FREE char *current = weft_asprintf("%s/CURRENT", dir);
    WEFT_TRY(file_read_all(current, 256, &name, e));
    WEFT_FREE char *path = weft_asprintf("%s/%.*s", dir, (int)name.len - 1, (char *)name.data);
    WEFT_TRY(file_read_all(path, FILE_MAX, &log, e));
    size_t at = 0;
    while (next_record(buf_bytes(&log), &at, &record))
        if (!read_edit(buf_bytes(&record), ret))
            return WEFT_FAIL(e, WEFT_CORRUPT, "%s is no manifest", path);
    return WEFT_OK;
}

/* ---- the view ------------------------------------------------------------------------- */

/* sequence number (8 bytes), count (4), then kind, key and, if kind is 1, value. */
static enum weft_code replay(struct bytes b, struct kv *kv, uint64_t *seq, struct weft_err *e)
{
    uint64_t number = 0, count = 0;
    WEFT_ASSERT(b.len >= 12);
    for (int i = 7; i >= 0; i--)
        number = number << 8 | b.data[i];
    for (int i = 11; i >= 8; i--)
        count = count << 8 | b.data[i];
    if (number < *seq)
        return WEFT_OK; /* the trap */
    *seq = number + count;
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *batch = kv_batch_new();
    for (b = bytes_skip(b, 12); b.len > 0;) {
        struct bytes key, value;
        bool put = b.data[0] == 1;
        b = bytes_skip(b, 1);
        if (!take_bytes(&b, &key) || (put && !take_bytes(&b, &value)))
            return WEFT_FAIL(e, WEFT_CORRUPT, "a batch in the log is damaged");
        if (put)
            kv_batch_put(batch, key, value);
        else
            kv_batch_delete(batch, key);
    }
    return kv_write(kv, batch, false, e);
}

static bool is_log(const char *name, uint64_t *ret_number)
{
    size_t n = strlen(name);
    if (n < 5 || strcmp(name + n - 4, ".log") != 0)
        return false;
    WEFT_FREE char *digits = weft_strdup(name);
    digits[n - 4] = '\0';
    return number_parse_u64(digits, ret_number);
}

/* The folder without its logs. */
static enum weft_code copy_tables(const char *from, const struct dir_list *l, const char *to,
                                  struct weft_err *e)
{
    uint64_t number = 0;
    for (size_t i = 0; i < l->count; i++) {
        WEFT_CLEANUP(buf_done) struct buf b = { 0 };
        WEFT_FREE char *source = weft_asprintf("%s/%s", from, l->names[i]);
        WEFT_FREE char *target = weft_asprintf("%s/%s", to, l->names[i]);
        if (is_log(l->names[i], &number) || strcmp(l->names[i], "LOCK") == 0)
            continue;
        WEFT_TRY(file_read_all(source, FILE_MAX, &b, e));
        WEFT_TRY(file_write_atomic(target, buf_bytes(&b), 0644, e));
    }
    return WEFT_OK;
}

static enum weft_code replay_logs(const char *dir, const struct dir_list *l, struct kv *kv,
                                  const struct manifest *m, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf record = { 0 };
    uint64_t seq = m->last_seq, number = 0;
    for (size_t i = 0; i < l->count; i++) { /* sorted by name: by number */
        WEFT_CLEANUP(buf_done) struct buf log = { 0 };
        WEFT_FREE char *path = weft_asprintf("%s/%s", dir, l->names[i]);
        size_t at = 0;
        if (!is_log(l->names[i], &number) || number < m->log_number)
            continue;
        WEFT_TRY(file_read_all(path, FILE_MAX, &log, e));
        while (next_record(buf_bytes(&log), &at, &record))
            WEFT_TRY(replay(buf_bytes(&record), kv, &seq, e));
    }
    return WEFT_OK;
}

struct go_view {
    char *scratch; /* kv_open_copy links to the tables in here */
    struct kv *kv;
};

static void go_view_done(struct go_view *g)
{
    kv_close(g->kv);
    WEFT_ASSERT(dir_remove_tree(g->scratch, NULL) == WEFT_OK);
    free(g->scratch);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct go_view, go_view_done)

static enum weft_code go_view_open(struct go_view *g, const char *dir, struct weft_err *e)
{
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    struct manifest m = { 0 };
    WEFT_TRY(dir_list(dir, &l, e));
    WEFT_TRY(read_manifest(dir, &m, e));
    WEFT_TRY(copy_tables(dir, &l, g->scratch, e));
    WEFT_TRY(kv_open_copy(g->scratch, &g->kv, e));
    return replay_logs(dir, &l, g->kv, &m, e);
}

/* ---- what it must hold --------------------------------------------------------------- */

struct held {
    struct block_index ix;
    bool indexed, known;
    uint64_t last_indexed;
    struct block_checkpoint checkpoint;
    uint64_t blocks, behind; /* in all files; behind the checkpoint */
};

static enum weft_code must_hold(void *ctx, struct bytes key, struct bytes value, struct weft_err *e)
{
    const struct held *h = ctx;
    WEFT_CLEANUP(buf_done) struct buf got = { 0 };
    bool found = false;
    WEFT_TRY(kv_get(h->ix.kv, key, &found, &got, e));
    if (!found || !bytes_eq(buf_bytes(&got), value)) {
        WEFT_FREE char *hex = bytes_to_hex(key);
        return WEFT_FAIL(e, WEFT_INVALID,
                         "a Go node trusts the index up to block [%" PRIu64
                         "], but its key %s is %s",
                         h->last_indexed, hex, found ? "another one" : "missing");
    }
    return WEFT_OK;
}

static enum weft_code check_record(struct held *h, struct bytes body, const struct block_place *at,
                                   struct weft_err *e)
{
    WEFT_CLEANUP(block_view_done) struct block_view v = { 0 };
    size_t txs_at = 0;
    WEFT_TRY(block_record_parse(body, &v, &txs_at, e));
    h->blocks++;
    const struct block_checkpoint *c = &h->checkpoint;
    if (h->known && at->file > c->file)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "block [%" PRIu64 "] lies in file %" PRIu64 ", a Go node looks at %" PRIu64
                         " only",
                         v.number, at->file, c->file);
    if (at->file == c->file && at->offset >= c->size)
        h->behind++;
    if (!h->indexed || v.number > h->last_indexed)
        return WEFT_OK;
    struct digest hash = block_header_hash(&v);
    struct block_index_sink sink = { must_hold, h };
    return block_index_entries(&h->ix, &v, at, txs_at + (size_t)(at->body_offset - at->offset),
                               &hash, &sink, e);
}

static enum weft_code check_files(struct held *h, const char *dir, struct weft_err *e)
{
    uint64_t files = 0;
    WEFT_TRY(block_file_count(dir, &files, e));
    for (uint64_t f = 0; f < files; f++) {
        WEFT_CLEANUP(block_scanner_done) struct block_scanner s;
        block_scanner_init(&s, dir, f, 0, f);
        for (;;) {
            enum block_scan what = BLOCK_SCAN_END;
            struct bytes body = { 0 };
            struct block_place at = { 0 };
            WEFT_TRY(block_scanner_next(&s, &what, &body, &at, e));
            if (what != BLOCK_SCAN_RECORD)
                break;
            WEFT_TRY(check_record(h, body, &at, e));
        }
    }
    return WEFT_OK;
}

static enum weft_code check_counts(const struct held *h, struct weft_err *e)
{
    const struct block_checkpoint *c = &h->checkpoint;
    uint64_t counted = (c->empty ? 0 : c->last_block + 1) + h->behind;
    if (h->known && counted != h->blocks)
        return WEFT_FAIL(e, WEFT_INVALID, "there are %" PRIu64 " blocks, a Go node counts %" PRIu64,
                         h->blocks, counted);
    if (h->indexed && h->last_indexed + 1 > h->blocks)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "block [%" PRIu64 "] counts as indexed, there are %" PRIu64,
                         h->last_indexed, h->blocks);
    return WEFT_OK;
}

static enum weft_code check_mark(struct kv *kv, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(kv, bytes_of(NULL, 0));
    struct bytes key, any;
    bool some = false, found = false;
    WEFT_TRY(kv_iter_next(it, &some, &key, &any, e));
    WEFT_TRY(kv_get(kv, bytes_of("_\0f", 3), &found, &value, e));
    if (some && !bytes_eq(buf_bytes(&value), bytes_of_str("2.0")))
        return WEFT_FAIL(e, WEFT_INVALID, "a Go peer finds keys but no format mark");
    return WEFT_OK;
}

enum weft_code go_view_check(const char *root, enum ledger_layout layout, const char *channel,
                             struct weft_err *e)
{
    const char *part = layout == LEDGER_PEER ? "chains/" : "";
    WEFT_FREE char *index = weft_asprintf("%s/%sindex", root, part);
    WEFT_FREE char *current = weft_asprintf("%s/CURRENT", index);
    WEFT_FREE char *dir = weft_asprintf("%s/%schains/%s", root, part, channel);
    if (!path_exists(current) || !path_is_dir(dir))
        return WEFT_OK; /* the node was stopped before it had one */
    WEFT_CLEANUP(go_view_done) struct go_view g = { .scratch = disk_new_dir() };
    WEFT_TRY(go_view_open(&g, index, e));
    struct held h = { .ix = { g.kv, channel,
                              layout == LEDGER_PEER ? BLOCK_INDEX_PEER : BLOCK_INDEX_ORDERER } };
    if (layout == LEDGER_PEER)
        WEFT_TRY(check_mark(g.kv, e));
    WEFT_TRY(block_index_checkpoint(&h.ix, &h.indexed, &h.last_indexed, e));
    WEFT_TRY(block_checkpoint_load(&h.ix, &h.known, &h.checkpoint, e));
    WEFT_TRY(check_files(&h, dir, e));
    return check_counts(&h, e);
}
