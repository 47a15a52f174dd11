#include "base/utf8.h"

#include "weft_test.h"

static void expect(const char *text, size_t len, size_t want_len, uint32_t want_rune)
{
    uint32_t rune = 77;
    EXPECT_EQ(utf8_decode(bytes_of(text, len), &rune), want_len);
    EXPECT_EQ(rune, want_len > 0 ? want_rune : 77);
}

TEST(reads_the_first_and_the_last_of_each_length)
{
    expect("\0", 1, 1, 0);
    expect("\x7f", 1, 1, 0x7f);
    expect("\xc2\x80", 2, 2, 0x80);
    expect("\xdf\xbf", 2, 2, 0x7ff);
    expect("\xe0\xa0\x80", 3, 3, 0x800);
    expect("\xed\x9f\xbf", 3, 3, 0xd7ff);
    expect("\xee\x80\x80", 3, 3, 0xe000);
    expect("\xf0\x90\x80\x80x", 5, 4, 0x10000);
    expect("\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff);
}

TEST(refuses_what_is_not_utf8)
{
    expect("", 0, 0, 0);
    expect("\x80", 1, 0, 0); /* begins with a continuation */
    expect("\xc3", 1, 0, 0); /* cut off */
    expect("\xe2\x82", 2, 0, 0);
    expect("\xc3x", 2, 0, 0);    /* not continued */
    expect("\xc1\xbf", 2, 0, 0); /* overlong */
    expect("\xe0\x9f\xbf", 3, 0, 0);
    expect("\xf0\x8f\xbf\xbf", 4, 0, 0);
    expect("\xed\xa0\x80", 3, 0, 0); /* surrogates */
    expect("\xed\xbf\xbf", 3, 0, 0);
    expect("\xf4\x90\x80\x80", 4, 0, 0); /* above the last */
    expect("\xf8\x88\x80\x80\x80", 5, 0, 0);
    expect("\xff", 1, 0, 0);
}
