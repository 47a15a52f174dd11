#include "ledger/block_store.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/varint.h"
#include "ledger/block_record.h"
#include "ledger/block_recovery.h"
#include "ledger/block_store_private.h"
#include "os/dirs.h"
#include "os/file.h"

#include <fcntl.h>
#include <inttypes.h>

enum {
    FLUSH_BYTES = 64 << 20, /* of blocks; what a crash makes us index again: half a second */
    SEND_BYTES = 1 << 20,   /* that wait for a sync: the system begins to write them */
};

LOG_DEFINE(logger, "blkstorage");

/* ---- watches ---------------------------------------------------------------------- */

static void watch_handle(struct mail *m, void *owner)
{
    struct block_watch *w = WEFT_CONTAINER_OF(m, struct block_watch, mail);
    /* First this, then the height: a block that comes in between sends again. */
    atomic_store(&w->on_its_way, false);
    w->handle(w, block_store_height(w->bs), owner);
}

static void watch_drop(struct mail *m)
{
    (void)m; /* the watch is its owner's */
}

void block_store_watch(struct block_store *bs, struct block_watch *w)
{
    w->mail = (struct mail){ .handle = watch_handle, .drop = watch_drop };
    w->bs = bs;
    for (size_t i = 0; i < BLOCK_WATCHES_MAX; i++) {
        struct block_watch *none = NULL;
        if (atomic_compare_exchange_strong(&bs->watches[i], &none, w))
            return;
        WEFT_ASSERT(i + 1 < BLOCK_WATCHES_MAX);
    }
}

void block_store_unwatch(struct block_store *bs, struct block_watch *w)
{
    for (size_t i = 0; i < BLOCK_WATCHES_MAX; i++) {
        struct block_watch *this = w;
        if (atomic_compare_exchange_strong(&bs->watches[i], &this, NULL))
            return;
    }
}

static void *tip_ref(void *thing)
{
    return thing != NULL ? block_ref(thing) : NULL;
}

static void tip_unref(void *thing)
{
    block_unref(thing);
}

static const struct snapshot_ops tip_counting = { .ref = tip_ref, .unref = tip_unref };

/* The last block written, for whoever waits for it. */
static void set_tip(struct block_store *bs)
{
    WEFT_CLEANUP(buf_done) struct buf body = { 0 };
    struct block *tip = NULL;
    struct weft_err e;
    uint64_t len = 0;
    bool keep = bs->has_record && bs->record_len <= BLOCK_TIP_BYTES;
    if (keep)
        buf_put(&body,
                bytes_skip(buf_bytes(&bs->record), uvarint_decode(buf_bytes(&bs->record), &len)));
    if (keep && block_of_body(&body, bs->written.last_block, &tip, &e) != WEFT_OK)
        LOG_ERROR(&logger, "%s" LOG_KV "channel=%s", e.msg, bs->channel); /* we wrote it just now */
    bs->has_record = false;
    snapshot_set(bs->tip, tip);
}

static uint64_t height_of(const struct block_checkpoint *c)
{
    return c->empty ? 0 : c->last_block + 1;
}

static void announce(struct block_store *bs)
{
    uint64_t height = height_of(&bs->durable);
    if (atomic_exchange(&bs->height, height) == height)
        return;
    for (size_t i = 0; i < BLOCK_WATCHES_MAX; i++) {
        struct block_watch *w = atomic_load(&bs->watches[i]);
        if (w == NULL || atomic_exchange(&w->on_its_way, true))
            continue;
        if (!mailbox_put(w->mb, &w->mail)) /* full or closed: the next block tries again */
            atomic_store(&w->on_its_way, false);
    }
}

uint64_t block_store_height(const struct block_store *bs)
{
    return atomic_load(&bs->height);
}

/* ---- opening and closing ------------------------------------------------------------ */

/* Opens the file that is written to from now on, making it if need be.  On
 * failure the old one stays. */
static enum weft_code open_newest(struct block_store *bs, uint64_t number, struct weft_err *e)
{
    WEFT_FREE char *path = block_file_path(bs->dir, number);
    int fd = -1;
    WEFT_TRY(file_open(path, O_WRONLY | O_CREAT | O_APPEND, 0660, &fd, e));
    file_close(bs->fd);
    bs->fd = fd;
    free(bs->path);
    bs->path = WEFT_TAKE(path);
    return WEFT_OK;
}

