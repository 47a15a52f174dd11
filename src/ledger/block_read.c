#include "ledger/block_record.h"
#include "ledger/block_store_private.h"

#include "base/limits.h"
#include "base/varint.h"
#include "os/file.h"

#include <fcntl.h>
#include <inttypes.h>

enum {
    FIRST_READ = 64 << 10
};

/* ---- one record ---------------------------------------------------------------------- */

/* Reads the record's body at a place: most in one read, large ones in two. */
static enum weft_code read_body(const struct block_store *bs, const struct block_loc *loc,
                                struct buf *ret, struct weft_err *e)
{
    WEFT_CLEANUP(file_close) int fd = -1;
    WEFT_FREE char *path = block_file_path(bs->dir, loc->file);
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    uint64_t len = 0;
    WEFT_TRY(file_open(path, O_RDONLY, 0, &fd, e));
    WEFT_TRY(
        file_pread_some(fd, path, loc->offset, buf_reserve(&b, FIRST_READ), FIRST_READ, &b.len, e));
    size_t len_len = uvarint_decode(buf_bytes(&b), &len);
    if (len_len == 0 || len > LIMIT_BLOCK_BYTES)
        return WEFT_FAIL(e, WEFT_CORRUPT, "%s has no block at offset %" PRIu64, path, loc->offset);
    size_t have = b.len - len_len;
    if (have >= len) {
        buf_put(ret, bytes_of(b.data + len_len, (size_t)len));
        return WEFT_OK;
    }
    (void)buf_reserve(ret, (size_t)len);
    buf_put(ret, bytes_of(b.data + len_len, have));
    WEFT_TRY(file_pread(fd, path, loc->offset + b.len, ret->data + have, (size_t)len - have, e));
    ret->len = (size_t)len;
    return WEFT_OK;
}

/* Reads the view of what is in b->raw. */
static enum weft_code parse_body(uint64_t want, struct block *b, struct weft_err *e)
{
    size_t txs_at = 0;
    WEFT_TRY(block_record_parse(b->raw, &b->v, &txs_at, e));
    if (want != UINT64_MAX && b->v.number != want)
        return WEFT_FAIL(e, WEFT_CORRUPT, "found block [%" PRIu64 "] where [%" PRIu64 "] should be",
                         b->v.number, want);
    return WEFT_OK;
}

enum weft_code block_of_body(struct buf *body, uint64_t want, struct block **ret,
                             struct weft_err *e)
{
    WEFT_CLEANUP(block_unref) struct block *b = block_adopt(body);
    WEFT_TRY(parse_body(want, b, e));
    *ret = WEFT_TAKE(b);
    return WEFT_OK;
}

static enum weft_code read_at(const struct block_store *bs, const struct block_loc *loc,
                              uint64_t want, struct block **ret, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf body = { 0 };
    enum weft_code rc = read_body(bs, loc, &body, e);
    if (rc == WEFT_OK)
        rc = block_of_body(&body, want, ret, e);
    return rc == WEFT_OK ? rc : weft_err_wrap(e, rc, "channel [%s]", bs->channel);
}

/* ---- by number, hash, transaction ------------------------------------------------------- */

enum weft_code block_store_read(struct block_store *bs, uint64_t number, struct block **ret,
                                struct weft_err *e)
{
    uint64_t height = block_store_height(bs);
    if (number == UINT64_MAX && height > 0)
        number = height - 1;
    if (number >= height)
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "Entry not found in index");
    struct block_loc loc;
    WEFT_TRY(block_index_by_number(&bs->ix, number, &loc, e));
    return read_at(bs, &loc, number, ret, e);
}

enum weft_code block_store_read_by_hash(struct block_store *bs, struct bytes hash,
                                        struct block **ret, struct weft_err *e)
{
    struct block_loc loc;
    WEFT_TRY(block_index_by_hash(&bs->ix, hash, &loc, e));
    return read_at(bs, &loc, UINT64_MAX, ret, e);
}

