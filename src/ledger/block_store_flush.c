#include "base/log.h"
#include "ledger/block_store_private.h"
#include "os/dirs.h"
#include "os/file.h"

#include <fcntl.h>

enum {
    PEER_FILES = 4, /* of blocks, until a peer's index goes into tables */
};

LOG_DEFINE(logger, "blkstorage");

/* ---- files -------------------------------------------------------------------------- */

static enum weft_code open_file(const struct block_store *bs, uint64_t number, int *ret_fd,
                                char **ret_path, struct weft_err *e)
{
    WEFT_FREE char *path = block_file_path(bs->dir, number);
    WEFT_TRY(file_open(path, O_WRONLY | O_CREAT | O_APPEND, 0660, ret_fd, e));
    *ret_path = WEFT_TAKE(path);
    return WEFT_OK;
}

enum weft_code block_store_open_newest(struct block_store *bs, struct weft_err *e)
{
    return open_file(bs, bs->written.file, &bs->fd, &bs->path, e);
}

void block_store_cut_back(struct block_store *bs, uint64_t size)
{
    struct weft_err e = { 0 };
    if (file_truncate(bs->fd, bs->path, size, &e) != WEFT_OK) {
        LOG_ERROR(&logger,
                  "Could not truncate current file to known size after an error during block "
                  "append: %s" LOG_KV "channel=%s",
                  e.msg, bs->channel);
        bs->broken = true;
    }
}

bool block_store_has_room(const struct block_store *bs, uint64_t record_bytes)
{
    if (bs->flush.is_out && bs->flush.begins_file)
        return false;
    return bs->is_file_begun || bs->written.size + record_bytes <= bs->file_bytes_max;
}

/* Stays open until the flush that begins it, or the next try, or the end. */
static enum weft_code open_next(struct block_store *bs, struct weft_err *e)
{
    struct block_flush *f = &bs->flush;
    if (f->next_fd >= 0)
        return WEFT_OK;
    return open_file(bs, bs->written.file + 1, &f->next_fd, &f->next_path, e);
}

static void take_next_file(struct block_store *bs)
{
    struct block_flush *f = &bs->flush;
    file_close(bs->fd);
    bs->fd = f->next_fd;
    f->next_fd = -1;
    free(bs->path);
    bs->path = WEFT_TAKE(f->next_path);
    bs->written = f->until;
    bs->is_file_begun = true;
    bs->sent = 0;
}

/* ---- the index, in tables ------------------------------------------------------------- */

static enum weft_code save_index(const struct block_index *ix, uint64_t last_block,
                                 struct weft_err *e)
{
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    kv_flush(ix->kv);
    block_index_put_checkpoint(ix, b, last_block);
    return kv_write(ix->kv, b, true, e);
}

enum weft_code block_store_save_index(struct block_store *bs, struct weft_err *e)
{
    bs->unsaved_bytes = 0;
    return bs->durable.empty ? WEFT_OK : save_index(&bs->ix, bs->durable.last_block, e);
}

bool block_store_index_is_due(const struct block_store *bs)
{
    uint64_t files = bs->ix.kind == BLOCK_INDEX_PEER ? PEER_FILES : 1;
    return bs->unsaved_bytes >= files * bs->file_bytes_max;
}

/* ---- a flush in parts ----------------------------------------------------------------- */

/* Of blocks that share a sync a crash before it may leave the second without the first. That is
 * not to be taken for damage to what was announced, nor the other way round: so behind a group
 * the checkpoint lasts at once.  A block that had a sync of its own tells by itself how far it
 * got, and costs no second one. */
static bool is_group(const struct block_store *bs)
{
    return block_checkpoint_height(&bs->written) - block_checkpoint_height(&bs->durable) > 1;
}

