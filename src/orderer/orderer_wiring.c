#include "orderer/orderer_wiring.h"

#include "base/limits.h"
#include "base/log.h"
#include "config/orderer_config.h"
#include "crypto/key_tables.h"
#include "msp/msp.h"
#include "msp/msp_dir.h"
#include "msp/signing_identity.h"
#include "net/net_msg.h"
#include "node/cert_monitor.h"
#include "ops/operations.h"
#include "orderer/msg_processor.h"
#include "orderer/net_thread.h"
#include "orderer/orderer_tls.h"
#include "orderer/participation_door.h"
#include "orderer/registrar.h"
#include "os/clock.h"
#include "os/jobs.h"
#include "os/signals.h"
#include "proto/identity.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

enum {
    MAIN_MAIL = 1024,
    JOBS_MAX = 1 << 16,
    STORE_THREADS = 2,
};

LOG_DEFINE(logger, "orderer.common.server");

struct orderer {
    struct signing_identity *signer;
    struct msg_processor processor;
    struct server_tls *tls;
    struct cert_monitor certs;
    struct mailbox *mb; /* main's */
    struct registrar *registrar;
    struct jobs *store, *crypto;
    struct key_tables *tables;
    struct net_world world;
    struct net_thread *net[NET_LOOPS_MAX];
    struct channel_listener listeners[NET_LOOPS_MAX];
    size_t net_count;
    struct grpc_listener *listener;
    struct metrics *metrics;
    struct participation_door *door;
    struct participation_api participation;
    struct operations *operations;
    bool has_failed;
    struct weft_err why;
};

/* ---- who we are -------------------------------------------------------------------------- */

static enum weft_code load_identity(struct orderer *o, const struct orderer_general_config *c,
                                    struct weft_err *e)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    WEFT_CLEANUP(msp_unref) struct msp *local = NULL;
    struct msp_config config;
    enum weft_code rc = config_bccsp_check(&c->bccsp, "General.BCCSP", e);
    if (rc == WEFT_OK)
        rc = msp_dir_read(c->local_msp_dir, c->local_msp_id, MSP_DIR_LOCAL, &arena, &config, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "Failed to get local msp config");
    const struct msp_options options = { .version = MSP_1_4_3,
                                         .now_s = clock_wall_ns() / 1000000000 };
    rc = msp_new(&config, &options, &local, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "Failed to setup local msp with config");
    rc = signing_identity_load_from(c->local_msp_dir, c->local_msp_id, c->bccsp.key_store,
                                    &o->signer, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "Failed to get local MSP identity");
    o->processor = (struct msg_processor){ .signer = o->signer,
                                           .no_expiration_checks = c->no_expiration_checks };
    return WEFT_OK;
}

static void watch_certs(struct orderer *o)
{
    struct serialized_identity me = { 0 };
    int64_t now_s = clock_wall_ns() / 1000000000;
    if (serialized_identity_parse(signing_identity_bytes(o->signer), &me, NULL) == WEFT_OK)
        cert_monitor_add(&o->certs, "enrollment", me.id_bytes, now_s);
    if (o->tls != NULL)
        cert_monitor_add(&o->certs, "server TLS", server_tls_cert(o->tls), now_s);
}

/* ---- channels ------------------------------------------------------------------------------ */

static enum weft_code reprocess(void *ctx, const struct bundle *bundle, enum order_kind kind,
                                struct bytes envelope, struct net_msg **ret, struct weft_err *e)
{
    const struct orderer *o = ctx;
    WEFT_CLEANUP(buf_done) struct buf made = { 0 };
    const struct msg_update u = { .now = bundle,
                                  .envelope = envelope,
                                  .channels = registrar_channels(o->registrar),
                                  .now_ns = clock_wall_ns() };
    WEFT_TRY(msg_reprocess(&o->processor, kind, &u, &made, e));
    if (kind == ORDER_CONFIG)
        *ret = net_msg_copy(buf_bytes(&made));
    return WEFT_OK;
}

static void ledger_failed(void *ctx, const struct weft_err *why)
{
    struct orderer *o = ctx;
    if (!o->has_failed)
        o->why = *why;
    o->has_failed = true;
}

