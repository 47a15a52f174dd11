#include "peer/backoff.h"

#include "weft_test.h"

static const int64_t ms = 1000000, s = 1000000000;

TEST(waits_are_those_of_fabric)
{
    static const struct {
        unsigned failures;
        int64_t wait_ms;
    } rows[] = {
        { 1, 100 },      { 2, 120 },      { 3, 144 },      { 4, 172 },      { 5, 207 },
        { 6, 248 },      { 10, 515 },     { 20, 3194 },    { 30, 19781 },   { 40, 122480 },
        { 57, 2717376 }, { 58, 3260851 }, { 59, 3600000 }, { 60, 3600000 }, { 5000, 3600000 },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++)
        EXPECT_EQ(backoff_ns(rows[i].failures, 3600 * s), rows[i].wait_ms * ms);
}

TEST(a_most_below_the_first_wait_counts_from_the_second_failure_at_the_latest)
{
    EXPECT_EQ(backoff_ns(1, 50 * ms), 50 * ms);  /* ln is below -1: trunc gives -3 */
    EXPECT_EQ(backoff_ns(1, 90 * ms), 100 * ms); /* trunc gives 0 */
    EXPECT_EQ(backoff_ns(2, 90 * ms), 90 * ms);
    EXPECT_EQ(backoff_ns(3, 5 * s), 144 * ms);
    EXPECT_EQ(backoff_ns(100, 5 * s), 5 * s);
}
