/* file.h - files with errors in words, whole reads and writes, and fsync.
 *
 * The calls are the system's own with three additions: they go on after a
 * short count or a signal, they say which file and what went wrong, and a
 * file that must be there after a power failure is synced with its folder.
 *
 * Go origin   none (os, io/ioutil)
 * Owner       any thread; a blocking call, never on a net loop
 * Memory      file_read_all gives a buffer to the caller
 * Limits      file_read_all takes the most it may read
 */
#ifndef WEFT_OS_FILE_H
#define WEFT_OS_FILE_H

#include "base/bytes.h"

#include <sys/types.h>

/* open(2) with O_CLOEXEC.  WEFT_NOT_FOUND when it is not there. */
enum weft_code file_open(const char *path, int flags, mode_t mode, int *ret_fd,
                         struct weft_err *e) WEFT_MUST_CHECK;
/* close(2) for cleanup: -1 is nothing. */
void file_close(int fd);
WEFT_DEFINE_CLEANUP(int, file_close)

/* Exactly n bytes at an offset; WEFT_CORRUPT when the file ends before. */
enum weft_code file_pread(int fd, const char *path, uint64_t offset, void *out, size_t n,
                          struct weft_err *e) WEFT_MUST_CHECK;
/* Up to n bytes; says how many (0 at the end). */
enum weft_code file_pread_some(int fd, const char *path, uint64_t offset, void *out, size_t n,
                               size_t *ret_n, struct weft_err *e) WEFT_MUST_CHECK;
/* The first of the n bytes that the system has in its cache: to get them takes no wait for the
 * disk.  Whether it begins to read the others is the kernel's business. */
enum weft_code file_pread_cached(int fd, const char *path, uint64_t offset, void *out, size_t n,
                                 size_t *ret_n, struct weft_err *e) WEFT_MUST_CHECK;
/* All of it, at the end of a file opened for appending or the current place. */
enum weft_code file_write(int fd, const char *path, struct bytes what,
                          struct weft_err *e) WEFT_MUST_CHECK;
/* The same of pieces, one after the other; how they lie is nobody's business. */
enum weft_code file_write_pieces(int fd, const char *path, const struct bytes *pieces, size_t count,
                                 struct weft_err *e) WEFT_MUST_CHECK;
/* All of it, at an offset: over what is there, or more. */
enum weft_code file_pwrite(int fd, const char *path, uint64_t offset, struct bytes what,
                           struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code file_sync(int fd, const char *path, struct weft_err *e) WEFT_MUST_CHECK;
/* fdatasync(2): without the file's times. */
enum weft_code file_sync_data(int fd, const char *path, struct weft_err *e) WEFT_MUST_CHECK;
/* Has the system begin to write those bytes, or all from there on, so that a sync has less to
 * wait for.  A hint: nothing is certain before the sync, which also tells what went wrong. */
enum {
    FILE_TO_END = 0
};
void file_write_out(int fd, uint64_t from, uint64_t len);
enum weft_code file_truncate(int fd, const char *path, uint64_t size,
                             struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code file_size(int fd, const char *path, uint64_t *ret_size,
                         struct weft_err *e) WEFT_MUST_CHECK;

/* The whole file, at most `most` bytes (WEFT_LIMIT). */
enum weft_code file_read_all(const char *path, size_t most, struct buf *ret,
                             struct weft_err *e) WEFT_MUST_CHECK;
/* Replaces the file in one step: a reader, or a crash, sees the old or the new. */
enum weft_code file_write_atomic(const char *path, struct bytes what, mode_t mode,
                                 struct weft_err *e) WEFT_MUST_CHECK;

/* Writes a file that may be lost or cut by a power failure. */
enum weft_code file_write_plain(const char *path, struct bytes what, mode_t mode,
                                struct weft_err *e) WEFT_MUST_CHECK;

/* Takes flock(LOCK_EX | LOCK_NB) on the file, making it if needed: the lock
 * that goleveldb, and so every Fabric node, takes.  WEFT_UNAVAILABLE, "lock is
 * already acquired on file <path>", when another process has it.  The lock is
 * held until the fd is closed. */
enum weft_code file_lock(const char *path, int *ret_fd, struct weft_err *e) WEFT_MUST_CHECK;

#endif
