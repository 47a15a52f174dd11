/* The order of the checks is Fabric's: it decides which words a configuration
 * with two faults gets, and before 1.4.3 the admins come before the CRLs. */
#include "crypto/pem.h"
#include "crypto/x509_crl.h"
#include "msp/msp_identity.h"
#include "msp/msp_private.h"

#include <inttypes.h>

static struct bytes keep(struct msp *msp, struct bytes what)
{
    return bytes_of(arena_dup_str(&msp->arena, what), what.len);
}

static const char *keep_text(struct msp *msp, struct bytes what, const char *otherwise)
{
    return what.len > 0 ? arena_dup_str(&msp->arena, what) : otherwise;
}

static struct msp_items keep_items(struct msp *msp, const struct msp_items *items)
{
    struct bytes *at = arena_alloc(&msp->arena, (items->count + 1) * sizeof(*at));
    for (size_t i = 0; i < items->count; i++)
        at[i] = keep(msp, items->at[i]);
    return (struct msp_items){ at, items->count };
}

/* ---- certificates ------------------------------------------------------------------------ */

static enum weft_code cert_from_pem(struct bytes text, struct x509_link **ret, struct weft_err *e)
{
    WEFT_CLEANUP(pem_block_done) struct pem_block block = { 0 };
    if (pem_next(&text, &block, NULL) != WEFT_OK)
        return WEFT_FAIL(e, WEFT_INVALID, "getCertFromPem error: could not decode pem bytes");
    enum weft_code rc = x509_link_parse(buf_bytes(&block.der), ret, e);
    return rc == WEFT_OK ? rc
                         : weft_err_wrap(e, rc, "getCertFromPem error: failed to parse x509 cert");
}

/* Fabric's getIdentityFromConf: the certificate, with a low s. */
static enum weft_code identity_from_cert(const struct msp *msp, struct x509_link *cert,
                                         struct x509_link **ret, struct weft_err *e)
{
    WEFT_CLEANUP(x509_link_unref) struct x509_link *low = NULL;
    WEFT_CLEANUP(x509_chain_done) struct x509_chain chain = { 0 };
    struct hash_value id;
    WEFT_TRY(msp_check_key(cert, e));
    WEFT_TRY(msp_sanitize(msp, cert, &low, &chain, e));
    WEFT_TRY(msp_certifiers(msp, &(const struct x509_link *){ low }, 1, &id, e));
    *ret = WEFT_TAKE(low);
    return WEFT_OK;
}

static enum weft_code fill_pool(const struct msp_items *items, struct x509_pool *pool,
                                struct weft_err *e)
{
    for (size_t i = 0; i < items->count; i++) {
        WEFT_CLEANUP(x509_link_unref) struct x509_link *cert = NULL;
        WEFT_TRY(cert_from_pem(items->at[i], &cert, e));
        x509_pool_add(pool, cert);
    }
    return WEFT_OK;
}

/* A CA's certificate comes again in its units: what was made of it is known then. */
static void keep_form(struct msp *msp, const struct x509_link *raw, const struct x509_pool *pool,
                      const struct x509_link *low)
{
    struct msp_form *f = arena_alloc(&msp->arena, sizeof(*f));
    struct x509_link *held = NULL; /* not `low` itself if it was there before */
    for (size_t i = 0; i < pool->count && held == NULL; i++)
        if (bytes_eq(pool->links[i]->cert->der, low->cert->der))
            held = pool->links[i];
    WEFT_ASSERT(held != NULL);
    *f = (struct msp_form){ .next = msp->forms,
                            .der = raw == low ? held->cert->der : keep(msp, raw->cert->der),
                            .low = held };
    msp->forms = f;
}

static enum weft_code sanitize_pool(struct msp *msp, const struct x509_pool *raw,
                                    struct x509_pool *pool, struct weft_err *e)
{
    for (size_t i = 0; i < raw->count; i++) {
        WEFT_CLEANUP(x509_link_unref) struct x509_link *low = NULL;
        WEFT_TRY(identity_from_cert(msp, raw->links[i], &low, e));
        x509_pool_add(pool, low);
        keep_form(msp, raw->links[i], pool, low);
    }
    return WEFT_OK;
}