enum weft_code block_store_read_by_tx_id(struct block_store *bs, struct bytes tx_id,
                                         struct block **ret, struct weft_err *e)
{
    struct tx_loc loc;
    WEFT_TRY(block_index_by_tx_id(&bs->ix, tx_id, &loc, e));
    return read_at(bs, &loc.block, UINT64_MAX, ret, e);
}

static enum weft_code read_tx_at(const struct block_store *bs, const struct block_loc *loc,
                                 struct buf *ret, struct weft_err *e)
{
    if (loc->len > LIMIT_BLOCK_BYTES)
        return WEFT_FAIL(e, WEFT_CORRUPT, "the index says a transaction has %" PRIu64 " bytes",
                         loc->len);
    WEFT_CLEANUP(file_close) int fd = -1;
    WEFT_FREE char *path = block_file_path(bs->dir, loc->file);
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    uint64_t len = 0;
    WEFT_TRY(file_open(path, O_RDONLY, 0, &fd, e));
    WEFT_TRY(
        file_pread(fd, path, loc->offset, buf_reserve(&b, (size_t)loc->len), (size_t)loc->len, e));
    b.len = (size_t)loc->len;
    size_t len_len = uvarint_decode(buf_bytes(&b), &len);
    if (len_len == 0 || len != b.len - len_len)
        return WEFT_FAIL(e, WEFT_CORRUPT, "%s has no transaction of %" PRIu64 " bytes at %" PRIu64,
                         path, loc->len, loc->offset);
    buf_clear(ret);
    buf_put(ret, bytes_skip(buf_bytes(&b), len_len));
    return WEFT_OK;
}

enum weft_code block_store_read_tx(struct block_store *bs, uint64_t block, uint64_t tx,
                                   struct buf *ret, struct weft_err *e)
{
    struct block_loc loc;
    WEFT_TRY(block_index_by_tx(&bs->ix, block, tx, &loc, e));
    return read_tx_at(bs, &loc, ret, e);
}

enum weft_code block_store_read_tx_by_id(struct block_store *bs, struct bytes tx_id,
                                         struct buf *ret, struct weft_err *e)
{
    struct tx_loc loc;
    WEFT_TRY(block_index_by_tx_id(&bs->ix, tx_id, &loc, e));
    return read_tx_at(bs, &loc.tx, ret, e);
}

enum weft_code block_store_has_tx_id(struct block_store *bs, struct bytes tx_id, bool *ret,
                                     struct weft_err *e)
{
    struct tx_loc loc;
    struct weft_err why;
    enum weft_code rc = block_index_by_tx_id(&bs->ix, tx_id, &loc, &why);
    if (rc != WEFT_OK && rc != WEFT_NOT_FOUND)
        return WEFT_FAIL(e, rc, "%s", why.msg);
    *ret = rc == WEFT_OK;
    return WEFT_OK;
}

enum weft_code block_store_tx_ids(struct block_store *bs, struct buf *at, size_t most,
                                  void (*take)(void *ctx, struct bytes tx_id), void *ctx,
                                  bool *ret_end, struct weft_err *e)
{
    return block_index_tx_ids(&bs->ix, at, most, take, ctx, ret_end, e);
}

enum weft_code block_store_validation_code(struct block_store *bs, struct bytes tx_id, int32_t *ret,
                                           struct weft_err *e)
{
    struct tx_loc loc;
    WEFT_TRY(block_index_by_tx_id(&bs->ix, tx_id, &loc, e));
    *ret = loc.validation_code;
    return WEFT_OK;
}

struct block *block_store_tip(struct block_store *bs)
{
    return snapshot_get(bs->tip);
}

void block_store_info(struct block_store *bs, struct block_store_info *ret)
{
    *ret = (struct block_store_info){ .height = block_store_height(bs) };
    WEFT_CLEANUP(block_unref) struct block *b = NULL;
    if (ret->height == 0 || block_store_read(bs, ret->height - 1, &b, NULL) != WEFT_OK || b == NULL)
        return;
    ret->current_hash = block_header_hash(&b->v);
    if (b->v.previous_hash.len == SHA256_BYTES)
        memcpy(ret->previous_hash.b, b->v.previous_hash.data, SHA256_BYTES);
}

