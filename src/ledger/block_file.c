#include "ledger/block_file.h"

#include "base/limits.h"
#include "base/number.h"
#include "base/varint.h"
#include "os/dirs.h"
#include "os/file.h"

#include <fcntl.h>

enum {
    FIRST_STEP = 64 << 10, /* for who reads one block and goes */
    WINDOW_BYTES = 1 << 20,
    OWN_STEP = 64 << 10, /* buffers of few sizes leave malloc fewer holes that none fits into */
    LENGTH_PEEK = 8,     /* Go looks at eight bytes for the length */
};

char *block_file_path(const char *dir, uint64_t number)
{
    return weft_asprintf("%s/" BLOCK_FILE_PREFIX "%06llu", dir, (unsigned long long)number);
}

enum weft_code block_file_count(const char *dir, uint64_t *ret_count, struct weft_err *e)
{
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    WEFT_TRY(dir_list(dir, &l, e));
    uint64_t count = 0, highest = 0;
    for (size_t i = 0; i < l.count; i++) {
        const char *name = l.names[i];
        uint64_t number = 0;
        if (strncmp(name, BLOCK_FILE_PREFIX, strlen(BLOCK_FILE_PREFIX)) != 0)
            continue;
        if (!number_parse_u64(name + strlen(BLOCK_FILE_PREFIX), &number))
            return WEFT_FAIL(e, WEFT_CORRUPT, "%s/%s is named like a block file but has no number",
                             dir, name);
        count++;
        highest = number > highest ? number : highest;
    }
    if (count > 0 && highest != count - 1)
        return WEFT_FAIL(e, WEFT_CORRUPT,
                         "%s: block files go up to %06llu but there are only %llu of them", dir,
                         (unsigned long long)highest, (unsigned long long)count);
    *ret_count = count;
    return WEFT_OK;
}

void block_scanner_init(struct block_scanner *s, const char *dir, uint64_t file, uint64_t offset,
                        uint64_t last_file)
{
    *s = (struct block_scanner){
        .dir = dir,
        .last_file = last_file,
        .file = file,
        .offset = offset,
        .fd = -1,
        .step = FIRST_STEP,
    };
}

static void close_file(struct block_scanner *s)
{
    file_close(s->fd);
    s->fd = -1;
    free(WEFT_TAKE(s->path));
    s->window.len = 0;
}

void block_scanner_done(struct block_scanner *s)
{
    close_file(s);
    buf_done(&s->window);
}

void block_scanner_forget(struct block_scanner *s)
{
    s->window.len = 0;
    s->window_at = s->offset;
    s->size = s->offset; /* so that it is asked for again */
}

static enum weft_code not_now(struct weft_err *e)
{
    return WEFT_FAIL(e, WEFT_UNAVAILABLE, "would take a while to read");
}

static enum weft_code became_shorter(const struct block_scanner *s, struct weft_err *e)
{
    return WEFT_FAIL(e, WEFT_IO, "%s became shorter while it was read", s->path);
}

/* n bytes, or some more that are there. */
static enum weft_code read_some(const struct block_scanner *s, uint64_t at, void *out, size_t n,
                                size_t most, size_t *ret_n, struct weft_err *e)
{
    if (!s->is_hasty)
        return file_pread_some(s->fd, s->path, at, out, most, ret_n, e);
    WEFT_TRY(file_pread_cached(s->fd, s->path, at, out, most, ret_n, e));
    return *ret_n >= n ? WEFT_OK : not_now(e);
}

