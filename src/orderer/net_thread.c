#include "orderer/net_thread.h"

#include "base/log.h"
#include "config/orderer_config.h"
#include "deliver/deliver_server.h"
#include "ops/grpc_watch.h"
#include "orderer/broadcast_server.h"
#include "orderer/deliver_access.h"
#include "orderer/message_trace.h"
#include "orderer/orderer_tls.h"
#include "os/loop.h"
#include "os/thread.h"

LOG_DEFINE(logger, "orderer.common.server");

enum {
    METHODS = 2
};

struct net_thread {
    const struct net_world *world;
    struct mailbox *mb;
    struct loop *loop;
    struct net *net;
    struct orderer_channels *channels;
    struct channel_watch tls_watch, deliver_watch;
    struct deliver_access access;
    struct deliver_server *deliver;
    struct broadcast_server *broadcast;
    struct grpc_method methods[METHODS];
    struct metrics_owner *metrics;
    struct grpc_watch *watch;
    struct grpc_server *server;
    struct thread *thread;
    struct mail stop;
};

/* ---- connections ---------------------------------------------------------------------------- */

static void on_conn_failed(void *user, const struct net_peer *peer, const struct weft_err *why)
{
    (void)user;
    LOG_DEBUG(&logger, "Connection failed: %s" LOG_KV "remoteaddress=%s", why->msg, peer->address);
}

static void on_conn(void *user, bool opened)
{
    grpc_watch_conn(((struct net_thread *)user)->watch, opened);
}

static void on_call(void *user, const struct grpc_method *m)
{
    grpc_watch_call(((struct net_thread *)user)->watch, m);
}

static void on_call_message(void *user, const struct grpc_method *m, bool sent)
{
    grpc_watch_message(((struct net_thread *)user)->watch, m, sent);
}

static void on_call_end(void *user, const struct grpc_call_end *end)
{
    grpc_watch_call_end(((struct net_thread *)user)->watch, end);
}

static void on_stopped(void *user)
{
    struct net_thread *n = user;
    loop_stop(n->loop);
}

static const struct grpc_server_ops server_ops = {
    .on_conn = on_conn,
    .on_call = on_call,
    .on_call_message = on_call_message,
    .on_call_end = on_call_end,
    .on_conn_failed = on_conn_failed,
    .on_stopped = on_stopped,
};

/* Another configuration may bring other roots for clients' certificates. */
static void renew_tls(struct channel_watch *w, struct orderer_channel *c, enum channel_change what)
{
    struct net_thread *n = WEFT_CONTAINER_OF(w, struct net_thread, tls_watch);
    WEFT_CLEANUP(tls_context_unref) struct tls_context *tls = NULL;
    struct weft_err e = { 0 };
    if (what == CHANNEL_CONSENTER || !orderer_tls_is_mutual(n->world->tls))
        return;
    LOG_DEBUG(&logger, "updating root CAs for channel [%s]", c->id);
    if (orderer_tls_context(n->world->tls, n->channels, &tls, &e) == WEFT_OK)
        grpc_server_set_tls(n->server, tls);
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

static void drop_nothing(struct mail *m)
{
    (void)m; /* it lies in the thread's own struct */
}

static void take_stop(struct mail *m, void *owner)
{
    struct net_thread *n = owner;
    (void)m;
    grpc_server_stop(n->server, NET_STOP_MS);
}

struct net_thread *net_thread_new(const struct net_world *world)
{
    struct net_thread *n = weft_alloc(sizeof(*n));
    const struct net_limits limits = limits_of(world->config);
    n->world = world;
    n->mb = mailbox_new("net", NET_THREAD_MAIL);
    n->loop = loop_new(n->mb, n);
    n->net = net_new(n->loop, &limits, n->mb, NULL);
    n->channels = orderer_channels_new();
    n->metrics = metrics_owner_new(world->metrics);
    n->tls_watch.changed = renew_tls;
    n->deliver_watch.changed = tell_deliver;
    n->stop = (struct mail){ .handle = take_stop, .drop = drop_nothing };
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
        .binds_tls = orderer_tls_is_mutual(w->tls),
        .world = &n->access.world,
        .store = w->store,
        .workers = w->crypto,
        .mb = n->mb,
        .metrics = n->metrics,
        .trace = traces ? trace_deliver : NULL,
        .trace_ctx = c->deliver_trace_dir,
    });
    n->broadcast = broadcast_server_new(&(struct broadcast_server_config){
        .processor = w->processor,
        .channels = n->channels,
        .loop = n->loop,
        .mb = n->mb,
        .workers = w->crypto,
        .tables = w->tables,
        .metrics = n->metrics,
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
    n->watch = grpc_watch_new(n->metrics, n->methods, WEFT_ARRAY_LEN(n->methods));
    n->server =
        grpc_server_new(n->net, n->methods, WEFT_ARRAY_LEN(n->methods), tls, &server_ops, n);
    orderer_channels_watch(n->channels, &n->tls_watch);
    orderer_channels_watch(n->channels, &n->deliver_watch);
    return WEFT_OK;
}

/* ---- running and ending ------------------------------------------------------------------------- */

static void run(void *arg)
{
    loop_run(((struct net_thread *)arg)->loop);
}

enum weft_code net_thread_start(struct net_thread *n, struct weft_err *e)
{
    return thread_start("net", run, n, &n->thread, e);
}

void net_thread_ask_stop(struct net_thread *n)
{
    if (n->thread != NULL)
        WEFT_ASSERT(mailbox_put_waiting(n->mb, &n->stop));
}

void net_thread_join(struct net_thread *n)
{
    thread_join(WEFT_TAKE(n->thread));
    mailbox_close(n->mb);
}

void net_thread_close_calls(struct net_thread *n)
{
    grpc_server_free(WEFT_TAKE(n->server));
}

void net_thread_free(struct net_thread *n)
{
    if (n == NULL)
        return;
    grpc_watch_free(n->watch);
    broadcast_server_free(n->broadcast);
    net_free(n->net);
    loop_free(n->loop);
    mailbox_free(n->mb); /* mail that nobody reads any more is still about the channels */
    deliver_server_free(n->deliver);
    orderer_channels_free(n->channels);
    free(n);
}

struct orderer_channels *net_thread_channels(const struct net_thread *n)
{
    return n->channels;
}

struct mailbox *net_thread_mailbox(const struct net_thread *n)
{
    return n->mb;
}

struct net *net_thread_net(const struct net_thread *n)
{
    return n->net;
}

struct grpc_server *net_thread_server(const struct net_thread *n)
{
    return n->server;
}
