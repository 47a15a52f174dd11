#include "orderer/deliver_access.h"

#include "bundle/bundle.h"
#include "msp/identity_expiry.h"
#include "orderer/msg_filter.h"
#include "policy/policy_tree.h"

static void *find(void *ctx, struct bytes id)
{
    const struct deliver_access *a = ctx;
    struct orderer_channel *c = orderer_channels_find(a->channels, id);
    return c != NULL ? orderer_channel_ref(c) : NULL;
}

static void unref(void *channel)
{
    orderer_channel_unref(channel);
}

static const char *id_of(const void *channel)
{
    return ((const struct orderer_channel *)channel)->id;
}

static struct block_store *store_of(const void *channel)
{
    return ((const struct orderer_channel *)channel)->store;
}

static bool is_errored(const void *channel)
{
    return ((const struct orderer_channel *)channel)->is_errored;
}

static uint64_t sequence(const void *channel)
{
    return bundle_sequence(((const struct orderer_channel *)channel)->bundle);
}

/* What a worker needs: nothing of the loop's. */
struct snapshot {
    struct bundle *bundle;
    bool no_expiration_checks;
};

static void *snapshot(void *ctx, void *channel)
{
    const struct deliver_access *a = ctx;
    struct snapshot *s = weft_alloc(sizeof(*s));
    s->bundle = bundle_ref(((struct orderer_channel *)channel)->bundle);
    s->no_expiration_checks = a->no_expiration_checks;
    return s;
}

static void snapshot_free(void *p)
{
    struct snapshot *s = p;
    bundle_unref(s->bundle);
    free(s);
}

static enum weft_code access_of(void *p, struct bytes envelope, int64_t *ret_expires_ns,
                                struct weft_err *e)
{
    const struct snapshot *s = p;
    bool maintenance = bundle_orderer(s->bundle)->consensus_state == CONSENSUS_MAINTENANCE;
    const char *policy = maintenance ? "/Channel/Orderer/Readers" : "/Channel/Readers";
    struct weft_err why;
    struct msg_view m;
    msg_view_of(envelope, &m);
    struct signed_data d = msg_signed_data(&m);
    *ret_expires_ns =
        s->no_expiration_checks ? 0 : identity_expires_s(NULL, m.creator) * INT64_C(1000000000);
    enum weft_code rc = bundle_evaluate(s->bundle, policy, &d, 1, NULL, NULL, &why);
    if (rc == WEFT_OK)
        return rc;
    if (rc == WEFT_NOT_FOUND)
        return WEFT_FAIL(e, WEFT_FORBIDDEN, "could not find policy %s", policy);
    return WEFT_FAIL(e, WEFT_FORBIDDEN, "%.400s: permission denied", why.msg);
}

void deliver_access_init(struct deliver_access *a, struct orderer_channels *channels,
                         bool no_expiration_checks)
{
    *a = (struct deliver_access){
        .world = { .ctx = a,
                   .find = find,
                   .unref = unref,
                   .id = id_of,
                   .store = store_of,
                   .is_errored = is_errored,
                   .sequence = sequence,
                   .snapshot = snapshot,
                   .snapshot_free = snapshot_free,
                   .access = access_of },
        .channels = channels,
        .no_expiration_checks = no_expiration_checks,
    };
}
