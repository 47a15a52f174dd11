#include "config/config_tree.h"

#include "base/arena.h"
#include "base/limits.h"

#include <strings.h>
#include <yaml.h>

struct anchor {
    struct anchor *next;
    const char *name;
    const struct config_node *node;
};

struct config_tree {
    struct arena arena;
    const struct config_node *root;
};

/* A list or map that is not at its end yet. */
struct open_node {
    struct config_node *node;
    struct config_entry *last;
    const char *key; /* a map's, whose value comes next; NULL: a key comes next */
    unsigned key_line;
    bool merge; /* the key is << */
};

struct reader {
    const char *name;
    struct config_tree *tree;
    struct anchor *anchors;
    size_t anchor_count, node_count;
    struct open_node stack[LIMIT_YAML_DEPTH];
    size_t depth;
    bool done;
};

static enum weft_code give_value(struct reader *r, const struct config_node *node, unsigned line,
                                 struct weft_err *e);

static unsigned line_of(const yaml_event_t *ev)
{
    return (unsigned)ev->start_mark.line + 1;
}

static enum weft_code new_node(struct reader *r, enum config_kind kind, const yaml_event_t *ev,
                               struct config_node **ret, struct weft_err *e)
{
    if (++r->node_count > LIMIT_YAML_NODES)
        return WEFT_FAIL(e, WEFT_LIMIT, "%s:%u: more than %d values", r->name, line_of(ev),
                         LIMIT_YAML_NODES);
    struct config_node *n = arena_alloc(&r->tree->arena, sizeof(*n));
    *n = (struct config_node){ .kind = kind, .line = line_of(ev), .text = "", .weight = 1 };
    *ret = n;
    return WEFT_OK;
}

/* From here on *name means this node. */
static enum weft_code add_anchor(struct reader *r, const yaml_char_t *name,
                                 const struct config_node *node, struct weft_err *e)
{
    if (name == NULL)
        return WEFT_OK;
    if (++r->anchor_count > LIMIT_YAML_ANCHORS)
        return WEFT_FAIL(e, WEFT_LIMIT, "%s:%u: more than %d anchors", r->name, node->line,
                         LIMIT_YAML_ANCHORS);
    struct anchor *a = arena_alloc(&r->tree->arena, sizeof(*a));
    *a = (struct anchor){ .next = r->anchors,
                          .name = arena_dup_str(&r->tree->arena, bytes_of_str((const char *)name)),
                          .node = node };
    r->anchors = a;
    return WEFT_OK;
}

static bool is_null(const char *text)
{
    static const char *const words[] = { "", "~", "null", "Null", "NULL" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(words); i++) {
        if (strcmp(text, words[i]) == 0)
            return true;
    }
    return false;
}

static enum weft_code on_scalar(struct reader *r, const yaml_event_t *ev, struct weft_err *e)
{
    const char *value = (const char *)ev->data.scalar.value;
    if (strlen(value) != ev->data.scalar.length)
        return WEFT_FAIL(e, WEFT_INVALID, "%s:%u: a zero byte in a text", r->name, line_of(ev));
    const struct open_node *top = r->depth > 0 ? &r->stack[r->depth - 1] : NULL;
    bool plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && ev->data.scalar.plain_implicit;
    bool is_key = top != NULL && top->node->kind == CONFIG_MAP && top->key == NULL;

    struct config_node *n;
    WEFT_TRY(
        new_node(r, !is_key && plain && is_null(value) ? CONFIG_NULL : CONFIG_TEXT, ev, &n, e));
    n->plain = plain;
    if (n->kind == CONFIG_TEXT)
        n->text = arena_dup_str(&r->tree->arena, bytes_of_str(value));
    WEFT_TRY(add_anchor(r, ev->data.scalar.anchor, n, e));
    return give_value(r, n, n->line, e);
}

static enum weft_code on_begin(struct reader *r, enum config_kind kind, const yaml_event_t *ev,
                               const yaml_char_t *anchor, struct weft_err *e)
{
    if (r->depth == LIMIT_YAML_DEPTH)
        return WEFT_FAIL(e, WEFT_LIMIT, "%s:%u: more than %d levels", r->name, line_of(ev),
                         LIMIT_YAML_DEPTH);
    struct config_node *n;
    WEFT_TRY(new_node(r, kind, ev, &n, e));
    WEFT_TRY(add_anchor(r, anchor, n, e));
    r->stack[r->depth++] = (struct open_node){ .node = n };
    return WEFT_OK;
}

