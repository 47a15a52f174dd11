#include "orderer/journal.h"

#include "base/crc32c.h"
#include "base/limits.h"
#include "base/log.h"
#include "os/dirs.h"
#include "os/file.h"
#include "proto/block.h"

#include <fcntl.h>
#include <stdio.h>

LOG_DEFINE(logger, "orderer.journal");

enum {
    HEADER_LEN = 64,
    HEADER_HASH_AT = 8,
    HEADER_CRC_AT = HEADER_HASH_AT + SHA256_BYTES,
    RECORD_CRC_AT = 4,
    RECORD_BLOCK_AT = 8,
    RECORD_INDEX_AT = 16,
    RECORD_SEQUENCE_AT = 20,
    RECORD_HEAD = 28,
    GROW_BYTES = 256 << 10, /* the file grows by so much at a time */
};

static const char magic[] = "WEFTJRN1";

struct journal {
    char *path;
    int fd;
    struct crc32c crc;
    struct digest first_block;
    struct buf file; /* as it was found; what `found` points into */
    struct journal_records found;
    uint64_t size; /* of the file */
    uint64_t end;  /* of the records in it */
    struct buf added;
    bool begins; /* what was added begins a block: it goes over what is there */
};

/* ---- the format -------------------------------------------------------------------------- */

static void put_number(uint8_t *out, uint64_t n, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(n >> (8 * i));
}

static uint64_t number_at(const uint8_t *p, size_t len)
{
    uint64_t n = 0;
    for (size_t i = 0; i < len; i++)
        n |= (uint64_t)p[i] << (8 * i);
    return n;
}

static void put_header(const struct journal *j, struct buf *out)
{
    uint8_t h[HEADER_LEN] = { 0 };
    memcpy(h, magic, HEADER_HASH_AT);
    memcpy(h + HEADER_HASH_AT, j->first_block.b, SHA256_BYTES);
    put_number(h + HEADER_CRC_AT, crc32c_of(&j->crc, 0, bytes_of(h, HEADER_CRC_AT)), 4);
    buf_put(out, bytes_of(h, sizeof(h)));
}

static bool header_is_whole(const struct crc32c *crc, struct bytes file)
{
    return file.len >= HEADER_LEN && memcmp(file.data, magic, HEADER_HASH_AT) == 0 &&
           number_at(file.data + HEADER_CRC_AT, 4) ==
               crc32c_of(crc, 0, bytes_of(file.data, HEADER_CRC_AT));
}

static void put_record(const struct crc32c *crc, const struct journal_record *r, struct buf *out)
{
    uint8_t *p = buf_reserve(out, RECORD_HEAD + r->envelope.len);
    put_number(p, r->envelope.len, 4);
    put_number(p + RECORD_BLOCK_AT, r->block, 8);
    put_number(p + RECORD_INDEX_AT, r->index, 4);
    put_number(p + RECORD_SEQUENCE_AT, r->config_sequence, 8);
    memcpy(p + RECORD_HEAD, r->envelope.data, r->envelope.len);
    struct bytes checked =
        bytes_of(p + RECORD_BLOCK_AT, RECORD_HEAD - RECORD_BLOCK_AT + r->envelope.len);
    put_number(p + RECORD_CRC_AT, crc32c_of(crc, 0, checked), 4);
    out->len += RECORD_HEAD + r->envelope.len;
}

/* One record off the front; false when there is no whole one. */
static bool take_record(const struct crc32c *crc, struct bytes *rest, struct journal_record *ret)
{
    if (rest->len < RECORD_HEAD)
        return false;
    uint64_t len = number_at(rest->data, 4);
    if (len == 0 || len > LIMIT_BLOCK_BYTES || len > rest->len - RECORD_HEAD)
        return false;
    struct bytes checked =
        bytes_of(rest->data + RECORD_BLOCK_AT, RECORD_HEAD - RECORD_BLOCK_AT + len);
    if (number_at(rest->data + RECORD_CRC_AT, 4) != crc32c_of(crc, 0, checked))
        return false;
    *ret = (struct journal_record){
        .block = number_at(rest->data + RECORD_BLOCK_AT, 8),
        .index = (uint32_t)number_at(rest->data + RECORD_INDEX_AT, 4),
        .config_sequence = number_at(rest->data + RECORD_SEQUENCE_AT, 8),
        .envelope = bytes_of(rest->data + RECORD_HEAD, len),
    };
    *rest = bytes_skip(*rest, RECORD_HEAD + len);
    return true;
}

