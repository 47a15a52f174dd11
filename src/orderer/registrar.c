#include "orderer/registrar.h"

#include "base/limits.h"
#include "base/log.h"
#include "bundle/bundle.h"
#include "config/orderer_config.h"
#include "crypto/x509.h"
#include "ledger/block_store.h"
#include "net/net_msg.h"
#include "ops/metrics.h"
#include "orderer/bootstrap.h"
#include "orderer/registrar_private.h"
#include "os/clock.h"
#include "os/dirs.h"
#include "os/file.h"
#include "proto/envelope.h"
#include "proto/metadata.h"

#include <inttypes.h>
#include <stdatomic.h>

LOG_DEFINE(server_log, "orderer.common.server");
LOG_DEFINE(logger, "orderer.commmon.multichannel");

enum {
    PEM_MAX = 1 << 20,
};

/* ---- the configuration of what is stored -------------------------------------------------- */

static enum weft_code last_config_block(struct block_store *store, struct block **ret,
                                        struct weft_err *e)
{
    WEFT_CLEANUP(block_unref) struct block *last = NULL;
    uint64_t number = 0;
    enum weft_code rc = block_store_read(store, UINT64_MAX, &last, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "Failed to retrieve block");
    if (last->v.number > 0) { /* a genesis block says nothing, or nothing right */
        rc = block_last_config(&last->v, &number, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(
                e, rc, "Chain did not have appropriately encoded last config in its latest block");
    }
    rc = block_store_read(store, number, ret, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "Failed to retrieve config block");
    return WEFT_OK;
}

enum weft_code registrar_check_bundle(const struct bundle *b, struct weft_err *e)
{
    if (bundle_orderer(b) == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "config does not contain orderer config");
    return bundle_check_supported_by_orderer(b, e);
}

static enum weft_code bundle_of_store(struct block_store *store, struct bundle **ret,
                                      struct weft_err *e)
{
    WEFT_CLEANUP(block_unref) struct block *config = NULL;
    WEFT_CLEANUP(bundle_unref) struct bundle *b = NULL;
    WEFT_TRY(last_config_block(store, &config, e));
    enum weft_code rc = bundle_of_block(&config->v, &b, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(
            e, rc, "Error creating ledger resources: error creating channelconfig bundle");
    rc = registrar_check_bundle(b, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc,
                             "Error creating ledger resources: error checking bundle for channel: "
                             "%s",
                             bundle_channel_id(b));
    *ret = WEFT_TAKE(b);
    return WEFT_OK;
}

/* ---- the list --------------------------------------------------------------------------------- */

struct chain_thread *registrar_find(const struct registrar *r, const char *id)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(chain_thread_id(r->chains[i]), id) == 0)
            return r->chains[i];
    return NULL;
}

void registrar_show_count(struct registrar *r)
{
    atomic_store(&r->shown_count, r->count);
}

size_t registrar_channels(const struct registrar *r)
{
    return atomic_load(&r->shown_count);
}

static void add_chain(struct registrar *r, struct chain_thread *t)
{
    r->chains = weft_realloc(r->chains, (r->count + 1) * sizeof(struct chain_thread *));
    r->chains[r->count++] = t;
    registrar_show_count(r);
    if (chain_thread_is_system(t))
        r->system = t;
}

/* Takes the store, also on failure.  The chain does not run yet. */
static enum weft_code add(struct registrar *r, const char *id, struct bundle *b,
                          struct block_store *store, struct chain_thread **ret, struct weft_err *e)
{
    struct chain_thread *t = NULL;
    if (r->count >= LIMIT_CHANNELS) {
        block_store_close(store);
        return WEFT_FAIL(e, WEFT_LIMIT, "there are %zu channels, more are not opened", r->count);
    }
    enum weft_code rc = chain_thread_new(&r->world, id, b, store, &t, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "Error creating chain support");
    add_chain(r, t);
    *ret = t;
    return WEFT_OK;
}

