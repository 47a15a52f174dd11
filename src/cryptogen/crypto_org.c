#include "cryptogen/crypto_org.h"

#include "crypto/pem.h"
#include "crypto/x509.h"
#include "os/dirs.h"
#include "os/file.h"

enum {
    PEM_MAX = 1 << 16,
    MINUTE_S = 60,
    BACKDATE_S = 5 * MINUTE_S,
    LIFE_S = 3650 * 24 * 60 * MINUTE_S,
};

enum node_role {
    ROLE_CLIENT,
    ROLE_PEER,
    ROLE_ORDERER,
    ROLE_ADMIN,
};

static const char *const role_units[] = { "client", "peer", "orderer", "admin" };

struct ca {
    char *name;                        /* its certificate's file, without -cert.pem */
    const struct crypto_node *subject; /* what its certificates' subjects have in common */
    struct private_key *key;
    struct x509_cert *cert;
    struct buf pem;
};

static void ca_done(struct ca *ca)
{
    free(ca->name);
    private_key_unref(ca->key);
    x509_cert_unref(ca->cert);
    buf_done(&ca->pem);
}

/* What is made for one organisation. */
struct org {
    const struct crypto_place *place;
    const struct crypto_org *spec;
    char *dir;
    struct ca sign_ca, tls_ca;
};

static void org_done(struct org *o)
{
    free(o->dir);
    ca_done(&o->sign_ca);
    ca_done(&o->tls_ca);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct org, org_done)

/* ---- files -------------------------------------------------------------------------------------- */

static enum weft_code write_file(struct bytes what, mode_t mode, struct weft_err *e,
                                 const char *dir, const char *name)
{
    WEFT_FREE char *path = weft_asprintf("%s/%s", dir, name);
    return file_write_plain(path, what, mode, e);
}

static enum weft_code write_cert(const struct buf *pem, const char *dir, const char *name,
                                 struct weft_err *e)
{
    WEFT_FREE char *file = weft_asprintf("%s-cert.pem", name);
    return write_file(buf_bytes(pem), 0644, e, dir, file);
}

static enum weft_code make_key(const char *dir, const char *file, struct private_key **ret,
                               struct weft_err *e)
{
    WEFT_CLEANUP(private_key_unref) struct private_key *key = NULL;
    WEFT_CLEANUP(buf_done) struct buf der = { 0 };
    WEFT_CLEANUP(buf_done) struct buf pem = { 0 };
    WEFT_TRY(private_key_generate(EC_CURVE_P256, &key, e));
    WEFT_TRY(private_key_encode(key, &der, e));
    pem_encode("PRIVATE KEY", buf_bytes(&der), &pem);
    enum weft_code rc = write_file(buf_bytes(&pem), 0600, e, dir, file);
    explicit_bzero(der.data, der.len);
    explicit_bzero(pem.data, pem.len);
    if (rc == WEFT_OK)
        *ret = WEFT_TAKE(key);
    return rc;
}

/* ---- certificates ---------------------------------------------------------------------------------- */

static struct cert_subject subject_of(const struct crypto_node *n, const char *common_name,
                                      const struct cert_texts *units)
{
    return (struct cert_subject){
        .country = n->country[0] != '\0' ? n->country : "US",
        .province = n->province[0] != '\0' ? n->province : "California",
        .locality = n->locality[0] != '\0' ? n->locality : "San Francisco",
        .units = *units,
        .street = n->street,
        .postal_code = n->postal_code,
        .common_name = common_name,
    };
}

static void set_times(const struct crypto_place *place, struct cert_plan *plan)
{
    int64_t rounded = (place->now_s + MINUTE_S / 2) / MINUTE_S * MINUTE_S;
    plan->not_before_s = rounded - BACKDATE_S;
    plan->not_after_s = plan->not_before_s + LIFE_S;
}

static enum weft_code make_ca(const struct org *o, const char *folder, const char *prefix,
                              struct ca *ca, struct weft_err *e)
{
    const struct crypto_node *n = &o->spec->ca;
    const char *unit = n->unit;
    const struct cert_texts units = { &unit, unit[0] != '\0' ? 1 : 0 };
    WEFT_FREE char *dir = weft_asprintf("%s/%s", o->dir, folder);
    WEFT_FREE char *name = weft_asprintf("%s%s", prefix, n->common_name);
    WEFT_CLEANUP(buf_done) struct buf der = { 0 };
    struct cert_plan plan = {
        .subject = subject_of(n, name, &units),
        .is_ca = true,
        .usage = CERT_DIGITAL_SIGNATURE | CERT_KEY_ENCIPHERMENT | CERT_SIGN | CERT_CRL_SIGN,
        .client_auth = true,
        .server_auth = true,
    };
    plan.subject.organization = o->spec->domain;
    set_times(o->place, &plan);
    WEFT_TRY(dir_make(dir, e));
    WEFT_TRY(make_key(dir, "priv_sk", &ca->key, e));
    WEFT_TRY(cert_make(&plan, private_key_public(ca->key), NULL, ca->key, &der, e));
    WEFT_TRY(x509_cert_parse(buf_bytes(&der), &ca->cert, e));
    pem_encode("CERTIFICATE", buf_bytes(&der), &ca->pem);
    ca->subject = n;
    ca->name = WEFT_TAKE(name);
    return write_cert(&ca->pem, dir, ca->name, e);
}

