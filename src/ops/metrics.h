/* metrics.h - counting without being in the way, and showing what was counted.
 *
 * A thread that counts has a metrics_owner.  It asks once for the cell of a
 * metric and its label values, keeps the pointer, and adds to it with plain
 * stores that nobody else makes.  A scrape reads all cells and sums those that
 * belong to the same name and labels:
 *
 *     net0:      o = metrics_owner_new(m);               (in the wiring file)
 *                sent = METRIC_OF(o, DELIVER_BLOCKS_SENT, "mychannel", "false", "block");
 *                metric_add(sent, 1);
 *     net1:      the same, with an owner of its own
 *     operations: metrics_write(m, &text)
 *
 *         deliver_blocks_sent{channel="mychannel",data_type="block",filtered="false"} 2
 *
 * Asking again with the same values finds the same cell (a hash look-up), so
 * code that can't keep the pointer may ask each time.  What was never recorded
 * is not shown, as with Fabric.  A NULL owner gives NULL cells and counting
 * into NULL does nothing: tests and tools need no metrics.
 *
 * Go origin   common/metrics/provider.go common/metrics/prometheus/provider.go
 * Differs     gauges of several owners are summed
 * Owner       an owner and its cells belong to one thread; metrics_owner_new and
 *             metrics_write may be called from any
 * Memory      cells and owners live until metrics_free, after the threads' end
 * Limits      LIMIT_METRIC_CELLS of an owner; more label values are not counted
 */
#ifndef WEFT_OPS_METRICS_H
#define WEFT_OPS_METRICS_H

#include "base/bytes.h"
#include "ops/metric_names.h"

#include <stdatomic.h>

struct metrics;
struct metrics_owner;

struct metrics *metrics_new(void);
void metrics_free(struct metrics *m);
WEFT_DEFINE_CLEANUP(struct metrics *, metrics_free)

/* `m` may be NULL: so is the owner then. */
struct metrics_owner *metrics_owner_new(struct metrics *m);

/* One number, or one histogram, of one owner.  Fields are private. */
struct metric_cell {
    _Atomic uint64_t count; /* counter; a histogram's observations */
    _Atomic double value;   /* gauge; a histogram's sum */
    _Atomic bool touched;
    const struct metric_def *def;
    char *labels;                 /* a="x",b="y", as it is printed */
    struct metric_cell *next;     /* in its owner's list */
    _Atomic uint64_t in_bucket[]; /* not cumulated; one for each bound of `def` */
};

/* values: as many as the metric has labels, in the order of metric_names.h. */
struct metric_cell *metric_cell(struct metrics_owner *o, enum metric_name which,
                                const char *const *values);

#define METRIC(o, name) metric_cell((o), METRIC_##name, NULL)
#define METRIC_OF(o, name, ...) \
    metric_cell((o), METRIC_##name, (const char *const[]){ __VA_ARGS__ })

/* A counter. */
static inline void metric_add(struct metric_cell *c, uint64_t n)
{
    if (c == NULL)
        return;
    uint64_t now = atomic_load_explicit(&c->count, memory_order_relaxed);
    atomic_store_explicit(&c->count, now + n, memory_order_relaxed);
    atomic_store_explicit(&c->touched, true, memory_order_relaxed);
}

/* A gauge. */
static inline void metric_set(struct metric_cell *c, double value)
{
    if (c == NULL)
        return;
    atomic_store_explicit(&c->value, value, memory_order_relaxed);
    atomic_store_explicit(&c->touched, true, memory_order_relaxed);
}

/* Shown from now on, also if nothing is ever recorded. */
static inline void metric_show(struct metric_cell *c)
{
    if (c != NULL)
        atomic_store_explicit(&c->touched, true, memory_order_relaxed);
}

/* A histogram; durations are in seconds. */
void metric_observe(struct metric_cell *c, double value);

static inline void metric_observe_ns(struct metric_cell *c, uint64_t ns)
{
    if (c != NULL)
        metric_observe(c, (double)ns / 1e9);
}

/* All of it in Prometheus' text format (version 0.0.4), names and labels sorted. */
void metrics_write(struct metrics *m, struct buf *out);

/* One name with the same labels, whoever counts into it: a counter's or a gauge's number; of a
 * histogram how many there were, and their sum. */
struct metric_sum {
    const struct metric_def *def;
    const char *labels; /* as they are printed; lives as long as the metrics */
    uint64_t count;
    double value;
};
/* All of them that were recorded, names and labels sorted. */
void metrics_each(struct metrics *m, void (*each)(void *ctx, const struct metric_sum *s),
                  void *ctx);

/* What all cells of this name have counted: for tests and reports. */
uint64_t metrics_count(struct metrics *m, enum metric_name which);

#endif
