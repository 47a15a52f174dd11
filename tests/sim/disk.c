#include "sim/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    FDS_MAX = 4096,
    PATH_BYTES = 1024,
};

/* Everything here is guarded by the lock: LevelDB has a thread of its own. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *root;
static struct disk_trace *trace;
static const struct disk_fault *fault, *struck; /* what is set, and what struck last */
static uint64_t calls[DISK_CALL_NR], hits;
static char *path_of_fd[FDS_MAX]; /* of those below the watched folder */

/* ---- the test's side ----------------------------------------------------------- */

char *disk_new_dir(void)
{
    char *path = weft_strdup("/dev/shm/weft-sim-XXXXXX");
    if (mkdtemp(path) != NULL)
        return path;
    free(path);
    path = weft_strdup("/tmp/weft-sim-XXXXXX");
    WEFT_ASSERT(mkdtemp(path) != NULL);
    return path;
}

void disk_trace_done(struct disk_trace *t)
{
    for (size_t i = 0; i < t->count; i++) {
        free(t->ops[i].path);
        free(t->ops[i].to);
        free(t->ops[i].owned);
    }
    free(t->ops);
    *t = (struct disk_trace){ 0 };
}

static void forget_counts(void)
{
    memset(calls, 0, sizeof(calls));
    hits = 0;
}

void disk_watch(const char *new_root)
{
    (void)pthread_mutex_lock(&lock);
    free(root);
    root = new_root != NULL ? weft_strdup(new_root) : NULL;
    fault = NULL;
    forget_counts();
    for (size_t i = 0; i < FDS_MAX; i++)
        free(WEFT_TAKE(path_of_fd[i]));
    (void)pthread_mutex_unlock(&lock);
}

void disk_record_start(struct disk_trace *t)
{
    (void)pthread_mutex_lock(&lock);
    trace = t;
    (void)pthread_mutex_unlock(&lock);
}

void disk_record_stop(void)
{
    disk_record_start(NULL);
}

void disk_fault_set(const struct disk_fault *f)
{
    (void)pthread_mutex_lock(&lock);
    fault = f;
    forget_counts();
    (void)pthread_mutex_unlock(&lock);
}

uint64_t disk_fault_hits(void)
{
    (void)pthread_mutex_lock(&lock);
    uint64_t n = hits;
    (void)pthread_mutex_unlock(&lock);
    return n;
}

uint64_t disk_calls(enum disk_call call)
{
    (void)pthread_mutex_lock(&lock);
    uint64_t n = calls[call];
    (void)pthread_mutex_unlock(&lock);
    return n;
}

/* ---- recording (the lock is held) ------------------------------------------------ */

static struct disk_op *record(enum disk_op_kind kind)
{
    if (trace->count == trace->cap) {
        trace->cap = trace->cap > 0 ? 2 * trace->cap : 256;
        trace->ops = weft_realloc(trace->ops, trace->cap * sizeof(*trace->ops));
    }
    struct disk_op *op = &trace->ops[trace->count++];
    *op = (struct disk_op){ .kind = kind };
    return op;
}

void disk_mark(uint64_t number)
{
    (void)pthread_mutex_lock(&lock);
    if (trace != NULL)
        record(DISK_MARK)->number = number;
    (void)pthread_mutex_unlock(&lock);
}

/* The path below the watched folder, "" for the folder itself, or NULL. */
static const char *below(const char *path)
{
    size_t n = root != NULL ? strlen(root) : 0;
    if (root == NULL || path == NULL || strncmp(path, root, n) != 0)
        return NULL;
    if (path[n] == '\0')
        return path + n;
    return path[n] == '/' ? path + n + 1 : NULL;
}

static void record_path(enum disk_op_kind kind, const char *path)
{
    const char *rest = below(path);
    if (trace != NULL && rest != NULL)
        record(kind)->path = weft_strdup(rest);
}

