#include "config/config_table.h"

#include "base/duration.h"
#include "base/limits.h"
#include "base/log.h"
#include "config/config_value.h"

#include <strings.h>

LOG_DEFINE(config_log, "localconfig");

/* What a parser is given: the value, and where to put what comes of it. */
struct job {
    const struct config_table *table;
    const struct config_source *src;
    const struct config_value *value;
    struct arena *arena;
    void *out;
};

/* Parsers put nothing when they return false. */
typedef bool parse_fn(const struct job *j);

static bool parse_string(const struct job *j)
{
    *(const char **)j->out = arena_dup_str(j->arena, bytes_of_str(j->value->text));
    return true;
}

static bool parse_path(const struct job *j)
{
    *(const char **)j->out = config_source_resolve(j->src, j->value->text, j->arena);
    return true;
}

static bool parse_bool(const struct job *j)
{
    return config_parse_bool(j->value->text, j->value->plain, j->out);
}

static bool parse_shift(const struct job *j)
{
    return config_parse_duration(j->value->text, j->value->plain, j->out);
}

static bool parse_duration(const struct job *j)
{
    int64_t ns;
    if (!config_parse_duration(j->value->text, j->value->plain, &ns) || ns < 0)
        return false;
    *(int64_t *)j->out = ns;
    return true;
}

static bool parse_count(const struct job *j)
{
    int64_t n;
    if (!config_parse_int(j->value->text, j->value->plain, &n) || n < 0 || n > INT32_MAX)
        return false;
    *(uint32_t *)j->out = (uint32_t)n;
    return true;
}

static bool parse_port(const struct job *j)
{
    int64_t n;
    if (!config_parse_int(j->value->text, j->value->plain, &n) || n < 0 || n > UINT16_MAX)
        return false;
    *(uint16_t *)j->out = (uint16_t)n;
    return true;
}

static bool parse_size(const struct job *j)
{
    uint64_t n;
    if (!config_parse_size(j->value->text, j->value->plain, &n) || n > UINT32_MAX)
        return false;
    *(uint32_t *)j->out = (uint32_t)n;
    return true;
}

static bool parse_ratio(const struct job *j)
{
    double d;
    if (!config_parse_ratio(j->value->text, &d) || d < 0 || d > 1)
        return false;
    *(double *)j->out = d;
    return true;
}

/* ---- lists ---------------------------------------------------------- */

struct strings {
    const char **items;
    size_t count;
    const struct job *job;
    bool paths;
};

static void add_string(struct strings *s, struct bytes item)
{
    WEFT_FREE char *text = bytes_dup_str(item);
    s->items[s->count++] = s->paths ? config_source_resolve(s->job->src, text, s->job->arena)
                                    : arena_dup_str(s->job->arena, item);
}

static struct bytes trim(struct bytes s)
{
    while (s.len > 0 && strchr(" \t\r\n", s.data[0]) != NULL)
        s = bytes_skip(s, 1);
    while (s.len > 0 && strchr(" \t\r\n", s.data[s.len - 1]) != NULL)
        s.len--;
    return s;
}

/* "[a, b]", "a b" (for a peer) or "a". */
static void split_text(struct strings *s, const char *text)
{
    struct bytes rest = bytes_of_str(text);
    bool brackets = rest.len > 1 && rest.data[0] == '[' && rest.data[rest.len - 1] == ']';
    const char *between = brackets ? "," : s->job->table->split_at_blanks ? " \t\r\n" : "";
    if (brackets)
        rest = bytes_of(rest.data + 1, rest.len - 2);
    size_t start = 0;
    for (size_t i = 0; i <= rest.len; i++) {
        if (i < rest.len && strchr(between, rest.data[i]) == NULL)
            continue;
        struct bytes item = trim(bytes_of(rest.data + start, i - start));
        if (item.len > 0)
            add_string(s, item);
        start = i + 1;
    }
}

