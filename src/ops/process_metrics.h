/* process_metrics.h - what the system and the logger have counted about us.
 *
 * process_cpu_seconds_total, process_resident_memory_bytes and the others that
 * Prometheus' libraries have, and logging_entries_*: read when they are asked for.
 *
 *     process_metrics_take(p)     before each metrics_write
 *
 * Go origin   common/flogging/metrics/observer.go
 * Owner       the operations thread
 * Memory      process_metrics_free; the owner outlives it
 */
#ifndef WEFT_OPS_PROCESS_METRICS_H
#define WEFT_OPS_PROCESS_METRICS_H

#include "ops/metrics.h"

struct process_metrics;

struct process_metrics *process_metrics_new(struct metrics_owner *owner);
void process_metrics_free(struct process_metrics *p);
void process_metrics_take(struct process_metrics *p);

#endif
