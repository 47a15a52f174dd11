#include "channel/config_update.h"

#include "base/limits.h"
#include "proto/wire.h"

#include <inttypes.h>

static const char root_key[] = "Channel";

/* ---- names ------------------------------------------------------------------------ */

static bool is_name_char(uint8_t c, bool upper)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           (upper && c >= 'A' && c <= 'Z');
}

static bool all_name_chars(struct bytes id, bool upper)
{
    for (size_t i = 0; i < id.len; i++)
        if (!is_name_char(id.data[i], upper))
            return false;
    return true;
}

/* For messages: at most 100 bytes of a name from outside. */
static int shown(struct bytes b)
{
    return b.len < 100 ? (int)b.len : 100;
}

enum weft_code channel_id_check(struct bytes id, struct weft_err *e)
{
    if (id.len == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "channel ID illegal, cannot be empty");
    if (id.len > LIMIT_CHANNEL_ID)
        return WEFT_FAIL(e, WEFT_INVALID, "channel ID illegal, cannot be longer than %d",
                         (int)LIMIT_CHANNEL_ID);
    if (id.data[0] < 'a' || id.data[0] > 'z' || !all_name_chars(id, false))
        return WEFT_FAIL(e, WEFT_INVALID, "'%.*s' contains illegal characters", shown(id),
                         (const char *)id.data);
    return WEFT_OK;
}

enum weft_code config_id_check(struct bytes id, struct weft_err *e)
{
    if (id.len == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "config ID illegal, cannot be empty");
    if (id.len > LIMIT_CHANNEL_ID)
        return WEFT_FAIL(e, WEFT_INVALID, "config ID illegal, cannot be longer than %d",
                         (int)LIMIT_CHANNEL_ID);
    if (bytes_eq(id, bytes_of_str(".")) || bytes_eq(id, bytes_of_str("..")))
        return WEFT_FAIL(e, WEFT_INVALID, "name '%.*s' for config ID is not allowed", shown(id),
                         (const char *)id.data);
    if (!all_name_chars(id, true))
        return WEFT_FAIL(e, WEFT_INVALID, "config ID '%.*s' contains illegal characters", shown(id),
                         (const char *)id.data);
    return WEFT_OK;
}

/* ---- the message -------------------------------------------------------------------- */

static enum weft_code parse_set(const struct config_parts *set, struct arena *arena,
                                const struct config_item **ret, struct weft_err *e)
{
    return set->count > 0 ? config_group_parse(set->whole, arena, ret, e) : WEFT_OK;
}

enum weft_code config_update_parse(struct bytes b, struct arena *arena,
                                   struct config_update_view *ret, struct weft_err *e)
{
    struct config_update_view u = { 0 };
    struct config_parts read_set = { 0 }, write_set = { 0 };
    struct wire w = wire_of(b);
    struct wire_field f;
    bool good = true;
    while (good && wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            u.channel_id = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN))
            good = config_parts_add(&read_set, f.bytes, arena);
        else if (wire_is(&f, 3, WIRE_LEN))
            good = config_parts_add(&write_set, f.bytes, arena);
    }
    if (w.bad || !good || !wire_utf8(u.channel_id))
        return WEFT_FAIL(e, WEFT_INVALID, "error unmarshalling ConfigUpdate");
    WEFT_TRY(parse_set(&read_set, arena, &u.read_set, e));
    WEFT_TRY(parse_set(&write_set, arena, &u.write_set, e));
    *ret = u;
    return WEFT_OK;
}

static void put_set(struct buf *out, uint32_t number, const struct config_item *set)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    if (set == NULL)
        return;
    config_group_encode(set, &b);
    wire_put_bytes(out, number, buf_bytes(&b));
}

void config_update_encode(const struct config_update_view *u, struct buf *out)
{
    if (u->channel_id.len > 0)
        wire_put_bytes(out, 1, u->channel_id);
    put_set(out, 2, u->read_set);
    put_set(out, 3, u->write_set);
}

/* ---- maps from path to element ---------------------------------------------------------- */

