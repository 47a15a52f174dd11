#include "ledger/kv.h"

#include "os/dirs.h"
#include "os/file.h"
#include "weft_test.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

static void put(struct kv *kv, const char *key, const char *value)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    kv_batch_put(b, bytes_of_str(key), bytes_of_str(value));
    EXPECT_OK(kv_write(kv, b, false, &e));
}

static void holds(struct kv *kv, const char *key, const char *value)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf got = { 0 };
    bool found = false;
    EXPECT_OK(kv_get(kv, bytes_of_str(key), &found, &got, &e));
    EXPECT_EQ(found, value != NULL);
    if (value != NULL)
        EXPECT_BYTES(buf_bytes(&got), bytes_of_str(value));
}

static void write_file(const char *dir, const char *name, const char *text)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *path = weft_asprintf("%s/%s", dir, name);
    EXPECT_OK(file_write_atomic(path, bytes_of_str(text), 0644, &e));
}

static size_t count_tables(const char *dir)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    size_t n = 0;
    EXPECT_OK(dir_list(dir, &l, &e));
    for (size_t i = 0; i < l.count; i++)
        n += strstr(l.names[i], ".ldb") != NULL ? 1 : 0;
    return n;
}

/* ---- formats ------------------------------------------------------------------------ */

TEST(a_new_folder_gets_the_mark_and_keeps_it)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    struct kv *kv = NULL, *none = NULL;
    EXPECT_OK(kv_open(dir, "2.0", &kv, &e));
    WEFT_CLEANUP(buf_done) struct buf mark = { 0 };
    bool found = false;
    EXPECT_OK(kv_get(kv, bytes_of("_\0f", 3), &found, &mark, &e));
    EXPECT_BYTES(buf_bytes(&mark), bytes_of_str("2.0"));
    kv_close(kv);
    EXPECT_CODE(kv_open(dir, "", &none, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "data format = [2.0], expected format = []");
    EXPECT_OK(kv_open(dir, "2.0", &kv, &e));
    kv_close(kv);
}

TEST(a_folder_without_mark_is_not_taken_for_one_with)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    struct kv *kv = NULL, *none = NULL;
    EXPECT_OK(kv_open(dir, "", &kv, &e));
    put(kv, "some", "thing");
    kv_close(kv);
    EXPECT_CODE(kv_open(dir, "2.0", &none, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "data format = [], expected format = [2.0]");
}

TEST(an_empty_database_gets_the_mark_that_a_killed_node_did_not_write)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    struct kv *kv = NULL;
    EXPECT_OK(kv_open(dir, "", &kv, &e));
    kv_close(kv);
    EXPECT_OK(kv_open(dir, "2.0", &kv, &e));
    kv_close(kv);
    EXPECT_CODE(kv_open(dir, "", &kv, &e), WEFT_INVALID);
}

TEST(what_a_crash_left_of_making_a_database_is_a_new_one)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    struct kv *kv = NULL;
    write_file(dir, "LOCK", "");
    write_file(dir, "LOG", "");
    write_file(dir, "MANIFEST-000001", "half");
    write_file(dir, "000001.dbtmp", "MANIF");
    EXPECT_OK(kv_open(dir, "2.0", &kv, &e));
    kv_close(kv);
}

TEST(a_folder_with_something_else_in_it_is_left_alone)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    struct kv *kv = NULL;
    write_file(dir, "letters.txt", "dear");
    EXPECT_CODE(kv_open(dir, "2.0", &kv, &e), WEFT_CORRUPT);
    WEFT_FREE char *letters = weft_asprintf("%s/letters.txt", dir);
    WEFT_CLEANUP(buf_done) struct buf b = weft_test_read(letters);
    EXPECT_BYTES(buf_bytes(&b), bytes_of_str("dear"));
    WEFT_FREE char *current = weft_asprintf("%s/CURRENT", dir);
    EXPECT(!path_exists(current));
}

/* ---- locks ---------------------------------------------------------------------------- */

