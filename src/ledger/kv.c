#include "ledger/kv.h"

#include "base/log.h"
#include "ledger/kv_batch.h"
#include "ledger/kv_log.h"
#include "os/dirs.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum {
    CACHE_BYTES = 2 << 20,
    WRITE_BUFFER_BYTES = 4 << 20,
    COPY_FILE_MAX = 1 << 30,
};

LOG_DEFINE(logger, "leveldbhelper");

/* A file that neither LevelDB nor goleveldb looks at. */
#define DAMAGE_MARK "DAMAGED"

/* Sorts after every key that a node writes. */
static const char beyond[] = "\xff\xff\xff\xff";

struct kv {
    leveldb_t *db;
    leveldb_options_t *options;
    leveldb_readoptions_t *read;
    leveldb_writeoptions_t *write, *write_sync;
    leveldb_cache_t *cache;
    char *path;
    char *copy; /* the temporary folder of kv_open_copy */
    char *cut;  /* kv_cut */
    int lock_fd;
};

struct kv_snapshot {
    struct kv *kv;
    const leveldb_snapshot_t *snapshot;
    leveldb_readoptions_t *read;
};

struct kv_iter {
    leveldb_iterator_t *it;
    const struct kv *kv;
    bool begun;
};

/* A table is read when it is needed: damage shows long after the opening.  The
 * next one shall know. */
static void note_damage(const struct kv *kv)
{
    WEFT_FREE char *mark = weft_asprintf("%s/" DAMAGE_MARK, kv->path);
    WEFT_CLEANUP(file_close) int fd = -1;
    struct weft_err e = { 0 };
    if (file_open(mark, O_WRONLY | O_CREAT, 0644, &fd, &e) != WEFT_OK)
        LOG_WARN(&logger, "Damage was found but can't be noted: %s", e.msg);
}

static enum weft_code failed(const struct kv *kv, char *error, struct weft_err *e)
{
    bool corrupt = strncmp(error, "Corruption", 10) == 0 || strstr(error, "does not exist") != NULL;
    bool locked = strncmp(error, "IO error: lock ", 15) == 0;
    enum weft_code rc = WEFT_FAIL(e,
                                  corrupt  ? WEFT_CORRUPT
                                  : locked ? WEFT_UNAVAILABLE
                                           : WEFT_IO,
                                  "leveldb at [%s]: %s%s", kv->path, error,
                                  locked ? ": lock is already acquired by another process" : "");
    if (corrupt && kv->db != NULL && kv->copy == NULL)
        note_damage(kv);
    leveldb_free(error);
    return rc;
}

static void kv_release(struct kv *kv)
{
    if (kv == NULL)
        return;
    if (kv->db != NULL)
        leveldb_close(kv->db);
    leveldb_options_destroy(kv->options);
    leveldb_readoptions_destroy(kv->read);
    leveldb_writeoptions_destroy(kv->write);
    leveldb_writeoptions_destroy(kv->write_sync);
    leveldb_cache_destroy(kv->cache);
    struct weft_err e = { 0 };
    if (kv->copy != NULL && dir_remove_tree(kv->copy, &e) != WEFT_OK)
        LOG_WARN(&logger, "A temporary copy stays behind: %s", e.msg);
    file_close(kv->lock_fd);
    free(kv->copy);
    free(kv->cut);
    free(kv->path);
    free(kv);
}
WEFT_DEFINE_CLEANUP(struct kv *, kv_release)

static leveldb_readoptions_t *read_options_new(void)
{
    leveldb_readoptions_t *read = leveldb_readoptions_create();
    leveldb_readoptions_set_verify_checksums(read, 1);
    return read;
}

static struct kv *kv_new(const char *path)
{
    struct kv *kv = weft_alloc(sizeof(*kv));
    kv->path = weft_strdup(path);
    kv->lock_fd = -1;
    kv->options = leveldb_options_create();
    kv->read = read_options_new();
    kv->write = leveldb_writeoptions_create();
    kv->write_sync = leveldb_writeoptions_create();
    kv->cache = leveldb_cache_create_lru(CACHE_BYTES);
    leveldb_options_set_cache(kv->options, kv->cache);
    leveldb_options_set_write_buffer_size(kv->options, WRITE_BUFFER_BYTES);
    leveldb_options_set_paranoid_checks(kv->options, 1);
    leveldb_writeoptions_set_sync(kv->write_sync, 1);
    return kv;
}

