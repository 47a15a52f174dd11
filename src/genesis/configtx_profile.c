#include "genesis/configtx_profile.h"

#include "base/duration.h"
#include "base/limits.h"
#include "base/log.h"
#include "config/config_table.h"
#include "config/config_value.h"
#include "genesis/configtx_keys.h"
#include "os/file.h"

LOG_DEFINE(logger, "common.tools.configtxgen.localconfig");

struct configtx {
    struct config_source *source;
    struct arena arena;
};

/* ---- opening --------------------------------------------------------------------------------------- */

static enum weft_code open_in(const char *dir, const char *const *env, struct config_source **ret,
                              struct weft_err *e)
{
    WEFT_FREE char *path = weft_asprintf("%s/configtx.yaml", dir);
    WEFT_CLEANUP(buf_done) struct buf text = { 0 };
    WEFT_TRY(file_read_all(path, LIMIT_YAML_BYTES, &text, e));
    return config_source_parse(buf_bytes(&text), path, "CONFIGTX", env, ret, e);
}

/* Takes what was opened, if it was. */
static enum weft_code give(struct config_source *source, enum weft_code rc, struct configtx **ret,
                           struct weft_err *e)
{
    WEFT_CLEANUP(configtx_free) struct configtx *c = weft_alloc(sizeof(*c));
    c->source = source;
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "Error reading configuration");
    WEFT_TRY(configtx_keys_check(source, e));
    *ret = WEFT_TAKE(c);
    return WEFT_OK;
}

enum weft_code configtx_open(const char *dir, const char *const *env, struct configtx **ret,
                             struct weft_err *e)
{
    struct config_source *source = NULL;
    enum weft_code rc = dir != NULL ? open_in(dir, env, &source, e)
                                    : config_source_open("configtx", "CONFIGTX", env, &source, e);
    return give(source, rc, ret, e);
}

enum weft_code configtx_parse(struct bytes text, const char *path, const char *const *env,
                              struct configtx **ret, struct weft_err *e)
{
    struct config_source *source = NULL;
    enum weft_code rc = config_source_parse(text, path, "CONFIGTX", env, &source, e);
    return give(source, rc, ret, e);
}

void configtx_free(struct configtx *c)
{
    if (c == NULL)
        return;
    config_source_free(c->source);
    arena_done(&c->arena);
    free(c);
}

const char *configtx_path(const struct configtx *c)
{
    return config_source_path(c->source);
}

/* ---- what sections have in common ------------------------------------------------------------------ */

static const char *keep(struct configtx *c, const char *text)
{
    return arena_dup_str(&c->arena, bytes_of_str(text));
}

static bool has(const struct config_source *s, const char *key)
{
    struct config_value v;
    return config_source_find(s, key, &v);
}

static enum weft_code fill(struct configtx *c, const struct config_field *fields, size_t count,
                           const struct config_source *s, void *out, struct weft_err *e)
{
    static const char *const sections[] = { NULL };
    const struct config_table table = { .fields = fields, .count = count, .sections = sections };
    return config_table_fill(&table, s, out, &c->arena, e);
}

static enum weft_code read_policies(struct configtx *c, const struct config_source *s,
                                    const char *key, struct configtx_policies *ret,
                                    struct weft_err *e)
{
    static const struct config_field fields[] = {
        { "Type", FIELD_STRING, 0, offsetof(struct configtx_policy, type), NULL },
        { "Rule", FIELD_STRING, 0, offsetof(struct configtx_policy, rule), NULL },
    };
    WEFT_CLEANUP(config_rows_done) struct config_rows rows = { 0 };
    WEFT_TRY(config_source_rows(s, key, &rows, e));
    struct configtx_policy *at = arena_alloc(&c->arena, (rows.count + 1) * sizeof(*at));
    for (size_t i = 0; i < rows.count; i++) {
        WEFT_TRY(fill(c, fields, WEFT_ARRAY_LEN(fields), rows.items[i], &at[i], e));
        at[i].name = keep(c, config_source_label(rows.items[i]));
    }
    *ret = (struct configtx_policies){ at, rows.count };
    return WEFT_OK;
}

