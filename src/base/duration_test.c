#include "base/duration.h"

#include "weft_test.h"

static void expect(const char *text, int64_t want_ns)
{
    int64_t ns = 77;
    EXPECT(duration_parse(bytes_of_str(text), &ns));
    EXPECT_EQ(ns, want_ns);
}

TEST(reads_what_go_reads)
{
    expect("0", 0);
    expect("+0", 0);
    expect("5s", 5 * DURATION_S);
    expect("642ms", 642 * DURATION_MS);
    expect("5m0s", 5 * DURATION_M);
    expect("1h15m30.918273645s", DURATION_H + 15 * DURATION_M + 30918273645);
    expect("1.5h", 90 * DURATION_M);
    expect(".5s", 500 * DURATION_MS);
    expect("1.s", DURATION_S);
    expect("-1m", -DURATION_M);
    expect("10ns11us", 11010);
    expect("12\xc2\xb5s12\xce\xbcs", 24000);
    expect("2562047h47m16.854775807s", INT64_MAX);
    expect("-9223372036854775808ns", INT64_MIN);
    expect("0.3333333333333333333h", 20 * DURATION_M);
    expect("0.100000000000000000000h", 6 * DURATION_M);
    expect("7200s", 2 * DURATION_H);
}

TEST(refuses_what_go_refuses)
{
    static const char *const cases[] = {
        "",
        "3",
        "-",
        "s",
        ".",
        "-.",
        ".s",
        "+.s",
        "1d",
        "10 s",
        " 10s",
        "10s ",
        "5S",
        "1e3s",
        "0x1s",
        "--1s",
        "1s-1s",
        "9223372036854775808ns",
        "2562048h",
        "9223372036854775807ns1ns",
        "99999999999999999999s",
        "1.5.5s",
        "-9223372036854775808ns9223372036854775808ns",
        "5124095576030430.9h",
        "\xc2\xb5",
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(cases); i++) {
        int64_t ns = 77;
        EXPECT(!duration_parse(bytes_of_str(cases[i]), &ns));
        EXPECT_EQ(ns, 77);
    }
}

static void expect_text(int64_t ns, const char *want)
{
    char text[DURATION_TEXT_MAX];
    int64_t again;
    EXPECT_STR(duration_text(ns, text), want);
    EXPECT(duration_parse(bytes_of_str(text), &again));
    EXPECT_EQ(again, ns);
}

TEST(writes_as_go_writes)
{
    expect_text(0, "0s");
    expect_text(1, "1ns");
    expect_text(1100, "1.1\xc2\xb5s");
    expect_text(2200000, "2.2ms");
    expect_text(120 * DURATION_MS, "120ms");
    expect_text(3300 * DURATION_MS, "3.3s");
    expect_text(4 * DURATION_M + 5 * DURATION_S, "4m5s");
    expect_text(4 * DURATION_M + 5001 * DURATION_MS, "4m5.001s");
    expect_text(5 * DURATION_H + 6 * DURATION_M + 7001 * DURATION_MS, "5h6m7.001s");
    expect_text(2 * DURATION_H, "2h0m0s");
    expect_text(8 * DURATION_M + 1, "8m0.000000001s");
    expect_text(INT64_MAX, "2562047h47m16.854775807s");
    expect_text(INT64_MIN, "-2562047h47m16.854775808s");
    expect_text(-DURATION_S, "-1s");
}
