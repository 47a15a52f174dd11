/* signals.h - SIGTERM, SIGINT and SIGUSR1 as events of a poll loop.
 *
 *     main: signals_open(&s, &e)              before the first thread starts
 *           ... start what the wiring lists ...
 *           while ((n = signals_wait(s, -1)) == SIGUSR1)
 *               report();
 *           LOG_INFO(&log, "Received signal: %d (%s)", n, signals_name(n));
 *           ... stop it in reverse ...
 *
 * The three are blocked from open to close, in the calling thread and in those
 * that it starts; nothing ever runs in a signal handler.  SIGPIPE is ignored:
 * a write to a connection that has gone is an error like others.  A program
 * that is started meanwhile inherits both: signals_reset_for_child() between
 * fork and exec undoes it.
 *
 * Go origin   internal/peer/node/start.go orderer/common/server/main.go
 * Owner       one thread; one at a time in a process
 * Memory      one fd
 */
#ifndef WEFT_OS_SIGNALS_H
#define WEFT_OS_SIGNALS_H

#include "base/weft.h"

struct signals;

enum weft_code signals_open(struct signals **ret, struct weft_err *e) WEFT_MUST_CHECK;
/* What is pending then, and has not been taken, is dropped. */
void signals_close(struct signals *s);
WEFT_DEFINE_CLEANUP(struct signals *, signals_close)

/* Readable while a signal waits, for a poll loop. */
int signals_fd(const struct signals *s);

/* The number of the next one, 0 if none waits. */
int signals_take(struct signals *s);
/* Waits for it at most timeout_ms (-1: for ever). */
int signals_wait(struct signals *s, int timeout_ms);

/* "terminated", "interrupt", "user defined signal 1": Go's words. */
const char *signals_name(int number);

void signals_reset_for_child(void);

#endif
