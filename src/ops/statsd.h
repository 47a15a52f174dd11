/* statsd.h - sends what is counted to a StatsD server, every so often.
 *
 *     metrics: { provider: statsd,
 *                statsd: { network: udp, address: 127.0.0.1:8125, writeInterval: 10s, prefix: "" } }
 *
 * Lines (statsd_lines.h) go into datagrams that fit a packet, or into one connection.  A server
 * that is away is said once, and what was counted meanwhile is lost with its interval.
 *
 * Go origin   core/operations/system.go startMetricsTickers
 * Differs     several lines a datagram (there: one)
 * Owner       start, stop: main; the rest is on a thread of its own, "statsd"
 * Memory      an interval's lines
 * Limits      STATSD_WAIT_S for a connection, and for what is sent
 */
#ifndef WEFT_OPS_STATSD_H
#define WEFT_OPS_STATSD_H

#include "config/config_parts.h"
#include "ops/metrics.h"

struct statsd;

enum {
    STATSD_WAIT_S = 2,
    STATSD_PACKET = 1432, /* bytes of a datagram */
};

/* Not OK when there is no connection now: "dial tcp 127.0.0.1:8125: connection refused". */
enum weft_code statsd_start(struct metrics *m, const struct config_metrics *config,
                            struct statsd **ret, struct weft_err *e) WEFT_MUST_CHECK;
/* Sends what there is, and ends. */
void statsd_stop(struct statsd *s);
WEFT_DEFINE_CLEANUP(struct statsd *, statsd_stop)

#endif
