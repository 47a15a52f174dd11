#include "os/process_stat.h"

#include "os/clock.h"
#include "weft_test.h"

#include <unistd.h>

TEST(sees_this_process)
{
    struct process_stat s = { 0 };
    EXPECT(process_stat_read((uint64_t)getpid(), &s));
    EXPECT(s.rss_bytes > 100000 && s.rss_bytes <= s.virtual_bytes);
    EXPECT(s.cpu_s >= 0 && s.cpu_s < 3600);
    double started = process_boot_time() + s.started_s, now = (double)clock_wall_ns() / 1e9;
    EXPECT(started > now - 3600 && started < now + 2);
}

TEST(cpu_time_grows_with_work)
{
    struct process_stat before = { 0 }, after = { 0 };
    volatile uint64_t n = 0;
    EXPECT(process_stat_read((uint64_t)getpid(), &before));
    do {
        for (int i = 0; i < 1000000; i++)
            n++;
        EXPECT(process_stat_read((uint64_t)getpid(), &after));
    } while (after.cpu_s - before.cpu_s < 0.05);
}

TEST(there_may_be_no_such_process)
{
    struct process_stat s = { .cpu_s = 7 };
    EXPECT(!process_stat_read(UINT32_MAX, &s));
    EXPECT(s.cpu_s == 7);
}