/* One element and its path: "[Value]  /Channel/Orderer/BatchSize". */
struct element {
    const char *key;
    const char *group_path; /* the policy manager's: "/Channel/Orderer" */
    const struct config_item *item;
};

struct config_map {
    struct element *at;
    size_t count, cap;
};

static void map_done(struct config_map *m)
{
    free(m->at);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct config_map, map_done)

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct element *)a)->key, ((const struct element *)b)->key);
}

static const struct element *map_find(const struct config_map *m, const char *key)
{
    struct element wanted = { .key = key };
    return m->count > 0 ? bsearch(&wanted, m->at, m->count, sizeof(wanted), by_key) : NULL;
}

static void map_sort(struct config_map *m)
{
    if (m->count > 1)
        qsort(m->at, m->count, sizeof(*m->at), by_key);
}

static void map_put(struct config_map *m, const struct element *one)
{
    if (m->count == m->cap) {
        m->cap = m->cap > 0 ? 2 * m->cap : 32;
        m->at = weft_realloc(m->at, m->cap * sizeof(*m->at));
    }
    m->at[m->count++] = *one;
}

/* A zero byte in a name ends the text early; config_id_check refuses such names. */
static const char *text(struct arena *arena, const char *first, const char *between,
                        struct bytes last)
{
    size_t n = strlen(first) + strlen(between) + last.len + 1;
    char *s = arena_alloc(arena, n);
    (void)snprintf(s, n, "%s%s%.*s", first, between, (int)last.len,
                   last.len > 0 ? (const char *)last.data : "");
    return s;
}

static const char *const prefixes[] = {
    [CONFIG_ITEM_GROUP] = "[Group]  ",
    [CONFIG_ITEM_VALUE] = "[Value]  ",
    [CONFIG_ITEM_POLICY] = "[Policy] ",
};

/* Adds a group with all below it; the tree's depth was limited when it was read. */
static enum weft_code map_group(struct config_map *m, struct arena *arena, const char *path,
                                const struct config_item *group, struct weft_err *e)
{
    map_put(m, &(struct element){ text(arena, prefixes[CONFIG_ITEM_GROUP], "", bytes_of_str(path)),
                                  path, group });
    for (size_t i = 0; i < group->count; i++) {
        const struct config_item *item = group->members[i];
        const char *below = text(arena, path, "/", item->name);
        enum weft_code rc = config_id_check(item->name, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "illegal characters in key: %s", prefixes[item->kind]);
        if (item->kind == CONFIG_ITEM_GROUP)
            WEFT_TRY(map_group(m, arena, below, item, e));
        else
            map_put(m,
                    &(struct element){ text(arena, prefixes[item->kind], "", bytes_of_str(below)),
                                       path, item });
    }
    return WEFT_OK;
}

static enum weft_code map_tree(struct config_map *m, struct arena *arena,
                               const struct config_item *root, struct weft_err *e)
{
    if (root != NULL)
        WEFT_TRY(map_group(m, arena, text(arena, "/", "", bytes_of_str(root_key)), root, e));
    map_sort(m);
    return WEFT_OK;
}

enum weft_code config_names_check(const struct config_item *root, struct weft_err *e)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    WEFT_CLEANUP(map_done) struct config_map m = { 0 };
    return map_tree(&m, &arena, root, e);
}

/* ---- read set and delta -------------------------------------------------------------------- */

static enum weft_code check_read_set(const struct config_map *now, const struct config_map *read,
                                     struct weft_err *e)
{
    for (size_t i = 0; i < read->count; i++) {
        const struct element *wanted = &read->at[i], *existing = map_find(now, wanted->key);
        if (existing == NULL)
            return WEFT_FAIL(
                e, WEFT_INVALID,
                "existing config does not contain element for %s but was in the read set",
                wanted->key);
        if (existing->item->version != wanted->item->version)
            return WEFT_FAIL(e, WEFT_INVALID,
                             "proposed update requires that key %s be at version %" PRIu64
                             ", but it is currently at version %" PRIu64,
                             wanted->key, wanted->item->version, existing->item->version);
    }
    return WEFT_OK;
}

