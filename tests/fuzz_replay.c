/* Runs a fuzz target over the files of a folder, when no fuzzing engine is
 * linked: what was found once stays fixed, and `make test` shows it. */
#include "base/bytes.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay(const char *dir, const char *name)
{
    WEFT_FREE char *path = weft_asprintf("%s/%s", dir, name);
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    WEFT_ASSERT(fd >= 0);
    ssize_t n;
    while ((n = read(fd, buf_reserve(&b, 65536), 65536)) > 0)
        b.len += (size_t)n;
    (void)close(fd);
    /* An exact-size copy, so that AddressSanitizer sees one byte too far. */
    WEFT_FREE uint8_t *exact = weft_alloc(b.len);
    if (b.len > 0)
        memcpy(exact, b.data, b.len);
    (void)LLVMFuzzerTestOneInput(exact, b.len);
}

int main(int argc, char **argv)
{
    size_t count = 0;
    (void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        DIR *dir = opendir(argv[i]);
        if (dir == NULL) {
            (void)fprintf(stderr, "can't open %s\n", argv[i]);
            return 1;
        }
        const struct dirent *d;
        while ((d = readdir(dir)) != NULL) { /* NOLINT(concurrency-mt-unsafe): one thread */
            if (d->d_name[0] == '.')
                continue;
            replay(argv[i], d->d_name);
            count++;
        }
        (void)closedir(dir);
    }
    (void)printf("%zu inputs replayed\n", count);
    return count > 0 ? 0 : 1;
}
