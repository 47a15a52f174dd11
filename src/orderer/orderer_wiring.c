#include "orderer/orderer_wiring.h"

#include "base/log.h"
#include "config/orderer_config.h"
#include "deliver/deliver_server.h"
#include "os/dirs.h"
#include "os/file.h"
#include "os/jobs.h"
#include "os/loop.h"
#include "os/thread.h"

#include <inttypes.h>
#include <unistd.h>

enum {
    NET_MAX = 16,
    ORDERER_MAIL = 1 << 16, /* messages a loop may have waiting */
    STORE_THREADS = 2,
    STOP_MS = 500,
    PEM_MAX = 1 << 20,
};

LOG_DEFINE(logger, "orderer.common.server");

struct net_thread {
    struct mailbox *mb;
    struct loop *loop;
    struct net *net;
    struct deliver_server *deliver;
    struct grpc_method methods[1];
    struct grpc_server *server;
    struct thread *thread;
    struct mail stop;
};

struct orderer {
    struct block_stores *stores;
    struct dir_list channels;
    struct deliver_source *sources;
    struct jobs *store;
    struct tls_context *tls;
    struct net_thread net[NET_MAX];
    size_t net_count;
    struct grpc_listener *listener;
};

/* ---- who may connect ------------------------------------------------------------------- */

/* Policies of channels are not evaluated yet, so a request's signature decides
 * nothing.  Until they are, only this host, or clients whose certificates lead
 * to a trusted root, get to ask. */
static enum weft_code check_exposure(const struct orderer_config *c, struct weft_err *e)
{
    const char *address = c->general.listen_address;
    bool loopback = strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0 ||
                    strcmp(address, "localhost") == 0;
    if (loopback || (c->general.tls.enabled && c->general.tls.client_auth_required))
        return WEFT_OK;
    return WEFT_FAIL(
        e, WEFT_FORBIDDEN,
        "General.ListenAddress is %s: this version does not evaluate the channels' Readers "
        "policies yet, it listens on a loopback address or with "
        "General.TLS.ClientAuthRequired only",
        address);
}

static enum weft_code access_of_connection(const struct deliver_source *source,
                                           struct bytes envelope, struct weft_err *e)
{
    (void)source, (void)envelope, (void)e; /* check_exposure has decided */
    return WEFT_OK;
}

/* ---- TLS ----------------------------------------------------------------------------------- */

static enum weft_code read_roots(const struct config_strings *paths, struct buf *all,
                                 struct weft_err *e)
{
    for (size_t i = 0; i < paths->count; i++) {
        WEFT_CLEANUP(buf_done) struct buf one = { 0 };
        WEFT_TRY(file_read_all(paths->items[i], PEM_MAX, &one, e));
        buf_put(all, buf_bytes(&one));
        buf_put_u8(all, '\n');
    }
    return WEFT_OK;
}

static enum weft_code make_tls(struct orderer *o, const struct config_tls *t, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf cert = { 0 };
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    WEFT_CLEANUP(buf_done) struct buf roots = { 0 };
    if (!t->enabled)
        return WEFT_OK;
    WEFT_TRY(file_read_all(t->certificate, PEM_MAX, &cert, e));
    WEFT_TRY(file_read_all(t->private_key, PEM_MAX, &key, e));
    WEFT_TRY(read_roots(&t->client_root_cas, &roots, e));
    struct bytes all_roots = buf_bytes(&roots);
    struct tls_config config = {
        .cert_pem = buf_bytes(&cert),
        .key_pem = buf_bytes(&key),
        .roots_pem = &all_roots,
        .roots_count = roots.len > 0 ? 1 : 0,
        .client_auth = t->client_auth_required ? TLS_CLIENT_REQUIRE : TLS_CLIENT_REQUEST,
    };
    enum weft_code rc = tls_context_new(TLS_SERVER, &config, &o->tls, e);
    explicit_bzero(key.data, key.len);
    return rc;
}

/* ---- ledgers ---------------------------------------------------------------------------------- */

static enum weft_code open_ledgers(struct orderer *o, const char *location, struct weft_err *e)
{
    WEFT_TRY(block_stores_open(location, LEDGER_ORDERER, &o->stores, e));
    WEFT_TRY(block_stores_list(o->stores, &o->channels, e));
    o->sources = weft_alloc((o->channels.count + 1) * sizeof(*o->sources));
    for (size_t i = 0; i < o->channels.count; i++) {
        struct deliver_source *s = &o->sources[i];
        s->id = o->channels.names[i];
        WEFT_TRY(block_store_open(o->stores, s->id, &s->store, e));
        LOG_INFO(&logger, "Opened ledger [%s], height [%" PRIu64 "]", s->id,
                 block_store_height(s->store));
    }
    return WEFT_OK;
}

/* ---- net threads --------------------------------------------------------------------------------- */

static void on_conn_failed(void *user, const struct net_peer *peer, const struct weft_err *why)
{
    (void)user;
    LOG_DEBUG(&logger, "Connection failed: %s" LOG_KV "remoteaddress=%s", why->msg, peer->address);
}

static void on_stopped(void *user)
{
    struct net_thread *n = user;
    loop_stop(n->loop);
}

static const struct grpc_server_ops server_ops = { .on_conn_failed = on_conn_failed,
                                                   .on_stopped = on_stopped };

