#include "cryptogen/crypto_spec.h"

#include "base/limits.h"
#include "config/config_tree.h"
#include "config/config_value.h"

#include <inttypes.h>

/* Where in which file we are. */
struct reader {
    const char *name;
    struct arena *arena;
    size_t *spent; /* bytes of what templates and counts have become */
};

/* A short file can ask for much. */
static enum weft_code spend(const struct reader *r, size_t bytes, struct weft_err *e)
{
    if (bytes > LIMIT_CRYPTO_SPEC - *r->spent)
        return WEFT_FAIL(e, WEFT_LIMIT, "%s: asks for more nodes and names than fit in %d MB",
                         r->name, LIMIT_CRYPTO_SPEC >> 20);
    *r->spent += bytes;
    return WEFT_OK;
}

static enum weft_code bad(const struct reader *r, const struct config_node *n, const char *key,
                          const char *expected, struct weft_err *e)
{
    return WEFT_FAIL(e, WEFT_INVALID, "%s:%u: %s is %s, expected %s", r->name, n->line, key,
                     n->kind == CONFIG_TEXT   ? n->text
                     : n->kind == CONFIG_MAP  ? "a map"
                     : n->kind == CONFIG_LIST ? "a list"
                                              : "empty",
                     expected);
}

/* ---- templates ----------------------------------------------------------------------------------- */

struct field {
    const char *name, *value;
};

static const char *value_of(const struct field *fields, size_t count, struct bytes name)
{
    for (size_t i = 0; i < count; i++)
        if (bytes_eq(bytes_of_str(fields[i].name), name))
            return fields[i].value;
    return NULL;
}

/* What stands between {{ and }}: "." and a name, blanks around them. */
static struct bytes action_name(struct bytes inside)
{
    while (inside.len > 0 && inside.data[0] == ' ')
        inside = bytes_skip(inside, 1);
    while (inside.len > 0 && inside.data[inside.len - 1] == ' ')
        inside.len--;
    if (inside.len == 0 || inside.data[0] != '.')
        return bytes_of(NULL, 0);
    return bytes_skip(inside, 1);
}

static enum weft_code expand(const struct reader *r, const char *text, const struct field *fields,
                             size_t count, const char **ret, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    WEFT_TRY(spend(r, strlen(text), e));
    for (const char *open; (open = strstr(text, "{{")) != NULL;) {
        const char *close = strstr(open, "}}");
        if (close == NULL)
            return WEFT_FAIL(e, WEFT_INVALID, "Error parsing template: unclosed action in \"%s\"",
                             text);
        struct bytes name = action_name(bytes_of(open + 2, (size_t)(close - open - 2)));
        const char *value = value_of(fields, count, name);
        if (value == NULL)
            return WEFT_FAIL(e, WEFT_INVALID,
                             "Error executing template: \"%.*s\" is not one of its fields",
                             (int)(close + 2 - open), open);
        buf_put(&out, bytes_of(text, (size_t)(open - text)));
        buf_put_str(&out, value);
        text = close + 2;
    }
    buf_put_str(&out, text);
    WEFT_TRY(spend(r, sizeof(*ret) + out.len + 1, e));
    *ret = arena_dup_str(r->arena, buf_bytes(&out));
    return WEFT_OK;
}

/* ---- values ------------------------------------------------------------------------------------------ */

static enum weft_code read_text(const struct reader *r, const struct config_node *map,
                                const char *key, const char **ret, struct weft_err *e)
{
    const struct config_node *n = config_node_find(map, key);
    *ret = "";
    if (n == NULL || n->kind == CONFIG_NULL)
        return WEFT_OK;
    if (n->kind != CONFIG_TEXT)
        return bad(r, n, key, "a text", e);
    *ret = arena_dup_str(r->arena, bytes_of_str(n->text));
    return WEFT_OK;
}

static enum weft_code read_count(const struct reader *r, const struct config_node *map,
                                 const char *key, uint32_t most, uint32_t *ret, struct weft_err *e)
{
    const struct config_node *n = map != NULL ? config_node_find(map, key) : NULL;
    int64_t value = 0;
    if (n == NULL || n->kind == CONFIG_NULL)
        return WEFT_OK;
    if (n->kind != CONFIG_TEXT || !config_parse_int(n->text, n->plain, &value) || value < 0 ||
        value > most) {
        char expected[64];
        (void)snprintf(expected, sizeof(expected), "a number from 0 to %" PRIu32, most);
        return bad(r, n, key, expected, e);
    }
    *ret = (uint32_t)value;
    return WEFT_OK;
}

