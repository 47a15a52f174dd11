#include "proto/repeated.h"

#include "weft_test.h"

TEST(passes_over_what_is_not_of_the_field)
{
    /* 1: "a", 2: "x", 1 as a number, 1: "", 1: "b" */
    struct repeated r = repeated_of(bytes_of("\x0a\x01"
                                             "a\x12\x01x\x08\x05\x0a\0\x0a\x01"
                                             "b",
                                             13),
                                    1);
    struct bytes item = { 0 };
    EXPECT_EQ(r.count, 3);
    EXPECT(repeated_next(&r, &item));
    EXPECT_BYTES(item, bytes_of_str("a"));
    EXPECT(repeated_next(&r, &item));
    EXPECT_EQ(item.len, 0);
    EXPECT(repeated_next(&r, &item));
    EXPECT_BYTES(item, bytes_of_str("b"));
    EXPECT(!repeated_next(&r, &item));
    EXPECT(!repeated_next(&r, &item));
}

TEST(goes_from_part_to_part_of_the_outer_field)
{
    /* 2 { 1: "a" }, 2 { }, 1: "not in 2", 2 { 1: "b", 1: "c" } */
    struct repeated r = repeated_within(bytes_of("\x12\x03\x0a\x01"
                                                 "a\x12\0\x0a\x01-\x12\x06\x0a\x01"
                                                 "b\x0a\x01"
                                                 "c",
                                                 18),
                                        2, 1);
    struct repeated again = r;
    struct bytes item = { 0 };
    char seen[4] = "";
    EXPECT_EQ(r.count, 3);
    for (size_t i = 0; repeated_next(&r, &item); i++)
        seen[i] = (char)item.data[0];
    EXPECT_STR(seen, "abc");
    EXPECT(repeated_next(&again, &item)); /* a copy goes its own way */
    EXPECT_BYTES(item, bytes_of_str("a"));
}

TEST(has_nothing_in_no_bytes)
{
    struct bytes item;
    struct repeated r = repeated_within((struct bytes){ 0 }, 2, 1);
    EXPECT_EQ(r.count, 0);
    EXPECT(!repeated_next(&r, &item));
}
