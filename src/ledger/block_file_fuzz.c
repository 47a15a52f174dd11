/* Two block files of any content: the scanner gives out what lies there, place
 * after place without a gap, and comes to an end; looking at the tail tells
 * no lies.  The first byte says where the first file ends. */
#include "ledger/block_file.h"

#include "base/varint.h"
#include "ledger/block_tail.h"
#include "os/dirs.h"
#include "os/file.h"

#include <fcntl.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *dir;

static void remove_dir(void)
{
    if (dir_remove_tree(dir, NULL) != WEFT_OK)
        (void)fprintf(stderr, "%s stays behind\n", dir);
}

static void make_dir(void)
{
    static char path[] = "/dev/shm/weft-fuzz-XXXXXX";
    static char slow_path[] = "/tmp/weft-fuzz-XXXXXX";
    dir = mkdtemp(path);
    if (dir == NULL)
        dir = mkdtemp(slow_path);
    WEFT_ASSERT(dir != NULL);
    (void)atexit(remove_dir);
}

static void write_number(uint64_t number, struct bytes b)
{
    WEFT_FREE char *path = block_file_path(dir, number);
    WEFT_CLEANUP(file_close) int fd = -1;
    WEFT_ASSERT(file_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600, &fd, NULL) == WEFT_OK);
    WEFT_ASSERT(file_write(fd, path, b, NULL) == WEFT_OK);
}

/* The end of a scan: is it really no record? */
static void check_end(struct bytes file, const struct block_place *at, enum block_scan what)
{
    struct bytes rest = bytes_skip(file, (size_t)at->offset);
    struct block_tail tail;
    uint64_t len = 0;
    size_t n = uvarint_decode(rest, &len);
    WEFT_ASSERT((what == BLOCK_SCAN_END) == (rest.len == 0));
    if (what == BLOCK_SCAN_TORN)
        WEFT_ASSERT(n == 0 || len > rest.len - n);
    WEFT_ASSERT(block_tail_look(dir, at, 0, &tail, NULL) == WEFT_OK);
    bool zero = true;
    for (size_t i = 0; i < rest.len; i++)
        zero = zero && rest.data[i] == 0;
    WEFT_ASSERT(tail.zero == zero);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (dir == NULL)
        make_dir();
    size_t cut = data[0] < size - 1 ? data[0] : size - 1;
    struct bytes files[2] = { bytes_of(data + 1, cut), bytes_of(data + 1 + cut, size - 1 - cut) };
    write_number(0, files[0]);
    write_number(1, files[1]);

    WEFT_CLEANUP(block_scanner_done) struct block_scanner s;
    struct block_place before = { 0 };
    block_scanner_init(&s, dir, 0, 0, 1);
    for (;;) {
        enum block_scan what = BLOCK_SCAN_END;
        struct bytes body = { 0 };
        struct block_place at = { 0 };
        struct weft_err e = { 0 };
        enum weft_code rc = block_scanner_next(&s, &what, &body, &at, &e);
        if (rc != WEFT_OK) {
            WEFT_ASSERT((rc == WEFT_CORRUPT || rc == WEFT_LIMIT) && e.msg[0] != '\0');
            return 0;
        }
        WEFT_ASSERT(at.file == before.file ? at.offset == before.end
                                           : at.offset == 0 && before.end == files[0].len);
        if (what != BLOCK_SCAN_RECORD) {
            check_end(files[at.file], &at, what);
            return 0;
        }
        WEFT_ASSERT(at.end - at.body_offset == body.len && at.end <= files[at.file].len);
        WEFT_ASSERT(bytes_eq(body, bytes_of(files[at.file].data + at.body_offset, body.len)));
        before = at;
    }
}
