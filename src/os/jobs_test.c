#include "os/jobs.h"

#include "weft_test.h"

#include <pthread.h>

struct square {
    struct job job;
    uint64_t n, result;
};

static void square_run(struct job *j)
{
    struct square *s = WEFT_CONTAINER_OF(j, struct square, job);
    s->result = s->n * s->n;
}

static void square_back(struct mail *m, void *owner)
{
    struct square *s = WEFT_CONTAINER_OF(m, struct square, job.mail);
    *(uint64_t *)owner += s->result;
    free(s);
}

static void square_drop(struct mail *m)
{
    free(WEFT_CONTAINER_OF(m, struct square, job.mail));
}

static struct square *square_new(struct mailbox *back, uint64_t n)
{
    struct square *s = weft_alloc(sizeof(*s));
    s->job = (struct job){ .run = square_run,
                           .back = back,
                           .mail = { .handle = square_back, .drop = square_drop } };
    s->n = n;
    return s;
}

TEST(results_come_back_by_mail)
{
    WEFT_CLEANUP(mailbox_free) struct mailbox *mb = mailbox_new("test", 1000);
    WEFT_CLEANUP(jobs_free) struct jobs *pool = jobs_new("job", 3, 1000);
    uint64_t total = 0, back = 0;
    for (uint64_t i = 1; i <= 1000; i++)
        EXPECT(jobs_submit(pool, &square_new(mb, i)->job));
    while (back < 1000) {
        mailbox_wait(mb, -1);
        back += mailbox_drain(mb, &total, 100);
    }
    EXPECT_EQ(total, 1000ULL * 1001 * 2001 / 6);
}

TEST(runs_what_is_queued_before_it_ends)
{
    WEFT_CLEANUP(mailbox_free) struct mailbox *mb = mailbox_new("test", 100);
    struct jobs *pool = jobs_new("job", 2, 100);
    uint64_t total = 0;
    for (uint64_t i = 0; i < 100; i++)
        EXPECT(jobs_submit(pool, &square_new(mb, 1)->job));
    jobs_free(pool);
    EXPECT_EQ(mailbox_drain(mb, &total, 100), 100);
    EXPECT_EQ(total, 100);
}

TEST(drops_results_that_nobody_takes_any_more)
{
    WEFT_CLEANUP(mailbox_free) struct mailbox *mb = mailbox_new("test", 100);
    mailbox_close(mb);
    struct jobs *pool = jobs_new("job", 2, 100);
    for (uint64_t i = 0; i < 100; i++)
        EXPECT(jobs_submit(pool, &square_new(mb, i)->job));
    jobs_free(pool); /* LeakSanitizer is the assertion */
}

static void order_run(struct job *j)
{
    (void)j;
}

static void order_back(struct mail *m, void *owner)
{
    struct square *s = WEFT_CONTAINER_OF(m, struct square, job.mail);
    uint64_t *next = owner;
    EXPECT_EQ(s->n, *next);
    (*next)++;
    free(s);
}

TEST(one_worker_takes_jobs_in_their_order)
{
    WEFT_CLEANUP(mailbox_free) struct mailbox *mb = mailbox_new("test", 100);
    struct jobs *pool = jobs_new("job", 1, 100);
    uint64_t next = 0;
    for (uint64_t i = 0; i < 100; i++) {
        struct square *s = square_new(mb, i);
        s->job.run = order_run;
        s->job.mail.handle = order_back;
        EXPECT(jobs_submit(pool, &s->job));
    }
    jobs_free(pool);
    EXPECT_EQ(mailbox_drain(mb, &next, 100), 100);
    EXPECT_EQ(next, 100);
}

enum {
    MEETING = 4,
    MEETINGS = 200,
};

static pthread_barrier_t met;

static void meet_run(struct job *j)
{
    (void)j;
    (void)pthread_barrier_wait(&met);
}

/* Were a worker not woken, the others would wait for it for ever. */
TEST(each_job_wakes_a_worker_that_sleeps)
{
    WEFT_CLEANUP(mailbox_free) struct mailbox *mb = mailbox_new("test", 100);
    WEFT_CLEANUP(jobs_free) struct jobs *pool = jobs_new("job", MEETING, 100);
    EXPECT(pthread_barrier_init(&met, NULL, MEETING) == 0);
    uint64_t total = 0;
    for (int i = 0; i < MEETINGS; i++) {
        for (int k = 0; k < MEETING; k++) {
            struct square *s = square_new(mb, 1);
            s->job.run = meet_run;
            EXPECT(jobs_submit(pool, &s->job));
        }
        for (size_t back = 0; back < MEETING;) {
            mailbox_wait(mb, -1);
            back += mailbox_drain(mb, &total, 100);
        }
    }
    (void)pthread_barrier_destroy(&met);
}

TEST(a_full_pool_says_so_and_the_job_stays_with_its_maker)
{
    WEFT_CLEANUP(mailbox_free) struct mailbox *mb = mailbox_new("test", 100);
    struct jobs *pool = jobs_new("job", 1, 1);
    EXPECT(pthread_barrier_init(&met, NULL, 2) == 0);
    struct square *holds = square_new(mb, 1), *waits = square_new(mb, 1);
    struct square *refused = square_new(mb, 1);
    holds->job.run = meet_run;
    EXPECT(jobs_submit(pool, &holds->job));
    while (!jobs_submit(pool, &waits->job)) /* until the worker has the first */
        ;
    EXPECT(!jobs_submit(pool, &refused->job));
    free(refused);
    (void)pthread_barrier_wait(&met);
    jobs_free(pool);
    (void)pthread_barrier_destroy(&met);
}