static enum weft_code check_damage_mark(const char *path, struct weft_err *e)
{
    WEFT_FREE char *mark = weft_asprintf("%s/" DAMAGE_MARK, path);
    if (path_exists(mark))
        return WEFT_FAIL(e, WEFT_CORRUPT,
                         "leveldb at [%s]: damage was found in it earlier (%s says so)", path,
                         mark);
    return WEFT_OK;
}

static enum weft_code open_db(struct kv *kv, const char *path, struct weft_err *e)
{
    char *error = NULL;
    kv->db = leveldb_open(kv->options, path, &error);
    return error != NULL ? failed(kv, error, e) : WEFT_OK;
}

/* ---- opening -------------------------------------------------------------- */

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

/* Is this the name of what LevelDB makes before a new database is one? */
static bool of_half_made(const char *name)
{
    return strcmp(name, "LOCK") == 0 || strcmp(name, "LOG") == 0 || strcmp(name, "LOG.old") == 0 ||
           strncmp(name, "MANIFEST-", 9) == 0 || ends_with(name, ".dbtmp");
}

/* What a folder holds decides: nothing, or what a crash left of making one, is
 * a new database, a database is opened, anything else is somebody else's. */
static enum weft_code may_create(const char *path, bool *ret, struct weft_err *e)
{
    WEFT_TRY(dir_make(path, e));
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    WEFT_TRY(dir_list(path, &l, e));
    *ret = true;
    for (size_t i = 0; i < l.count; i++)
        if (!of_half_made(l.names[i]))
            *ret = false;
    return WEFT_OK;
}

static const uint8_t format_key[] = { '_', 0, 'f' };

static enum weft_code check_format(struct kv *kv, const char *format, bool is_new,
                                   struct weft_err *e)
{
    struct bytes key = bytes_of(format_key, sizeof(format_key));
    if (is_new && format[0] != '\0') {
        WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
        kv_batch_put(b, key, bytes_of_str(format));
        return kv_write(kv, b, true, e);
    }
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    bool found = false;
    WEFT_TRY(kv_get(kv, key, &found, &value, e));
    if (bytes_eq(buf_bytes(&value), bytes_of_str(format)))
        return WEFT_OK;
    WEFT_FREE char *stored = bytes_dup_str(buf_bytes(&value));
    return WEFT_FAIL(e, WEFT_INVALID,
                     "unexpected format. db info = [leveldb at [%s]], data format = [%s], expected "
                     "format = [%s]",
                     kv->path, stored, format);
}

/* A folder is empty when there is nothing in the database either: a node that
 * was killed right after making it. */
static enum weft_code is_empty(struct kv *kv, bool *ret, struct weft_err *e)
{
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(kv, bytes_of(NULL, 0));
    struct bytes key, value;
    bool found = false;
    WEFT_TRY(kv_iter_next(it, &found, &key, &value, e));
    *ret = !found;
    return WEFT_OK;
}

/* Is one of the logs torn at its end, and nothing newer behind that? */
static bool is_torn(const char *path)
{
    struct weft_err e = { 0 };
    bool torn = false;
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    if (dir_list(path, &l, &e) != WEFT_OK)
        return false;
    for (size_t i = 0; i < l.count; i++) {
        if (!ends_with(l.names[i], ".log"))
            continue;
        WEFT_FREE char *file = weft_asprintf("%s/%s", path, l.names[i]);
        WEFT_CLEANUP(buf_done) struct buf log = { 0 };
        if (file_read_all(file, COPY_FILE_MAX, &log, &e) != WEFT_OK)
            return false;
        enum kv_log_state state = kv_log_look(buf_bytes(&log));
        if (state == KV_LOG_DAMAGED || (torn && state != KV_LOG_EMPTY))
            return false;
        torn = torn || state == KV_LOG_TORN;
    }
    return torn;
}