static ino_t ino_of(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

static const char *path_of(int fd)
{
    return fd >= 0 && fd < FDS_MAX ? path_of_fd[fd] : NULL;
}

static bool concerns(const struct disk_fault *f, enum disk_call call, const char *path)
{
    return f != NULL && f->call == call && (f->part == NULL || strstr(path, f->part) != NULL);
}

/* Does a fault strike this call?  Counts it. */
static bool strikes(enum disk_call call, const char *path)
{
    if (below(path) == NULL)
        return false;
    if (fault != NULL && concerns(fault->also, call, path)) {
        struck = fault->also;
        hits++;
        return true;
    }
    if (fault != NULL && fault->call == call && !concerns(fault, call, path))
        return false;
    uint64_t n = calls[call]++;
    if (!concerns(fault, call, path) || n < fault->nth || (n > fault->nth && !fault->lasting))
        return false;
    struck = fault;
    hits++;
    return true;
}

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc's are __reserved */

/* ---- opening and closing ------------------------------------------------------------ */

static int open_at(const char *path, int flags, mode_t mode)
{
    (void)pthread_mutex_lock(&lock);
    int fd = -1;
    if (strikes(DISK_CALL_OPEN, path)) {
        errno = struck->error;
    } else {
        struct stat st;
        bool creates = (flags & O_CREAT) != 0 && below(path) != NULL && stat(path, &st) != 0;
        fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
        bool ours = fd >= 0 && fd < FDS_MAX && below(path) != NULL;
        if (ours) {
            free(path_of_fd[fd]);
            path_of_fd[fd] = weft_strdup(path);
        }
        if (ours && trace != NULL && creates) {
            record_path(DISK_CREATE, path);
            trace->ops[trace->count - 1].ino = ino_of(fd);
        } else if (ours && trace != NULL && (flags & O_TRUNC) != 0) {
            record(DISK_TRUNCATE)->ino = ino_of(fd);
        }
    }
    int kept = errno;
    (void)pthread_mutex_unlock(&lock);
    errno = kept;
    return fd;
}

int open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
        va_list args;
        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
    }
    return open_at(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    mode_t mode = 0;
    if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
        va_list args;
        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
    }
    return open_at(path, flags, mode);
}

