/* net_stranger.h - connections that nobody was served on yet share a part of the
 * loop's time while others are being served.
 *
 * Limits end a connection that floods; its peer comes back with the next one.
 * What that costs, handshakes and refusals, is work of strangers: connections
 * on which no message of ours was sent yet.  While anybody else is at work,
 * strangers together get `stranger_percent` of the time: after each
 * millisecond that they took, all of them rest for the others' share.
 *
 *     known    ####      ########      ######         served as they come
 *     strangers    ##             ##            ##    25 %
 *
 * When nobody else was there lately nothing rests: ten thousand peers that come
 * back after a restart shake hands as fast as the machine can.
 *
 * Go origin   none
 * Owner       the loop's thread
 * Memory      embedded in struct net and in each connection
 * Limits      net_limits.stranger_percent
 */
#ifndef WEFT_NET_NET_STRANGER_H
#define WEFT_NET_NET_STRANGER_H

#include "os/loop.h"

struct net_stranger {
    struct net_stranger *next, **link; /* link is NULL while it does not rest */
    void (*resume)(struct net_stranger *s);
};

struct net_strangers {
    struct loop_timer wake;
    struct loop *loop;
    struct net_stranger *resting;
    uint32_t percent;     /* 100: no limit */
    uint64_t spent_ns;    /* since they last rested */
    uint64_t known_at_ms; /* when somebody known was served last */
    bool rest;
};

void net_strangers_init(struct net_strangers *all, struct loop *loop, uint32_t percent);
void net_strangers_done(struct net_strangers *all);

/* Somebody known is being served. */
void net_strangers_known(struct net_strangers *all);
/* A stranger took so long. */
void net_strangers_spent(struct net_strangers *all, uint64_t ns);
/* Must this one rest now?  Then resume is called when it is over. */
bool net_stranger_rests(struct net_strangers *all, struct net_stranger *s);
/* It is going, or is known now. */
void net_stranger_leave(struct net_stranger *s);

#endif