static enum weft_code on_end(struct reader *r, struct weft_err *e)
{
    const struct config_node *n = r->stack[--r->depth].node;
    return give_value(r, n, n->line, e);
}

static enum weft_code on_alias(struct reader *r, const yaml_event_t *ev, struct weft_err *e)
{
    const char *name = (const char *)ev->data.alias.anchor;
    const struct anchor *a = r->anchors;
    while (a != NULL && strcmp(a->name, name) != 0)
        a = a->next;
    if (a == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "%s:%u: unknown anchor '%s' referenced", r->name,
                         line_of(ev), name);
    for (size_t i = 0; i < r->depth; i++) {
        if (r->stack[i].node == a->node)
            return WEFT_FAIL(e, WEFT_INVALID, "%s:%u: anchor '%s' value contains itself", r->name,
                             line_of(ev), name);
    }
    return give_value(r, a->node, line_of(ev), e);
}

/* Appends, or replaces the value of a key that is there. */
static enum weft_code put_entry(struct reader *r, struct open_node *o, const char *key,
                                unsigned line, const struct config_node *value, struct weft_err *e)
{
    struct config_entry *entry = o->node->first;
    while (key != NULL && entry != NULL && strcmp(entry->key, key) != 0)
        entry = entry->next;
    if (key == NULL || entry == NULL) {
        if (key != NULL && o->node->count == LIMIT_YAML_KEYS)
            return WEFT_FAIL(e, WEFT_LIMIT, "%s:%u: more than %d keys in a map", r->name, line,
                             LIMIT_YAML_KEYS);
        entry = arena_alloc(&r->tree->arena, sizeof(*entry));
        if (o->last != NULL)
            o->last->next = entry;
        else
            o->node->first = entry;
        o->last = entry;
        o->node->count++;
        entry->key = key;
    }
    entry->line = line;
    entry->value = value;
    o->node->weight += value->weight; /* of what was replaced, too: an upper bound */
    if (o->node->weight > LIMIT_YAML_NODES)
        return WEFT_FAIL(e, WEFT_LIMIT, "%s:%u: aliases make more than %d values", r->name, line,
                         LIMIT_YAML_NODES);
    return WEFT_OK;
}

static enum weft_code merge_map(struct reader *r, struct open_node *o,
                                const struct config_node *from, unsigned line, struct weft_err *e)
{
    if (from->kind != CONFIG_MAP)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "%s:%u: map merge requires map or sequence of maps as the value", r->name,
                         line);
    for (const struct config_entry *i = from->first; i != NULL; i = i->next)
        WEFT_TRY(put_entry(r, o, i->key, i->line, i->value, e));
    return WEFT_OK;
}

/* Of a list the first map counts most, so it comes last. */
static enum weft_code merge(struct reader *r, struct open_node *o, const struct config_node *from,
                            unsigned line, struct weft_err *e)
{
    if (from->kind != CONFIG_LIST)
        return merge_map(r, o, from, line, e);
    if (from->count > LIMIT_YAML_MERGE)
        return WEFT_FAIL(e, WEFT_LIMIT, "%s:%u: more than %d maps to merge", r->name, line,
                         LIMIT_YAML_MERGE);
    const struct config_node *maps[LIMIT_YAML_MERGE];
    size_t n = 0;
    for (const struct config_entry *i = from->first; i != NULL; i = i->next)
        maps[n++] = i->value;
    while (n > 0)
        WEFT_TRY(merge_map(r, o, maps[--n], line, e));
    return WEFT_OK;
}

static enum weft_code take_key(struct reader *r, struct open_node *o,
                               const struct config_node *node, unsigned line, struct weft_err *e)
{
    if (node->kind == CONFIG_LIST || node->kind == CONFIG_MAP)
        return WEFT_FAIL(e, WEFT_INVALID, "%s:%u: a key must be a text", r->name, line);
    o->key = node->text;
    o->key_line = line;
    o->merge = node->plain && strcmp(node->text, "<<") == 0;
    return WEFT_OK;
}

/* A node is complete: it goes to where it belongs. */
static enum weft_code give_value(struct reader *r, const struct config_node *node, unsigned line,
                                 struct weft_err *e)
{
    if (r->depth == 0) {
        r->tree->root = node;
        return WEFT_OK;
    }
    struct open_node *o = &r->stack[r->depth - 1];
    if (o->node->kind == CONFIG_LIST)
        return put_entry(r, o, NULL, line, node, e);
    if (o->key == NULL)
        return take_key(r, o, node, line, e);
    const char *key = o->key;
    o->key = NULL;
    if (o->merge)
        return merge(r, o, node, line, e);
    return put_entry(r, o, key, o->key_line, node, e);
}

