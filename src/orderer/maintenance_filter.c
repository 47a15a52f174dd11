#include "orderer/maintenance_filter.h"

#include "base/log.h"
#include "channel/config_envelope.h"
#include "channel/config_group.h"
#include "channel/config_update.h"
#include "orderer/etcdraft_metadata.h"

LOG_DEFINE(logger, "orderer.common.msgprocessor");

static const char *state_name(enum consensus_state state)
{
    return state == CONSENSUS_NORMAL ? "STATE_NORMAL" : "STATE_MAINTENANCE";
}

/* ---- what an update touches -------------------------------------------------------------- */

static const struct config_item *only_of(const struct config_item *group,
                                         enum config_item_kind kind, size_t *ret_count)
{
    const struct config_item *one = NULL;
    *ret_count = 0;
    for (size_t i = 0; i < group->count; i++)
        if (group->members[i]->kind == kind) {
            one = group->members[i];
            ++*ret_count;
        }
    return one;
}

static enum weft_code check_orderer_group(const struct config_item *orderer, struct weft_err *e)
{
    size_t groups, values;
    (void)only_of(orderer, CONFIG_ITEM_GROUP, &groups);
    (void)only_of(orderer, CONFIG_ITEM_VALUE, &values);
    if (groups > 0)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "config update contains changes to groups within the Orderer group");
    if (config_group_find(orderer, CONFIG_ITEM_VALUE, bytes_of_str("ConsensusType")) == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "config update does not contain the ConsensusType value");
    if (values > 1)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "config update contain more then just the ConsensusType value in the "
                         "Orderer group");
    return WEFT_OK;
}

static enum weft_code check_consensus_type_only(struct bytes update_envelope, struct weft_err *e)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    struct config_update_envelope_view v = { 0 };
    struct config_update_view u = { 0 };
    size_t groups = 0, values = 0;
    enum weft_code rc = config_update_envelope_parse(update_envelope, &v, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "envelope to config update unmarshaling error");
    rc = config_update_parse(v.config_update, &arena, &u, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "config update unmarshaling error");
    if (u.write_set != NULL) {
        (void)only_of(u.write_set, CONFIG_ITEM_GROUP, &groups);
        (void)only_of(u.write_set, CONFIG_ITEM_VALUE, &values);
    }
    if (groups == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "config update contains no changes");
    if (values > 0)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "config update contains changes to values in group Channel");
    if (groups > 1)
        return WEFT_FAIL(e, WEFT_INVALID, "config update contains changes to more than one group");
    const struct config_item *orderer =
        config_group_find(u.write_set, CONFIG_ITEM_GROUP, bytes_of_str("Orderer"));
    if (orderer == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "update does not contain the Orderer group");
    return check_orderer_group(orderer, e);
}

/* ---- the rules --------------------------------------------------------------------------------- */

static enum weft_code check_without_capability(const struct bundle_orderer *now,
                                               const struct bundle_orderer *next,
                                               struct weft_err *e)
{
    if (next->consensus_state != CONSENSUS_NORMAL)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "next config attempted to change ConsensusType.State to %s, but "
                         "capability is disabled",
                         state_name(next->consensus_state));
    if (strcmp(now->consensus_type, next->consensus_type) != 0)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "next config attempted to change ConsensusType.Type from %s to %s, but "
                         "capability is disabled",
                         now->consensus_type, next->consensus_type);
    return WEFT_OK;
}

static enum weft_code check_state_change(const struct bundle_orderer *now,
                                         const struct bundle_orderer *next,
                                         struct bytes update_envelope, struct weft_err *e)
{
    const char *from = state_name(now->consensus_state), *to = state_name(next->consensus_state);
    WEFT_TRY(check_consensus_type_only(update_envelope, e));
    if (strcmp(now->consensus_type, next->consensus_type) != 0)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "attempted to change ConsensusType.Type from %s to %s, but "
                         "ConsensusType.State is changing from %s to %s",
                         now->consensus_type, next->consensus_type, from, to);
    if (!bytes_eq(now->consensus_metadata, next->consensus_metadata))
        return WEFT_FAIL(e, WEFT_INVALID,
                         "attempted to change ConsensusType.Metadata, but ConsensusType.State is "
                         "changing from %s to %s",
                         from, to);
    return WEFT_OK;
}

static enum weft_code check_type_change(const struct bundle_orderer *now,
                                        const struct bundle_orderer *next, struct weft_err *e)
{
    static const char *const permitted[] = { "etcdraft", "solo", "kafka" };
    WEFT_FREE char *attempt = weft_asprintf("attempted to change consensus type from %s to %s",
                                            now->consensus_type, next->consensus_type);
    bool found = false;
    if (now->consensus_state == CONSENSUS_NORMAL)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "%s, but current config ConsensusType.State is not in maintenance mode",
                         attempt);
    if (next->consensus_state == CONSENSUS_NORMAL)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "%s, but next config ConsensusType.State is not in maintenance mode",
                         attempt);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(permitted); i++)
        found = found || strcmp(permitted[i], next->consensus_type) == 0;
    if (!found)
        return WEFT_FAIL(e, WEFT_INVALID, "%s, transition not supported", attempt);
    if (strcmp(next->consensus_type, "etcdraft") == 0) {
        WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
        struct etcdraft_config metadata;
        enum weft_code rc = etcdraft_config_parse(next->consensus_metadata, &arena, &metadata, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, WEFT_INVALID,
                                 "failed to unmarshal etcdraft metadata configuration");
    }
    return WEFT_OK;
}

enum weft_code maintenance_filter(const struct bundle *now, const struct bundle *next,
                                  struct bytes update_envelope, struct weft_err *e)
{
    const struct bundle_orderer *a = bundle_orderer(now), *b = bundle_orderer(next);
    const char *channel = bundle_channel_id(now);
    if (b == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "next config is missing orderer group");
    if (!a->capabilities.consensus_type_migration)
        return check_without_capability(a, b, e);
    if (a->consensus_state != b->consensus_state)
        WEFT_TRY(check_state_change(a, b, update_envelope, e));
    if (strcmp(a->consensus_type, b->consensus_type) != 0) {
        WEFT_TRY(check_type_change(a, b, e));
        LOG_INFO(&logger, "[channel: %s] consensus-type migration: about to change from %s to %s",
                 channel, a->consensus_type, b->consensus_type);
    }
    if (a->consensus_state != b->consensus_state)
        LOG_INFO(
            &logger,
            "[channel: %s] maintenance mode: ConsensusType.State about to change from %s to %s",
            channel, state_name(a->consensus_state), state_name(b->consensus_state));
    return WEFT_OK;
}
