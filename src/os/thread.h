/* thread.h - a named thread, started and joined by the wiring file.
 *
 *     thread_start("net0", net_run, loop, &t, &e)    `top -H` and gdb show net0
 *     ... tell it to stop ...
 *     thread_join(t)
 *
 * It takes no signals: those belong to main (signals.h).
 *
 * Go origin   none (go func() { ... }())
 * Owner       whoever started it joins it
 * Memory      freed by thread_join
 * Limits      the name shows its first 15 characters
 */
#ifndef WEFT_OS_THREAD_H
#define WEFT_OS_THREAD_H

#include "base/weft.h"

struct thread;

enum weft_code thread_start(const char *name, void (*run)(void *arg), void *arg,
                            struct thread **ret, struct weft_err *e) WEFT_MUST_CHECK;
/* Waits until it has ended. */
void thread_join(struct thread *t);
WEFT_DEFINE_CLEANUP(struct thread *, thread_join)

#endif
