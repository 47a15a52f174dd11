#include "peer/commit_thread.h"

#include "base/log.h"
#include "kvledger/kv_ledger.h"
#include "msp/msp_manager.h"
#include "os/clock.h"
#include "os/jobs.h"
#include "os/loop.h"
#include "os/thread.h"
#include "peer/committer.h"
#include "proto/block.h"
#include "validation/block_validation.h"

LOG_DEFINE(logger, "gossip.state");

enum {
    LANE_IDENTITIES = 256,
};

/* Used by one worker at a time. */
struct lane {
    _Atomic bool is_taken;
    struct validation_lane *lane;
};

/* One at a time. */
struct sync_job {
    struct job job;
    struct kv_sync *group;
};

struct commit_thread {
    const struct commit_world *world;
    void *channel;
    char *id, *name;
    struct kv_ledger *ledger;
    struct committer *committer;
    struct lane *lanes;
    unsigned lane_count;
    struct mailbox *mb;
    struct loop *loop;
    struct loop_task step;
    struct thread *thread;
    struct jobs *syncs; /* one thread: what it writes is one group after the other */
    struct sync_job sync;
    struct mail stop;
    struct commit_watch *watch;
    struct msp_manager *foreign; /* that was asked for last */
    _Atomic uint64_t next, done, done_bytes;
    bool is_stopping, has_failed, is_broken;
};

/* ---- workers ------------------------------------------------------------------------------------ */

struct part_job {
    struct job job;
    struct commit_thread *t;
    struct committer_block *block;
    size_t part;
};

/* There are as many as workers, so one is free. */
static struct lane *take_lane(struct commit_thread *t)
{
    for (unsigned i = 0;; i = (i + 1) % t->lane_count)
        if (!atomic_exchange_explicit(&t->lanes[i].is_taken, true, memory_order_acquire))
            return &t->lanes[i];
}

static void run_part(struct job *j)
{
    struct part_job *p = WEFT_CONTAINER_OF(j, struct part_job, job);
    struct lane *lane = take_lane(p->t);
    committer_block_run(p->block, p->part, lane->lane);
    atomic_store_explicit(&lane->is_taken, false, memory_order_release);
}

static void end_if_idle(struct commit_thread *t)
{
    if (t->is_stopping && committer_out(t->committer) == 0)
        loop_stop(t->loop);
}

static void part_done(struct mail *m, void *owner)
{
    struct part_job *p = WEFT_CONTAINER_OF(m, struct part_job, job.mail);
    struct commit_thread *t = owner;
    committer_part_done(t->committer, p->block);
    free(p);
    loop_defer(t->loop, &t->step);
    end_if_idle(t);
}

static void part_dropped(struct mail *m)
{
    free(WEFT_CONTAINER_OF(m, struct part_job, job.mail));
}

static bool dep_run(void *ctx, struct committer_block *b, size_t part)
{
    struct commit_thread *t = ctx;
    struct part_job *p = weft_alloc(sizeof(*p));
    *p = (struct part_job){ .job = { .run = run_part,
                                     .back = t->mb,
                                     .mail = { .handle = part_done, .drop = part_dropped } },
                            .t = t,
                            .block = b,
                            .part = part };
    if (jobs_submit(t->world->crypto, &p->job))
        return true;
    free(p);
    return false;
}

/* ---- syncs -------------------------------------------------------------------------------------- */

static void fail(struct commit_thread *t, enum weft_code rc, const struct weft_err *why)
{
    bool fatal = rc != WEFT_UNAVAILABLE;
    struct weft_err said = *why;
    t->has_failed = true;
    t->is_broken = t->is_broken || fatal;
    if (fatal)
        (void)WEFT_FAIL(&said, rc, "Cannot commit block to the ledger due to %.400s", why->msg);
    else
        LOG_ERROR(&logger,
                  "Failed executing VSCC due to %s. Aborting chain processing" LOG_KV "channel=%s",
                  why->msg, t->id);
    t->world->failed(t->world->ctx, t->channel, fatal, &said);
}

