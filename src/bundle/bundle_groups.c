/* The group Channel, and the groups that may lie in it. */
#include "bundle/bundle_private.h"

/* Values that have to be looked at before they mean anything. */
struct channel_texts {
    const char *hashing;
    uint64_t width;
};

static enum weft_code read_values(struct bundle *b, struct channel_texts *t, struct weft_err *e)
{
    static const char *const keys[] = { "HashingAlgorithm", "BlockDataHashingStructure",
                                        "OrdererAddresses", "Consortium", "Capabilities" };
    const struct config_item *g = b->root;
    WEFT_TRY(bundle_check_keys(g, keys, WEFT_ARRAY_LEN(keys), e));
    WEFT_TRY(bundle_text_value(b, bundle_value(g, "HashingAlgorithm"), "HashingAlgorithm",
                               &t->hashing, e));
    WEFT_TRY(bundle_number_value(bundle_value(g, "BlockDataHashingStructure"),
                                 "BlockDataHashingStructure", &t->width, e));
    WEFT_TRY(bundle_strings_value(b, bundle_value(g, "OrdererAddresses"), "OrdererAddresses",
                                  &b->channel.orderer_addresses, e));
    WEFT_TRY(bundle_text_value(b, bundle_value(g, "Consortium"), "Consortium",
                               &b->channel.consortium, e));
    return channel_capabilities_parse(bundle_value(g, "Capabilities"), &b->arena,
                                      &b->channel.capabilities, e);
}

static enum weft_code read_channel(struct bundle *b, struct weft_err *e)
{
    struct channel_texts t = { 0 };
    enum weft_code rc = read_values(b, &t, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "failed to deserialize values");
    if (strcmp(t.hashing, "SHA256") != 0 && strcmp(t.hashing, "SHA3_256") != 0)
        return WEFT_FAIL(e, WEFT_INVALID, "Unknown hashing algorithm type: %.100s", t.hashing);
    if ((uint32_t)t.width != UINT32_MAX)
        return WEFT_FAIL(
            e, WEFT_INVALID,
            "BlockDataHashStructure width only supported at MaxUint32 in this version");
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
        { "Consortiums", bundle_read_consortiums },
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