static enum weft_code read_bool(const struct reader *r, const struct config_node *map,
                                const char *key, bool *ret, struct weft_err *e)
{
    const struct config_node *n = config_node_find(map, key);
    if (n == NULL || n->kind == CONFIG_NULL)
        return WEFT_OK;
    if (n->kind != CONFIG_TEXT || !config_parse_bool(n->text, n->plain, ret))
        return bad(r, n, key, "true or false", e);
    return WEFT_OK;
}

static enum weft_code read_texts(const struct reader *r, const struct config_node *map,
                                 const char *key, struct cert_texts *ret, struct weft_err *e)
{
    const struct config_node *n = map != NULL ? config_node_find(map, key) : NULL;
    if (n == NULL || n->kind == CONFIG_NULL)
        return WEFT_OK;
    if (n->kind != CONFIG_LIST)
        return bad(r, n, key, "a list of texts", e);
    const char **at = arena_alloc(r->arena, (n->count + 1) * sizeof(*at));
    *ret = (struct cert_texts){ at, 0 };
    for (const struct config_entry *i = n->first; i != NULL; i = i->next) {
        if (i->value->kind != CONFIG_TEXT)
            return bad(r, i->value, key, "a list of texts", e);
        at[ret->count++] = arena_dup_str(r->arena, bytes_of_str(i->value->text));
    }
    return WEFT_OK;
}

/* NULL when it is not there. */
static enum weft_code find_section(const struct reader *r, const struct config_node *map,
                                   const char *key, enum config_kind kind,
                                   const struct config_node **ret, struct weft_err *e)
{
    const struct config_node *n = config_node_find(map, key);
    *ret = NULL;
    if (n == NULL || n->kind == CONFIG_NULL)
        return WEFT_OK;
    if (n->kind != kind)
        return bad(r, n, key, kind == CONFIG_MAP ? "a map" : "a list", e);
    *ret = n;
    return WEFT_OK;
}

/* ---- nodes ------------------------------------------------------------------------------------------- */

/* Its common name, and its names: first those that every node has. */
static enum weft_code render(const struct reader *r, const char *domain, struct crypto_node *node,
                             struct weft_err *e)
{
    struct field fields[] = { { "Hostname", node->hostname },
                              { "Domain", domain },
                              { "CommonName", "" } };
    const char *cn = node->common_name[0] != '\0' ? node->common_name : "{{.Hostname}}.{{.Domain}}";
    WEFT_TRY(expand(r, cn, fields, WEFT_ARRAY_LEN(fields), &node->common_name, e));
    fields[2].value = node->common_name;
    const char **sans = arena_alloc(r->arena, (node->sans.count + 2) * sizeof(*sans));
    sans[0] = node->common_name;
    sans[1] = node->hostname;
    for (size_t i = 0; i < node->sans.count; i++)
        WEFT_TRY(expand(r, node->sans.at[i], fields, WEFT_ARRAY_LEN(fields), &sans[i + 2], e));
    node->sans = (struct cert_texts){ sans, node->sans.count + 2 };
    return WEFT_OK;
}

static enum weft_code read_node(const struct reader *r, const struct config_node *map,
                                struct crypto_node *node, struct weft_err *e)
{
    const struct {
        const char *key;
        const char **to;
    } texts[] = {
        { "Hostname", &node->hostname },    { "CommonName", &node->common_name },
        { "Country", &node->country },      { "Province", &node->province },
        { "Locality", &node->locality },    { "OrganizationalUnit", &node->unit },
        { "StreetAddress", &node->street }, { "PostalCode", &node->postal_code },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(texts); i++) {
        *texts[i].to = "";
        if (map != NULL)
            WEFT_TRY(read_text(r, map, texts[i].key, texts[i].to, e));
    }
    return read_texts(r, map, "SANS", &node->sans, e);
}

