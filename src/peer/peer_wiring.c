#include "peer/peer_wiring.h"

#include "base/log.h"
#include "config/core_config.h"
#include "crypto/key_tables.h"
#include "msp/msp_dir.h"
#include "msp/msp_manager.h"
#include "msp/signing_identity.h"
#include "node/cert_monitor.h"
#include "node/net_loop.h"
#include "ops/operations.h"
#include "os/clock.h"
#include "os/jobs.h"
#include "os/signals.h"
#include "peer/orderer_overrides.h"
#include "peer/peer_address.h"
#include "peer/peer_channels.h"
#include "peer/peer_services.h"
#include "peer/peer_settings.h"
#include "peer/peer_tls.h"
#include "proto/identity.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>

enum {
    MAIN_MAIL = 4096,
    JOBS_MAX = 1 << 16,
    STORE_THREADS = 2,
    CALL_THREADS = 2,
};

LOG_DEFINE(logger, "nodeCmd");
LOG_DEFINE(peer_log, "peer");
LOG_DEFINE(ledger_log, "ledgermgmt");
LOG_DEFINE(comm_log, "core.comm");

struct peer {
    const struct core_config *config;
    char *address, *root, *transient; /* ledgersData, transientstore */
    struct signing_identity *signer;
    struct msp_manager *local; /* our own MSP, alone */
    struct peer_tls *tls;
    struct cert_monitor certs;
    struct orderer_overrides overrides;
    struct mailbox *mb; /* main's */
    struct jobs *store, *crypto, *calls, *resolve;
    struct key_tables *tables;
    struct net_loop *net[NET_LOOPS_MAX];
    size_t net_count;
    struct peer_services_world world;
    struct peer_services *services[NET_LOOPS_MAX];
    struct peer_channels *channels;
    _Atomic(struct peer_channels *) shown; /* to the operations thread; NULL: not yet */
    struct grpc_listener *listener;
    struct metrics *metrics;
    struct operations *operations;
    bool has_failed;
    struct weft_err why;
};

/* ---- who we are -------------------------------------------------------------------------- */

static enum weft_code load_identity(struct peer *p, struct weft_err *e)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    WEFT_CLEANUP(msp_unref) struct msp *local = NULL;
    const struct core_peer_config *c = &p->config->peer;
    const struct msp_options options = { .version = MSP_1_4_3,
                                         .now_s = clock_wall_ns() / 1000000000 };
    struct msp_config config;
    if (strcmp(c->local_msp_type, "bccsp") != 0)
        return WEFT_FAIL(e, WEFT_INVALID, "Unsupported msp type %s", c->local_msp_type);
    enum weft_code rc = config_bccsp_check(&c->bccsp, "peer.BCCSP", e);
    if (rc == WEFT_OK)
        rc = msp_dir_read(c->msp_config_path, c->local_msp_id, MSP_DIR_LOCAL, &arena, &config, e);
    if (rc == WEFT_OK)
        rc = msp_new(&config, &options, &local, e);
    if (rc == WEFT_OK)
        rc = signing_identity_load_from(c->msp_config_path, c->local_msp_id, c->bccsp.key_store,
                                        &p->signer, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error when setting up MSP of type %s from directory %s",
                             c->local_msp_type, c->msp_config_path);
    p->local = msp_manager_new(&local, 1);
    return WEFT_OK;
}

/* ---- loops and workers ---------------------------------------------------------------------- */

static struct net_limits limits_of(const struct core_peer_config *c)
{
    struct net_limits l = NET_LIMITS_DEFAULT;
    l.message_recv_bytes = c->max_recv_bytes;
    l.message_send_bytes = c->max_send_bytes;
    l.handshake_ms = (uint32_t)(c->connection_timeout_ns / 1000000);
    l.ping_min_interval_ms = (uint32_t)(c->keepalive.min_interval_ns / 1000000);
    l.keepalive_ms = (uint32_t)(c->keepalive.interval_ns / 1000000);
    l.keepalive_timeout_ms = (uint32_t)(c->keepalive.timeout_ns / 1000000);
    return l;
}