/* ---- opening -------------------------------------------------------------------------------------- */

static enum weft_code say_system(const struct registrar *r, struct block_store *store,
                                 const struct bundle *b, struct weft_err *e)
{
    WEFT_CLEANUP(block_unref) struct block *genesis = NULL;
    if (r->system != NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "There appear to be two system channels %s and %s",
                         chain_thread_id(r->system), bundle_channel_id(b));
    WEFT_TRY(block_store_read(store, 0, &genesis, e));
    struct digest hash = block_header_hash(&genesis->v);
    WEFT_FREE char *hex = bytes_to_hex(digest_bytes(&hash));
    LOG_INFO(&logger, "Starting system channel '%s' with genesis block hash %s and orderer type %s",
             bundle_channel_id(b), hex, bundle_orderer(b)->consensus_type);
    return WEFT_OK;
}

static enum weft_code open_channel(struct registrar *r, const char *id, struct weft_err *e)
{
    WEFT_CLEANUP(block_store_close) struct block_store *store = NULL;
    WEFT_CLEANUP(bundle_unref) struct bundle *b = NULL;
    struct chain_thread *t;
    WEFT_TRY(block_store_open(r->stores, id, &store, e));
    if (block_store_height(store) == 0) {
        LOG_WARN(&logger, "The ledger of channel [%s] is empty, passing it over", id);
        return WEFT_OK;
    }
    WEFT_TRY(bundle_of_store(store, &b, e));
    if (strcmp(bundle_channel_id(b), id) != 0)
        return WEFT_FAIL(e, WEFT_CORRUPT, "the folder of channel [%s] holds channel [%s]", id,
                         bundle_channel_id(b));
    if (bundle_consortiums(b) != NULL)
        WEFT_TRY(say_system(r, store, b, e));
    return add(r, id, b, WEFT_TAKE(store), &t, e);
}

static enum weft_code open_channels(struct registrar *r, struct weft_err *e)
{
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    WEFT_TRY(block_stores_list(r->stores, &l, e));
    for (size_t i = 0; i < l.count; i++) {
        enum weft_code rc = open_channel(r, l.names[i], e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "channel [%s]", l.names[i]);
    }
    return WEFT_OK;
}

/* ---- bootstrap ---------------------------------------------------------------------------------------- */

/* Opens the channel's ledger, and stores block 0 if it is empty. */
static enum weft_code store_first(struct registrar *r, const char *id, const struct block_view *v,
                                  struct block_store **ret, struct weft_err *e)
{
    WEFT_CLEANUP(block_store_close) struct block_store *store = NULL;
    WEFT_TRY(block_store_open(r->stores, id, &store, e));
    if (block_store_height(store) == 0) {
        uint64_t began = clock_monotonic_ns();
        WEFT_TRY(block_store_append(store, v, BLOCK_APPEND_SYNC, e));
        metric_observe_ns(
            METRIC_OF(metrics_owner_new(r->world.metrics), LEDGER_BLOCKSTORAGE_COMMIT_TIME, id),
            clock_monotonic_ns() - began);
    }
    *ret = WEFT_TAKE(store);
    return WEFT_OK;
}

/* A ledger that nobody can order on would keep the next start from serving the others. */
static void unstore(struct registrar *r, const char *id)
{
    struct weft_err e = { 0 };
    if (block_stores_remove(r->stores, id, &e) != WEFT_OK)
        LOG_ERROR(&logger,
                  "Can't remove the ledger of a channel that was not made: %s" LOG_KV "channel=%s",
                  e.msg, id);
}

enum weft_code registrar_add_new(struct registrar *r, struct bundle *b, const struct block_view *v,
                                 struct chain_thread **ret, struct weft_err *e)
{
    const char *id = bundle_channel_id(b);
    struct block_store *store = NULL;
    enum weft_code rc = store_first(r, id, v, &store, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, WEFT_UNAVAILABLE, "Error appending genesis block to ledger");
    rc = add(r, id, b, store, ret, e);
    if (rc != WEFT_OK)
        unstore(r, id);
    return rc;
}

