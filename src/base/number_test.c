#include "base/number.h"

#include "weft_test.h"

TEST(a_number_is_all_digits_or_no_number)
{
    uint64_t n = 5;
    EXPECT(number_parse_u64("18446744073709551615", &n));
    EXPECT_EQ(n, UINT64_MAX);
    EXPECT(!number_parse_u64("18446744073709551616", &n));
    EXPECT(!number_parse_u64("", &n));
    EXPECT(!number_parse_u64("+1", &n));
    EXPECT(!number_parse_u64("1 ", &n));
}
