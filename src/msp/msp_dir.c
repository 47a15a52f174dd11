#include "msp/msp_dir.h"

#include "base/limits.h"
#include "base/log.h"
#include "config/config_tree.h"
#include "crypto/pem.h"
#include "os/dirs.h"
#include "os/file.h"

LOG_DEFINE(msp_log, "msp");

static enum weft_code read_into(const char *path, size_t most, struct arena *arena,
                                struct bytes *ret, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    enum weft_code rc = file_read_all(path, most, &b, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not read file %s", path);
    *ret = bytes_of(arena_dup_str(arena, buf_bytes(&b)), b.len);
    return WEFT_OK;
}

static bool has_pem(struct bytes text)
{
    WEFT_CLEANUP(pem_block_done) struct pem_block block = { 0 };
    return pem_next(&text, &block, NULL) == WEFT_OK;
}

/* One folder's files.  WEFT_NOT_FOUND: there is no such folder. */
static enum weft_code read_folder(const char *dir, const char *folder, struct arena *arena,
                                  struct msp_items *ret, struct weft_err *e)
{
    WEFT_FREE char *path = weft_asprintf("%s/%s", dir, folder);
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    if (!path_exists(path))
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "stat %s: no such file or directory", path);
    WEFT_TRY(dir_list(path, &l, e));
    if (l.count > LIMIT_MSP_ITEMS)
        return WEFT_FAIL(e, WEFT_LIMIT, "more than %d files in %s", LIMIT_MSP_ITEMS, path);
    struct bytes *at = arena_alloc(arena, (l.count + 1) * sizeof(*at));
    size_t count = 0;
    for (size_t i = 0; i < l.count; i++) {
        WEFT_FREE char *file = weft_asprintf("%s/%s", path, l.names[i]);
        struct weft_err why = { 0 };
        if (path_is_dir(file))
            continue;
        if (read_into(file, LIMIT_PEM_TEXT, arena, &at[count], &why) != WEFT_OK)
            LOG_WARN(&msp_log, "Failed reading file %s: %s", file, why.msg);
        else if (!has_pem(at[count]))
            LOG_WARN(&msp_log, "Failed reading file %s: no pem content for file %s", file, file);
        else
            count++;
    }
    *ret = (struct msp_items){ at, count };
    return WEFT_OK;
}

/* A folder that need not be there. */
static enum weft_code read_optional(const char *dir, const char *folder, const char *words,
                                    struct arena *arena, struct msp_items *ret, struct weft_err *e)
{
    enum weft_code rc = read_folder(dir, folder, arena, ret, e);
    if (rc == WEFT_OK || rc == WEFT_NOT_FOUND)
        return WEFT_OK;
    return weft_err_wrap(e, rc, "%s %s/%s", words, dir, folder);
}

static enum weft_code read_folders(const char *dir, struct arena *arena, struct msp_config *c,
                                   struct weft_err *e)
{
    enum weft_code rc = read_folder(dir, "cacerts", arena, &c->roots, e);
    if (rc == WEFT_OK && c->roots.count == 0)
        rc = WEFT_FAIL(e, WEFT_NOT_FOUND, "no certificate");
    if (rc != WEFT_OK)
        return weft_err_wrap(
            e, rc, "could not load a valid ca certificate from directory %s/cacerts", dir);
    WEFT_TRY(read_optional(dir, "admincerts", "could not load a valid admin certificate from",
                           arena, &c->admins, e));
    WEFT_TRY(read_optional(dir, "intermediatecerts", "failed loading intermediate ca certs at",
                           arena, &c->intermediates, e));
    WEFT_TRY(read_optional(dir, "tlscacerts", "failed loading TLS ca certs at", arena,
                           &c->tls_roots, e));
    if (c->tls_roots.count > 0)
        WEFT_TRY(read_optional(dir, "tlsintermediatecerts",
                               "failed loading TLS intermediate ca certs at", arena,
                               &c->tls_intermediates, e));
    return read_optional(dir, "crls", "failed loading crls at", arena, &c->crls, e);
}

/* ---- config.yaml ------------------------------------------------------------------------- */

/* Upper and lower case matter here, and the last one counts. */
static const struct config_node *find_key(const struct config_node *map, const char *key)
{
    const struct config_node *found = NULL;
    for (const struct config_entry *at = map->first; at != NULL; at = at->next)
        if (at->key != NULL && strcmp(at->key, key) == 0)
            found = at->value;
    return found != NULL && found->kind != CONFIG_NULL ? found : NULL;
}

