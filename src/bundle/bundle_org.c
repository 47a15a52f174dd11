/* Organisations and their MSPs. */
#include "bundle/bundle_private.h"
#include "proto/wire.h"

/* ---- MSPs ------------------------------------------------------------------------------ */

/* MSPConfig { 1 type, 2 config }: what two of one name must agree in. */
struct msp_value {
    int32_t type;
    struct bytes config;
};

static bool read_msp_value(struct bytes b, struct msp_value *ret)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    *ret = (struct msp_value){ 0 };
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_VARINT))
            ret->type = (int32_t)(uint32_t)f.varint;
        else if (wire_is(&f, 2, WIRE_LEN))
            ret->config = f.bytes;
    }
    return !w.bad;
}

static bool same_msp(struct bytes a, struct bytes b)
{
    struct msp_value x, y;
    return bytes_eq(a, b) || (read_msp_value(a, &x) && read_msp_value(b, &y) && x.type == y.type &&
                              bytes_eq(x.config, y.config));
}

static void keep_msp(struct bundle *b, struct msp *msp, struct bytes value)
{
    if (b->made_count == b->made_cap) {
        b->made_cap = b->made_cap > 0 ? 2 * b->made_cap : 8;
        b->made = weft_realloc(b->made, b->made_cap * sizeof(*b->made));
    }
    b->made[b->made_count++] = (struct bundle_msp){ msp_ref(msp), value };
}

/* An organisation may stand in several groups: its MSP is set up once. */
static enum weft_code propose_msp(struct bundle *b, struct bytes value, struct msp **ret,
                                  struct weft_err *e)
{
    for (size_t i = 0; i < b->made_count; i++) {
        if (same_msp(b->made[i].value, value)) {
            *ret = msp_ref(b->made[i].msp);
            return WEFT_OK;
        }
    }
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    WEFT_CLEANUP(msp_unref) struct msp *msp = NULL;
    struct msp_config config;
    enum weft_code rc = msp_config_parse(value, &arena, &config, e);
    if (rc == WEFT_OK && config.type != MSP_TYPE_FABRIC)
        return WEFT_FAIL(e, WEFT_INVALID, "Setup error: unsupported msp type %d", (int)config.type);
    if (rc == WEFT_OK && config.name.len > 0 && memchr(config.name.data, 0, config.name.len))
        rc = WEFT_FAIL(e, WEFT_INVALID, "an MSP's name holds a zero byte");
    if (rc == WEFT_OK)
        rc = msp_new(&config,
                     &(struct msp_options){ .version = b->channel.capabilities.msp_version }, &msp,
                     e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "setting up the MSP manager failed");
    for (size_t i = 0; i < b->made_count; i++)
        if (bytes_eq(msp_name(b->made[i].msp), msp_name(msp)))
            return WEFT_FAIL(e, WEFT_INVALID,
                             "Attempted to define two different versions of MSP: %.*s",
                             (int)msp_name(msp).len, (const char *)msp_name(msp).data);
    keep_msp(b, msp, value);
    *ret = WEFT_TAKE(msp);
    return WEFT_OK;
}

/* ---- one organisation -------------------------------------------------------------------- */

struct org_rules {
    const char *sub_groups; /* the words when there are some */
    const char *keys[2];
    size_t key_count;
};

static const struct org_rules rules[] = {
    [ORG_ORDERER] = { "OrdererOrg config does not allow sub-groups", { "MSP", "Endpoints" }, 2 },
    [ORG_APPLICATION] = { "ApplicationOrg config does not allow sub-groups",
                          { "MSP", "AnchorPeers" },
                          2 },
    [ORG_CONSORTIUM] = { "organizations do not support sub-groups", { "MSP" }, 1 },
};