/* peer0, peer1 ... */
static enum weft_code add_templated(const struct reader *r, const struct config_node *template,
                                    const char *prefix, const struct crypto_org *org,
                                    struct crypto_node *nodes, size_t *count, struct weft_err *e)
{
    uint32_t many = 0, start = 0;
    const char *hostname = "";
    struct cert_texts sans = { 0 };
    if (template == NULL)
        return WEFT_OK;
    WEFT_TRY(read_count(r, template, "Count", CRYPTO_NODES_MAX, &many, e));
    WEFT_TRY(read_count(r, template, "Start", CRYPTO_START_MAX, &start, e));
    WEFT_TRY(read_text(r, template, "Hostname", &hostname, e));
    WEFT_TRY(read_texts(r, template, "SANS", &sans, e));
    for (uint32_t i = 0; i < many; i++) {
        struct crypto_node *node = &nodes[(*count)++];
        char index[16];
        (void)snprintf(index, sizeof(index), "%" PRIu32, start + i);
        const struct field fields[] = { { "Prefix", prefix },
                                        { "Index", index },
                                        { "Domain", org->domain } };
        WEFT_TRY(read_node(r, NULL, node, e));
        WEFT_TRY(expand(r, hostname[0] != '\0' ? hostname : "{{.Prefix}}{{.Index}}", fields,
                        WEFT_ARRAY_LEN(fields), &node->hostname, e));
        node->sans = sans;
    }
    return WEFT_OK;
}

static enum weft_code read_nodes(const struct reader *r, const struct config_node *map,
                                 const char *prefix, struct crypto_org *org, struct weft_err *e)
{
    const struct config_node *specs, *template;
    uint32_t many = 0;
    WEFT_TRY(find_section(r, map, "Specs", CONFIG_LIST, &specs, e));
    WEFT_TRY(find_section(r, map, "Template", CONFIG_MAP, &template, e));
    WEFT_TRY(read_count(r, template, "Count", CRYPTO_NODES_MAX, &many, e));
    size_t most = many + (specs != NULL ? specs->count : 0);
    WEFT_TRY(spend(r, most * sizeof(struct crypto_node), e));
    struct crypto_node *nodes = arena_alloc(r->arena, (most + 1) * sizeof(*nodes));
    for (const struct config_entry *i = specs != NULL ? specs->first : NULL; i != NULL;
         i = i->next) {
        if (i->value->kind != CONFIG_MAP)
            return bad(r, i->value, "Specs", "a list of maps", e);
        WEFT_TRY(read_node(r, i->value, &nodes[org->node_count++], e));
    }
    WEFT_TRY(add_templated(r, template, prefix, org, nodes, &org->node_count, e));
    for (size_t i = 0; i < org->node_count; i++)
        WEFT_TRY(render(r, org->domain, &nodes[i], e));
    org->nodes = nodes;
    return WEFT_OK;
}

/* ---- organisations ----------------------------------------------------------------------------------- */

/* A folder is made of it. */
static enum weft_code check_domain(const struct reader *r, const struct config_node *map,
                                   const char *domain, struct weft_err *e)
{
    if (domain[0] != '\0' && strchr(domain, '/') == NULL && strcmp(domain, ".") != 0 &&
        strcmp(domain, "..") != 0)
        return WEFT_OK;
    return WEFT_FAIL(e, WEFT_INVALID, "%s:%u: Domain is \"%s\", expected a name such as %s",
                     r->name, map->line, domain, "org1.example.com");
}

static enum weft_code read_org(const struct reader *r, const struct config_node *map,
                               const char *prefix, struct crypto_org *org, struct weft_err *e)
{
    const struct config_node *ca, *users;
    if (map->kind != CONFIG_MAP)
        return bad(r, map, "an organisation", "a map", e);
    WEFT_TRY(read_text(r, map, "Name", &org->name, e));
    WEFT_TRY(read_text(r, map, "Domain", &org->domain, e));
    WEFT_TRY(check_domain(r, map, org->domain, e));
    WEFT_TRY(read_bool(r, map, "EnableNodeOUs", &org->node_ous, e));
    WEFT_TRY(find_section(r, map, "CA", CONFIG_MAP, &ca, e));
    WEFT_TRY(find_section(r, map, "Users", CONFIG_MAP, &users, e));
    WEFT_TRY(read_count(r, users, "Count", CRYPTO_NODES_MAX, &org->users, e));
    WEFT_TRY(read_nodes(r, map, prefix, org, e));
    WEFT_TRY(read_node(r, ca, &org->ca, e));
    if (org->ca.hostname[0] == '\0')
        org->ca.hostname = "ca";
    return render(r, org->domain, &org->ca, e);
}

