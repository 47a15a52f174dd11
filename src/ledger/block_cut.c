#include "ledger/block_cut.h"

#include "base/log.h"
#include "ledger/block_checkpoint.h"
#include "ledger/block_record.h"
#include "os/dirs.h"
#include "os/file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

enum {
    BATCH_BYTES = 1 << 20
};

LOG_DEFINE(logger, "blkstorage");

/* Records of a channel's files, one after the other. */
struct records {
    struct block_scanner scanner;
    struct block_view view; /* of the last one */
    struct bytes body;
    struct block_place place;
    size_t txs_at;
};

static void records_init(struct records *r, const char *dir, uint64_t file, uint64_t last_file)
{
    *r = (struct records){ 0 };
    block_scanner_init(&r->scanner, dir, file, 0, last_file);
}

static void records_done(struct records *r)
{
    block_scanner_done(&r->scanner);
    block_view_done(&r->view);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct records, records_done)

/* The next whole record; found = false at the end, or where the file is torn. */
static enum weft_code records_next(struct records *r, bool *ret_found, struct weft_err *e)
{
    enum block_scan what = BLOCK_SCAN_END;
    WEFT_TRY(block_scanner_next(&r->scanner, &what, &r->body, &r->place, e));
    *ret_found = what == BLOCK_SCAN_RECORD;
    return *ret_found ? block_record_parse(r->body, &r->view, &r->txs_at, e) : WEFT_OK;
}

/* ---- looking ----------------------------------------------------------------------------- */

/* The last file may have no record yet. */
enum weft_code block_files_height(const char *dir, uint64_t *ret, struct weft_err *e)
{
    uint64_t files = 0, height = 0;
    WEFT_TRY(block_file_count(dir, &files, e));
    for (uint64_t f = files; f-- > 0 && height == 0;) {
        WEFT_CLEANUP(records_done) struct records r;
        bool found = true;
        records_init(&r, dir, f, f);
        for (;;) {
            WEFT_TRY(records_next(&r, &found, e));
            if (!found)
                break;
            height = r.view.number + 1;
        }
    }
    *ret = height;
    return WEFT_OK;
}

enum weft_code block_files_genesis(const char *dir, struct buf *ret, struct weft_err *e)
{
    WEFT_CLEANUP(records_done) struct records r;
    bool found = false;
    records_init(&r, dir, 0, 0);
    WEFT_TRY(records_next(&r, &found, e));
    if (!found || r.view.number != 0 || r.view.data_hash.len == 0)
        return WEFT_FAIL(e, WEFT_CORRUPT,
                         "The supplied bytes are not of genesis block. blockNum=%" PRIu64,
                         found ? r.view.number : 0);
    buf_put(ret, r.body);
    return WEFT_OK;
}

/* In which file is the block, and where does it end there? */
static enum weft_code find_end(const char *dir, uint64_t files, uint64_t number, uint64_t *ret_file,
                               uint64_t *ret_end, struct weft_err *e)
{
    for (uint64_t f = files; f-- > 0;) {
        WEFT_CLEANUP(records_done) struct records r;
        bool found = false;
        records_init(&r, dir, f, f);
        WEFT_TRY(records_next(&r, &found, e));
        if (!found || r.view.number > number)
            continue;
        while (found && r.view.number < number)
            WEFT_TRY(records_next(&r, &found, e));
        if (!found)
            break;
        *ret_file = f;
        *ret_end = r.place.end;
        return WEFT_OK;
    }
    return WEFT_FAIL(e, WEFT_NOT_FOUND, "the block files in %s have no block [%" PRIu64 "]", dir,
                     number);
}

/* ---- cutting -------------------------------------------------------------------------------- */

static enum weft_code remove_file(const char *dir, uint64_t file, struct weft_err *e)
{
    WEFT_FREE char *path = block_file_path(dir, file);
    LOG_INFO(&logger, "Deleting file number = [%" PRIu64 "]", file);
    if (unlink(path) != 0)
        return WEFT_FAIL(e, WEFT_IO, "error removing the block file [%s]", path);
    return dir_sync(dir, e);
}

enum weft_code block_files_cut(const char *dir, uint64_t last, struct weft_err *e)
{
    uint64_t files = 0, file = 0, end = 0;
    WEFT_TRY(block_file_count(dir, &files, e));
    WEFT_TRY(find_end(dir, files, last, &file, &end, e));
    while (files - 1 > file)
        WEFT_TRY(remove_file(dir, --files, e));
    WEFT_FREE char *path = block_file_path(dir, file);
    WEFT_CLEANUP(file_close) int fd = -1;
    LOG_INFO(&logger, "Truncating file [%s] to offset [%" PRIu64 "]", path, end);
    WEFT_TRY(file_open(path, O_RDWR, 0, &fd, e));
    WEFT_TRY(file_truncate(fd, path, end, e));
    return file_sync(fd, path, e);
}

/* ---- the index ------------------------------------------------------------------------------- */

static enum weft_code delete_entry(void *ctx, struct bytes key, struct bytes value,
                                   struct weft_err *e)
{
    (void)value, (void)e;
    kv_batch_delete(ctx, key);
    return WEFT_OK;
}

static enum weft_code delete_block(const struct block_index *ix, const struct records *r,
                                   struct kv_batch *batch, struct weft_err *e)
{
    struct digest hash = block_header_hash(&r->view);
    struct block_index_sink sink = { delete_entry, batch };
    size_t txs_at = r->txs_at + (size_t)(r->place.body_offset - r->place.offset);
    return block_index_entries(ix, &r->view, &r->place, txs_at, &hash, &sink, e);
}

/* An index that says less than the files is brought up to them: so first it says that it knows
 * no further than the cut. */
static enum weft_code lower_checkpoint(const struct block_index *ix, uint64_t last,
                                       struct weft_err *e)
{
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *batch = kv_batch_new();
    bool found = false;
    uint64_t indexed = 0;
    WEFT_TRY(block_index_checkpoint(ix, &found, &indexed, e));
    if (!found || indexed <= last)
        return WEFT_OK;
    block_index_put_checkpoint(ix, batch, last);
    return kv_write(ix->kv, batch, true, e);
}

enum weft_code block_index_cut(const struct block_index *ix, const char *dir, uint64_t last,
                               struct weft_err *e)
{
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *batch = kv_batch_new();
    WEFT_CLEANUP(records_done) struct records r;
    uint64_t files = 0, file = 0, end = 0;
    bool found = true;
    WEFT_TRY(lower_checkpoint(ix, last, e));
    WEFT_TRY(block_file_count(dir, &files, e));
    WEFT_TRY(find_end(dir, files, last, &file, &end, e));
    records_init(&r, dir, file, files - 1);
    while (found) {
        WEFT_TRY(records_next(&r, &found, e));
        if (found && r.view.number > last)
            WEFT_TRY(delete_block(ix, &r, batch, e));
        if (kv_batch_bytes(batch) > BATCH_BYTES) {
            WEFT_TRY(kv_write(ix->kv, batch, true, e));
            kv_batch_clear(batch);
        }
    }
    LOG_INFO(&logger, "Deleting blockfilesInfo");
    block_checkpoint_drop(ix, batch);
    return kv_write(ix->kv, batch, true, e);
}
