#include "os/loop.h"

#include "os/clock.h"

#include <sys/epoll.h>
#include <unistd.h>

enum {
    EVENTS_PER_TURN = 256,
    MAILS_PER_TURN = 256,
    WAIT_MAX_MS = 3600 * 1000,
};

struct loop {
    int epoll_fd;
    struct mailbox *mb;
    void *owner;
    struct loop_fd mail;
    uint64_t now_ms;
    bool stopped;
    struct loop_timer **heap; /* heap[1] is the first due; heap[0] is unused */
    size_t timers, heap_cap;
    struct loop_task *tasks, **tasks_end;
    struct epoll_event events[EVENTS_PER_TURN];
    int event_count; /* of this turn, while they are delivered */
};

static void mail_ready(struct loop_fd *f, uint32_t events)
{
    struct loop *l = WEFT_CONTAINER_OF(f, struct loop, mail);
    (void)events;
    (void)mailbox_drain(l->mb, l->owner, MAILS_PER_TURN);
}

struct loop *loop_new(struct mailbox *mb, void *owner)
{
    struct loop *l = weft_alloc(sizeof(*l));
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    WEFT_ASSERT(l->epoll_fd >= 0);
    l->mb = mb;
    l->owner = owner;
    l->now_ms = clock_monotonic_ms();
    l->tasks_end = &l->tasks;
    if (mb != NULL) {
        l->mail = (struct loop_fd){ .fd = mailbox_fd(mb), .ready = mail_ready };
        WEFT_ASSERT(loop_watch(l, &l->mail, EPOLLIN));
    }
    return l;
}

void loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    (void)close(l->epoll_fd);
    free(l->heap);
    free(l);
}

uint64_t loop_now_ms(const struct loop *l)
{
    return l->now_ms;
}

void loop_stop(struct loop *l)
{
    l->stopped = true;
}

/* ---- fds ------------------------------------------------------------- */

bool loop_watch(struct loop *l, struct loop_fd *f, uint32_t events)
{
    if (f->events == events)
        return true;
    struct epoll_event ev = { .events = events, .data.ptr = f };
    int op = f->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (epoll_ctl(l->epoll_fd, op, f->fd, &ev) != 0)
        return false;
    f->events = events;
    return true;
}

void loop_unwatch(struct loop *l, struct loop_fd *f)
{
    if (f->events == 0)
        return;
    (void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, f->fd, NULL); /* a closed fd is gone already */
    f->events = 0;
    for (int i = 0; i < l->event_count; i++)
        if (l->events[i].data.ptr == f)
            l->events[i].data.ptr = NULL;
}

/* ---- timers: a binary heap, each timer knowing its place ---------------- */

static void place(struct loop *l, struct loop_timer *t, size_t at)
{
    l->heap[at] = t;
    t->place = at;
}

static void sift_up(struct loop *l, struct loop_timer *t, size_t at)
{
    for (; at > 1 && l->heap[at / 2]->at_ms > t->at_ms; at /= 2)
        place(l, l->heap[at / 2], at);
    place(l, t, at);
}

static void sift_down(struct loop *l, struct loop_timer *t, size_t at)
{
    for (size_t child; (child = 2 * at) <= l->timers; at = child) {
        if (child < l->timers && l->heap[child + 1]->at_ms < l->heap[child]->at_ms)
            child++;
        if (l->heap[child]->at_ms >= t->at_ms)
            break;
        place(l, l->heap[child], at);
    }
    place(l, t, at);
}

void loop_timer_clear(struct loop *l, struct loop_timer *t)
{
    if (t->place == 0)
        return;
    size_t hole = t->place;
    struct loop_timer *last = l->heap[l->timers--];
    t->place = 0;
    if (last == t)
        return;
    sift_up(l, last, hole);
    sift_down(l, last, last->place);
}

void loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t at_ms)
{
    loop_timer_clear(l, t);
    if (l->timers + 1 >= l->heap_cap) {
        l->heap_cap = l->heap_cap == 0 ? 16 : 2 * l->heap_cap;
        l->heap = weft_realloc(l->heap, l->heap_cap * sizeof(struct loop_timer *));
    }
    t->at_ms = at_ms;
    sift_up(l, t, ++l->timers);
}

/* Only those that are due when it begins: one that sets itself again for now
 * waits for the next turn, and the sockets get theirs. */
static void fire_due(struct loop *l)
{
    for (size_t most = l->timers; most > 0 && l->timers > 0; most--) {
        struct loop_timer *t = l->heap[1];
        if (t->at_ms > l->now_ms)
            return;
        loop_timer_clear(l, t);
        t->fire(t);
    }
}

/* ---- tasks ------------------------------------------------------------- */

void loop_defer(struct loop *l, struct loop_task *t)
{
    if (t->link != NULL)
        return;
    t->next = NULL;
    t->link = l->tasks_end;
    *l->tasks_end = t;
    l->tasks_end = &t->next;
}

void loop_undefer(struct loop *l, struct loop_task *t)
{
    if (t->link == NULL)
        return;
    *t->link = t->next;
    if (t->next != NULL)
        t->next->link = t->link;
    else
        l->tasks_end = t->link;
    t->link = NULL;
}

/* What is put off meanwhile goes behind the mark and waits for the next turn. */
static void mark_run(struct loop_task *t)
{
    (void)t;
}

static void run_tasks(struct loop *l)
{
    struct loop_task mark = { .run = mark_run };
    if (l->tasks == NULL)
        return;
    loop_defer(l, &mark);
    while (l->tasks != &mark) {
        struct loop_task *t = l->tasks;
        loop_undefer(l, t);
        t->run(t);
    }
    loop_undefer(l, &mark);
}

/* ---- turns ------------------------------------------------------------- */

/* How long to sleep: until the next timer, not at all while tasks are due. */
static int until_next(const struct loop *l, int most)
{
    uint64_t wait = most < 0 ? WAIT_MAX_MS : (uint64_t)most;
    if (l->tasks != NULL)
        return 0;
    if (l->timers > 0) {
        uint64_t due = l->heap[1]->at_ms, now = clock_monotonic_ms();
        uint64_t until = due > now ? due - now : 0;
        wait = until < wait ? until : wait;
    }
    return (int)wait;
}

void loop_turn(struct loop *l, int wait_ms)
{
    int n = epoll_wait(l->epoll_fd, l->events, EVENTS_PER_TURN, until_next(l, wait_ms));
    l->event_count = n > 0 ? n : 0; /* EINTR is a turn without events */
    l->now_ms = clock_monotonic_ms();
    for (int i = 0; i < l->event_count; i++) {
        struct loop_fd *f = l->events[i].data.ptr;
        if (f != NULL)
            f->ready(f, l->events[i].events);
    }
    l->event_count = 0;
    fire_due(l);
    run_tasks(l);
}

void loop_run(struct loop *l)
{
    while (!l->stopped)
        loop_turn(l, -1);
}