TEST(a_go_nodes_lock_keeps_us_out)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    WEFT_FREE char *lock = weft_asprintf("%s/LOCK", dir);
    struct kv *kv = NULL;
    int fd = -1;
    EXPECT_OK(file_lock(lock, &fd, &e)); /* flock, as goleveldb does */
    EXPECT_CODE(kv_open(dir, "", &kv, &e), WEFT_UNAVAILABLE);
    EXPECT_WORDS(e, "lock is already acquired on file ");
    file_close(fd);
    EXPECT_OK(kv_open(dir, "", &kv, &e));
    /* and ours keeps a Go node out */
    EXPECT_CODE(file_lock(lock, &fd, &e), WEFT_UNAVAILABLE);
    kv_close(kv);
    EXPECT_OK(file_lock(lock, &fd, &e));
    file_close(fd);
}

/* A child that holds LevelDB's own lock until it is told to end. */
TEST(a_leveldb_programs_lock_keeps_us_out)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    WEFT_FREE char *lock = weft_asprintf("%s/LOCK", dir);
    struct kv *kv = NULL;
    int held[2], end[2];
    EXPECT_EQ(pipe(held), 0);
    EXPECT_EQ(pipe(end), 0);
    pid_t child = fork();
    if (child == 0) {
        char byte = 0;
        struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
        int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        bool good = fd >= 0 && fcntl(fd, F_SETLK, &all) == 0 && write(held[1], "x", 1) == 1;
        (void)close(end[1]);
        good = read(end[0], &byte, 1) == 0 && good;
        _exit(good ? 0 : 1);
    }
    char byte = 0;
    EXPECT_EQ(read(held[0], &byte, 1), 1);
    EXPECT_CODE(kv_open(dir, "", &kv, &e), WEFT_UNAVAILABLE);
    EXPECT_WORDS(e, "lock is already acquired by another process");
    int status = -1;
    (void)close(end[0]);
    (void)close(end[1]);
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_OK(kv_open(dir, "", &kv, &e));
    kv_close(kv);
    (void)close(held[0]);
    (void)close(held[1]);
}

/* ---- reading and writing ----------------------------------------------------------------- */

TEST(a_batch_is_visible_at_once_and_in_order)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    struct kv *kv = NULL;
    EXPECT_OK(kv_open(dir, "", &kv, &e));
    put(kv, "b", "old");
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    kv_batch_put(b, bytes_of_str("c"), bytes_of_str("3"));
    kv_batch_put(b, bytes_of_str("a"), bytes_of_str(""));
    kv_batch_delete(b, bytes_of_str("b"));
    EXPECT_EQ(kv_batch_bytes(b), 4);
    EXPECT_OK(kv_write(kv, b, true, &e));
    kv_batch_clear(b);
    EXPECT_EQ(kv_batch_bytes(b), 0);
    holds(kv, "b", NULL);
    holds(kv, "a", "");

    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(kv, bytes_of(NULL, 0));
    struct bytes key, value;
    bool found = false;
    EXPECT_OK(kv_iter_next(it, &found, &key, &value, &e));
    EXPECT_BYTES(key, bytes_of_str("a"));
    EXPECT_OK(kv_iter_next(it, &found, &key, &value, &e));
    EXPECT_BYTES(key, bytes_of_str("c"));
    EXPECT_BYTES(value, bytes_of_str("3"));
    for (int i = 0; i < 3; i++) {
        EXPECT_OK(kv_iter_next(it, &found, &key, &value, &e));
        EXPECT(!found);
    }
    kv_iter_free(WEFT_TAKE(it));
    kv_close(kv);
}

TEST(a_flush_moves_everything_into_tables)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    struct kv *kv = NULL;
    EXPECT_OK(kv_open(dir, "", &kv, &e));
    put(kv, "key", "value");
    EXPECT_EQ(count_tables(dir), 0);
    kv_flush(kv);
    EXPECT_EQ(count_tables(dir), 1);
    put(kv, "another", "value");
    kv_close(kv); /* flushes */
    EXPECT_EQ(count_tables(dir), 2);
}

