#include "ledger/block_tail.h"

#include "base/varint.h"
#include "ledger/block_record.h"
#include "os/file.h"

#include <fcntl.h>

enum {
    PAGE_BYTES = 4096,
    HOLE_BYTES_MIN = 16, /* fewer zeros than this say nothing */
    HASH_LEN = SHA256_BYTES,
    HASHES_LEN = 2 * (1 + SHA256_BYTES), /* with their lengths */
    NUMBER_LEN_MAX = 5,                  /* of a varint: 34 thousand million blocks */
};

static bool all_zero(struct bytes b)
{
    for (size_t i = 0; i < b.len; i++)
        if (b.data[i] != 0)
            return false;
    return true;
}

/* Zeros from the beginning up to the end of the page that it lies in. */
static bool begins_zero(struct bytes b, uint64_t offset)
{
    size_t n = (size_t)(PAGE_BYTES - offset % PAGE_BYTES);
    return b.len > 0 && all_zero(bytes_of(b.data, n < b.len ? n : b.len));
}

/* `offset` is where the bytes lie in their file: pages begin there, not here. */
static bool has_hole(struct bytes b, uint64_t offset)
{
    size_t at = 0;
    while (at < b.len) {
        size_t n = (size_t)(PAGE_BYTES - (offset + at) % PAGE_BYTES);
        if (n > b.len - at)
            n = b.len - at;
        if (n >= HOLE_BYTES_MIN && all_zero(bytes_of(b.data + at, n)))
            return true;
        at += n;
    }
    return false;
}

/* Reads a varint of exactly n bytes that ends before `end`. */
static bool varint_before(struct bytes b, size_t end, size_t n, uint64_t *ret)
{
    return end >= n && uvarint_decode(bytes_of(b.data + end - n, n), ret) == n &&
           uvarint_len(*ret) == n;
}

static bool is_block(struct bytes body)
{
    WEFT_CLEANUP(block_view_done) struct block_view v = { 0 };
    size_t txs_at = 0;
    if (block_record_parse(body, &v, &txs_at, NULL) != WEFT_OK)
        return false;
    struct digest data = block_data_hash(&v);
    return bytes_eq(v.data_hash, digest_bytes(&data));
}

/* Does a record, length first, lie around a body that begins at `at`?  Where it
 * begins, or 0. */
static size_t record_around(struct bytes b, size_t at)
{
    for (size_t n = 1; n <= NUMBER_LEN_MAX; n++) {
        uint64_t len = 0;
        if (varint_before(b, at, n, &len) && len <= b.len - at &&
            is_block(bytes_of(b.data + at, (size_t)len)))
            return at - n;
    }
    return 0;
}

/* Looks for  number 20 <32 bytes> 20 <32 bytes>  with a number above the one
 * that should have been at the beginning.  Where its record begins, or 0. */
static size_t find_block(struct bytes b, uint64_t number)
{
    for (size_t at = 2; at + HASHES_LEN <= b.len; at++) {
        if (b.data[at] != HASH_LEN || b.data[at + 1 + HASH_LEN] != HASH_LEN)
            continue;
        for (size_t n = 1; n <= NUMBER_LEN_MAX; n++) {
            uint64_t found = 0;
            size_t record = 0;
            if (varint_before(b, at, n, &found) && found > number)
                record = record_around(b, at - n);
            if (record > 0)
                return record;
        }
    }
    return 0;
}

enum weft_code block_tail_look(const char *dir, const struct block_place *bad, uint64_t number,
                               struct block_tail *ret, struct weft_err *e)
{
    WEFT_FREE char *path = block_file_path(dir, bad->file);
    WEFT_CLEANUP(file_close) int fd = -1;
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    uint64_t size = 0;
    WEFT_TRY(file_open(path, O_RDONLY, 0, &fd, e));
    WEFT_TRY(file_size(fd, path, &size, e));
    size = size > bad->offset ? size - bad->offset : 0;
    if (size > BLOCK_TAIL_BYTES_MAX) {
        *ret = (struct block_tail){ .followed = true };
        return WEFT_OK;
    }
    (void)buf_reserve(&b, (size_t)size + 1);
    WEFT_TRY(file_pread_some(fd, path, bad->offset, b.data, (size_t)size, &b.len, e));
    size_t next = find_block(buf_bytes(&b), number);
    ret->followed = next > 0;
    ret->zero = all_zero(buf_bytes(&b));
    ret->begins_zero = begins_zero(buf_bytes(&b), bad->offset);
    ret->hole = has_hole(bytes_of(b.data, next > 0 ? next : b.len), bad->offset);
    return WEFT_OK;
}
