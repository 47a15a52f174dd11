#include "cli/bench_run.h"

#include "base/number.h"
#include "cli/channel_env.h"
#include "config/core_config.h"
#include "msp/signing_identity.h"
#include "net/net.h"
#include "os/clock.h"
#include "os/jobs.h"
#include "os/memory.h"
#include "os/process_stat.h"
#include "os/thread.h"

#include <inttypes.h>
#include <time.h>
#include <unistd.h>

enum {
    MAIL = 1024,
    LOOK_MS = 50,
    TIMEOUT_S = 600,
    AT_ONCE = 128,
};

/* ---- flags --------------------------------------------------------------------------- */

void bench_flags_add(struct bench_flags *f, struct cli_opt *opts, size_t *count)
{
    const struct cli_opt mine[] = {
        { "--channelID", "CHANNEL", "the channel", &f->channel, NULL, "-c" },
        { "--mspdir", "DIR", "our identity (CORE_PEER_MSPCONFIGPATH)", &f->msp_dir, NULL, NULL },
        { "--mspid", "NAME", "its MSP (CORE_PEER_LOCALMSPID)", &f->msp_id, NULL, NULL },
        { "--clients", "N", "connections, one stream on each (1)", &f->clients, NULL, NULL },
        { "--threads", "N", "our threads that drive them (1)", &f->threads, NULL, NULL },
        { "--atOnce", "N", "handshakes under way at a time (128)", &f->at_once, NULL, NULL },
        { "--window", "N", "how much may be in flight, a client", &f->window, NULL, NULL },
        { "--pid", "PID", "the server's process, here: CPU and memory", &f->pid, NULL, NULL },
        { "--giveUpAfter", "SECONDS", "what is not done by then is cut off (600)", &f->timeout,
          NULL, NULL },
    };
    memcpy(opts + *count, mine, sizeof(mine));
    *count += WEFT_ARRAY_LEN(mine);
    orderer_flags_add(&f->node, opts, count);
}

enum weft_code bench_number(const char *flag, const char *text, uint64_t least, uint64_t most,
                            uint64_t otherwise, uint64_t *ret, struct weft_err *e)
{
    uint64_t n = otherwise;
    if (text != NULL && (!number_parse_u64(text, &n) || n < least || n > most))
        return WEFT_FAIL(e, WEFT_INVALID, "%s is a number from %" PRIu64 " to %" PRIu64 ", not %s",
                         flag, least, most, text);
    *ret = n;
    return WEFT_OK;
}

static enum weft_code load_me(const struct bench_flags *f, struct signing_identity **ret,
                              struct weft_err *e)
{
    WEFT_CLEANUP(channel_env_done) struct channel_env env = { 0 };
    if (f->msp_dir != NULL && f->msp_id != NULL)
        return signing_identity_load(f->msp_dir, f->msp_id, ret, e);
    WEFT_TRY(channel_env_open(&env, e));
    *ret = WEFT_TAKE(env.me);
    return WEFT_OK;
}

enum weft_code bench_plan_open(const struct bench_flags *f, struct bench_plan *ret,
                               struct weft_err *e)
{
    ret->channel = f->channel;
    if (f->channel == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "Must supply channel ID");
    WEFT_TRY(bench_number("--clients", f->clients, 1, BENCH_CLIENTS, 1, &ret->clients, e));
    WEFT_TRY(bench_number("--threads", f->threads, 1, BENCH_THREADS, 1, &ret->threads, e));
    WEFT_TRY(bench_number("--atOnce", f->at_once, 1, BENCH_CLIENTS, AT_ONCE, &ret->at_once, e));
    WEFT_TRY(bench_number("--window", f->window, 1, 1 << 30, 0, &ret->window, e));
    WEFT_TRY(bench_number("--pid", f->pid, 1, INT32_MAX, 0, &ret->pid, e));
    WEFT_TRY(bench_number("--giveUpAfter", f->timeout, 1, 1 << 20, TIMEOUT_S, &ret->timeout_s, e));
    WEFT_TRY(channel_env_orderer(&f->node, &ret->target, e));
    return load_me(f, &ret->me, e);
}

void bench_plan_done(struct bench_plan *p)
{
    signing_identity_free(p->me);
    node_target_done(&p->target);
    *p = (struct bench_plan){ 0 };
}

/* ---- threads ------------------------------------------------------------------------------ */

