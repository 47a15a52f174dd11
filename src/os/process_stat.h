/* process_stat.h - CPU and memory of a process, as the kernel counts them.
 *
 *     struct process_stat s;
 *     if (process_stat_read(pid, &s)) ...     s.cpu_s 1.25, s.rss_bytes 41000000
 *
 * Go origin   none
 * Owner       any thread; reads a file of the kernel's
 * Memory      none
 */
#ifndef WEFT_OS_PROCESS_STAT_H
#define WEFT_OS_PROCESS_STAT_H

#include "base/weft.h"

struct process_stat {
    double cpu_s;     /* user and system, all its threads, since it began */
    double started_s; /* since the system came up */
    uint64_t rss_bytes, virtual_bytes;
};

/* False: there is no such process. */
bool process_stat_read(uint64_t pid, struct process_stat *ret);

/* When the system came up, seconds since 1970; 0: it does not say. */
double process_boot_time(void);

#endif