static void in_struct(struct mail *m)
{
    (void)m; /* it lies in its owner's struct */
}

static void run_sync(struct job *j)
{
    kv_sync_run(WEFT_CONTAINER_OF(j, struct sync_job, job)->group);
}

static void sync_done(struct mail *m, void *owner)
{
    struct commit_thread *t = owner;
    struct weft_err e = { 0 };
    (void)m;
    enum weft_code rc = committer_synced(t->committer, &e);
    if (rc != WEFT_OK && !t->is_broken)
        fail(t, rc, &e);
    loop_defer(t->loop, &t->step);
    end_if_idle(t);
}

/* ---- what the committer needs ---------------------------------------------------------------------- */

static bool dep_sync(void *ctx, struct kv_sync *group)
{
    struct commit_thread *t = ctx;
    t->sync = (struct sync_job){ .job = { .run = run_sync,
                                          .back = t->mb,
                                          .mail = { .handle = sync_done, .drop = in_struct } },
                                 .group = group };
    return jobs_submit(t->syncs, &t->sync.job);
}

static uint64_t dep_now(void *ctx)
{
    (void)ctx;
    return clock_monotonic_ns();
}

static void dep_configured(void *ctx, struct bundle *b)
{
    struct commit_thread *t = ctx;
    t->world->configured(t->world->ctx, t->channel, b);
}

static struct msp_manager *dep_msps_of(void *ctx, struct bytes channel_id)
{
    struct commit_thread *t = ctx;
    msp_manager_unref(t->foreign);
    t->foreign = t->world->msps_of(t->world->ctx, channel_id);
    return t->foreign;
}

/* ---- steps -------------------------------------------------------------------------------------------- */

static void tell_progress(struct commit_thread *t, uint64_t before)
{
    uint64_t next = committer_next(t->committer);
    atomic_store(&t->next, next);
    atomic_fetch_add(&t->done, next - before);
    atomic_store(&t->done_bytes, committer_bytes(t->committer));
    if (t->watch == NULL || atomic_exchange(&t->watch->on_its_way, true))
        return;
    if (!mailbox_put(t->watch->mb, &t->watch->mail))
        atomic_store(&t->watch->on_its_way, false); /* full: the next block tries again */
}

static void step(struct loop_task *task)
{
    struct commit_thread *t = WEFT_CONTAINER_OF(task, struct commit_thread, step);
    struct weft_err e = { 0 };
    if (t->has_failed || t->is_stopping)
        return;
    uint64_t before = committer_next(t->committer);
    enum weft_code rc = committer_step(t->committer, &e);
    if (committer_next(t->committer) != before)
        tell_progress(t, before);
    if (rc != WEFT_OK)
        fail(t, rc, &e);
}

/* ---- blocks ---------------------------------------------------------------------------------------------- */

struct block_mail {
    struct mail mail;
    struct block *block;
};

static void block_dropped(struct mail *m)
{
    struct block_mail *b = WEFT_CONTAINER_OF(m, struct block_mail, mail);
    block_unref(b->block);
    free(b);
}

static void take_block(struct mail *m, void *owner)
{
    struct block_mail *b = WEFT_CONTAINER_OF(m, struct block_mail, mail);
    struct commit_thread *t = owner;
    if (!t->has_failed && !t->is_stopping) {
        committer_put(t->committer, b->block);
        loop_defer(t->loop, &t->step);
    }
    block_dropped(m);
}

bool commit_thread_put(struct commit_thread *t, struct block *block)
{
    struct block_mail *b = weft_alloc(sizeof(*b));
    b->mail = (struct mail){ .handle = take_block, .drop = block_dropped };
    b->block = block_ref(block);
    if (mailbox_put(t->mb, &b->mail))
        return true;
    block_dropped(&b->mail);
    return false;
}