static void make_net(struct orderer *o, struct net_thread *n, const struct orderer_config *c)
{
    struct net_limits limits = NET_LIMITS_DEFAULT;
    limits.message_recv_bytes = c->general.max_recv_bytes;
    limits.message_send_bytes = c->general.max_send_bytes;
    limits.handshake_ms = (uint32_t)(c->general.connection_timeout_ns / 1000000);
    limits.ping_min_interval_ms = (uint32_t)(c->general.keepalive.min_interval_ns / 1000000);
    limits.keepalive_ms = (uint32_t)(c->general.keepalive.interval_ns / 1000000);
    limits.keepalive_timeout_ms = (uint32_t)(c->general.keepalive.timeout_ns / 1000000);

    n->mb = mailbox_new("net", ORDERER_MAIL);
    n->loop = loop_new(n->mb, n);
    n->net = net_new(n->loop, &limits, n->mb, NULL);
    n->deliver = deliver_server_new(&(struct deliver_server_config){
        .stream = { .time_window_ns = c->general.time_window_ns },
        .binds_tls = c->general.tls.enabled && c->general.tls.client_auth_required,
        .sources = o->sources,
        .source_count = o->channels.count,
        .store = o->store,
        .mb = n->mb,
        .access = access_of_connection,
    });
    n->methods[0] = (struct grpc_method){ .path = "/orderer.AtomicBroadcast/Deliver",
                                          .ops = &deliver_server_ops,
                                          .service = n->deliver };
    n->server =
        grpc_server_new(n->net, n->methods, WEFT_ARRAY_LEN(n->methods), o->tls, &server_ops, n);
}

static void run_net(void *arg)
{
    loop_run(((struct net_thread *)arg)->loop);
}

static size_t cores(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > NET_MAX ? NET_MAX : (size_t)n;
}

static enum weft_code listen_and_run(struct orderer *o, const struct orderer_config *c,
                                     struct weft_err *e)
{
    struct grpc_target targets[NET_MAX];
    WEFT_FREE char *address =
        weft_asprintf(strchr(c->general.listen_address, ':') != NULL ? "[%s]:%u" : "%s:%u",
                      c->general.listen_address, c->general.listen_port);
    for (size_t i = 0; i < o->net_count; i++) {
        make_net(o, &o->net[i], c);
        targets[i] = (struct grpc_target){ o->net[i].server, i == 0 ? NULL : o->net[i].mb };
    }
    WEFT_TRY(grpc_listener_new(o->net[0].net, address, targets, o->net_count, &o->listener, e));
    for (size_t i = 0; i < o->net_count; i++)
        WEFT_TRY(thread_start("net", run_net, &o->net[i], &o->net[i].thread, e));
    LOG_INFO(&logger, "Beginning to serve requests" LOG_KV "address=%s",
             grpc_listener_address(o->listener));
    return WEFT_OK;
}

/* ---- start and stop --------------------------------------------------------------------------------- */

enum weft_code orderer_start(const struct orderer_config *c, struct orderer **ret,
                             struct weft_err *e)
{
    WEFT_TRY(check_exposure(c, e));
    struct orderer *o = weft_alloc(sizeof(*o));
    o->net_count = cores();
    enum weft_code rc = make_tls(o, &c->general.tls, e);
    if (rc == WEFT_OK)
        rc = open_ledgers(o, c->ledger_location, e);
    if (rc == WEFT_OK) {
        o->store = jobs_new("store", STORE_THREADS, ORDERER_MAIL);
        rc = listen_and_run(o, c, e);
    }
    if (rc != WEFT_OK) {
        orderer_stop(o);
        return rc;
    }
    *ret = o;
    return WEFT_OK;
}

static void stop_server(struct mail *m, void *owner)
{
    struct net_thread *n = owner;
    (void)m;
    grpc_server_stop(n->server, STOP_MS);
}

static void drop_nothing(struct mail *m)
{
    (void)m; /* it lies in the thread's own struct */
}

void orderer_stop(struct orderer *o)
{
    for (size_t i = 0; i < o->net_count; i++) {
        struct net_thread *n = &o->net[i];
        n->stop = (struct mail){ .handle = stop_server, .drop = drop_nothing };
        while (n->thread != NULL && !mailbox_put(n->mb, &n->stop))
            (void)usleep(1000); /* full of reads that come back: they are soon taken */
    }
    for (size_t i = 0; i < o->net_count; i++)
        thread_join(WEFT_TAKE(o->net[i].thread));
    for (size_t i = 0; i < o->net_count; i++)
        if (o->net[i].mb != NULL)
            mailbox_close(o->net[i].mb);
    grpc_listener_free(o->listener);
    for (size_t i = 0; i < o->net_count; i++)
        grpc_server_free(o->net[i].server);
    jobs_free(o->store);
    for (size_t i = 0; i < o->net_count; i++) {
        struct net_thread *n = &o->net[i];
        deliver_server_free(n->deliver);
        net_free(n->net);
        loop_free(n->loop);
        mailbox_free(n->mb);
    }
    for (size_t i = 0; o->sources != NULL && i < o->channels.count; i++)
        block_store_close(o->sources[i].store);
    free(o->sources);
    dir_list_done(&o->channels);
    block_stores_close(o->stores);
    tls_context_unref(o->tls);
    free(o);
}

void orderer_report(const struct orderer *o)
{
    LOG_INFO(&logger,
             "Go routines report: this orderer has none; [%zu] net threads, [%d] store "
             "threads, [%zu] channels",
             o->net_count, (int)STORE_THREADS, o->channels.count);
    for (size_t i = 0; i < o->channels.count; i++)
        LOG_INFO(&logger, "Channel [%s] has height [%" PRIu64 "]", o->sources[i].id,
                 block_store_height(o->sources[i].store));
}