struct worker {
    struct bench_thread t;
    const struct bench_ops *ops;
    uint64_t next, first, step, clients; /* which ones are its */
    struct mailbox *mb;
    struct jobs *resolver;
    struct loop_timer look;
    struct thread *thread;
    uint64_t ended_ns;
    _Atomic bool done;
};

void bench_client_done(struct bench_thread *t)
{
    if (--t->running == 0)
        loop_stop(t->loop);
}

void bench_client_ready(struct bench_thread *t, bool *told)
{
    if (*told)
        return;
    *told = true;
    t->under_way--;
    loop_defer(t->loop, &t->begin);
}

static void begin_more(struct loop_task *task)
{
    struct worker *w = WEFT_CONTAINER_OF(task, struct worker, t.begin);
    while (w->next < w->clients && w->t.under_way < w->t.at_once) {
        uint64_t i = w->next;
        w->next += w->step;
        w->t.under_way++;
        if (w->t.under_way > w->t.most)
            w->t.most = w->t.under_way;
        w->ops->start(w->ops->ctx, &w->t, i);
    }
}

static void on_look(struct loop_timer *timer)
{
    struct worker *w = WEFT_CONTAINER_OF(timer, struct worker, look);
    if (atomic_load(w->t.give_up))
        loop_stop(w->t.loop);
    else
        loop_timer_set(w->t.loop, timer, loop_now_ms(w->t.loop) + LOOK_MS);
}

static void run_worker(void *arg)
{
    struct worker *w = arg;
    loop_timer_set(w->t.loop, &w->look, loop_now_ms(w->t.loop) + LOOK_MS);
    for (uint64_t i = w->first; i < w->clients; i += w->step)
        w->t.running++;
    begin_more(&w->t.begin);
    if (w->t.running > 0)
        loop_run(w->t.loop);
    loop_undefer(w->t.loop, &w->t.begin);
    w->ended_ns = clock_monotonic_ns();
    for (uint64_t i = w->first; i < w->clients; i += w->step)
        w->ops->free(w->ops->ctx, i);
    atomic_store(&w->done, true);
}

static void open_worker(struct worker *w, const struct bench_plan *p, const struct bench_ops *ops,
                        _Atomic bool *give_up)
{
    struct net_limits limits = NET_LIMITS_DEFAULT;
    if (ops->stream_window > 0) {
        limits.stream_window = ops->stream_window;
        limits.conn_window = ops->stream_window;
    }
    w->ops = ops;
    w->clients = p->clients;
    w->step = p->threads;
    w->look.fire = on_look;
    w->next = w->first;
    w->t.begin.run = begin_more;
    w->t.at_once = (p->at_once + p->threads - 1) / p->threads;
    w->t.give_up = give_up;
    w->mb = mailbox_new("bench", MAIL);
    w->resolver = jobs_new("resolve", 1, BENCH_CLIENTS);
    w->t.loop = loop_new(w->mb, w);
    w->t.net = net_new(w->t.loop, &limits, w->mb, w->resolver);
}

static void close_worker(struct worker *w)
{
    if (w->mb == NULL)
        return;
    mailbox_close(w->mb);
    jobs_free(w->resolver);
    net_free(w->t.net);
    loop_free(w->t.loop);
    mailbox_free(w->mb);
}

/* Until all have ended: looks at the server, and at the clock. */
static void watch(const struct bench_plan *p, const struct worker *workers, struct bench_seen *s,
                  _Atomic bool *give_up)
{
    static const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
    uint64_t began = clock_monotonic_ms();
    for (;;) {
        bool all = true;
        struct process_stat now = { 0 };
        for (uint64_t i = 0; i < p->threads; i++)
            all = all && atomic_load(&workers[i].done);
        if (all)
            return;
        if (p->pid != 0 && process_stat_read(p->pid, &now) && now.rss_bytes > s->rss_peak)
            s->rss_peak = now.rss_bytes;
        s->timed_out = clock_monotonic_ms() - began > p->timeout_s * 1000;
        if (s->timed_out)
            atomic_store(give_up, true);
        (void)nanosleep(&pause, NULL);
    }
}