/* LevelDB puts what it takes from the log into a table, so the second time all is in order. */
static enum weft_code open_without_tail(struct kv *kv, const char *path, struct weft_err *e)
{
    leveldb_options_set_paranoid_checks(kv->options, 0);
    enum weft_code rc = open_db(kv, path, e);
    leveldb_options_set_paranoid_checks(kv->options, 1);
    WEFT_TRY(rc);
    leveldb_close(WEFT_TAKE(kv->db));
    return open_db(kv, path, e);
}

static enum weft_code open_or_mend(struct kv *kv, const char *path, struct weft_err *e)
{
    struct weft_err why = { 0 };
    enum weft_code rc = open_db(kv, path, &why);
    if (rc != WEFT_CORRUPT || !is_torn(path))
        return rc == WEFT_OK ? rc : WEFT_FAIL(e, rc, "%s", why.msg);
    LOG_WARN(&logger, "The torn end of a log, which a crash has left, is passed over: %s", why.msg);
    return open_without_tail(kv, path, e);
}

/* Cuts the log off in front of what is bad; kv->cut tells whether something was. */
static enum weft_code cut_log(struct kv *kv, const char *dir, const char *name, struct weft_err *e)
{
    WEFT_FREE char *file = weft_asprintf("%s/%s", dir, name);
    WEFT_CLEANUP(buf_done) struct buf log = { 0 };
    WEFT_CLEANUP(file_close) int fd = -1;
    WEFT_TRY(file_read_all(file, COPY_FILE_MAX, &log, e));
    size_t good = kv->cut != NULL ? 0 : kv_log_good_len(buf_bytes(&log));
    if (good == log.len)
        return WEFT_OK;
    if (kv->cut == NULL)
        kv->cut = weft_asprintf("%s is bad from byte %zu on", name, good);
    if (kv->copy == NULL)
        LOG_WARN(&logger,
                 "%s is bad from byte %zu on; the %zu bytes from there to its end are cut off: "
                 "what they said is made again",
                 file, good, log.len - good);
    WEFT_TRY(file_open(file, O_RDWR, 0, &fd, e));
    WEFT_TRY(file_truncate(fd, file, good, e));
    return file_sync(fd, file, e);
}

/* From the oldest log on (names have six digits and more: by length, then by letter): behind a
 * hole in one, the newer ones are worth nothing. */
static enum weft_code cut_logs(struct kv *kv, const char *path, struct weft_err *e)
{
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    WEFT_TRY(dir_list(path, &l, e)); /* sorted */
    for (size_t i = 0; i < l.count; i++)
        if (ends_with(l.names[i], ".log"))
            WEFT_TRY(cut_log(kv, path, l.names[i], e));
    return WEFT_OK;
}

static enum weft_code open_or_cut(struct kv *kv, const char *path, struct weft_err *e)
{
    struct weft_err why = { 0 };
    enum weft_code rc = open_db(kv, path, &why);
    if (rc == WEFT_CORRUPT)
        WEFT_TRY(cut_logs(kv, path, e));
    if (kv->cut != NULL)
        return open_without_tail(kv, path, e);
    return rc == WEFT_OK ? rc : WEFT_FAIL(e, rc, "%s", why.msg);
}

/* How a database that is there is opened. */
typedef enum weft_code open_way(struct kv *kv, const char *path, struct weft_err *e);

static enum weft_code open_folder(const char *path, const char *format, open_way *way,
                                  struct kv **ret, struct weft_err *e)
{
    bool create = false, empty = false;
    WEFT_TRY(may_create(path, &create, e));
    WEFT_CLEANUP(kv_release) struct kv *kv = kv_new(path);
    WEFT_FREE char *lock = weft_asprintf("%s/LOCK", path);
    WEFT_TRY(file_lock(lock, &kv->lock_fd, e));
    WEFT_TRY(check_damage_mark(path, e));
    leveldb_options_set_create_if_missing(kv->options, create);
    WEFT_TRY(way(kv, path, e));
    WEFT_TRY(dir_sync(path, e)); /* LevelDB renames CURRENT and leaves it at that */
    WEFT_TRY(is_empty(kv, &empty, e));
    WEFT_TRY(check_format(kv, format, empty, e));
    *ret = WEFT_TAKE(kv);
    return WEFT_OK;
}

