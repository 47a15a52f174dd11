#include "peer/peer_channels.h"

#include "base/limits.h"
#include "base/log.h"
#include "msp/msp_manager.h"
#include "os/dirs.h"
#include "peer/ledger_rebuild.h"
#include "peer/peer_channel.h"
#include "peer/peer_tls.h"
#include "proto/block.h"

#include <inttypes.h>
#include <stdatomic.h>

LOG_DEFINE(logger, "peer");
LOG_DEFINE(start_log, "nodeCmd");
LOG_DEFINE(ledger_log, "ledgermgmt");

struct peer_channels {
    struct peer_channels_config config;
    struct peer_channel_world world;
    struct kv_ledgers *ledgers;
    struct ledger_rebuild *rebuild;
    bool is_stopping;
    _Atomic size_t count; /* at[0] .. at[count - 1] never change */
    struct peer_channel *at[LIMIT_CHANNELS];
};

/* ---- looking up ------------------------------------------------------------------------------------- */

static struct peer_channel *find_channel(struct peer_channels *c, struct bytes id)
{
    size_t count = atomic_load_explicit(&c->count, memory_order_acquire);
    for (size_t i = 0; i < count; i++)
        if (bytes_eq(id, bytes_of_str(peer_channel_id(c->at[i]))))
            return c->at[i];
    return NULL;
}

static bool find(void *ctx, struct bytes id, struct peer_channel_view *ret)
{
    struct peer_channel *ch = find_channel(ctx, id);
    if (ch == NULL)
        return false;
    *ret = (struct peer_channel_view){ .id = peer_channel_id(ch),
                                       .bundle = peer_channel_bundle(ch),
                                       .ledger = peer_channel_ledger(ch) };
    return true;
}

static void list(void *ctx, void (*each)(void *arg, const char *id), void *arg)
{
    struct peer_channels *c = ctx;
    size_t count = atomic_load_explicit(&c->count, memory_order_acquire);
    for (size_t i = 0; i < count; i++)
        each(arg, peer_channel_id(c->at[i]));
}

/* ---- from the commit threads -------------------------------------------------------------------------- */

/* Something for main. */
struct report {
    struct mail mail;
    char *channel; /* whose configuration changed; NULL: a failure */
    struct weft_err why;
};

static void report_dropped(struct mail *m)
{
    struct report *r = WEFT_CONTAINER_OF(m, struct report, mail);
    free(r->channel);
    free(r);
}

static void take_report(struct mail *m, void *owner)
{
    struct report *r = WEFT_CONTAINER_OF(m, struct report, mail);
    const struct peer_channels *c = owner;
    if (r->channel != NULL)
        c->config.configured(c->config.ctx, r->channel);
    else
        c->config.failed(c->config.ctx, &r->why);
    report_dropped(m);
}

static void send_report(struct peer_channels *c, const char *channel, const struct weft_err *why)
{
    struct report *r = weft_alloc(sizeof(*r));
    r->mail = (struct mail){ .handle = take_report, .drop = report_dropped };
    r->channel = channel != NULL ? weft_strdup(channel) : NULL;
    if (why != NULL)
        r->why = *why;
    if (!mailbox_put_waiting(c->config.mb, &r->mail))
        report_dropped(&r->mail); /* it stops anyway */
}

static void configured(void *ctx, void *channel, struct bundle *b)
{
    struct peer_channels *c = ctx;
    struct peer_channel *ch = channel;
    peer_channel_set_bundle(ch, b);
    if (peer_tls_is_mutual(c->config.chan.puller.tls))
        send_report(c, peer_channel_id(ch), NULL);
}

static void failed(void *ctx, void *channel, bool fatal, const struct weft_err *why)
{
    peer_channel_set_stuck(channel, why->msg);
    if (fatal)
        send_report(ctx, NULL, why);
}

static struct msp_manager *msps_of(void *ctx, struct bytes channel_id)
{
    struct peer_channels *c = ctx;
    struct peer_channel *ch = channel_id.len > 0 ? find_channel(c, channel_id) : NULL;
    if (channel_id.len == 0)
        return msp_manager_ref(c->config.local);
    if (ch == NULL)
        return NULL;
    struct bundle *b = peer_channel_bundle(ch);
    struct msp_manager *m = msp_manager_ref(bundle_msps(b));
    bundle_unref(b);
    return m;
}

/* ---- opening, making -------------------------------------------------------------------------------------- */

