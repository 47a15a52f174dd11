#include "ledger/block_file.h"

#include "base/limits.h"
#include "base/varint.h"
#include "os/dirs.h"
#include "os/file.h"
#include "weft_test.h"

#include <fcntl.h>
#include <unistd.h>

static void write_number(const char *dir, uint64_t number, struct bytes what)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *path = block_file_path(dir, number);
    EXPECT_OK(file_write_atomic(path, what, 0644, &e));
}

struct scanned {
    enum weft_code rc;
    enum block_scan what;
    struct block_place place; /* of the record, or where the scan ended */
    uint64_t records;
    struct weft_err e;
};

/* Scans on from an offset of a file until something is no record. */
static struct scanned scan(const char *dir, uint64_t file, uint64_t offset, uint64_t last_file)
{
    struct scanned s = { 0 };
    struct bytes body;
    WEFT_CLEANUP(block_scanner_done) struct block_scanner scanner;
    block_scanner_init(&scanner, dir, file, offset, last_file);
    for (;;) {
        s.rc = block_scanner_next(&scanner, &s.what, &body, &s.place, &s.e);
        if (s.rc != WEFT_OK || s.what != BLOCK_SCAN_RECORD)
            return s;
        s.records++;
    }
}

TEST(file_names_are_fabrics)
{
    WEFT_FREE char *first = block_file_path("d", 0);
    WEFT_FREE char *large = block_file_path("d", 1234567);
    EXPECT_STR(first, "d/blockfile_000000");
    EXPECT_STR(large, "d/blockfile_1234567");
}

TEST(files_are_counted_and_gaps_refused)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    WEFT_FREE char *other = weft_asprintf("%s/__preResetHeight", dir);
    uint64_t count = 9;
    EXPECT_OK(block_file_count(dir, &count, &e));
    EXPECT_EQ(count, 0);
    EXPECT_OK(file_write_atomic(other, bytes_of_str("5"), 0644, &e));
    write_number(dir, 0, bytes_of(NULL, 0));
    write_number(dir, 1, bytes_of(NULL, 0));
    EXPECT_OK(block_file_count(dir, &count, &e));
    EXPECT_EQ(count, 2);
    write_number(dir, 3, bytes_of(NULL, 0));
    EXPECT_CODE(block_file_count(dir, &count, &e), WEFT_CORRUPT);
    EXPECT_WORDS(e, "block files go up to 000003 but there are only 3 of them");
    WEFT_FREE char *odd = weft_asprintf("%s/blockfile_old", dir);
    EXPECT_OK(file_write_atomic(odd, bytes_of_str(""), 0644, &e));
    EXPECT_CODE(block_file_count(dir, &count, &e), WEFT_CORRUPT);
    EXPECT_WORDS(e, "has no number");
    EXPECT_CODE(block_file_count("/nowhere", &count, &e), WEFT_NOT_FOUND);
}