static void make_loops(struct peer *p)
{
    const struct net_limits limits = limits_of(&p->config->peer);
    p->store = jobs_new("store", STORE_THREADS, JOBS_MAX);
    p->crypto = jobs_new("crypto", p->config->peer.validator_pool_size, JOBS_MAX);
    p->calls = jobs_new("calls", CALL_THREADS, JOBS_MAX);
    p->resolve = jobs_new("resolve", 1, JOBS_MAX);
    p->tables = key_tables_new(&(struct key_tables_config){
        .budget_bytes = KEY_TABLES_BUDGET_DEFAULT, .pool = p->crypto });
    for (; p->net_count < net_loop_cores(); p->net_count++)
        p->net[p->net_count] = net_loop_new(&(struct net_loop_config){ .limits = &limits,
                                                                       .resolver = p->resolve,
                                                                       .metrics = p->metrics,
                                                                       .logger = &comm_log });
}

static enum weft_code server_context(struct peer *p, struct tls_context **ret, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf roots = { 0 };
    peer_channels_put_roots(p->channels, &roots);
    return peer_tls_server_context(p->tls, buf_bytes(&roots), ret, e);
}

static enum weft_code serve(struct peer *p, struct weft_err *e)
{
    WEFT_CLEANUP(tls_context_unref) struct tls_context *tls = NULL;
    WEFT_TRY(server_context(p, &tls, e));
    const struct peer_support support = peer_channels_support(p->channels);
    peer_services_init(&p->world, p->config, &support, msp_manager_at(p->local, 0), p->signer,
                       &(struct peer_workers){ p->calls, p->store, p->crypto });
    for (size_t i = 0; i < p->net_count; i++) {
        size_t count = 0;
        p->services[i] = peer_services_new(&p->world, p->net[i]);
        const struct grpc_method *methods = peer_services_methods(p->services[i], &count);
        net_loop_serve(p->net[i], methods, count, tls);
    }
    return WEFT_OK;
}

static enum weft_code listen_on(struct peer *p, struct weft_err *e)
{
    struct grpc_target targets[NET_LOOPS_MAX];
    for (size_t i = 0; i < p->net_count; i++)
        targets[i] = (struct grpc_target){ net_loop_server(p->net[i]),
                                           i == 0 ? NULL : net_loop_mailbox(p->net[i]) };
    struct weft_err why = { 0 };
    enum weft_code rc = grpc_listener_new(net_loop_net(p->net[0]), p->config->peer.listen_address,
                                          targets, p->net_count, &p->listener, &why);
    return rc == WEFT_OK ? rc : WEFT_FAIL(e, rc, "Failed to create peer server (%s)", why.msg);
}

/* ---- channels ------------------------------------------------------------------------------------ */

/* New trusted roots, for clients that connect from now on.  To join a channel took more memory
 * than to have it. */
static void configured(void *ctx, const char *channel)
{
    struct peer *p = ctx;
    WEFT_CLEANUP(tls_context_unref) struct tls_context *tls = NULL;
    struct weft_err e = { 0 };
    for (size_t i = 0; i < p->net_count; i++)
        net_loop_rest_soon(p->net[i]);
    if (!peer_tls_is_mutual(p->tls))
        return;
    LOG_DEBUG(&peer_log, "Updating trusted root authorities for channel %s", channel);
    if (server_context(p, &tls, &e) != WEFT_OK) {
        LOG_WARN(&peer_log,
                 "Failed to update trusted roots from latest config block. This peer may not be "
                 "able to communicate with members of channel %s (%s)",
                 channel, e.msg);
        return;
    }
    for (size_t i = 0; i < p->net_count; i++)
        net_loop_set_tls(p->net[i], tls);
}

static void channel_failed(void *ctx, const struct weft_err *why)
{
    struct peer *p = ctx;
    if (!p->has_failed)
        p->why = *why;
    p->has_failed = true;
}

