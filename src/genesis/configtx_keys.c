#include "genesis/configtx_keys.h"

#include <strings.h>

enum shape_kind {
    SHAPE_ANY,     /* a text, a list of texts, a map with keys of the user's choice */
    SHAPE_SECTION, /* a map with these members */
    SHAPE_LIST,    /* a list of such maps */
    SHAPE_NAMED,   /* a map of such maps, by names of the user's choice */
};

struct shape {
    const char *key; /* NULL ends the members */
    enum shape_kind kind;
    const struct shape *members;
};

static const struct shape policy[] = { { "Type", SHAPE_ANY, NULL },
                                       { "Rule", SHAPE_ANY, NULL },
                                       { 0 } };

static const struct shape anchor[] = { { "Host", SHAPE_ANY, NULL },
                                       { "Port", SHAPE_ANY, NULL },
                                       { 0 } };

static const struct shape organization[] = {
    { "Name", SHAPE_ANY, NULL },
    { "ID", SHAPE_ANY, NULL },
    { "MSPDir", SHAPE_ANY, NULL },
    { "MSPType", SHAPE_ANY, NULL },
    { "Policies", SHAPE_NAMED, policy },
    { "AnchorPeers", SHAPE_LIST, anchor },
    { "OrdererEndpoints", SHAPE_ANY, NULL },
    { "AdminPrincipal", SHAPE_ANY, NULL },
    { "SkipAsForeign", SHAPE_ANY, NULL },
    { 0 },
};

static const struct shape batch_size[] = { { "MaxMessageCount", SHAPE_ANY, NULL },
                                           { "AbsoluteMaxBytes", SHAPE_ANY, NULL },
                                           { "PreferredMaxBytes", SHAPE_ANY, NULL },
                                           { 0 } };

static const struct shape kafka[] = { { "Brokers", SHAPE_ANY, NULL }, { 0 } };

static const struct shape consenter[] = { { "Host", SHAPE_ANY, NULL },
                                          { "Port", SHAPE_ANY, NULL },
                                          { "ClientTLSCert", SHAPE_ANY, NULL },
                                          { "ServerTLSCert", SHAPE_ANY, NULL },
                                          { 0 } };

static const struct shape raft_options[] = {
    { "TickInterval", SHAPE_ANY, NULL },         { "ElectionTick", SHAPE_ANY, NULL },
    { "HeartbeatTick", SHAPE_ANY, NULL },        { "MaxInflightBlocks", SHAPE_ANY, NULL },
    { "SnapshotIntervalSize", SHAPE_ANY, NULL }, { 0 }
};

static const struct shape raft[] = { { "Consenters", SHAPE_LIST, consenter },
                                     { "Options", SHAPE_SECTION, raft_options },
                                     { 0 } };

static const struct shape orderer[] = {
    { "OrdererType", SHAPE_ANY, NULL },
    { "Addresses", SHAPE_ANY, NULL },
    { "BatchTimeout", SHAPE_ANY, NULL },
    { "BatchSize", SHAPE_SECTION, batch_size },
    { "Kafka", SHAPE_SECTION, kafka },
    { "EtcdRaft", SHAPE_SECTION, raft },
    { "Organizations", SHAPE_LIST, organization },
    { "MaxChannels", SHAPE_ANY, NULL },
    { "Capabilities", SHAPE_ANY, NULL },
    { "Policies", SHAPE_NAMED, policy },
    { 0 },
};

static const struct shape application[] = {
    { "Organizations", SHAPE_LIST, organization },
    { "Capabilities", SHAPE_ANY, NULL },
    { "Policies", SHAPE_NAMED, policy },
    { "ACLs", SHAPE_ANY, NULL },
    { 0 },
};

static const struct shape consortium[] = { { "Organizations", SHAPE_LIST, organization }, { 0 } };

static const struct shape profile[] = {
    { "Consortium", SHAPE_ANY, NULL },
    { "Application", SHAPE_SECTION, application },
    { "Orderer", SHAPE_SECTION, orderer },
    { "Consortiums", SHAPE_NAMED, consortium },
    { "Capabilities", SHAPE_ANY, NULL },
    { "Policies", SHAPE_NAMED, policy },
    { 0 },
};

static const struct shape file[] = {
    { "Profiles", SHAPE_NAMED, profile },
    { "Organizations", SHAPE_LIST, organization },
    { "Channel", SHAPE_SECTION, profile },
    { "Application", SHAPE_SECTION, application },
    { "Orderer", SHAPE_SECTION, orderer },
    { "Capabilities", SHAPE_ANY, NULL },
    { 0 },
};

struct walk {
    const struct config_source *source;
    struct buf path; /* 'Profiles[TwoOrgs].Orderer' */
};

static const struct shape *find(const struct shape *members, const char *key)
{
    for (; members->key != NULL; members++)
        if (strcasecmp(members->key, key) == 0)
            return members;
    return NULL;
}

static enum weft_code check_own(const struct walk *w, const struct config_node *map,
                                const struct shape *members, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf strange = { 0 };
    unsigned line = 0;
    for (const struct config_entry *i = map->first; i != NULL; i = i->next) {
        if (find(members, i->key) != NULL)
            continue;
        line = line != 0 ? line : i->line;
        buf_printf(&strange, "%s%s", strange.len > 0 ? ", " : "", i->key);
    }
    if (strange.len == 0)
        return WEFT_OK;
    return WEFT_FAIL(e, WEFT_INVALID, "%s:%u: '%.*s' has invalid keys: %.*s",
                     config_source_path(w->source), line, (int)w->path.len,
                     (const char *)w->path.data, (int)strange.len, (const char *)strange.data);
}

static enum weft_code check_member(struct walk *w, const struct config_node *n,
                                   const struct shape *shape, struct weft_err *e);

/* As deep as the shapes are, whatever the file says. */
static enum weft_code check_section(struct walk *w, const struct config_node *n,
                                    const struct shape *members, struct weft_err *e)
{
    const size_t len = w->path.len;
    if (n->kind != CONFIG_MAP)
        return WEFT_OK;
    WEFT_TRY(check_own(w, n, members, e));
    for (const struct config_entry *i = n->first; i != NULL; i = i->next) {
        const struct shape *one = find(members, i->key);
        if (one == NULL)
            continue; /* check_own has refused it */
        buf_printf(&w->path, "%s%s", len > 0 ? "." : "", one->key);
        WEFT_TRY(check_member(w, i->value, one, e));
        w->path.len = len;
    }
    return WEFT_OK;
}

static enum weft_code check_member(struct walk *w, const struct config_node *n,
                                   const struct shape *shape, struct weft_err *e)
{
    const size_t len = w->path.len;
    const enum config_kind wanted = shape->kind == SHAPE_LIST ? CONFIG_LIST : CONFIG_MAP;
    size_t at = 0;
    if (shape->kind == SHAPE_ANY || n->kind != wanted)
        return WEFT_OK;
    if (shape->kind == SHAPE_SECTION)
        return check_section(w, n, shape->members, e);
    for (const struct config_entry *i = n->first; i != NULL; i = i->next, at++) {
        if (shape->kind == SHAPE_LIST)
            buf_printf(&w->path, "[%zu]", at);
        else
            buf_printf(&w->path, "[%s]", i->key);
        WEFT_TRY(check_section(w, i->value, shape->members, e));
        w->path.len = len;
    }
    return WEFT_OK;
}

enum weft_code configtx_keys_check(const struct config_source *s, struct weft_err *e)
{
    struct walk w = { .source = s };
    enum weft_code rc = check_section(&w, config_source_root(s), file, e);
    buf_done(&w.path);
    return rc;
}