void journal_records_done(struct journal_records *r)
{
    free(r->at);
    *r = (struct journal_records){ 0 };
}

static void parse_with(const struct crc32c *crc, struct bytes file, struct journal_records *ret)
{
    *ret = (struct journal_records){ .end = HEADER_LEN };
    if (!header_is_whole(crc, file))
        return;
    struct bytes rest = bytes_skip(file, HEADER_LEN);
    struct journal_record r;
    while (take_record(crc, &rest, &r) && r.index == ret->count &&
           (ret->count == 0 || r.block == ret->at[0].block)) {
        if (ret->count == ret->cap) {
            ret->cap = ret->cap == 0 ? 16 : ret->cap * 2;
            ret->at = weft_realloc(ret->at, ret->cap * sizeof(*ret->at));
        }
        ret->at[ret->count++] = r;
        ret->end = file.len - rest.len;
    }
}

void journal_parse(struct bytes file, struct journal_records *ret)
{
    struct crc32c crc;
    crc32c_init(&crc);
    parse_with(&crc, file, ret);
}

/* ---- opening --------------------------------------------------------------------------------- */

static enum weft_code open_file(struct journal *j, struct weft_err *e)
{
    int fd = -1;
    WEFT_TRY(file_open(j->path, O_RDWR, 0, &fd, e));
    file_close(j->fd);
    j->fd = fd;
    return file_size(j->fd, j->path, &j->size, e);
}

static enum weft_code make_file(struct journal *j, struct bytes content, struct weft_err *e)
{
    WEFT_TRY(file_write_atomic(j->path, content, 0640, e));
    j->end = content.len;
    return open_file(j, e);
}

static enum weft_code make_empty(struct journal *j, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    put_header(j, &b);
    return make_file(j, buf_bytes(&b), e);
}

static enum weft_code move_aside(const struct journal *j, struct weft_err *e)
{
    WEFT_FREE char *to = weft_asprintf("%s.other-chain", j->path);
    LOG_WARN(&logger, "The journal %s is of another chain, moving it to %s", j->path, to);
    if (rename(j->path, to) != 0)
        return WEFT_FAIL(e, WEFT_IO, "can't rename %s to %s", j->path, to);
    return WEFT_OK;
}

static enum weft_code read_file(struct journal *j, struct weft_err *e)
{
    WEFT_TRY(file_read_all(j->path, SIZE_MAX, &j->file, e));
    struct bytes file = buf_bytes(&j->file);
    if (!header_is_whole(&j->crc, file))
        return WEFT_FAIL(e, WEFT_CORRUPT,
                         "%s is no journal, or damaged: it may hold messages that were "
                         "acknowledged; move it away to start without them",
                         j->path);
    if (memcmp(file.data + HEADER_HASH_AT, j->first_block.b, SHA256_BYTES) != 0) {
        WEFT_TRY(move_aside(j, e));
        return make_empty(j, e);
    }
    parse_with(&j->crc, file, &j->found);
    j->end = j->found.end;
    return open_file(j, e);
}

enum weft_code journal_open(const char *path, const struct digest *first_block,
                            struct journal **ret, struct weft_err *e)
{
    WEFT_CLEANUP(journal_close) struct journal *j = weft_alloc(sizeof(*j));
    j->fd = -1;
    j->path = weft_strdup(path);
    j->first_block = *first_block;
    crc32c_init(&j->crc);
    if (path_exists(path))
        WEFT_TRY(read_file(j, e));
    else
        WEFT_TRY(make_empty(j, e));
    *ret = WEFT_TAKE(j);
    return WEFT_OK;
}

