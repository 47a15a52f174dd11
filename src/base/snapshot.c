#include "base/snapshot.h"

#include <pthread.h>

struct snapshot {
    pthread_mutex_t lock;
    const struct snapshot_ops *ops;
    void *thing;
};

struct snapshot *snapshot_new(void *thing, const struct snapshot_ops *ops)
{
    struct snapshot *s = weft_alloc(sizeof(*s));
    WEFT_ASSERT(pthread_mutex_init(&s->lock, NULL) == 0);
    s->ops = ops;
    s->thing = thing;
    return s;
}

void snapshot_free(struct snapshot *s)
{
    if (s == NULL)
        return;
    s->ops->unref(s->thing);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}

void *snapshot_get(struct snapshot *s)
{
    (void)pthread_mutex_lock(&s->lock);
    void *thing = s->ops->ref(s->thing);
    (void)pthread_mutex_unlock(&s->lock);
    return thing;
}

void snapshot_set(struct snapshot *s, void *thing)
{
    (void)pthread_mutex_lock(&s->lock);
    void *before = s->thing;
    s->thing = thing;
    (void)pthread_mutex_unlock(&s->lock);
    s->ops->unref(before); /* may be the last one, and take long */
}
