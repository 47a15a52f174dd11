#include "config/config_source.h"

#include "base/limits.h"
#include "base/log.h"
#include "os/dirs.h"
#include "os/file.h"

#include <unistd.h>

static const char official_dir[] = "/etc/hyperledger/fabric";

struct config_source {
    char *path, *dir;
    const char *prefix;
    const char *const *env;
    struct config_tree *tree;       /* NULL in a row */
    const struct config_node *root; /* of the tree, or the row */
    char *base;                     /* a row's place: "chaincode.externalBuilders[0]" */
    const char *label;
};

const char *config_env_get(const char *const *env, const char *name)
{
    size_t n = strlen(name);
    for (; *env != NULL; env++) {
        if (strncmp(*env, name, n) == 0 && (*env)[n] == '=' && (*env)[n + 1] != '\0')
            return *env + n + 1;
    }
    return NULL;
}

/* ---- paths ---------------------------------------------------------- */

/* Takes "." and ".." and double slashes out, as Go's filepath.Clean does. */
static void clean_path(struct buf *out, const char *path)
{
    size_t start = out->len;
    while (*path != '\0') {
        size_t n = strcspn(path, "/");
        if (n == 2 && path[0] == '.' && path[1] == '.') {
            while (out->len > start && out->data[out->len - 1] != '/')
                out->len--;
            out->len -= out->len > start ? 1 : 0;
        } else if (n > 0 && !(n == 1 && path[0] == '.')) {
            buf_put_u8(out, '/');
            buf_put(out, bytes_of(path, n));
        }
        path += n + (path[n] == '/' ? 1 : 0);
    }
    if (out->len == start)
        buf_put_u8(out, '/');
}

/* Absolute, cleaned; caller frees. */
static char *path_join(const char *dir, const char *path)
{
    struct buf out = { 0 };
    WEFT_FREE char *whole = path[0] == '/' ? weft_strdup(path) : weft_asprintf("%s/%s", dir, path);
    clean_path(&out, whole);
    buf_put_u8(&out, 0);
    return (char *)out.data;
}

static char *path_absolute(const char *path)
{
    char *cwd = getcwd(NULL, 0);
    char *whole = path_join(cwd != NULL ? cwd : "/", path);
    free(cwd);
    return whole;
}

/* ---- finding -------------------------------------------------------- */

/* The first of <dir>/<name>.yaml and .yml that is there; NULL if none is. */
static char *file_in(const char *dir, const char *name)
{
    static const char *const ends[] = { "yaml", "yml" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(ends); i++) {
        WEFT_FREE char *path = weft_asprintf("%s/%s.%s", dir, name, ends[i]);
        if (path_exists(path))
            return WEFT_TAKE(path);
    }
    return NULL;
}

static enum weft_code find_file(const char *name, const char *const *env, char **ret_path,
                                struct weft_err *e)
{
    const char *dir = config_env_get(env, "FABRIC_CFG_PATH");
    if (dir != NULL && !path_is_dir(dir))
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "FABRIC_CFG_PATH %s does not exist", dir);
    char *path = file_in(dir != NULL ? dir : ".", name);
    if (path == NULL && dir == NULL)
        path = file_in(official_dir, name);
    if (path == NULL)
        return WEFT_FAIL(e, WEFT_NOT_FOUND,
                         "Could not find config file. Please make sure that FABRIC_CFG_PATH is "
                         "set to a path which contains %s.yaml",
                         name);
    *ret_path = path;
    return WEFT_OK;
}

enum weft_code config_source_parse(struct bytes text, const char *path, const char *prefix,
                                   const char *const *env, struct config_source **ret,
                                   struct weft_err *e)
{
    WEFT_CLEANUP(config_source_free) struct config_source *s = weft_alloc(sizeof(*s));
    s->path = path_absolute(path);
    s->dir = path_join(s->path, "..");
    s->prefix = prefix;
    s->env = env;
    WEFT_TRY(config_tree_parse(text, s->path, &s->tree, e));
    s->root = config_tree_root(s->tree);
    if (s->root->kind == CONFIG_TEXT || s->root->kind == CONFIG_LIST)
        return WEFT_FAIL(e, WEFT_INVALID, "%s:%u: want 'key: value' lines", s->path, s->root->line);
    *ret = WEFT_TAKE(s);
    return WEFT_OK;
}

enum weft_code config_source_open(const char *name, const char *prefix, const char *const *env,
                                  struct config_source **ret, struct weft_err *e)
{
    WEFT_FREE char *path = NULL;
    WEFT_CLEANUP(buf_done) struct buf text = { 0 };
    WEFT_TRY(find_file(name, env, &path, e));
    WEFT_TRY(file_read_all(path, LIMIT_YAML_BYTES, &text, e));
    return config_source_parse(buf_bytes(&text), path, prefix, env, ret, e);
}

void config_source_free(struct config_source *s)
{
    if (s == NULL)
        return;
    config_tree_free(s->tree);
    free(s->path);
    free(s->dir);
    free(s->base);
    free(s);
}

/* ---- values --------------------------------------------------------- */

