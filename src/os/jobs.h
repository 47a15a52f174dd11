/* jobs.h - a pool of worker threads: take a job, give a result, own nothing.
 *
 * A job is embedded in the caller's struct.  A worker runs `run`; then the
 * job is put into the mailbox it came from, and that thread finds its result
 * there like any other mail: work goes out and comes back without a lock in
 * the caller's code.
 *
 *     struct check { struct job job; ...input, result... };
 *     c->job = (struct job){ .run = check_run, .back = mb,
 *                            .mail = { .handle = check_done, .drop = check_drop } };
 *     if (!jobs_submit(pool, &c->job)) ...full: wait for some to come back...
 *
 * Go origin   none (goroutines and a semaphore)
 * Owner       submit from any thread; new and free from the wiring file
 * Memory      holds the queued jobs
 * Limits      `limit` jobs wait; the mailbox given as `back` must have room
 *             for all that its owner has out at once
 */
#ifndef WEFT_OS_JOBS_H
#define WEFT_OS_JOBS_H

#include "base/mailbox.h"

struct job {
    struct mail mail;           /* how it comes back */
    void (*run)(struct job *j); /* on a worker */
    struct mailbox *back;       /* whose mail it becomes; NULL: run frees the job */
    struct job *next;
};

struct jobs;

/* `threads` workers named after the pool; 0 is one per core. */
struct jobs *jobs_new(const char *name, unsigned threads, size_t limit);
/* Runs what is queued to its end, then joins the workers. */
void jobs_free(struct jobs *pool);
WEFT_DEFINE_CLEANUP(struct jobs *, jobs_free)

unsigned jobs_threads(const struct jobs *pool);

/* False when `limit` jobs wait already; the job is then still the caller's. */
bool jobs_submit(struct jobs *pool, struct job *j) WEFT_MUST_CHECK;

#endif