void journal_close(struct journal *j)
{
    if (j == NULL)
        return;
    journal_forget(j);
    file_close(j->fd);
    buf_done(&j->added);
    free(j->path);
    free(j);
}

size_t journal_found_count(const struct journal *j)
{
    return j->found.count;
}

const struct journal_record *journal_found(const struct journal *j, size_t i)
{
    return &j->found.at[i];
}

void journal_forget(struct journal *j)
{
    journal_records_done(&j->found);
    buf_done(&j->file);
    j->file = (struct buf){ 0 };
}

static bool block_has(const struct block *b, struct bytes envelope)
{
    size_t i = 0;
    while (i < b->v.txs.count && !bytes_eq(b->v.txs.at[i], envelope))
        i++;
    return i < b->v.txs.count;
}

enum weft_code journal_find_done(const struct journal *j, uint64_t last,
                                 enum weft_code (*read_block)(void *ctx, uint64_t number,
                                                              struct block **ret,
                                                              struct weft_err *e),
                                 void *ctx, bool *done, struct weft_err *e)
{
    const struct journal_records *found = &j->found;
    size_t left = found->count;
    uint64_t n = left > 0 ? found->at[0].block : 0;
    memset(done, 0, found->count * sizeof(*done));
    for (; left > 0 && n <= last; n++) {
        WEFT_CLEANUP(block_unref) struct block *b = NULL;
        WEFT_TRY(read_block(ctx, n, &b, e));
        for (size_t i = 0; i < found->count; i++) {
            if (done[i] || !block_has(b, found->at[i].envelope))
                continue;
            done[i] = true;
            left--;
        }
    }
    return WEFT_OK;
}

/* ---- writing ----------------------------------------------------------------------------------- */

void journal_add(struct journal *j, const struct journal_record *r)
{
    if (j->added.len == 0)
        j->begins = r->index == 0;
    put_record(&j->crc, r, &j->added);
}

/* Makes room in the file, so that later writes in it change no size. */
static enum weft_code grow(struct journal *j, uint64_t to, struct weft_err *e)
{
    uint64_t size = (to + GROW_BYTES - 1) / GROW_BYTES * GROW_BYTES;
    WEFT_FREE uint8_t *zeros = weft_alloc(GROW_BYTES);
    for (uint64_t at = j->size; at < size;) {
        uint64_t n = size - at < GROW_BYTES ? size - at : GROW_BYTES;
        WEFT_TRY(file_pwrite(j->fd, j->path, at, bytes_of(zeros, n), e));
        at += n;
        j->size = at;
    }
    return WEFT_OK;
}

static enum weft_code write_added(struct journal *j, uint64_t at, struct weft_err *e)
{
    if (at + j->added.len > j->size)
        WEFT_TRY(grow(j, at + j->added.len, e));
    return file_pwrite(j->fd, j->path, at, buf_bytes(&j->added), e);
}

/* After a failed write: nothing of it may be found later. */
static enum weft_code take_back(struct journal *j, uint64_t at, struct weft_err *e)
{
    struct weft_err second;
    if (file_truncate(j->fd, j->path, at, &second) != WEFT_OK)
        return WEFT_IO;
    j->size = at;
    return weft_err_wrap(e, WEFT_UNAVAILABLE, "journal");
}

enum weft_code journal_sync(struct journal *j, struct weft_err *e)
{
    if (j->added.len == 0)
        return WEFT_OK;
    uint64_t at = j->begins ? HEADER_LEN : j->end;
    enum weft_code rc = write_added(j, at, e);
    if (rc == WEFT_OK) {
        WEFT_TRY(file_sync_data(j->fd, j->path, e));
        j->end = at + j->added.len;
    }
    buf_clear(&j->added);
    return rc == WEFT_OK ? WEFT_OK : take_back(j, at, e);
}

enum weft_code journal_replace(struct journal *j, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    put_header(j, &b);
    buf_put(&b, buf_bytes(&j->added));
    buf_clear(&j->added);
    return make_file(j, buf_bytes(&b), e);
}
