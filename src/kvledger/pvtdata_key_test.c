#include "kvledger/pvtdata_key.h"

#include "weft_test.h"

static void expect_hex(const struct buf *b, const char *want)
{
    WEFT_FREE char *got = bytes_to_hex(buf_bytes(b));
    EXPECT_STR(got, want);
}

TEST(larger_numbers_sort_first)
{
    static const struct {
        uint64_t n;
        const char *key;
    } cases[] = {
        { UINT64_MAX, "000000000000000000" },
        { (uint64_t)1 << 63, "007fffffffffffffff" },
        { (uint64_t)1 << 32, "03feffffffff" },
        { 65536, "05feffff" },
        { 65535, "060000" },
        { 256, "06feff" },
        { 255, "0700" },
        { 128, "077f" },
        { 127, "0780" },
        { 1, "07fe" },
        { 0, "08" },
    };
    WEFT_CLEANUP(buf_done) struct buf before = { 0 };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        WEFT_CLEANUP(buf_done) struct buf b = { 0 };
        uint64_t n = 0;
        reverse_key_put(&b, cases[i].n);
        expect_hex(&b, cases[i].key);
        EXPECT(bytes_cmp(buf_bytes(&before), buf_bytes(&b)) < 0);
        buf_clear(&before);
        buf_put(&before, buf_bytes(&b));
        buf_put_u8(&b, 'x');
        struct bytes rest = buf_bytes(&b);
        EXPECT(reverse_key_take(&rest, &n));
        EXPECT_EQ(n, cases[i].n);
        EXPECT_BYTES(rest, bytes_of_str("x"));
    }
}

TEST(a_number_that_is_cut_short_is_none)
{
    static const char *const broken[] = { "", "\x09", "\x07", "\x06\xff", "\xff" };
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        struct bytes rest = bytes_of_str(broken[i]);
        uint64_t n = 0;
        EXPECT(!reverse_key_take(&rest, &n));
    }
}

TEST(a_set_s_key_comes_apart_as_it_was_put_together)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    struct pvtdata_set_key k;
    pvtdata_key_put_set(&b, 31, 1, bytes_of_str("pdc"), bytes_of_str("collBoth"));
    expect_hex(&b, "011f010170646300636f6c6c426f7468");
    EXPECT(pvtdata_set_key_parse(buf_bytes(&b), &k));
    EXPECT_EQ(k.block, 31);
    EXPECT_EQ(k.tx, 1);
    EXPECT(!k.is_whole_tx);
    EXPECT_BYTES(k.ns, bytes_of_str("pdc"));
    EXPECT_BYTES(k.coll, bytes_of_str("collBoth"));
    EXPECT(pvtdata_set_key_parse(bytes_of("\x01\x1f\x00", 3), &k));
    EXPECT(k.is_whole_tx);
    EXPECT(!pvtdata_set_key_parse(bytes_of("\x01\x1f\x00pdc", 6), &k));
    EXPECT(!pvtdata_set_key_parse(bytes_of("\x01", 1), &k));
}

TEST(a_bitmap_has_words_with_the_lowest_bit_first)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    pvtdata_bitmap_put(&b, (const uint64_t[]){ 1, 3 }, 2);
    expect_hex(&b, "0000000000000004000000000000000a");
    buf_clear(&b);
    pvtdata_bitmap_put(&b, (const uint64_t[]){ 0 }, 1);
    expect_hex(&b, "00000000000000010000000000000001");
    buf_clear(&b);
    pvtdata_bitmap_put(&b, (const uint64_t[]){ 63, 64, 64, 200 }, 4);
    expect_hex(&b, "00000000000000c9"
                   "8000000000000000"
                   "0000000000000001"
                   "0000000000000000"
                   "0000000000000100");
}
