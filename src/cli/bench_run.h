/* bench_run.h - what the load clients share: flags, threads with loops, samples,
 * and an eye on the server's process.
 *
 *     bench_flags_add, bench_plan_open      whom to ask, as whom, with how many clients
 *     bench_run(plan, ops, clients, e)      clients dealt out to threads; runs to the end
 *     bench_samples_put_json                {"p50":1.2,"p99":3.4,"max":5.6}
 *
 * Clients of one thread are stepped by its loop.  Only some shake hands at a time: ten
 * thousand that begin at once would all be late for a server that gives each five seconds.
 * Main looks at the server's /proc entry twenty times a second meanwhile.
 *
 * Go origin   none
 * Owner       main; a client belongs to its thread while it runs
 * Memory      plan until bench_plan_done; samples grow by one number each
 * Limits      BENCH_CLIENTS, BENCH_THREADS
 */
#ifndef WEFT_CLI_BENCH_RUN_H
#define WEFT_CLI_BENCH_RUN_H

#include "cli/node_flags.h"
#include "os/loop.h"

#include <stdatomic.h>

struct net;
struct signing_identity;

enum {
    BENCH_CLIENTS = 100000,
    BENCH_THREADS = 64
};

/* ---- flags ------------------------------------------------------------------------- */

struct bench_flags {
    struct orderer_flags node;
    const char *channel, *msp_dir, *msp_id;
    const char *clients, *threads, *at_once, *window, *pid, *timeout;
};

void bench_flags_add(struct bench_flags *f, struct cli_opt *opts, size_t *count);

struct bench_plan {
    struct node_target target;
    struct signing_identity *me;
    const char *channel;
    uint64_t clients, threads, timeout_s;
    uint64_t at_once; /* handshakes, of all threads */
    uint64_t window;  /* 0: the default of what is measured */
    uint64_t pid;     /* 0: none */
};

/* Fills an empty one, which is to be ended in any case. */
enum weft_code bench_plan_open(const struct bench_flags *f, struct bench_plan *ret,
                               struct weft_err *e) WEFT_MUST_CHECK;
void bench_plan_done(struct bench_plan *p);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct bench_plan, bench_plan_done)

/* "--clients 7": a number from `least` to `most`; text NULL: `otherwise`. */
enum weft_code bench_number(const char *flag, const char *text, uint64_t least, uint64_t most,
                            uint64_t otherwise, uint64_t *ret, struct weft_err *e) WEFT_MUST_CHECK;

/* ---- running -------------------------------------------------------------------------- */

struct bench_thread {
    struct loop *loop;
    struct net *net;
    uint64_t running;                  /* clients that are not done */
    struct loop_task begin;            /* more clients */
    uint64_t under_way, at_once, most; /* handshakes now, as many as may be, as many as were */
    _Atomic bool *give_up;
};

/* A client's handshake is over, well or not; says so once, which *told remembers. */
void bench_client_ready(struct bench_thread *t, bool *told);

/* A client says when it is done, once: the last one ends its thread's loop. */
void bench_client_done(struct bench_thread *t);

struct bench_ops {
    void *ctx;
    /* Of the net's: how much may be in flight; 0: as it is. */
    uint32_t stream_window;
    /* On client i's thread. */
    void (*start)(void *ctx, struct bench_thread *t, uint64_t i);
    void (*free)(void *ctx, uint64_t i);
};

/* What was seen from outside. */
struct bench_seen {
    double seconds, client_cpu_s, server_cpu_s;
    uint64_t rss_before, rss_peak, rss_after; /* bytes of the server's memory */
    uint64_t at_once;                         /* so many handshakes were under way, at most */
    bool timed_out;
};

enum weft_code bench_run(const struct bench_plan *p, const struct bench_ops *ops,
                         struct bench_seen *ret, struct weft_err *e) WEFT_MUST_CHECK;
/* ,"seconds":...,"server":{...} */
void bench_seen_put_json(const struct bench_plan *p, const struct bench_seen *s, double units,
                         const char *unit, struct buf *out);

/* ---- samples ---------------------------------------------------------------------------- */

struct bench_samples {
    uint32_t *us;
    size_t count, cap;
};

void bench_samples_add(struct bench_samples *s, uint64_t ns);
void bench_samples_merge(struct bench_samples *to, const struct bench_samples *from);
void bench_samples_done(struct bench_samples *s);
/* Sorts them.  share 0.5: the median; 0 without samples.  Milliseconds. */
double bench_samples_at(struct bench_samples *s, double share);
void bench_samples_put_json(struct bench_samples *s, const char *name, struct buf *out);

#endif
