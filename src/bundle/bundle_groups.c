#include "bundle/bundle_private.h"
#include "channel/config_group.h"
#include "msp/msp_config.h"
#include "proto/wire.h"

#include <inttypes.h>

/* ---- what groups have in common ------------------------------------------------------------ */

struct bytes bundle_value(const struct config_item *group, const char *name)
{
    const struct config_item *item =
        config_group_find(group, CONFIG_ITEM_VALUE, bytes_of_str(name));
    return item != NULL ? item->value : bytes_of(NULL, 0);
}

enum weft_code bundle_check_values(const struct config_item *group, const char *const *known,
                                   size_t count, struct weft_err *e)
{
    for (size_t i = 0; i < group->count; i++) {
        const struct config_item *item = group->members[i];
        bool found = item->kind != CONFIG_ITEM_VALUE;
        for (size_t k = 0; k < count && !found; k++)
            found = bytes_eq(item->name, bytes_of_str(known[k]));
        if (!found)
            return WEFT_FAIL(e, WEFT_INVALID, "failed to deserialize values: Unexpected key %.*s",
                             (int)item->name.len, (const char *)item->name.data);
    }
    return WEFT_OK;
}

size_t bundle_count_groups(const struct config_item *group)
{
    size_t n = 0;
    for (size_t i = 0; i < group->count; i++)
        n += group->members[i]->kind == CONFIG_ITEM_GROUP ? 1 : 0;
    return n;
}

enum weft_code bundle_read_strings(struct bundle *b, struct bytes message, const char *type,
                                   struct bundle_strings *ret, struct weft_err *e)
{
    struct wire w = wire_of(message);
    struct wire_field f;
    size_t n = 0;
    while (wire_next(&w, &f)) {
        if (!wire_is(&f, 1, WIRE_LEN))
            continue;
        if (!wire_utf8(f.bytes))
            break;
        n++;
    }
    if (w.bad || w.rest.len > 0)
        return WEFT_FAIL(e, WEFT_INVALID, "failed to deserialize values: error unmarshalling %s",
                         type);
    const char **at = arena_alloc(&b->arena, (n + 1) * sizeof(*at));
    *ret = (struct bundle_strings){ at, 0 };
    for (w = wire_of(message); wire_next(&w, &f);)
        if (wire_is(&f, 1, WIRE_LEN))
            at[ret->count++] = arena_dup_str(&b->arena, f.bytes);
    return WEFT_OK;
}

/* ---- MSPs ------------------------------------------------------------------------------------- */

/* One MSP may stand in several groups: in the same form. */
static enum weft_code make_msp(struct bundle *b, struct bytes config, struct msp **ret,
                               struct weft_err *e)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    WEFT_CLEANUP(msp_unref) struct msp *msp = NULL;
    struct msp_config parsed;
    for (size_t i = 0; i < b->made_count; i++)
        if (bytes_eq(b->made[i].config, config)) {
            *ret = b->made[i].msp;
            return WEFT_OK;
        }
    WEFT_TRY(msp_config_parse(config, &arena, &parsed, e));
    if (parsed.type != MSP_TYPE_FABRIC && parsed.type != MSP_TYPE_IDEMIX)
        return WEFT_FAIL(e, WEFT_INVALID, "Setup error: unsupported msp type %" PRId32,
                         parsed.type);
    struct msp_options options = { .version = b->channel.capabilities.msp_version };
    enum weft_code rc = msp_new(&parsed, &options, &msp, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "setting up the MSP manager failed");
    for (size_t i = 0; i < b->made_count; i++)
        if (bytes_eq(msp_name(b->made[i].msp), msp_name(msp)))
            return WEFT_FAIL(e, WEFT_INVALID,
                             "Attempted to define two different versions of MSP: %.*s",
                             (int)msp_name(msp).len, (const char *)msp_name(msp).data);
    if (b->made_count == b->made_cap) {
        b->made_cap = b->made_cap > 0 ? 2 * b->made_cap : 8;
        b->made = weft_realloc(b->made, b->made_cap * sizeof(*b->made));
    }
    *ret = msp;
    b->made[b->made_count++] = (struct bundle_msp){ config, WEFT_TAKE(msp) };
    return WEFT_OK;
}

enum weft_code bundle_read_org(struct bundle *b, const struct config_item *group,
                               struct bundle_org *ret, struct weft_err *e)
{
    *ret = (struct bundle_org){ .name = arena_dup_str(&b->arena, group->name) };
    WEFT_TRY(make_msp(b, bundle_value(group, "MSP"), &ret->msp, e));
    ret->mspid = arena_dup_str(&b->arena, msp_name(ret->msp));
    if (ret->mspid[0] == '\0')
        return WEFT_FAIL(e, WEFT_INVALID, "MSP for org %s has empty MSP ID", ret->name);
    return WEFT_OK;
}

/* ---- Consortiums ------------------------------------------------------------------------------ */

