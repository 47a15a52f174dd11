#include "os/dirs.h"
#include "os/file.h"

#include "weft_test.h"

#include <fcntl.h>
#include <sys/mman.h>

TEST(a_file_is_replaced_in_one_step)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_dir();
    WEFT_FREE char *path = weft_asprintf("%s/f", dir);
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    EXPECT_OK(file_write_atomic(path, bytes_of_str("one"), 0644, &e));
    EXPECT_OK(file_write_atomic(path, bytes_of_str("two"), 0644, &e));
    EXPECT_OK(file_read_all(path, 100, &b, &e));
    EXPECT_BYTES(buf_bytes(&b), bytes_of_str("two"));

    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    EXPECT_OK(dir_list(dir, &l, &e));
    EXPECT_EQ(l.count, 1);
}

TEST(errors_name_the_file)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    EXPECT_CODE(file_read_all("/nowhere/f", 100, &b, &e), WEFT_NOT_FOUND);
    EXPECT_WORDS(e, "/nowhere/f: No such file");

    WEFT_FREE char *dir = weft_test_dir();
    WEFT_FREE char *path = weft_asprintf("%s/f", dir);
    EXPECT_OK(file_write_atomic(path, bytes_of_str("12345"), 0644, &e));
    EXPECT_CODE(file_read_all(path, 4, &b, &e), WEFT_LIMIT);

    WEFT_CLEANUP(file_close) int fd = -1;
    char out[8];
    EXPECT_OK(file_open(path, O_RDONLY, 0, &fd, &e));
    EXPECT_CODE(file_pread(fd, path, 2, out, 4, &e), WEFT_CORRUPT);
    EXPECT_WORDS(e, "ends 1 bytes too early");
}

/* A file of "abcdef". */
static int open_letters(void)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_dir();
    WEFT_FREE char *path = weft_asprintf("%s/f", dir);
    int fd = -1;
    EXPECT_OK(file_write_plain(path, bytes_of_str("abcdef"), 0600, &e));
    EXPECT_OK(file_open(path, O_RDWR, 0, &fd, &e));
    return fd;
}

TEST(what_is_in_the_systems_cache_is_read_and_no_more)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(file_close) int fd = open_letters();
    char out[8];
    size_t n = 0;
    EXPECT_OK(file_pread_cached(fd, "f", 2, out, 3, &n, &e));
    if (n == 0) {
        print_message("this file system does not say what is in memory: skipped\n");
        skip();
    }
    EXPECT_BYTES(bytes_of(out, n), bytes_of_str("cde"));
    EXPECT_OK(file_pread_cached(fd, "f", 2, out, sizeof(out), &n, &e));
    EXPECT_BYTES(bytes_of(out, n), bytes_of_str("cdef"));
    EXPECT_OK(file_pread_cached(fd, "f", 6, out, sizeof(out), &n, &e));
    EXPECT_EQ(n, 0);
    EXPECT_CODE(file_pread_cached(-1, "f", 0, out, 1, &n, &e), WEFT_IO);
}

/* What the system says of a file's only page in another way. */
static bool is_in_memory(int fd)
{
    unsigned char resident = 0;
    void *page = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);
    EXPECT(page != MAP_FAILED);
    EXPECT_EQ(mincore(page, 1, &resident), 0);
    EXPECT_EQ(munmap(page, 1), 0);
    return (resident & 1) != 0;
}

TEST(what_is_only_on_the_disk_is_not_waited_for)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(file_close) int fd = open_letters();
    char out[8];
    size_t n = 0;
    EXPECT_OK(file_sync(fd, "f", &e));
    EXPECT_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    if (is_in_memory(fd)) {
        print_message("this file system does not let go of what is in memory: skipped\n");
        skip();
    }
    EXPECT_OK(file_pread_cached(fd, "f", 0, out, sizeof(out), &n, &e));
    EXPECT_EQ(n, 0);
    EXPECT_OK(file_pread_some(fd, "f", 0, out, sizeof(out), &n, &e));
    EXPECT_BYTES(bytes_of(out, n), bytes_of_str("abcdef"));
}

TEST(a_write_at_an_offset_goes_over_what_is_there)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_dir();
    WEFT_FREE char *path = weft_asprintf("%s/f", dir);
    WEFT_CLEANUP(buf_done) struct buf all = { 0 };
    int fd = -1;
    EXPECT_OK(file_write_plain(path, bytes_of_str("abcdef"), 0600, &e));
    EXPECT_OK(file_open(path, O_RDWR, 0, &fd, &e));
    EXPECT_OK(file_pwrite(fd, path, 4, bytes_of_str("EFGH"), &e));
    EXPECT_OK(file_pwrite(fd, path, 1, bytes_of_str("BC"), &e));
    EXPECT_OK(file_sync_data(fd, path, &e));
    file_close(fd);
    EXPECT_OK(file_read_all(path, 100, &all, &e));
    EXPECT_BYTES(buf_bytes(&all), bytes_of_str("aBCdEFGH"));
}

TEST(pieces_are_written_one_after_the_other_however_many)
{
    WEFT_FREE char *dir = weft_test_dir();
    WEFT_FREE char *path = weft_asprintf("%s/f", dir);
    WEFT_CLEANUP(file_close) int fd = -1;
    WEFT_CLEANUP(buf_done) struct buf want = { 0 };
    struct weft_err e = { 0 };
    static struct bytes pieces[1500];
    for (size_t i = 0; i < WEFT_ARRAY_LEN(pieces); i++) {
        pieces[i] = bytes_of("0123456789", i % 11);
        buf_put(&want, pieces[i]);
    }
    EXPECT_OK(file_open(path, O_WRONLY | O_CREAT | O_APPEND, 0600, &fd, &e));
    EXPECT_OK(file_write_pieces(fd, path, NULL, 0, &e));
    EXPECT_OK(file_write_pieces(fd, path, pieces, WEFT_ARRAY_LEN(pieces), &e));
    WEFT_CLEANUP(buf_done) struct buf got = weft_test_read(path);
    EXPECT_BYTES(buf_bytes(&got), buf_bytes(&want));
    EXPECT_CODE(file_write_pieces(-1, path, pieces, 3, &e), WEFT_IO);
}

TEST(a_lock_has_one_holder)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_dir();
    WEFT_FREE char *path = weft_asprintf("%s/LOCK", dir);
    int first = -1, second = -1;
    EXPECT_OK(file_lock(path, &first, &e));
    EXPECT_CODE(file_lock(path, &second, &e), WEFT_UNAVAILABLE);
    EXPECT_WORDS(e, "lock is already acquired on file");
    file_close(first);
    EXPECT_OK(file_lock(path, &second, &e));
    file_close(second);
}

TEST(folders_are_made_with_parents_and_removed_with_children)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_dir();
    WEFT_FREE char *deep = weft_asprintf("%s/a/b/c", dir);
    WEFT_FREE char *top = weft_asprintf("%s/a", dir);
    EXPECT_OK(dir_make(deep, &e));
    EXPECT_OK(dir_make(deep, &e));
    EXPECT(path_is_dir(deep));
    EXPECT_OK(dir_remove_tree(top, &e));
    EXPECT(!path_exists(top));
    EXPECT_OK(dir_remove_tree(top, &e));
}
