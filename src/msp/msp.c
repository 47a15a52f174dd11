#include "msp/msp.h"

#include "crypto/x509_crl.h"
#include "crypto/x509_names.h"
#include "msp/msp_private.h"

struct msp *msp_ref(struct msp *msp)
{
    (void)atomic_fetch_add_explicit(&msp->refs, 1, memory_order_relaxed);
    return msp;
}

void msp_unref(struct msp *msp)
{
    if (msp == NULL || atomic_fetch_sub_explicit(&msp->refs, 1, memory_order_acq_rel) != 1)
        return;
    x509_pool_done(&msp->roots);
    x509_pool_done(&msp->intermediates);
    x509_pool_done(&msp->admins);
    for (size_t i = 0; i < msp->crl_count; i++)
        x509_crl_free(msp->crls[i]);
    arena_done(&msp->arena);
    free(msp);
}

struct bytes msp_name(const struct msp *msp)
{
    return msp->name;
}

enum msp_version msp_version_of(const struct msp *msp)
{
    return msp->version;
}

const struct msp_items *msp_tls_roots(const struct msp *msp)
{
    return &msp->tls_roots;
}

const struct msp_items *msp_tls_intermediates(const struct msp *msp)
{
    return &msp->tls_intermediates;
}

/* ---- chains ------------------------------------------------------------------------------ */

/* A rule of older versions of Go, which Fabric keeps: where a CA constrains
 * names, a host's name must not stand in the common name alone. */
static bool hides_a_hostname(const struct x509_chain *chain)
{
    if (chain->links[0]->has_san || !x509_is_hostname(chain->links[0]->cert->common_name))
        return false;
    for (size_t i = 1; i < chain->count; i++)
        if (chain->links[i]->has_name_constraints)
            return true;
    return false;
}

enum weft_code msp_unique_chain(const struct x509_link *cert, const struct x509_pool *roots,
                                const struct x509_pool *intermediates, struct x509_chain *ret,
                                struct weft_err *e)
{
    WEFT_CLEANUP(x509_chain_done) struct x509_chain chain = { 0 };
    enum weft_code rc =
        x509_chain_find(cert, roots, intermediates, cert->cert->not_before + 1, &chain, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "the supplied identity is not valid");
    if (chain.found != 1)
        return WEFT_FAIL(e, WEFT_FORBIDDEN,
                         "this MSP only supports a single validation chain, got %zu", chain.found);
    if (hides_a_hostname(&chain))
        return WEFT_FAIL(e, WEFT_FORBIDDEN,
                         "the supplied identity is not valid: x509: issuer has name constraints "
                         "but leaf doesn't have a SAN extension");
    *ret = chain;
    chain = (struct x509_chain){ 0 };
    return WEFT_OK;
}

/* A CA that has signed itself is its own chain, whether it is known or not. */
static enum weft_code sanitize_root(const struct msp *msp, struct x509_link *cert,
                                    struct x509_link **ret, struct weft_err *e)
{
    WEFT_CLEANUP(x509_link_unref) struct x509_link *low = NULL;
    WEFT_CLEANUP(x509_pool_done) struct x509_pool itself = { 0 };
    WEFT_CLEANUP(x509_chain_done) struct x509_chain chain = { 0 };
    WEFT_TRY(x509_link_low_s(cert, cert, &low, e));
    x509_pool_add(&itself, low);
    WEFT_TRY(msp_unique_chain(low, &itself, &msp->intermediates, &chain, e));
    *ret = WEFT_TAKE(low);
    return WEFT_OK;
}

enum weft_code msp_sanitize(const struct msp *msp, struct x509_link *cert, struct x509_link **ret,
                            struct x509_chain *ret_chain, struct weft_err *e)
{
    WEFT_CLEANUP(x509_chain_done) struct x509_chain chain = { 0 };
    if (!x509_link_is_ecdsa_signed(cert)) {
        *ret = x509_link_ref(cert);
        return WEFT_OK;
    }
    if (cert->is_ca && x509_link_check_signature(cert, cert, NULL) == WEFT_OK)
        return sanitize_root(msp, cert, ret, e);
    WEFT_TRY(msp_unique_chain(cert, &msp->roots, &msp->intermediates, &chain, e));
    if (chain.count <= 1)
        return WEFT_FAIL(e, WEFT_FORBIDDEN,
                         "failed to traverse certificate verification chain for leaf or "
                         "intermediate certificate, with subject %s",
                         cert->cert->subject);
    WEFT_TRY(x509_link_low_s(cert, chain.links[1], ret, e));
    *ret_chain = chain;
    chain = (struct x509_chain){ 0 };
    return WEFT_OK;
}

bool msp_is_internal(const struct msp *msp, const struct x509_link *ca)
{
    for (size_t i = 0; i < msp->internal_count; i++)
        if (bytes_eq(msp->internal[i]->cert->der, ca->cert->der))
            return true;
    return false;
}

enum weft_code msp_check_issuer(const struct msp *msp, const struct x509_chain *chain,
                                size_t parent, struct weft_err *e)
{
    if (chain->count < 2)
        return WEFT_FAIL(e, WEFT_FORBIDDEN, "expected a chain of length at least 2, got %zu",
                         chain->count);
    if (msp_is_internal(msp, chain->links[parent]))
        return WEFT_FAIL(e, WEFT_FORBIDDEN,
                         "invalid validation chain. Parent certificate should be a leaf of the "
                         "certification tree");
    return WEFT_OK;
}

enum weft_code msp_check_revocation(const struct msp *msp, const struct x509_chain *chain,
                                    struct weft_err *e)
{
    const struct x509_link *issuer = chain->links[1];
    if (!issuer->has_ski)
        return WEFT_FAIL(e, WEFT_FORBIDDEN,
                         "could not obtain Subject Key Identifier for signer cert: "
                         "subjectKeyIdentifier not found in certificate");
    for (size_t i = 0; i < msp->crl_count; i++) {
        struct bytes key = { 0 };
        enum weft_code rc = x509_crl_issuer_key(msp->crls[i], &key, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, WEFT_FORBIDDEN,
                                 "could not obtain Authority Key Identifier for crl");
        if (bytes_eq(key, issuer->ski) && x509_crl_lists(msp->crls[i], chain->links[0]) &&
            x509_crl_check_signature(msp->crls[i], issuer, NULL) == WEFT_OK)
            return WEFT_FAIL(e, WEFT_FORBIDDEN, "The certificate has been revoked");
    }
    return WEFT_OK;
}

enum weft_code msp_certifiers(const struct msp *msp, const struct x509_link *const *links,
                              size_t count, struct hash_value *ret, struct weft_err *e)
{
    WEFT_FREE struct bytes *parts = weft_alloc((count + 1) * sizeof(*parts));
    for (size_t i = 0; i < count; i++)
        parts[i] = links[i]->cert->der;
    enum weft_code rc = hash_of(msp->identity_hash, parts, count, ret, e);
    return rc == WEFT_OK ? rc : weft_err_wrap(e, rc, "failed getting hash function options");
}

enum weft_code msp_check_key(const struct x509_link *cert, struct weft_err *e)
{
    if (cert->key_kind == X509_KEY_EC || cert->key_kind == X509_KEY_RSA)
        return WEFT_OK;
    return WEFT_FAIL(e, WEFT_INVALID,
                     "Failed importing key with opts [&{true}]: Certificate's public key type not "
                     "recognized. Supported keys: [ECDSA, RSA]");
}