static enum weft_code read_consortium(struct bundle *b, const struct config_item *group,
                                      struct bundle_consortium *ret, struct weft_err *e)
{
    static const char *const known[] = { "ChannelCreationPolicy" };
    static const char *const org_known[] = { "MSP" };
    struct bundle_org *orgs =
        arena_alloc(&b->arena, (bundle_count_groups(group) + 1) * sizeof(*orgs));
    *ret = (struct bundle_consortium){ .name = arena_dup_str(&b->arena, group->name),
                                       .creation_policy = bundle_value(group, known[0]),
                                       .orgs = orgs };
    WEFT_TRY(bundle_check_values(group, known, WEFT_ARRAY_LEN(known), e));
    for (size_t i = 0; i < group->count; i++) {
        const struct config_item *org = group->members[i];
        if (org->kind != CONFIG_ITEM_GROUP)
            continue;
        if (bundle_count_groups(org) > 0)
            return WEFT_FAIL(e, WEFT_INVALID, "organizations do not support sub-groups");
        WEFT_TRY(bundle_check_values(org, org_known, WEFT_ARRAY_LEN(org_known), e));
        WEFT_TRY(bundle_read_org(b, org, &orgs[ret->org_count++], e));
    }
    return WEFT_OK;
}

static enum weft_code read_consortiums(struct bundle *b, const struct config_item *group,
                                       struct weft_err *e)
{
    struct bundle_consortiums *c = arena_alloc(&b->arena, sizeof(*c));
    struct bundle_consortium *at =
        arena_alloc(&b->arena, (bundle_count_groups(group) + 1) * sizeof(*at));
    c->at = at;
    for (size_t i = 0; i < group->count; i++)
        if (group->members[i]->kind == CONFIG_ITEM_GROUP)
            WEFT_TRY(read_consortium(b, group->members[i], &at[c->count++], e));
    b->consortiums = c;
    return WEFT_OK;
}

/* ---- Channel ------------------------------------------------------------------------------------ */

/* Field 1 of a message that has a text or a number there. */
static enum weft_code read_first(struct bytes message, const char *type, struct bytes *ret_text,
                                 uint64_t *ret_number, struct weft_err *e)
{
    struct wire w = wire_of(message);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (ret_text != NULL && wire_is(&f, 1, WIRE_LEN))
            *ret_text = f.bytes;
        else if (ret_number != NULL && wire_is(&f, 1, WIRE_VARINT))
            *ret_number = f.varint;
    }
    if (w.bad || (ret_text != NULL && !wire_utf8(*ret_text)))
        return WEFT_FAIL(e, WEFT_INVALID, "failed to deserialize values: error unmarshalling %s",
                         type);
    return WEFT_OK;
}

static enum weft_code check_hashing(const struct bundle *b, struct weft_err *e)
{
    struct bytes name = { 0 };
    uint64_t width = 0;
    WEFT_TRY(
        read_first(bundle_value(b->root, "HashingAlgorithm"), "HashingAlgorithm", &name, NULL, e));
    WEFT_TRY(read_first(bundle_value(b->root, "BlockDataHashingStructure"),
                        "BlockDataHashingStructure", NULL, &width, e));
    if (!bytes_eq(name, bytes_of_str("SHA256")) && !bytes_eq(name, bytes_of_str("SHA3_256")))
        return WEFT_FAIL(e, WEFT_INVALID, "Unknown hashing algorithm type: %.*s",
                         name.len < 100 ? (int)name.len : 100, (const char *)name.data);
    if ((uint32_t)width != UINT32_MAX)
        return WEFT_FAIL(
            e, WEFT_INVALID,
            "BlockDataHashStructure width only supported at MaxUint32 in this version");
    return WEFT_OK;
}

static enum weft_code read_channel(struct bundle *b, struct weft_err *e)
{
    static const char *const known[] = { "HashingAlgorithm", "BlockDataHashingStructure",
                                         "OrdererAddresses", "Consortium", "Capabilities" };
    struct bytes consortium = { 0 };
    WEFT_TRY(bundle_check_values(b->root, known, WEFT_ARRAY_LEN(known), e));
    WEFT_TRY(channel_capabilities_parse(bundle_value(b->root, "Capabilities"), &b->arena,
                                        &b->channel.capabilities, e));
    WEFT_TRY(bundle_read_strings(b, bundle_value(b->root, "OrdererAddresses"), "OrdererAddresses",
                                 &b->channel.orderer_addresses, e));
    WEFT_TRY(read_first(bundle_value(b->root, "Consortium"), "Consortium", &consortium, NULL, e));
    b->channel.consortium = arena_dup_str(&b->arena, consortium);
    WEFT_TRY(check_hashing(b, e));
    if (!b->channel.capabilities.org_specific_orderer_endpoints &&
        b->channel.orderer_addresses.count == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "Must set some OrdererAddresses");
    return WEFT_OK;
}

enum weft_code bundle_read_groups(struct bundle *b, struct weft_err *e)
{
    static const struct {
        const char *name;
        enum weft_code (*read)(struct bundle *b, const struct config_item *group,
                               struct weft_err *e);
    } groups[] = {
        { "Application", bundle_read_application },
        { "Orderer", bundle_read_orderer },
        { "Consortiums", read_consortiums },
    };
    WEFT_TRY(read_channel(b, e));
    for (size_t i = 0; i < b->root->count; i++) {
        const struct config_item *group = b->root->members[i];
        size_t k = 0;
        if (group->kind != CONFIG_ITEM_GROUP)
            continue;
        while (k < WEFT_ARRAY_LEN(groups) && !bytes_eq(group->name, bytes_of_str(groups[k].name)))
            k++;
        if (k == WEFT_ARRAY_LEN(groups))
            return WEFT_FAIL(e, WEFT_INVALID, "Disallowed channel group: %.*s",
                             (int)group->name.len, (const char *)group->name.data);
        enum weft_code rc = groups[k].read(b, group, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "could not create channel %s sub-group config",
                                 groups[k].name);
    }
    return WEFT_OK;
}