static enum weft_code open_file(struct block_scanner *s, struct weft_err *e)
{
    if (s->is_hasty)
        return not_now(e);
    s->path = block_file_path(s->dir, s->file);
    s->window_at = s->offset;
    WEFT_TRY(file_open(s->path, O_RDONLY, 0, &s->fd, e));
    (void)posix_fadvise(s->fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* only a hint */
    return file_size(s->fd, s->path, &s->size, e);
}

/* Makes the window hold the n bytes from the current offset on; they are in
 * the file.  Reads on in large steps, keeping what it has. */
static enum weft_code fill(struct block_scanner *s, size_t n, struct weft_err *e)
{
    size_t skip = (size_t)(s->offset - s->window_at);
    if (s->window.len >= skip + n)
        return WEFT_OK;
    if (skip > 0) {
        size_t keep = s->window.len > skip ? s->window.len - skip : 0;
        if (keep > 0)
            memmove(s->window.data, s->window.data + skip, keep);
        s->window.len = keep;
        s->window_at = s->offset;
    }
    uint64_t at = s->window_at + s->window.len;
    uint64_t want = n - s->window.len;
    if (want < s->step)
        want = s->step;
    s->step = 2 * s->step < WINDOW_BYTES ? 2 * s->step : WINDOW_BYTES;
    if (want > s->size - at)
        want = s->size - at;
    size_t got = 0;
    uint8_t *room = buf_reserve(&s->window, (size_t)want);
    size_t least = n - s->window.len;
    WEFT_TRY(read_some(s, at, room, least, (size_t)want, &got, e));
    s->window.len += got;
    if (s->window.len < n)
        return became_shorter(s, e);
    return WEFT_OK;
}

static const uint8_t *here(const struct block_scanner *s)
{
    return s->window.data + (s->offset - s->window_at);
}

/* The length in front of the record: 0 bytes long when the file ends in it. */
static enum weft_code read_length(struct block_scanner *s, uint64_t *ret_len, size_t *ret_len_len,
                                  struct weft_err *e)
{
    uint64_t left = s->size - s->offset;
    size_t peek = left < LENGTH_PEEK ? (size_t)left : LENGTH_PEEK;
    WEFT_TRY(fill(s, peek, e));
    size_t n = uvarint_decode(bytes_of(here(s), peek), ret_len);
    if ((n == 0 && peek == LENGTH_PEEK) || (n > 0 && n != uvarint_len(*ret_len)))
        return WEFT_FAIL(e, WEFT_CORRUPT, "%s: error in decoding varint bytes at offset %llu",
                         s->path, (unsigned long long)s->offset);
    *ret_len_len = n;
    return WEFT_OK;
}

/* A body of `len` bytes whose length of `len_len` bytes is in the window.  What is there of it
 * is copied, the rest is read into its place, together with the length of the next one, so that
 * a run of large records takes one read each and nothing else. */
static enum weft_code read_own(struct block_scanner *s, size_t len_len, size_t len, struct buf *own,
                               struct weft_err *e)
{
    struct bytes window =
        bytes_skip(buf_bytes(&s->window), (size_t)(s->offset - s->window_at) + len_len);
    size_t have = window.len < len ? window.len : len;
    uint64_t at = s->offset + len_len + have, want = len - have + LENGTH_PEEK;
    (void)buf_reserve(own, (len + LENGTH_PEEK + OWN_STEP - 1) / OWN_STEP * OWN_STEP);
    buf_put(own, bytes_of(window.data, have));
    if (have == len)
        return WEFT_OK;
    if (want > s->size - at)
        want = s->size - at;
    size_t got = 0;
    WEFT_TRY(read_some(s, at, own->data + have, (size_t)want, (size_t)want, &got, e));
    if (got < want)
        return became_shorter(s, e);
    own->len = len;
    buf_clear(&s->window);
    buf_put(&s->window, bytes_of(own->data + len, (size_t)want - (len - have)));
    s->window_at = s->offset + len_len + len;
    return WEFT_OK;
}

/* own NULL: into the window, whatever its size. */
static enum weft_code next_in_file(struct block_scanner *s, enum block_scan *ret_what,
                                   struct bytes *ret_body, struct buf *own,
                                   struct block_place *ret_place, struct weft_err *e)
{
    uint64_t len = 0;
    size_t len_len = 0;
    WEFT_TRY(read_length(s, &len, &len_len, e));
    *ret_place = (struct block_place){ .file = s->file,
                                       .offset = s->offset,
                                       .body_offset = s->offset + len_len,
                                       .end = s->offset + len_len + len };
    if (len_len == 0 || len > s->size - s->offset - len_len) {
        *ret_what = BLOCK_SCAN_TORN;
        return WEFT_OK;
    }
    if (len > LIMIT_BLOCK_BYTES)
        return WEFT_FAIL(e, WEFT_LIMIT, "%s: record of %llu bytes at offset %llu, more than %d",
                         s->path, (unsigned long long)len, (unsigned long long)s->offset,
                         (int)LIMIT_BLOCK_BYTES);
    if (s->is_hasty && len > BLOCK_HASTY_BYTES)
        return not_now(e);
    if (own != NULL && len >= BLOCK_LARGE_BYTES) {
        WEFT_TRY(read_own(s, len_len, (size_t)len, own, e));
        *ret_body = buf_bytes(own);
    } else {
        WEFT_TRY(fill(s, len_len + (size_t)len, e));
        *ret_body = bytes_of(here(s) + len_len, (size_t)len);
    }
    *ret_what = BLOCK_SCAN_RECORD;
    s->offset = ret_place->end;
    return WEFT_OK;
}

enum weft_code block_scanner_next(struct block_scanner *s, enum block_scan *ret_what,
                                  struct bytes *ret_body, struct block_place *ret_place,
                                  struct weft_err *e)
{
    return block_scanner_next_own(s, ret_what, ret_body, NULL, ret_place, e);
}

enum weft_code block_scanner_next_own(struct block_scanner *s, enum block_scan *ret_what,
                                      struct bytes *ret_body, struct buf *ret_own,
                                      struct block_place *ret_place, struct weft_err *e)
{
    for (;;) {
        if (s->fd < 0)
            WEFT_TRY(open_file(s, e));
        if (s->offset > s->size)
            return WEFT_FAIL(e, WEFT_CORRUPT, "%s has %llu bytes, fewer than the %llu it must have",
                             s->path, (unsigned long long)s->size, (unsigned long long)s->offset);
        if (s->offset == s->size) /* it may have grown since */
            WEFT_TRY(file_size(s->fd, s->path, &s->size, e));
        if (s->offset < s->size)
            return next_in_file(s, ret_what, ret_body, ret_own, ret_place, e);
        if (s->file >= s->last_file) {
            *ret_what = BLOCK_SCAN_END;
            *ret_place = (struct block_place){ .file = s->file, .offset = s->offset };
            return WEFT_OK;
        }
        close_file(s);
        s->file++;
        s->offset = 0;
    }
}
