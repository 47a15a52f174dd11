#include "genesis/config_encoder.h"

#include "base/duration.h"
#include "msp/msp_dir.h"
#include "os/file.h"
#include "policy/policy_dsl.h"
#include "proto/wire.h"

#include <inttypes.h>

enum {
    CERT_MAX = 1 << 16,
    POLICY_SIGNATURE = 1, /* Policy.PolicyType */
    POLICY_IMPLICIT_META = 3,
};

static const char admins[] = "Admins";
static const char orderer_admins[] = "/Channel/Orderer/Admins";

/* ---- elements -------------------------------------------------------------------------------------- */

static struct bytes keep(struct arena *arena, const struct buf *b)
{
    uint8_t *to = arena_alloc(arena, b->len + 1);
    if (b->len > 0)
        memcpy(to, b->data, b->len);
    return bytes_of(to, b->len);
}

static struct config_item *new_item(enum config_item_kind kind, const char *name,
                                    const char *mod_policy, struct arena *arena)
{
    struct config_item *item = arena_alloc(arena, sizeof(*item));
    *item = (struct config_item){ .kind = kind,
                                  .name = bytes_of_str(arena_dup_str(arena, bytes_of_str(name))),
                                  .mod_policy = bytes_of_str(mod_policy) };
    return item;
}

void config_encode_remove(struct config_item *group, enum config_item_kind kind, const char *name,
                          struct arena *arena)
{
    const struct config_item **members = arena_alloc(arena, (group->count + 1) * sizeof(*members));
    size_t n = 0;
    for (size_t i = 0; i < group->count; i++)
        if (group->members[i]->kind != kind ||
            !bytes_eq(group->members[i]->name, bytes_of_str(name)))
            members[n++] = group->members[i];
    group->members = members;
    group->count = n;
}

void config_encode_put(struct config_item *group, struct config_item *member, struct arena *arena)
{
    const struct config_item **members = arena_alloc(arena, (group->count + 2) * sizeof(*members));
    size_t n = 0;
    for (size_t i = 0; i < group->count; i++)
        if (group->members[i]->kind != member->kind ||
            !bytes_eq(group->members[i]->name, member->name))
            members[n++] = group->members[i];
    members[n++] = member;
    config_group_sort(members, n);
    group->members = members;
    group->count = n;
}

struct config_item *config_encode_value(const char *name, struct bytes value,
                                        const char *mod_policy, struct arena *arena)
{
    struct config_item *item = new_item(CONFIG_ITEM_VALUE, name, mod_policy, arena);
    const struct buf b = { .data = (uint8_t *)value.data, .len = value.len };
    item->value = keep(arena, &b);
    return item;
}

static void put_value(struct config_item *group, const char *name, const struct buf *value,
                      const char *mod_policy, struct arena *arena)
{
    config_encode_put(group, config_encode_value(name, buf_bytes(value), mod_policy, arena), arena);
}

/* A message of one text, or of a list of texts, as field 1. */
static void put_texts(struct config_item *group, const char *name, const struct configtx_texts *t,
                      const char *mod_policy, struct arena *arena)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    for (size_t i = 0; i < t->count; i++)
        wire_put_bytes(&b, 1, bytes_of_str(t->at[i]));
    put_value(group, name, &b, mod_policy, arena);
}

static void put_text(struct config_item *group, const char *name, const char *text,
                     const char *mod_policy, struct arena *arena)
{
    const struct configtx_texts one = { &text, 1 };
    put_texts(group, name, &one, mod_policy, arena);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct configtx_pair *)a)->key, ((const struct configtx_pair *)b)->key);
}

/* Capabilities { map<string, Capability> 1 }, ACLs { map<string, APIResource { 1 }> 1 } */
static void put_pairs(struct config_item *group, const char *name, const struct configtx_pairs *p,
                      bool with_value, struct arena *arena)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    struct configtx_pair *sorted = arena_alloc(arena, (p->count + 1) * sizeof(*sorted));
    if (p->count == 0)
        return;
    memcpy(sorted, p->at, p->count * sizeof(*sorted));
    qsort(sorted, p->count, sizeof(*sorted), by_key);
    for (size_t i = 0; i < p->count; i++) {
        WEFT_CLEANUP(buf_done) struct buf entry = { 0 };
        WEFT_CLEANUP(buf_done) struct buf inner = { 0 };
        if (with_value && sorted[i].value[0] != '\0')
            wire_put_bytes(&inner, 1, bytes_of_str(sorted[i].value));
        wire_put_bytes(&entry, 1, bytes_of_str(sorted[i].key));
        wire_put_bytes(&entry, 2, buf_bytes(&inner));
        wire_put_bytes(&b, 1, buf_bytes(&entry));
    }
    put_value(group, name, &b, admins, arena);
}