static enum weft_code open_ledgers(struct peer *p, struct weft_err *e)
{
    const struct core_config *c = p->config;
    p->root = weft_asprintf("%s/ledgersData", c->peer.file_system_path);
    p->transient = weft_asprintf("%s/transientstore", c->peer.file_system_path);
    LOG_INFO(&ledger_log, "Initializing LedgerMgr");
    enum weft_code rc = peer_channels_open(
        &(struct peer_channels_config){
            .root = p->root,
            .ledgers = { .mspid = c->peer.local_msp_id,
                         .history = c->ledger.history_enabled,
                         .purge_interval = c->pvt_data.purge_interval,
                         .transient = p->transient,
                         .transient_retention = c->pvt_data.transient_store_max_block_retention },
            .chan = { .puller = { .config = c,
                                  .signer = p->signer,
                                  .tls = p->tls,
                                  .loops = p->net,
                                  .loop_count = p->net_count,
                                  .overrides = p->overrides.at,
                                  .override_count = p->overrides.count },
                      .address = p->address,
                      .tables = p->tables,
                      .metrics = p->metrics },
            .crypto = p->crypto,
            .local = p->local,
            .mb = p->mb,
            .ctx = p,
            .configured = configured,
            .failed = channel_failed,
        },
        &p->channels, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "Error in instantiating ledger provider");
    atomic_store(&p->shown, p->channels);
    LOG_INFO(&ledger_log, "Initialized LedgerMgr");
    return WEFT_OK;
}

/* ---- operations ------------------------------------------------------------------------------------ */

static bool channels_are_well(void *ctx, struct buf *reason)
{
    const struct peer *p = ctx;
    struct peer_channels *c = atomic_load(&p->shown);
    return c == NULL || peer_channels_are_well(c, reason);
}

static enum weft_code start_operations(struct peer *p, struct weft_err *e)
{
    const struct core_config *c = p->config;
    p->operations = operations_new(p->metrics, &c->metrics);
    operations_add_checker(p->operations, "channels", channels_are_well, p);
    enum weft_code rc =
        operations_start(p->operations, c->operations_address, &c->operations_tls, e);
    return rc == WEFT_OK ? rc : weft_err_wrap(e, rc, "failed to initialize operations subsystem");
}

/* ---- start, run, stop ---------------------------------------------------------------------------- */

static void watch_certs(struct peer *p)
{
    struct serialized_identity me = { 0 };
    int64_t now_s = clock_wall_ns() / 1000000000;
    if (serialized_identity_parse(signing_identity_bytes(p->signer), &me, NULL) == WEFT_OK)
        cert_monitor_add(&p->certs, "enrollment", me.id_bytes, now_s);
    peer_tls_watch(p->tls, &p->certs, now_s);
}

/* What must be there before a channel can be opened. */
static enum weft_code prepare(struct peer *p, enum peer_exit *how, struct weft_err *e)
{
    const struct core_config *c = p->config;
    *how = PEER_EXIT_ERROR;
    WEFT_TRY(load_identity(p, e));
    LOG_INFO(&logger, "Starting peer:\n Version: " WEFT_VERSION);
    if (c->gossip.use_leader_election && c->gossip.org_leader) {
        *how = PEER_EXIT_PANIC;
        return WEFT_FAIL(e, WEFT_INVALID,
                         "Setting both orgLeader and useLeaderElection to true isn't supported, "
                         "aborting execution");
    }
    WEFT_TRY(start_operations(p, e));
    WEFT_TRY(peer_address(c->peer.address, c->peer.address_auto_detect, &p->address, e));
    *how = PEER_EXIT_PANIC;
    WEFT_TRY(peer_settings_check(c, e));
    peer_settings_say(c);
    *how = PEER_EXIT_FATAL;
    WEFT_TRY(peer_tls_load(&c->peer, &p->tls, e));
    watch_certs(p);
    orderer_overrides_load(&c->deliver_client, &p->overrides);
    p->mb = mailbox_new("main", MAIN_MAIL);
    make_loops(p);
    *how = PEER_EXIT_PANIC;
    return open_ledgers(p, e);
}

static enum weft_code go(struct peer *p, enum peer_exit *how, struct weft_err *e)
{
    const struct core_peer_config *c = &p->config->peer;
    *how = PEER_EXIT_FATAL;
    WEFT_TRY(serve(p, e));
    WEFT_TRY(listen_on(p, e));
    *how = PEER_EXIT_PANIC;
    WEFT_TRY(peer_channels_resume(p->channels, e));
    LOG_INFO(&logger, "Starting peer with ID=[%s], network ID=[%s], address=[%s]", c->id,
             c->network_id, p->address);
    /* From here on what the channels want of the loops, and who connected, is served. */
    for (size_t i = 0; i < p->net_count; i++)
        WEFT_TRY(net_loop_start(p->net[i], e));
    LOG_INFO(&logger, "Started peer with ID=[%s], network ID=[%s], address=[%s]", c->id,
             c->network_id, p->address);
    return WEFT_OK;
}