/* Everything indexed goes into tables, then the index checkpoint may say so. */
static enum weft_code flush_index(struct block_store *bs, struct weft_err *e)
{
    bs->bytes_since_flush = 0;
    if (bs->durable.empty)
        return WEFT_OK;
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    kv_flush(bs->ix.kv);
    block_index_put_checkpoint(&bs->ix, b, bs->durable.last_block);
    return kv_write(bs->ix.kv, b, true, e);
}

static void block_store_release(struct block_store *bs)
{
    if (bs == NULL)
        return;
    file_close(bs->fd);
    buf_done(&bs->record);
    free(bs->pieces.at);
    kv_batch_free(bs->batch);
    kv_batch_free(bs->flush.batch);
    snapshot_free(bs->tip);
    free(bs->path);
    free(bs->dir);
    free(bs->channel);
    free(bs);
}
WEFT_DEFINE_CLEANUP(struct block_store *, block_store_release)

enum weft_code block_store_open(struct block_stores *s, const char *channel,
                                struct block_store **ret, struct weft_err *e)
{
    size_t len = strlen(channel);
    if (len == 0 || len > LIMIT_CHANNEL_ID || strchr(channel, '/') != NULL || channel[0] == '.')
        return WEFT_FAIL(e, WEFT_INVALID, "[%.300s] is no channel's name", channel);
    WEFT_CLEANUP(block_store_release) struct block_store *bs = weft_alloc(sizeof(*bs));
    bs->fd = -1;
    bs->channel = weft_strdup(channel);
    bs->dir = weft_asprintf("%s/%s", s->chains, channel);
    bs->ix = (struct block_index){ s->index, bs->channel, s->kind };
    bs->file_bytes_max = s->file_bytes_max;
    bs->batch = kv_batch_new();
    bs->flush.batch = kv_batch_new();
    bs->tip = snapshot_new(NULL, &tip_counting);
    WEFT_TRY(dir_make_lasting(s->root, bs->dir, e));

    struct block_recovered r = { 0 };
    enum weft_code rc = block_recover(&bs->ix, bs->dir, &r, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "channel [%s]", channel);
    bs->written = bs->durable = r.checkpoint;
    bs->sent = bs->written.size;
    bs->written_hash = r.last_hash;
    WEFT_TRY(open_newest(bs, bs->written.file, e));
    WEFT_TRY(dir_sync(bs->dir, e));
    if (!r.all_indexed)
        WEFT_TRY(flush_index(bs, e));
    announce(bs);
    *ret = WEFT_TAKE(bs);
    return WEFT_OK;
}

void block_store_close(struct block_store *bs)
{
    if (bs == NULL)
        return;
    struct weft_err e = { 0 };
    if (!bs->broken && bs->bytes_since_flush > 0 && flush_index(bs, &e) != WEFT_OK)
        LOG_ERROR(&logger, "Closing the block index: %s" LOG_KV "channel=%s", e.msg, bs->channel);
    block_store_release(bs);
}

/* ---- appending ------------------------------------------------------------------------ */

static uint64_t next_number(const struct block_store *bs)
{
    return height_of(&bs->written);
}

enum weft_code block_store_check_next(const struct block_store *bs, const struct block_view *v,
                                      struct weft_err *e)
{
    if (bs->broken)
        return WEFT_FAIL(e, WEFT_IO,
                         "channel [%s]: a write to disk failed earlier, nothing more is "
                         "stored until the node is started again",
                         bs->channel);
    if (!v->has_header)
        return WEFT_FAIL(e, WEFT_INVALID, "block has no header");
    if (v->number != next_number(bs))
        return WEFT_FAIL(e, WEFT_INVALID,
                         "block number should have been %" PRIu64 " but was %" PRIu64,
                         next_number(bs), v->number);
    struct bytes want = bs->written.empty ? bytes_of(NULL, 0) : digest_bytes(&bs->written_hash);
    if (!bytes_eq(v->previous_hash, want)) {
        WEFT_FREE char *expected = bytes_to_hex(want);
        WEFT_FREE char *got = bytes_to_hex(v->previous_hash);
        return WEFT_FAIL(
            e, WEFT_INVALID,
            "unexpected Previous block hash. Expected PreviousHash = [%s], PreviousHash "
            "referred in the latest block= [%.100s]",
            expected, got);
    }
    return WEFT_OK;
}