/* ---- policies ----------------------------------------------------------------------------------------- */

static void put_policy(struct config_item *group, const char *name, int32_t type,
                       const struct buf *value, const char *mod_policy, struct arena *arena)
{
    struct config_item *item = new_item(CONFIG_ITEM_POLICY, name, mod_policy, arena);
    item->has_policy = true;
    item->policy_type = type;
    item->value = keep(arena, value);
    config_encode_put(group, item, arena);
}

static bool has_policy(const struct configtx_policies *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->at[i].name, name) == 0)
            return true;
    return false;
}

static enum weft_code put_policies(struct config_item *group, const struct configtx_policies *p,
                                   struct arena *arena, struct weft_err *e)
{
    static const char *const needed[] = { "Admins", "Readers", "Writers" };
    if (p->count == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "no policies defined");
    for (size_t i = 0; i < WEFT_ARRAY_LEN(needed); i++)
        if (!has_policy(p, needed[i]))
            return WEFT_FAIL(e, WEFT_INVALID, "no %s policy defined", needed[i]);
    for (size_t i = 0; i < p->count; i++) {
        const struct configtx_policy *one = &p->at[i];
        WEFT_CLEANUP(buf_done) struct buf value = { 0 };
        bool meta = strcmp(one->type, "ImplicitMeta") == 0;
        if (!meta && strcmp(one->type, "Signature") != 0)
            return WEFT_FAIL(e, WEFT_INVALID, "unknown policy type: %s", one->type);
        enum weft_code rc = meta ? policy_dsl_implicit_meta(one->rule, &value, e)
                                 : policy_dsl_signature(one->rule, &value, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "invalid %s policy rule '%s'",
                                 meta ? "implicit meta" : "signature", one->rule);
        put_policy(group, one->name, meta ? POLICY_IMPLICIT_META : POLICY_SIGNATURE, &value, admins,
                   arena);
    }
    return WEFT_OK;
}

/* ---- organisations -------------------------------------------------------------------------------------- */

enum org_place {
    ORG_OF_ORDERER,
    ORG_OF_APPLICATION,
    ORG_OF_CONSORTIUM,
};

static enum weft_code put_msp(struct config_item *group, const struct configtx_org *org,
                              struct arena *arena, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    struct msp_config config;
    if (strcmp(org->msp_type, "bccsp") != 0)
        return WEFT_FAIL(e, WEFT_INVALID, "unknown MSP type '%s'", org->msp_type);
    WEFT_TRY(msp_dir_read(org->msp_dir, org->id, MSP_DIR_VERIFYING, arena, &config, e));
    msp_config_encode(&config, &value);
    put_value(group, "MSP", &value, admins, arena);
    return WEFT_OK;
}

/* AnchorPeers { repeated AnchorPeer 1 { 1 host, 2 port } } */
static void put_anchors(struct config_item *group, const struct configtx_org *org,
                        struct arena *arena)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    for (size_t i = 0; i < org->anchor_count; i++) {
        WEFT_CLEANUP(buf_done) struct buf one = { 0 };
        if (org->anchors[i].host[0] != '\0')
            wire_put_bytes(&one, 1, bytes_of_str(org->anchors[i].host));
        if (org->anchors[i].port != 0)
            wire_put_varint(&one, 2, (uint64_t)org->anchors[i].port);
        wire_put_bytes(&b, 1, buf_bytes(&one));
    }
    if (org->anchor_count > 0)
        put_value(group, "AnchorPeers", &b, admins, arena);
}

static enum weft_code encode_org(const struct configtx_org *org, enum org_place place,
                                 struct arena *arena, struct config_item **ret, struct weft_err *e)
{
    static const char *const places[] = { "orderer", "application", "consortiums" };
    struct config_item *group = new_item(CONFIG_ITEM_GROUP, org->name, admins, arena);
    *ret = group;
    if (org->skip_as_foreign)
        return WEFT_OK;
    enum weft_code rc = put_msp(group, org, arena, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "1 - Error loading MSP configuration for org: %s", org->name);
    rc = put_policies(group, &org->policies, arena, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error adding policies to %s org group '%s'", places[place],
                             org->name);
    if (place == ORG_OF_ORDERER && org->endpoints.count > 0)
        put_texts(group, "Endpoints", &org->endpoints, admins, arena);
    if (place == ORG_OF_APPLICATION)
        put_anchors(group, org, arena);
    return WEFT_OK;
}

enum weft_code config_encode_orderer_org(const struct configtx_org *org, struct arena *arena,
                                         struct config_item **ret, struct weft_err *e)
{
    return encode_org(org, ORG_OF_ORDERER, arena, ret, e);
}

