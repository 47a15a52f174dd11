/* mailbox.h - the only way to hand work to another thread.
 *
 * A bounded queue with one reader, the thread that owns it, and any number
 * of writers.  Writing never waits: a full mailbox says so, and the writer's
 * module header says what it does then (stop reading a stream, drop, retry).
 * What is put in belongs to the reader from that moment on.
 *
 *     struct greeting { struct mail mail; int n; };
 *     mailbox_put(mb, &g->mail)            any thread
 *     poll(mailbox_fd(mb)); mailbox_drain(mb, self, 64)     the owner
 *
 * Go origin   none (a buffered channel)
 * Owner       one reader; put and close from any thread
 * Memory      holds what was put and not yet drained
 * Limits      `limit` messages, given at new
 */
#ifndef WEFT_BASE_MAILBOX_H
#define WEFT_BASE_MAILBOX_H

#include "base/weft.h"

struct mailbox;

/* A message is the first field of a larger struct; `handle` gets it back. */
struct mail {
    struct mail *next;
    void (*handle)(struct mail *m, void *owner); /* runs on the owner's thread, frees m */
    void (*drop)(struct mail *m);                /* frees m unread, at shutdown */
};

struct mailbox *mailbox_new(const char *name, size_t limit);
/* Drops what was not drained.  No other thread may still put. */
void mailbox_free(struct mailbox *mb);
WEFT_DEFINE_CLEANUP(struct mailbox *, mailbox_free)

/* Writers: false when full or closed; the message is then still theirs. */
bool mailbox_put(struct mailbox *mb, struct mail *m) WEFT_MUST_CHECK;

/* The same for the few who must not lose a message and hold nobody up by waiting:
 * waits while it is full; false when it is closed. */
bool mailbox_put_waiting(struct mailbox *mb, struct mail *m) WEFT_MUST_CHECK;

/* Owner: an fd that is readable while mail waits, for its poll loop. */
int mailbox_fd(const struct mailbox *mb);

/* Owner: handles what is there now, at most `max`; returns how many. */
size_t mailbox_drain(struct mailbox *mb, void *owner, size_t max);

/* Owner: waits until there is mail, at most timeout_ms (-1: for ever). */
void mailbox_wait(struct mailbox *mb, int timeout_ms);

/* After this every put fails. */
void mailbox_close(struct mailbox *mb);

#endif
