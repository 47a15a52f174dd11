/* orderer_wiring.h - every thread of the orderer and every mailbox between them.
 *
 *   clients <==TLS==> net[n] --read 5..78--> store[k]
 *                       ^  ^                    |
 *                       |  +---- messages ------+
 *                       +------- height moved --------- whoever appends
 *
 *   thread     how many        owns
 *   main       1               signals, start and stop in this order
 *   net        one a core      sockets, TLS, HTTP/2, Deliver streams
 *   store      2               nothing: reads blocks and encodes them
 *
 *   mailbox    to     from        holds      when it is full
 *   net        net    store       results    cannot: one a stream, fewer than streams
 *   net        net    appender    heights    the next block tries again
 *   jobs       store  net         reads      the stream ends, RESOURCE_EXHAUSTED
 *
 * Go origin   orderer/common/server/main.go
 * Differs     nothing is ordered yet: existing ledgers are served
 * Owner       main
 * Memory      everything; freed by orderer_stop
 * Limits      net_limits.h; ORDERER_MAIL a loop
 */
#ifndef WEFT_ORDERER_ORDERER_WIRING_H
#define WEFT_ORDERER_ORDERER_WIRING_H

#include "base/weft.h"

struct orderer_config;
struct orderer;

/* Opens the ledgers, listens, and starts the threads. */
enum weft_code orderer_start(const struct orderer_config *config, struct orderer **ret,
                             struct weft_err *e) WEFT_MUST_CHECK;
/* Lets open calls end for a moment, then joins and frees all. */
void orderer_stop(struct orderer *o);

/* Channels, heights and connections into the log, for SIGUSR1. */
void orderer_report(const struct orderer *o);

#endif
