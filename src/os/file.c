#include "os/file.h"

#include "os/dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    PIECES_AT_ONCE = 256 /* a system call takes 1024 */
};

static enum weft_code failed(struct weft_err *e, const char *what, const char *path)
{
    char words[128];
    enum weft_code code = errno == ENOENT ? WEFT_NOT_FOUND : WEFT_IO;
    return WEFT_FAIL(e, code, "%s %s: %s", what, path, strerror_r(errno, words, sizeof(words)));
}

enum weft_code file_open(const char *path, int flags, mode_t mode, int *ret_fd, struct weft_err *e)
{
    int fd = open(path, flags | O_CLOEXEC, mode);
    if (fd < 0)
        return failed(e, "can't open", path);
    *ret_fd = fd;
    return WEFT_OK;
}

void file_close(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

enum weft_code file_pread_some(int fd, const char *path, uint64_t offset, void *out, size_t n,
                               size_t *ret_n, struct weft_err *e)
{
    size_t got = 0;
    while (got < n) {
        ssize_t r = pread(fd, (char *)out + got, n - got, (off_t)(offset + got));
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return failed(e, "can't read", path);
        if (r == 0)
            break;
        got += (size_t)r;
    }
    *ret_n = got;
    return WEFT_OK;
}

enum weft_code file_pread_cached(int fd, const char *path, uint64_t offset, void *out, size_t n,
                                 size_t *ret_n, struct weft_err *e)
{
    size_t got = 0;
    while (got < n) {
        struct iovec part = { .iov_base = (char *)out + got, .iov_len = n - got };
        ssize_t r = preadv2(fd, &part, 1, (off_t)(offset + got), RWF_NOWAIT);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0 && errno != EAGAIN && errno != EOPNOTSUPP)
            return failed(e, "can't read", path);
        if (r <= 0)
            break;
        got += (size_t)r;
    }
    *ret_n = got;
    return WEFT_OK;
}

enum weft_code file_pread(int fd, const char *path, uint64_t offset, void *out, size_t n,
                          struct weft_err *e)
{
    size_t got = 0;
    WEFT_TRY(file_pread_some(fd, path, offset, out, n, &got, e));
    if (got < n)
        return WEFT_FAIL(e, WEFT_CORRUPT,
                         "%s ends %zu bytes too early (wanted %zu bytes at offset %llu)", path,
                         n - got, n, (unsigned long long)offset);
    return WEFT_OK;
}