static enum weft_code load_ca(const struct org *o, const char *folder, const char *prefix,
                              struct ca *ca, struct weft_err *e)
{
    WEFT_FREE char *dir = weft_asprintf("%s/%s", o->dir, folder);
    WEFT_CLEANUP(dir_list_done) struct dir_list files = { 0 };
    WEFT_TRY(dir_list(dir, &files, e));
    for (size_t i = 0; i < files.count; i++) {
        size_t n = strlen(files.names[i]);
        WEFT_FREE char *path = weft_asprintf("%s/%s", dir, files.names[i]);
        WEFT_CLEANUP(buf_done) struct buf text = { 0 };
        WEFT_TRY(file_read_all(path, PEM_MAX, &text, e));
        if (n >= 3 && strcmp(files.names[i] + n - 3, "_sk") == 0 && ca->key == NULL)
            WEFT_TRY(private_key_parse(buf_bytes(&text), &ca->key, e));
        else if (n >= 4 && strcmp(files.names[i] + n - 4, ".pem") == 0 && ca->cert == NULL)
            WEFT_TRY(x509_cert_parse_pem(buf_bytes(&text), &ca->cert, e));
    }
    if (ca->key == NULL || ca->cert == NULL)
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "%s has no key (*_sk) and certificate (*.pem)", dir);
    pem_encode("CERTIFICATE", ca->cert->der, &ca->pem);
    ca->subject = &o->spec->ca;
    ca->name = weft_asprintf("%s%s", prefix, o->spec->ca.common_name);
    return WEFT_OK;
}

/* For a node's or user's key, as PEM. */
static enum weft_code sign_cert(const struct org *o, const struct ca *ca, struct cert_plan *plan,
                                const struct private_key *key, struct buf *ret_pem,
                                struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf der = { 0 };
    set_times(o->place, plan);
    WEFT_TRY(cert_make(plan, private_key_public(key), ca->cert, ca->key, &der, e));
    pem_encode("CERTIFICATE", buf_bytes(&der), ret_pem);
    return WEFT_OK;
}

/* ---- MSP folders ------------------------------------------------------------------------------------- */

static enum weft_code make_folders(const char *dir, const char *const *names, size_t count,
                                   struct weft_err *e)
{
    for (size_t i = 0; i < count; i++) {
        WEFT_FREE char *path = weft_asprintf("%s/%s", dir, names[i]);
        WEFT_TRY(dir_make(path, e));
    }
    return WEFT_OK;
}

static enum weft_code write_node_ous(const char *msp, const char *ca_name, struct weft_err *e)
{
    static const struct {
        const char *key, *unit;
    } roles[] = {
        { "Client", "client" }, { "Peer", "peer" }, { "Admin", "admin" }, { "Orderer", "orderer" }
    };
    WEFT_CLEANUP(buf_done) struct buf yaml = { 0 };
    buf_put_str(&yaml, "NodeOUs:\n  Enable: true\n");
    for (size_t i = 0; i < WEFT_ARRAY_LEN(roles); i++)
        buf_printf(&yaml,
                   "  %sOUIdentifier:\n    Certificate: cacerts/%s-cert.pem\n"
                   "    OrganizationalUnitIdentifier: %s\n",
                   roles[i].key, ca_name, roles[i].unit);
    return write_file(buf_bytes(&yaml), 0644, e, msp, "config.yaml");
}

/* What an MSP folder of this organisation has in any case. */
static enum weft_code write_roots(const struct org *o, const char *msp, struct weft_err *e)
{
    WEFT_FREE char *cas = weft_asprintf("%s/cacerts", msp);
    WEFT_FREE char *tls = weft_asprintf("%s/tlscacerts", msp);
    WEFT_TRY(write_cert(&o->sign_ca.pem, cas, o->sign_ca.name, e));
    WEFT_TRY(write_cert(&o->tls_ca.pem, tls, o->tls_ca.name, e));
    return o->spec->node_ous ? write_node_ous(msp, o->sign_ca.name, e) : WEFT_OK;
}