static enum weft_code open_channels(struct orderer *o, const struct orderer_config *c,
                                    struct weft_err *e)
{
    o->mb = mailbox_new("main", MAIN_MAIL);
    return registrar_open(&(struct registrar_config){ .orderer = c,
                                                      .signer = o->signer,
                                                      .metrics = o->metrics,
                                                      .mb = o->mb,
                                                      .ctx = o,
                                                      .reprocess = reprocess,
                                                      .failed = ledger_failed },
                          &o->registrar, e);
}

/* ---- loops ------------------------------------------------------------------------------------ */

static struct net_loop *loop_at(const struct orderer *o, size_t i)
{
    return net_thread_loop(o->net[i]);
}

static enum weft_code make_loops(struct orderer *o, const struct orderer_config *c,
                                 struct weft_err *e)
{
    o->store = jobs_new("store", STORE_THREADS, JOBS_MAX);
    o->crypto = jobs_new("crypto", 0, JOBS_MAX);
    o->tables = key_tables_new(&(struct key_tables_config){
        .budget_bytes = KEY_TABLES_BUDGET_DEFAULT, .pool = o->crypto });
    o->world = (struct net_world){ .config = c,
                                   .tls = o->tls,
                                   .store = o->store,
                                   .crypto = o->crypto,
                                   .tables = o->tables,
                                   .metrics = o->metrics,
                                   .processor = &o->processor };
    for (; o->net_count < net_loop_cores(); o->net_count++) {
        struct net_thread *n = o->net[o->net_count] = net_thread_new(&o->world);
        registrar_fill(o->registrar, net_thread_channels(n));
        o->listeners[o->net_count] =
            (struct channel_listener){ net_loop_mailbox(net_thread_loop(n)),
                                       net_thread_channels(n) };
    }
    for (size_t i = 0; i < o->net_count; i++)
        WEFT_TRY(net_thread_serve(o->net[i], e));
    return WEFT_OK;
}

static enum weft_code listen_on(struct orderer *o, const struct orderer_general_config *c,
                                struct weft_err *e)
{
    struct grpc_target targets[NET_LOOPS_MAX];
    WEFT_FREE char *address =
        weft_asprintf(strchr(c->listen_address, ':') != NULL ? "[%s]:%u" : "%s:%u",
                      c->listen_address, c->listen_port);
    for (size_t i = 0; i < o->net_count; i++)
        targets[i] = (struct grpc_target){ net_loop_server(loop_at(o, i)),
                                           i == 0 ? NULL : net_loop_mailbox(loop_at(o, i)) };
    enum weft_code rc = grpc_listener_new(net_loop_net(loop_at(o, 0)), address, targets,
                                          o->net_count, &o->listener, e);
    return rc == WEFT_OK ? rc : weft_err_wrap(e, rc, "Failed to listen");
}

/* ---- operations ---------------------------------------------------------------------------------- */

static enum weft_code start_operations(struct orderer *o, const struct orderer_config *c,
                                       struct weft_err *e)
{
    o->door = participation_door_new(o->mb, o->registrar);
    o->participation = (struct participation_api){ .enabled = c->channel_participation_enabled,
                                                   .deps = participation_door_deps(o->door) };
    o->operations = operations_new(o->metrics, &c->metrics);
    operations_add_checker(o->operations, "channels", participation_door_health, o->door);
    operations_add_handler(o->operations, PARTICIPATION_PATH, LIMIT_JOIN_BYTES,
                           participation_answer, &o->participation);
    enum weft_code rc =
        operations_start(o->operations, c->operations_address, &c->operations_tls, e);
    return rc == WEFT_OK ? rc : weft_err_wrap(e, rc, "failed to start operations subsystem");
}

static enum weft_code run_threads(struct orderer *o, struct weft_err *e)
{
    const struct channel_listeners all = { o->listeners, o->net_count };
    WEFT_TRY(registrar_start(o->registrar, &all, e));
    LOG_INFO(&logger, "Starting orderer:\n Version: " WEFT_VERSION);
    for (size_t i = 0; i < o->net_count; i++)
        WEFT_TRY(net_loop_start(loop_at(o, i), e));
    LOG_INFO(&logger, "Beginning to serve requests" LOG_KV "address=%s",
             grpc_listener_address(o->listener));
    return WEFT_OK;
}

