/* process_watch.h - CPU and memory of a process, as the kernel counts them.
 *
 *     struct process_state s;
 *     if (process_look(pid, &s)) ...     s.cpu_s 1.25, s.rss_bytes 41000000
 *
 * Go origin   none
 * Owner       any thread
 * Memory      none
 */
#ifndef WEFT_CLI_PROCESS_WATCH_H
#define WEFT_CLI_PROCESS_WATCH_H

#include "base/weft.h"

struct process_state {
    double cpu_s; /* user and system, all its threads, since it began */
    uint64_t rss_bytes;
};

/* False: there is no such process. */
bool process_look(uint64_t pid, struct process_state *ret);

#endif