/* One after the other, so that the first fault is the one that is told. */
static enum weft_code fill_admins(struct msp *msp, const struct msp_items *items,
                                  struct weft_err *e)
{
    for (size_t i = 0; i < items->count; i++) {
        WEFT_CLEANUP(x509_link_unref) struct x509_link *cert = NULL;
        WEFT_CLEANUP(x509_link_unref) struct x509_link *low = NULL;
        WEFT_TRY(cert_from_pem(items->at[i], &cert, e));
        WEFT_TRY(identity_from_cert(msp, cert, &low, e));
        x509_pool_add(&msp->admins, low);
    }
    return WEFT_OK;
}

static void swap_pools(struct x509_pool *a, struct x509_pool *b)
{
    struct x509_pool c = *a;
    *a = *b;
    *b = c;
}

/* The pools are filled twice: chains are needed to bring the certificates into
 * their low-s form, of which the pools then are. */
static enum weft_code set_up_cas(struct msp *msp, const struct msp_config *c, struct weft_err *e)
{
    WEFT_CLEANUP(x509_pool_done) struct x509_pool roots = { 0 };
    WEFT_CLEANUP(x509_pool_done) struct x509_pool intermediates = { 0 };
    if (c->roots.count == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "expected at least one CA certificate");
    WEFT_TRY(fill_pool(&c->roots, &msp->roots, e));
    WEFT_TRY(fill_pool(&c->intermediates, &msp->intermediates, e));
    WEFT_TRY(sanitize_pool(msp, &msp->roots, &roots, e));
    WEFT_TRY(sanitize_pool(msp, &msp->intermediates, &intermediates, e));
    swap_pools(&roots, &msp->roots);
    swap_pools(&intermediates, &msp->intermediates);
    return WEFT_OK;
}

static enum weft_code set_up_crls(struct msp *msp, const struct msp_config *c, struct weft_err *e)
{
    msp->crls = arena_alloc(&msp->arena, (c->crls.count + 1) * sizeof(struct x509_crl *));
    for (size_t i = 0; i < c->crls.count; i++) {
        WEFT_TRY(x509_crl_parse(c->crls.at[i], &msp->crls[i], e));
        msp->crl_count++;
    }
    return WEFT_OK;
}

/* ---- CAs --------------------------------------------------------------------------------- */

/* "1a2b", as Go prints a big number with %x; caller frees. */
static char *serial_hex(const struct x509_link *ca)
{
    WEFT_FREE char *hex = bytes_to_hex(ca->cert->serial);
    return weft_strdup(hex[0] == '0' ? hex + 1 : hex[0] == '\0' ? "0" : hex);
}

static enum weft_code check_ca_chain(const struct msp *msp, const struct x509_link *ca,
                                     const struct x509_pool *roots,
                                     const struct x509_pool *intermediates, struct weft_err *e)
{
    WEFT_CLEANUP(x509_chain_done) struct x509_chain chain = { 0 };
    enum weft_code rc = msp_unique_chain(ca, roots, intermediates, &chain, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not obtain certification chain");
    return chain.count == 1 ? WEFT_OK : msp_check_revocation(msp, &chain, e);
}

static enum weft_code check_ca(const struct msp *msp, const struct x509_link *ca,
                               const struct x509_pool *roots, const struct x509_pool *intermediates,
                               struct weft_err *e)
{
    WEFT_FREE char *sn = serial_hex(ca);
    if (!ca->is_ca)
        return WEFT_FAIL(e, WEFT_INVALID, "CA Certificate did not have the CA attribute, (SN: %s)",
                         sn);
    if (!ca->has_ski)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "CA Certificate problem with Subject Key Identifier extension, (SN: %s): "
                         "subjectKeyIdentifier not found in certificate",
                         sn);
    enum weft_code rc = check_ca_chain(msp, ca, roots, intermediates, e);
    return rc == WEFT_OK ? rc
                         : weft_err_wrap(e, rc, "CA Certificate is not valid, (SN: %s)",
                                         ca->cert->serial_text);
}

