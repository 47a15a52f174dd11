/* statsd_lines.h - what was counted since the last time, as lines for StatsD.
 *
 *     deliver_blocks_sent{channel="ch",data_type="block",filtered="false"}   7, was 5
 *         prefix.deliver.blocks_sent.ch.false.block:2.000000|c
 *     ledger_blockchain_height{channel="ch"} 31
 *         prefix.ledger.blockchain_height.ch:31.000000|g
 *     ledger_block_processing_time{channel="ch"}   3 more, 0.6 s in all
 *         prefix.ledger.block_processing_time.ch:0.200000|ms|@0.333333333
 *
 * Names and the order of labels are Fabric's; so is that a timing is in seconds, though "ms"
 * stands behind it.
 *
 * Go origin   common/metrics/statsd/provider.go common/metrics/internal/namer/namer.go
 * Differs     a histogram's observations of an interval come as their mean, once, with a rate that
 *             says how many they were (there: each one); a gauge comes in each interval;
 *             nothing of the Go runtime
 * Owner       one thread
 * Memory      the last numbers
 * Limits      LIMIT_METRIC_CELLS of each owner of metrics
 */
#ifndef WEFT_OPS_STATSD_LINES_H
#define WEFT_OPS_STATSD_LINES_H

#include "ops/metrics.h"

struct statsd_lines;

/* A prefix that is not empty gets a dot, if it has none. */
struct statsd_lines *statsd_lines_new(struct metrics *m, const char *prefix);
void statsd_lines_free(struct statsd_lines *l);
WEFT_DEFINE_CLEANUP(struct statsd_lines *, statsd_lines_free)

/* Appends them. */
void statsd_lines_write(struct statsd_lines *l, struct buf *out);

#endif