static void find_delta(const struct config_map *read, const struct config_map *write,
                       struct config_map *delta)
{
    for (size_t i = 0; i < write->count; i++) {
        const struct element *before = map_find(read, write->at[i].key);
        if (before == NULL || before->item->version != write->at[i].item->version)
            map_put(delta, &write->at[i]);
    }
}

static enum weft_code check_mod_policy(struct bytes policy, struct weft_err *e)
{
    if (policy.len == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "mod_policy not set");
    struct bytes rest = policy.data[0] == '/' ? bytes_skip(policy, 1) : policy;
    for (size_t at = 0;; at++) {
        const uint8_t *slash = rest.len > 0 ? memchr(rest.data, '/', rest.len) : NULL;
        size_t n = slash != NULL ? (size_t)(slash - rest.data) : rest.len;
        enum weft_code rc = config_id_check(bytes_of(rest.data, n), e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "path element at %zu is invalid", at);
        if (slash == NULL)
            return WEFT_OK;
        rest = bytes_skip(rest, n + 1);
    }
}

/* An absolute path stays; a relative one starts at the element's group, or for
 * a group at the group itself. */
static enum weft_code check_policy(const struct element *existing,
                                   const struct config_update_policies *policies,
                                   struct arena *arena, struct weft_err *e)
{
    struct bytes mod = existing->item->mod_policy;
    bool absolute = mod.len > 0 && mod.data[0] == '/';
    const char *path =
        absolute ? arena_dup_str(arena, mod) : text(arena, existing->group_path, "/", mod);
    enum weft_code rc = check_mod_policy(mod, NULL) != WEFT_OK
                            ? WEFT_NOT_FOUND
                            : policies->satisfied(policies->ctx, path, e);
    if (rc == WEFT_NOT_FOUND)
        return WEFT_FAIL(e, WEFT_FORBIDDEN, "unexpected missing policy %.*s for item %s",
                         shown(mod), (const char *)mod.data, existing->key);
    return rc == WEFT_OK ? rc : weft_err_wrap(e, rc, "policy for %s not satisfied", existing->key);
}

static enum weft_code check_delta(const struct config_map *now, const struct config_map *delta,
                                  const struct config_update_policies *policies,
                                  struct arena *arena, struct weft_err *e)
{
    if (delta->count == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "delta set was empty -- update would have no effect");
    for (size_t i = 0; i < delta->count; i++) {
        const struct element *wanted = &delta->at[i], *existing = map_find(now, wanted->key);
        uint64_t version = wanted->item->version;
        enum weft_code rc = check_mod_policy(wanted->item->mod_policy, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "invalid mod_policy for element %s", wanted->key);
        if (existing == NULL && version != 0)
            return WEFT_FAIL(e, WEFT_INVALID,
                             "attempted to set key %s to version %" PRIu64
                             ", but key does not exist",
                             wanted->key, version);
        if (existing == NULL)
            continue;
        if (version != existing->item->version + 1)
            return WEFT_FAIL(e, WEFT_INVALID,
                             "attempt to set key %s to version %" PRIu64
                             ", but key is at version %" PRIu64,
                             wanted->key, version, existing->item->version);
        WEFT_TRY(check_policy(existing, policies, arena, e));
    }
    return WEFT_OK;
}

/* ---- the result ----------------------------------------------------------------------------- */

struct builder {
    const struct config_map *now, *delta;
    struct arena *arena;
    bool fill_mod_policy; /* channels from 1.0 may lack some: Fabric puts Admins there */
};

static const struct element *newest(const struct builder *b, const char *key)
{
    const struct element *changed = map_find(b->delta, key);
    return changed != NULL ? changed : map_find(b->now, key);
}

