#include "ledger/block_store.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/varint.h"
#include "ledger/block_record.h"
#include "ledger/block_recovery.h"
#include "ledger/block_store_private.h"
#include "os/dirs.h"
#include "os/file.h"

#include <inttypes.h>

enum {
    SEND_BYTES = 1 << 20, /* that wait for a sync: the system begins to write them */
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

static void announce(struct block_store *bs)
{
    uint64_t height = block_checkpoint_height(&bs->durable);
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

static void block_store_release(struct block_store *bs)
{
    if (bs == NULL)
        return;
    file_close(bs->fd);
    file_close(bs->flush.next_fd);
    free(bs->flush.next_path);
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
    bs->fd = bs->flush.next_fd = -1;
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
    WEFT_TRY(block_store_open_newest(bs, e));
    WEFT_TRY(dir_sync(bs->dir, e));
    if (!r.all_indexed)
        WEFT_TRY(block_store_save_index(bs, e));
    announce(bs);
    *ret = WEFT_TAKE(bs);
    return WEFT_OK;
}

void block_store_close(struct block_store *bs)
{
    if (bs == NULL)
        return;
    struct weft_err e = { 0 };
    if (!bs->broken && bs->unsaved_bytes > 0 && block_store_save_index(bs, &e) != WEFT_OK)
        LOG_ERROR(&logger, "Closing the block index: %s" LOG_KV "channel=%s", e.msg, bs->channel);
    block_store_release(bs);
}

/* ---- appending ------------------------------------------------------------------------ */

static uint64_t next_number(const struct block_store *bs)
{
    return block_checkpoint_height(&bs->written);
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

/* Blocks that share a sync are on their way to the disk before it.  While the file is being synced
 * that has its pages, and asking for more would wait for it. */
static void send(struct block_store *bs)
{
    if (bs->flush.is_out && !bs->flush.is_file_synced)
        return;
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
    if (!block_store_has_room(bs, bs->record_len))
        WEFT_TRY(block_store_begin_file(bs, bs->record_len, e));

    enum weft_code rc = file_write_pieces(bs->fd, bs->path, bs->pieces.at, bs->pieces.count, e);
    if (rc != WEFT_OK) {
        block_store_cut_back(bs, bs->written.size);
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
    bs->is_file_begun = false;
    bs->unsaved_bytes += bs->record_len;
    if (how == BLOCK_APPEND_SYNC)
        return block_store_sync(bs, e);
    send(bs);
    return WEFT_OK;
}

/* The blocks are stored and announced whatever becomes of this: the next append
 * is the one that fails. */
static void save_index_now(struct block_store *bs)
{
    struct weft_err e = { 0 };
    if (block_store_save_index(bs, &e) == WEFT_OK)
        return;
    LOG_ERROR(&logger, "Block index: %s" LOG_KV "channel=%s", e.msg, bs->channel);
    bs->broken = true;
}

void block_store_announce(struct block_store *bs)
{
    if (bs->has_record && bs->written.last_block == bs->durable.last_block)
        set_tip(bs);
    else if (bs->has_record) /* that one's turn is later */
        snapshot_set(bs->tip, NULL);
    announce(bs);
}

enum weft_code block_store_sync(struct block_store *bs, struct weft_err *e)
{
    WEFT_TRY(block_store_flush(bs, e));
    block_store_announce(bs);
    if (block_store_index_is_due(bs))
        save_index_now(bs);
    return WEFT_OK;
}