/* AnchorPeer { 1 host, 2 port } */
static enum weft_code read_anchor(struct bundle *b, struct bytes message, struct bundle_anchor *ret,
                                  struct weft_err *e)
{
    struct wire w = wire_of(message);
    struct wire_field f;
    struct bytes host = { 0 };
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            host = f.bytes;
        else if (wire_is(&f, 2, WIRE_VARINT))
            ret->port = (int32_t)(uint32_t)f.varint;
    }
    if (w.bad)
        return WEFT_FAIL(e, WEFT_INVALID, "error unmarshalling AnchorPeers");
    return bundle_text(b, host, "AnchorPeers", &ret->host, e);
}

static enum weft_code read_anchors(struct bundle *b, struct bytes message, struct bundle_org *org,
                                   struct weft_err *e)
{
    struct wire w = wire_of(message);
    struct wire_field f;
    size_t count = 0, n = 0;
    while (wire_next(&w, &f))
        count += wire_is(&f, 1, WIRE_LEN) ? 1 : 0;
    if (w.bad)
        return WEFT_FAIL(e, WEFT_INVALID, "error unmarshalling AnchorPeers");
    struct bundle_anchor *at = arena_alloc(&b->arena, (count + 1) * sizeof(*at));
    w = wire_of(message);
    while (wire_next(&w, &f))
        if (wire_is(&f, 1, WIRE_LEN))
            WEFT_TRY(read_anchor(b, f.bytes, &at[n++], e));
    org->anchors = at;
    org->anchor_count = count;
    return WEFT_OK;
}

static enum weft_code read_values(struct bundle *b, const struct config_item *group,
                                  enum org_kind kind, struct bundle_org *org, struct weft_err *e)
{
    struct msp_value unused;
    WEFT_TRY(bundle_check_keys(group, rules[kind].keys, rules[kind].key_count, e));
    if (!read_msp_value(bundle_value(group, "MSP"), &unused))
        return WEFT_FAIL(e, WEFT_INVALID, "error unmarshalling MSPConfig");
    if (kind == ORG_ORDERER)
        WEFT_TRY(bundle_strings_value(b, bundle_value(group, "Endpoints"), "OrdererAddresses",
                                      &org->endpoints, e));
    if (kind == ORG_APPLICATION)
        WEFT_TRY(read_anchors(b, bundle_value(group, "AnchorPeers"), org, e));
    return WEFT_OK;
}

static enum weft_code read_org(struct bundle *b, const struct config_item *group,
                               enum org_kind kind, struct bundle_org *org, struct weft_err *e)
{
    org->name = arena_dup_str(&b->arena, group->name);
    if (bundle_group_count(group) > 0)
        return WEFT_FAIL(e, WEFT_INVALID, "%s", rules[kind].sub_groups);
    if (kind == ORG_ORDERER && !b->channel.capabilities.org_specific_orderer_endpoints &&
        bundle_has_value(group, "Endpoints"))
        return WEFT_FAIL(e, WEFT_INVALID,
                         "Orderer Org %s cannot contain endpoints value until V1_4_2+ capabilities "
                         "have been enabled",
                         org->name);
    enum weft_code rc = read_values(b, group, kind, org, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "failed to deserialize values");
    WEFT_TRY(propose_msp(b, bundle_value(group, "MSP"), &org->msp, e));
    org->mspid = arena_dup_str(&b->arena, msp_name(org->msp));
    msp_unref(org->msp); /* b->made has it */
    if (msp_name(org->msp).len == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "MSP for org %s has empty MSP ID", org->name);
    return WEFT_OK;
}

enum weft_code bundle_read_orgs(struct bundle *b, const struct config_item *group,
                                enum org_kind kind, const struct bundle_org **ret,
                                size_t *ret_count, struct weft_err *e)
{
    size_t n = 0;
    struct bundle_org *orgs =
        arena_alloc(&b->arena, (bundle_group_count(group) + 1) * sizeof(*orgs));
    for (size_t i = 0; i < group->count; i++)
        if (group->members[i]->kind == CONFIG_ITEM_GROUP)
            WEFT_TRY(read_org(b, group->members[i], kind, &orgs[n++], e));
    *ret = orgs;
    *ret_count = n;
    return WEFT_OK;
}
