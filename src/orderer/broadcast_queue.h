/* broadcast_queue.h - the envelopes of one Broadcast stream, in order.
 *
 *     added      [ 1 checking ][ 2 passed ][ 3 checking ]
 *     1 passes   1 is ordered, then 2: never 2 before 1
 *     3 fails    nothing behind 3 is ordered
 *     1, 2 done  two answers, then 3's, then the stream is over
 *
 *              passed               order(): given to the chain
 *     CHECKING -------> PASSED --------------------------------> ORDERED
 *        | refused         | order() says no                        | done
 *        +---------------> ANSWERED <-------------------------------+
 *
 * An item that is CHECKING or ORDERED is in somebody's hands; when its stream
 * ends it becomes an orphan, which they give back with broadcast_item_free.
 *
 * Go origin   orderer/common/broadcast/broadcast.go Handle
 * Owner       the thread of the stream
 * I/O         none: see struct broadcast_queue_deps
 * Memory      holds its items
 * Limits      those of broadcast_server.h
 */
#ifndef WEFT_ORDERER_BROADCAST_QUEUE_H
#define WEFT_ORDERER_BROADCAST_QUEUE_H

#include "base/bytes.h"

enum broadcast_item_state {
    BROADCAST_CHECKING,
    BROADCAST_PASSED,
    BROADCAST_ORDERED,
    BROADCAST_ANSWERED,
};

enum {
    BROADCAST_SUCCESS = 200 /* common.Status */
};

/* One envelope; the first member of the caller's struct. */
struct broadcast_item {
    enum broadcast_item_state state;
    int status; /* once ANSWERED */
    char *info; /* for the client; NULL: nothing */
    size_t bytes;
    bool is_orphan; /* its stream has ended */
    struct broadcast_item *next;
};

/* Calls do not re-enter the queue. */
struct broadcast_queue_deps {
    /* Gives it to its chain.  False: it takes none; then status and info say why. */
    bool (*order)(void *ctx, struct broadcast_item *item);
    void (*answer)(void *ctx, const struct broadcast_item *item);
    /* An answer that was not SUCCESS has been given: no more of this stream. */
    void (*over)(void *ctx);
    void (*free)(void *ctx, struct broadcast_item *item);
};

struct broadcast_queue {
    const struct broadcast_queue_deps *deps;
    void *ctx;
    struct broadcast_item *first, **last;
    struct broadcast_item *unordered; /* the first one that was not ordered yet */
    size_t count, bytes;
    bool is_over, is_stepping;
};

void broadcast_queue_init(struct broadcast_queue *q, const struct broadcast_queue_deps *deps,
                          void *ctx);
/* The stream has ended: makes orphans of those in other hands, frees the rest. */
void broadcast_queue_end(struct broadcast_queue *q);

/* Takes the item, CHECKING. */
void broadcast_queue_add(struct broadcast_queue *q, struct broadcast_item *item);
/* What became of it; not for orphans.  Copies info. */
void broadcast_queue_passed(struct broadcast_queue *q, struct broadcast_item *item);
void broadcast_queue_refused(struct broadcast_queue *q, struct broadcast_item *item, int status,
                             const char *info);
void broadcast_queue_done(struct broadcast_queue *q, struct broadcast_item *item, int status,
                          const char *info);

#endif