static struct config_item *copy_item(const struct builder *b, const struct config_item *item)
{
    struct config_item *copy = arena_alloc(b->arena, sizeof(*copy));
    *copy = *item;
    if (b->fill_mod_policy && copy->mod_policy.len == 0)
        copy->mod_policy = bytes_of_str("Admins");
    return copy;
}

/* A group lists the members that its newest form names, each in its own newest
 * form: what the group no longer names is gone. */
static enum weft_code build_group(const struct builder *b, const char *path,
                                  const struct config_item **ret, struct weft_err *e)
{
    const char *key = text(b->arena, prefixes[CONFIG_ITEM_GROUP], "", bytes_of_str(path));
    const struct element *source = newest(b, key);
    if (source == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "missing group at path: %s", key);
    struct config_item *group = copy_item(b, source->item);
    const struct config_item **members =
        arena_alloc(b->arena, (group->count + 1) * sizeof(*members));
    for (size_t i = 0; i < group->count; i++) {
        const struct config_item *named = group->members[i];
        const char *below = text(b->arena, path, "/", named->name);
        if (named->kind == CONFIG_ITEM_GROUP) {
            WEFT_TRY(build_group(b, below, &members[i], e));
            continue;
        }
        const char *member_key = text(b->arena, prefixes[named->kind], "", bytes_of_str(below));
        const struct element *member = newest(b, member_key);
        if (member == NULL)
            return WEFT_FAIL(e, WEFT_INVALID, "missing %s at path: %s",
                             named->kind == CONFIG_ITEM_VALUE ? "value" : "policy", member_key);
        members[i] = copy_item(b, member->item);
    }
    group->members = members;
    *ret = group;
    return WEFT_OK;
}

