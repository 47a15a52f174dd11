/* The groups Application and Consortiums. */
#include "base/limits.h"
#include "base/log.h"
#include "bundle/bundle_private.h"
#include "proto/wire.h"

LOG_DEFINE(logger, "common.channelconfig");

/* ---- ACLs -------------------------------------------------------------------------------- */

/* A map's entry { 1 key, 2 APIResource { 1 policy_ref } } */
static bool parse_acl(struct bytes entry, struct bytes *ret_resource, struct bytes *ret_policy)
{
    struct wire w = wire_of(entry);
    struct wire_field f, g;
    *ret_resource = *ret_policy = bytes_of(NULL, 0);
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            *ret_resource = f.bytes;
        if (!wire_is(&f, 2, WIRE_LEN))
            continue;
        struct wire resource = wire_of(f.bytes);
        while (wire_next(&resource, &g))
            if (wire_is(&g, 1, WIRE_LEN))
                *ret_policy = g.bytes;
        if (resource.bad)
            return false;
    }
    return !w.bad;
}

static int by_resource(const void *a, const void *b)
{
    return strcmp(((const struct bundle_acl *)a)->resource,
                  ((const struct bundle_acl *)b)->resource);
}

/* A bare name is one of the application's policies. */
static const char *full_path(struct bundle *b, const char *policy)
{
    WEFT_FREE char *path =
        policy[0] == '/' ? weft_strdup(policy) : weft_asprintf("/Channel/Application/%s", policy);
    return arena_dup_str(&b->arena, bytes_of_str(path));
}

static enum weft_code read_acl(struct bundle *b, struct bytes entry, struct bundle_acl *ret,
                               struct weft_err *e)
{
    struct bytes resource = { 0 }, policy = { 0 };
    if (!parse_acl(entry, &resource, &policy))
        return WEFT_FAIL(e, WEFT_INVALID, "error unmarshalling ACLs");
    WEFT_TRY(bundle_text(b, resource, "ACLs", &ret->resource, e));
    return bundle_text(b, policy, "ACLs", &ret->policy, e);
}

/* Of entries of one name the last one holds, as in a Go map. */
static size_t drop_doubles(struct bundle_acl *acls, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool again = false;
        for (size_t k = i + 1; k < count && !again; k++)
            again = by_resource(&acls[i], &acls[k]) == 0;
        if (!again)
            acls[kept++] = acls[i];
    }
    return kept;
}

static size_t complete_acls(struct bundle *b, struct bundle_acl *acls, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (acls[i].policy[0] == '\0') {
            LOG_WARN(&logger,
                     "Policy reference for resource '%s' is specified, but empty, falling back to "
                     "default",
                     acls[i].resource);
            continue;
        }
        acls[i].policy = full_path(b, acls[i].policy);
        acls[kept++] = acls[i];
    }
    return kept;
}

static enum weft_code read_acls(struct bundle *b, struct bytes message,
                                struct bundle_application *a, struct weft_err *e)
{
    struct wire w = wire_of(message);
    struct wire_field f;
    size_t count = 0, n = 0;
    bool good = true; /* a map's wire type must be right, Go is stricter with these */
    while (wire_next(&w, &f)) {
        good = good && (f.number != 1 || f.type == WIRE_LEN);
        count += wire_is(&f, 1, WIRE_LEN) ? 1 : 0;
    }
    if (w.bad || !good)
        return WEFT_FAIL(e, WEFT_INVALID, "error unmarshalling ACLs");
    if (count > LIMIT_ACLS)
        return WEFT_FAIL(e, WEFT_LIMIT, "more than %d ACLs", (int)LIMIT_ACLS);
    struct bundle_acl *acls = arena_alloc(&b->arena, (count + 1) * sizeof(*acls));
    w = wire_of(message);
    while (wire_next(&w, &f))
        if (wire_is(&f, 1, WIRE_LEN))
            WEFT_TRY(read_acl(b, f.bytes, &acls[n++], e));
    a->acls = acls;
    a->acl_count = complete_acls(b, acls, drop_doubles(acls, count));
    if (a->acl_count > 1)
        qsort(acls, a->acl_count, sizeof(*acls), by_resource);
    return WEFT_OK;
}

const char *bundle_acl_find(const struct bundle_application *a, const char *resource)
{
    struct bundle_acl wanted = { .resource = resource };
    const struct bundle_acl *found =
        a->acl_count > 0 ? bsearch(&wanted, a->acls, a->acl_count, sizeof(wanted), by_resource)
                         : NULL;
    return found != NULL ? found->policy : NULL;
}

/* ---- the groups ---------------------------------------------------------------------------- */

static enum weft_code read_values(struct bundle *b, const struct config_item *g,
                                  struct bundle_application *a, struct weft_err *e)
{
    static const char *const keys[] = { "ACLs", "Capabilities" };
    WEFT_TRY(bundle_check_keys(g, keys, WEFT_ARRAY_LEN(keys), e));
    WEFT_TRY(read_acls(b, bundle_value(g, "ACLs"), a, e));
    return application_capabilities_parse(bundle_value(g, "Capabilities"), &b->arena,
                                          &a->capabilities, e);
}

enum weft_code bundle_read_application(struct bundle *b, const struct config_item *group,
                                       struct weft_err *e)
{
    struct bundle_application *a = arena_alloc(&b->arena, sizeof(*a));
    enum weft_code rc = read_values(b, group, a, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "failed to deserialize values");
    if (!a->capabilities.acls && bundle_has_value(group, "ACLs"))
        return WEFT_FAIL(e, WEFT_INVALID,
                         "ACLs may not be specified without the required capability");
    WEFT_TRY(bundle_read_orgs(b, group, ORG_APPLICATION, &a->orgs, &a->org_count, e));
    b->application = a;
    return WEFT_OK;
}

/* Policy { 1 type, 2 value } */
static bool is_policy(struct bytes message)
{
    struct wire w = wire_of(message);
    struct wire_field f;
    while (wire_next(&w, &f))
        ;
    return !w.bad;
}

static enum weft_code read_consortium(struct bundle *b, const struct config_item *group,
                                      struct bundle_consortium *c, struct weft_err *e)
{
    static const char *const keys[] = { "ChannelCreationPolicy" };
    c->name = arena_dup_str(&b->arena, group->name);
    c->creation_policy = bundle_value(group, keys[0]);
    enum weft_code rc = bundle_check_keys(group, keys, WEFT_ARRAY_LEN(keys), e);
    if (rc == WEFT_OK && !is_policy(c->creation_policy))
        rc = WEFT_FAIL(e, WEFT_INVALID, "error unmarshalling Policy");
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "failed to deserialize values");
    return bundle_read_orgs(b, group, ORG_CONSORTIUM, &c->orgs, &c->org_count, e);
}

enum weft_code bundle_read_consortiums(struct bundle *b, const struct config_item *group,
                                       struct weft_err *e)
{
    struct bundle_consortiums *all = arena_alloc(&b->arena, sizeof(*all));
    struct bundle_consortium *at =
        arena_alloc(&b->arena, (bundle_group_count(group) + 1) * sizeof(*at));
    for (size_t i = 0; i < group->count; i++)
        if (group->members[i]->kind == CONFIG_ITEM_GROUP)
            WEFT_TRY(read_consortium(b, group->members[i], &at[all->count++], e));
    all->at = at;
    b->consortiums = all;
    return WEFT_OK;
}