static enum weft_code check_cas(const struct msp *msp, const struct x509_pool *which,
                                const struct x509_pool *roots,
                                const struct x509_pool *intermediates, struct weft_err *e)
{
    for (size_t i = 0; i < which->count; i++)
        WEFT_TRY(check_ca(msp, which->links[i], roots, intermediates, e));
    return WEFT_OK;
}

static enum weft_code mark_internal(struct msp *msp, struct weft_err *e)
{
    size_t cas = msp->roots.count + msp->intermediates.count;
    msp->internal = arena_alloc(&msp->arena, (cas + 1) * sizeof(*msp->internal));
    for (size_t i = 0; i < msp->intermediates.count; i++) {
        WEFT_CLEANUP(x509_chain_done) struct x509_chain chain = { 0 };
        const struct x509_link *ca = msp->intermediates.links[i];
        enum weft_code rc = msp_unique_chain(ca, &msp->roots, &msp->intermediates, &chain, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "failed getting validation chain, (SN: %s)",
                                 ca->cert->serial_text);
        for (size_t k = 1; k < chain.count; k++)
            if (!msp_is_internal(msp, chain.links[k]))
                msp->internal[msp->internal_count++] = chain.links[k];
    }
    return WEFT_OK;
}

static enum weft_code finish_cas(struct msp *msp, struct weft_err *e)
{
    WEFT_TRY(check_cas(msp, &msp->roots, &msp->roots, &msp->intermediates, e));
    WEFT_TRY(check_cas(msp, &msp->intermediates, &msp->roots, &msp->intermediates, e));
    return mark_internal(msp, e);
}

static enum weft_code set_up_tls(struct msp *msp, const struct msp_config *c, struct weft_err *e)
{
    WEFT_CLEANUP(x509_pool_done) struct x509_pool roots = { 0 };
    WEFT_CLEANUP(x509_pool_done) struct x509_pool intermediates = { 0 };
    WEFT_TRY(fill_pool(&c->tls_roots, &roots, e));
    WEFT_TRY(fill_pool(&c->tls_intermediates, &intermediates, e));
    WEFT_TRY(check_cas(msp, &roots, &roots, &intermediates, e));
    WEFT_TRY(check_cas(msp, &intermediates, &roots, &intermediates, e));
    msp->tls_roots = keep_items(msp, &c->tls_roots);
    msp->tls_intermediates = keep_items(msp, &c->tls_intermediates);
    return WEFT_OK;
}

/* ---- our own certificate ----------------------------------------------------------------- */

static enum weft_code check_signer(const struct msp *msp, const struct msp_config *c,
                                   const struct msp_options *o, struct weft_err *e)
{
    WEFT_CLEANUP(x509_link_unref) struct x509_link *cert = NULL;
    WEFT_CLEANUP(x509_link_unref) struct x509_link *low = NULL;
    if (!c->has_signer)
        return WEFT_OK;
    WEFT_TRY(cert_from_pem(c->signer, &cert, e));
    WEFT_TRY(identity_from_cert(msp, cert, &low, e));
    int64_t over = o->now_s - cert->cert->not_after;
    if (o->now_s == 0 || over < 0)
        return WEFT_OK;
    return WEFT_FAIL(e, WEFT_INVALID,
                     "signing identity expired %" PRId64 "h%" PRId64 "m%" PRId64 "s ago",
                     over / 3600, over / 60 % 60, over % 60);
}

/* ---- organisational units ---------------------------------------------------------------- */

/* The CA that these bytes are, in its low-s form; NULL: none of ours. */
static struct x509_link *find_ca(const struct msp *msp, struct bytes pem)
{
    WEFT_CLEANUP(pem_block_done) struct pem_block block = { 0 };
    if (pem_next(&pem, &block, NULL) != WEFT_OK)
        return NULL;
    for (const struct msp_form *f = msp->forms; f != NULL; f = f->next)
        if (bytes_eq(f->der, buf_bytes(&block.der)) ||
            bytes_eq(f->low->cert->der, buf_bytes(&block.der)))
            return x509_link_ref(f->low);
    return NULL;
}