/* The tails of spec 20, 3.5, each behind one good record of three bytes. */
TEST(tails_are_torn_or_refused_as_by_the_original)
{
    static const struct {
        const char *tail;
        size_t len;
        enum weft_code rc;
        enum block_scan what;
        uint64_t records;
    } rows[] = {
        { "", 0, WEFT_OK, BLOCK_SCAN_END, 1 },
        { "\xff\x7f\x01\x02", 4, WEFT_OK, BLOCK_SCAN_TORN, 1 },
        { "\xff\xff\xff", 3, WEFT_OK, BLOCK_SCAN_TORN, 1 },
        { "\x80", 1, WEFT_OK, BLOCK_SCAN_TORN, 1 },
        { "\xff\xff\xff\xff\xff\xff\xff", 7, WEFT_OK, BLOCK_SCAN_TORN, 1 },
        { "\xff\xff\xff\xff\xff\xff\xff\xff", 8, WEFT_CORRUPT, BLOCK_SCAN_END, 1 },
        { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, WEFT_CORRUPT, BLOCK_SCAN_END, 1 },
        { "\x02\0\0", 3, WEFT_OK, BLOCK_SCAN_END, 2 },
        { "\0", 1, WEFT_OK, BLOCK_SCAN_END, 2 },
        { "\0\0\0", 3, WEFT_OK, BLOCK_SCAN_END, 4 },
        { "\x05zzzz", 5, WEFT_OK, BLOCK_SCAN_TORN, 1 },
        { "\x80\0", 2, WEFT_CORRUPT, BLOCK_SCAN_END, 1 }, /* nobody writes 0 in two bytes */
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++) {
        WEFT_FREE char *dir = weft_test_fast_dir();
        WEFT_CLEANUP(buf_done) struct buf b = { 0 };
        buf_put(&b, bytes_of("\x03"
                             "abc",
                             4));
        buf_put(&b, bytes_of(rows[i].tail, rows[i].len));
        write_number(dir, 0, buf_bytes(&b));
        struct scanned s = scan(dir, 0, 0, 0);
        EXPECT_EQ(s.rc, rows[i].rc);
        EXPECT_EQ(s.records, rows[i].records);
        if (s.rc == WEFT_OK)
            EXPECT_EQ(s.what, rows[i].what);
        if (s.rc == WEFT_OK && s.what == BLOCK_SCAN_TORN)
            EXPECT_EQ(s.place.offset, 4);
    }
}

TEST(a_length_over_the_limit_is_refused_before_it_is_believed)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    WEFT_FREE char *path = block_file_path(dir, 0);
    WEFT_CLEANUP(file_close) int fd = -1;
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    buf_put_uvarint(&b, (uint64_t)LIMIT_BLOCK_BYTES + 1);
    EXPECT_OK(file_open(path, O_RDWR | O_CREAT, 0644, &fd, &e));
    EXPECT_OK(file_write(fd, path, buf_bytes(&b), &e));
    EXPECT_EQ(scan(dir, 0, 0, 0).what, BLOCK_SCAN_TORN);
    EXPECT_OK(file_truncate(fd, path, b.len + (uint64_t)LIMIT_BLOCK_BYTES + 1, &e)); /* a hole */
    struct scanned s = scan(dir, 0, 0, 0);
    EXPECT_EQ(s.rc, WEFT_LIMIT);
    EXPECT_WORDS(s.e, "record of 134217729 bytes at offset 0, more than 134217728");
}

TEST(the_scan_goes_on_in_the_next_file_and_no_further_than_told)
{
    WEFT_FREE char *dir = weft_test_fast_dir();
    write_number(dir, 0,
                 bytes_of("\x01"
                          "a\x01"
                          "b",
                          4));
    write_number(dir, 1, bytes_of(NULL, 0));
    write_number(dir, 2,
                 bytes_of("\x01"
                          "c",
                          2));
    EXPECT_EQ(scan(dir, 0, 0, 2).records, 3);
    EXPECT_EQ(scan(dir, 0, 2, 2).records, 2);
    EXPECT_EQ(scan(dir, 0, 0, 1).records, 2);
    EXPECT_EQ(scan(dir, 0, 0, 0).records, 2);
    EXPECT_EQ(scan(dir, 2, 2, 2).records, 0);
    EXPECT_EQ(scan(dir, 2, 3, 2).rc, WEFT_CORRUPT); /* shorter than it must be */
    EXPECT_EQ(scan(dir, 0, 0, 3).rc, WEFT_NOT_FOUND);
}

