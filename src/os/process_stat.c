#include "os/process_stat.h"

#include "os/file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum {
    STAT_MAX = 4096,
    BOOT_MAX = 1 << 18,
    /* fields of /proc/PID/stat, as proc(5) numbers them */
    STAT_STATE = 3,
    STAT_UTIME = 14,
    STAT_STIME = 15,
    STAT_START = 22,
    STAT_VSIZE = 23,
    STAT_RSS = 24,
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

bool process_stat_read(uint64_t pid, struct process_stat *ret)
{
    char path[64], text[STAT_MAX];
    double at[STAT_RSS + 1] = { 0 }, hz = (double)sysconf(_SC_CLK_TCK);
    (void)snprintf(path, sizeof(path), "/proc/%" PRIu64 "/stat", pid);
    if (!read_proc(path, text, sizeof(text)))
        return false;
    const char *field = strrchr(text, ')'); /* a name may hold anything */
    for (int i = STAT_STATE; field != NULL && i <= STAT_RSS; i++) {
        field = strchr(field + 1, ' ');
        if (field != NULL)
            at[i] = strtod(field, NULL);
    }
    if (field == NULL)
        return false;
    *ret = (struct process_stat){
        .cpu_s = (at[STAT_UTIME] + at[STAT_STIME]) / hz,
        .started_s = at[STAT_START] / hz,
        .virtual_bytes = (uint64_t)at[STAT_VSIZE],
        .rss_bytes = (uint64_t)at[STAT_RSS] * (uint64_t)sysconf(_SC_PAGESIZE),
    };
    return true;
}

double process_boot_time(void)
{
    static const char key[] = "\nbtime ";
    WEFT_FREE char *text = weft_alloc(BOOT_MAX);
    if (!read_proc("/proc/stat", text, BOOT_MAX))
        return 0;
    const char *at = strstr(text, key);
    return at != NULL ? strtod(at + sizeof(key) - 1, NULL) : 0;
}
