/* time_layout.h - times written by example, as Go's time.Format writes them.
 *
 * A layout shows how 3:04:05 PM on Monday, the 2nd of January 2006 in a zone
 * seven hours west of Greenwich, called MST, would look:
 *
 *     "2006-01-02 15:04:05.000 MST"            2020-07-09 12:00:00.250 UTC
 *     "2006-01-02T15:04:05.999Z07:00"          2020-07-09T12:00:00.25Z
 *
 * What is none of these numbers and words stays as it is.
 *
 * Go origin   none (time.Time.Format)
 * Owner       any thread
 * Memory      none
 * Limits      writes what fits `room`, and says how much that was
 */
#ifndef WEFT_BASE_TIME_LAYOUT_H
#define WEFT_BASE_TIME_LAYOUT_H

#include "base/bytes.h"

#define TIME_LAYOUT_RFC3339_NANO "2006-01-02T15:04:05.999999999Z07:00"

/* A moment taken apart, in some zone. */
struct time_parts {
    int year, month, day, weekday, yearday; /* month and yearday from 1, Sunday is 0 */
    int hour, minute, second, nanosecond;
    int offset_s; /* east of Greenwich */
    char zone[16];
};

/* Of nanoseconds since 1970, in the process's zone or in UTC. */
struct time_parts time_parts_local(int64_t wall_ns);
struct time_parts time_parts_utc(int64_t wall_ns);

/* Returns how many bytes were written; no zero at the end. */
size_t time_layout_write(const char *layout, const struct time_parts *t, char *out, size_t room);

#endif