static bool parse_list(const struct job *j, bool paths)
{
    const struct config_node *node = j->value->node;
    struct strings s = { .job = j, .paths = paths };
    size_t most =
        node != NULL && node->kind == CONFIG_LIST ? node->count : strlen(j->value->text) / 2 + 1;
    s.items = arena_alloc(j->arena, (most + 1) * sizeof(*s.items));
    if (node == NULL || node->kind == CONFIG_TEXT) {
        split_text(&s, j->value->text);
    } else {
        for (const struct config_entry *i = node->first; i != NULL; i = i->next) {
            if (i->value->kind != CONFIG_TEXT)
                return false;
            add_string(&s, bytes_of_str(i->value->text));
        }
    }
    *(struct config_strings *)j->out =
        (struct config_strings){ .items = s.items, .count = s.count };
    return true;
}

static bool parse_strings(const struct job *j)
{
    return parse_list(j, false);
}

static bool parse_paths(const struct job *j)
{
    return parse_list(j, true);
}

/* ---- fields --------------------------------------------------------- */

static const struct type_row {
    parse_fn *parse;
    const char *want;
    size_t size; /* of the member, to see whether it is zero */
} type_rows[FIELD_NR] = {
    [FIELD_STRING] = { parse_string, "a text", 0 },
    [FIELD_PATH] = { parse_path, "a path", 0 },
    [FIELD_BOOL] = { parse_bool, "true or false", sizeof(bool) },
    [FIELD_DURATION] = { parse_duration, "a duration such as 5s, 250ms or 1h30m", sizeof(int64_t) },
    [FIELD_SHIFT] = { parse_shift, "a duration such as 5s or -1h30m", sizeof(int64_t) },
    [FIELD_COUNT] = { parse_count, "a whole number from 0 to 2147483647", sizeof(uint32_t) },
    [FIELD_PORT] = { parse_port, "a port number from 0 to 65535", sizeof(uint16_t) },
    [FIELD_SIZE] = { parse_size, "a size such as 104857600, 512 KB or 100 MB, below 4 GB",
                     sizeof(uint32_t) },
    [FIELD_RATIO] = { parse_ratio, "a number from 0 to 1", sizeof(double) },
    [FIELD_STRINGS] = { parse_strings, "a list of texts", 0 },
    [FIELD_PATHS] = { parse_paths, "a list of paths", 0 },
};

static bool is_list_type(enum field_type type)
{
    return type == FIELD_STRINGS || type == FIELD_PATHS;
}

static bool is_zero(const struct config_field *f, const void *member)
{
    static const uint8_t zeros[16];
    if (f->type == FIELD_STRING || f->type == FIELD_PATH)
        return **(const char *const *)member == '\0';
    if (is_list_type(f->type))
        return ((const struct config_strings *)member)->count == 0;
    return memcmp(member, zeros, type_rows[f->type].size) == 0;
}

static void take_fallback(const struct config_field *f, struct job j)
{
    const struct config_value value = { .text = f->fallback != NULL ? f->fallback : "" };
    j.value = &value;
    bool empty = value.text[0] == '\0' && f->type != FIELD_STRING && f->type != FIELD_PATH;
    if (!empty) {
        bool parsed = type_rows[f->type].parse(&j);
        WEFT_ASSERT(parsed); /* our own table */
    }
    if ((f->flags & FIELD_TOLD) != 0)
        LOG_INFO(&config_log, "%s unset, setting to %s", f->key, value.text);
}

static enum weft_code fill_field(const struct config_table *t, const struct config_field *f,
                                 const struct config_source *src, void *out, struct arena *a,
                                 struct weft_err *e)
{
    const struct type_row *row = &type_rows[f->type];
    struct config_value v;
    struct job j = { .table = t, .src = src, .arena = a, .out = (char *)out + f->offset };
    bool text_type = f->type == FIELD_STRING || f->type == FIELD_PATH;
    if (!config_source_find(src, f->key, &v)) {
        take_fallback(f, j);
        return WEFT_OK;
    }
    bool is_text = v.node == NULL || v.node->kind == CONFIG_TEXT;
    bool is_empty = is_text && v.text[0] == '\0' && !text_type; /* zero, for all other types */
    j.value = &v;
    if (!is_empty &&
        ((!is_text && !(v.node->kind == CONFIG_LIST && is_list_type(f->type))) || !row->parse(&j)))
        return config_source_refuse(src, f->key, &v, row->want, e);
    if ((f->flags & FIELD_ZERO_UNSET) != 0 && is_zero(f, j.out))
        take_fallback(f, j);
    return WEFT_OK;
}

