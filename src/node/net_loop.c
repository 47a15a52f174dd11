#include "node/net_loop.h"

#include "base/log.h"
#include "ops/grpc_watch.h"
#include "os/loop.h"
#include "os/thread.h"

#include <stdatomic.h>
#include <unistd.h>

struct net_loop {
    struct log *logger;
    struct mailbox *mb;
    struct loop *loop;
    struct net *net;
    struct metrics_owner *metrics;
    struct grpc_watch *watch;
    struct grpc_server *server;
    struct thread *thread;
    struct mail stop, rest;
    _Atomic bool rest_on_its_way;
};

/* ---- connections ---------------------------------------------------------------------------- */

static void on_conn_failed(void *user, const struct net_peer *peer, const struct weft_err *why)
{
    LOG_DEBUG(((struct net_loop *)user)->logger, "Connection failed: %s" LOG_KV "remoteaddress=%s",
              why->msg, peer->address);
}

static void on_conn(void *user, bool opened)
{
    grpc_watch_conn(((struct net_loop *)user)->watch, opened);
}

static void on_call(void *user, const struct grpc_method *m)
{
    grpc_watch_call(((struct net_loop *)user)->watch, m);
}

static void on_call_message(void *user, const struct grpc_method *m, bool sent)
{
    grpc_watch_message(((struct net_loop *)user)->watch, m, sent);
}

static void on_call_end(void *user, const struct grpc_call_end *end)
{
    grpc_watch_call_end(((struct net_loop *)user)->watch, end);
}

static void on_stopped(void *user)
{
    loop_stop(((struct net_loop *)user)->loop);
}

static const struct grpc_server_ops server_ops = {
    .on_conn = on_conn,
    .on_call = on_call,
    .on_call_message = on_call_message,
    .on_call_end = on_call_end,
    .on_conn_failed = on_conn_failed,
    .on_stopped = on_stopped,
};

/* ---- making it -------------------------------------------------------------------------------- */

static void drop_nothing(struct mail *m)
{
    (void)m; /* it lies in the loop's own struct */
}

static void take_stop(struct mail *m, void *owner)
{
    struct net_loop *n = owner;
    (void)m;
    grpc_server_stop(n->server, NET_LOOP_STOP_MS);
}

static void take_rest(struct mail *m, void *owner)
{
    struct net_loop *n = owner;
    (void)m;
    atomic_store(&n->rest_on_its_way, false);
    memory_rest_soon(&n->net->rest);
}

struct net_loop *net_loop_new(const struct net_loop_config *config)
{
    struct net_loop *n = weft_alloc(sizeof(*n));
    n->logger = config->logger;
    n->mb = mailbox_new("net", NET_LOOP_MAIL);
    n->loop = loop_new(n->mb, n);
    n->net = net_new(n->loop, config->limits, n->mb, config->resolver);
    n->metrics = metrics_owner_new(config->metrics);
    n->stop = (struct mail){ .handle = take_stop, .drop = drop_nothing };
    n->rest = (struct mail){ .handle = take_rest, .drop = drop_nothing };
    return n;
}

size_t net_loop_cores(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > NET_LOOPS_MAX ? NET_LOOPS_MAX : (size_t)n;
}

void net_loop_serve(struct net_loop *n, const struct grpc_method *methods, size_t count,
                    struct tls_context *tls)
{
    n->watch = grpc_watch_new(n->metrics, methods, count);
    n->server = grpc_server_new(n->net, methods, count, tls, &server_ops, n);
}

struct mailbox *net_loop_mailbox(const struct net_loop *n)
{
    return n->mb;
}

struct loop *net_loop_loop(const struct net_loop *n)
{
    return n->loop;
}

struct net *net_loop_net(const struct net_loop *n)
{
    return n->net;
}

struct metrics_owner *net_loop_metrics(const struct net_loop *n)
{
    return n->metrics;
}

struct grpc_server *net_loop_server(const struct net_loop *n)
{
    return n->server;
}

/* ---- another TLS ----------------------------------------------------------------------------- */

struct tls_mail {
    struct mail mail;
    struct tls_context *tls;
};

static void tls_dropped(struct mail *m)
{
    struct tls_mail *t = WEFT_CONTAINER_OF(m, struct tls_mail, mail);
    tls_context_unref(t->tls);
    free(t);
}

static void take_tls(struct mail *m, void *owner)
{
    struct net_loop *n = owner;
    grpc_server_set_tls(n->server, WEFT_CONTAINER_OF(m, struct tls_mail, mail)->tls);
    tls_dropped(m);
}

void net_loop_set_tls(struct net_loop *n, struct tls_context *tls)
{
    struct tls_mail *t = weft_alloc(sizeof(*t));
    t->mail = (struct mail){ .handle = take_tls, .drop = tls_dropped };
    t->tls = tls_context_ref(tls);
    if (!mailbox_put_waiting(n->mb, &t->mail))
        tls_dropped(&t->mail);
}

/* ---- memory --------------------------------------------------------------------------------- */

void net_loop_rest_soon(struct net_loop *n)
{
    if (atomic_exchange(&n->rest_on_its_way, true))
        return;
    if (!mailbox_put(n->mb, &n->rest)) /* full or closed: it has other cares */
        atomic_store(&n->rest_on_its_way, false);
}

/* ---- running and ending ------------------------------------------------------------------------- */

static void run(void *arg)
{
    loop_run(((struct net_loop *)arg)->loop);
}

enum weft_code net_loop_start(struct net_loop *n, struct weft_err *e)
{
    return thread_start("net", run, n, &n->thread, e);
}

void net_loop_ask_stop(struct net_loop *n)
{
    if (n->thread != NULL)
        WEFT_ASSERT(mailbox_put_waiting(n->mb, &n->stop));
}

void net_loop_join(struct net_loop *n)
{
    thread_join(WEFT_TAKE(n->thread));
    mailbox_close(n->mb);
}

void net_loop_close_calls(struct net_loop *n)
{
    grpc_server_free(WEFT_TAKE(n->server));
}

void net_loop_free(struct net_loop *n)
{
    if (n == NULL)
        return;
    grpc_server_free(n->server);
    grpc_watch_free(n->watch);
    net_free(n->net);
    loop_free(n->loop);
    mailbox_free(n->mb); /* mail that nobody reads any more */
    free(n);
}