/* A map of texts. */
static enum weft_code read_pairs(struct configtx *c, const struct config_source *s, const char *key,
                                 struct configtx_pairs *ret, struct weft_err *e)
{
    struct config_value v;
    if (!config_source_find(s, key, &v))
        return WEFT_OK;
    if (v.node == NULL || v.node->kind != CONFIG_MAP)
        return config_source_refuse(s, key, &v, "a section", e);
    struct configtx_pair *at = arena_alloc(&c->arena, (v.node->count + 1) * sizeof(*at));
    *ret = (struct configtx_pairs){ at, 0 };
    for (const struct config_entry *i = v.node->first; i != NULL; i = i->next) {
        WEFT_FREE char *path = weft_asprintf("%s.%s", key, i->key);
        struct config_value one = { .text = i->value->text, .node = i->value };
        if (i->value->kind == CONFIG_LIST || i->value->kind == CONFIG_MAP)
            return config_source_refuse(s, path, &one, "a text", e);
        at[ret->count++] = (struct configtx_pair){ keep(c, i->key), keep(c, i->value->text) };
    }
    return WEFT_OK;
}

/* Those that are true. */
static enum weft_code read_capabilities(struct configtx *c, const struct config_source *s,
                                        const char *key, struct configtx_pairs *ret,
                                        struct weft_err *e)
{
    struct configtx_pairs all = { 0 };
    WEFT_TRY(read_pairs(c, s, key, &all, e));
    struct configtx_pair *at = arena_alloc(&c->arena, (all.count + 1) * sizeof(*at));
    *ret = (struct configtx_pairs){ at, 0 };
    for (size_t i = 0; i < all.count; i++) {
        bool yes = false;
        WEFT_FREE char *path = weft_asprintf("%s.%s", key, all.at[i].key);
        struct config_value v = { .text = all.at[i].value, .node = config_source_root(s) };
        if (!config_parse_bool(all.at[i].value, true, &yes))
            return config_source_find(s, key, &v)
                       ? WEFT_FAIL(e, WEFT_INVALID, "%s:%u: %s is \"%s\": want true or false",
                                   config_source_path(s), v.node->line, path, all.at[i].value)
                       : WEFT_INVALID;
        if (yes)
            at[ret->count++] = all.at[i];
    }
    return WEFT_OK;
}

/* ---- organisations ------------------------------------------------------------------------------------ */

static enum weft_code read_anchors(struct configtx *c, const struct config_source *s,
                                   struct configtx_org *org, struct weft_err *e)
{
    struct one {
        const char *host;
        uint16_t port;
    };
    static const struct config_field fields[] = {
        { "Host", FIELD_STRING, 0, offsetof(struct one, host), NULL },
        { "Port", FIELD_PORT, 0, offsetof(struct one, port), NULL },
    };
    WEFT_CLEANUP(config_rows_done) struct config_rows rows = { 0 };
    WEFT_TRY(config_source_rows(s, "AnchorPeers", &rows, e));
    struct configtx_anchor *at = arena_alloc(&c->arena, (rows.count + 1) * sizeof(*at));
    for (size_t i = 0; i < rows.count; i++) {
        struct one one = { 0 };
        WEFT_TRY(fill(c, fields, WEFT_ARRAY_LEN(fields), rows.items[i], &one, e));
        at[i] = (struct configtx_anchor){ one.host, one.port };
    }
    org->anchors = at;
    org->anchor_count = rows.count;
    return WEFT_OK;
}

