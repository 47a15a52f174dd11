#include "config/config_value.h"

#include "weft_test.h"

static void expect_bool(const char *text, bool plain, int want) /* -1: refused */
{
    bool b = false;
    EXPECT_EQ(config_parse_bool(text, plain, &b) ? (b ? 1 : 0) : 77, want >= 0 ? want : 77);
}

TEST(truth_values)
{
    expect_bool("true", false, 1);
    expect_bool("T", false, 1);
    expect_bool("1", false, 1);
    expect_bool("FALSE", true, 0);
    expect_bool("0", true, 0);
    expect_bool("yes", true, 1);
    expect_bool("Off", true, 0);
    expect_bool("yes", false, -1); /* Go's ParseBool knows no yes */
    expect_bool("tRUE", true, -1);
    expect_bool("", true, -1);
    expect_bool("2", true, -1);
}

static void expect_int(const char *text, bool plain, int64_t want)
{
    int64_t n = 0;
    EXPECT(config_parse_int(text, plain, &n));
    EXPECT_EQ(n, want);
}

TEST(whole_numbers)
{
    expect_int("7050", false, 7050);
    expect_int("-3", false, -3);
    expect_int("+3", true, 3);
    expect_int("0", false, 0);
    expect_int("0x1b8a", false, 7050);
    expect_int("0X1B8A", true, 7050);
    expect_int("017", true, 15);
    expect_int("0o17", true, 15);
    expect_int("0b11", true, 3);
    expect_int("7_050", true, 7050);
    expect_int("9223372036854775807", false, INT64_MAX);
    expect_int("-9223372036854775808", false, INT64_MIN);
}

TEST(what_is_no_whole_number)
{
    static const char *const cases[] = { "",
                                         "x",
                                         "-",
                                         "0x",
                                         "08",
                                         "7050.0",
                                         "1e3",
                                         " 1",
                                         "1 ",
                                         "--1",
                                         "0xg",
                                         "_1",
                                         "9223372036854775808",
                                         "-9223372036854775809" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(cases); i++) {
        int64_t n;
        EXPECT(!config_parse_int(cases[i], true, &n));
    }
    int64_t n;
    EXPECT(!config_parse_int("7_050", false, &n));
}

static void expect_size(const char *text, uint64_t want)
{
    uint64_t n = 0;
    EXPECT(config_parse_size(text, false, &n));
    EXPECT_EQ(n, want);
}

TEST(sizes)
{
    expect_size("104857600", 104857600);
    expect_size("10 MB", 10 << 20);
    expect_size("99 mb", 99 << 20);
    expect_size("512k", 512 << 10);
    expect_size("512KB", 512 << 10);
    expect_size("2G", 2ULL << 30);
    expect_size("0x10", 16);
    static const char *const cases[] = { "",
                                         "MB",
                                         "10 XB",
                                         "10 M B",
                                         "10 MBs",
                                         "-1 MB",
                                         "1.5 MB",
                                         "10M ",
                                         "99999999999999999999 k",
                                         "9223372036854775807k",
                                         "-5",
                                         "000000000000000000000000000001k" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(cases); i++) {
        uint64_t n;
        EXPECT(!config_parse_size(cases[i], false, &n));
    }
}

TEST(durations_and_bare_nanoseconds)
{
    int64_t ns = 0;
    EXPECT(config_parse_duration("1m30s", false, &ns));
    EXPECT_EQ(ns, 90000000000);
    EXPECT(config_parse_duration("10", false, &ns));
    EXPECT_EQ(ns, 10);
    EXPECT(!config_parse_duration("10 s", false, &ns));
    EXPECT(!config_parse_duration("", true, &ns));
}

TEST(ratios)
{
    double d = 0;
    EXPECT(config_parse_ratio("0.75", &d));
    EXPECT(d == 0.75);
    EXPECT(config_parse_ratio("1e-2", &d));
    EXPECT(!config_parse_ratio("nan", &d));
    EXPECT(!config_parse_ratio("0x1p3", &d));
    EXPECT(!config_parse_ratio("1e999", &d));
    EXPECT(!config_parse_ratio("0.5.", &d));
    EXPECT(!config_parse_ratio("", &d));
}