enum weft_code peer_channels_open(const struct peer_channels_config *config,
                                  struct peer_channels **ret, struct weft_err *e)
{
    WEFT_CLEANUP(peer_channels_free) struct peer_channels *c = weft_alloc(sizeof(*c));
    c->config = *config;
    c->world = (struct peer_channel_world){ .chan = config->chan,
                                            .commit = { .crypto = config->crypto,
                                                        .tables = config->chan.tables,
                                                        .metrics = config->chan.metrics,
                                                        .ctx = c,
                                                        .configured = configured,
                                                        .failed = failed,
                                                        .msps_of = msps_of } };
    c->rebuild = ledger_rebuild_new();
    WEFT_TRY(kv_ledgers_open(config->root, &config->ledgers, &c->ledgers, e));
    *ret = WEFT_TAKE(c);
    return WEFT_OK;
}

/* Takes the ledger. */
static enum weft_code add(struct peer_channels *c, const char *id, struct kv_ledger *ledger,
                          struct weft_err *e)
{
    WEFT_CLEANUP(peer_channel_free) struct peer_channel *ch = NULL;
    size_t count = atomic_load(&c->count);
    WEFT_TRY(peer_channel_new(&c->world, id, ledger, &ch, e));
    if (count >= LIMIT_CHANNELS)
        return WEFT_FAIL(e, WEFT_LIMIT, "there are %zu channels, more are not opened", count);
    WEFT_TRY(peer_channel_start(ch, e));
    c->at[count] = WEFT_TAKE(ch);
    atomic_store_explicit(&c->count, count + 1, memory_order_release);
    c->config.configured(c->config.ctx, id);
    return WEFT_OK;
}

static enum weft_code resume(struct peer_channels *c, const char *id, struct weft_err *e)
{
    struct kv_ledger *ledger = NULL;
    struct weft_err why = { 0 };
    LOG_INFO(&logger, "Loading chain %s", id);
    LOG_INFO(&ledger_log, "Opening ledger with id = %s", id);
    enum weft_code rc = kv_ledger_open(c->ledgers, id, &ledger, &why);
    if (rc != WEFT_OK) {
        LOG_ERROR(&logger, "Failed to load ledger %s(%s)", id, why.msg);
        return WEFT_OK;
    }
    LOG_INFO(&ledger_log, "Opened ledger with id = %s", id);
    rc = add(c, id, ledger, &why);
    if (rc == WEFT_UNAVAILABLE)
        return WEFT_FAIL(e, rc, "%s", why.msg);
    if (rc != WEFT_OK)
        LOG_ERROR(&logger, "Failed to load chain %s(%s)", id, why.msg);
    return WEFT_OK;
}