static enum weft_code has_blocks(struct registrar *r, bool *ret, struct weft_err *e)
{
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    WEFT_TRY(block_stores_list(r->stores, &l, e));
    *ret = false;
    for (size_t i = 0; i < l.count && !*ret; i++) {
        WEFT_CLEANUP(block_store_close) struct block_store *store = NULL;
        WEFT_TRY(block_store_open(r->stores, l.names[i], &store, e));
        *ret = block_store_height(store) > 0;
    }
    return WEFT_OK;
}

static enum weft_code bootstrap_from_file(struct registrar *r, struct block **ret,
                                          struct weft_err *e)
{
    WEFT_CLEANUP(block_unref) struct block *b = NULL;
    WEFT_CLEANUP(bundle_unref) struct bundle *bundle = NULL;
    WEFT_CLEANUP(block_store_close) struct block_store *store = NULL;
    bool found = false;
    WEFT_TRY(bootstrap_read(r->config.orderer->general.bootstrap_file, &b, e));
    WEFT_TRY(bootstrap_check(&b->v, &bundle, e));
    WEFT_TRY(has_blocks(r, &found, e));
    if (found) {
        LOG_INFO(&server_log, "Not bootstrapping the system channel because of existing channels");
    } else if (b->v.number == 0) {
        LOG_INFO(&server_log, "Bootstrapping the system channel");
        enum weft_code rc = store_first(r, bundle_channel_id(bundle), &b->v, &store, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "Could not write genesis block to ledger");
    } else {
        LOG_INFO(&server_log,
                 "Not bootstrapping the system channel because the bootstrap block number is "
                 "%" PRIu64 " (>0), replication is needed",
                 b->v.number);
        return WEFT_FAIL(e, WEFT_INVALID,
                         "the bootstrap block has number %" PRIu64
                         ": this version does not replicate channels from other orderers",
                         b->v.number);
    }
    *ret = WEFT_TAKE(b);
    return WEFT_OK;
}

static enum weft_code bootstrap(struct registrar *r, struct block **ret, struct weft_err *e)
{
    const char *method = r->config.orderer->general.bootstrap_method;
    if (strcmp(method, "file") == 0)
        return bootstrap_from_file(r, ret, e);
    if (strcmp(method, "none") != 0)
        return WEFT_FAIL(e, WEFT_INVALID, "Unknown bootstrap method: %s", method);
    return WEFT_OK;
}

/* ---- the cluster's side ---------------------------------------------------------------------------------- */

static enum weft_code load_cluster_cert(struct registrar *r, struct weft_err *e)
{
    const struct orderer_config *c = r->config.orderer;
    const struct orderer_cluster_config *k = &c->cluster;
    WEFT_CLEANUP(buf_done) struct buf pem = { 0 };
    bool all_empty = k->listen_port == 0 && k->server_certificate[0] == '\0' &&
                     k->listen_address[0] == '\0' && k->server_private_key[0] == '\0';
    bool any_empty = k->listen_port == 0 || k->server_certificate[0] == '\0' ||
                     k->listen_address[0] == '\0' || k->server_private_key[0] == '\0';
    LOG_INFO(&server_log, "Setting up cluster");
    if (all_empty) {
        LOG_INFO(&server_log,
                 "Cluster listener is not configured, defaulting to use the general listener on "
                 "port %u",
                 c->general.listen_port);
        if (!c->general.tls.enabled)
            return WEFT_FAIL(e, WEFT_INVALID,
                             "TLS is required for running ordering nodes of cluster type.");
    } else if (any_empty) {
        return WEFT_FAIL(e, WEFT_INVALID,
                         "Options: General.Cluster.ListenPort, General.Cluster.ListenAddress, "
                         "General.Cluster.ServerCertificate, General.Cluster.ServerPrivateKey, "
                         "should be defined altogether.");
    }
    const char *path = all_empty ? c->general.tls.certificate : k->server_certificate;
    enum weft_code rc = file_read_all(path, PEM_MAX, &pem, e);
    if (rc == WEFT_OK)
        rc = x509_cert_parse_pem(buf_bytes(&pem), &r->cluster, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "Failed to load cluster server certificate from '%s'", path);
    r->world.cluster = r->cluster;
    return WEFT_OK;
}