static enum weft_code put_orgs(struct config_item *group, const struct configtx_orgs *orgs,
                               enum org_place place, const char *failed, struct arena *arena,
                               struct weft_err *e)
{
    for (size_t i = 0; i < orgs->count; i++) {
        struct config_item *org = NULL;
        enum weft_code rc = encode_org(&orgs->at[i], place, arena, &org, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "%s", failed);
        config_encode_put(group, org, arena);
    }
    return WEFT_OK;
}

/* ---- Orderer ------------------------------------------------------------------------------------------------ */

static enum weft_code put_certificate(struct buf *out, const struct configtx_consenter *c,
                                      bool client, struct weft_err *e)
{
    const uint32_t field = client ? 3 : 4;
    WEFT_CLEANUP(buf_done) struct buf pem = { 0 };
    enum weft_code rc = file_read_all(client ? c->client_cert : c->server_cert, CERT_MAX, &pem, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "cannot load %s cert for consenter %s:%" PRIu32,
                             client ? "client" : "server", c->host, c->port);
    wire_put_bytes(out, field, buf_bytes(&pem));
    return WEFT_OK;
}

/* etcdraft.ConfigMetadata { 1 consenters { 1 host, 2 port, 3 client, 4 server },
 * 2 options { 1 tick_interval, 2 election, 3 heartbeat, 4 inflight, 5 snapshot } } */
static enum weft_code put_metadata(const struct configtx_orderer *o, struct buf *out,
                                   struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf options = { 0 };
    for (size_t i = 0; i < o->consenter_count; i++) {
        const struct configtx_consenter *c = &o->consenters[i];
        WEFT_CLEANUP(buf_done) struct buf one = { 0 };
        wire_put_bytes(&one, 1, bytes_of_str(c->host));
        wire_put_varint(&one, 2, c->port);
        WEFT_TRY(put_certificate(&one, c, true, e));
        WEFT_TRY(put_certificate(&one, c, false, e));
        wire_put_bytes(out, 1, buf_bytes(&one));
    }
    wire_put_bytes(&options, 1, bytes_of_str(o->tick_interval));
    wire_put_varint(&options, 2, o->election_tick);
    wire_put_varint(&options, 3, o->heartbeat_tick);
    wire_put_varint(&options, 4, o->max_inflight_blocks);
    wire_put_varint(&options, 5, o->snapshot_interval_size);
    wire_put_bytes(out, 2, buf_bytes(&options));
    return WEFT_OK;
}

/* ConsensusType { 1 type, 2 metadata } */
static enum weft_code put_consensus(struct config_item *group, const struct configtx_orderer *o,
                                    struct arena *arena, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf metadata = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    wire_put_bytes(&b, 1, bytes_of_str(o->type));
    if (strcmp(o->type, "kafka") == 0) {
        put_texts(group, "KafkaBrokers", &o->brokers, admins, arena);
    } else if (strcmp(o->type, "etcdraft") == 0) {
        enum weft_code rc = put_metadata(o, &metadata, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "cannot marshal metadata for orderer type etcdraft");
        wire_put_bytes(&b, 2, buf_bytes(&metadata));
    }
    put_value(group, "ConsensusType", &b, admins, arena);
    return WEFT_OK;
}

static void put_batch(struct config_item *group, const struct configtx_orderer *o,
                      struct arena *arena)
{
    WEFT_CLEANUP(buf_done) struct buf size = { 0 };
    WEFT_CLEANUP(buf_done) struct buf channels = { 0 };
    char timeout[DURATION_TEXT_MAX];
    wire_put_varint(&size, 1, o->max_messages);
    wire_put_varint(&size, 2, o->absolute_max_bytes);
    wire_put_varint(&size, 3, o->preferred_max_bytes);
    put_value(group, "BatchSize", &size, admins, arena);
    put_text(group, "BatchTimeout", duration_text(o->batch_timeout_ns, timeout), admins, arena);
    if (o->max_channels != 0)
        wire_put_varint(&channels, 1, o->max_channels);
    put_value(group, "ChannelRestrictions", &channels, admins, arena);
}