static enum weft_code ca_from_pem(const struct msp *msp, struct bytes pem, struct x509_link **ret,
                                  struct weft_err *e)
{
    WEFT_CLEANUP(x509_link_unref) struct x509_link *cert = NULL;
    WEFT_CLEANUP(x509_chain_done) struct x509_chain unused = { 0 };
    struct x509_link *known = find_ca(msp, pem);
    if (known != NULL) {
        *ret = known;
        return WEFT_OK;
    }
    enum weft_code rc = pem.len == 0
                            ? WEFT_FAIL(e, WEFT_INVALID, "getCertFromPem error: nil idBytes")
                            : cert_from_pem(pem, &cert, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "Failed getting certificate");
    rc = msp_sanitize(msp, cert, ret, &unused, e);
    return rc == WEFT_OK ? rc : weft_err_wrap(e, rc, "sanitizeCert failed");
}

static enum weft_code certifiers_of(const struct msp *msp, struct bytes pem, struct hash_value *ret,
                                    struct weft_err *e)
{
    WEFT_CLEANUP(x509_link_unref) struct x509_link *ca = NULL;
    WEFT_CLEANUP(x509_chain_done) struct x509_chain chain = { 0 };
    WEFT_TRY(ca_from_pem(msp, pem, &ca, e));
    if (x509_pool_has(&msp->roots, ca))
        return msp_certifiers(msp, &(const struct x509_link *){ ca }, 1, ret, e);
    if (!x509_pool_has(&msp->intermediates, ca))
        return WEFT_FAIL(e, WEFT_INVALID,
                         "Failed adding OU. Certificate [%s] not in root or intermediate certs.",
                         ca->cert->subject);
    enum weft_code rc = msp_unique_chain(ca, &msp->roots, &msp->intermediates, &chain, e);
    if (rc != WEFT_OK)
        rc = weft_err_wrap(e, rc, "failed getting validation chain");
    else
        rc = msp_check_issuer(msp, &chain, 0, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "Failed computing validation chain for [%s]",
                             ca->cert->subject);
    return msp_certifiers(msp, chain.links, chain.count, ret, e);
}

static enum weft_code set_up_units(struct msp *msp, const struct msp_config *c, struct weft_err *e)
{
    msp->units = arena_alloc(&msp->arena, (c->unit_count + 1) * sizeof(*msp->units));
    for (size_t i = 0; i < c->unit_count; i++) {
        struct msp_ou *u = &msp->units[msp->unit_count++];
        enum weft_code rc = certifiers_of(msp, c->units[i].certificate, &u->certifiers, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "failed getting certificate for [%.*s]",
                                 (int)c->units[i].name.len, (const char *)c->units[i].name.data);
        u->present = true;
        u->name = keep(msp, c->units[i].name);
    }
    return WEFT_OK;
}

static enum weft_code set_up_node_ou(struct msp *msp, const struct msp_config *c,
                                     enum msp_role role, struct weft_err *e)
{
    const struct msp_unit *u = &c->node_ous[role];
    struct msp_ou *ou = &msp->node_ous[role];
    if (!u->present)
        return WEFT_OK;
    ou->present = true;
    ou->name = keep(msp, u->name);
    return u->certificate.len > 0 ? certifiers_of(msp, u->certificate, &ou->certifiers, e)
                                  : WEFT_OK;
}

/* Of 1.1 and 1.3: client and peer must be named, the others are not known. */
static enum weft_code set_up_node_ous_v11(struct msp *msp, const struct msp_config *c,
                                          struct weft_err *e)
{
    if (!c->has_node_ous)
        return WEFT_OK;
    msp->enforces_node_ous = c->node_ous_enabled;
    if (c->node_ous[MSP_ROLE_CLIENT].name.len == 0)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "Failed setting up NodeOUs. ClientOU must be different from nil.");
    if (c->node_ous[MSP_ROLE_PEER].name.len == 0)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "Failed setting up NodeOUs. PeerOU must be different from nil.");
    WEFT_TRY(set_up_node_ou(msp, c, MSP_ROLE_CLIENT, e));
    return set_up_node_ou(msp, c, MSP_ROLE_PEER, e);
}