enum weft_code file_write(int fd, const char *path, struct bytes what, struct weft_err *e)
{
    while (what.len > 0) {
        ssize_t n = write(fd, what.data, what.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed(e, "can't write", path);
        what = bytes_skip(what, (size_t)n);
    }
    return WEFT_OK;
}

/* What is left of the first pieces, in the system's form; it reads them only. */
static int parts_of(const struct bytes *pieces, size_t count, size_t skip, struct iovec *ret)
{
    size_t n = count < PIECES_AT_ONCE ? count : PIECES_AT_ONCE;
    for (size_t i = 0; i < n; i++) {
        struct bytes b = bytes_skip(pieces[i], i == 0 ? skip : 0);
        memcpy(&ret[i].iov_base, &b.data, sizeof(b.data)); /* it has no const */
        ret[i].iov_len = b.len;
    }
    return (int)n;
}

enum weft_code file_write_pieces(int fd, const char *path, const struct bytes *pieces, size_t count,
                                 struct weft_err *e)
{
    size_t skip = 0; /* of the first piece */
    while (count > 0) {
        struct iovec parts[PIECES_AT_ONCE];
        ssize_t n = writev(fd, parts, parts_of(pieces, count, skip, parts));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed(e, "can't write", path);
        skip += (size_t)n;
        while (count > 0 && skip >= pieces->len) {
            skip -= pieces->len;
            pieces++;
            count--;
        }
    }
    return WEFT_OK;
}

enum weft_code file_pwrite(int fd, const char *path, uint64_t offset, struct bytes what,
                           struct weft_err *e)
{
    while (what.len > 0) {
        ssize_t n = pwrite(fd, what.data, what.len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed(e, "can't write", path);
        what = bytes_skip(what, (size_t)n);
        offset += (uint64_t)n;
    }
    return WEFT_OK;
}

enum weft_code file_sync(int fd, const char *path, struct weft_err *e)
{
    if (fsync(fd) != 0)
        return failed(e, "can't sync", path);
    return WEFT_OK;
}

enum weft_code file_sync_data(int fd, const char *path, struct weft_err *e)
{
    if (fdatasync(fd) != 0)
        return failed(e, "can't sync", path);
    return WEFT_OK;
}

void file_write_out(int fd, uint64_t from, uint64_t len)
{
    (void)sync_file_range(fd, (off_t)from, (off_t)len, SYNC_FILE_RANGE_WRITE);
}

enum weft_code file_truncate(int fd, const char *path, uint64_t size, struct weft_err *e)
{
    if (ftruncate(fd, (off_t)size) != 0)
        return failed(e, "can't truncate", path);
    return WEFT_OK;
}

enum weft_code file_size(int fd, const char *path, uint64_t *ret_size, struct weft_err *e)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return failed(e, "can't stat", path);
    *ret_size = (uint64_t)st.st_size;
    return WEFT_OK;
}

enum weft_code file_read_all(const char *path, size_t most, struct buf *ret, struct weft_err *e)
{
    WEFT_CLEANUP(file_close) int fd = -1;
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    WEFT_TRY(file_open(path, O_RDONLY, 0, &fd, e));
    uint64_t size = 0;
    WEFT_TRY(file_size(fd, path, &size, e));
    if (size > most)
        return WEFT_FAIL(e, WEFT_LIMIT, "%s has %llu bytes, more than the %zu that are read", path,
                         (unsigned long long)size, most);
    (void)buf_reserve(&b, (size_t)size);
    WEFT_TRY(file_pread_some(fd, path, 0, b.data, (size_t)size, &b.len, e));
    *ret = b;
    b = (struct buf){ 0 };
    return WEFT_OK;
}

static enum weft_code write_new(const char *path, struct bytes what, mode_t mode, bool sync,
                                struct weft_err *e)
{
    WEFT_CLEANUP(file_close) int fd = -1;
    WEFT_TRY(file_open(path, O_WRONLY | O_CREAT | O_TRUNC, mode, &fd, e));
    WEFT_TRY(file_write(fd, path, what, e));
    return sync ? file_sync(fd, path, e) : WEFT_OK;
}

enum weft_code file_write_plain(const char *path, struct bytes what, mode_t mode,
                                struct weft_err *e)
{
    return write_new(path, what, mode, false, e);
}

enum weft_code file_write_atomic(const char *path, struct bytes what, mode_t mode,
                                 struct weft_err *e)
{
    WEFT_FREE char *temporary = weft_asprintf("%s.new", path);
    enum weft_code rc = write_new(temporary, what, mode, true, e);
    if (rc == WEFT_OK && rename(temporary, path) != 0)
        rc = failed(e, "can't rename to", path);
    if (rc != WEFT_OK) {
        (void)unlink(temporary);
        return rc;
    }
    return dir_sync_parent(path, e);
}

enum weft_code file_lock(const char *path, int *ret_fd, struct weft_err *e)
{
    WEFT_CLEANUP(file_close) int fd = -1;
    WEFT_TRY(file_open(path, O_RDWR | O_CREAT, 0644, &fd, e));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            return WEFT_FAIL(e, WEFT_UNAVAILABLE, "lock is already acquired on file %s", path);
        return failed(e, "can't lock", path);
    }
    *ret_fd = fd;
    fd = -1;
    return WEFT_OK;
}
