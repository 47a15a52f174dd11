/* net_thread.h - a net loop of the orderer: its connections, streams and table of channels.
 *
 * Go origin   orderer/common/server/main.go
 * Owner       new, start, stop, free: main; all else in it: its own thread
 * Memory      everything of the loop
 * Limits      net_limits.h; NET_THREAD_MAIL messages wait
 */
#ifndef WEFT_ORDERER_NET_THREAD_H
#define WEFT_ORDERER_NET_THREAD_H

#include "net/grpc_server.h"
#include "orderer/orderer_channel.h"

struct jobs;
struct key_tables;
struct metrics;
struct msg_processor;
struct net_thread;
struct orderer_config;
struct orderer_tls;

enum {
    NET_THREAD_MAIL = 1 << 16,
    NET_STOP_MS = 300, /* open calls get so long to end */
};

/* What all loops share.  Outlives them. */
struct net_world {
    const struct orderer_config *config;
    const struct orderer_tls *tls; /* NULL: plain text */
    struct jobs *store;            /* read blocks */
    struct jobs *crypto;           /* check signatures */
    struct key_tables *tables;
    struct metrics *metrics; /* may be NULL */
    const struct msg_processor *processor;
};

/* Its table is to be filled before it starts. */
struct net_thread *net_thread_new(const struct net_world *world);
struct orderer_channels *net_thread_channels(const struct net_thread *n);
struct mailbox *net_thread_mailbox(const struct net_thread *n);
struct net *net_thread_net(const struct net_thread *n);

/* Makes the services and the server, for the channels that are in the table. */
enum weft_code net_thread_serve(struct net_thread *n, struct weft_err *e) WEFT_MUST_CHECK;
struct grpc_server *net_thread_server(const struct net_thread *n);

enum weft_code net_thread_start(struct net_thread *n, struct weft_err *e) WEFT_MUST_CHECK;
void net_thread_ask_stop(struct net_thread *n);
void net_thread_join(struct net_thread *n);
/* Three steps, each for all loops before the next: close_calls ends the streams,
 * then the workers are ended, then free. */
void net_thread_close_calls(struct net_thread *n);
void net_thread_free(struct net_thread *n);
WEFT_DEFINE_CLEANUP(struct net_thread *, net_thread_free)

#endif
