#include "peer/peer_channel.h"

#include "base/snapshot.h"
#include "bundle/bundle.h"
#include "channel/config_envelope.h"
#include "kvledger/kv_ledger.h"

#include <stdatomic.h>

struct peer_channel {
    char *id;
    struct kv_ledger *ledger;
    struct snapshot *bundle;
    struct commit_thread *commit;
    struct chan_thread *chan;
    char *why_stuck; /* written once, before is_stuck */
    _Atomic bool is_stuck;
};

static void *ref_bundle(void *b)
{
    return bundle_ref(b);
}

static void unref_bundle(void *b)
{
    bundle_unref(b);
}

static const struct snapshot_ops bundle_counting = { ref_bundle, unref_bundle };

/* ---- the configuration that is stored ------------------------------------------------------------- */

static enum weft_code read_bundle(struct kv_ledger *ledger, const char *id, struct bundle **ret,
                                  struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf bytes = { 0 };
    struct config_envelope_view v = { 0 };
    WEFT_TRY(kv_ledger_config(ledger, &bytes, e));
    WEFT_TRY(config_envelope_parse(buf_bytes(&bytes), &v, e));
    if (!v.has_config)
        return WEFT_FAIL(e, WEFT_CORRUPT, "channelconfig Config cannot be nil");
    return bundle_new(id, v.sequence, v.channel_group, ret, e);
}

/* What ends the process, as in Fabric. */
static enum weft_code check_supported(const struct bundle *b, const char *id, struct weft_err *e)
{
    struct weft_err why = { 0 };
    if (bundle_application(b) == NULL)
        return WEFT_FAIL(e, WEFT_UNAVAILABLE,
                         "[channel %s] does not have application config so is incompatible", id);
    if (bundle_check_supported_by_peer(b, &why) != WEFT_OK)
        return WEFT_FAIL(e, WEFT_UNAVAILABLE, "[channel %s] incompatible: %s", id, why.msg);
    return WEFT_OK;
}

/* ---- life ------------------------------------------------------------------------------------------- */

enum weft_code peer_channel_new(const struct peer_channel_world *world, const char *id,
                                struct kv_ledger *ledger, struct peer_channel **ret,
                                struct weft_err *e)
{
    WEFT_CLEANUP(peer_channel_free) struct peer_channel *c = weft_alloc(sizeof(*c));
    WEFT_CLEANUP(bundle_unref) struct bundle *b = NULL;
    c->id = weft_strdup(id);
    c->ledger = ledger;
    WEFT_TRY(read_bundle(ledger, id, &b, e));
    WEFT_TRY(check_supported(b, id, e));
    bundle_log_sanity(b);
    c->bundle = snapshot_new(bundle_ref(b), &bundle_counting);
    c->commit = commit_thread_new(&world->commit, c->id, c, ledger, b);
    c->chan = chan_thread_new(&world->chan, &(struct chan_place){ .id = c->id,
                                                                  .bundle = c->bundle,
                                                                  .ledger = ledger,
                                                                  .commit = c->commit });
    *ret = WEFT_TAKE(c);
    return WEFT_OK;
}

enum weft_code peer_channel_start(struct peer_channel *c, struct weft_err *e)
{
    WEFT_TRY(commit_thread_start(c->commit, e));
    enum weft_code rc = chan_thread_start(c->chan, e);
    if (rc != WEFT_OK) {
        commit_thread_ask_stop(c->commit);
        commit_thread_join(c->commit);
    }
    return rc;
}

void peer_channel_ask_stop(struct peer_channel *c)
{
    chan_thread_ask_stop(c->chan);
}

void peer_channel_join_chan(struct peer_channel *c)
{
    chan_thread_join(c->chan);
    commit_thread_ask_stop(c->commit);
}

void peer_channel_join(struct peer_channel *c)
{
    commit_thread_join(c->commit);
}

void peer_channel_free(struct peer_channel *c)
{
    if (c == NULL)
        return;
    chan_thread_free(c->chan);
    commit_thread_free(c->commit);
    snapshot_free(c->bundle);
    kv_ledger_close(c->ledger);
    free(c->why_stuck);
    free(c->id);
    free(c);
}

/* ---- looking ------------------------------------------------------------------------------------------ */

const char *peer_channel_id(const struct peer_channel *c)
{
    return c->id;
}

struct kv_ledger *peer_channel_ledger(const struct peer_channel *c)
{
    return c->ledger;
}

struct bundle *peer_channel_bundle(const struct peer_channel *c)
{
    return snapshot_get(c->bundle);
}

void peer_channel_set_bundle(struct peer_channel *c, struct bundle *b)
{
    snapshot_set(c->bundle, bundle_ref(b));
}

void peer_channel_set_stuck(struct peer_channel *c, const char *why)
{
    if (atomic_load(&c->is_stuck))
        return;
    c->why_stuck = weft_strdup(why);
    atomic_store(&c->is_stuck, true);
}

bool peer_channel_is_well(const struct peer_channel *c, struct buf *reason)
{
    if (!atomic_load(&c->is_stuck))
        return chan_thread_is_well(c->chan, reason);
    buf_printf(reason, "channel %s commits nothing more at height %llu: %s", c->id,
               (unsigned long long)block_store_height(kv_ledger_blocks(c->ledger)), c->why_stuck);
    return false;
}