static enum weft_code make_org_msp(const struct org *o, struct weft_err *e)
{
    static const char *const folders[] = { "admincerts", "cacerts", "tlscacerts" };
    WEFT_FREE char *msp = weft_asprintf("%s/msp", o->dir);
    WEFT_TRY(make_folders(msp, folders, WEFT_ARRAY_LEN(folders), e));
    return write_roots(o, msp, e);
}

/* ---- nodes and users ------------------------------------------------------------------------------------ */

static enum weft_code make_signer(const struct org *o, const char *msp, const char *name,
                                  enum node_role role, struct weft_err *e)
{
    const char *units[2];
    size_t count = 0;
    WEFT_FREE char *keystore = weft_asprintf("%s/keystore", msp);
    WEFT_FREE char *signcerts = weft_asprintf("%s/signcerts", msp);
    WEFT_CLEANUP(private_key_unref) struct private_key *key = NULL;
    WEFT_CLEANUP(buf_done) struct buf pem = { 0 };
    if (o->spec->ca.unit[0] != '\0')
        units[count++] = o->spec->ca.unit;
    if (o->spec->node_ous)
        units[count++] = role_units[role];
    const struct cert_texts all = { units, count };
    struct cert_plan plan = { .subject = subject_of(&o->spec->ca, name, &all),
                              .usage = CERT_DIGITAL_SIGNATURE };
    WEFT_TRY(make_key(keystore, "priv_sk", &key, e));
    WEFT_TRY(sign_cert(o, &o->sign_ca, &plan, key, &pem, e));
    return write_cert(&pem, signcerts, name, e);
}

static enum weft_code make_tls(const struct org *o, const char *tls, const char *name,
                               const struct cert_texts *sans, enum node_role role,
                               struct weft_err *e)
{
    bool client = role == ROLE_CLIENT || role == ROLE_ADMIN;
    const char *unit = o->spec->ca.unit;
    const struct cert_texts units = { &unit, unit[0] != '\0' ? 1 : 0 };
    WEFT_CLEANUP(private_key_unref) struct private_key *key = NULL;
    WEFT_CLEANUP(buf_done) struct buf pem = { 0 };
    struct cert_plan plan = { .subject = subject_of(&o->spec->ca, name, &units),
                              .usage = CERT_DIGITAL_SIGNATURE | CERT_KEY_ENCIPHERMENT,
                              .client_auth = true,
                              .server_auth = true,
                              .server_first = true,
                              .names = *sans };
    WEFT_TRY(dir_make(tls, e));
    WEFT_TRY(make_key(tls, client ? "client.key" : "server.key", &key, e));
    WEFT_TRY(sign_cert(o, &o->tls_ca, &plan, key, &pem, e));
    WEFT_TRY(write_file(buf_bytes(&pem), 0644, e, tls, client ? "client.crt" : "server.crt"));
    return write_file(buf_bytes(&o->tls_ca.pem), 0644, e, tls, "ca.crt");
}

/* Unless it is there. */
static enum weft_code make_node(const struct org *o, const char *folder, const char *name,
                                const struct cert_texts *sans, enum node_role role,
                                struct weft_err *e)
{
    static const char *const folders[] = { "admincerts", "cacerts", "tlscacerts", "keystore",
                                           "signcerts" };
    WEFT_FREE char *dir = weft_asprintf("%s/%s/%s", o->dir, folder, name);
    WEFT_FREE char *msp = weft_asprintf("%s/msp", dir);
    WEFT_FREE char *tls = weft_asprintf("%s/tls", dir);
    if (path_exists(dir))
        return WEFT_OK;
    WEFT_TRY(make_folders(msp, folders, WEFT_ARRAY_LEN(folders), e));
    WEFT_TRY(write_roots(o, msp, e));
    WEFT_TRY(make_signer(o, msp, name, role, e));
    return make_tls(o, tls, name, sans, role, e);
}

/* Without NodeOUs an admin is who stands in admincerts; his own certificate too. */
static enum weft_code copy_admin(const struct org *o, const char *msp, struct weft_err *e)
{
    WEFT_FREE char *admin = weft_asprintf("Admin@%s", o->spec->domain);
    WEFT_FREE char *from =
        weft_asprintf("%s/users/%s/msp/signcerts/%s-cert.pem", o->dir, admin, admin);
    WEFT_FREE char *to = weft_asprintf("%s/admincerts", msp);
    WEFT_CLEANUP(buf_done) struct buf pem = { 0 };
    WEFT_TRY(file_read_all(from, PEM_MAX, &pem, e));
    return write_cert(&pem, to, admin, e);
}

