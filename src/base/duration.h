/* duration.h - spans of time as Go writes and reads them.
 *
 *     "642ms"  "5m0s"  "1.5h"  "-1m"  "0"      to nanoseconds and back
 *
 * Units: ns, us (also with a micro sign), ms, s, m, h; a number without a unit
 * is no duration, but 0.
 *
 * Go origin   none (time.ParseDuration, time.Duration.String)
 * Owner       any thread
 * Memory      none
 * Limits      what fits 64 bits of nanoseconds: 292 years
 */
#ifndef WEFT_BASE_DURATION_H
#define WEFT_BASE_DURATION_H

#include "base/bytes.h"

#define DURATION_US INT64_C(1000)
#define DURATION_MS INT64_C(1000000)
#define DURATION_S  INT64_C(1000000000)
#define DURATION_M  (60 * DURATION_S)
#define DURATION_H  (60 * DURATION_M)

bool duration_parse(struct bytes text, int64_t *ret_ns);
/* Why that said no, in Go's words: "time: missing unit in duration \"2\"". */
void duration_explain(struct bytes text, struct buf *out);

/* "1h0m0s", "1m30s", "2.5s", "120ms", "10ns", "0s".  Returns out. */
enum {
    DURATION_TEXT_MAX = 32
};
const char *duration_text(int64_t ns, char out[DURATION_TEXT_MAX]);

#endif
