/* orderer_wiring.h - every thread of the orderer and every mailbox between them.
 *
 *   clients <==TLS==> net[n] ---- order_request ----> chain:<id> ---> ledger, journal
 *                      | ^ ^ <------ answers -----------|  |
 *                      | | +-------- news, and back ----+  | new channel, and back
 *                      | |                                 v
 *                      | +------------ news, and back --- main
 *                      |
 *                      +-- reads -------> store[k]  --+
 *                      +-- signatures --> crypto[k] --+--> back to the net loop
 *
 *   thread      how many        owns
 *   main        1               signals, the registrar, start and stop in this order
 *   net         one a core      sockets, TLS, HTTP/2, streams, a table of the channels
 *   chain:<id>  one a channel   cutter, consenter, block writer, ledger's writing, journal
 *   store       2               nothing: reads blocks and encodes them
 *   crypto      one a core      nothing: checks signatures, works out config updates
 *   operations  1               HTTP: health, metrics, channel participation
 *   statsd      1, or none      sends metrics, with Metrics.Provider statsd
 *
 *   mailbox     from        holds                    when it is full
 *   net         store       results                  cannot: one a stream, fewer than streams
 *   net         crypto      verdicts                 cannot: a window a stream
 *   net         chain       heights (block_watch)    the next block tries again
 *   net         chain       answers, news            the chain waits: a loop never waits for it
 *   net         main        news, stop               main waits: a loop never waits for it
 *   chain:<id>  net         order_requests           SERVICE_UNAVAILABLE, at once
 *   chain:<id>  main        stop                     main waits
 *   main        chain       a channel to be made     the chain waits, and for the answer
 *   main        chain       a ledger has failed      the chain waits
 *   main        operations  join, remove, list       operations waits, and for the answer
 *   jobs        net         reads, signatures        the stream ends; checked on the loop
 *
 * Waits go chain -> main -> net and never back: main waits for a chain only to end,
 * once it takes no more mail itself.
 *
 * Stop: chains first (what is pending becomes a block, everything is synced), while
 * the loops still run and send the answers; then the loops; then the workers.
 *
 * Go origin   orderer/common/server/main.go
 * Owner       main
 * Memory      everything; freed by orderer_stop
 * Limits      NET_LOOP_MAIL, CHAIN_MAIL, MAIN_MAIL messages
 */
#ifndef WEFT_ORDERER_ORDERER_WIRING_H
#define WEFT_ORDERER_ORDERER_WIRING_H

#include "base/weft.h"

struct orderer;
struct orderer_config;
struct signals;

/* How the original would have ended: a panic is exit status 2, a fatal error 1. */
enum orderer_exit {
    ORDERER_EXIT_FATAL = 1,
    ORDERER_EXIT_PANIC = 2,
};

/* Opens the ledgers, starts the threads, listens. */
enum weft_code orderer_start(const struct orderer_config *config, struct orderer **ret,
                             enum orderer_exit *ret_exit, struct weft_err *e) WEFT_MUST_CHECK;
/* Until a signal says stop; not OK: a ledger failed. */
enum weft_code orderer_run(struct orderer *o, struct signals *signals,
                           struct weft_err *e) WEFT_MUST_CHECK;
/* Ends everything in order and frees it. */
void orderer_stop(struct orderer *o);

/* Threads, channels and heights into the log, for SIGUSR1. */
void orderer_report(const struct orderer *o);

#endif