enum weft_code config_update_apply(const struct config_item *current, const char *channel_id,
                                   const struct config_update_view *update,
                                   const struct config_update_policies *policies,
                                   struct arena *arena, const struct config_item **ret,
                                   struct weft_err *e)
{
    WEFT_CLEANUP(map_done) struct config_map now = { 0 };
    WEFT_CLEANUP(map_done) struct config_map read = { 0 };
    WEFT_CLEANUP(map_done) struct config_map write = { 0 };
    WEFT_CLEANUP(map_done) struct config_map delta = { 0 };
    if (!bytes_eq(update->channel_id, bytes_of_str(channel_id)))
        return WEFT_FAIL(
            e, WEFT_INVALID, "ConfigUpdate for channel '%.*s' but envelope for channel '%s'",
            shown(update->channel_id), (const char *)update->channel_id.data, channel_id);
    WEFT_TRY(map_tree(&now, arena, current, e));
    enum weft_code rc = map_tree(&read, arena, update->read_set, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error mapping ReadSet");
    rc = check_read_set(&now, &read, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error validating ReadSet");
    rc = map_tree(&write, arena, update->write_set, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error mapping WriteSet");
    find_delta(&read, &write, &delta);
    rc = check_delta(&now, &delta, policies, arena, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error validating DeltaSet");

    struct builder b = { .now = &now, .delta = &delta, .arena = arena };
    b.fill_mod_policy = newest(&b, "[Value]  /Channel/Orderer/Capabilities") != NULL;
    return build_group(&b, "/Channel", ret, e);
}

/* ---- computing an update ---------------------------------------------------------------------- */

/* What one level adds to the two sets. */
struct sets {
    struct arena *arena;
    const struct config_item **read, **write, **same;
    size_t reads, writes, sames;
    bool members_changed;
};

static const struct config_item *reference(struct arena *arena, const struct config_item *item)
{
    struct config_item *r = arena_alloc(arena, sizeof(*r));
    *r = (struct config_item){ .kind = item->kind, .name = item->name, .version = item->version };
    return r;
}

static bool same_content(const struct config_item *a, const struct config_item *b)
{
    return bytes_eq(a->mod_policy, b->mod_policy) && bytes_eq(a->value, b->value) &&
           a->has_policy == b->has_policy && a->policy_type == b->policy_type;
}

static bool compute_group(struct arena *arena, const struct config_item *original,
                          const struct config_item *updated, const struct config_item **ret_read,
                          const struct config_item **ret_write);

/* A member that both have. */
static void compute_member(struct sets *s, const struct config_item *original,
                           const struct config_item *updated)
{
    const struct config_item *read = NULL, *write = NULL;
    if (original->kind == CONFIG_ITEM_GROUP) {
        if (!compute_group(s->arena, original, updated, &read, &write)) {
            s->same[s->sames++] = read;
            return;
        }
        s->read[s->reads++] = read;
        s->write[s->writes++] = write;
    } else if (same_content(original, updated)) {
        s->same[s->sames++] = reference(s->arena, original);
    } else {
        struct config_item *changed = arena_alloc(s->arena, sizeof(*changed));
        *changed = *updated;
        changed->version = original->version + 1;
        s->write[s->writes++] = changed;
    }
}

/* A member that only the new configuration has: version 0, all the way down. */
static const struct config_item *as_new(struct arena *arena, const struct config_item *item)
{
    struct config_item *copy = arena_alloc(arena, sizeof(*copy));
    const struct config_item **members = arena_alloc(arena, (item->count + 1) * sizeof(*members));
    *copy = *item;
    copy->version = 0;
    for (size_t i = 0; i < item->count; i++)
        members[i] = as_new(arena, item->members[i]);
    copy->members = members;
    return copy;
}

static const struct config_item *group_of(struct sets *s, const struct config_item *like,
                                          uint64_t version, struct bytes mod_policy,
                                          const struct config_item **members, size_t count)
{
    struct config_item *g = arena_alloc(s->arena, sizeof(*g));
    config_group_sort(members, count);
    *g = (struct config_item){ .kind = CONFIG_ITEM_GROUP,
                               .name = like->name,
                               .version = version,
                               .mod_policy = mod_policy,
                               .members = members,
                               .count = count };
    return g;
}

/* False when nothing below has changed; *ret_read is then a mere reference. */
static bool compute_group(struct arena *arena, const struct config_item *original,
                          const struct config_item *updated, const struct config_item **ret_read,
                          const struct config_item **ret_write)
{
    size_t most = (original->count + updated->count + 1) * sizeof(struct config_item *);
    struct sets s = { .arena = arena,
                      .read = arena_alloc(arena, most),
                      .write = arena_alloc(arena, most),
                      .same = arena_alloc(arena, most) };
    for (size_t i = 0; i < original->count; i++) {
        const struct config_item *before = original->members[i];
        const struct config_item *after = config_group_find(updated, before->kind, before->name);
        if (after == NULL)
            s.members_changed = true;
        else
            compute_member(&s, before, after);
    }
    for (size_t i = 0; i < updated->count; i++) {
        const struct config_item *after = updated->members[i];
        if (config_group_find(original, after->kind, after->name) != NULL)
            continue;
        s.members_changed = true;
        s.write[s.writes++] = as_new(arena, after);
    }
    bool changed = s.members_changed || !bytes_eq(original->mod_policy, updated->mod_policy);
    if (!changed && s.reads == 0 && s.writes == 0) {
        *ret_read = *ret_write = reference(arena, original);
        return false;
    }
    for (size_t i = 0; changed && i < s.sames; i++) {
        s.read[s.reads++] = s.same[i];
        s.write[s.writes++] = s.same[i];
    }
    struct bytes none = { 0 };
    *ret_read = group_of(&s, original, original->version, none, s.read, s.reads);
    *ret_write = group_of(&s, original, original->version + (changed ? 1 : 0),
                          changed ? updated->mod_policy : none, s.write, s.writes);
    return true;
}

enum weft_code config_update_compute(const struct config_item *original,
                                     const struct config_item *updated, struct arena *arena,
                                     struct config_update_view *ret, struct weft_err *e)
{
    struct config_update_view u = { 0 };
    if (!compute_group(arena, original, updated, &u.read_set, &u.write_set))
        return WEFT_FAIL(e, WEFT_INVALID,
                         "no differences detected between original and updated config");
    *ret = u;
    return WEFT_OK;
}
