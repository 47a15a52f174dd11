#include "channel/config_group.h"

#include "base/limits.h"
#include "proto/wire.h"

/* ---- order ---------------------------------------------------------------------- */

static int compare(const struct config_item *a, enum config_item_kind kind, struct bytes name)
{
    return a->kind != kind ? (int)a->kind - (int)kind : bytes_cmp(a->name, name);
}

static int by_kind_and_name(const void *a, const void *b)
{
    const struct config_item *left = *(const struct config_item *const *)a;
    const struct config_item *right = *(const struct config_item *const *)b;
    return compare(left, right->kind, right->name);
}

void config_group_sort(const struct config_item **members, size_t count)
{
    if (count > 1)
        qsort(members, count, sizeof(*members), by_kind_and_name);
}

const struct config_item *config_group_find(const struct config_item *group,
                                            enum config_item_kind kind, struct bytes name)
{
    size_t low = 0, high = group->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int c = compare(group->members[middle], kind, name);
        if (c == 0)
            return group->members[middle];
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- reading ---------------------------------------------------------------------- */

struct reader {
    struct arena *arena;
    size_t items;
};

/* The members of one group while they are read. */
struct members {
    const struct config_item **at;
    size_t count, cap;
};

static void add_member(struct reader *r, struct members *m, struct config_item *item)
{
    if (m->count == m->cap) {
        m->cap = m->cap > 0 ? 2 * m->cap : 8;
        const struct config_item **more = arena_alloc(r->arena, m->cap * sizeof(*more));
        if (m->count > 0)
            memcpy(more, m->at, m->count * sizeof(*more));
        m->at = more;
    }
    item->order = m->count;
    m->at[m->count++] = item;
}

/* Of equal names the last one holds, as in a Go map. */
static void sort_and_drop_doubles(struct members *m)
{
    size_t kept = 0;
    config_group_sort(m->at, m->count);
    for (size_t i = 0; i < m->count; i++) {
        bool again = kept > 0 && compare(m->at[kept - 1], m->at[i]->kind, m->at[i]->name) == 0;
        if (!again)
            m->at[kept++] = m->at[i];
        else if (m->at[i]->order > m->at[kept - 1]->order)
            m->at[kept - 1] = m->at[i];
    }
    m->count = kept;
}

static enum weft_code malformed(const char *what, struct weft_err *e)
{
    return WEFT_FAIL(e, WEFT_INVALID, "error unmarshalling %s", what);
}

/* ConfigValue { 1 version, 2 value, 3 mod_policy } */
static bool parse_value(struct bytes b, struct config_item *item)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_VARINT))
            item->version = f.varint;
        else if (wire_is(&f, 2, WIRE_LEN))
            item->value = f.bytes;
        else if (wire_is(&f, 3, WIRE_LEN))
            item->mod_policy = f.bytes;
    }
    return !w.bad && wire_utf8(item->mod_policy);
}

/* Policy { 1 type, 2 value } */
static bool parse_policy_body(struct bytes b, struct config_item *item)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    item->has_policy = true;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_VARINT))
            item->policy_type = (int32_t)(uint32_t)f.varint;
        else if (wire_is(&f, 2, WIRE_LEN))
            item->value = f.bytes;
    }
    return !w.bad;
}

/* ConfigPolicy { 1 version, 2 policy, 3 mod_policy } */
static bool parse_policy(struct bytes b, struct config_item *item)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    bool good = true;
    while (good && wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_VARINT))
            item->version = f.varint;
        else if (wire_is(&f, 2, WIRE_LEN))
            good = parse_policy_body(f.bytes, item);
        else if (wire_is(&f, 3, WIRE_LEN))
            item->mod_policy = f.bytes;
    }
    return good && !w.bad && wire_utf8(item->mod_policy);
}

bool config_parts_add(struct config_parts *p, struct bytes part, struct arena *arena)
{
    if (p->count++ == 0) {
        p->whole = part;
        return true;
    }
    if (p->count > LIMIT_CONFIG_PARTS)
        return false;
    uint8_t *both = arena_alloc(arena, p->whole.len + part.len + 1);
    if (p->whole.len > 0)
        memcpy(both, p->whole.data, p->whole.len);
    if (part.len > 0)
        memcpy(both + p->whole.len, part.data, part.len);
    p->whole = bytes_of(both, p->whole.len + part.len);
    return true;
}

/* A map's entry { 1 key, 2 value }; the content is the caller's to read. */
static enum weft_code parse_entry(struct reader *r, struct bytes b, struct bytes *ret_key,
                                  struct bytes *ret_value, struct weft_err *e)
{
    struct config_parts value = { 0 };
    struct wire w = wire_of(b);
    struct wire_field f;
    bool good = true;
    *ret_key = bytes_of(NULL, 0);
    while (good && wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            *ret_key = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN))
            good = config_parts_add(&value, f.bytes, r->arena);
    }
    *ret_value = value.whole;
    return w.bad || !good || value.count == 0 || !wire_utf8(*ret_key)
               ? malformed("ConfigGroup entry", e)
               : WEFT_OK;
}

static enum weft_code parse_group(struct reader *r, struct bytes b, size_t depth,
                                  struct config_item *group, struct weft_err *e);