static enum weft_code encode_orderer(const struct configtx_orderer *o, struct arena *arena,
                                     struct config_item **ret, struct weft_err *e)
{
    struct config_item *group = new_item(CONFIG_ITEM_GROUP, "Orderer", admins, arena);
    enum weft_code rc = WEFT_OK;
    *ret = group;
    if (o->policies.count > 0 && !has_policy(&o->policies, "BlockValidation"))
        rc = WEFT_FAIL(e, WEFT_INVALID, "no BlockValidation policy defined");
    if (rc == WEFT_OK)
        rc = put_policies(group, &o->policies, arena, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error adding policies to orderer group");
    put_batch(group, o, arena);
    put_pairs(group, "Capabilities", &o->capabilities, false, arena);
    WEFT_TRY(put_consensus(group, o, arena, e));
    return put_orgs(group, &o->orgs, ORG_OF_ORDERER, "failed to create orderer org", arena, e);
}

/* ---- Application and Consortiums --------------------------------------------------------------------------- */

static enum weft_code encode_application(const struct configtx_application *a, struct arena *arena,
                                         struct config_item **ret, struct weft_err *e)
{
    struct config_item *group = new_item(CONFIG_ITEM_GROUP, "Application", admins, arena);
    *ret = group;
    enum weft_code rc = put_policies(group, &a->policies, arena, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error adding policies to application group");
    put_pairs(group, "ACLs", &a->acls, true, arena);
    put_pairs(group, "Capabilities", &a->capabilities, false, arena);
    return put_orgs(group, &a->orgs, ORG_OF_APPLICATION, "failed to create application org", arena,
                    e);
}

/* Anybody's admin may make a channel of the consortium. */
static enum weft_code encode_consortium(const struct configtx_consortium *c, struct arena *arena,
                                        struct config_item **ret, struct weft_err *e)
{
    struct config_item *group = new_item(CONFIG_ITEM_GROUP, c->name, orderer_admins, arena);
    WEFT_CLEANUP(buf_done) struct buf any = { 0 };
    WEFT_CLEANUP(buf_done) struct buf policy = { 0 };
    *ret = group;
    WEFT_TRY(policy_dsl_implicit_meta("ANY Admins", &any, e));
    wire_put_varint(&policy, 1, POLICY_IMPLICIT_META);
    wire_put_bytes(&policy, 2, buf_bytes(&any));
    put_value(group, "ChannelCreationPolicy", &policy, orderer_admins, arena);
    return put_orgs(group, &c->orgs, ORG_OF_CONSORTIUM, "failed to create consortium org", arena,
                    e);
}

static enum weft_code encode_consortiums(const struct configtx_profile *p, struct arena *arena,
                                         struct config_item **ret, struct weft_err *e)
{
    /* SignaturePolicyEnvelope { 2 rule { 2 n_out_of { } } }: always satisfied */
    static const uint8_t accept_all[] = { 0x12, 0x02, 0x12, 0x00 };
    const struct buf anybody = { .data = (uint8_t *)accept_all, .len = sizeof(accept_all) };
    struct config_item *group = new_item(CONFIG_ITEM_GROUP, "Consortiums", orderer_admins, arena);
    put_policy(group, "Admins", POLICY_SIGNATURE, &anybody, orderer_admins, arena);
    *ret = group;
    for (size_t i = 0; i < p->consortium_count; i++) {
        struct config_item *one = NULL;
        enum weft_code rc = encode_consortium(&p->consortiums[i], arena, &one, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "failed to create consortium %s", p->consortiums[i].name);
        config_encode_put(group, one, arena);
    }
    return WEFT_OK;
}

/* ---- Channel -------------------------------------------------------------------------------------------------- */

static void put_channel_values(struct config_item *root, const struct configtx_profile *p,
                               struct arena *arena)
{
    WEFT_CLEANUP(buf_done) struct buf width = { 0 };
    wire_put_varint(&width, 1, UINT32_MAX);
    put_text(root, "HashingAlgorithm", "SHA256", admins, arena);
    put_value(root, "BlockDataHashingStructure", &width, admins, arena);
    if (p->orderer != NULL && p->orderer->addresses.count > 0)
        put_texts(root, "OrdererAddresses", &p->orderer->addresses, orderer_admins, arena);
    if (p->consortium[0] != '\0')
        put_text(root, "Consortium", p->consortium, admins, arena);
    put_pairs(root, "Capabilities", &p->capabilities, false, arena);
}

static enum weft_code put_section(struct config_item *root, struct config_item *section,
                                  enum weft_code rc, const char *name, struct arena *arena,
                                  struct weft_err *e)
{
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not create %s group", name);
    config_encode_put(root, section, arena);
    return WEFT_OK;
}

enum weft_code config_encode_channel(const struct configtx_profile *p, struct arena *arena,
                                     struct config_item **ret, struct weft_err *e)
{
    struct config_item *root = new_item(CONFIG_ITEM_GROUP, "", admins, arena), *section = NULL;
    enum weft_code rc = put_policies(root, &p->policies, arena, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error adding policies to channel group");
    put_channel_values(root, p, arena);
    if (p->orderer != NULL) {
        rc = encode_orderer(p->orderer, arena, &section, e);
        WEFT_TRY(put_section(root, section, rc, "orderer", arena, e));
    }
    if (p->application != NULL) {
        rc = encode_application(p->application, arena, &section, e);
        WEFT_TRY(put_section(root, section, rc, "application", arena, e));
    }
    if (p->has_consortiums) {
        rc = encode_consortiums(p, arena, &section, e);
        WEFT_TRY(put_section(root, section, rc, "consortiums", arena, e));
    }
    *ret = root;
    return WEFT_OK;
}
