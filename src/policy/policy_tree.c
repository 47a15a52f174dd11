#include "policy/policy_tree.h"

#include "channel/config_group.h"
#include "proto/wire.h"

#include <inttypes.h>

enum policy_kind {
    POLICY_SIGNATURE = 1, /* common.Policy.PolicyType */
    POLICY_IMPLICIT_META = 3,
};

enum meta_rule {
    META_ANY = 0,
    META_ALL = 1,
    META_MAJORITY = 2,
};

struct policy {
    struct bytes name;
    const struct signature_policy *signature; /* NULL: implicit meta */
    struct bytes sub_policy;
    uint64_t threshold;
};

/* One group: Fabric's policy manager. */
struct policy_tree {
    struct bytes name;
    const struct policy *policies;
    size_t policy_count;
    const struct policy_tree *groups;
    size_t group_count;
};

/* ---- building --------------------------------------------------------------------------- */

static uint64_t threshold_of(uint64_t rule, size_t groups)
{
    if (groups == 0)
        return 0;
    switch (rule) {
    case META_ANY:
        return 1;
    case META_ALL:
        return groups;
    case META_MAJORITY:
        return groups / 2 + 1;
    default:
        return 0; /* see evaluate_meta */
    }
}

/* ImplicitMetaPolicy { 1 sub_policy, 2 rule } */
static enum weft_code build_meta(struct bytes value, size_t groups, struct policy *p,
                                 struct weft_err *e)
{
    struct wire w = wire_of(value);
    struct wire_field f;
    uint64_t rule = META_ANY;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            p->sub_policy = f.bytes;
        else if (wire_is(&f, 2, WIRE_VARINT))
            rule = (uint32_t)f.varint;
    }
    if (w.bad || !wire_utf8(p->sub_policy))
        return WEFT_FAIL(e, WEFT_INVALID, "Error unmarshaling to ImplicitMetaPolicy");
    p->threshold = threshold_of(rule, groups);
    return WEFT_OK;
}

/* Where a policy stands, for messages: "P at path Channel/Application". */
struct place {
    const char *path;
    const struct config_item *item;
};

static enum weft_code build_policy(const struct place *at, size_t groups, struct arena *arena,
                                   struct policy *p, struct weft_err *e)
{
    const struct config_item *item = at->item;
    int n = (int)item->name.len;
    const char *name = (const char *)item->name.data;
    p->name = item->name;
    if (!item->has_policy)
        return WEFT_FAIL(e, WEFT_INVALID, "policy %.*s at path %s was nil", n, name, at->path);
    if (item->policy_type != POLICY_IMPLICIT_META && item->policy_type != POLICY_SIGNATURE)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "policy %.*s at path %s has unknown policy type: %" PRId32, n, name,
                         at->path, item->policy_type);
    bool meta = item->policy_type == POLICY_IMPLICIT_META;
    enum weft_code rc = meta ? build_meta(item->value, groups, p, e)
                             : signature_policy_parse(item->value, arena, &p->signature, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "%spolicy %.*s at path %s did not compile",
                             meta ? "implicit " : "", n, name, at->path);
    return WEFT_OK;
}

static size_t count_kind(const struct config_item *group, enum config_item_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < group->count; i++)
        n += group->members[i]->kind == kind ? 1 : 0;
    return n;
}

/* Recursion ends with the configuration, whose depth was limited. */
static enum weft_code build_group(const struct config_item *group, const char *path,
                                  struct arena *arena, struct policy_tree *t, struct weft_err *e)
{
    size_t groups = count_kind(group, CONFIG_ITEM_GROUP);
    struct policy_tree *below = arena_alloc(arena, (groups + 1) * sizeof(*below));
    struct policy *policies =
        arena_alloc(arena, (count_kind(group, CONFIG_ITEM_POLICY) + 1) * sizeof(*policies));
    t->name = group->name;
    t->groups = below;
    t->policies = policies;
    for (size_t i = 0; i < group->count; i++) {
        const struct config_item *item = group->members[i];
        if (item->kind == CONFIG_ITEM_GROUP) {
            WEFT_FREE char *sub =
                weft_asprintf("%s/%.*s", path, (int)item->name.len, (const char *)item->name.data);
            WEFT_TRY(build_group(item, sub, arena, &below[t->group_count++], e));
        } else if (item->kind == CONFIG_ITEM_POLICY) {
            WEFT_TRY(build_policy(&(struct place){ path, item }, groups, arena,
                                  &policies[t->policy_count++], e));
        }
    }
    return WEFT_OK;
}