enum weft_code kv_open(const char *path, const char *format, struct kv **ret, struct weft_err *e)
{
    return open_folder(path, format, open_db, ret, e);
}

enum weft_code kv_open_mending(const char *path, const char *format, struct kv **ret,
                               struct weft_err *e)
{
    return open_folder(path, format, open_or_mend, ret, e);
}

enum weft_code kv_open_cutting(const char *path, const char *format, struct kv **ret,
                               struct weft_err *e)
{
    return open_folder(path, format, open_or_cut, ret, e);
}

/* Tables never change: a link will do.  It gets the older name, 000007.sst for
 * 000007.ldb: LevelDB reads a table by either name but writes only the newer,
 * so that a number which it gives out again (the manifest may not know the
 * newest table yet) does not make it write into the ledger's own file.
 * The log, the manifest and CURRENT are small and copied; the lock and the text
 * log are not needed. */
static enum weft_code copy_one(const char *from_dir, const char *to_dir, const char *name,
                               struct weft_err *e)
{
    WEFT_FREE char *from = weft_asprintf("%s/%s", from_dir, name);
    WEFT_FREE char *to = weft_asprintf("%s/%s", to_dir, name);
    if (ends_with(name, ".ldb") || ends_with(name, ".sst")) {
        WEFT_FREE char *whole = realpath(from, NULL);
        memcpy(to + strlen(to) - 4, ".sst", 4);
        if (whole == NULL || symlink(whole, to) != 0)
            return WEFT_FAIL(e, WEFT_IO, "can't link %s into %s", from, to_dir);
        return WEFT_OK;
    }
    if (strcmp(name, "CURRENT") != 0 && strncmp(name, "MANIFEST", 8) != 0 &&
        !ends_with(name, ".log"))
        return WEFT_OK;
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    WEFT_TRY(file_read_all(from, COPY_FILE_MAX, &b, e));
    return file_write_atomic(to, buf_bytes(&b), 0600, e);
}

static enum weft_code open_copy(const char *path, open_way *way, struct kv **ret,
                                struct weft_err *e)
{
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    WEFT_TRY(dir_list(path, &l, e));
    WEFT_CLEANUP(kv_release) struct kv *kv = kv_new(path);
    WEFT_TRY(dir_make_temporary("weft-index", &kv->copy, e));
    for (size_t i = 0; i < l.count; i++)
        WEFT_TRY(copy_one(path, kv->copy, l.names[i], e));
    WEFT_TRY(way(kv, kv->copy, e));
    *ret = WEFT_TAKE(kv);
    return WEFT_OK;
}

enum weft_code kv_open_copy(const char *path, struct kv **ret, struct weft_err *e)
{
    return open_copy(path, open_db, ret, e);
}

enum weft_code kv_open_copy_cutting(const char *path, struct kv **ret, struct weft_err *e)
{
    return open_copy(path, open_or_cut, ret, e);
}

const char *kv_cut(const struct kv *kv)
{
    return kv->cut;
}

void kv_close(struct kv *kv)
{
    if (kv == NULL)
        return;
    if (kv->copy == NULL)
        kv_flush(kv);
    kv_release(kv);
}

enum weft_code kv_set_aside(const char *path, struct weft_err *e)
{
    WEFT_FREE char *aside = weft_asprintf("%s.damaged", path);
    if (!path_exists(path))
        return WEFT_OK;
    WEFT_TRY(dir_remove_tree(aside, e));
    if (rename(path, aside) != 0)
        return WEFT_FAIL(e, WEFT_IO, "can't move the damaged database %s out of the way", path);
    return dir_sync_parent(path, e);
}

enum weft_code kv_destroy(const char *path, struct weft_err *e)
{
    WEFT_CLEANUP(file_close) int lock_fd = -1;
    WEFT_FREE char *lock = weft_asprintf("%s/LOCK", path);
    WEFT_TRY(file_lock(lock, &lock_fd, e));
    return dir_remove_tree(path, e);
}