/* Says what it starts with, as it will be used; the channels are not open yet. */
static enum weft_code set_up_cluster(struct registrar *r, const struct block *boot,
                                     struct weft_err *e)
{
    WEFT_CLEANUP(bundle_unref) struct bundle *system = NULL;
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    WEFT_TRY(block_stores_list(r->stores, &l, e));
    for (size_t i = 0; i < l.count && system == NULL; i++) {
        WEFT_CLEANUP(block_store_close) struct block_store *store = NULL;
        WEFT_CLEANUP(bundle_unref) struct bundle *b = NULL;
        WEFT_TRY(block_store_open(r->stores, l.names[i], &store, e));
        if (block_store_height(store) > 0 && bundle_of_store(store, &b, e) == WEFT_OK &&
            bundle_consortiums(b) != NULL)
            system = WEFT_TAKE(b);
    }
    if (system == NULL && boot != NULL)
        WEFT_TRY(bootstrap_check(&boot->v, &system, e));
    if (system == NULL) {
        LOG_INFO(&server_log, "Starting without a system channel");
        return load_cluster_cert(r, e);
    }
    const struct bundle_orderer *o = bundle_orderer(system);
    if (o == NULL)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "Orderer config doesn't exist in bundle derived from genesis block");
    LOG_INFO(&server_log, "Starting with system channel: %s, consensus type: %s",
             bundle_channel_id(system), o->consensus_type);
    return strcmp(o->consensus_type, "etcdraft") == 0 ? load_cluster_cert(r, e) : WEFT_OK;
}

/* ---- from other threads ------------------------------------------------------------------------------------ */

/* A chain's ledger failed; that thread does nothing more. */
struct failure {
    struct mail mail;
    struct weft_err why;
};

static void take_failure(struct mail *m, void *owner)
{
    struct failure *f = WEFT_CONTAINER_OF(m, struct failure, mail);
    const struct registrar *r = owner;
    r->config.failed(r->config.ctx, &f->why);
    free(f);
}

static void drop_failure(struct mail *m)
{
    free(WEFT_CONTAINER_OF(m, struct failure, mail));
}

static void chain_failed(void *ctx, const char *channel, const struct weft_err *why)
{
    const struct registrar *r = ctx;
    struct failure *f = weft_alloc(sizeof(*f));
    (void)channel;
    f->mail = (struct mail){ .handle = take_failure, .drop = drop_failure };
    f->why = *why;
    if (!mailbox_put_waiting(r->config.mb, &f->mail))
        free(f); /* it ends already */
}

static enum weft_code reprocess(void *ctx, const struct bundle *bundle, enum order_kind kind,
                                struct bytes envelope, struct net_msg **ret, struct weft_err *e)
{
    const struct registrar *r = ctx;
    return r->config.reprocess(r->config.ctx, bundle, kind, envelope, ret, e);
}

/* ---- the registrar -------------------------------------------------------------------------------------------- */