static enum weft_code read_org(struct configtx *c, const struct config_source *s,
                               struct configtx_org *org, struct weft_err *e)
{
    struct one {
        const char *name, *id, *msp_dir, *msp_type;
        bool skip;
        struct config_strings endpoints;
    } one = { 0 };
    static const struct config_field fields[] = {
        { "Name", FIELD_STRING, 0, offsetof(struct one, name), NULL },
        { "ID", FIELD_STRING, 0, offsetof(struct one, id), NULL },
        { "MSPDir", FIELD_PATH, 0, offsetof(struct one, msp_dir), NULL },
        { "MSPType", FIELD_STRING, 0, offsetof(struct one, msp_type), "bccsp" },
        { "SkipAsForeign", FIELD_BOOL, 0, offsetof(struct one, skip), NULL },
        { "OrdererEndpoints", FIELD_STRINGS, 0, offsetof(struct one, endpoints), NULL },
    };
    WEFT_TRY(fill(c, fields, WEFT_ARRAY_LEN(fields), s, &one, e));
    *org = (struct configtx_org){ .name = one.name,
                                  .id = one.id,
                                  .msp_dir = one.msp_dir,
                                  .msp_type = one.msp_type,
                                  .skip_as_foreign = one.skip,
                                  .endpoints = { one.endpoints.items, one.endpoints.count } };
    WEFT_TRY(read_policies(c, s, "Policies", &org->policies, e));
    return read_anchors(c, s, org, e);
}

static enum weft_code read_orgs(struct configtx *c, const struct config_source *s, const char *key,
                                struct configtx_orgs *ret, struct weft_err *e)
{
    WEFT_CLEANUP(config_rows_done) struct config_rows rows = { 0 };
    WEFT_TRY(config_source_rows(s, key, &rows, e));
    struct configtx_org *at = arena_alloc(&c->arena, (rows.count + 1) * sizeof(*at));
    for (size_t i = 0; i < rows.count; i++)
        WEFT_TRY(read_org(c, rows.items[i], &at[i], e));
    *ret = (struct configtx_orgs){ at, rows.count };
    return WEFT_OK;
}

/* ---- the orderer section --------------------------------------------------------------------------------- */

static enum weft_code read_consenters(struct configtx *c, const struct config_source *s,
                                      struct configtx_orderer *o, struct weft_err *e)
{
    struct one {
        const char *host, *client, *server;
        uint16_t port;
    };
    static const struct config_field fields[] = {
        { "Host", FIELD_STRING, 0, offsetof(struct one, host), NULL },
        { "Port", FIELD_PORT, 0, offsetof(struct one, port), NULL },
        { "ClientTLSCert", FIELD_PATH, 0, offsetof(struct one, client), NULL },
        { "ServerTLSCert", FIELD_PATH, 0, offsetof(struct one, server), NULL },
    };
    WEFT_CLEANUP(config_rows_done) struct config_rows rows = { 0 };
    WEFT_TRY(config_source_rows(s, "Orderer.EtcdRaft.Consenters", &rows, e));
    struct configtx_consenter *at = arena_alloc(&c->arena, (rows.count + 1) * sizeof(*at));
    static const char words[] = "consenter info in etcdraft configuration did not specify";
    for (size_t i = 0; i < rows.count; i++) {
        struct one one = { 0 };
        WEFT_TRY(fill(c, fields, WEFT_ARRAY_LEN(fields), rows.items[i], &one, e));
        const char *missing = one.host[0] == '\0'     ? "host"
                              : one.port == 0         ? "port"
                              : one.client[0] == '\0' ? "client TLS cert"
                              : one.server[0] == '\0' ? "server TLS cert"
                                                      : NULL;
        if (missing != NULL)
            return WEFT_FAIL(e, WEFT_INVALID, "%s %s", words, missing);
        at[i] = (struct configtx_consenter){ one.host, one.port, one.client, one.server };
    }
    o->consenters = at;
    o->consenter_count = rows.count;
    return WEFT_OK;
}

static enum weft_code check_etcdraft(const struct configtx_orderer *o, struct weft_err *e)
{
    int64_t tick;
    if (o->consenter_count == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "etcdraft configuration did not specify any consenter");
    if (!duration_parse(bytes_of_str(o->tick_interval), &tick))
        return WEFT_FAIL(e, WEFT_INVALID,
                         "Etcdraft TickInterval (%s) must be in time duration format",
                         o->tick_interval);
    if (o->election_tick <= o->heartbeat_tick)
        return WEFT_FAIL(e, WEFT_INVALID, "election tick must be greater than heartbeat tick");
    return WEFT_OK;
}

