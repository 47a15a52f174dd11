#include "base/log.h"
#include "bundle/bundle_private.h"
#include "channel/config_envelope.h"
#include "channel/config_group.h"
#include "channel/config_update.h"
#include "policy/policy_tree.h"
#include "proto/block.h"
#include "proto/envelope.h"

LOG_DEFINE(logger, "common.channelconfig");

/* ---- making ---------------------------------------------------------------------------------- */

/* Capabilities of the channel or the application need an orderer that knows of them. */
static enum weft_code check_orderer_first(const struct config_item *root, struct weft_err *e)
{
    struct bytes key = bytes_of_str("Capabilities");
    const struct config_item *orderer =
        config_group_find(root, CONFIG_ITEM_GROUP, bytes_of_str("Orderer"));
    const struct config_item *application =
        config_group_find(root, CONFIG_ITEM_GROUP, bytes_of_str("Application"));
    if (orderer == NULL || config_group_find(orderer, CONFIG_ITEM_VALUE, key) != NULL)
        return WEFT_OK;
    if (config_group_find(root, CONFIG_ITEM_VALUE, key) != NULL)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "cannot enable channel capabilities without orderer support first");
    if (application != NULL && config_group_find(application, CONFIG_ITEM_VALUE, key) != NULL)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "cannot enable application capabilities without orderer support first");
    return WEFT_OK;
}

static void make_manager(struct bundle *b)
{
    struct msp **all = weft_alloc((b->made_count + 1) * sizeof(struct msp *));
    for (size_t i = 0; i < b->made_count; i++)
        all[i] = b->made[i].msp;
    b->msps = msp_manager_new(all, b->made_count);
    free(all);
}

static enum weft_code check_names(const struct bundle *b, struct weft_err *e)
{
    enum weft_code rc = channel_id_check(bytes_of_str(b->channel_id), e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "bad channel ID");
    rc = config_names_check(b->root, e);
    return rc == WEFT_OK ? rc : weft_err_wrap(e, rc, "error converting config to map");
}

static enum weft_code make(struct bundle *b, struct weft_err *e)
{
    WEFT_TRY(config_group_parse(b->group_bytes, &b->arena, &b->root, e));
    WEFT_TRY(check_orderer_first(b->root, e));
    enum weft_code rc = bundle_read_groups(b, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "initializing channelconfig failed");
    make_manager(b);
    rc = policy_tree_build(b->root, &b->arena, &b->policies, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "initializing policymanager failed");
    rc = check_names(b, e);
    return rc == WEFT_OK ? rc : weft_err_wrap(e, rc, "initializing configtx manager failed");
}

enum weft_code bundle_new(const char *channel_id, uint64_t sequence, struct bytes channel_group,
                          struct bundle **ret, struct weft_err *e)
{
    WEFT_CLEANUP(bundle_unref) struct bundle *b = weft_alloc(sizeof(*b));
    atomic_init(&b->refs, 1);
    if (channel_group.data == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "config must contain a channel group");
    uint8_t *bytes = arena_alloc(&b->arena, channel_group.len + 1);
    if (channel_group.len > 0)
        memcpy(bytes, channel_group.data, channel_group.len);
    b->group_bytes = bytes_of(bytes, channel_group.len);
    b->channel_id = arena_dup_str(&b->arena, bytes_of_str(channel_id));
    b->sequence = sequence;
    WEFT_TRY(make(b, e));
    *ret = WEFT_TAKE(b);
    return WEFT_OK;
}

enum weft_code bundle_of_envelope(struct bytes envelope, struct bundle **ret, struct weft_err *e)
{
    struct envelope_view outer = { 0 };
    struct payload_view payload = { 0 };
    struct channel_header_view channel = { 0 };
    struct config_envelope_view v = { 0 };
    enum weft_code rc = envelope_parse(envelope, &outer, e);
    if (rc == WEFT_OK)
        rc = payload_parse(outer.payload, &payload, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "failed to unmarshal payload from envelope");
    rc = config_envelope_parse(payload.data, &v, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "failed to unmarshal config envelope from payload");
    if (!payload.has_header)
        return WEFT_FAIL(e, WEFT_INVALID, "envelope header cannot be nil");
    rc = channel_header_parse(payload.channel_header, &channel, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "failed to unmarshal channel header");
    if (!v.has_config)
        return WEFT_FAIL(e, WEFT_INVALID, "channelconfig Config cannot be nil");
    WEFT_FREE char *channel_id = bytes_dup_str(channel.channel_id);
    if (strlen(channel_id) != channel.channel_id.len)
        return WEFT_FAIL(e, WEFT_INVALID, "bad channel ID: '%s' contains illegal characters",
                         channel_id);
    return bundle_new(channel_id, v.sequence, v.channel_group, ret, e);
}