enum weft_code bench_run(const struct bench_plan *p, const struct bench_ops *ops,
                         struct bench_seen *ret, struct weft_err *e)
{
    struct worker *workers = weft_alloc(p->threads * sizeof(*workers));
    struct process_stat before = { 0 }, after = { 0 }, me[2] = { 0 };
    struct bench_seen s = { 0 };
    _Atomic bool give_up = false;
    enum weft_code rc = WEFT_OK;
    memory_keep_warm(MEMORY_WARM_BYTES);
    if (p->pid != 0 && !process_stat_read(p->pid, &before))
        rc = WEFT_FAIL(e, WEFT_NOT_FOUND, "there is no process %" PRIu64, p->pid);
    WEFT_IGNORE(process_stat_read((uint64_t)getpid(), &me[0])); /* our own is there */
    s.rss_before = s.rss_peak = before.rss_bytes;
    uint64_t began = clock_monotonic_ns();
    for (uint64_t i = 0; i < p->threads && rc == WEFT_OK; i++) {
        workers[i].first = i;
        open_worker(&workers[i], p, ops, &give_up);
        rc = thread_start("bench", run_worker, &workers[i], &workers[i].thread, e);
        if (rc != WEFT_OK)
            atomic_store(&give_up, true);
    }
    if (rc == WEFT_OK)
        watch(p, workers, &s, &give_up);
    for (uint64_t i = 0; i < p->threads; i++) {
        if (workers[i].thread != NULL)
            thread_join(workers[i].thread);
        if (workers[i].ended_ns > began + (uint64_t)(s.seconds * 1e9))
            s.seconds = (double)(workers[i].ended_ns - began) / 1e9;
        s.at_once += workers[i].t.most;
        close_worker(&workers[i]);
    }
    free(workers);
    WEFT_IGNORE(process_stat_read((uint64_t)getpid(), &me[1]));
    s.client_cpu_s = me[1].cpu_s - me[0].cpu_s;
    if (p->pid != 0 && process_stat_read(p->pid, &after)) {
        s.server_cpu_s = after.cpu_s - before.cpu_s;
        s.rss_after = after.rss_bytes;
        s.rss_peak = s.rss_peak > after.rss_bytes ? s.rss_peak : after.rss_bytes;
    }
    *ret = s;
    return rc;
}

void bench_seen_put_json(const struct bench_plan *p, const struct bench_seen *s, double units,
                         const char *unit, struct buf *out)
{
    buf_printf(out, ",\"timed_out\":%s,\"handshakes_at_once\":%" PRIu64 ",\"client_cpu_s\":%.3f",
               s->timed_out ? "true" : "false", s->at_once, s->client_cpu_s);
    if (p->pid == 0)
        return;
    buf_printf(out, ",\"server\":{\"pid\":%" PRIu64 ",\"cpu_s\":%.3f,\"cpu_s_per_%s\":%.6g", p->pid,
               s->server_cpu_s, unit, units > 0 ? s->server_cpu_s / units : 0);
    buf_printf(out, ",\"rss_mb\":{\"before\":%.1f,\"peak\":%.1f,\"after\":%.1f}}",
               (double)s->rss_before / 1e6, (double)s->rss_peak / 1e6, (double)s->rss_after / 1e6);
}

/* ---- samples -------------------------------------------------------------------------------- */

void bench_samples_add(struct bench_samples *s, uint64_t ns)
{
    uint64_t us = ns / 1000;
    if (s->count == s->cap) {
        s->cap = s->cap > 0 ? s->cap * 2 : 64;
        s->us = weft_realloc(s->us, s->cap * sizeof(uint32_t));
    }
    s->us[s->count++] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

void bench_samples_merge(struct bench_samples *to, const struct bench_samples *from)
{
    for (size_t i = 0; i < from->count; i++)
        bench_samples_add(to, (uint64_t)from->us[i] * 1000);
}

void bench_samples_done(struct bench_samples *s)
{
    free(s->us);
    *s = (struct bench_samples){ 0 };
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

double bench_samples_at(struct bench_samples *s, double share)
{
    if (s->count == 0)
        return 0;
    qsort(s->us, s->count, sizeof(uint32_t), compare);
    size_t at = (size_t)(share * (double)s->count);
    return (double)s->us[at < s->count ? at : s->count - 1] / 1e3;
}

void bench_samples_put_json(struct bench_samples *s, const char *name, struct buf *out)
{
    buf_printf(out, ",\"%s\":{\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f}", name,
               bench_samples_at(s, 0.5), bench_samples_at(s, 0.99), bench_samples_at(s, 1));
}
