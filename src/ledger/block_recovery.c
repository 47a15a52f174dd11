#include "ledger/block_recovery.h"

#include "base/log.h"
#include "ledger/block_record.h"
#include "ledger/block_tail.h"
#include "os/dirs.h"
#include "os/file.h"

#include <fcntl.h>
#include <inttypes.h>

enum {
    BATCH_BYTES = 1 << 20,
    PROGRESS_BLOCKS = 10000,
};

LOG_DEFINE(logger, "blkstorage");

/* A walk over the records from `start` on. */
struct walk {
    const struct block_index *ix;
    const char *dir;
    uint64_t files;                /* how many there are */
    bool has_known;                /* a block file checkpoint was there */
    struct block_checkpoint known; /* good up to here, if so */
    struct block_scanner scanner;
    struct block_view view;
    struct kv_batch *batch;
    struct block_recovered found; /* so far */
    uint64_t indexed;             /* records written to the index */
};

static bool past_known(const struct walk *w, const struct block_place *at)
{
    if (!w->has_known)
        return true;
    return at->file > w->known.file || (at->file == w->known.file && at->offset >= w->known.size);
}

static uint64_t next_number(const struct walk *w)
{
    return w->found.checkpoint.empty ? 0 : w->found.checkpoint.last_block + 1;
}

/* ---- one record -------------------------------------------------------------- */

static enum weft_code check_record(const struct walk *w, const struct block_view *v, bool deep,
                                   struct weft_err *e)
{
    uint64_t want = next_number(w);
    if (v->number != want)
        return WEFT_FAIL(e, WEFT_CORRUPT,
                         "block number should have been %" PRIu64 " but was %" PRIu64, want,
                         v->number);
    struct bytes previous = want == 0 ? bytes_of(NULL, 0) : digest_bytes(&w->found.last_hash);
    if (!bytes_eq(v->previous_hash, previous))
        return WEFT_FAIL(
            e, WEFT_CORRUPT,
            "previous hash of block [%" PRIu64 "] is not the hash of the block before it", want);
    struct digest data;
    if (deep) {
        data = block_data_hash(v);
        if (!bytes_eq(v->data_hash, digest_bytes(&data)))
            return WEFT_FAIL(e, WEFT_CORRUPT,
                             "data hash of block [%" PRIu64 "] is not the hash of its data", want);
    }
    return WEFT_OK;
}

/* The last record taken is now this one. */
static void take_record(struct walk *w, const struct block_place *at)
{
    const struct block_view *v = &w->view;
    w->found.checkpoint = (struct block_checkpoint){ at->file, at->end, v->number, false };
    w->found.last_hash = block_header_hash(v);
    w->found.previous_hash_len = v->previous_hash.len;
    if (v->previous_hash.len == sizeof(w->found.previous_hash.b))
        memcpy(w->found.previous_hash.b, v->previous_hash.data, v->previous_hash.len);
}

static enum weft_code write_batch(struct walk *w, struct weft_err *e)
{
    WEFT_TRY(kv_write(w->ix->kv, w->batch, true, e));
    kv_batch_clear(w->batch);
    return WEFT_OK;
}

static enum weft_code index_record(struct walk *w, const struct block_place *at, size_t txs_at,
                                   struct weft_err *e)
{
    uint64_t in_record = txs_at + (at->body_offset - at->offset);
    WEFT_TRY(
        block_index_add(w->ix, w->batch, &w->view, at, (size_t)in_record, &w->found.last_hash, e));
    if (++w->indexed % PROGRESS_BLOCKS == 0)
        LOG_INFO(&logger, "Indexed block number [%" PRIu64 "]" LOG_KV "channel=%s", w->view.number,
                 w->ix->channel);
    return kv_batch_bytes(w->batch) >= BATCH_BYTES ? write_batch(w, e) : WEFT_OK;
}

/* ---- the tail ------------------------------------------------------------------ */

static enum weft_code later_files_empty(const struct walk *w, uint64_t file, bool *ret,
                                        struct weft_err *e)
{
    *ret = true;
    for (uint64_t f = file + 1; f < w->files; f++) {
        WEFT_FREE char *path = block_file_path(w->dir, f);
        WEFT_CLEANUP(file_close) int fd = -1;
        uint64_t size = 0;
        WEFT_TRY(file_open(path, O_RDONLY, 0, &fd, e));
        WEFT_TRY(file_size(fd, path, &size, e));
        *ret = *ret && size == 0;
    }
    return WEFT_OK;
}

/* May the bytes from here on be what a crash left (block_tail.h)?  With the
 * checkpoint at hand nothing behind it was announced: it lasts before that.
 * (Only a good block right behind something that is no hole looks too much
 * like an index from a backup.)  Without it anything may have been stored, and
 * only what looks like a crash is taken for one.  `why` says what is wrong
 * with the record. */