/* The file ends again where it ended before.  If even that fails, nobody
 * knows what is there. */
static void cut_back(struct block_store *bs, uint64_t size)
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

/* From here on nothing is certain until the store is opened again. */
static enum weft_code give_up(struct block_store *bs, enum weft_code rc, const char *what,
                              struct weft_err *e)
{
    bs->broken = true;
    return weft_err_wrap(e, rc, "%s", what);
}

/* Syncs a checkpoint that names the next file, empty, into a table. */
static enum weft_code save_next_file(struct block_store *bs, const struct block_checkpoint *next,
                                     struct weft_err *e)
{
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    block_checkpoint_put(&bs->ix, b, next);
    WEFT_TRY(dir_sync(bs->dir, e));
    WEFT_TRY(kv_write(bs->ix.kv, b, true, e));
    return flush_index(bs, e);
}

static enum weft_code move_to_next_file(struct block_store *bs, struct weft_err *e)
{
    WEFT_ASSERT(!bs->flush.is_out); /* block_store_has_room */
    WEFT_TRY(block_store_flush(bs, e));
    struct block_checkpoint next = bs->written;
    next.file++;
    next.size = 0;
    WEFT_TRY(open_newest(bs, next.file, e));
    enum weft_code rc = save_next_file(bs, &next, e);
    if (rc != WEFT_OK)
        return give_up(bs, rc, "Could not save next block file info to db", e);
    bs->written = bs->durable = next;
    return WEFT_OK;
}

/* Blocks that share a sync are on their way to the disk before it.  While another one runs it has
 * the file's pages, and asking for more would wait for it. */
static void send(struct block_store *bs)
{
    if (bs->flush.is_out)
        return;
    if (bs->sent > bs->written.size) /* another file */
        bs->sent = 0;
    uint64_t len = bs->written.size - bs->sent;
    if (len < SEND_BYTES)
        return;
    file_write_out(bs->fd, bs->sent, len);
    bs->sent = bs->written.size;
}

/* A small one as a whole: it may be the tip. */
static void prepare_record(struct block_store *bs, const struct block_view *v, size_t *ret_txs_at)
{
    bs->has_record = false;
    bs->record_len = block_record_len(v);
    buf_clear(&bs->record);
    bs->pieces.count = 0;
    if (bs->record_len <= BLOCK_TIP_BYTES) {
        block_record_encode(v, &bs->record, ret_txs_at);
        bytes_list_add(&bs->pieces, buf_bytes(&bs->record));
    } else {
        block_record_pieces(v, &bs->record, &bs->pieces, ret_txs_at);
    }
}

enum weft_code block_store_append(struct block_store *bs, const struct block_view *v,
                                  enum block_append how, struct weft_err *e)
{
    WEFT_TRY(block_store_check_next(bs, v, e));
    if (bs->ix.kind == BLOCK_INDEX_PEER && block_slot(v, BLOCK_SLOT_FLAGS).len != v->txs.count)
        return WEFT_FAIL(e, WEFT_INVALID, "block [%" PRIu64 "] has %zu transactions but %zu flags",
                         v->number, v->txs.count, block_slot(v, BLOCK_SLOT_FLAGS).len);
    size_t txs_at = 0;
    prepare_record(bs, v, &txs_at);
    if (bs->record_len > LIMIT_BLOCK_BYTES)
        return WEFT_FAIL(e, WEFT_LIMIT, "block [%" PRIu64 "] has %zu bytes, more than %d",
                         v->number, bs->record_len, (int)LIMIT_BLOCK_BYTES);
    if (bs->written.size + bs->record_len > bs->file_bytes_max)
        WEFT_TRY(move_to_next_file(bs, e));

    enum weft_code rc = file_write_pieces(bs->fd, bs->path, bs->pieces.at, bs->pieces.count, e);
    if (rc != WEFT_OK) {
        cut_back(bs, bs->written.size);
        return weft_err_wrap(e, rc, "error appending block to file");
    }
    struct block_place place = { .file = bs->written.file,
                                 .offset = bs->written.size,
                                 .end = bs->written.size + bs->record_len };
    struct digest hash = block_header_hash(v);
    WEFT_TRY(block_index_add(&bs->ix, bs->batch, v, &place, txs_at, &hash, e));
    bs->written = (struct block_checkpoint){ place.file, place.end, v->number, false };
    bs->written_hash = hash;
    bs->has_record = true;
    bs->bytes_since_flush += bs->record_len;
    if (how == BLOCK_APPEND_SYNC)
        return block_store_sync(bs, e);
    send(bs);
    return WEFT_OK;
}

