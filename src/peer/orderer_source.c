#include "peer/orderer_source.h"

#include "base/arena.h"
#include "base/log.h"
#include "crypto/sha256.h"

LOG_DEFINE(logger, "peer.orderers");

struct org_mark {
    const char *name;
    struct digest hash; /* of its roots and addresses */
};

struct orderer_source {
    struct orderer_override *overrides;
    size_t override_count;
    struct arena arena; /* all below */
    struct orderer_endpoint *endpoints;
    size_t count;
    struct org_mark *orgs;
    size_t org_count;
};

static struct bytes copy(struct bytes b)
{
    uint8_t *to = weft_alloc(b.len + 1);
    if (b.len > 0)
        memcpy(to, b.data, b.len);
    return bytes_of(to, b.len);
}

struct orderer_source *orderer_source_new(const struct orderer_override *overrides, size_t count)
{
    struct orderer_source *s = weft_alloc(sizeof(*s));
    s->overrides = weft_alloc((count + 1) * sizeof(*s->overrides));
    s->override_count = count;
    for (size_t i = 0; i < count; i++)
        s->overrides[i] = (struct orderer_override){ .from = weft_strdup(overrides[i].from),
                                                     .to = weft_strdup(overrides[i].to),
                                                     .roots = copy(overrides[i].roots) };
    return s;
}

void orderer_source_free(struct orderer_source *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->override_count; i++) {
        free((char *)s->overrides[i].from);
        free((char *)s->overrides[i].to);
        free((uint8_t *)s->overrides[i].roots.data);
    }
    free(s->overrides);
    arena_done(&s->arena);
    free(s);
}

/* ---- has anything changed? ----------------------------------------------------------------- */

static struct digest org_hash(const struct orderer_org *org)
{
    struct sha256 h;
    sha256_init(&h);
    for (size_t i = 0; i < org->roots.count; i++)
        sha256_add(&h, org->roots.at[i]);
    for (size_t i = 0; i < org->addresses.count; i++)
        sha256_add(&h, org->addresses.at[i]);
    return sha256_end(&h);
}

static const struct org_mark *find_org(const struct orderer_source *s, struct bytes name)
{
    for (size_t i = 0; i < s->org_count; i++)
        if (bytes_eq(bytes_of_str(s->orgs[i].name), name))
            return &s->orgs[i];
    return NULL;
}

static bool orgs_changed(const struct orderer_source *s, const struct orderer_config_view *config)
{
    for (size_t i = 0; i < config->org_count; i++) {
        const struct org_mark *before = find_org(s, config->orgs[i].name);
        struct digest now = org_hash(&config->orgs[i]);
        if (before == NULL || !bytes_eq(digest_bytes(&before->hash), digest_bytes(&now)))
            return true;
    }
    return s->org_count != config->org_count; /* one is gone */
}

static bool has_address(const struct orderer_source *s, struct bytes address)
{
    for (size_t i = 0; i < s->count; i++)
        if (bytes_eq(bytes_of_str(s->endpoints[i].address), address))
            return true;
    return false;
}

/* Compared is what is dialled: with an override in force this is a change each
 * time, as in Fabric. */
static bool addresses_changed(const struct orderer_source *s, const struct orderer_texts *addresses)
{
    for (size_t i = 0; i < addresses->count; i++)
        if (!has_address(s, addresses->at[i]))
            return true;
    return addresses->count != s->count;
}

/* ---- the list --------------------------------------------------------------------------------- */

static struct bytes join(struct arena *arena, const struct orderer_org *orgs, size_t count)
{
    WEFT_CLEANUP(buf_done) struct buf all = { 0 };
    for (size_t i = 0; i < count; i++)
        for (size_t r = 0; r < orgs[i].roots.count; r++) {
            buf_put(&all, orgs[i].roots.at[r]);
            buf_put_u8(&all, '\n');
        }
    uint8_t *to = arena_alloc(arena, all.len + 1);
    if (all.len > 0)
        memcpy(to, all.data, all.len);
    return bytes_of(to, all.len);
}

static void add(struct orderer_source *s, struct bytes address, struct bytes roots)
{
    struct orderer_endpoint *one = &s->endpoints[s->count++];
    *one = (struct orderer_endpoint){ arena_dup_str(&s->arena, address), roots };
    for (size_t i = 0; i < s->override_count; i++) {
        const struct orderer_override *o = &s->overrides[i];
        if (!bytes_eq(bytes_of_str(o->from), address))
            continue;
        *one = (struct orderer_endpoint){ o->to, o->roots };
        LOG_DEBUG(&logger, "Overriding orderer address: %s with %s", o->from, o->to);
    }
}

static size_t count_org_addresses(const struct orderer_config_view *config)
{
    size_t n = 0;
    for (size_t i = 0; i < config->org_count; i++)
        n += config->orgs[i].addresses.count;
    return n;
}

static void remember_orgs(struct orderer_source *s, const struct orderer_config_view *config)
{
    s->orgs = arena_alloc(&s->arena, (config->org_count + 1) * sizeof(*s->orgs));
    s->org_count = config->org_count;
    for (size_t i = 0; i < config->org_count; i++)
        s->orgs[i] = (struct org_mark){ arena_dup_str(&s->arena, config->orgs[i].name),
                                        org_hash(&config->orgs[i]) };
}

static void rebuild(struct orderer_source *s, const struct orderer_config_view *config)
{
    size_t own = count_org_addresses(config);
    arena_reset(&s->arena);
    s->count = 0;
    s->endpoints =
        arena_alloc(&s->arena, (own + config->addresses.count + 1) * sizeof(*s->endpoints));
    remember_orgs(s, config);
    for (size_t i = 0; i < config->org_count; i++) {
        const struct orderer_org *org = &config->orgs[i];
        struct bytes roots = join(&s->arena, org, 1);
        for (size_t a = 0; a < org->addresses.count; a++)
            add(s, org->addresses.at[a], roots);
    }
    if (own > 0)
        return;
    struct bytes roots = join(&s->arena, config->orgs, config->org_count);
    for (size_t i = 0; i < config->addresses.count; i++)
        add(s, config->addresses.at[i], roots);
}

bool orderer_source_update(struct orderer_source *s, const struct orderer_config_view *config)
{
    bool own = count_org_addresses(config) > 0;
    if (own && config->addresses.count > 0)
        LOG_WARN(&logger,
                 "Config defines both orderer org specific endpoints and global endpoints, global "
                 "endpoints will be ignored" LOG_KV "channel=%s",
                 config->channel_id);
    if (!orgs_changed(s, config) && (own || !addresses_changed(s, &config->addresses))) {
        LOG_DEBUG(&logger,
                  "No orderer endpoint addresses or TLS certs were changed" LOG_KV "channel=%s",
                  config->channel_id);
        return false;
    }
    rebuild(s, config);
    return true;
}

const struct orderer_endpoint *orderer_source_pick(const struct orderer_source *s, uint64_t random)
{
    return s->count > 0 ? &s->endpoints[random % s->count] : NULL;
}

size_t orderer_source_count(const struct orderer_source *s)
{
    return s->count;
}