/* ---- reading and writing -------------------------------------------------- */

static enum weft_code get(const struct kv *kv, const leveldb_readoptions_t *read, struct bytes key,
                          bool *ret_found, struct buf *ret, struct weft_err *e)
{
    char *error = NULL;
    size_t len = 0;
    char *value = leveldb_get(kv->db, read, (const char *)key.data, key.len, &len, &error);
    if (error != NULL)
        return failed(kv, error, e);
    *ret_found = value != NULL;
    if (value != NULL) {
        buf_clear(ret);
        buf_put(ret, bytes_of(value, len));
        leveldb_free(value);
    }
    return WEFT_OK;
}

enum weft_code kv_get(struct kv *kv, struct bytes key, bool *ret_found, struct buf *ret,
                      struct weft_err *e)
{
    return get(kv, kv->read, key, ret_found, ret, e);
}

struct kv_snapshot *kv_snapshot_new(struct kv *kv)
{
    struct kv_snapshot *s = weft_alloc(sizeof(*s));
    s->kv = kv;
    s->snapshot = leveldb_create_snapshot(kv->db);
    s->read = read_options_new();
    leveldb_readoptions_set_snapshot(s->read, s->snapshot);
    return s;
}

void kv_snapshot_free(struct kv_snapshot *s)
{
    if (s == NULL)
        return;
    leveldb_readoptions_destroy(s->read);
    leveldb_release_snapshot(s->kv->db, s->snapshot);
    free(s);
}

enum weft_code kv_snapshot_get(struct kv_snapshot *s, struct bytes key, bool *ret_found,
                               struct buf *ret, struct weft_err *e)
{
    return get(s->kv, s->read, key, ret_found, ret, e);
}

enum weft_code kv_write(struct kv *kv, const struct kv_batch *b, bool sync, struct weft_err *e)
{
    char *error = NULL;
    leveldb_writebatch_t *sorted = kv_batch_in_order(b);
    leveldb_write(kv->db, sync ? kv->write_sync : kv->write, sorted, &error);
    leveldb_writebatch_destroy(sorted);
    return error != NULL ? failed(kv, error, e) : WEFT_OK;
}

/* Compacting a range always empties the write buffer into a table first; this
 * range holds no key, so nothing else happens. */
void kv_flush(struct kv *kv)
{
    leveldb_compact_range(kv->db, beyond, sizeof(beyond), beyond, sizeof(beyond));
}

static struct kv_iter *iter_new(const struct kv *kv, const leveldb_readoptions_t *read,
                                struct bytes start)
{
    struct kv_iter *it = weft_alloc(sizeof(*it));
    it->it = leveldb_create_iterator(kv->db, read);
    it->kv = kv;
    leveldb_iter_seek(it->it, start.len > 0 ? (const char *)start.data : "", start.len);
    return it;
}

struct kv_iter *kv_iter_new(struct kv *kv, struct bytes start)
{
    return iter_new(kv, kv->read, start);
}

struct kv_iter *kv_snapshot_iter_new(struct kv_snapshot *s, struct bytes start)
{
    return iter_new(s->kv, s->read, start);
}

void kv_iter_free(struct kv_iter *it)
{
    if (it == NULL)
        return;
    leveldb_iter_destroy(it->it);
    free(it);
}

enum weft_code kv_iter_next(struct kv_iter *it, bool *ret_found, struct bytes *ret_key,
                            struct bytes *ret_value, struct weft_err *e)
{
    if (it->begun)
        leveldb_iter_next(it->it);
    it->begun = true;
    if (!leveldb_iter_valid(it->it)) {
        char *error = NULL;
        leveldb_iter_get_error(it->it, &error);
        if (error != NULL)
            return failed(it->kv, error, e);
        *ret_found = false;
        it->begun = false; /* stays at the end however often it is asked */
        return WEFT_OK;
    }
    size_t len = 0;
    const char *key = leveldb_iter_key(it->it, &len);
    *ret_key = bytes_of(key, len);
    const char *value = leveldb_iter_value(it->it, &len);
    *ret_value = bytes_of(value, len);
    *ret_found = true;
    return WEFT_OK;
}
