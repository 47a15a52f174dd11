/* memory_rest.h - gives memory back when much work is over, and not while it may come again.
 *
 * Giving back (memory.h) takes some milliseconds, and what is used next is slower for a while:
 * a client that asks again at once should not meet that.  So who has finished something large
 * says so, and a second later, if this was not done in the last ten, it is done:
 *
 *     memory_rest_soon(r)     the last stream has gone; a channel was made
 *
 * What comes by the thousand (handshakes, for each of which OpenSSL holds 22 KB; envelopes that
 * wait for their turn) leaves as many holes between what stays, and malloc keeps them.  A
 * memory_storm counts, and speaks when it is over:
 *
 *     there now   0 1 90 800 1000 990 ... 250 | 1 s later: memory_give_back
 *                            most: 1000     a quarter
 *
 * Go origin   none
 * Owner       its loop's thread
 * Limits      fewer than `least` at once are no storm
 */
#ifndef WEFT_OS_MEMORY_REST_H
#define WEFT_OS_MEMORY_REST_H

#include "os/loop.h"

struct memory_rest {
    struct loop *loop;
    struct loop_timer timer;
    uint64_t not_before_ms; /* the next time */
    uint32_t times;
};

void memory_rest_init(struct memory_rest *r, struct loop *loop);
void memory_rest_done(struct memory_rest *r);
void memory_rest_soon(struct memory_rest *r);

struct memory_storm {
    struct memory_rest *rest;
    uint32_t least;
    uint32_t now, most; /* at once since the last storm */
};

void memory_storm_init(struct memory_storm *s, struct memory_rest *rest, uint32_t least);
void memory_storm_come(struct memory_storm *s);
void memory_storm_go(struct memory_storm *s);

#endif
