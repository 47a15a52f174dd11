#include "orderer/net_thread.h"

#include "base/log.h"
#include "config/orderer_config.h"
#include "deliver/deliver_server.h"
#include "orderer/broadcast_server.h"
#include "orderer/deliver_access.h"
#include "orderer/message_trace.h"
#include "orderer/orderer_tls.h"

LOG_DEFINE(logger, "orderer.common.server");

enum {
    METHODS = 2
};

struct net_thread {
    const struct net_world *world;
    struct net_loop *loop;
    struct orderer_channels *channels;
    struct channel_watch tls_watch, deliver_watch, rest_watch;
    struct deliver_access access;
    struct deliver_server *deliver;
    struct broadcast_server *broadcast;
    struct grpc_method methods[METHODS];
};

/* ---- changes of channels ---------------------------------------------------------------------- */

/* Another configuration may bring other roots for clients' certificates. */
static void renew_tls(struct channel_watch *w, struct orderer_channel *c, enum channel_change what)
{
    struct net_thread *n = WEFT_CONTAINER_OF(w, struct net_thread, tls_watch);
    WEFT_CLEANUP(tls_context_unref) struct tls_context *tls = NULL;
    struct weft_err e = { 0 };
    if (what == CHANNEL_CONSENTER || !server_tls_is_mutual(n->world->tls))
        return;
    LOG_DEBUG(&logger, "updating root CAs for channel [%s]", c->id);
    if (orderer_tls_context(n->world->tls, n->channels, &tls, &e) == WEFT_OK)
        grpc_server_set_tls(net_loop_server(n->loop), tls);
    else
        LOG_WARN(&logger,
                 "Failed to update trusted roots for orderer from latest config block.  This "
                 "orderer may not be able to communicate with members of channel %s (%s)",
                 c->id, e.msg);
}

/* Streams on a channel that is in error, or goes, may have to end. */
static void tell_deliver(struct channel_watch *w, struct orderer_channel *c,
                         enum channel_change what)
{
    struct net_thread *n = WEFT_CONTAINER_OF(w, struct net_thread, deliver_watch);
    if (what == CHANNEL_CONSENTER && c->is_errored)
        deliver_server_errored(n->deliver, c->id);
    else if (what == CHANNEL_REMOVED)
        deliver_server_forget(n->deliver, c->id);
}

/* To make or remove one takes more memory than to have it. */
static void give_memory_back(struct channel_watch *w, struct orderer_channel *c,
                             enum channel_change what)
{
    struct net_thread *n = WEFT_CONTAINER_OF(w, struct net_thread, rest_watch);
    (void)c;
    if (what == CHANNEL_ADDED || what == CHANNEL_REMOVED)
        memory_rest_soon(&net_loop_net(n->loop)->rest);
}

static void trace_deliver(const void *ctx, struct bytes request)
{
    message_trace(ctx, "Deliver", request);
}

/* ---- making it -------------------------------------------------------------------------------- */

static struct net_limits limits_of(const struct orderer_config *c)
{
    struct net_limits l = NET_LIMITS_DEFAULT;
    l.message_recv_bytes = c->general.max_recv_bytes;
    l.message_send_bytes = c->general.max_send_bytes;
    l.handshake_ms = (uint32_t)(c->general.connection_timeout_ns / 1000000);
    l.ping_min_interval_ms = (uint32_t)(c->general.keepalive.min_interval_ns / 1000000);
    l.keepalive_ms = (uint32_t)(c->general.keepalive.interval_ns / 1000000);
    l.keepalive_timeout_ms = (uint32_t)(c->general.keepalive.timeout_ns / 1000000);
    return l;
}

struct net_thread *net_thread_new(const struct net_world *world)
{
    struct net_thread *n = weft_alloc(sizeof(*n));
    const struct net_limits limits = limits_of(world->config);
    n->world = world;
    n->loop = net_loop_new(&(struct net_loop_config){
        .limits = &limits, .metrics = world->metrics, .logger = &logger });
    n->channels = orderer_channels_new();
    n->tls_watch.changed = renew_tls;
    n->deliver_watch.changed = tell_deliver;
    n->rest_watch.changed = give_memory_back;
    return n;
}

static void make_services(struct net_thread *n)
{
    const struct net_world *w = n->world;
    const struct orderer_config *c = w->config;
    bool traces = c->deliver_trace_dir != NULL && c->deliver_trace_dir[0] != '\0';
    deliver_access_init(&n->access, n->channels, c->general.no_expiration_checks);
    n->deliver = deliver_server_new(&(struct deliver_server_config){
        .stream = { .time_window_ns = c->general.time_window_ns },
        .binds_tls = server_tls_is_mutual(w->tls),
        .world = &n->access.world,
        .store = w->store,
        .workers = w->crypto,
        .mb = net_loop_mailbox(n->loop),
        .rest = &net_loop_net(n->loop)->rest,
        .metrics = net_loop_metrics(n->loop),
        .trace = traces ? trace_deliver : NULL,
        .trace_ctx = c->deliver_trace_dir,
    });
    n->broadcast = broadcast_server_new(&(struct broadcast_server_config){
        .processor = w->processor,
        .channels = n->channels,
        .loop = net_loop_loop(n->loop),
        .mb = net_loop_mailbox(n->loop),
        .rest = &net_loop_net(n->loop)->rest,
        .workers = w->crypto,
        .tables = w->tables,
        .metrics = net_loop_metrics(n->loop),
        .trace_dir = c->broadcast_trace_dir,
    });
    n->methods[0] = (struct grpc_method){ .path = "/orderer.AtomicBroadcast/Deliver",
                                          .ops = &deliver_server_ops,
                                          .service = n->deliver };
    n->methods[1] = (struct grpc_method){ .path = "/orderer.AtomicBroadcast/Broadcast",
                                          .ops = &broadcast_server_ops,
                                          .service = n->broadcast };
}

enum weft_code net_thread_serve(struct net_thread *n, struct weft_err *e)
{
    WEFT_CLEANUP(tls_context_unref) struct tls_context *tls = NULL;
    if (n->world->tls != NULL)
        WEFT_TRY(orderer_tls_context(n->world->tls, n->channels, &tls, e));
    make_services(n);
    net_loop_serve(n->loop, n->methods, WEFT_ARRAY_LEN(n->methods), tls);
    orderer_channels_watch(n->channels, &n->tls_watch);
    orderer_channels_watch(n->channels, &n->deliver_watch);
    orderer_channels_watch(n->channels, &n->rest_watch);
    return WEFT_OK;
}

void net_thread_free(struct net_thread *n)
{
    if (n == NULL)
        return;
    broadcast_server_free(n->broadcast);
    net_loop_free(n->loop); /* mail that it drops is still about the channels */
    deliver_server_free(n->deliver);
    orderer_channels_free(n->channels);
    free(n);
}

struct orderer_channels *net_thread_channels(const struct net_thread *n)
{
    return n->channels;
}

struct net_loop *net_thread_loop(const struct net_thread *n)
{
    return n->loop;
}