/* The blocks are stored and announced whatever becomes of this: the next append
 * is the one that fails. */
static void flush_now_and_then(struct block_store *bs)
{
    struct weft_err e = { 0 };
    if (flush_index(bs, &e) == WEFT_OK)
        return;
    LOG_ERROR(&logger, "Block index: %s" LOG_KV "channel=%s", e.msg, bs->channel);
    bs->broken = true;
}

/* Of blocks that share a sync a crash before it may leave the second without the first. That is
 * not to be taken for damage to what was announced, nor the other way round: so behind a group
 * the checkpoint lasts at once.  A block that had a sync of its own tells by itself how far it
 * got, and costs no second one. */
static bool is_group(const struct block_store *bs)
{
    return height_of(&bs->written) - height_of(&bs->durable) > 1;
}

enum weft_code block_store_flush_begin(struct block_store *bs, bool *ret_any, struct weft_err *e)
{
    struct block_flush *f = &bs->flush;
    WEFT_ASSERT(!f->is_out);
    if (bs->broken)
        return WEFT_FAIL(e, WEFT_IO, "channel [%s]: a write to disk failed earlier", bs->channel);
    *ret_any = bs->written.size != bs->durable.size || bs->written.file != bs->durable.file;
    if (!*ret_any)
        return WEFT_OK;
    struct kv_batch *empty = f->batch;
    f->batch = bs->batch;
    bs->batch = empty;
    f->until = bs->written;
    f->is_group = is_group(bs);
    f->is_file_synced = false;
    f->is_out = true;
    block_checkpoint_put(&bs->ix, f->batch, &f->until);
    return WEFT_OK;
}

enum weft_code block_store_flush_file(struct block_store *bs, struct weft_err *e)
{
    enum weft_code rc = file_sync(bs->fd, bs->path, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error appending block to file");
    bs->flush.is_file_synced = true;
    return WEFT_OK;
}

enum weft_code block_store_flush_index(struct block_store *bs, struct weft_err *e)
{
    enum weft_code rc = kv_write(bs->ix.kv, bs->flush.batch, bs->flush.is_group, e);
    return rc == WEFT_OK ? rc
                         : weft_err_wrap(e, rc, "the block is stored but could not be indexed");
}

void block_store_flush_end(struct block_store *bs, bool is_done)
{
    struct block_flush *f = &bs->flush;
    WEFT_ASSERT(f->is_out);
    f->is_out = false;
    kv_batch_clear(f->batch);
    if (is_done) {
        bs->durable = f->until;
        bs->sent = bs->sent > f->until.size ? bs->sent : f->until.size;
        return;
    }
    if (!f->is_file_synced)
        cut_back(bs, bs->durable.size);
    bs->broken = true;
}

enum weft_code block_store_flush(struct block_store *bs, struct weft_err *e)
{
    bool any = false;
    WEFT_TRY(block_store_flush_begin(bs, &any, e));
    if (!any)
        return WEFT_OK;
    enum weft_code rc = block_store_flush_file(bs, e);
    if (rc == WEFT_OK)
        rc = block_store_flush_index(bs, e);
    block_store_flush_end(bs, rc == WEFT_OK);
    return rc;
}

void block_store_announce(struct block_store *bs)
{
    if (bs->has_record && bs->written.last_block == bs->durable.last_block)
        set_tip(bs);
    else if (bs->has_record) /* that one's turn is later */
        snapshot_set(bs->tip, NULL);
    announce(bs);
    if (bs->bytes_since_flush >= FLUSH_BYTES)
        flush_now_and_then(bs);
}

enum weft_code block_store_sync(struct block_store *bs, struct weft_err *e)
{
    WEFT_TRY(block_store_flush(bs, e));
    block_store_announce(bs);
    return WEFT_OK;
}

bool block_store_has_room(const struct block_store *bs, uint64_t record_bytes)
{
    return bs->written.size + record_bytes <= bs->file_bytes_max;
}
