#include "ops/process_metrics.h"

#include "base/log.h"
#include "base/log_spec.h"
#include "base/number.h"
#include "os/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    STAT_MAX = 4096,
    PROC_STAT_MAX = 1 << 18,
    STAT_FIELDS = 52,
};

/* Fields of /proc/self/stat behind the command's name, from 0: proc(5)'s less 3. */
enum {
    STAT_UTIME = 11,
    STAT_STIME = 12,
    STAT_START = 19,
    STAT_VSIZE = 20,
    STAT_RSS = 21,
};

struct process_metrics {
    struct metric_cell *cpu, *open_fds, *max_fds, *resident, *virtual_bytes, *virtual_max, *start;
    double boot_s;
    struct metric_cell *checked[LOG_LEVEL_NR], *written[LOG_LEVEL_NR];
    uint64_t had_checked[LOG_LEVEL_NR], had_written[LOG_LEVEL_NR];
};

/* A file of the kernel's, whose size is said to be 0; what fits, a zero behind. */
static bool read_proc(const char *path, char *out, size_t room)
{
    WEFT_CLEANUP(file_close) int fd = -1;
    size_t n = 0;
    struct weft_err e;
    if (file_open(path, O_RDONLY, 0, &fd, &e) != WEFT_OK ||
        file_pread_some(fd, path, 0, out, room - 1, &n, &e) != WEFT_OK)
        return false;
    out[n] = '\0';
    return true;
}

/* Seconds since 1970 when the system came up. */
static double boot_time(void)
{
    WEFT_FREE char *text = weft_alloc(PROC_STAT_MAX);
    if (!read_proc("/proc/stat", text, PROC_STAT_MAX))
        return 0;
    const char *at = strstr(text, "\nbtime ");
    return at != NULL ? strtod(at + 7, NULL) : 0;
}

struct process_metrics *process_metrics_new(struct metrics_owner *o)
{
    struct process_metrics *p = weft_alloc(sizeof(*p));
    p->boot_s = boot_time();
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

/* The numbers behind "(name)"; false: it looks otherwise. */
static bool read_stat(uint64_t fields[STAT_FIELDS])
{
    char text[STAT_MAX];
    if (!read_proc("/proc/self/stat", text, sizeof(text)))
        return false;
    char *at = strrchr(text, ')');
    for (size_t i = 0; at != NULL && i < STAT_FIELDS; i++) {
        at = strchr(at, ' ');
        if (at == NULL)
            return i > STAT_RSS;
        char *end = strpbrk(++at, " \n");
        char kept = end != NULL ? *end : '\0';
        if (end != NULL)
            *end = '\0';
        if (!number_parse_u64(at, &fields[i])) /* a letter, or a negative one */
            fields[i] = 0;
        if (end != NULL)
            *end = kept;
    }
    return at != NULL;
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
    uint64_t f[STAT_FIELDS] = { 0 };
    take_log(p);
    metric_set(p->open_fds, (double)count_fds());
    metric_set(p->max_fds, limit_of(RLIMIT_NOFILE));
    metric_set(p->virtual_max, limit_of(RLIMIT_AS));
    if (!read_stat(f))
        return;
    double hz = (double)sysconf(_SC_CLK_TCK);
    metric_set(p->cpu, (double)(f[STAT_UTIME] + f[STAT_STIME]) / hz);
    metric_set(p->start, p->boot_s + (double)f[STAT_START] / hz);
    metric_set(p->virtual_bytes, (double)f[STAT_VSIZE]);
    metric_set(p->resident, (double)f[STAT_RSS] * (double)sysconf(_SC_PAGESIZE));
}
