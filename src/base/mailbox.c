#include "base/mailbox.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mailbox {
    const char *name;
    pthread_mutex_t lock;
    struct mail *head, **tail;
    size_t count, limit;
    bool closed;
    int fd; /* an eventfd: readable while the list is not empty */
};

struct mailbox *mailbox_new(const char *name, size_t limit)
{
    WEFT_ASSERT(limit > 0);
    struct mailbox *mb = weft_alloc(sizeof(*mb));
    mb->name = name;
    mb->limit = limit;
    mb->tail = &mb->head;
    mb->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    WEFT_ASSERT(mb->fd >= 0);
    WEFT_ASSERT(pthread_mutex_init(&mb->lock, NULL) == 0);
    return mb;
}

void mailbox_free(struct mailbox *mb)
{
    if (mb == NULL)
        return;
    while (mb->head != NULL) {
        struct mail *m = mb->head;
        mb->head = m->next;
        m->drop(m);
    }
    (void)pthread_mutex_destroy(&mb->lock);
    (void)close(mb->fd);
    free(mb);
}

bool mailbox_put(struct mailbox *mb, struct mail *m)
{
    m->next = NULL;
    (void)pthread_mutex_lock(&mb->lock);
    bool taken = !mb->closed && mb->count < mb->limit;
    bool first = taken && mb->head == NULL;
    if (taken) {
        *mb->tail = m;
        mb->tail = &m->next;
        mb->count++;
    }
    /* Under the lock: the reader may free the mailbox once it has the mail. */
    if (first)
        WEFT_ASSERT(eventfd_write(mb->fd, 1) == 0);
    (void)pthread_mutex_unlock(&mb->lock);
    return taken;
}

static bool is_closed(struct mailbox *mb)
{
    (void)pthread_mutex_lock(&mb->lock);
    bool closed = mb->closed;
    (void)pthread_mutex_unlock(&mb->lock);
    return closed;
}

bool mailbox_put_waiting(struct mailbox *mb, struct mail *m)
{
    while (!mailbox_put(mb, m)) {
        if (is_closed(mb))
            return false;
        (void)poll(NULL, 0, 1); /* its reader is busy with what is there */
    }
    return true;
}

int mailbox_fd(const struct mailbox *mb)
{
    return mb->fd;
}

/* Takes up to max messages off the list; the eventfd stays readable while
 * any are left. */
static struct mail *take(struct mailbox *mb, size_t max)
{
    (void)pthread_mutex_lock(&mb->lock);
    struct mail *first = mb->head, **end = &mb->head;
    size_t n = 0;
    for (; n < max && *end != NULL; n++)
        end = &(*end)->next;
    struct mail *rest = *end;
    *end = NULL;
    mb->head = rest;
    mb->count -= n;
    if (rest == NULL) {
        eventfd_t ignored;
        mb->tail = &mb->head;
        (void)eventfd_read(mb->fd, &ignored);
    }
    (void)pthread_mutex_unlock(&mb->lock);
    return n > 0 ? first : NULL;
}

size_t mailbox_drain(struct mailbox *mb, void *owner, size_t max)
{
    size_t n = 0;
    for (struct mail *m = take(mb, max); m != NULL; n++) {
        struct mail *next = m->next;
        m->handle(m, owner);
        m = next;
    }
    return n;
}

void mailbox_wait(struct mailbox *mb, int timeout_ms)
{
    struct pollfd p = { .fd = mb->fd, .events = POLLIN };
    while (poll(&p, 1, timeout_ms) < 0 && errno == EINTR && timeout_ms < 0)
        ;
}

void mailbox_close(struct mailbox *mb)
{
    (void)pthread_mutex_lock(&mb->lock);
    mb->closed = true;
    (void)pthread_mutex_unlock(&mb->lock);
}