/* ---- start, run, stop ---------------------------------------------------------------------------- */

enum weft_code orderer_start(const struct orderer_config *c, struct orderer **ret,
                             enum orderer_exit *ret_exit, struct weft_err *e)
{
    struct orderer *o = weft_alloc(sizeof(*o));
    o->metrics = metrics_new();
    enum orderer_exit how = ORDERER_EXIT_PANIC;
    enum weft_code rc = load_identity(o, &c->general, e);
    if (rc == WEFT_OK) {
        how = ORDERER_EXIT_FATAL;
        rc = orderer_tls_load(&c->general.tls, &o->tls, e);
    }
    if (rc == WEFT_OK) {
        watch_certs(o);
        how = ORDERER_EXIT_PANIC;
        rc = open_channels(o, c, e);
    }
    if (rc == WEFT_OK) {
        how = ORDERER_EXIT_FATAL;
        rc = make_loops(o, c, e);
    }
    if (rc == WEFT_OK)
        rc = listen_on(o, &c->general, e);
    if (rc == WEFT_OK) {
        how = ORDERER_EXIT_PANIC;
        rc = start_operations(o, c, e);
    }
    if (rc == WEFT_OK)
        rc = run_threads(o, e);
    if (rc == WEFT_OK) {
        *ret = o;
        return WEFT_OK;
    }
    *ret_exit = how;
    orderer_stop(o);
    return rc;
}

/* False: it says stop. */
static bool take_signals(struct orderer *o, struct signals *signals)
{
    int n;
    while ((n = signals_take(signals)) != 0) {
        LOG_INFO(&logger, "Received signal: %d (%s)", n, signals_name(n));
        if (n != SIGUSR1)
            return false;
        orderer_report(o);
    }
    return true;
}

enum weft_code orderer_run(struct orderer *o, struct signals *signals, struct weft_err *e)
{
    struct pollfd fds[] = { { .fd = signals_fd(signals), .events = POLLIN },
                            { .fd = mailbox_fd(o->mb), .events = POLLIN } };
    while (!o->has_failed) {
        int wait_ms = cert_monitor_check(&o->certs, clock_wall_ns() / 1000000000);
        if (poll(fds, WEFT_ARRAY_LEN(fds), wait_ms) < 0 && errno != EINTR)
            return WEFT_FAIL(e, WEFT_IO, "poll: error %d", errno);
        if (!take_signals(o, signals))
            return WEFT_OK;
        WEFT_IGNORE(mailbox_drain(o->mb, o->registrar, MAIN_MAIL) == 0);
    }
    return WEFT_FAIL(e, o->why.code, "%s", o->why.msg);
}

void orderer_stop(struct orderer *o)
{
    if (o->door != NULL)
        participation_door_close(o->door);
    operations_free(o->operations);
    if (o->registrar != NULL)
        registrar_stop(o->registrar);
    for (size_t i = 0; i < o->net_count; i++)
        net_loop_ask_stop(loop_at(o, i));
    for (size_t i = 0; i < o->net_count; i++)
        net_loop_join(loop_at(o, i));
    grpc_listener_free(o->listener);
    for (size_t i = 0; i < o->net_count; i++)
        net_loop_close_calls(loop_at(o, i));
    jobs_free(o->store);
    jobs_free(o->crypto);
    for (size_t i = 0; i < o->net_count; i++)
        net_thread_free(o->net[i]);
    registrar_free(o->registrar);
    mailbox_free(o->mb);
    participation_door_free(o->door);
    metrics_free(o->metrics);
    key_tables_free(o->tables);
    server_tls_free(o->tls);
    signing_identity_free(o->signer);
    free(o);
}

void orderer_report(const struct orderer *o)
{
    LOG_INFO(&logger,
             "Go routines report: this orderer has none; [%zu] net threads, [%d] store threads, "
             "[%u] crypto threads, [%zu] channels",
             o->net_count, (int)STORE_THREADS, jobs_threads(o->crypto),
             registrar_channels(o->registrar));
    registrar_report(o->registrar);
}
