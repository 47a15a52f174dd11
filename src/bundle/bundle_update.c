#include "bundle/bundle_private.h"
#include "channel/config_envelope.h"
#include "channel/config_group.h"
#include "channel/config_update.h"
#include "policy/policy_tree.h"
#include "proto/envelope.h"
#include "proto/wire.h"

#include <inttypes.h>

/* ---- whose signatures an update bears -------------------------------------------------------- */

/* Everything that one update needs while it is looked at. */
struct update {
    const struct bundle *now;
    struct arena arena;
    struct config_update_envelope_view envelope;
    struct signed_set *set;
    struct policy_signers signers;
};

static void update_done(struct update *u)
{
    signed_set_free(u->set);
    arena_done(&u->arena);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct update, update_done)

/* Signed are the signature's header and the update, one after the other. */
static enum weft_code add_signature(struct update *u, const struct config_signature_view *s,
                                    struct identity_cache *cache, struct signature_batch *batch,
                                    struct weft_err *e)
{
    struct signature_header_view header = { 0 };
    struct bytes update = u->envelope.config_update;
    enum weft_code rc = signature_header_parse(s->header, &header, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error getting signed data");
    uint8_t *data = arena_alloc(&u->arena, s->header.len + update.len + 1);
    if (s->header.len > 0)
        memcpy(data, s->header.data, s->header.len);
    if (update.len > 0)
        memcpy(data + s->header.len, update.data, update.len);
    const struct signed_data one = { .data = bytes_of(data, s->header.len + update.len),
                                     .identity = header.creator,
                                     .signature = s->signature };
    signed_set_add(u->set, cache, &one, batch);
    return WEFT_OK;
}

static enum weft_code check_signatures(struct update *u, struct weft_err *e)
{
    struct config_update_envelope_view rest = u->envelope;
    struct config_signature_view s;
    WEFT_CLEANUP(signature_batch_free) struct signature_batch *batch = signature_batch_new(NULL);
    WEFT_CLEANUP(identity_cache_free)
    struct identity_cache *cache = identity_cache_new(u->now->msps, 1);
    u->set = signed_set_new();
    while (config_signature_next(&rest, &s))
        WEFT_TRY(add_signature(u, &s, cache, batch, e));
    signature_batch_check(batch);
    u->signers = signed_set_signers(u->set);
    return WEFT_OK;
}

static enum weft_code satisfied(void *ctx, const char *path, struct weft_err *e)
{
    struct update *u = ctx;
    return policy_tree_evaluate(u->now->policies, path, &u->signers, e);
}

/* ---- from one configuration to the next ---------------------------------------------------------- */

/* The group that the update makes of the present one; it lives in u's arena. */
static enum weft_code apply(struct update *u, const struct config_item **ret, struct weft_err *e)
{
    struct config_update_view view = { 0 };
    const struct config_update_policies policies = { u, satisfied };
    WEFT_TRY(config_update_parse(u->envelope.config_update, &u->arena, &view, e));
    WEFT_TRY(check_signatures(u, e));
    return config_update_apply(u->now->root, u->now->channel_id, &view, &policies, &u->arena, ret,
                               e);
}

enum weft_code bundle_propose(const struct bundle *now, struct bytes update_envelope,
                              struct buf *ret_config_envelope, struct weft_err *e)
{
    WEFT_CLEANUP(update_done) struct update u = { .now = now };
    WEFT_CLEANUP(buf_done) struct buf group = { 0 };
    WEFT_CLEANUP(buf_done) struct buf config = { 0 };
    const struct config_item *root = NULL;
    enum weft_code rc = config_update_envelope_parse(update_envelope, &u.envelope, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error converting envelope to config update");
    rc = apply(&u, &root, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error authorizing update");
    config_group_encode(root, &group);
    wire_put_varint(&config, 1, now->sequence + 1);
    wire_put_bytes(&config, 2, buf_bytes(&group));
    wire_put_bytes(ret_config_envelope, 1, buf_bytes(&config));
    wire_put_bytes(ret_config_envelope, 2, update_envelope);
    return WEFT_OK;
}

enum weft_code bundle_validate(const struct bundle *now, struct bytes config_envelope,
                               struct weft_err *e)
{
    WEFT_CLEANUP(update_done) struct update u = { .now = now };
    struct config_envelope_view v = { 0 };
    const struct config_item *made = NULL, *given = NULL;
    WEFT_TRY(config_envelope_parse(config_envelope, &v, e));
    if (!v.has_config)
        return WEFT_FAIL(e, WEFT_INVALID, "config envelope has nil config");
    if (v.sequence != now->sequence + 1)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "config currently at sequence %" PRIu64
                         ", cannot validate config at sequence %" PRIu64,
                         now->sequence, v.sequence);
    WEFT_TRY(config_update_envelope_parse(v.last_update, &u.envelope, e));
    WEFT_TRY(apply(&u, &made, e));
    WEFT_TRY(config_group_parse(v.channel_group, &u.arena, &given, e));
    if (!config_group_eq(made, given))
        return WEFT_FAIL(e, WEFT_INVALID,
                         "ConfigEnvelope LastUpdate did not produce the supplied config result");
    return WEFT_OK;
}

/* ---- ValidateNew --------------------------------------------------------------------------------- */

/* An organisation that keeps its group's name keeps its MSP. */
static enum weft_code check_orgs(const char *what, const struct bundle_org *now, size_t now_count,
                                 const struct bundle_org *next, size_t next_count,
                                 struct weft_err *e)
{
    for (size_t i = 0; i < now_count; i++)
        for (size_t k = 0; k < next_count; k++)
            if (strcmp(now[i].name, next[k].name) == 0 && strcmp(now[i].mspid, next[k].mspid) != 0)
                return WEFT_FAIL(e, WEFT_INVALID,
                                 "%s org %s attempted to change MSP ID from %s to %s", what,
                                 now[i].name, now[i].mspid, next[k].mspid);
    return WEFT_OK;
}

static enum weft_code check_orderer(const struct bundle *now, const struct bundle *next,
                                    struct weft_err *e)
{
    const struct bundle_orderer *a = now->orderer, *b = next->orderer;
    if (a == NULL)
        return WEFT_OK;
    if (b == NULL)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "current config has orderer section, but new config does not");
    if (!now->channel.capabilities.consensus_type_migration &&
        strcmp(a->consensus_type, b->consensus_type) != 0)
        return WEFT_FAIL(e, WEFT_INVALID, "attempted to change consensus type from %s to %s",
                         a->consensus_type, b->consensus_type);
    return check_orgs("orderer", a->orgs, a->org_count, b->orgs, b->org_count, e);
}

static enum weft_code check_consortium(const struct bundle_consortium *now,
                                       const struct bundle_consortiums *next, struct weft_err *e)
{
    WEFT_FREE char *what = weft_asprintf("consortium %s", now->name);
    for (size_t i = 0; i < next->count; i++)
        if (strcmp(next->at[i].name, now->name) == 0)
            return check_orgs(what, now->orgs, now->org_count, next->at[i].orgs,
                              next->at[i].org_count, e);
    return WEFT_OK;
}

static enum weft_code check_consortiums(const struct bundle_consortiums *now,
                                        const struct bundle_consortiums *next, struct weft_err *e)
{
    if (now == NULL && next != NULL)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "current config has no consortiums section, but new config does");
    if (now != NULL && next == NULL)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "current config has consortiums section, but new config does not");
    for (size_t i = 0; now != NULL && i < now->count; i++)
        WEFT_TRY(check_consortium(&now->at[i], next, e));
    return WEFT_OK;
}

enum weft_code bundle_check_next(const struct bundle *now, const struct bundle *next,
                                 struct weft_err *e)
{
    const struct bundle_application *a = now->application, *b = next->application;
    WEFT_TRY(check_orderer(now, next, e));
    if (a != NULL && b == NULL)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "current config has application section, but new config does not");
    if (a != NULL)
        WEFT_TRY(check_orgs("application", a->orgs, a->org_count, b->orgs, b->org_count, e));
    return check_consortiums(now->consortiums, next->consortiums, e);
}