static enum weft_code check_tail(const struct walk *w, const struct block_place *bad, bool torn,
                                 const struct weft_err *why, struct weft_err *e)
{
    bool last = false;
    struct block_tail tail = { 0 };
    WEFT_TRY(later_files_empty(w, bad->file, &last, e));
    WEFT_TRY(block_tail_look(w->dir, bad, next_number(w), &tail, e));
    bool crash_like = torn || tail.hole || w->has_known;
    bool hole = tail.hole || tail.begins_zero;
    bool by_crash = tail.zero || (crash_like && !tail.followed) || (w->has_known && hole);
    if (past_known(w, bad) && last && by_crash)
        return WEFT_OK;
    WEFT_FREE char *path = block_file_path(w->dir, bad->file);
    return WEFT_FAIL(e, WEFT_CORRUPT,
                     "%s is damaged at offset %" PRIu64 ": %s; restore the file from a backup or "
                     "another node, `weft ledger verify` shows what is left",
                     path, bad->offset, why->msg);
}

/* ---- the walk -------------------------------------------------------------------- */

enum step {
    STEP_ON,
    STEP_END,
};

/* Takes the next record, or finds the end of what is good. */
static enum weft_code step(struct walk *w, enum step *ret, struct weft_err *e)
{
    enum block_scan what = BLOCK_SCAN_END;
    struct bytes body = { 0 };
    struct block_place at = { 0 };
    size_t txs_at = 0;
    struct weft_err why = { .msg = "it ends inside a record" };
    uint64_t file = w->scanner.file, offset = w->scanner.offset;

    *ret = STEP_END;
    enum weft_code rc = block_scanner_next(&w->scanner, &what, &body, &at, &why);
    if (rc == WEFT_IO || rc == WEFT_NOT_FOUND)
        return WEFT_FAIL(e, rc, "%s", why.msg);
    if (rc != WEFT_OK) /* a length that is none: from there to the end of the file */
        at = (struct block_place){ .file = w->scanner.file,
                                   .offset = w->scanner.file == file ? offset : 0,
                                   .end = UINT64_MAX };
    if (rc == WEFT_OK && what == BLOCK_SCAN_END)
        return WEFT_OK;
    bool torn = rc == WEFT_OK && what == BLOCK_SCAN_TORN;
    if (rc == WEFT_OK && !torn)
        rc = block_record_parse(body, &w->view, &txs_at, &why);
    if (rc == WEFT_OK && !torn)
        rc = check_record(w, &w->view, past_known(w, &at), &why);
    if (rc != WEFT_OK || torn)
        return check_tail(w, &at, torn, &why, e);

    take_record(w, &at);
    WEFT_TRY(index_record(w, &at, txs_at, e));
    *ret = STEP_ON;
    return WEFT_OK;
}

static enum weft_code walk_on(struct walk *w, struct weft_err *e)
{
    enum step s = STEP_ON;
    while (s == STEP_ON)
        WEFT_TRY(step(w, &s, e));
    return write_batch(w, e);
}

/* Starts behind the last block that is indexed.  WEFT_NOT_FOUND or
 * WEFT_CORRUPT: the index is not what it should be. */
static enum weft_code start_at_indexed(struct walk *w, uint64_t last, struct weft_err *e)
{
    struct block_loc loc;
    enum block_scan what = BLOCK_SCAN_END;
    struct bytes body = { 0 };
    struct block_place at = { 0 };
    size_t txs_at = 0;
    WEFT_TRY(block_index_by_number(w->ix, last, &loc, e));
    if (loc.file >= w->files)
        return WEFT_FAIL(e, WEFT_CORRUPT, "the index leads to a block file that is not there");
    block_scanner_done(&w->scanner);
    block_scanner_init(&w->scanner, w->dir, loc.file, loc.offset, w->files - 1);
    WEFT_TRY(block_scanner_next(&w->scanner, &what, &body, &at, e));
    if (what != BLOCK_SCAN_RECORD)
        return WEFT_FAIL(e, WEFT_CORRUPT, "the index leads to a place without a record");
    WEFT_TRY(block_record_parse(body, &w->view, &txs_at, e));
    if (w->view.number != last)
        return WEFT_FAIL(e, WEFT_CORRUPT,
                         "the index leads to block [%" PRIu64 "] instead of [%" PRIu64 "]",
                         w->view.number, last);
    take_record(w, &at);
    return WEFT_OK;
}

/* ---- index gone or damaged ---------------------------------------------------------- */

