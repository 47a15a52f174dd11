/* net_thread.h - a net loop of the orderer: its services, and its table of channels.
 *
 * The loop itself, which starts and stops as every daemon's, is net_loop.h's.
 *
 * Go origin   orderer/common/server/main.go
 * Owner       new, serve, free: main; all else in it: its own thread
 * Memory      the loop, the services and the table
 * Limits      those of net_loop.h
 */
#ifndef WEFT_ORDERER_NET_THREAD_H
#define WEFT_ORDERER_NET_THREAD_H

#include "node/net_loop.h"
#include "orderer/orderer_channel.h"

struct jobs;
struct key_tables;
struct msg_processor;
struct net_thread;
struct orderer_config;
struct server_tls;

/* What all loops share.  Outlives them. */
struct net_world {
    const struct orderer_config *config;
    const struct server_tls *tls; /* NULL: plain text */
    struct jobs *store;           /* read blocks */
    struct jobs *crypto;          /* check signatures */
    struct key_tables *tables;
    struct metrics *metrics; /* may be NULL */
    const struct msg_processor *processor;
};

/* Its table is to be filled before it starts. */
struct net_thread *net_thread_new(const struct net_world *world);
struct orderer_channels *net_thread_channels(const struct net_thread *n);
struct net_loop *net_thread_loop(const struct net_thread *n);

/* Makes the services and the server, for the channels that are in the table. */
enum weft_code net_thread_serve(struct net_thread *n, struct weft_err *e) WEFT_MUST_CHECK;
/* After net_loop_close_calls, and the workers. */
void net_thread_free(struct net_thread *n);
WEFT_DEFINE_CLEANUP(struct net_thread *, net_thread_free)

#endif
