#include "base/bytes.h"
#include "base/varint.h"

#include "weft_test.h"

#include <sys/mman.h>
#include <unistd.h>

TEST(varints_are_protobufs)
{
    static const struct {
        uint64_t n;
        const char *hex;
    } rows[] = {
        { 0, "00" },
        { 127, "7f" },
        { 128, "8001" },
        { 300, "ac02" },
        { UINT32_MAX, "ffffffff0f" },
        { UINT64_MAX, "ffffffffffffffffff01" },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++) {
        uint8_t out[UVARINT_LEN_MAX];
        size_t len = uvarint_encode(rows[i].n, out);
        WEFT_FREE char *hex = bytes_to_hex(bytes_of(out, len));
        uint64_t back = 0;
        EXPECT_STR(hex, rows[i].hex);
        EXPECT_EQ(uvarint_len(rows[i].n), len);
        EXPECT_EQ(uvarint_decode(bytes_of(out, len), &back), len);
        EXPECT_EQ(back, rows[i].n);
        EXPECT_EQ(uvarint_decode(bytes_of(out, len - 1), &back), 0);
    }
}

TEST(a_varint_of_more_than_64_bits_is_refused)
{
    uint64_t n = 7;
    EXPECT_EQ(uvarint_decode(bytes_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10), &n), 0);
    EXPECT_EQ(uvarint_decode(bytes_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11), &n), 0);
    EXPECT_EQ(n, 7);
    EXPECT_EQ(uvarint_decode(bytes_of("\x80\x00", 2), &n), 2); /* over-long, read as in Go */
    EXPECT_EQ(n, 0);
}

TEST(bytes_compare_like_keys)
{
    EXPECT(bytes_cmp(bytes_of_str("a"), bytes_of_str("ab")) < 0);
    EXPECT(bytes_cmp(bytes_of_str("b"), bytes_of_str("ab")) > 0);
    EXPECT_EQ(bytes_cmp(bytes_of_str("ab"), bytes_of_str("ab")), 0);
    EXPECT(bytes_eq(bytes_of(NULL, 0), bytes_of_str("")));
    EXPECT(bytes_start_with(bytes_of_str("abc"), bytes_of_str("ab")));
    EXPECT(!bytes_start_with(bytes_of_str("a"), bytes_of_str("ab")));
}

TEST(hex_goes_both_ways_and_refuses_the_rest)
{
    uint8_t out[2];
    EXPECT(bytes_from_hex(bytes_of_str("0aFf"), out));
    EXPECT_BYTES(bytes_of(out, 2), bytes_of("\x0a\xff", 2));
    EXPECT(!bytes_from_hex(bytes_of_str("0"), out));
    EXPECT(!bytes_from_hex(bytes_of_str("0g"), out));
}

/* It only asks the CPU: also at the end of what can be read, and of nothing. */
TEST(bytes_that_are_soon_read_are_not_read_yet)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *two = mmap(NULL, 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(two != MAP_FAILED);
    EXPECT(mprotect(two, page, PROT_READ) == 0);
    bytes_soon(bytes_of(two + page - 10, 10));
    bytes_soon(bytes_of(two + page, page));
    bytes_soon(bytes_of(NULL, 0));
    EXPECT(munmap(two, 2 * page) == 0);
}

TEST(a_buffer_grows_over_many_puts)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    for (unsigned i = 0; i < 1000; i++)
        buf_printf(&b, "%u,", i);
    buf_put_len_bytes(&b, bytes_of_str("xyz"));
    EXPECT_EQ(b.len, 10 * 2 + 90 * 3 + 900 * 4 + 4);
    EXPECT_EQ(b.data[b.len - 4], 3);
}