/* Deletes every key of the channel but the block file checkpoint, which says
 * how far the files must be good; that one too if it cannot be read.  First of
 * all the index checkpoint: who finds the rest half deleted must not believe
 * it. */
static enum weft_code wipe_index(const struct block_index *ix, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf prefix = { 0 };
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *batch = kv_batch_new();
    block_index_drop_checkpoint(ix, batch);
    WEFT_TRY(kv_write(ix->kv, batch, true, e));
    kv_batch_clear(batch);
    kv_flush(ix->kv);
    block_index_key(ix, bytes_of(NULL, 0), &prefix);
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(ix->kv, buf_bytes(&prefix));
    struct bytes key, value;
    struct block_checkpoint known;
    bool found = true, keep = false;
    keep = block_checkpoint_load(ix, &keep, &known, NULL) == WEFT_OK && keep;
    for (;;) {
        WEFT_TRY(kv_iter_next(it, &found, &key, &value, e));
        if (!found || !bytes_start_with(key, buf_bytes(&prefix)))
            break;
        kv_batch_delete(batch, key);
        if (kv_batch_bytes(batch) >= BATCH_BYTES) {
            WEFT_TRY(kv_write(ix->kv, batch, true, e));
            kv_batch_clear(batch);
        }
    }
    if (keep)
        block_checkpoint_put(ix, batch, &known);
    return kv_write(ix->kv, batch, true, e);
}

/* ---- files held against the checkpoint ------------------------------------------------ */

static enum weft_code check_known(const struct walk *w, struct weft_err *e)
{
    if (!w->has_known || w->known.size == 0)
        return WEFT_OK;
    WEFT_FREE char *path = block_file_path(w->dir, w->known.file);
    if (w->known.file >= w->files)
        return WEFT_FAIL(e, WEFT_CORRUPT,
                         "%s is missing, blocks up to [%" PRIu64
                         "] were stored; restore it from a backup or another node",
                         path, w->known.last_block);
    WEFT_CLEANUP(file_close) int fd = -1;
    uint64_t size = 0;
    WEFT_TRY(file_open(path, O_RDONLY, 0, &fd, e));
    WEFT_TRY(file_size(fd, path, &size, e));
    if (size < w->known.size)
        return WEFT_FAIL(e, WEFT_CORRUPT,
                         "%s has %" PRIu64 " bytes, %" PRIu64 " were stored; restore it from a "
                         "backup or another node, or remove the index to go on with what is left",
                         path, size, w->known.size);
    return WEFT_OK;
}

/* The end of the last record may lie in an older file than the newest one: a
 * crash left that empty, or with a torn record in it. */
static void step_into_newest_file(struct walk *w)
{
    struct block_checkpoint *c = &w->found.checkpoint;
    if (w->files > 0 && c->file < w->files - 1) {
        c->file = w->files - 1;
        c->size = 0;
    }
}

/* Cuts the file back to what is good of it, and makes that last. */
static enum weft_code settle_file(const struct walk *w, uint64_t file, struct weft_err *e)
{
    const struct block_checkpoint *c = &w->found.checkpoint;
    WEFT_FREE char *path = block_file_path(w->dir, file);
    WEFT_CLEANUP(file_close) int fd = -1;
    uint64_t size = 0;
    WEFT_TRY(file_open(path, O_RDWR, 0, &fd, e));
    WEFT_TRY(file_size(fd, path, &size, e));
    if (file == c->file && size > c->size) {
        LOG_WARN(&logger,
                 "Cutting [%" PRIu64 "] bytes of an unfinished block off the end of [%s]" LOG_KV
                 "channel=%s",
                 size - c->size, path, w->ix->channel);
        WEFT_TRY(file_truncate(fd, path, c->size, e));
    }
    return file_sync(fd, path, e);
}

/* What was found behind the checkpoint may be a killed node's, in the system's
 * memory only: it is synced before anybody hears of it. */
static enum weft_code settle_files(const struct walk *w, struct weft_err *e)
{
    for (uint64_t f = w->has_known ? w->known.file : 0; f < w->files; f++)
        WEFT_TRY(settle_file(w, f, e));
    return w->files > 0 ? dir_sync(w->dir, e) : WEFT_OK;
}

static bool same_checkpoint(const struct block_checkpoint *a, const struct block_checkpoint *b)
{
    return a->file == b->file && a->size == b->size && a->last_block == b->last_block &&
           a->empty == b->empty;
}

static enum weft_code save(struct walk *w, struct weft_err *e)
{
    if (w->has_known && same_checkpoint(&w->known, &w->found.checkpoint))
        return WEFT_OK;
    block_checkpoint_put(w->ix, w->batch, &w->found.checkpoint);
    WEFT_TRY(kv_write(w->ix->kv, w->batch, true, e));
    kv_batch_clear(w->batch);
    return WEFT_OK;
}