static enum weft_code check_type(const struct config_source *s, const struct configtx_orderer *o,
                                 struct weft_err *e)
{
    if (strcmp(o->type, "solo") == 0 || strcmp(o->type, "kafka") == 0)
        return WEFT_OK;
    if (strcmp(o->type, "etcdraft") != 0)
        return WEFT_FAIL(e, WEFT_INVALID, "unknown orderer type: %s", o->type);
    if (!has(s, "Orderer.EtcdRaft"))
        return WEFT_FAIL(e, WEFT_INVALID, "etcdraft configuration missing");
    return check_etcdraft(o, e);
}

static enum weft_code read_orderer(struct configtx *c, const struct config_source *s,
                                   const struct configtx_orderer **ret, struct weft_err *e)
{
    struct one {
        struct configtx_orderer o;
        struct config_strings addresses, brokers;
        uint32_t max_channels;
    };
#define FIELD(key, kind, member, fallback)                                 \
    {                                                                      \
        key, kind, FIELD_ZERO_UNSET | (fallback != NULL ? FIELD_TOLD : 0), \
            offsetof(struct one, member), fallback                         \
    }
    static const struct config_field fields[] = {
        FIELD("Orderer.OrdererType", FIELD_STRING, o.type, "solo"),
        FIELD("Orderer.Addresses", FIELD_STRINGS, addresses, NULL),
        FIELD("Orderer.BatchTimeout", FIELD_DURATION, o.batch_timeout_ns, "2s"),
        FIELD("Orderer.BatchSize.MaxMessageCount", FIELD_COUNT, o.max_messages, "500"),
        FIELD("Orderer.BatchSize.AbsoluteMaxBytes", FIELD_SIZE, o.absolute_max_bytes, "10 MB"),
        FIELD("Orderer.BatchSize.PreferredMaxBytes", FIELD_SIZE, o.preferred_max_bytes, "2 MB"),
        FIELD("Orderer.MaxChannels", FIELD_COUNT, max_channels, NULL),
        FIELD("Orderer.Kafka.Brokers", FIELD_STRINGS, brokers, NULL),
        FIELD("Orderer.EtcdRaft.Options.TickInterval", FIELD_STRING, o.tick_interval, "500ms"),
        FIELD("Orderer.EtcdRaft.Options.ElectionTick", FIELD_COUNT, o.election_tick, "10"),
        FIELD("Orderer.EtcdRaft.Options.HeartbeatTick", FIELD_COUNT, o.heartbeat_tick, "1"),
        FIELD("Orderer.EtcdRaft.Options.MaxInflightBlocks", FIELD_COUNT, o.max_inflight_blocks,
              "5"),
        FIELD("Orderer.EtcdRaft.Options.SnapshotIntervalSize", FIELD_SIZE, o.snapshot_interval_size,
              "16 MB"),
    };
#undef FIELD
    static const char *const brokers[] = { "127.0.0.1:9092" };
    if (!has(s, "Orderer"))
        return WEFT_OK;
    struct one *one = arena_alloc(&c->arena, sizeof(*one));
    struct configtx_orderer *o = &one->o;
    WEFT_TRY(fill(c, fields, WEFT_ARRAY_LEN(fields), s, one, e));
    o->addresses = (struct configtx_texts){ one->addresses.items, one->addresses.count };
    o->brokers = has(s, "Orderer.Kafka.Brokers")
                     ? (struct configtx_texts){ one->brokers.items, one->brokers.count }
                     : (struct configtx_texts){ brokers, WEFT_ARRAY_LEN(brokers) };
    o->max_channels = one->max_channels;
    LOG_INFO(&logger, "orderer type: %s", o->type);
    WEFT_TRY(read_consenters(c, s, o, e));
    WEFT_TRY(read_orgs(c, s, "Orderer.Organizations", &o->orgs, e));
    WEFT_TRY(read_capabilities(c, s, "Orderer.Capabilities", &o->capabilities, e));
    WEFT_TRY(read_policies(c, s, "Orderer.Policies", &o->policies, e));
    *ret = o;
    return check_type(s, o, e);
}