static enum weft_code on_event(struct reader *r, const yaml_event_t *ev, struct weft_err *e)
{
    switch (ev->type) {
    case YAML_SCALAR_EVENT:
        return on_scalar(r, ev, e);
    case YAML_ALIAS_EVENT:
        return on_alias(r, ev, e);
    case YAML_SEQUENCE_START_EVENT:
        return on_begin(r, CONFIG_LIST, ev, ev->data.sequence_start.anchor, e);
    case YAML_MAPPING_START_EVENT:
        return on_begin(r, CONFIG_MAP, ev, ev->data.mapping_start.anchor, e);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return on_end(r, e);
    case YAML_DOCUMENT_END_EVENT:
    case YAML_STREAM_END_EVENT:
        r->done = true;
        return WEFT_OK;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_START_EVENT:
        return WEFT_OK;
    }
    return WEFT_OK;
}

static enum weft_code parser_failed(const struct reader *r, const yaml_parser_t *parser,
                                    struct weft_err *e)
{
    size_t line = parser->problem_mark.line + 1;
    const char *problem = parser->problem != NULL ? parser->problem : "can't be read";
    if (parser->error == YAML_READER_ERROR)
        return WEFT_FAIL(e, WEFT_INVALID, "%s: not YAML: %s, at byte %zu", r->name, problem,
                         parser->problem_offset);
    return WEFT_FAIL(e, WEFT_INVALID, "%s:%zu: not YAML: %s%s%s", r->name, line, problem,
                     parser->context != NULL ? ", " : "",
                     parser->context != NULL ? parser->context : "");
}

static enum weft_code read_events(struct reader *r, yaml_parser_t *parser, struct weft_err *e)
{
    while (!r->done) {
        yaml_event_t ev;
        if (yaml_parser_parse(parser, &ev) != 1)
            return parser_failed(r, parser, e);
        enum weft_code rc = on_event(r, &ev, e);
        yaml_event_delete(&ev);
        WEFT_TRY(rc);
    }
    return WEFT_OK;
}

enum weft_code config_tree_parse(struct bytes text, const char *name, struct config_tree **ret,
                                 struct weft_err *e)
{
    static const struct config_node nothing = { .kind = CONFIG_NULL, .text = "", .weight = 1 };
    if (text.len > LIMIT_YAML_BYTES)
        return WEFT_FAIL(e, WEFT_LIMIT, "%s: %zu bytes, at most %d are read", name, text.len,
                         LIMIT_YAML_BYTES);
    WEFT_CLEANUP(config_tree_free) struct config_tree *t = weft_alloc(sizeof(*t));
    WEFT_FREE struct reader *r = weft_alloc(sizeof(*r));
    t->root = &nothing;
    r->name = name;
    r->tree = t;

    yaml_parser_t parser;
    if (yaml_parser_initialize(&parser) != 1)
        return WEFT_FAIL(e, WEFT_UNAVAILABLE, "%s: no memory to read it", name);
    yaml_parser_set_input_string(&parser, text.data != NULL ? text.data : (const uint8_t *)"",
                                 text.len);
    enum weft_code rc = read_events(r, &parser, e);
    yaml_parser_delete(&parser);
    WEFT_TRY(rc);
    *ret = WEFT_TAKE(t);
    return WEFT_OK;
}

void config_tree_free(struct config_tree *t)
{
    if (t == NULL)
        return;
    arena_done(&t->arena);
    free(t);
}

const struct config_node *config_tree_root(const struct config_tree *t)
{
    return t->root;
}

/* `key` ends where the path's part ends. */
static const struct config_node *find_part(const struct config_node *map, struct bytes key)
{
    const struct config_node *found = NULL;
    if (map->kind != CONFIG_MAP)
        return NULL;
    for (const struct config_entry *i = map->first; i != NULL; i = i->next) {
        if (strlen(i->key) == key.len && strncasecmp(i->key, (const char *)key.data, key.len) == 0)
            found = i->value;
    }
    return found;
}

const struct config_node *config_node_find(const struct config_node *map, const char *key)
{
    return find_part(map, bytes_of_str(key));
}

const struct config_node *config_node_find_path(const struct config_node *map, const char *path)
{
    while (map != NULL && *path != '\0') {
        size_t n = strcspn(path, ".");
        map = find_part(map, bytes_of(path, n));
        path += n + (path[n] == '.' ? 1 : 0);
    }
    return map;
}