static enum weft_code recover(struct walk *w, struct weft_err *e)
{
    bool indexed = false;
    uint64_t last = 0;
    WEFT_TRY(block_checkpoint_load(w->ix, &w->has_known, &w->known, e));
    WEFT_TRY(check_known(w, e));
    WEFT_TRY(block_index_checkpoint(w->ix, &indexed, &last, e));
    if (!w->has_known)
        LOG_INFO(&logger, "Getting block information from block storage" LOG_KV "channel=%s",
                 w->ix->channel);
    if (w->files > 0)
        block_scanner_init(&w->scanner, w->dir, 0, 0, w->files - 1);
    if (indexed)
        WEFT_TRY(start_at_indexed(w, last, e));
    if (w->files > 0) {
        if (!w->has_known)
            LOG_INFO(&logger, "Start building index from block [%" PRIu64 "]" LOG_KV "channel=%s",
                     next_number(w), w->ix->channel);
        WEFT_TRY(walk_on(w, e));
        if (!w->has_known)
            LOG_INFO(&logger,
                     "Finished building index. Last block indexed [%" PRIu64 "]" LOG_KV
                     "channel=%s",
                     w->found.checkpoint.last_block, w->ix->channel);
    }
    step_into_newest_file(w);
    WEFT_TRY(settle_files(w, e));
    WEFT_TRY(save(w, e));
    w->found.all_indexed = w->indexed == 0 && (indexed || w->found.checkpoint.empty);
    return WEFT_OK;
}

static enum weft_code recover_once(const struct block_index *ix, const char *dir,
                                   struct block_recovered *ret, struct weft_err *e)
{
    struct walk w = { .ix = ix, .dir = dir, .batch = kv_batch_new(), .scanner = { .fd = -1 } };
    w.found.checkpoint.empty = true;
    enum weft_code rc = block_file_count(dir, &w.files, e);
    if (rc == WEFT_OK)
        rc = recover(&w, e);
    if (rc == WEFT_OK)
        *ret = w.found;
    block_scanner_done(&w.scanner);
    block_view_done(&w.view);
    kv_batch_free(w.batch);
    return rc;
}

/* Is it the index, and not the files, that cannot be read? */
static bool index_damaged(const struct block_index *ix, const char *dir)
{
    struct walk w = { .ix = ix, .dir = dir, .scanner = { .fd = -1 } };
    bool found = false;
    uint64_t last = 0;
    if (block_file_count(dir, &w.files, NULL) != WEFT_OK)
        return false;
    bool damaged = block_checkpoint_load(ix, &w.has_known, &w.known, NULL) != WEFT_OK ||
                   block_index_checkpoint(ix, &found, &last, NULL) != WEFT_OK;
    if (!damaged && check_known(&w, NULL) == WEFT_OK && found)
        damaged = start_at_indexed(&w, last, NULL) != WEFT_OK;
    block_scanner_done(&w.scanner);
    block_view_done(&w.view);
    return damaged;
}

/* No crash leaves it ahead of the files, which are synced first.  A tool may that cut them and
 * took from the index what it knew of: what is left would make duplicates of the same transactions
 * when they come again. */
static enum weft_code look_for_more(const struct block_index *ix, const struct block_recovered *r,
                                    bool *ret, struct weft_err *e)
{
    uint64_t height = block_checkpoint_height(&r->checkpoint);
    WEFT_TRY(block_index_reaches(ix, height, ret, e));
    if (*ret)
        (void)WEFT_FAIL(e, WEFT_CORRUPT,
                        "it goes on behind the [%" PRIu64 "] blocks that the files have", height);
    return WEFT_OK;
}

enum weft_code block_recover(const struct block_index *ix, const char *dir,
                             struct block_recovered *ret, struct weft_err *e)
{
    struct weft_err why = { 0 };
    bool rebuild = false;
    enum weft_code rc = recover_once(ix, dir, ret, &why);
    if (rc == WEFT_OK)
        rc = look_for_more(ix, ret, &rebuild, &why);
    else if (rc == WEFT_CORRUPT || rc == WEFT_NOT_FOUND)
        rebuild = index_damaged(ix, dir);
    if (rebuild) {
        LOG_WARN(&logger,
                 "The block index is damaged (%s), building it again from the block files" LOG_KV
                 "channel=%s",
                 why.msg, ix->channel);
        WEFT_TRY(wipe_index(ix, e));
        return recover_once(ix, dir, ret, e);
    }
    return rc == WEFT_OK ? rc : WEFT_FAIL(e, rc, "%s", why.msg);
}