/* ---- life -------------------------------------------------------------------------------------------------- */

static void run(void *arg)
{
    loop_run(((struct commit_thread *)arg)->loop);
}

static void take_stop(struct mail *m, void *owner)
{
    struct commit_thread *t = owner;
    struct weft_err e = { 0 };
    (void)m;
    t->is_stopping = true;
    enum weft_code rc = committer_end(t->committer, &e);
    if (rc != WEFT_OK && !t->has_failed)
        fail(t, rc, &e);
    end_if_idle(t);
}

struct commit_thread *commit_thread_new(const struct commit_world *world, const char *id,
                                        void *channel, struct kv_ledger *ledger,
                                        struct bundle *bundle)
{
    struct commit_thread *t = weft_alloc(sizeof(*t));
    t->world = world;
    t->channel = channel;
    t->ledger = ledger;
    t->id = weft_strdup(id);
    t->name = weft_asprintf("commit:%s", id);
    t->mb = mailbox_new(t->name, COMMIT_MAIL);
    t->loop = loop_new(t->mb, t);
    t->step.run = step;
    t->stop = (struct mail){ .handle = take_stop, .drop = in_struct };
    t->syncs = jobs_new("sync", 1, 1);
    t->lane_count = jobs_threads(world->crypto);
    t->lanes = weft_alloc(t->lane_count * sizeof(*t->lanes));
    for (unsigned i = 0; i < t->lane_count; i++)
        t->lanes[i].lane = validation_lane_new(world->tables, LANE_IDENTITIES);
    const struct committer_deps deps = { .ctx = t,
                                         .now_ns = dep_now,
                                         .run = dep_run,
                                         .sync = dep_sync,
                                         .configured = dep_configured,
                                         .msps_of = dep_msps_of };
    t->committer = committer_new(&(struct committer_config){ .channel_id = t->id,
                                                             .ledger = ledger,
                                                             .bundle = bundle,
                                                             .tables = world->tables,
                                                             .metrics = world->metrics },
                                 &deps);
    atomic_store(&t->next, committer_next(t->committer));
    return t;
}

enum weft_code commit_thread_start(struct commit_thread *t, struct weft_err *e)
{
    return thread_start(t->name, run, t, &t->thread, e);
}

void commit_thread_ask_stop(struct commit_thread *t)
{
    if (t->thread != NULL)
        WEFT_ASSERT(mailbox_put_waiting(t->mb, &t->stop));
}

void commit_thread_join(struct commit_thread *t)
{
    thread_join(WEFT_TAKE(t->thread));
    mailbox_close(t->mb);
}

void commit_thread_free(struct commit_thread *t)
{
    if (t == NULL)
        return;
    jobs_free(t->syncs);
    committer_free(t->committer);
    msp_manager_unref(t->foreign);
    for (unsigned i = 0; i < t->lane_count; i++)
        validation_lane_free(t->lanes[i].lane);
    free(t->lanes);
    loop_free(t->loop);
    mailbox_free(t->mb);
    free(t->name);
    free(t->id);
    free(t);
}

uint64_t commit_thread_next(const struct commit_thread *t)
{
    return atomic_load(&t->next);
}

uint64_t commit_thread_done(const struct commit_thread *t)
{
    return atomic_load(&t->done);
}

uint64_t commit_thread_done_bytes(const struct commit_thread *t)
{
    return atomic_load(&t->done_bytes);
}

static void watch_moved(struct mail *m, void *owner)
{
    struct commit_watch *w = WEFT_CONTAINER_OF(m, struct commit_watch, mail);
    atomic_store(&w->on_its_way, false);
    w->moved(w, owner);
}

void commit_thread_watch(struct commit_thread *t, struct commit_watch *w)
{
    w->mail = (struct mail){ .handle = watch_moved, .drop = in_struct };
    t->watch = w;
}
