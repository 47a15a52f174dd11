#include "msp/msp_dir.h"

#include "base/limits.h"
#include "base/log.h"
#include "config/config_tree.h"
#include "config/config_value.h"
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

static struct bytes text_at(const struct config_node *map, const char *key, struct arena *arena)
{
    const struct config_node *n = config_node_find(map, key);
    if (n == NULL || n->kind != CONFIG_TEXT)
        return bytes_of(NULL, 0);
    return bytes_of_str(arena_dup_str(arena, bytes_of_str(n->text)));
}

static enum weft_code read_units(const char *dir, const struct config_node *list,
                                 struct arena *arena, struct msp_config *c, struct weft_err *e)
{
    if (list == NULL || list->kind != CONFIG_LIST)
        return WEFT_OK;
    if (list->count > LIMIT_MSP_ITEMS)
        return WEFT_FAIL(e, WEFT_LIMIT, "more than %d OrganizationalUnitIdentifiers",
                         LIMIT_MSP_ITEMS);
    struct msp_unit *units = arena_alloc(arena, (list->count + 1) * sizeof(*units));
    for (const struct config_entry *at = list->first; at != NULL; at = at->next) {
        struct msp_unit *u = &units[c->unit_count++];
        struct bytes file = text_at(at->value, "Certificate", arena);
        WEFT_FREE char *path =
            weft_asprintf("%s/%.*s", dir, (int)file.len, (const char *)file.data);
        u->present = true;
        u->name = text_at(at->value, "OrganizationalUnitIdentifier", arena);
        enum weft_code rc = read_into(path, LIMIT_PEM_TEXT, arena, &u->certificate, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "failed loading OrganizationalUnit certificate at [%s]",
                                 path);
    }
    c->units = units;
    return WEFT_OK;
}

/* A certificate that cannot be read is a warning: the unit is then any CA's. */
static void read_node_ou(const char *dir, const struct config_node *map, struct arena *arena,
                         struct msp_unit *u)
{
    struct bytes name = text_at(map, "OrganizationalUnitIdentifier", arena);
    struct bytes file = text_at(map, "Certificate", arena);
    struct weft_err why = { 0 };
    if (map == NULL || name.len == 0)
        return;
    u->present = true;
    u->name = name;
    if (file.len == 0)
        return;
    WEFT_FREE char *path = weft_asprintf("%s/%.*s", dir, (int)file.len, (const char *)file.data);
    if (read_into(path, LIMIT_PEM_TEXT, arena, &u->certificate, &why) != WEFT_OK)
        LOG_WARN(&msp_log, "Failed loading certificate at [%s]: [%s]", path, why.msg);
}

static enum weft_code read_node_ous(const char *dir, const struct config_node *map,
                                    struct arena *arena, struct msp_config *c, struct weft_err *e)
{
    static const char *const keys[MSP_ROLE_NR] = { [MSP_ROLE_CLIENT] = "ClientOUIdentifier",
                                                   [MSP_ROLE_PEER] = "PeerOUIdentifier",
                                                   [MSP_ROLE_ADMIN] = "AdminOUIdentifier",
                                                   [MSP_ROLE_ORDERER] = "OrdererOUIdentifier" };
    const struct config_node *enable = map != NULL ? config_node_find(map, "Enable") : NULL;
    bool on = false;
    if (enable == NULL || enable->kind == CONFIG_NULL)
        return WEFT_OK;
    if (enable->kind != CONFIG_TEXT || !config_parse_bool(enable->text, enable->plain, &on))
        return WEFT_FAIL(e, WEFT_INVALID, "line %u: NodeOUs.Enable: \"%s\" is not true or false",
                         enable->line, enable->text);
    if (!on)
        return WEFT_OK;
    c->has_node_ous = c->node_ous_enabled = true;
    for (size_t i = 0; i < MSP_ROLE_NR; i++)
        if (keys[i] != NULL)
            read_node_ou(dir, config_node_find(map, keys[i]), arena, &c->node_ous[i]);
    return WEFT_OK;
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
    const struct config_node *root = config_tree_root(tree);
    if (root->kind == CONFIG_NULL)
        return WEFT_OK;
    WEFT_TRY(read_units(dir, config_node_find(root, "OrganizationalUnitIdentifiers"), arena, c, e));
    rc = read_node_ous(dir, config_node_find(root, "NodeOUs"), arena, c, e);
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
