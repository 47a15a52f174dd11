#include "os/thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

struct thread {
    pthread_t id;
    void (*run)(void *arg);
    void *arg;
    char name[16];
};

static void *thread_main(void *self)
{
    const struct thread *t = self;
    (void)pthread_setname_np(pthread_self(), t->name); /* for people only */
    t->run(t->arg);
    return NULL;
}

enum weft_code thread_start(const char *name, void (*run)(void *arg), void *arg,
                            struct thread **ret, struct weft_err *e)
{
    struct thread *t = weft_alloc(sizeof(*t));
    t->run = run;
    t->arg = arg;
    (void)snprintf(t->name, sizeof(t->name), "%s", name);

    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* the new thread inherits it */
    int rc = pthread_create(&t->id, NULL, thread_main, t);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        free(t);
        return WEFT_FAIL(e, WEFT_UNAVAILABLE, "can't start thread %s: %s", name,
                         strerrordesc_np(rc));
    }
    *ret = t;
    return WEFT_OK;
}

void thread_join(struct thread *t)
{
    if (t == NULL)
        return;
    int rc = pthread_join(t->id, NULL);
    WEFT_ASSERT(rc == 0);
    free(t);
}