enum weft_code peer_start(const struct core_config *config, struct peer **ret,
                          enum peer_exit *ret_exit, struct weft_err *e)
{
    struct peer *p = weft_alloc(sizeof(*p));
    p->config = config;
    p->metrics = metrics_new();
    enum weft_code rc = prepare(p, ret_exit, e);
    if (rc == WEFT_OK)
        rc = go(p, ret_exit, e);
    if (rc != WEFT_OK) {
        peer_stop(p);
        return rc;
    }
    *ret = p;
    return WEFT_OK;
}

/* False: it says stop. */
static bool take_signals(const struct peer *p, struct signals *signals)
{
    int n;
    while ((n = signals_take(signals)) != 0) {
        LOG_INFO(&logger, "Received signal: %d (%s)", n, signals_name(n));
        if (n != SIGUSR1)
            return false;
        peer_report(p);
    }
    return true;
}

/* What only time brings; after how many ms once more, -1: never. */
static int look_again(struct peer *p)
{
    int rebuild = peer_channels_check_rebuild(p->channels);
    int certs = cert_monitor_check(&p->certs, clock_wall_ns() / 1000000000);
    return rebuild < 0 || (certs >= 0 && certs < rebuild) ? certs : rebuild;
}

enum weft_code peer_run(struct peer *p, struct signals *signals, struct weft_err *e)
{
    struct pollfd fds[] = { { .fd = signals_fd(signals), .events = POLLIN },
                            { .fd = mailbox_fd(p->mb), .events = POLLIN } };
    int wait_ms = look_again(p);
    while (!p->has_failed) {
        int ready = poll(fds, WEFT_ARRAY_LEN(fds), wait_ms);
        if (ready < 0 && errno != EINTR)
            return WEFT_FAIL(e, WEFT_IO, "poll: error %d", errno);
        if (ready == 0)
            wait_ms = look_again(p);
        if (!take_signals(p, signals))
            return WEFT_OK;
        WEFT_IGNORE(mailbox_drain(p->mb, p->channels, MAIN_MAIL) == 0);
    }
    return WEFT_FAIL(e, p->why.code, "%s", p->why.msg);
}

void peer_stop(struct peer *p)
{
    atomic_store(&p->shown, NULL);
    operations_free(p->operations);
    if (p->channels != NULL)
        peer_channels_stop(p->channels);
    for (size_t i = 0; i < p->net_count; i++)
        net_loop_ask_stop(p->net[i]);
    for (size_t i = 0; i < p->net_count; i++)
        net_loop_join(p->net[i]);
    grpc_listener_free(p->listener);
    for (size_t i = 0; i < p->net_count; i++)
        net_loop_close_calls(p->net[i]);
    jobs_free(p->calls);
    jobs_free(p->store);
    jobs_free(p->crypto);
    jobs_free(p->resolve);
    for (size_t i = 0; i < p->net_count; i++) {
        net_loop_free(p->net[i]);
        peer_services_free(p->services[i]);
    }
    peer_channels_free(p->channels);
    mailbox_free(p->mb);
    metrics_free(p->metrics);
    key_tables_free(p->tables);
    orderer_overrides_done(&p->overrides);
    peer_tls_free(p->tls);
    msp_manager_unref(p->local);
    signing_identity_free(p->signer);
    free(p->address);
    free(p->root);
    free(p->transient);
    free(p);
}

void peer_report(const struct peer *p)
{
    LOG_INFO(&logger,
             "Go routines report: this peer has none; [%zu] net threads, [%d] store threads, [%d] "
             "call threads, [%u] crypto threads",
             p->net_count, (int)STORE_THREADS, (int)CALL_THREADS, jobs_threads(p->crypto));
    peer_channels_report(p->channels);
}