/* Larger than the window, and lengths of one to four bytes. */
TEST(records_of_every_size_come_out_whole)
{
    static const size_t sizes[] = { 0, 1, 127, 128, 16383, 16384, 70000, 1 << 20, 3 << 20, 5 };
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    WEFT_CLEANUP(buf_done) struct buf file = { 0 };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(sizes); i++) {
        buf_put_uvarint(&file, sizes[i]);
        memset(buf_reserve(&file, sizes[i]), 'a' + (int)i, sizes[i]);
        file.len += sizes[i];
    }
    write_number(dir, 0, buf_bytes(&file));
    WEFT_CLEANUP(block_scanner_done) struct block_scanner s;
    block_scanner_init(&s, dir, 0, 0, 0);
    uint64_t at = 0;
    for (size_t i = 0; i < WEFT_ARRAY_LEN(sizes); i++) {
        enum block_scan what = BLOCK_SCAN_END;
        struct bytes body = { 0 };
        struct block_place place = { 0 };
        EXPECT_OK(block_scanner_next(&s, &what, &body, &place, &e));
        EXPECT_EQ(what, BLOCK_SCAN_RECORD);
        EXPECT_EQ(body.len, sizes[i]);
        EXPECT_EQ(place.offset, at);
        EXPECT_EQ(place.body_offset, at + uvarint_len(sizes[i]));
        at = place.end;
        for (size_t k = 0; k < body.len; k += 1000)
            EXPECT_EQ(body.data[k], 'a' + i);
    }
    EXPECT_EQ(at, file.len);
}

/* Small and large ones by turns, each twice so that large ones come in a row, in two files. */
TEST(large_records_are_read_into_buffers_of_their_own)
{
    static const size_t sizes[] = { 10,
                                    40000,
                                    100,
                                    BLOCK_LARGE_BYTES - 1,
                                    BLOCK_LARGE_BYTES,
                                    0,
                                    1,
                                    3 << 20,
                                    70000,
                                    1 << 20,
                                    90000,
                                    20000,
                                    60000,
                                    1000,
                                    33000 };
    const size_t in_file = 2 * WEFT_ARRAY_LEN(sizes);
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    WEFT_CLEANUP(buf_done) struct buf file = { 0 };
    for (size_t i = 0; i < in_file; i++) {
        buf_put_uvarint(&file, sizes[i / 2]);
        memset(buf_reserve(&file, sizes[i / 2]), 'a' + (int)i, sizes[i / 2]);
        file.len += sizes[i / 2];
    }
    write_number(dir, 0, buf_bytes(&file));
    write_number(dir, 1, buf_bytes(&file));
    WEFT_CLEANUP(block_scanner_done) struct block_scanner s;
    block_scanner_init(&s, dir, 0, 0, 1);
    uint64_t at = 0;
    for (size_t i = 0; i <= 2 * in_file; i++) {
        size_t n = i % in_file, len = sizes[n / 2], wrong = 0;
        enum block_scan what = BLOCK_SCAN_END;
        struct bytes body = { 0 };
        struct block_place place = { 0 };
        WEFT_CLEANUP(buf_done) struct buf own = { 0 };
        EXPECT_OK(block_scanner_next_own(&s, &what, &body, &own, &place, &e));
        EXPECT_EQ(what, i < 2 * in_file ? BLOCK_SCAN_RECORD : BLOCK_SCAN_END);
        if (what != BLOCK_SCAN_RECORD)
            break;
        EXPECT_EQ(body.len, len);
        EXPECT_EQ(own.len, len >= BLOCK_LARGE_BYTES ? len : 0);
        EXPECT(own.len == 0 || body.data == own.data);
        EXPECT_EQ(place.offset, n == 0 ? 0 : at);
        at = place.end;
        for (size_t k = 0; k < body.len; k++)
            wrong += body.data[k] != 'a' + n;
        EXPECT_EQ(wrong, 0);
    }
    EXPECT_EQ(at, file.len);
    EXPECT(s.window.cap < 3 << 20); /* the largest did not go through it */
}

/* A reader that looked while the end of a record was missing sees the whole
 * record later, also when it had read ahead, and never what was cut back. */
