/* bench.h - what the benchmarks beside the modules share.
 *
 *     double t = bench_now();
 *     thing();
 *     bench_print("sha256 of 64 MB", 64 / (bench_now() - t), "MB/s", NULL);
 *
 * A figure is worth something only beside another one of the same run: print
 * ratios wherever there is something to compare with.
 *
 * Go origin   none
 * Owner       the benchmark's main thread
 */
#ifndef WEFT_TESTS_BENCH_H
#define WEFT_TESTS_BENCH_H

#include "base/weft.h"

double bench_now(void); /* seconds, monotonic */
double bench_cpu(void); /* seconds of CPU of this process, all threads */
double bench_rss_peak_mb(void);

/* One line: name, figure, unit, remark (may be NULL). */
void bench_print(const char *name, double figure, const char *unit, const char *remark);

/* A fixture's path, or NULL (and a line that says so) where it is absent. */
const char *bench_fixture(const char *path);
/* Unpacks one (.tar.zst) into a folder; false when that can't be done. */
bool bench_unpack(const char *packed, const char *dir);

#endif