enum weft_code registrar_open(const struct registrar_config *config, struct registrar **ret,
                              struct weft_err *e)
{
    WEFT_CLEANUP(registrar_free) struct registrar *r = weft_alloc(sizeof(*r));
    WEFT_CLEANUP(block_unref) struct block *boot = NULL;
    r->config = *config;
    r->journals = weft_asprintf("%s/weft-journal", config->orderer->ledger_location);
    r->world = (struct chain_world){ .signer = config->signer,
                                     .metrics = config->metrics,
                                     .journals = r->journals,
                                     .journal = config->orderer->journal_enabled,
                                     .wal_dir = config->orderer->wal_dir,
                                     .snap_dir = config->orderer->snap_dir,
                                     .ctx = r,
                                     .create_channel = registrar_create_channel,
                                     .reprocess = reprocess,
                                     .failed = chain_failed };
    enum weft_code rc =
        block_stores_open(config->orderer->ledger_location, LEDGER_ORDERER, &r->stores, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "Failed to create ledger factory");
    WEFT_TRY(bootstrap(r, &boot, e));
    WEFT_TRY(set_up_cluster(r, boot, e));
    WEFT_TRY(open_channels(r, e));
    if (r->system == NULL)
        LOG_INFO(&logger,
                 "Registrar initializing without a system channel, number of application channels: "
                 "%zu",
                 r->count);
    *ret = WEFT_TAKE(r);
    return WEFT_OK;
}

void registrar_free(struct registrar *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->count; i++)
        chain_thread_free(r->chains[i]);
    free(r->chains);
    block_stores_close(r->stores);
    x509_cert_unref(r->cluster);
    free(r->listeners);
    free(r->journals);
    free(r);
}

void registrar_start_of(const struct chain_thread *t, struct channel_start *ret)
{
    struct consenter_status s;
    chain_thread_status(t, &s);
    *ret = (struct channel_start){ .id = chain_thread_id(t),
                                   .bundle = (struct bundle *)chain_thread_bundle(t),
                                   .store = chain_thread_store(t),
                                   .chain = chain_thread_mailbox(t),
                                   .is_system = chain_thread_is_system(t),
                                   .is_errored = s.is_errored,
                                   .refuses = s.refuses };
}

void registrar_fill(const struct registrar *r, struct orderer_channels *table)
{
    for (size_t i = 0; i < r->count; i++) {
        struct channel_start start;
        registrar_start_of(r->chains[i], &start);
        WEFT_IGNORE(orderer_channels_add(table, &start) == NULL); /* the table's own */
    }
}

enum weft_code registrar_start(struct registrar *r, const struct channel_listeners *listeners,
                               struct weft_err *e)
{
    size_t bytes = listeners->count * sizeof(*listeners->at);
    r->listeners = weft_alloc(bytes + 1);
    memcpy(r->listeners, listeners->at, bytes);
    r->world.listeners = (struct channel_listeners){ r->listeners, listeners->count };
    for (size_t i = 0; i < r->count; i++)
        WEFT_TRY(chain_thread_start(r->chains[i], e));
    return WEFT_OK;
}

void registrar_stop(struct registrar *r)
{
    r->is_stopping = true;
    mailbox_close(r->config.mb); /* nobody waits for us from here on: */
    while (mailbox_drain(r->config.mb, r, SIZE_MAX) > 0)
        ;
    for (size_t i = 0; i < r->count; i++)
        chain_thread_ask_stop(r->chains[i]);
    for (size_t i = 0; i < r->count; i++)
        chain_thread_join(r->chains[i]);
}

void registrar_report(const struct registrar *r)
{
    for (size_t i = 0; i < r->count; i++)
        LOG_INFO(&server_log, "Channel [%s] has height [%" PRIu64 "]",
                 chain_thread_id(r->chains[i]),
                 block_store_height(chain_thread_store(r->chains[i])));
}

bool registrar_is_well(const struct registrar *r, struct weft_err *e)
{
    for (size_t i = 0; i < r->count; i++) {
        WEFT_CLEANUP(net_msg_unref) struct net_msg *why = chain_thread_trouble(r->chains[i]);
        if (why != NULL)
            return WEFT_FAIL(e, WEFT_UNAVAILABLE, "%.*s", (int)why->len,
                             (const char *)net_msg_bytes(why).data) == WEFT_OK;
    }
    return true;
}