TEST(a_copy_is_read_while_another_has_it_and_changes_nothing)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    struct kv *kv = NULL, *copy = NULL;
    EXPECT_OK(kv_open(dir, "2.0", &kv, &e));
    put(kv, "in a table", "1");
    kv_flush(kv);
    put(kv, "in the log", "2");
    WEFT_CLEANUP(buf_done) struct buf before = weft_test_read_dir(dir);
    EXPECT_OK(kv_open_copy(dir, &copy, &e));
    holds(copy, "in a table", "1");
    holds(copy, "in the log", "2");
    put(copy, "in the log", "changed");
    kv_close(copy);
    WEFT_CLEANUP(buf_done) struct buf after = weft_test_read_dir(dir);
    EXPECT_BYTES(buf_bytes(&after), buf_bytes(&before));
    holds(kv, "in the log", "2");
    kv_close(kv);
}

/* ---- damage ------------------------------------------------------------------------------ */

/* The path of the one file of such a name. */
static char *one_with(const char *dir, const char *suffix)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    EXPECT_OK(dir_list(dir, &l, &e));
    size_t i = 0;
    while (i < l.count && strstr(l.names[i], suffix) == NULL)
        i++;
    EXPECT(i < l.count);
    return weft_asprintf("%s/%s", dir, l.names[i]);
}

static void flip(const char *dir, const char *suffix, size_t at)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    EXPECT_OK(dir_list(dir, &l, &e));
    for (size_t i = 0; i < l.count; i++) {
        if (strstr(l.names[i], suffix) == NULL)
            continue;
        WEFT_FREE char *path = weft_asprintf("%s/%s", dir, l.names[i]);
        WEFT_CLEANUP(buf_done) struct buf b = weft_test_read(path);
        b.data[at] ^= 0x40;
        EXPECT_OK(file_write_atomic(path, buf_bytes(&b), 0644, &e));
    }
}

TEST(damage_in_a_table_is_seen_when_it_is_read_and_known_at_the_next_opening)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    struct kv *kv = NULL, *copy = NULL;
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    bool found = false;
    EXPECT_OK(kv_open(dir, "", &kv, &e));
    put(kv, "key", "value");
    kv_close(kv);
    flip(dir, ".ldb", 3);
    EXPECT_CODE(kv_open(dir, "", &kv, &e), WEFT_CORRUPT); /* looks whether it is empty */
    EXPECT_WORDS(e, "Corruption: block checksum mismatch");
    EXPECT_CODE(kv_open(dir, "", &kv, &e), WEFT_CORRUPT);
    EXPECT_WORDS(e, "damage was found in it earlier");
    /* who only looks changes nothing, and sees what there is */
    EXPECT_OK(kv_open_copy(dir, &copy, &e));
    EXPECT_CODE(kv_get(copy, bytes_of_str("key"), &found, &value, &e), WEFT_CORRUPT);
    kv_close(copy);
    EXPECT_OK(kv_destroy(dir, &e));
    EXPECT_OK(kv_open(dir, "", &kv, &e));
    kv_close(kv);
}

/* The files as a killed node leaves them. */
static void copy_files(const char *from, const char *to)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    EXPECT_OK(dir_make(to, &e));
    EXPECT_OK(dir_list(from, &l, &e));
    for (size_t f = 0; f < l.count; f++) {
        WEFT_FREE char *path = weft_asprintf("%s/%s", from, l.names[f]);
        WEFT_FREE char *copy = weft_asprintf("%s/%s", to, l.names[f]);
        WEFT_CLEANUP(buf_done) struct buf b = weft_test_read(path);
        EXPECT_OK(file_write_atomic(copy, buf_bytes(&b), 0644, &e));
    }
}

struct pair {
    const char *key, *value;
};

/* A database of a node that was killed when it had written this, all of it in the log: its folder;
 * the caller frees it. */
static char *killed_after(const struct pair *written, size_t count)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    WEFT_FREE char *from = weft_asprintf("%s/db", dir);
    char *copy = weft_asprintf("%s/copy", dir);
    struct kv *kv = NULL;
    EXPECT_OK(kv_open(from, "", &kv, &e));
    for (size_t i = 0; i < count; i++)
        put(kv, written[i].key, written[i].value);
    copy_files(from, copy);
    kv_close(kv);
    return copy;
}