enum weft_code policy_tree_build(const struct config_item *root, struct arena *arena,
                                 const struct policy_tree **ret, struct weft_err *e)
{
    struct policy_tree *t = arena_alloc(arena, sizeof(*t));
    WEFT_TRY(build_group(root, "Channel", arena, t, e));
    t->name = bytes_of_str("Channel");
    *ret = t;
    return WEFT_OK;
}

/* ---- finding ------------------------------------------------------------------------------ */

/* A policy, and the group that it belongs to. */
struct found {
    const struct policy *policy;
    const struct policy_tree *group;
};

static const struct policy_tree *find_group(const struct policy_tree *t, struct bytes name)
{
    for (size_t i = 0; i < t->group_count; i++)
        if (bytes_eq(t->groups[i].name, name))
            return &t->groups[i];
    return NULL;
}

/* "Orderer/Admins", seen from a group. */
static struct found find_below(const struct policy_tree *t, struct bytes path)
{
    struct found none = { 0 };
    for (;;) {
        const uint8_t *slash = path.len > 0 ? memchr(path.data, '/', path.len) : NULL;
        if (slash == NULL)
            break;
        size_t n = (size_t)(slash - path.data);
        t = find_group(t, bytes_of(path.data, n));
        if (t == NULL)
            return none;
        path = bytes_skip(path, n + 1);
    }
    for (size_t i = 0; i < t->policy_count; i++)
        if (bytes_eq(t->policies[i].name, path))
            return (struct found){ &t->policies[i], t };
    return none;
}

/* An absolute path must begin with the tree's own name. */
static struct found find(const struct policy_tree *t, struct bytes path)
{
    struct found none = { 0 };
    if (path.len == 0)
        return none;
    if (path.data[0] != '/')
        return find_below(t, path);
    path = bytes_skip(path, 1);
    if (!bytes_start_with(path, t->name) || path.len <= t->name.len + 1)
        return none;
    return find_below(t, bytes_skip(path, t->name.len + 1));
}

/* ---- evaluating ----------------------------------------------------------------------------- */

static enum weft_code evaluate(const struct found *f, const struct policy_signers *s,
                               struct weft_err *e);

/* A rule that Fabric does not know has the threshold 0 there, and is satisfied
 * when no sub-policy is: it counts down from 0, and must end at 0. */
static enum weft_code evaluate_meta(const struct found *f, const struct policy_signers *s,
                                    struct weft_err *e)
{
    uint64_t satisfied = 0, threshold = f->policy->threshold;
    for (size_t i = 0; i < f->group->group_count && (threshold == 0 || satisfied < threshold);
         i++) {
        struct found sub = find(&f->group->groups[i], f->policy->sub_policy);
        if (sub.policy != NULL && evaluate(&sub, s, NULL) == WEFT_OK)
            satisfied++;
    }
    if (satisfied == threshold)
        return WEFT_OK;
    return WEFT_FAIL(e, WEFT_FORBIDDEN,
                     "implicit policy evaluation failed - %" PRIu64
                     " sub-policies were satisfied, but this policy requires %" PRIu64
                     " of the '%.*s' sub-policies to be satisfied",
                     satisfied, threshold, (int)f->policy->sub_policy.len,
                     (const char *)f->policy->sub_policy.data);
}

/* A meta policy asks the groups below its own: the recursion goes down the tree. */
static enum weft_code evaluate(const struct found *f, const struct policy_signers *s,
                               struct weft_err *e)
{
    if (f->policy->signature == NULL)
        return evaluate_meta(f, s, e);
    if (signature_policy_satisfied(f->policy->signature, s))
        return WEFT_OK;
    return WEFT_FAIL(e, WEFT_FORBIDDEN, "signature set did not satisfy policy");
}

enum weft_code policy_tree_evaluate(const struct policy_tree *t, const char *path,
                                    const struct policy_signers *s, struct weft_err *e)
{
    struct found f = find(t, bytes_of_str(path));
    if (f.policy == NULL)
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "no such policy: '%s'", path);
    return evaluate(&f, s, e);
}

bool policy_tree_has(const struct policy_tree *t, const char *path)
{
    return find(t, bytes_of_str(path)).policy != NULL;
}