enum weft_code block_store_flush_begin(struct block_store *bs, uint64_t next_bytes, bool *ret_any,
                                       struct weft_err *e)
{
    struct block_flush *f = &bs->flush;
    WEFT_ASSERT(!f->is_out);
    if (bs->broken)
        return WEFT_FAIL(e, WEFT_IO, "channel [%s]: a write to disk failed earlier", bs->channel);
    f->has_blocks = bs->written.size != bs->durable.size || bs->written.file != bs->durable.file;
    f->begins_file = next_bytes > 0 && !block_store_has_room(bs, next_bytes);
    *ret_any = f->has_blocks || f->begins_file;
    if (!*ret_any)
        return WEFT_OK;
    struct kv_batch *empty = f->batch;
    f->batch = bs->batch;
    bs->batch = empty;
    f->until = bs->written;
    f->is_index_synced = is_group(bs) || f->begins_file;
    if (f->begins_file) {
        f->until.file++;
        f->until.size = 0;
    }
    f->bytes = bs->unsaved_bytes;
    f->saves_index = !f->until.empty && (block_store_index_is_due(bs) ||
                                         (f->begins_file && bs->ix.kind == BLOCK_INDEX_ORDERER));
    f->is_file_synced = f->is_index_saved = false;
    f->is_out = true;
    block_checkpoint_put(&bs->ix, f->batch, &f->until);
    return WEFT_OK;
}

static enum weft_code begin_file(struct block_store *bs, struct weft_err *e)
{
    enum weft_code rc = open_next(bs, e);
    if (rc == WEFT_OK)
        rc = dir_sync(bs->dir, e);
    return rc == WEFT_OK ? rc : weft_err_wrap(e, rc, "Could not save next block file info to db");
}

enum weft_code block_store_flush_file(struct block_store *bs, struct weft_err *e)
{
    struct block_flush *f = &bs->flush;
    enum weft_code rc = f->has_blocks ? file_sync(bs->fd, bs->path, e) : WEFT_OK;
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error appending block to file");
    f->is_file_synced = true;
    if (f->begins_file)
        return begin_file(bs, e);
    /* What was appended meanwhile is written while the index is. */
    file_write_out(bs->fd, f->until.size, FILE_TO_END);
    return WEFT_OK;
}

enum weft_code block_store_flush_index(struct block_store *bs, struct weft_err *e)
{
    struct block_flush *f = &bs->flush;
    enum weft_code rc = kv_write(bs->ix.kv, f->batch, f->is_index_synced, e);
    return rc == WEFT_OK ? rc
                         : weft_err_wrap(e, rc, "the block is stored but could not be indexed");
}

enum weft_code block_store_flush_tables(struct block_store *bs, struct weft_err *e)
{
    struct block_flush *f = &bs->flush;
    if (!f->saves_index)
        return WEFT_OK;
    WEFT_TRY(save_index(&bs->ix, f->until.last_block, e));
    f->is_index_saved = true;
    return WEFT_OK;
}

void block_store_flush_end(struct block_store *bs, bool is_done)
{
    struct block_flush *f = &bs->flush;
    WEFT_ASSERT(f->is_out);
    f->is_out = false;
    kv_batch_clear(f->batch);
    if (!is_done) {
        if (!f->is_file_synced)
            block_store_cut_back(bs, bs->durable.size);
        bs->broken = true;
        return;
    }
    bs->durable = f->until;
    if (f->begins_file)
        take_next_file(bs);
    else
        bs->sent = bs->sent > f->until.size ? bs->sent : f->until.size;
    if (f->is_index_saved)
        bs->unsaved_bytes -= f->bytes;
}

/* ---- all of it at once ------------------------------------------------------------------ */

/* Tables only where the new file waits for them: else they can be made once the blocks are
 * announced. */
static enum weft_code flush(struct block_store *bs, uint64_t next_bytes, struct weft_err *e)
{
    bool any = false;
    WEFT_TRY(block_store_flush_begin(bs, next_bytes, &any, e));
    if (!any)
        return WEFT_OK;
    enum weft_code rc = block_store_flush_file(bs, e);
    if (rc == WEFT_OK)
        rc = block_store_flush_index(bs, e);
    if (rc == WEFT_OK && bs->flush.begins_file)
        rc = block_store_flush_tables(bs, e);
    block_store_flush_end(bs, rc == WEFT_OK);
    return rc;
}

enum weft_code block_store_flush(struct block_store *bs, struct weft_err *e)
{
    return flush(bs, 0, e);
}

enum weft_code block_store_begin_file(struct block_store *bs, uint64_t next_bytes,
                                      struct weft_err *e)
{
    WEFT_ASSERT(!bs->flush.is_out); /* block_store_has_room */
    WEFT_TRY(block_store_flush(bs, e));
    WEFT_TRY(open_next(bs, e)); /* as long as nothing else is done, it can be tried again */
    return flush(bs, next_bytes, e);
}