TEST(what_was_read_ahead_is_forgotten_when_told)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    WEFT_FREE char *path = block_file_path(dir, 0);
    write_number(dir, 0,
                 bytes_of("\x01"
                          "a\x03"
                          "xy",
                          5));
    WEFT_CLEANUP(block_scanner_done) struct block_scanner s;
    enum block_scan what = BLOCK_SCAN_END;
    struct bytes body = { 0 };
    struct block_place place = { 0 };
    block_scanner_init(&s, dir, 0, 0, 0);
    EXPECT_OK(block_scanner_next(&s, &what, &body, &place, &e));
    EXPECT_BYTES(body, bytes_of_str("a"));

    WEFT_CLEANUP(file_close) int fd = -1;
    EXPECT_OK(file_open(path, O_RDWR | O_APPEND, 0, &fd, &e));
    EXPECT_OK(file_truncate(fd, path, 2, &e));
    EXPECT_OK(file_write(fd, path,
                         bytes_of("\x04"
                                  "1234\x01"
                                  "b",
                                  7),
                         &e));
    block_scanner_forget(&s);
    EXPECT_OK(block_scanner_next(&s, &what, &body, &place, &e));
    EXPECT_EQ(what, BLOCK_SCAN_RECORD);
    EXPECT_BYTES(body, bytes_of_str("1234"));
    EXPECT_OK(block_scanner_next(&s, &what, &body, &place, &e));
    EXPECT_BYTES(body, bytes_of_str("b"));
}

/* One record after the other, all of the byte that its place in the list says. */
static void write_records(const char *dir, const size_t *sizes, size_t count)
{
    WEFT_CLEANUP(buf_done) struct buf file = { 0 };
    for (size_t i = 0; i < count; i++) {
        buf_put_uvarint(&file, sizes[i]);
        memset(buf_reserve(&file, sizes[i]), 'a' + (int)i, sizes[i]);
        file.len += sizes[i];
    }
    write_number(dir, 0, buf_bytes(&file));
}

static enum weft_code next_byte(struct block_scanner *s, bool is_hasty, char *ret,
                                struct weft_err *e)
{
    enum block_scan what = BLOCK_SCAN_END;
    struct bytes body = { 0 };
    struct block_place place = { 0 };
    WEFT_CLEANUP(buf_done) struct buf own = { 0 };
    s->is_hasty = is_hasty;
    WEFT_TRY(block_scanner_next_own(s, &what, &body, &own, &place, e));
    EXPECT_EQ(what, BLOCK_SCAN_RECORD);
    EXPECT_EQ(body.data[0], body.data[body.len - 1]);
    *ret = (char)body.data[0];
    return WEFT_OK;
}

TEST(who_is_in_haste_gets_what_is_cached_and_loses_nothing)
{
    const size_t sizes[] = { 100, 50000, 10, BLOCK_HASTY_BYTES + 1, 200, BLOCK_HASTY_BYTES, 3 };
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_dir();
    WEFT_FREE char *path = block_file_path(dir, 0);
    WEFT_CLEANUP(file_close) int fd = -1;
    size_t cached = 0;
    char out = 0;
    write_records(dir, sizes, WEFT_ARRAY_LEN(sizes));
    EXPECT_OK(file_open(path, O_RDONLY, 0, &fd, &e));
    EXPECT_OK(file_pread_cached(fd, path, 0, &out, 1, &cached, &e));
    if (cached == 0) {
        print_message("this file system does not say what is in memory: skipped\n");
        skip();
    }
    WEFT_CLEANUP(block_scanner_done) struct block_scanner s;
    block_scanner_init(&s, dir, 0, 0, 0);
    EXPECT_CODE(next_byte(&s, true, &out, &e), WEFT_UNAVAILABLE); /* no file is open */
    EXPECT_OK(next_byte(&s, false, &out, &e));
    EXPECT_EQ(out, 'a');
    EXPECT_OK(next_byte(&s, true, &out, &e));
    EXPECT_EQ(out, 'b');
    EXPECT_OK(next_byte(&s, true, &out, &e));
    EXPECT_EQ(out, 'c');
    EXPECT_CODE(next_byte(&s, true, &out, &e), WEFT_UNAVAILABLE); /* large */
    EXPECT_CODE(next_byte(&s, true, &out, &e), WEFT_UNAVAILABLE);
    EXPECT_OK(next_byte(&s, false, &out, &e));
    EXPECT_EQ(out, 'd');
    for (const char *want = "efg"; *want != 0; want++) {
        EXPECT_OK(next_byte(&s, true, &out, &e));
        EXPECT_EQ(out, *want);
    }
}