enum weft_code bundle_of_block(const struct block_view *v, struct bundle **ret, struct weft_err *e)
{
    struct config_envelope_view unused;
    WEFT_TRY(config_envelope_of_block(v, &unused, e));
    return bundle_of_envelope(v->txs.at[0], ret, e);
}

struct bundle *bundle_ref(struct bundle *b)
{
    (void)atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

void bundle_unref(struct bundle *b)
{
    if (b == NULL || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < b->made_count; i++)
        msp_unref(b->made[i].msp);
    free(b->made);
    msp_manager_unref(b->msps);
    arena_done(&b->arena);
    free(b);
}

/* ---- looking --------------------------------------------------------------------------------- */

const char *bundle_channel_id(const struct bundle *b)
{
    return b->channel_id;
}

uint64_t bundle_sequence(const struct bundle *b)
{
    return b->sequence;
}

const struct config_item *bundle_group(const struct bundle *b)
{
    return b->root;
}

struct bytes bundle_group_bytes(const struct bundle *b)
{
    return b->group_bytes;
}

struct msp_manager *bundle_msps(const struct bundle *b)
{
    return b->msps;
}

const struct policy_tree *bundle_policies(const struct bundle *b)
{
    return b->policies;
}

const struct bundle_channel *bundle_channel(const struct bundle *b)
{
    return &b->channel;
}

const struct bundle_orderer *bundle_orderer(const struct bundle *b)
{
    return b->orderer;
}

const struct bundle_application *bundle_application(const struct bundle *b)
{
    return b->application;
}

const struct bundle_consortiums *bundle_consortiums(const struct bundle *b)
{
    return b->consortiums;
}

static enum weft_code check_level(const char *level, const char *unsupported, struct weft_err *e)
{
    if (unsupported == NULL)
        return WEFT_OK;
    return WEFT_FAIL(e, WEFT_INVALID, "%s capability %s is required but not supported", level,
                     unsupported);
}

enum weft_code bundle_check_supported_by_orderer(const struct bundle *b, struct weft_err *e)
{
    if (b->orderer != NULL)
        WEFT_TRY(check_level("Orderer", b->orderer->capabilities.unsupported, e));
    return check_level("Channel", b->channel.capabilities.unsupported, e);
}

enum weft_code bundle_check_supported_by_peer(const struct bundle *b, struct weft_err *e)
{
    WEFT_TRY(check_level("Channel", b->channel.capabilities.unsupported, e));
    return b->application == NULL
               ? WEFT_OK
               : check_level("Application", b->application->capabilities.unsupported, e);
}

enum weft_code bundle_check_supported(const struct bundle *b, struct weft_err *e)
{
    WEFT_TRY(bundle_check_supported_by_orderer(b, e));
    if (b->application != NULL)
        WEFT_TRY(check_level("Application", b->application->capabilities.unsupported, e));
    return WEFT_OK;
}

static void warn_without(const struct bundle *b, const char *const *paths, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!policy_tree_has(b->policies, paths[i]))
            LOG_WARN(&logger,
                     "Current configuration has no policy '%s', this will likely cause problems "
                     "in production systems",
                     paths[i]);
}

void bundle_log_sanity(const struct bundle *b)
{
    static const char *const channel[] = { "/Channel/Readers", "/Channel/Writers" };
    static const char *const application[] = { "/Channel/Application/Readers",
                                               "/Channel/Application/Writers",
                                               "/Channel/Application/Admins" };
    static const char *const orderer[] = { "/Channel/Orderer/BlockValidation",
                                           "/Channel/Orderer/Admins", "/Channel/Orderer/Writers",
                                           "/Channel/Orderer/Readers" };
    warn_without(b, channel, WEFT_ARRAY_LEN(channel));
    if (b->application != NULL)
        warn_without(b, application, WEFT_ARRAY_LEN(application));
    if (b->orderer != NULL)
        warn_without(b, orderer, WEFT_ARRAY_LEN(orderer));
}

/* ---- evaluating ------------------------------------------------------------------------------ */

enum weft_code bundle_evaluate(const struct bundle *b, const char *path,
                               const struct signed_data *signed_data, size_t count,
                               struct identity_cache *cache, struct key_tables *tables,
                               struct weft_err *e)
{
    WEFT_CLEANUP(signed_set_free) struct signed_set *set = signed_set_new();
    WEFT_CLEANUP(signature_batch_free) struct signature_batch *batch = signature_batch_new(tables);
    WEFT_CLEANUP(identity_cache_free)
    struct identity_cache *own = cache == NULL ? identity_cache_new(b->msps, count + 1) : NULL;
    for (size_t i = 0; i < count; i++)
        signed_set_add(set, cache != NULL ? cache : own, &signed_data[i], batch);
    signature_batch_check(batch);
    struct policy_signers signers = signed_set_signers(set);
    return policy_tree_evaluate(b->policies, path, &signers, e);
}