/* ---- the other sections ---------------------------------------------------------------------------------- */

static enum weft_code read_application(struct configtx *c, const struct config_source *s,
                                       const struct configtx_application **ret, struct weft_err *e)
{
    if (!has(s, "Application"))
        return WEFT_OK;
    struct configtx_application *a = arena_alloc(&c->arena, sizeof(*a));
    *ret = a;
    WEFT_TRY(read_orgs(c, s, "Application.Organizations", &a->orgs, e));
    WEFT_TRY(read_capabilities(c, s, "Application.Capabilities", &a->capabilities, e));
    WEFT_TRY(read_pairs(c, s, "Application.ACLs", &a->acls, e));
    return read_policies(c, s, "Application.Policies", &a->policies, e);
}

static enum weft_code read_consortiums(struct configtx *c, const struct config_source *s,
                                       struct configtx_profile *p, struct weft_err *e)
{
    WEFT_CLEANUP(config_rows_done) struct config_rows rows = { 0 };
    p->has_consortiums = has(s, "Consortiums");
    WEFT_TRY(config_source_rows(s, "Consortiums", &rows, e));
    struct configtx_consortium *at = arena_alloc(&c->arena, (rows.count + 1) * sizeof(*at));
    for (size_t i = 0; i < rows.count; i++) {
        at[i].name = keep(c, config_source_label(rows.items[i]));
        WEFT_TRY(read_orgs(c, rows.items[i], "Organizations", &at[i].orgs, e));
    }
    p->consortiums = at;
    p->consortium_count = rows.count;
    return WEFT_OK;
}

static enum weft_code read_profile(struct configtx *c, const struct config_source *s,
                                   struct configtx_profile *p, struct weft_err *e)
{
    static const struct config_field fields[] = {
        { "Consortium", FIELD_STRING, 0, offsetof(struct configtx_profile, consortium), NULL },
    };
    WEFT_TRY(fill(c, fields, WEFT_ARRAY_LEN(fields), s, p, e));
    WEFT_TRY(read_orderer(c, s, &p->orderer, e));
    WEFT_TRY(read_application(c, s, &p->application, e));
    WEFT_TRY(read_consortiums(c, s, p, e));
    WEFT_TRY(read_capabilities(c, s, "Capabilities", &p->capabilities, e));
    return read_policies(c, s, "Policies", &p->policies, e);
}

enum weft_code configtx_profile(struct configtx *c, const char *name,
                                const struct configtx_profile **ret, struct weft_err *e)
{
    WEFT_CLEANUP(config_rows_done) struct config_rows rows = { 0 };
    WEFT_TRY(config_source_rows(c->source, "Profiles", &rows, e));
    for (size_t i = 0; i < rows.count; i++) {
        if (strcmp(config_source_label(rows.items[i]), name) != 0)
            continue;
        struct configtx_profile *p = arena_alloc(&c->arena, sizeof(*p));
        WEFT_TRY(read_profile(c, rows.items[i], p, e));
        LOG_INFO(&logger, "Loaded configuration: %s", configtx_path(c));
        *ret = p;
        return WEFT_OK;
    }
    return WEFT_FAIL(e, WEFT_NOT_FOUND, "Could not find profile: %s", name);
}

enum weft_code configtx_org(struct configtx *c, const char *name, const struct configtx_org **ret,
                            struct weft_err *e)
{
    struct configtx_orgs orgs = { 0 };
    WEFT_TRY(read_orgs(c, c->source, "Organizations", &orgs, e));
    for (size_t i = 0; i < orgs.count; i++)
        if (strcmp(orgs.at[i].name, name) == 0) {
            *ret = &orgs.at[i];
            return WEFT_OK;
        }
    return WEFT_FAIL(e, WEFT_NOT_FOUND, "organization %s not found", name);
}