static const char *nodes_folder(const struct org *o)
{
    return o->place->kind == CRYPTO_PEERS ? "peers" : "orderers";
}

static enum weft_code copy_admin_to_nodes(const struct org *o, struct weft_err *e)
{
    for (size_t i = 0; i < o->spec->node_count; i++) {
        WEFT_FREE char *msp =
            weft_asprintf("%s/%s/%s/msp", o->dir, nodes_folder(o), o->spec->nodes[i].common_name);
        WEFT_TRY(copy_admin(o, msp, e));
    }
    return WEFT_OK;
}

static enum weft_code make_nodes(const struct org *o, struct weft_err *e)
{
    enum node_role role = o->place->kind == CRYPTO_PEERS ? ROLE_PEER : ROLE_ORDERER;
    for (size_t i = 0; i < o->spec->node_count; i++) {
        const struct crypto_node *n = &o->spec->nodes[i];
        WEFT_TRY(make_node(o, nodes_folder(o), n->common_name, &n->sans, role, e));
    }
    return WEFT_OK;
}

static enum weft_code make_user(const struct org *o, const char *name, enum node_role role,
                                struct weft_err *e)
{
    static const struct cert_texts none = { 0 };
    WEFT_TRY(make_node(o, "users", name, &none, role, e));
    if (o->spec->node_ous)
        return WEFT_OK;
    WEFT_FREE char *from =
        weft_asprintf("%s/users/%s/msp/signcerts/%s-cert.pem", o->dir, name, name);
    WEFT_FREE char *to = weft_asprintf("%s/users/%s/msp/admincerts", o->dir, name);
    WEFT_CLEANUP(buf_done) struct buf pem = { 0 };
    WEFT_TRY(file_read_all(from, PEM_MAX, &pem, e));
    return write_cert(&pem, to, name, e);
}

static enum weft_code make_users(const struct org *o, struct weft_err *e)
{
    uint32_t count = o->place->kind == CRYPTO_PEERS ? o->spec->users : 0;
    for (uint32_t i = 1; i <= count; i++) {
        WEFT_FREE char *name = weft_asprintf("User%u@%s", i, o->spec->domain);
        WEFT_TRY(make_user(o, name, ROLE_CLIENT, e));
    }
    return WEFT_OK;
}

/* ---- organisations ------------------------------------------------------------------------------------------ */

static void begin(struct org *o, const struct crypto_place *place, const struct crypto_org *spec)
{
    *o = (struct org){ .place = place, .spec = spec };
    o->dir = weft_asprintf(
        "%s/%s/%s", place->dir,
        place->kind == CRYPTO_PEERS ? "peerOrganizations" : "ordererOrganizations", spec->domain);
}

enum weft_code crypto_org_generate(const struct crypto_place *place, const struct crypto_org *spec,
                                   struct weft_err *e)
{
    WEFT_CLEANUP(org_done) struct org o = { 0 };
    begin(&o, place, spec);
    WEFT_FREE char *admin = weft_asprintf("Admin@%s", spec->domain);
    WEFT_FREE char *msp = weft_asprintf("%s/msp", o.dir);
    WEFT_TRY(make_ca(&o, "ca", "", &o.sign_ca, e));
    WEFT_TRY(make_ca(&o, "tlsca", "tls", &o.tls_ca, e));
    WEFT_TRY(make_org_msp(&o, e));
    WEFT_TRY(make_nodes(&o, e));
    WEFT_TRY(make_users(&o, e));
    WEFT_TRY(make_user(&o, admin, ROLE_ADMIN, e));
    if (spec->node_ous)
        return WEFT_OK;
    WEFT_TRY(copy_admin(&o, msp, e));
    return copy_admin_to_nodes(&o, e);
}

enum weft_code crypto_org_extend(const struct crypto_place *place, const struct crypto_org *spec,
                                 bool *ret_new, struct weft_err *e)
{
    WEFT_CLEANUP(org_done) struct org o = { 0 };
    begin(&o, place, spec);
    *ret_new = !path_exists(o.dir);
    if (*ret_new)
        return crypto_org_generate(place, spec, e);
    WEFT_TRY(load_ca(&o, "ca", "", &o.sign_ca, e));
    WEFT_TRY(load_ca(&o, "tlsca", "tls", &o.tls_ca, e));
    WEFT_TRY(make_nodes(&o, e));
    WEFT_TRY(make_users(&o, e));
    return spec->node_ous ? WEFT_OK : copy_admin_to_nodes(&o, e);
}