enum weft_code peer_channels_resume(struct peer_channels *c, struct weft_err *e)
{
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    enum weft_code rc = kv_ledgers_list(c->ledgers, &l, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error in initializing ledgermgmt");
    WEFT_FREE char *chains = weft_asprintf("%s/chains/chains", c->config.root);
    for (size_t i = 0; i < l.count; i++) {
        WEFT_TRY(resume(c, l.names[i], e));
        WEFT_TRY(ledger_rebuild_load(c->rebuild, chains, l.names[i], e));
    }
    return WEFT_OK;
}

/* ---- joining -------------------------------------------------------------------------------------------------- */

/* Lies on the stack of whoever asks, who waits for its answer. */
struct join {
    struct mail mail, answer;
    struct mailbox *back;
    const char *id;
    struct block *genesis;
    enum weft_code rc;
    struct weft_err why;
    bool is_answered;
};

static enum weft_code join_here(struct peer_channels *c, struct join *j, struct weft_err *e)
{
    struct kv_ledger *ledger = NULL;
    if (c->is_stopping)
        return WEFT_FAIL(e, WEFT_CANCELLED, "the peer stops");
    LOG_INFO(&ledger_log, "Creating ledger [%s] with genesis block", j->id);
    enum weft_code rc = kv_ledgers_create(c->ledgers, j->genesis, &ledger, e);
    if (rc == WEFT_OK)
        LOG_INFO(&ledger_log, "Created ledger [%s] with genesis block", j->id);
    else
        return weft_err_wrap(e, rc, "cannot create ledger from genesis block");
    rc = add(c, j->id, ledger, e);
    if (rc == WEFT_UNAVAILABLE)
        c->config.failed(c->config.ctx, e);
    return rc;
}

static void answered(struct mail *m, void *owner)
{
    (void)owner;
    WEFT_CONTAINER_OF(m, struct join, answer)->is_answered = true;
}

static void nothing(struct mail *m)
{
    (void)m; /* it lies on a stack */
}

static void take_join(struct mail *m, void *owner)
{
    struct join *j = WEFT_CONTAINER_OF(m, struct join, mail);
    j->rc = join_here(owner, j, &j->why);
    j->answer = (struct mail){ .handle = answered, .drop = nothing };
    WEFT_ASSERT(mailbox_put(j->back, &j->answer)); /* has room for one */
}

static enum weft_code join(void *ctx, const char *id, struct block *genesis, struct weft_err *e)
{
    struct peer_channels *c = ctx;
    WEFT_CLEANUP(mailbox_free) struct mailbox *back = mailbox_new("join", 1);
    struct join j = {
        .mail = { .handle = take_join, .drop = nothing }, .back = back, .id = id, .genesis = genesis
    };
    if (!mailbox_put_waiting(c->config.mb, &j.mail))
        return WEFT_FAIL(e, WEFT_CANCELLED, "the peer stops");
    while (!j.is_answered) {
        mailbox_wait(back, -1);
        WEFT_IGNORE(mailbox_drain(back, NULL, 1) == 0);
    }
    return j.rc == WEFT_OK ? WEFT_OK : WEFT_FAIL(e, j.rc, "%s", j.why.msg);
}

static bool is_rebuilding(void *ctx)
{
    return ledger_rebuild_is_on(((struct peer_channels *)ctx)->rebuild);
}

static bool height_of(void *ctx, const char *channel, uint64_t *ret)
{
    struct peer_channel *ch = find_channel(ctx, bytes_of_str(channel));
    if (ch == NULL)
        return false;
    *ret = block_store_height(kv_ledger_blocks(peer_channel_ledger(ch)));
    return true;
}

int peer_channels_check_rebuild(struct peer_channels *c)
{
    ledger_rebuild_check(c->rebuild, height_of, c);
    return ledger_rebuild_is_on(c->rebuild) ? LEDGER_REBUILD_MS : -1;
}

struct peer_support peer_channels_support(struct peer_channels *c)
{
    return (struct peer_support){
        .ctx = c, .find = find, .list = list, .join = join, .is_rebuilding = is_rebuilding
    };
}

/* ---- ending ---------------------------------------------------------------------------------------------------- */

void peer_channels_stop(struct peer_channels *c)
{
    size_t count = atomic_load(&c->count);
    c->is_stopping = true;
    mailbox_close(c->config.mb);
    while (mailbox_drain(c->config.mb, c, SIZE_MAX) > 0) /* who waits gets an answer */
        ;
    for (size_t i = 0; i < count; i++)
        peer_channel_ask_stop(c->at[i]);
    for (size_t i = 0; i < count; i++)
        peer_channel_join_chan(c->at[i]);
    for (size_t i = 0; i < count; i++)
        peer_channel_join(c->at[i]);
}

void peer_channels_free(struct peer_channels *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < atomic_load(&c->count); i++)
        peer_channel_free(c->at[i]);
    kv_ledgers_close(c->ledgers);
    ledger_rebuild_free(c->rebuild);
    free(c);
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

void peer_channels_put_roots(struct peer_channels *c, struct buf *out)
{
    size_t count = atomic_load_explicit(&c->count, memory_order_acquire);
    for (size_t i = 0; i < count; i++) {
        WEFT_CLEANUP(bundle_unref) struct bundle *b = peer_channel_bundle(c->at[i]);
        peer_tls_put_roots(out, b);
    }
}

bool peer_channels_are_well(void *ctx, struct buf *reason)
{
    struct peer_channels *c = ctx;
    size_t count = atomic_load_explicit(&c->count, memory_order_acquire);
    bool all = true;
    for (size_t i = 0; i < count; i++) {
        WEFT_CLEANUP(buf_done) struct buf why = { 0 };
        if (peer_channel_is_well(c->at[i], &why))
            continue;
        if (!all)
            buf_put_str(reason, "; ");
        buf_put(reason, buf_bytes(&why));
        all = false;
    }
    return all;
}

void peer_channels_report(struct peer_channels *c)
{
    for (size_t i = 0; i < atomic_load(&c->count); i++)
        LOG_INFO(&start_log, "Channel [%s] has height [%" PRIu64 "]", peer_channel_id(c->at[i]),
                 block_store_height(kv_ledger_blocks(peer_channel_ledger(c->at[i]))));
}