/* ---- the file's keys ------------------------------------------------ */

enum key_kind {
    KEY_FIELD,
    KEY_SECTION,
    KEY_FREE,
    KEY_UNKNOWN
};

static enum key_kind kind_of(const struct config_table *t, const char *path)
{
    size_t n = strlen(path);
    for (size_t i = 0; t->sections != NULL && t->sections[i] != NULL; i++) {
        if (strcasecmp(t->sections[i], path) == 0)
            return KEY_FREE;
    }
    enum key_kind kind = KEY_UNKNOWN;
    for (size_t i = 0; i < t->count && kind != KEY_FIELD; i++) {
        if (strncasecmp(t->fields[i].key, path, n) == 0 && t->fields[i].key[n] == '\0')
            kind = KEY_FIELD;
        else if (strncasecmp(t->fields[i].key, path, n) == 0 && t->fields[i].key[n] == '.')
            kind = KEY_SECTION;
    }
    for (size_t i = 0; kind == KEY_UNKNOWN && t->sections != NULL && t->sections[i] != NULL; i++) {
        if (strncasecmp(t->sections[i], path, n) == 0 && t->sections[i][n] == '.')
            kind = KEY_SECTION;
    }
    return kind;
}

struct level {
    const struct config_entry *next;
    size_t path_len; /* of the section that the entries are in */
};

/* Looks at every key of the file: a section must be one, and what nobody
 * knows is told. */
static enum weft_code check_keys(const struct config_table *t, const struct config_source *src,
                                 struct weft_err *e)
{
    struct level stack[LIMIT_YAML_DEPTH + 1];
    size_t depth = 1;
    WEFT_CLEANUP(buf_done) struct buf path = { 0 };
    stack[0] = (struct level){ .next = config_source_root(src)->first };
    while (depth > 0) {
        struct level *l = &stack[depth - 1];
        const struct config_entry *i = l->next;
        if (i == NULL) {
            depth--;
            continue;
        }
        l->next = i->next;
        path.len = l->path_len;
        buf_printf(&path, "%s%s", path.len > 0 ? "." : "", i->key);
        const char *key = (const char *)path.data;
        enum key_kind kind = kind_of(t, key);
        if (kind == KEY_UNKNOWN)
            LOG_DEBUG(&config_log, "%s:%u: unknown key %.200s, ignoring it",
                      config_source_path(src), i->line, key);
        if (kind != KEY_SECTION || i->value->kind == CONFIG_NULL)
            continue;
        if (i->value->kind != CONFIG_MAP)
            return config_source_refuse(
                src, key, &(struct config_value){ .text = i->value->text, .node = i->value },
                "a section of 'key: value' lines", e);
        WEFT_ASSERT(depth <= LIMIT_YAML_DEPTH);
        stack[depth++] = (struct level){ .next = i->value->first, .path_len = path.len };
    }
    return WEFT_OK;
}

enum weft_code config_table_fill(const struct config_table *t, const struct config_source *src,
                                 void *out, struct arena *a, struct weft_err *e)
{
    WEFT_TRY(check_keys(t, src, e));
    for (size_t i = 0; i < t->count; i++)
        WEFT_TRY(fill_field(t, &t->fields[i], src, out, a, e));
    return WEFT_OK;
}

/* ---- paths that led nowhere ------------------------------------------ */

/* How much of the words is this path; none, 0. */
static size_t stands_in(const char *words, const char *path)
{
    return path[0] != '\0' && strstr(words, path) != NULL ? strlen(path) : 0;
}

static size_t any_stands_in(const char *words, enum field_type type, const void *member)
{
    size_t most = 0;
    if (type == FIELD_PATH)
        return stands_in(words, *(const char *const *)member);
    const struct config_strings *l = type == FIELD_PATHS ? member : NULL;
    for (size_t i = 0; l != NULL && i < l->count; i++) {
        size_t n = stands_in(words, l->items[i]);
        most = n > most ? n : most;
    }
    return most;
}

