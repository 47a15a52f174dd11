#include "proto/wire.h"

#include "base/limits.h"
#include "weft_test.h"

static struct buf from_hex(const char *hex)
{
    struct buf b = { 0 };
    size_t n = strlen(hex) / 2;
    EXPECT(bytes_from_hex(bytes_of_str(hex), buf_reserve(&b, n)));
    b.len = n;
    return b;
}

/* How many fields are read; -1 when the message is bad. */
static int fields_in(struct bytes b)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    int n = 0;
    while (wire_next(&w, &f))
        n++;
    return w.bad ? -1 : n;
}

TEST(fields_come_out_in_order_with_their_values)
{
    WEFT_CLEANUP(buf_done)
    struct buf b = from_hex("08ac02"
                            "1203616263"
                            "1d01000080"
                            "210200000000000080");
    struct wire w = wire_of(buf_bytes(&b));
    struct wire_field f;
    EXPECT(wire_next(&w, &f));
    EXPECT(wire_is(&f, 1, WIRE_VARINT));
    EXPECT_EQ(f.varint, 300);
    EXPECT_EQ(f.whole.len, 3);
    EXPECT(wire_next(&w, &f));
    EXPECT(wire_is(&f, 2, WIRE_LEN));
    EXPECT_BYTES(f.bytes, bytes_of_str("abc"));
    EXPECT(wire_next(&w, &f));
    EXPECT(wire_is(&f, 3, WIRE_FIXED32));
    EXPECT_EQ(f.varint, 0x80000001U);
    EXPECT(wire_next(&w, &f));
    EXPECT(wire_is(&f, 4, WIRE_FIXED64));
    EXPECT_EQ(f.varint, 0x8000000000000002U);
    EXPECT(!wire_next(&w, &f));
    EXPECT(!w.bad);
}

TEST(what_go_refuses_is_bad)
{
    static const struct {
        const char *hex;
        int fields;
    } rows[] = {
        { "", 0 },
        { "0801", 1 },
        { "880001", 1 },                    /* tag in two bytes */
        { "08ffffffffffffffffff01", 1 },    /* 2^64-1 */
        { "08ffffffffffffffffff02", -1 },   /* more */
        { "08ffffffffffffffffffff01", -1 }, /* eleven bytes */
        { "0001", -1 },                     /* field number 0 */
        { "08", -1 },
        { "0880", -1 },
        { "0f", -1 },                     /* type 7 */
        { "0e", -1 },                     /* type 6 */
        { "1204616263", -1 },             /* three of four bytes */
        { "12ffffffffffffffffff01", -1 }, /* length 2^64-1 */
        { "1200", 1 },
        { "0d010203", -1 },         /* three of four bytes */
        { "0901020304050607", -1 }, /* seven of eight */
        { "0b0c", 1 },              /* an empty group */
        { "0b08010c", 1 },
        { "0b13080114"
          "0c",
          1 },                           /* a group in a group */
        { "0b", -1 },                    /* no end */
        { "0c", -1 },                    /* an end of nothing */
        { "f8ffffff0f01", 1 },           /* field 2^29-1 */
        { "f8ffffffffffffffff0101", 1 }, /* field 2^61-1 */
        { "0b0001"
          "0c",
          1 }, /* in a group number 0 is as good as any */
        { "6b0561737365"
          "74",
          1 }, /* and an end tag's, too */
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++) {
        WEFT_CLEANUP(buf_done) struct buf b = from_hex(rows[i].hex);
        int got = fields_in(buf_bytes(&b));
        if (got != rows[i].fields)
            fail_msg("%s: %d fields, wanted %d", rows[i].hex, got, rows[i].fields);
    }
}

TEST(a_group_is_one_field_with_what_lies_in_it)
{
    WEFT_CLEANUP(buf_done)
    struct buf b = from_hex("1b0801"
                            "1c"
                            "0802");
    struct wire w = wire_of(buf_bytes(&b));
    struct wire_field f;
    EXPECT(wire_next(&w, &f));
    EXPECT(wire_is(&f, 3, WIRE_GROUP));
    EXPECT_EQ(f.whole.len, 4);
    EXPECT(wire_next(&w, &f));
    EXPECT(wire_is(&f, 1, WIRE_VARINT));
    EXPECT_EQ(f.varint, 2);
}

/* Without a recursion. */
TEST(half_a_million_groups_in_each_other_are_one_field)
{
    enum {
        GROUPS = 1 << 19
    };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    for (int i = 0; i < GROUPS; i++)
        buf_put_u8(&b, 0x0b);
    EXPECT_EQ(fields_in(buf_bytes(&b)), -1);
    for (int i = 0; i < GROUPS; i++)
        buf_put_u8(&b, 0x0c);
    EXPECT_EQ(fields_in(buf_bytes(&b)), 1);
}

TEST(a_bad_message_stays_bad)
{
    struct wire w = wire_of(bytes_of("\x08\x01\x0f\x08\x01", 5));
    struct wire_field f;
    EXPECT(wire_next(&w, &f));
    for (int i = 0; i < 3; i++) {
        EXPECT(!wire_next(&w, &f));
        EXPECT(w.bad);
    }
}

TEST(what_is_put_is_read)
{
    static const uint64_t numbers[] = { 0, 1, 127, 128, 1ULL << 35, UINT64_MAX };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(numbers); i++) {
        WEFT_CLEANUP(buf_done) struct buf b = { 0 };
        struct wire_field f;
        wire_put_varint(&b, 536870911, numbers[i]);
        wire_put_bytes(&b, 16, buf_bytes(&b));
        struct wire w = wire_of(buf_bytes(&b));
        EXPECT(wire_next(&w, &f));
        EXPECT(wire_is(&f, 536870911, WIRE_VARINT));
        EXPECT_EQ(f.varint, numbers[i]);
        size_t first = f.whole.len;
        EXPECT(wire_next(&w, &f));
        EXPECT_EQ(f.bytes.len, first);
        EXPECT(!wire_next(&w, &f) && !w.bad);
    }
}

/* The borders of every row of the Unicode standard's table 3-7. */
TEST(utf8_is_what_unicode_says)
{
    static const struct {
        const char *hex;
        bool good;
    } rows[] = {
        { "", true },
        { "00", true },
        { "7f", true },
        { "80", false },
        { "bf", false },
        { "c080", false },
        { "c1bf", false },
        { "c280", true },
        { "dfbf", true },
        { "c2", false },
        { "c241", false },
        { "e09fbf", false },
        { "e0a080", true },
        { "ecbfbf", true },
        { "ed9fbf", true },
        { "eda080", false },
        { "edbfbf", false },
        { "ee8080", true },
        { "efbfbf", true },
        { "e180", false },
        { "e18041", false },
        { "f08fbfbf", false },
        { "f0908080", true },
        { "f3bfbfbf", true },
        { "f48fbfbf", true },
        { "f4908080", false },
        { "f5808080", false },
        { "f0908041", false },
        { "f09080", false },
        { "f8888080"
          "80",
          false },
        { "fe", false },
        { "ff", false },
        { "61c3a4e282acf09d849e62", true },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++) {
        WEFT_CLEANUP(buf_done) struct buf b = from_hex(rows[i].hex);
        if (wire_utf8(buf_bytes(&b)) != rows[i].good)
            fail_msg("%s is %s", rows[i].hex, rows[i].good ? "UTF-8" : "no UTF-8");
    }
}