static enum weft_code parse_member(struct reader *r, struct bytes entry, enum config_item_kind kind,
                                   size_t depth, struct members *m, struct weft_err *e)
{
    struct bytes key = { 0 }, content = { 0 };
    WEFT_TRY(parse_entry(r, entry, &key, &content, e));
    if (++r->items > LIMIT_CONFIG_ITEMS)
        return WEFT_FAIL(e, WEFT_LIMIT, "configuration has more than %d items",
                         (int)LIMIT_CONFIG_ITEMS);
    struct config_item *item = arena_alloc(r->arena, sizeof(*item));
    item->kind = kind;
    item->name = key;
    bool good = true;
    switch (kind) {
    case CONFIG_ITEM_GROUP:
        WEFT_TRY(parse_group(r, content, depth + 1, item, e));
        break;
    case CONFIG_ITEM_VALUE:
        good = parse_value(content, item);
        break;
    case CONFIG_ITEM_POLICY:
        good = parse_policy(content, item);
        break;
    }
    if (!good)
        return malformed(kind == CONFIG_ITEM_VALUE ? "ConfigValue" : "ConfigPolicy", e);
    add_member(r, m, item);
    return WEFT_OK;
}

static enum weft_code parse_group(struct reader *r, struct bytes b, size_t depth,
                                  struct config_item *group, struct weft_err *e)
{
    struct members m = { 0 };
    struct wire w = wire_of(b);
    struct wire_field f;
    if (depth > LIMIT_CONFIG_DEPTH)
        return WEFT_FAIL(e, WEFT_LIMIT, "configuration groups nest deeper than %d",
                         (int)LIMIT_CONFIG_DEPTH);
    while (wire_next(&w, &f)) {
        if (f.number >= 2 && f.number <= 4 && f.type != WIRE_LEN)
            return malformed("ConfigGroup", e); /* a map; Go is stricter with these */
        if (wire_is(&f, 1, WIRE_VARINT))
            group->version = f.varint;
        else if (wire_is(&f, 2, WIRE_LEN))
            WEFT_TRY(parse_member(r, f.bytes, CONFIG_ITEM_GROUP, depth, &m, e));
        else if (wire_is(&f, 3, WIRE_LEN))
            WEFT_TRY(parse_member(r, f.bytes, CONFIG_ITEM_VALUE, depth, &m, e));
        else if (wire_is(&f, 4, WIRE_LEN))
            WEFT_TRY(parse_member(r, f.bytes, CONFIG_ITEM_POLICY, depth, &m, e));
        else if (wire_is(&f, 5, WIRE_LEN))
            group->mod_policy = f.bytes;
    }
    if (w.bad || !wire_utf8(group->mod_policy))
        return malformed("ConfigGroup", e);
    sort_and_drop_doubles(&m);
    group->members = m.at;
    group->count = m.count;
    return WEFT_OK;
}

enum weft_code config_group_parse(struct bytes b, struct arena *arena,
                                  const struct config_item **ret, struct weft_err *e)
{
    struct reader r = { .arena = arena };
    struct config_item *root = arena_alloc(arena, sizeof(*root));
    WEFT_TRY(parse_group(&r, b, 1, root, e));
    *ret = root;
    return WEFT_OK;
}

/* ---- writing ------------------------------------------------------------------------ */

static void put_if_any(struct buf *out, uint32_t number, struct bytes b)
{
    if (b.len > 0)
        wire_put_bytes(out, number, b);
}

static void put_version(struct buf *out, uint64_t version)
{
    if (version != 0)
        wire_put_varint(out, 1, version);
}

static void encode_policy(const struct config_item *item, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf policy = { 0 };
    put_version(out, item->version);
    if (item->policy_type != 0)
        wire_put_varint(&policy, 1, (uint64_t)(int64_t)item->policy_type);
    put_if_any(&policy, 2, item->value);
    if (item->has_policy)
        wire_put_bytes(out, 2, buf_bytes(&policy));
    put_if_any(out, 3, item->mod_policy);
}

static void encode_member(const struct config_item *item, struct buf *out)
{
    switch (item->kind) {
    case CONFIG_ITEM_GROUP:
        config_group_encode(item, out);
        break;
    case CONFIG_ITEM_VALUE:
        put_version(out, item->version);
        put_if_any(out, 2, item->value);
        put_if_any(out, 3, item->mod_policy);
        break;
    case CONFIG_ITEM_POLICY:
        encode_policy(item, out);
        break;
    }
}

/* Recursion ends with the tree, whose depth was limited when it was read. */
void config_group_encode(const struct config_item *group, struct buf *out)
{
    put_version(out, group->version);
    for (size_t i = 0; i < group->count; i++) {
        const struct config_item *item = group->members[i];
        WEFT_CLEANUP(buf_done) struct buf content = { 0 };
        WEFT_CLEANUP(buf_done) struct buf entry = { 0 };
        encode_member(item, &content);
        wire_put_bytes(&entry, 1, item->name); /* a map's entry has both, also if empty */
        wire_put_bytes(&entry, 2, buf_bytes(&content));
        wire_put_bytes(out, 2 + (uint32_t)item->kind, buf_bytes(&entry));
    }
    put_if_any(out, 5, group->mod_policy);
}

/* ---- comparing ------------------------------------------------------------------------ */

bool config_group_eq(const struct config_item *a, const struct config_item *b)
{
    if (a->kind != b->kind || a->version != b->version || a->has_policy != b->has_policy ||
        a->policy_type != b->policy_type || a->count != b->count || !bytes_eq(a->name, b->name) ||
        !bytes_eq(a->mod_policy, b->mod_policy) || !bytes_eq(a->value, b->value))
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!config_group_eq(a->members[i], b->members[i]))
            return false;
    return true;
}
