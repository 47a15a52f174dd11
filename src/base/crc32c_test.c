#include "base/crc32c.h"

#include "weft_test.h"

TEST(knows_the_check_values)
{
    struct crc32c c;
    crc32c_init(&c);
    EXPECT_EQ(crc32c_of(&c, 0, bytes_of_str("123456789")), 0xe3069283);
    EXPECT_EQ(crc32c_of(&c, 0, bytes_of_str("")), 0);
    uint8_t zeros[32] = { 0 }; /* RFC 3720, B.4 */
    EXPECT_EQ(crc32c_of(&c, 0, bytes_of(zeros, sizeof(zeros))), 0x8a9136aa);
    uint8_t rising[32];
    for (uint8_t i = 0; i < 32; i++)
        rising[i] = i;
    EXPECT_EQ(crc32c_of(&c, 0, bytes_of(rising, sizeof(rising))), 0x46dd794e);
}

TEST(pieces_give_what_the_whole_gives)
{
    struct crc32c c;
    crc32c_init(&c);
    struct bytes all = bytes_of_str("a sentence of some length, cut everywhere");
    uint32_t want = crc32c_of(&c, 0, all);
    for (size_t i = 0; i <= all.len; i++) {
        uint32_t crc = crc32c_of(&c, 0, bytes_of(all.data, i));
        EXPECT_EQ(crc32c_of(&c, crc, bytes_skip(all, i)), want);
    }
}