static enum weft_code set_up_node_ous_v143(struct msp *msp, const struct msp_config *c,
                                           struct weft_err *e)
{
    static const enum msp_role roles[] = { MSP_ROLE_CLIENT, MSP_ROLE_PEER, MSP_ROLE_ADMIN,
                                           MSP_ROLE_ORDERER };
    bool any = false;
    for (size_t i = 0; c->has_node_ous && i < WEFT_ARRAY_LEN(roles); i++) {
        WEFT_TRY(set_up_node_ou(msp, c, roles[i], e));
        any = any || c->node_ous[roles[i]].present;
    }
    msp->enforces_node_ous = any && c->node_ous_enabled;
    return WEFT_OK;
}

/* ---- admins ------------------------------------------------------------------------------ */

static enum weft_code check_admin(struct msp *msp, struct msp_identity *admin, size_t i,
                                  struct weft_err *e)
{
    struct weft_err client = { 0 }, other = { 0 };
    enum weft_code rc = WEFT_OK;
    if (!msp->enforces_node_ous) {
        rc = msp_identity_validate(admin, e);
    } else if (msp->version < MSP_1_4_3) {
        rc = msp_identity_check_role(admin, MSP_ROLE_CLIENT, e);
    } else if (msp_identity_has_role(admin, MSP_ROLE_CLIENT, &client) != WEFT_OK &&
               msp_identity_has_role(admin, MSP_ROLE_ADMIN, &other) != WEFT_OK) {
        return WEFT_FAIL(e, WEFT_INVALID, "admin %zu is invalid [%s,%s]", i, client.msg, other.msg);
    }
    return rc == WEFT_OK ? rc : weft_err_wrap(e, rc, "admin %zu is invalid", i);
}

static enum weft_code check_admins(struct msp *msp, const struct msp_config *c, struct weft_err *e)
{
    for (size_t i = 0; i < c->admins.count; i++) {
        WEFT_CLEANUP(msp_identity_unref) struct msp_identity *admin = NULL;
        WEFT_TRY(msp_identity_parse(msp, c->admins.at[i], &admin, e));
        WEFT_TRY(check_admin(msp, admin, i, e));
    }
    return WEFT_OK;
}

/* ---- all of it --------------------------------------------------------------------------- */

static enum weft_code set_up(struct msp *msp, const struct msp_config *c,
                             const struct msp_options *o, struct weft_err *e)
{
    bool is_old = o->version < MSP_1_4_3;
    WEFT_TRY(set_up_cas(msp, c, e));
    if (is_old)
        WEFT_TRY(fill_admins(msp, &c->admins, e));
    WEFT_TRY(set_up_crls(msp, c, e));
    WEFT_TRY(finish_cas(msp, e));
    WEFT_TRY(check_signer(msp, c, o, e));
    WEFT_TRY(set_up_tls(msp, c, e));
    WEFT_TRY(set_up_units(msp, c, e));
    if (o->version == MSP_1_1 || o->version == MSP_1_3)
        WEFT_TRY(set_up_node_ous_v11(msp, c, e));
    if (!is_old) {
        WEFT_TRY(set_up_node_ous_v143(msp, c, e));
        WEFT_TRY(fill_admins(msp, &c->admins, e));
        if (c->admins.count == 0 &&
            (!msp->enforces_node_ous || !msp->node_ous[MSP_ROLE_ADMIN].present))
            return WEFT_FAIL(e, WEFT_INVALID,
                             "administrators must be declared when no admin ou classification is "
                             "set");
    }
    return check_admins(msp, c, e);
}

enum weft_code msp_new(const struct msp_config *config, const struct msp_options *options,
                       struct msp **ret, struct weft_err *e)
{
    if (config->type != MSP_TYPE_FABRIC)
        return WEFT_FAIL(e, WEFT_INVALID, "Setup error: unsupported msp type %" PRId32,
                         config->type);
    WEFT_CLEANUP(msp_unref) struct msp *msp = weft_alloc(sizeof(*msp));
    atomic_init(&msp->refs, 1);
    msp->version = options->version;
    msp->name = keep(msp, config->name);
    msp->hash_family = keep_text(msp, config->hash_family, "SHA2");
    msp->identity_hash = keep_text(msp, config->identity_hash, "SHA256");
    WEFT_TRY(set_up(msp, config, options, e));
    *ret = WEFT_TAKE(msp);
    return WEFT_OK;
}