void config_table_blame(const struct config_table *t, const void *in, const char *file,
                        struct weft_err *e)
{
    const struct config_field *found = NULL;
    size_t most = 0;
    if (strstr(e->msg, ": want ") != NULL)
        return;                             /* it was said */
    for (size_t i = 0; i < t->count; i++) { /* the longest: others may be folders above it */
        size_t n = any_stands_in(e->msg, t->fields[i].type, (const char *)in + t->fields[i].offset);
        if (n > most) {
            most = n;
            found = &t->fields[i];
        }
    }
    size_t used = strlen(e->msg);
    if (found != NULL)
        (void)snprintf(e->msg + used, sizeof(e->msg) - used,
                       " (%s in %s or the environment: want %s)", found->key, file,
                       found->type == FIELD_PATH ? "a good path" : "good paths");
}

/* ---- printing ------------------------------------------------------- */

static void print_list(const struct config_strings *l, struct buf *out)
{
    buf_put_str(out, "[");
    for (size_t i = 0; i < l->count; i++)
        buf_printf(out, "%s%s", i > 0 ? " " : "", l->items[i]);
    buf_put_str(out, "]");
}

static void print_member(enum field_type type, const void *member, struct buf *out)
{
    char text[DURATION_TEXT_MAX];
    switch (type) {
    case FIELD_STRING:
    case FIELD_PATH:
        buf_printf(out, "\"%s\"", *(const char *const *)member);
        break;
    case FIELD_BOOL:
        buf_put_str(out, *(const bool *)member ? "true" : "false");
        break;
    case FIELD_DURATION:
    case FIELD_SHIFT:
        buf_put_str(out, duration_text(*(const int64_t *)member, text));
        break;
    case FIELD_COUNT:
    case FIELD_SIZE:
        buf_printf(out, "%u", *(const uint32_t *)member);
        break;
    case FIELD_PORT:
        buf_printf(out, "%u", *(const uint16_t *)member);
        break;
    case FIELD_RATIO:
        buf_printf(out, "%g", *(const double *)member);
        break;
    case FIELD_STRINGS:
    case FIELD_PATHS:
        print_list(member, out);
        break;
    case FIELD_NR:
        WEFT_ASSERT(false);
    }
}

void config_table_print(const struct config_table *t, const void *in, struct buf *out)
{
    for (size_t i = 0; i < t->count; i++) {
        buf_printf(out, "\n\t%s = ", t->fields[i].key);
        print_member(t->fields[i].type, (const char *)in + t->fields[i].offset, out);
    }
}

/* ---- keys without effect ------------------------------------------------ */

static bool is_value(const struct config_table *t, const struct config_field *f, const char *text,
                     const void *member)
{
    const struct config_value value = { .text = text };
    uint64_t room = 0; /* for the largest plain member */
    const struct job j = { .table = t, .value = &value, .out = &room };
    if (text[0] == '\0')
        return is_zero(f, member);
    if (f->type == FIELD_STRING || f->type == FIELD_PATH)
        return strcmp(*(const char *const *)member, text) == 0;
    if (is_list_type(f->type)) {
        const struct config_strings *l = member;
        return l->count == 1 && strcmp(l->items[0], text) == 0;
    }
    return type_rows[f->type].parse(&j) && memcmp(&room, member, type_rows[f->type].size) == 0;
}

void config_table_tell_idle(const struct config_table *t, const struct config_idle *idle,
                            size_t count, const void *in, struct log *log)
{
    for (size_t i = 0; i < count; i++) {
        WEFT_CLEANUP(buf_done) struct buf text = { 0 };
        const struct config_field *f = t->fields;
        while (f < t->fields + t->count && strcmp(f->key, idle[i].key) != 0)
            f++;
        WEFT_ASSERT(f < t->fields + t->count); /* our own tables */
        const void *member = (const char *)in + f->offset;
        if (is_value(t, f, f->fallback != NULL ? f->fallback : "", member) ||
            (idle[i].usual != NULL && is_value(t, f, idle[i].usual, member)))
            continue;
        print_member(f->type, member, &text);
        LOG_WARN(log, "%s = %.*s has no effect: %s", f->key, (int)text.len, (const char *)text.data,
                 idle[i].why);
    }
}
