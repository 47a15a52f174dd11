#include "cli/process_watch.h"

#include "os/file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum {
    STAT_MAX = 4096
};

/* /proc/PID/stat: what stands behind "(name) ", where the state is field 3. */
bool process_look(uint64_t pid, struct process_state *ret)
{
    WEFT_CLEANUP(file_close) int fd = -1;
    char path[64], text[STAT_MAX];
    size_t n = 0;
    struct weft_err e;
    (void)snprintf(path, sizeof(path), "/proc/%" PRIu64 "/stat", pid);
    if (file_open(path, O_RDONLY, 0, &fd, &e) != WEFT_OK ||
        file_pread_some(fd, path, 0, text, sizeof(text) - 1, &n, &e) != WEFT_OK)
        return false;
    text[n] = '\0';
    const char *at = strrchr(text, ')');
    double cpu = 0;
    for (int number = 3; at != NULL && number <= 24; number++) {
        at = strchr(at + 1, ' ');
        if (at == NULL)
            return false;
        if (number == 14 || number == 15) /* utime, stime */
            cpu += strtod(at, NULL);
        if (number == 24)
            ret->rss_bytes = (uint64_t)strtod(at, NULL) * (uint64_t)sysconf(_SC_PAGESIZE);
    }
    ret->cpu_s = cpu / (double)sysconf(_SC_CLK_TCK);
    return at != NULL;
}