TEST(a_manifest_or_log_that_is_damaged_is_corrupt)
{
    struct weft_err e = { 0 };
    static const char *const names[] = { "MANIFEST", "CURRENT", ".log" };
    static const struct pair written[] = {
        { "key", "a value that is still in the log" },
        { "key 2", "another one, so that the first is not a torn end" },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(names); i++) {
        WEFT_FREE char *copy = killed_after(written, WEFT_ARRAY_LEN(written));
        struct kv *kv = NULL;
        flip(copy, names[i], 12);
        EXPECT_CODE(kv_open(copy, "", &kv, &e), WEFT_CORRUPT);
        EXPECT_CODE(kv_open_mending(copy, "", &kv, &e), WEFT_CORRUPT);
    }
}

TEST(what_a_crash_tore_at_the_end_of_a_log_is_passed_over_where_that_is_asked_for)
{
    struct weft_err e = { 0 };
    static const struct pair written[] = { { "key", "a value" },
                                           { "key 2", "a value that is torn" } };
    WEFT_FREE char *copy = killed_after(written, WEFT_ARRAY_LEN(written));
    struct kv *kv = NULL;
    flip(copy, ".log", 60);
    EXPECT_CODE(kv_open(copy, "", &kv, &e), WEFT_CORRUPT);
    EXPECT_OK(kv_open_mending(copy, "", &kv, &e));
    holds(kv, "key", "a value");
    holds(kv, "key 2", NULL);
    kv_close(kv);
    EXPECT_OK(kv_open(copy, "", &kv, &e)); /* and now all is in order */
    holds(kv, "key", "a value");
    kv_close(kv);
}

TEST(behind_a_hole_in_a_log_nothing_is_believed_where_that_is_asked_for)
{
    struct weft_err e = { 0 };
    static const struct pair written[] = {
        { "key", "a value" },
        { "key", "a value behind which there is a hole" },
        { "key", "a value in the hole" },
        { "key", "a value that came later" },
    };
    WEFT_FREE char *copy = killed_after(written, WEFT_ARRAY_LEN(written));
    struct kv *kv = NULL;
    flip(copy, ".log", 130);
    EXPECT_CODE(kv_open_mending(copy, "", &kv, &e), WEFT_CORRUPT);
    WEFT_CLEANUP(buf_done) struct buf before = weft_test_read_dir(copy);
    EXPECT_CODE(kv_open_copy(copy, &kv, &e), WEFT_CORRUPT);
    EXPECT_OK(kv_open_copy_cutting(copy, &kv, &e)); /* who only looks changes nothing */
    EXPECT(strstr(kv_cut(kv), ".log is bad from byte ") != NULL);
    holds(kv, "key", "a value behind which there is a hole");
    kv_close(kv);
    WEFT_CLEANUP(buf_done) struct buf after = weft_test_read_dir(copy);
    EXPECT_BYTES(buf_bytes(&after), buf_bytes(&before));
    EXPECT_OK(kv_open_cutting(copy, "", &kv, &e));
    EXPECT(kv_cut(kv) != NULL);
    holds(kv, "key", "a value behind which there is a hole");
    put(kv, "key", "a new one");
    kv_close(kv);
    EXPECT_OK(kv_open(copy, "", &kv, &e)); /* and now all is in order */
    holds(kv, "key", "a new one");
    kv_close(kv);
}

TEST(a_log_behind_one_with_a_hole_is_dropped_whole)
{
    struct weft_err e = { 0 };
    static const struct pair written[] = { { "key", "a value" },
                                           { "key 2", "a value in the hole" },
                                           { "key", "a value that came later" } };
    WEFT_FREE char *older = killed_after(written, 2);
    WEFT_FREE char *newer = killed_after(written, 3);
    struct kv *kv = NULL;
    WEFT_FREE char *later = one_with(newer, ".log");
    WEFT_FREE char *next = weft_asprintf("%s/999999.log", older);
    flip(older, ".log", 60);
    WEFT_CLEANUP(buf_done) struct buf b = weft_test_read(later);
    EXPECT_OK(file_write_atomic(next, buf_bytes(&b), 0644, &e));
    EXPECT_OK(kv_open_cutting(older, "", &kv, &e));
    holds(kv, "key", "a value");
    holds(kv, "key 2", NULL);
    kv_close(kv);
}
