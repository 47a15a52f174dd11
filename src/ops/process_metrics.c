#include "ops/process_metrics.h"

#include "base/log.h"
#include "base/log_spec.h"
#include "os/process_stat.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

struct process_metrics {
    struct metric_cell *cpu, *open_fds, *max_fds, *resident, *virtual_bytes, *virtual_max, *start;
    double boot_s;
    struct metric_cell *checked[LOG_LEVEL_NR], *written[LOG_LEVEL_NR];
    uint64_t had_checked[LOG_LEVEL_NR], had_written[LOG_LEVEL_NR];
};

struct process_metrics *process_metrics_new(struct metrics_owner *o)
{
    struct process_metrics *p = weft_alloc(sizeof(*p));
    p->boot_s = process_boot_time();
    p->cpu = METRIC(o, PROCESS_CPU_SECONDS_TOTAL);
    p->open_fds = METRIC(o, PROCESS_OPEN_FDS);
    p->max_fds = METRIC(o, PROCESS_MAX_FDS);
    p->resident = METRIC(o, PROCESS_RESIDENT_MEMORY_BYTES);
    p->virtual_bytes = METRIC(o, PROCESS_VIRTUAL_MEMORY_BYTES);
    p->virtual_max = METRIC(o, PROCESS_VIRTUAL_MEMORY_MAX_BYTES);
    p->start = METRIC(o, PROCESS_START_TIME_SECONDS);
    for (int i = 0; i < LOG_LEVEL_NR; i++) {
        const char *name = log_level_name((enum log_level)i);
        p->checked[i] = METRIC_OF(o, LOGGING_ENTRIES_CHECKED, name);
        p->written[i] = METRIC_OF(o, LOGGING_ENTRIES_WRITTEN, name);
    }
    return p;
}

void process_metrics_free(struct process_metrics *p)
{
    free(p);
}

static void add_new(struct metric_cell *c, uint64_t now, uint64_t *had)
{
    if (now > *had)
        metric_add(c, now - *had);
    *had = now;
}

static void take_log(struct process_metrics *p)
{
    for (int i = 0; i < LOG_LEVEL_NR; i++) {
        add_new(p->checked[i], log_entries_checked((enum log_level)i), &p->had_checked[i]);
        add_new(p->written[i], log_entries_written((enum log_level)i), &p->had_written[i]);
    }
}

static size_t count_fds(void)
{
    size_t n = 0;
    DIR *d = opendir("/proc/self/fd");
    if (d == NULL)
        return 0;
    while (readdir(d) != NULL) /* NOLINT(concurrency-mt-unsafe): a DIR of our own */
        n++;
    (void)closedir(d);
    return n > 3 ? n - 3 : 0; /* ".", ".." and the one just used */
}

static double limit_of(int what)
{
    struct rlimit l;
    if (getrlimit((__rlimit_resource_t)what, &l) != 0)
        return 0;
    return l.rlim_cur == RLIM_INFINITY ? (double)UINT64_MAX : (double)l.rlim_cur;
}

void process_metrics_take(struct process_metrics *p)
{
    struct process_stat s;
    take_log(p);
    metric_set(p->open_fds, (double)count_fds());
    metric_set(p->max_fds, limit_of(RLIMIT_NOFILE));
    metric_set(p->virtual_max, limit_of(RLIMIT_AS));
    if (!process_stat_read((uint64_t)getpid(), &s))
        return;
    metric_set(p->cpu, s.cpu_s);
    metric_set(p->start, p->boot_s + s.started_s);
    metric_set(p->virtual_bytes, (double)s.virtual_bytes);
    metric_set(p->resident, (double)s.rss_bytes);
}