static enum weft_code refuse(const struct config_node *n, const char *key, const char *want,
                             struct weft_err *e)
{
    return WEFT_FAIL(e, WEFT_INVALID, "line %u: %s: expected %s", n->line, key, want);
}

/* A key's value, NULL when it is not there; refused when it is another kind. */
static enum weft_code find_kind(const struct config_node *map, const char *key,
                                enum config_kind kind, const struct config_node **ret,
                                struct weft_err *e)
{
    static const char *const names[] = { "nothing", "a text", "a list", "keys and values" };
    const struct config_node *n = find_key(map, key);
    if (n != NULL && n->kind != kind)
        return refuse(n, key, names[kind], e);
    *ret = n;
    return WEFT_OK;
}

static enum weft_code text_at(const struct config_node *map, const char *key, struct arena *arena,
                              struct bytes *ret, struct weft_err *e)
{
    const struct config_node *n = NULL;
    WEFT_TRY(find_kind(map, key, CONFIG_TEXT, &n, e));
    *ret = bytes_of_str(n != NULL ? arena_dup_str(arena, bytes_of_str(n->text)) : "");
    return WEFT_OK;
}

/* YAML's truth values, only without quotes. */
static bool parse_switch(const struct config_node *n, bool *ret)
{
    static const char *const on[] = { "y",    "Y",    "yes", "Yes", "YES", "true",
                                      "True", "TRUE", "on",  "On",  "ON" };
    static const char *const off[] = { "n",     "N",     "no",  "No",  "NO", "false",
                                       "False", "FALSE", "off", "Off", "OFF" };
    for (size_t i = 0; n->plain && i < WEFT_ARRAY_LEN(on); i++) {
        *ret = strcmp(n->text, on[i]) == 0;
        if (*ret || strcmp(n->text, off[i]) == 0)
            return true;
    }
    return false;
}

/* One OrganizationalUnitIdentifiersConfiguration. */
static enum weft_code read_unit_texts(const struct config_node *n, struct arena *arena,
                                      struct bytes *ret_file, struct bytes *ret_name,
                                      struct weft_err *e)
{
    if (n->kind != CONFIG_MAP)
        return refuse(n, "an organizational unit identifier",
                      "Certificate and OrganizationalUnitIdentifier", e);
    WEFT_TRY(text_at(n, "Certificate", arena, ret_file, e));
    return text_at(n, "OrganizationalUnitIdentifier", arena, ret_name, e);
}

static enum weft_code read_units(const char *dir, const struct config_node *root,
                                 struct arena *arena, struct msp_config *c, struct weft_err *e)
{
    const struct config_node *list = NULL;
    WEFT_TRY(find_kind(root, "OrganizationalUnitIdentifiers", CONFIG_LIST, &list, e));
    if (list == NULL)
        return WEFT_OK;
    if (list->count > LIMIT_MSP_ITEMS)
        return WEFT_FAIL(e, WEFT_LIMIT, "more than %d OrganizationalUnitIdentifiers",
                         LIMIT_MSP_ITEMS);
    struct msp_unit *units = arena_alloc(arena, (list->count + 1) * sizeof(*units));
    for (const struct config_entry *at = list->first; at != NULL; at = at->next) {
        struct msp_unit *u = &units[c->unit_count++];
        struct bytes file = { 0 };
        WEFT_TRY(read_unit_texts(at->value, arena, &file, &u->name, e));
        WEFT_FREE char *path = weft_asprintf("%s/%s", dir, (const char *)file.data);
        u->present = true;
        enum weft_code rc = read_into(path, LIMIT_PEM_TEXT, arena, &u->certificate, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "failed loading OrganizationalUnit certificate at [%s]",
                                 path);
    }
    c->units = units;
    return WEFT_OK;
}

/* A certificate that cannot be read is a warning: the unit is then any CA's. */
static enum weft_code read_node_ou(const char *dir, const struct config_node *map, bool on,
                                   struct arena *arena, struct msp_unit *u, struct weft_err *e)
{
    struct bytes name = { 0 }, file = { 0 };
    struct weft_err why = { 0 };
    WEFT_TRY(read_unit_texts(map, arena, &file, &name, e));
    if (!on || name.len == 0)
        return WEFT_OK;
    u->present = true;
    u->name = name;
    if (file.len == 0)
        return WEFT_OK;
    WEFT_FREE char *path = weft_asprintf("%s/%s", dir, (const char *)file.data);
    if (read_into(path, LIMIT_PEM_TEXT, arena, &u->certificate, &why) != WEFT_OK)
        LOG_WARN(&msp_log, "Failed loading certificate at [%s]: [%s]", path, why.msg);
    return WEFT_OK;
}