const char *config_source_path(const struct config_source *s)
{
    return s->path;
}

const char *config_source_dir(const struct config_source *s)
{
    return s->dir;
}

const struct config_node *config_source_root(const struct config_source *s)
{
    return s->root;
}

/* ORDERER_GENERAL_LISTENPORT; caller frees. */
static char *env_name(const struct config_source *s, const char *key)
{
    char *name = weft_asprintf("%s_%s", s->prefix, key);
    for (char *c = name; *c != '\0'; c++) {
        if (*c == '.')
            *c = '_';
        else if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    }
    return name;
}

bool config_source_find(const struct config_source *s, const char *key, struct config_value *ret)
{
    WEFT_FREE char *name = s->base == NULL ? env_name(s, key) : NULL;
    const char *text = name != NULL ? config_env_get(s->env, name) : NULL;
    if (text != NULL) {
        *ret = (struct config_value){ .text = text };
        return true;
    }
    const struct config_node *n = config_node_find_path(config_source_root(s), key);
    if (n == NULL || n->kind == CONFIG_NULL)
        return false;
    *ret = (struct config_value){ .text = n->text, .plain = n->plain, .node = n };
    return true;
}

enum weft_code config_source_refuse(const struct config_source *s, const char *key,
                                    const struct config_value *v, const char *want,
                                    struct weft_err *e)
{
    char quoted[LOG_QUOTE_MAX];
    (void)log_quote(bytes_of_str(v->text), quoted);
    if (v->node == NULL) {
        WEFT_FREE char *name = env_name(s, key);
        return WEFT_FAIL(e, WEFT_INVALID, "environment variable %s is %s (%s of %s): want %s", name,
                         quoted, key, s->path, want);
    }
    const char *value = v->node->kind == CONFIG_LIST  ? "a list"
                        : v->node->kind == CONFIG_MAP ? "a section"
                                                      : quoted;
    return WEFT_FAIL(e, WEFT_INVALID, "%s:%u: %s%s%s is %s: want %s", s->path, v->node->line,
                     s->base != NULL ? s->base : "", s->base != NULL ? "." : "", key, value, want);
}

/* ---- rows ----------------------------------------------------------- */

static struct config_source *row_new(const struct config_source *s, const char *path,
                                     const char *key, const struct config_entry *entry, size_t i)
{
    struct config_source *row = weft_alloc(sizeof(*row));
    row->path = weft_strdup(path);
    row->dir = weft_strdup(s->dir);
    row->prefix = s->prefix;
    row->env = s->env;
    row->root = entry->value;
    row->label = entry->key != NULL ? entry->key : "";
    row->base = entry->key != NULL ? weft_asprintf("%s.%s", key, entry->key)
                                   : weft_asprintf("%s[%zu]", key, i);
    return row;
}

/* `from` is where the list was found, for messages. */
static enum weft_code add_rows(const struct config_source *s, const char *path, const char *key,
                               const struct config_value *from, const struct config_node *list,
                               struct config_rows *rows, struct weft_err *e)
{
    static const char want[] = "a list of sections";
    if (list->kind == CONFIG_TEXT)
        return config_source_refuse(s, key, from, want, e);
    rows->items = weft_alloc((list->count + 1) * sizeof(struct config_source *));
    for (const struct config_entry *i = list->first; i != NULL; i = i->next) {
        const struct config_value item = { .text = i->value->text, .node = i->value };
        if (i->value->kind != CONFIG_MAP)
            return config_source_refuse(s, key, from->node != NULL ? &item : from, want, e);
        rows->items[rows->count] = row_new(s, path, key, i, rows->count);
        rows->count++;
    }
    return WEFT_OK;
}

enum weft_code config_source_rows(const struct config_source *s, const char *key,
                                  struct config_rows *ret, struct weft_err *e)
{
    WEFT_CLEANUP(config_rows_done) struct config_rows rows = { 0 };
    struct config_value v;
    if (config_source_find(s, key, &v)) {
        const struct config_node *list = v.node;
        WEFT_FREE char *name = list == NULL ? env_name(s, key) : NULL;
        if (list == NULL) {
            WEFT_TRY(config_tree_parse(bytes_of_str(v.text), name, &rows.from_env, e));
            list = config_tree_root(rows.from_env);
        }
        WEFT_TRY(add_rows(s, name != NULL ? name : s->path, key, &v, list, &rows, e));
    }
    *ret = rows;
    rows = (struct config_rows){ 0 };
    return WEFT_OK;
}

void config_rows_done(struct config_rows *r)
{
    for (size_t i = 0; i < r->count; i++)
        config_source_free(r->items[i]);
    free(r->items);
    config_tree_free(r->from_env);
    *r = (struct config_rows){ 0 };
}

const char *config_source_label(const struct config_source *row)
{
    return row->label;
}

char *config_source_resolve(const struct config_source *s, const char *path, struct arena *a)
{
    if (path[0] == '/' || path[0] == '\0')
        return arena_dup_str(a, bytes_of_str(path));
    WEFT_FREE char *whole = path_join(s->dir, path);
    return arena_dup_str(a, bytes_of_str(whole));
}