static enum weft_code read_orgs(const struct reader *r, const struct config_node *root,
                                const char *key, const char *prefix, const struct crypto_org **ret,
                                size_t *ret_count, struct weft_err *e)
{
    const struct config_node *list;
    WEFT_TRY(find_section(r, root, key, CONFIG_LIST, &list, e));
    if (list == NULL)
        return WEFT_OK;
    struct crypto_org *orgs = arena_alloc(r->arena, (list->count + 1) * sizeof(*orgs));
    *ret = orgs;
    for (const struct config_entry *i = list->first; i != NULL; i = i->next) {
        enum weft_code rc = read_org(r, i->value, prefix, &orgs[(*ret_count)++], e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "Error processing %s configuration", prefix);
    }
    return WEFT_OK;
}

enum weft_code crypto_spec_read(struct bytes yaml, const char *name, struct arena *arena,
                                struct crypto_spec *ret, struct weft_err *e)
{
    WEFT_CLEANUP(config_tree_free) struct config_tree *tree = NULL;
    size_t spent = 0;
    const struct reader r = { name, arena, &spent };
    enum weft_code rc = config_tree_parse(yaml, name, &tree, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "Error reading config: Error Unmarshaling YAML");
    const struct config_node *root = config_tree_root(tree);
    *ret = (struct crypto_spec){ 0 };
    if (root->kind == CONFIG_NULL)
        return WEFT_OK;
    if (root->kind != CONFIG_MAP)
        return bad(&r, root, "the file", "a map with PeerOrgs and OrdererOrgs", e);
    WEFT_TRY(read_orgs(&r, root, "PeerOrgs", "peer", &ret->peer_orgs, &ret->peer_org_count, e));
    return read_orgs(&r, root, "OrdererOrgs", "orderer", &ret->orderer_orgs,
                     &ret->orderer_org_count, e);
}

const char crypto_spec_default[] =
    "# Organisations that run orderers.\n"
    "OrdererOrgs:\n"
    "  - Name: Orderer\n"
    "    Domain: example.com\n"
    "    EnableNodeOUs: false\n"
    "    # Nodes by name: Hostname is orderer, and its certificate is for\n"
    "    # orderer.example.com.  CommonName and SANS may say otherwise; they may use\n"
    "    # {{.Hostname}}, {{.Domain}} and {{.CommonName}}.\n"
    "    Specs:\n"
    "      - Hostname: orderer\n"
    "\n"
    "# Organisations that run peers.\n"
    "PeerOrgs:\n"
    "  - Name: Org1\n"
    "    Domain: org1.example.com\n"
    "    # true: what somebody may do stands in the certificate's organisational unit\n"
    "    # (client, peer, admin, orderer).\n"
    "    EnableNodeOUs: false\n"
    "    # The CA's certificate:\n"
    "    # CA:\n"
    "    #    Hostname: ca\n"
    "    #    Country: US\n"
    "    #    Province: California\n"
    "    #    Locality: San Francisco\n"
    "    #    OrganizationalUnit: Hyperledger Fabric\n"
    "    #    StreetAddress: address for org\n"
    "    #    PostalCode: postalCode for org\n"
    "    # Nodes by number: peer0, peer1 ... from Start on; Hostname may be a template of\n"
    "    # {{.Prefix}}, {{.Index}} and {{.Domain}}.\n"
    "    Template:\n"
    "      Count: 1\n"
    "      # Start: 5\n"
    "      # Hostname: {{.Prefix}}{{.Index}}\n"
    "      # SANS:\n"
    "      #   - \"{{.Hostname}}.alt.{{.Domain}}\"\n"
    "    # Users besides Admin: User1 ...\n"
    "    Users:\n"
    "      Count: 1\n"
    "\n"
    "  - Name: Org2\n"
    "    Domain: org2.example.com\n"
    "    EnableNodeOUs: false\n"
    "    Template:\n"
    "      Count: 1\n"
    "    Users:\n"
    "      Count: 1\n";