static enum weft_code read_node_ous(const char *dir, const struct config_node *root,
                                    struct arena *arena, struct msp_config *c, struct weft_err *e)
{
    static const char *const keys[MSP_ROLE_NR] = { [MSP_ROLE_CLIENT] = "ClientOUIdentifier",
                                                   [MSP_ROLE_PEER] = "PeerOUIdentifier",
                                                   [MSP_ROLE_ADMIN] = "AdminOUIdentifier",
                                                   [MSP_ROLE_ORDERER] = "OrdererOUIdentifier" };
    const struct config_node *map = NULL, *enable = NULL;
    bool on = false;
    WEFT_TRY(find_kind(root, "NodeOUs", CONFIG_MAP, &map, e));
    if (map == NULL)
        return WEFT_OK;
    WEFT_TRY(find_kind(map, "Enable", CONFIG_TEXT, &enable, e));
    if (enable != NULL && !parse_switch(enable, &on))
        return refuse(enable, "NodeOUs.Enable", "true or false", e);
    c->has_node_ous = c->node_ous_enabled = on;
    for (size_t i = 0; i < MSP_ROLE_NR; i++) {
        const struct config_node *unit = keys[i] != NULL ? find_key(map, keys[i]) : NULL;
        if (unit != NULL)
            WEFT_TRY(read_node_ou(dir, unit, on, arena, &c->node_ous[i], e));
    }
    return WEFT_OK;
}

static enum weft_code read_tree(const char *dir, const struct config_node *root,
                                struct arena *arena, struct msp_config *c, struct weft_err *e)
{
    if (root->kind == CONFIG_NULL)
        return WEFT_OK;
    if (root->kind != CONFIG_MAP)
        return refuse(root, "the file", "keys and values", e);
    WEFT_TRY(read_units(dir, root, arena, c, e));
    return read_node_ous(dir, root, arena, c, e);
}

static enum weft_code read_yaml(const char *dir, struct arena *arena, struct msp_config *c,
                                struct weft_err *e)
{
    WEFT_FREE char *path = weft_asprintf("%s/config.yaml", dir);
    WEFT_CLEANUP(config_tree_free) struct config_tree *tree = NULL;
    struct bytes text = { 0 };
    if (!path_exists(path))
        return WEFT_OK;
    enum weft_code rc = read_into(path, LIMIT_YAML_BYTES, arena, &text, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "failed loading configuration file at [%s]", path);
    rc = config_tree_parse(text, path, &tree, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "failed unmarshalling configuration file at [%s]", path);
    rc = read_tree(dir, config_tree_root(tree), arena, c, e);
    return rc == WEFT_OK
               ? rc
               : weft_err_wrap(e, rc, "failed unmarshalling configuration file at [%s]", path);
}

enum weft_code msp_dir_read(const char *dir, const char *msp_id, enum msp_dir_kind kind,
                            struct arena *arena, struct msp_config *ret, struct weft_err *e)
{
    struct msp_config c = { .name = bytes_of_str(arena_dup_str(arena, bytes_of_str(msp_id))),
                            .hash_family = bytes_of_str("SHA2"),
                            .identity_hash = bytes_of_str("SHA256") };
    if (kind == MSP_DIR_LOCAL) {
        struct msp_items own = { 0 };
        enum weft_code rc = read_folder(dir, "signcerts", arena, &own, e);
        if (rc == WEFT_OK && own.count == 0)
            rc = WEFT_FAIL(e, WEFT_NOT_FOUND, "no certificate");
        if (rc != WEFT_OK)
            return weft_err_wrap(
                e, rc, "could not load a valid signer certificate from directory %s/signcerts",
                dir);
        c.has_signer = true;
        c.signer = own.at[0];
    }
    WEFT_TRY(read_folders(dir, arena, &c, e));
    WEFT_TRY(read_yaml(dir, arena, &c, e));
    *ret = c;
    return WEFT_OK;
}
