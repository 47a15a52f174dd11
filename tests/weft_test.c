#include "weft_test.h"

#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    TESTS_MAX = 256
};

#if defined(__SANITIZE_THREAD__)
/* LevelDB is not compiled for the sanitizer, which so does not see its atomics.  (The daemons' are
 * told by tests/tsan.supp.) */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:libleveldb.so\n";
}
#endif

static struct registered {
    const char *name;
    weft_test_fn *fn;
} tests[TESTS_MAX];
static size_t test_count;
static char scratch[2][64]; /* on the disk, in memory */
static int caught_log = -1;

void weft_test_log_catch(const char *format)
{
    struct weft_err e;
    EXPECT_OK(log_set_format(format, &e));
    caught_log = memfd_create("log", MFD_CLOEXEC);
    EXPECT(caught_log >= 0);
    log_set_fd(caught_log);
}

struct buf weft_test_log_taken(void)
{
    struct buf ret = { 0 };
    char some[512];
    ssize_t n = 0;
    log_set_fd(STDERR_FILENO);
    while ((n = pread(caught_log, some, sizeof(some), (off_t)ret.len)) > 0)
        buf_put(&ret, bytes_of(some, (size_t)n));
    EXPECT_EQ(n, 0);
    buf_put_u8(&ret, 0);
    EXPECT_EQ(close(caught_log), 0);
    return ret;
}

void weft_test_register(const char *name, weft_test_fn *fn)
{
    WEFT_ASSERT(test_count < TESTS_MAX);
    tests[test_count++] = (struct registered){ name, fn };
}

void weft_test_expect_eq(uint64_t a, uint64_t b, const char *what, const char *file, int line)
{
    if (a != b) {
        print_error("%s: %" PRIu64 " (%#" PRIx64 ") is not %" PRIu64 " (%#" PRIx64 ")\n", what, a,
                    a, b, b);
        _fail(file, line);
    }
}

void weft_test_expect_bytes(struct bytes a, struct bytes b, const char *what, const char *file,
                            int line)
{
    if (!bytes_eq(a, b)) {
        WEFT_FREE char *left = bytes_to_hex(a);
        WEFT_FREE char *right = bytes_to_hex(b);
        print_error("%s:\n  %.2000s\n  %.2000s\n", what, left, right);
        _fail(file, line);
    }
}

void weft_test_expect_code(enum weft_code got, enum weft_code want, const struct weft_err *e,
                           const char *what, const char *file, int line)
{
    if (got != want) {
        print_error("%s: %s, wanted %s%s%s\n", what, weft_code_name(got), weft_code_name(want),
                    got != WEFT_OK ? ": " : "", got != WEFT_OK ? e->msg : "");
        _fail(file, line);
    }
}

void weft_test_expect_words(const char *text, const char *part, const char *file, int line)
{
    if (strstr(text, part) == NULL) {
        print_error("\"%s\" does not contain \"%s\"\n", text, part);
        _fail(file, line);
    }
}

const char *weft_test_fixture(const char *path)
{
    static char whole[1024];
    (void)snprintf(whole, sizeof(whole), "%s/fixtures/%s", WEFT_SHARED_DIR, path);
    if (access(whole, R_OK) != 0) {
        print_message("skipped: no fixture %s beside the project\n", path);
        skip();
    }
    return whole;
}

const char *weft_test_file(const char *path)
{
    static char whole[1024];
    (void)snprintf(whole, sizeof(whole), "%s/%s", WEFT_TESTS_DIR, path);
    return whole;
}

struct buf weft_test_read(const char *path)
{
    struct buf b = { 0 };
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        fail_msg("can't open %s", path);
    ssize_t n;
    while ((n = read(fd, buf_reserve(&b, 65536), 65536)) > 0)
        b.len += (size_t)n;
    (void)close(fd);
    return b;
}

struct buf weft_test_read_dir(const char *path)
{
    struct buf all = { 0 };
    struct dirent **files = NULL;
    int n = scandir(path, &files, NULL, alphasort);
    if (n < 0)
        fail_msg("can't list %s", path);
    for (int i = 0; i < n; i++) {
        if (files[i]->d_name[0] != '.') {
            WEFT_FREE char *file = weft_asprintf("%s/%s", path, files[i]->d_name);
            WEFT_CLEANUP(buf_done) struct buf b = weft_test_read(file);
            buf_put_len_bytes(&all, bytes_of_str(files[i]->d_name));
            buf_put_len_bytes(&all, buf_bytes(&b));
        }
        free(files[i]);
    }
    free(files);
    return all;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static void remove_scratch(void)
{
    for (size_t i = 0; i < WEFT_ARRAY_LEN(scratch); i++)
        if (scratch[i][0] != '\0')
            (void)nftw(scratch[i], remove_one, 16, /* NOLINT(concurrency-mt-unsafe): at the end */
                       FTW_DEPTH | FTW_PHYS);
}

static bool make_scratch(char out[64], const char *where)
{
    (void)snprintf(out, 64, "%s/weft-test-XXXXXX", where);
    if (mkdtemp(out) != NULL)
        return true;
    out[0] = '\0';
    return false;
}

static char *new_dir(size_t in_memory)
{
    static unsigned count;
    char *parent = scratch[in_memory];
    if (scratch[0][0] == '\0' && scratch[1][0] == '\0')
        (void)atexit(remove_scratch);
    if (parent[0] == '\0' && !(in_memory && make_scratch(parent, "/dev/shm")))
        WEFT_ASSERT(make_scratch(parent, "/tmp"));
    char *dir = weft_asprintf("%s/%u", parent, count++);
    WEFT_ASSERT(mkdir(dir, 0755) == 0);
    return dir;
}

char *weft_test_dir(void)
{
    return new_dir(0);
}

char *weft_test_fast_dir(void)
{
    return new_dir(1);
}

static void run_one(void **state)
{
    weft_test_fn *fn;
    memcpy(&fn, *state, sizeof(fn));
    fn();
}

int main(int argc, char **argv)
{
    struct CMUnitTest units[TESTS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < test_count; i++) {
        bool wanted = argc < 2;
        for (int a = 1; a < argc; a++)
            wanted = wanted || strstr(tests[i].name, argv[a]) != NULL;
        if (wanted)
            units[n++] = (struct CMUnitTest){ .name = tests[i].name,
                                              .test_func = run_one,
                                              .initial_state = &tests[i].fn };
    }
    return _cmocka_run_group_tests(program_invocation_short_name, units, n, NULL, NULL);
}
