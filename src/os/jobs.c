#include "os/jobs.h"

#include <pthread.h>
#include <unistd.h>

struct jobs {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct job *head, **tail;
    size_t count, limit;
    bool stopping;
    unsigned thread_count;
    pthread_t threads[];
};

static struct job *next_job(struct jobs *pool)
{
    (void)pthread_mutex_lock(&pool->lock);
    while (pool->head == NULL && !pool->stopping)
        (void)pthread_cond_wait(&pool->wake, &pool->lock);
    struct job *j = pool->head;
    if (j != NULL) {
        pool->head = j->next;
        pool->count--;
        if (pool->head == NULL)
            pool->tail = &pool->head;
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return j;
}

static void *work(void *arg)
{
    struct jobs *pool = arg;
    for (struct job *j = next_job(pool); j != NULL; j = next_job(pool)) {
        struct mailbox *back = j->back;
        j->run(j);
        /* A closed mailbox: its owner stops and does not want it any more. */
        if (back != NULL && !mailbox_put(back, &j->mail))
            j->mail.drop(&j->mail);
    }
    return NULL;
}

struct jobs *jobs_new(const char *name, unsigned threads, size_t limit)
{
    if (threads == 0) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        threads = cores > 0 ? (unsigned)cores : 1;
    }
    struct jobs *pool = weft_alloc(sizeof(*pool) + threads * sizeof(pthread_t));
    pool->limit = limit;
    pool->thread_count = threads;
    pool->tail = &pool->head;
    WEFT_ASSERT(pthread_mutex_init(&pool->lock, NULL) == 0);
    WEFT_ASSERT(pthread_cond_init(&pool->wake, NULL) == 0);
    for (unsigned i = 0; i < threads; i++) {
        char label[16];
        (void)snprintf(label, sizeof(label), "%s%u", name, i);
        WEFT_ASSERT(pthread_create(&pool->threads[i], NULL, work, pool) == 0);
        (void)pthread_setname_np(pool->threads[i], label); /* a label for ps; no matter if not */
    }
    return pool;
}

void jobs_free(struct jobs *pool)
{
    if (pool == NULL)
        return;
    (void)pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    (void)pthread_cond_broadcast(&pool->wake);
    (void)pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->thread_count; i++)
        (void)pthread_join(pool->threads[i], NULL);
    (void)pthread_cond_destroy(&pool->wake);
    (void)pthread_mutex_destroy(&pool->lock);
    free(pool);
}

unsigned jobs_threads(const struct jobs *pool)
{
    return pool->thread_count;
}

bool jobs_submit(struct jobs *pool, struct job *j)
{
    j->next = NULL;
    (void)pthread_mutex_lock(&pool->lock);
    bool taken = pool->count < pool->limit;
    if (taken) {
        *pool->tail = j;
        pool->tail = &j->next;
        pool->count++;
    }
    (void)pthread_mutex_unlock(&pool->lock);
    if (taken) /* a worker that is woken while we hold the lock only runs into it */
        (void)pthread_cond_signal(&pool->wake);
    return taken;
}
