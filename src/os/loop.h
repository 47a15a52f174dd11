/* loop.h - one thread's wait: sockets, timers, mail.
 *
 * A loop sleeps until something happens and calls back.  It owns nothing: the
 * watched fds, the timers and the tasks are fields of their owners' structs.
 *
 *     turn:  epoll_wait -> ready fds (mail is one of them) -> due timers -> tasks
 *
 * A task is work put off to the end of the turn: ten messages that are sent in
 * one turn leave in one write, because the write is a task.  The mailbox is the
 * only door for other threads; its mail is handled with `owner`.
 *
 *     struct mailbox *mb = mailbox_new("net0", 4096);
 *     struct loop *l = loop_new(mb, self);
 *     loop_run(l);                      until a handler calls loop_stop(l)
 *
 * Go origin   none (the runtime's network poller)
 * Owner       the thread that runs it; nothing here is safe from others
 * Memory      holds pointers to what is watched; the mailbox is the caller's
 * Limits      256 ready fds and 256 mails a turn, the rest in the next
 */
#ifndef WEFT_OS_LOOP_H
#define WEFT_OS_LOOP_H

#include "base/mailbox.h"

struct loop;

/* A watched fd.  `events` are epoll's: EPOLLIN, EPOLLOUT. */
struct loop_fd {
    int fd;
    uint32_t events;
    void (*ready)(struct loop_fd *f, uint32_t events);
};

struct loop_timer {
    void (*fire)(struct loop_timer *t);
    uint64_t at_ms;
    size_t place; /* in the loop's heap, from 1; 0 is not set */
};

struct loop_task {
    void (*run)(struct loop_task *t);
    struct loop_task *next, **link; /* link is NULL while it is not queued */
};

/* mb may be NULL (a loop without mail, for tests). */
struct loop *loop_new(struct mailbox *mb, void *owner);
void loop_free(struct loop *l);
WEFT_DEFINE_CLEANUP(struct loop *, loop_free)

/* Turns until loop_stop. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* One turn that waits at most wait_ms for something to happen. */
void loop_turn(struct loop *l, int wait_ms);

/* Monotonic, as it was when this turn's events came. */
uint64_t loop_now_ms(const struct loop *l);

/* Begins to watch, or changes what is waited for.  False: no room for another
 * fd in the kernel. */
bool loop_watch(struct loop *l, struct loop_fd *f, uint32_t events) WEFT_MUST_CHECK;
/* Fine when it is not watched.  Its events of this turn are not delivered any
 * more: the struct may be freed. */
void loop_unwatch(struct loop *l, struct loop_fd *f);

/* Fires once, at or after at_ms; set again moves it. */
void loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t at_ms);
void loop_timer_clear(struct loop *l, struct loop_timer *t);

/* Runs at the end of this turn (of the next, if tasks are running); once,
 * however often it is asked for. */
void loop_defer(struct loop *l, struct loop_task *t);
void loop_undefer(struct loop *l, struct loop_task *t);

#endif
