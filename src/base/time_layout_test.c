#include "base/time_layout.h"

#include "weft_test.h"

/* Sunday, 22 November 2026, 09:44:24.453626075 UTC, day 326 of its year. */
static const int64_t moment = 1795340664453626075;

static void expect(const char *layout, struct time_parts t, const char *want)
{
    char text[256];
    size_t n = time_layout_write(layout, &t, text, sizeof(text) - 1);
    text[n] = '\0';
    EXPECT_STR(text, want);
}

/* Each pair was written by a Go program's log at that moment. */
TEST(writes_every_word_as_go_does)
{
    static const struct {
        const char *layout, *want;
    } cases[] = {
        { "Jan", "Nov" },
        { "January", "November" },
        { "1", "11" },
        { "01", "11" },
        { "2", "22" },
        { "02", "22" },
        { "_2", "22" },
        { "002", "326" },
        { "__2", "326" },
        { "3", "9" },
        { "03", "09" },
        { "15", "09" },
        { "4", "44" },
        { "04", "44" },
        { "5", "24" },
        { "05", "24" },
        { "2006", "2026" },
        { "06", "26" },
        { "PM", "AM" },
        { "pm", "am" },
        { "MST", "UTC" },
        { "Z0700", "Z" },
        { "Z07:00", "Z" },
        { "Z07", "Z" },
        { "-0700", "+0000" },
        { "-07:00", "+00:00" },
        { "-07", "+00" },
        { "Z070000", "Z" },
        { "-07:00:00", "+00:00:00" },
        { "Monday", "Sunday" },
        { "Mon", "Sun" },
        { ".000", ".453" },
        { ".999", ".453" },
        { ".000000000", ".453626075" },
        { ".999999999", ".453626075" },
        { ",000", ",453" },
        { ".00000000000000000000", ".453626075" },
        { ".0001", ".0011" },
        { "05.999", "24.453" },
        { "JanX", "NovX" },
        { "Month", "Month" },
        { "Mondays", "Sundays" },
        { "20060102150405", "20261122094424" },
        { "_2006", "_2026" },
        { "nothing", "nothing" },
        { "", "" },
    };
    struct time_parts t = time_parts_utc(moment);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(cases); i++)
        expect(cases[i].layout, t, cases[i].want);
}

TEST(writes_offsets_west_and_east)
{
    struct time_parts t = time_parts_utc(moment);
    t.offset_s = -12600; /* Newfoundland */
    expect("Z0700|Z07:00|Z07|-0700|-07:00|-07|Z070000|-07:00:00", t,
           "-0330|-03:30|-03|-0330|-03:30|-03|-033000|-03:30:00");
    t.offset_s = 20700; /* Nepal */
    expect("Z07:00", t, "+05:45");
}

TEST(nines_drop_zeros_and_the_dot)
{
    struct time_parts t = time_parts_utc(1000000000LL * 60 + 120000000);
    expect("05.000 05.999", t, "00.120 00.12");
    t.nanosecond = 0;
    expect("05.000 05.999", t, "00.000 00");
    t.nanosecond = 5;
    expect("05.999999999 05.999", t, "00.000000005 00");
}

TEST(noon_and_midnight_are_twelve)
{
    struct time_parts t = time_parts_utc(0);
    expect("3 PM, Monday _2 January 2006", t, "12 AM, Thursday  1 January 1970");
    t.hour = 12;
    expect("03 pm", t, "12 pm");
    t.hour = 23;
    expect("3", t, "11");
}

TEST(before_1970_counts_back)
{
    expect("2006-01-02 15:04:05.999999999", time_parts_utc(-1), "1969-12-31 23:59:59.999999999");
}

/* NOLINTBEGIN(concurrency-mt-unsafe): one thread */
TEST(takes_the_zone_of_the_process)
{
    EXPECT_EQ(setenv("TZ", "XST-5:30", 1), 0);
    tzset();
    expect("15:04 MST -0700", time_parts_local(moment), "15:14 XST +0530");
    EXPECT_EQ(unsetenv("TZ"), 0);
    tzset();
}
/* NOLINTEND(concurrency-mt-unsafe) */

TEST(writes_no_more_than_there_is_room_for)
{
    char text[8] = "........";
    struct time_parts t = time_parts_utc(moment);
    EXPECT_EQ(time_layout_write("2006-01-02", &t, text, 6), 6);
    EXPECT_EQ(memcmp(text, "2026-1..", 8), 0);
}