/* ---- iterating ---------------------------------------------------------------------------- */

struct block_iter {
    struct block_store *bs;
    struct block_scanner scanner;
    uint64_t next;
    uint64_t final; /* what the scanner has read ahead of the blocks below this stands */
    bool placed;    /* the scanner stands before `next` */
    struct block lent;
    struct block *large; /* lent last */
};

struct block_iter *block_iter_new(struct block_store *bs, uint64_t start)
{
    struct block_iter *it = weft_alloc(sizeof(*it));
    it->bs = bs;
    it->next = start;
    it->scanner.fd = -1;
    return it;
}

void block_iter_free(struct block_iter *it)
{
    if (it == NULL)
        return;
    block_scanner_done(&it->scanner);
    block_view_done(&it->lent.v);
    block_unref(it->large);
    free(it);
}

static enum weft_code place(struct block_iter *it, struct weft_err *e)
{
    struct block_loc loc;
    WEFT_TRY(block_index_by_number(&it->bs->ix, it->next, &loc, e));
    block_scanner_done(&it->scanner);
    block_scanner_init(&it->scanner, it->bs->dir, loc.file, loc.offset, UINT64_MAX);
    it->placed = true;
    return WEFT_OK;
}

/* The next record's body, in the scanner's window or, if it is large, in *own; no data when it
 * is not there yet. */
static enum weft_code next_body(struct block_iter *it, struct bytes *ret, struct buf *own,
                                struct weft_err *e)
{
    uint64_t height = block_store_height(it->bs);
    if (it->next >= height)
        return WEFT_OK;
    if (!it->placed)
        WEFT_TRY(place(it, e));
    if (it->next >= it->final) { /* not yet announced when it was read ahead */
        block_scanner_forget(&it->scanner);
        it->final = height;
    }

    enum block_scan what = BLOCK_SCAN_END;
    struct block_place at = { 0 };
    WEFT_TRY(block_scanner_next_own(&it->scanner, &what, ret, own, &at, e));
    if (what != BLOCK_SCAN_RECORD)
        return WEFT_FAIL(e, WEFT_CORRUPT, "channel [%s]: the files end before block [%" PRIu64 "]",
                         it->bs->channel, it->next);
    return WEFT_OK;
}

enum weft_code block_iter_next(struct block_iter *it, struct block **ret, struct weft_err *e)
{
    struct bytes body = { 0 };
    WEFT_CLEANUP(buf_done) struct buf own = { 0 };
    *ret = NULL;
    WEFT_TRY(next_body(it, &body, &own, e));
    if (body.data == NULL)
        return WEFT_OK;
    if (own.data == NULL)
        buf_put(&own, body);
    WEFT_TRY(block_of_body(&own, it->next, ret, e));
    it->next++;
    return WEFT_OK;
}

enum weft_code block_iter_lend(struct block_iter *it, struct block **ret, struct weft_err *e)
{
    struct bytes body = { 0 };
    WEFT_CLEANUP(buf_done) struct buf own = { 0 };
    *ret = NULL;
    block_unref(WEFT_TAKE(it->large));
    WEFT_TRY(next_body(it, &body, &own, e));
    if (body.data == NULL)
        return WEFT_OK;
    if (own.data != NULL) {
        WEFT_TRY(block_of_body(&own, it->next, &it->large, e));
        *ret = it->large;
    } else {
        it->lent.raw = body;
        WEFT_TRY(parse_body(it->next, &it->lent, e));
        *ret = &it->lent;
    }
    it->next++;
    return WEFT_OK;
}

bool block_iter_is_open(const struct block_iter *it)
{
    return it->placed && it->scanner.fd >= 0;
}

enum weft_code block_iter_lend_hastily(struct block_iter *it, struct block **ret,
                                       struct weft_err *e)
{
    *ret = NULL;
    if (!block_iter_is_open(it))
        return WEFT_FAIL(e, WEFT_UNAVAILABLE, "no file is open");
    it->scanner.is_hasty = true;
    enum weft_code rc = block_iter_lend(it, ret, e);
    it->scanner.is_hasty = false;
    return rc;
}
