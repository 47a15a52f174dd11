/* peer_wiring.h - every thread of the peer and every mailbox between them.
 *
 *   orderers <==TLS==> net[n] --- what came ---> chan:<id> --- blocks in order ---> commit:<id>
 *   clients  <==TLS==>  ^ ^ <-- dial, hang up, --- |  ^ <-------- progress ----------|  |  |
 *                       | |     room again            |                                 |  |
 *                       | +------------- a new height (block_watch) --------------------+  |
 *                       |                                                                  |
 *                       +-- other roots ----- main <----- configured, failed --------------+
 *                                              ^
 *                                              +--- join, and back --- workers
 *
 *   thread       how many          owns
 *   main         1                 signals, the list of channels, start and stop in this order
 *   net          one a core        sockets, TLS, HTTP/2, streams
 *   chan:<id>    one a channel     deliver client, verifying, payload buffer, leader election
 *   commit:<id>  one a channel     validation's order, ledger, the configuration in force
 *   sync:<id>    one a channel     nothing: brings a group of committed blocks to the disk
 *   crypto       validatorPoolSize nothing: parts of blocks, signatures
 *   store        2                 nothing: reads blocks
 *   calls        2                 nothing: runs system chaincodes, waits for a join
 *   resolve      1                 nothing: asks for names' addresses
 *   operations   1                 HTTP: health, metrics, log levels, version
 *   statsd       1, or none        sends metrics, with metrics.provider statsd
 *
 *   mailbox      from        holds                        when it is full
 *   net          chan        dial, hang up, room again    chan waits: a loop never waits for it
 *   net          main        stop, other roots            main waits: likewise
 *   net          chan, main  memory can go back (one)     it stays
 *   net          commit      heights (block_watch)        the next sync tries again
 *   net          workers     results                      cannot: one a stream, or a call
 *   chan:<id>    net         events of its stream         cannot: the stream stops being read
 *   chan:<id>    commit      progress                     the next block tries again
 *   chan:<id>    main        stop                         main waits
 *   commit:<id>  chan        blocks                       cannot: COMMIT_BLOCKS, BLOCKS_OUT_BYTES
 *   commit:<id>  crypto      parts that are done          cannot: COMMITTER_PARTS_OUT
 *   commit:<id>  sync:<id>   a group that is on the disk  cannot: one at a time
 *   commit:<id>  main        stop                         main waits
 *   main         commit      configured, failed           commit waits
 *   main         calls       a channel to join            the worker waits, and for the answer
 *   jobs         anybody     parts, reads, calls          done where they are, or refused
 *
 * Waits go chan -> net, commit -> main -> net and never back: main waits for a channel's
 * threads only to end, after its own mailbox is closed.
 *
 * Stop: chan threads first (orderers are hung up on), then commit threads (what was committed
 * is synced), while the loops still run; then the loops; then the workers; then the ledgers.
 *
 * Go origin   internal/peer/node/start.go serve
 * Owner       main
 * Memory      everything; freed by peer_stop
 * Limits      NET_LOOP_MAIL, CHAN_MAIL, COMMIT_MAIL, MAIN_MAIL messages
 */
#ifndef WEFT_PEER_PEER_WIRING_H
#define WEFT_PEER_PEER_WIRING_H

#include "base/weft.h"

struct core_config;
struct peer;
struct signals;

/* How the original would have ended: a panic is exit status 2, anything else 1. */
enum peer_exit {
    PEER_EXIT_ERROR = 1, /* told as "Error: ..." by the command */
    PEER_EXIT_FATAL,     /* status 1, told in the log */
    PEER_EXIT_PANIC,     /* status 2, likewise */
};

/* Opens the ledgers, starts the threads, resumes the channels, listens. */
enum weft_code peer_start(const struct core_config *config, struct peer **ret,
                          enum peer_exit *ret_exit, struct weft_err *e) WEFT_MUST_CHECK;
/* Until a signal says stop; not OK: a channel's ledger failed. */
enum weft_code peer_run(struct peer *p, struct signals *signals,
                        struct weft_err *e) WEFT_MUST_CHECK;
/* Ends everything in order and frees it. */
void peer_stop(struct peer *p);

/* Threads, channels and heights into the log, for SIGUSR1. */
void peer_report(const struct peer *p);

#endif