int creat(const char *path, mode_t mode)
{
    return open_at(path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int close(int fd)
{
    (void)pthread_mutex_lock(&lock);
    if (path_of(fd) != NULL)
        free(WEFT_TAKE(path_of_fd[fd]));
    int rc = (int)syscall(SYS_close, fd);
    (void)pthread_mutex_unlock(&lock);
    return rc;
}

/* ---- reading and writing --------------------------------------------------------------- */

/* How many of n bytes this call may move; -1 when it fails outright. */
static ssize_t allowed(enum disk_call call, int fd, size_t n)
{
    if (!strikes(call, path_of(fd)))
        return (ssize_t)n;
    if (struck->error != 0 && !struck->half)
        return -1;
    return (ssize_t)(n - n / 2);
}

/* After a call that was cut to half: does it fail nevertheless? */
static ssize_t outcome(size_t wanted, ssize_t may, ssize_t done)
{
    if (may == (ssize_t)wanted || struck->error == 0)
        return done;
    errno = struck->error;
    return -1;
}

static ssize_t write_at(int fd, const void *data, size_t n, int64_t offset)
{
    (void)pthread_mutex_lock(&lock);
    ssize_t may = allowed(DISK_CALL_WRITE, fd, n), done = -1;
    if (may >= 0)
        done = offset < 0 ? syscall(SYS_write, fd, data, (size_t)may)
                          : syscall(SYS_pwrite64, fd, data, (size_t)may, offset);
    else
        errno = struck->error;
    if (done > 0 && trace != NULL && path_of(fd) != NULL) {
        struct disk_op *op = record(DISK_WRITE);
        uint8_t *copy = weft_alloc((size_t)done);
        memcpy(copy, data, (size_t)done);
        op->ino = ino_of(fd);
        op->owned = copy;
        op->data = bytes_of(copy, (size_t)done);
        op->number = (uint64_t)(offset < 0 ? lseek(fd, 0, SEEK_CUR) - done : offset);
    }
    done = may >= 0 ? outcome(n, may, done) : done;
    int kept = errno;
    const struct disk_fault *hit = may == (ssize_t)n ? NULL : struck;
    (void)pthread_mutex_unlock(&lock);
    if (hit != NULL && hit->then != NULL)
        hit->then(hit->ctx);
    errno = kept;
    return done;
}

ssize_t write(int fd, const void *data, size_t n)
{
    return write_at(fd, data, n, -1);
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t offset)
{
    return write_at(fd, data, n, offset);
}

/* One part a call: a caller has to reckon with short writes anyway. */
ssize_t writev(int fd, const struct iovec *parts, int count)
{
    for (int i = 0; i < count; i++)
        if (parts[i].iov_len > 0)
            return write_at(fd, parts[i].iov_base, parts[i].iov_len, -1);
    return 0;
}

static ssize_t read_at(int fd, void *out, size_t n, int64_t offset)
{
    (void)pthread_mutex_lock(&lock);
    ssize_t may = n > 0 ? allowed(DISK_CALL_READ, fd, n) : 0;
    int error = may < 0 ? struck->error : 0;
    (void)pthread_mutex_unlock(&lock);
    if (may < 0) {
        errno = error;
        return -1;
    }
    return offset < 0 ? syscall(SYS_read, fd, out, (size_t)may)
                      : syscall(SYS_pread64, fd, out, (size_t)may, offset);
}

ssize_t read(int fd, void *out, size_t n)
{
    return read_at(fd, out, n, -1);
}

ssize_t pread(int fd, void *out, size_t n, off_t offset)
{
    return read_at(fd, out, n, offset);
}

/* One part a call; to wait is no harm here. */
ssize_t preadv2(int fd, const struct iovec *parts, int count, off_t offset, int flags)
{
    (void)flags;
    return count > 0 ? read_at(fd, parts[0].iov_base, parts[0].iov_len, offset) : 0;
}

/* ---- making it last ---------------------------------------------------------------------- */

static int sync_fd(int fd)
{
    (void)pthread_mutex_lock(&lock);
    const char *path = path_of(fd);
    struct stat st;
    int rc = 0;
    if (strikes(DISK_CALL_SYNC, path)) {
        errno = struck->error;
        rc = -1;
    } else if (path == NULL && root == NULL) {
        rc = (int)syscall(SYS_fsync, fd);
    } else if (path != NULL && trace != NULL && fstat(fd, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            record_path(DISK_SYNC_DIR, path);
        else
            record(DISK_SYNC)->ino = st.st_ino;
    }
    int kept = errno;
    (void)pthread_mutex_unlock(&lock);
    errno = kept;
    return rc;
}

int fsync(int fd)
{
    return sync_fd(fd);
}

int fdatasync(int fd)
{
    return sync_fd(fd);
}

int ftruncate(int fd, off_t size)
{
    (void)pthread_mutex_lock(&lock);
    int rc = -1;
    if (strikes(DISK_CALL_TRUNCATE, path_of(fd)))
        errno = struck->error;
    else
        rc = (int)syscall(SYS_ftruncate, fd, size);
    if (rc == 0 && trace != NULL && path_of(fd) != NULL) {
        struct disk_op *op = record(DISK_TRUNCATE);
        op->ino = ino_of(fd);
        op->number = (uint64_t)size;
    }
    int kept = errno;
    (void)pthread_mutex_unlock(&lock);
    errno = kept;
    return rc;
}

/* ---- names --------------------------------------------------------------------------------- */

int rename(const char *from, const char *to)
{
    (void)pthread_mutex_lock(&lock);
    int rc = -1;
    if (strikes(DISK_CALL_RENAME, from))
        errno = struck->error;
    else
        rc = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (rc == 0 && trace != NULL && below(from) != NULL) {
        WEFT_ASSERT(below(to) != NULL);
        record_path(DISK_RENAME, from);
        trace->ops[trace->count - 1].to = weft_strdup(below(to));
    }
    int kept = errno;
    (void)pthread_mutex_unlock(&lock);
    errno = kept;
    return rc;
}

static int remove_at(const char *path, int flags)
{
    (void)pthread_mutex_lock(&lock);
    int rc = -1;
    if (strikes(DISK_CALL_UNLINK, path))
        errno = struck->error;
    else
        rc = (int)syscall(SYS_unlinkat, AT_FDCWD, path, flags);
    if (rc == 0)
        record_path(DISK_UNLINK, path);
    int kept = errno;
    (void)pthread_mutex_unlock(&lock);
    errno = kept;
    return rc;
}

int unlink(const char *path)
{
    return remove_at(path, 0);
}

int rmdir(const char *path)
{
    return remove_at(path, AT_REMOVEDIR);
}

int remove(const char *path)
{
    struct stat st;
    bool folder = lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
    return remove_at(path, folder ? AT_REMOVEDIR : 0);
}

int mkdir(const char *path, mode_t mode)
{
    (void)pthread_mutex_lock(&lock);
    int rc = -1;
    if (strikes(DISK_CALL_MKDIR, path))
        errno = struck->error;
    else
        rc = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    if (rc == 0)
        record_path(DISK_MKDIR, path);
    int kept = errno;
    (void)pthread_mutex_unlock(&lock);
    errno = kept;
    return rc;
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
