#include "msp/msp_identity.h"

#include "crypto/pem.h"
#include "msp/msp_private.h"
#include "proto/identity.h"

#include <inttypes.h>

struct msp_identity {
    _Atomic uint32_t refs;
    atomic_bool is_valid; /* once found so */
    struct msp *msp;
    struct x509_link *link;
    struct hash_value id;
    struct x509_chain chain; /* empty: there is none, see find_chain */
    struct hash_value certifiers;
};

/* ---- from bytes -------------------------------------------------------------------------- */

/* Fabric's getCertificationChain: only what may be an identity has one. */
static enum weft_code find_chain(const struct msp_identity *id, struct x509_chain *ret,
                                 struct weft_err *e)
{
    WEFT_CLEANUP(x509_chain_done) struct x509_chain chain = { 0 };
    if (id->link->is_ca)
        return WEFT_FAIL(e, WEFT_FORBIDDEN,
                         "An X509 certificate with Basic Constraint: Certificate Authority equals "
                         "true cannot be used as an identity");
    enum weft_code rc =
        msp_unique_chain(id->link, &id->msp->roots, &id->msp->intermediates, &chain, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "failed getting validation chain");
    WEFT_TRY(msp_check_issuer(id->msp, &chain, 1, e));
    *ret = chain;
    chain = (struct x509_chain){ 0 };
    return WEFT_OK;
}

/* The chain that low-s was made with is the identity's: only its first link
 * may have another form now. */
static void keep_chain(struct msp_identity *id, struct x509_chain *chain)
{
    if (chain->count == 0) {
        (void)find_chain(id, &id->chain, NULL);
        return;
    }
    if (id->link->is_ca || msp_check_issuer(id->msp, chain, 1, NULL) != WEFT_OK)
        return;
    id->chain = *chain;
    id->chain.links[0] = id->link;
    *chain = (struct x509_chain){ 0 };
}

static enum weft_code identity_new(struct msp *msp, struct x509_link *cert,
                                   struct msp_identity **ret, struct weft_err *e)
{
    WEFT_CLEANUP(msp_identity_unref) struct msp_identity *id = weft_alloc(sizeof(*id));
    WEFT_CLEANUP(x509_chain_done) struct x509_chain chain = { 0 };
    atomic_init(&id->refs, 1);
    atomic_init(&id->is_valid, false);
    id->msp = msp_ref(msp);
    WEFT_TRY(msp_sanitize(msp, cert, &id->link, &chain, e));
    WEFT_TRY(msp_certifiers(msp, &(const struct x509_link *){ id->link }, 1, &id->id, e));
    keep_chain(id, &chain);
    if (id->chain.count > 0)
        WEFT_TRY(msp_certifiers(msp, id->chain.links + 1, id->chain.count - 1, &id->certifiers, e));
    *ret = WEFT_TAKE(id);
    return WEFT_OK;
}

enum weft_code msp_identity_parse(struct msp *msp, struct bytes pem, struct msp_identity **ret,
                                  struct weft_err *e)
{
    WEFT_CLEANUP(pem_block_done) struct pem_block block = { 0 };
    WEFT_CLEANUP(x509_link_unref) struct x509_link *cert = NULL;
    if (pem_next(&pem, &block, NULL) != WEFT_OK)
        return WEFT_FAIL(e, WEFT_INVALID, "could not decode the PEM structure");
    enum weft_code rc = x509_link_parse(buf_bytes(&block.der), &cert, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "parseCertificate failed");
    rc = msp_check_key(cert, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "failed to import certificate's public key");
    return identity_new(msp, cert, ret, e);
}

enum weft_code msp_identity_deserialize(struct msp *msp, struct bytes serialized,
                                        struct msp_identity **ret, struct weft_err *e)
{
    struct serialized_identity s = { 0 };
    enum weft_code rc = serialized_identity_parse(serialized, &s, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not deserialize a SerializedIdentity");
    if (!bytes_eq(s.mspid, msp->name))
        return WEFT_FAIL(e, WEFT_FORBIDDEN, "expected MSP ID %.*s, received %.*s",
                         (int)msp->name.len, (const char *)msp->name.data, (int)s.mspid.len,
                         (const char *)s.mspid.data);
    return msp_identity_parse(msp, s.id_bytes, ret, e);
}

struct msp_identity *msp_identity_ref(struct msp_identity *id)
{
    (void)atomic_fetch_add_explicit(&id->refs, 1, memory_order_relaxed);
    return id;
}

void msp_identity_unref(struct msp_identity *id)
{
    if (id == NULL || atomic_fetch_sub_explicit(&id->refs, 1, memory_order_acq_rel) != 1)
        return;
    x509_chain_done(&id->chain);
    x509_link_unref(id->link);
    msp_unref(id->msp);
    free(id);
}

struct bytes msp_identity_mspid(const struct msp_identity *id)
{
    return id->msp->name;
}

struct msp *msp_identity_msp(const struct msp_identity *id)
{
    return id->msp;
}

struct bytes msp_identity_id(const struct msp_identity *id)
{
    return hash_bytes(&id->id);
}

const struct x509_cert *msp_identity_cert(const struct msp_identity *id)
{
    return id->link->cert;
}

int64_t msp_identity_expires_s(const struct msp_identity *id)
{
    return id->link->cert->not_after;
}

struct bytes msp_identity_certifiers(const struct msp_identity *id)
{
    return hash_bytes(&id->certifiers);
}

/* ---- validity ---------------------------------------------------------------------------- */

/* "[peer(1A2B..) client(1A2B..)]"; caller frees. */
static char *units_text(const struct msp_identity *id)
{
    const struct x509_cert *cert = id->link->cert;
    struct buf b = { 0 };
    buf_put_str(&b, "[");
    for (size_t i = 0; i < cert->ou_count && id->chain.count > 0; i++) {
        buf_printf(&b, "%s%s(", i > 0 ? " " : "", cert->ous[i]);
        for (size_t k = 0; k < 8; k++)
            buf_printf(&b, "%02X", id->certifiers.b[k]);
        buf_put_str(&b, ")");
    }
    buf_put_str(&b, "]");
    buf_put_u8(&b, '\0');
    return (char *)b.data;
}

static bool is_unit(const struct msp_ou *ou, const char *name)
{
    return ou->present && bytes_eq(ou->name, bytes_of_str(name));
}

/* At least one of the certificate's units must be one that the MSP knows. */
static enum weft_code check_units(const struct msp_identity *id, struct weft_err *e)
{
    const struct x509_cert *cert = id->link->cert;
    const struct msp *msp = id->msp;
    for (size_t i = 0; i < cert->ou_count; i++)
        for (size_t k = 0; k < msp->unit_count; k++)
            if (is_unit(&msp->units[k], cert->ous[i]) &&
                bytes_eq(hash_bytes(&msp->units[k].certifiers), hash_bytes(&id->certifiers)))
                return WEFT_OK;
    if (msp->unit_count == 0)
        return WEFT_OK;
    if (cert->ou_count == 0)
        return WEFT_FAIL(e, WEFT_FORBIDDEN,
                         "the identity certificate does not contain an Organizational Unit (OU)");
    WEFT_FREE char *text = units_text(id);
    return WEFT_FAIL(e, WEFT_FORBIDDEN,
                     "none of the identity's organizational units %s are in MSP %.*s", text,
                     (int)msp->name.len, (const char *)msp->name.data);
}

/* The node OU of that name.  Where two roles have one name, Fabric takes the
 * first of them up to 1.3, the last since 1.4.3. */
static const struct msp_ou *node_ou_of(const struct msp *msp, const char *name)
{
    static const enum msp_role order[] = { MSP_ROLE_CLIENT, MSP_ROLE_PEER, MSP_ROLE_ADMIN,
                                           MSP_ROLE_ORDERER };
    const struct msp_ou *found = NULL;
    for (size_t i = 0; i < WEFT_ARRAY_LEN(order); i++)
        if (is_unit(&msp->node_ous[order[i]], name) && (found == NULL || msp->version >= MSP_1_4_3))
            found = &msp->node_ous[order[i]];
    return found;
}

static enum weft_code say_roles(const struct msp_identity *id, const char *old_words,
                                const char *new_words, struct weft_err *e)
{
    WEFT_FREE char *text = units_text(id);
    return WEFT_FAIL(e, WEFT_FORBIDDEN, "%s: %s, MSP: [%.*s]",
                     id->msp->version < MSP_1_4_3 ? old_words : new_words, text,
                     (int)id->msp->name.len, (const char *)id->msp->name.data);
}

/* Exactly one of the certificate's units must say what kind of node it is. */
static enum weft_code check_node_ous(const struct msp_identity *id, struct weft_err *e)
{
    const struct x509_cert *cert = id->link->cert;
    unsigned count = 0;
    if (!id->msp->enforces_node_ous)
        return WEFT_OK;
    for (size_t i = 0; i < cert->ou_count && count <= 1; i++) {
        const struct msp_ou *ou = node_ou_of(id->msp, cert->ous[i]);
        if (ou == NULL)
            continue;
        if (ou->certifiers.len > 0 &&
            !bytes_eq(hash_bytes(&ou->certifiers), hash_bytes(&id->certifiers)))
            return say_roles(id, "certifiersIdentifier does not match",
                             "certifiersIdentifier does not match", e);
        count++;
    }
    if (count == 0)
        return say_roles(
            id, "the identity does not have an OU that resolves to client or peer. OUs",
            "the identity does not have an OU that resolves to client, peer, orderer, or admin "
            "role. OUs",
            e);
    if (count > 1)
        return say_roles(id,
                         "the identity must be a client or a peer identity to be valid, not a "
                         "combination of them. OUs",
                         "the identity must have a client, a peer, an orderer, or an admin OU role "
                         "to be valid, not a combination of them. OUs",
                         e);
    return WEFT_OK;
}

static enum weft_code no_chain(const struct msp_identity *id, struct weft_err *e)
{
    WEFT_CLEANUP(x509_chain_done) struct x509_chain unused = { 0 };
    enum weft_code rc = find_chain(id, &unused, e);
    WEFT_ASSERT(rc != WEFT_OK);
    return weft_err_wrap(e, rc, "could not obtain certification chain");
}

enum weft_code msp_identity_validate(struct msp_identity *id, struct weft_err *e)
{
    if (atomic_load_explicit(&id->is_valid, memory_order_relaxed))
        return WEFT_OK;
    if (id->chain.count == 0)
        return no_chain(id, e);
    enum weft_code rc = msp_check_revocation(id->msp, &id->chain, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not validate identity against certification chain");
    rc = check_units(id, e);
    if (rc == WEFT_OK && id->msp->version != MSP_1_0)
        rc = check_node_ous(id, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not validate identity's OUs");
    atomic_store_explicit(&id->is_valid, true, memory_order_relaxed);
    return WEFT_OK;
}

enum weft_code msp_identity_has_role(const struct msp_identity *id, enum msp_role role,
                                     struct weft_err *e)
{
    static const char *const names[MSP_ROLE_NR] = { "MEMBER", "ADMIN", "CLIENT", "PEER",
                                                    "ORDERER" };
    const struct msp *msp = id->msp;
    const struct x509_cert *cert = id->link->cert;
    if (!msp->enforces_node_ous)
        return WEFT_FAIL(e, WEFT_FORBIDDEN, "NodeOUs not activated. Cannot tell apart identities.");
    if (!msp->node_ous[role].present)
        return WEFT_FAIL(e, WEFT_FORBIDDEN,
                         "cannot test for classification, node ou for type [%s], not defined, "
                         "msp: [%.*s]",
                         names[role], (int)msp->name.len, (const char *)msp->name.data);
    for (size_t i = 0; i < cert->ou_count && id->chain.count > 0; i++)
        if (is_unit(&msp->node_ous[role], cert->ous[i]))
            return WEFT_OK;
    return WEFT_FAIL(e, WEFT_FORBIDDEN, "The identity does not contain OU [%s], MSP: [%.*s]",
                     names[role], (int)msp->name.len, (const char *)msp->name.data);
}

/* ---- signatures -------------------------------------------------------------------------- */

const char *msp_identity_hash_function(const struct msp_identity *id)
{
    if (strcmp(id->msp->hash_family, "SHA2") == 0)
        return "SHA256";
    return strcmp(id->msp->hash_family, "SHA3") == 0 ? "SHA3_256" : NULL;
}

static enum weft_code digest_of(const struct msp_identity *id, struct bytes message,
                                struct hash_value *ret, struct weft_err *e)
{
    const char *function = msp_identity_hash_function(id);
    if (function == NULL)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "failed getting hash function options: hash familiy not recognized [%s]",
                         id->msp->hash_family);
    return hash_of(function, &message, 1, ret, e);
}

enum weft_code msp_identity_add_digest(const struct msp_identity *id, struct signature_batch *b,
                                       struct bytes digest, struct bytes signature,
                                       enum signature_verdict *ret_verdict, struct weft_err *e)
{
    static const char words[] =
        "could not determine the validity of the signature: Failed verifing with opts [<nil>]";
    struct public_key *key = id->link->cert->key;
    struct ecdsa_signature s;
    if (key == NULL)
        return WEFT_FAIL(e, WEFT_FORBIDDEN,
                         "could not determine the validity of the signature: Unsupported "
                         "'VerifyKey' provided");
    enum weft_code rc = ecdsa_signature_parse(signature, &s, e);
    if (rc == WEFT_OK)
        rc = ecdsa_check_low_s(key, &s, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "%s", words);
    signature_batch_add(b, key, digest, signature, ret_verdict);
    return WEFT_OK;
}

enum weft_code msp_identity_add_check(const struct msp_identity *id, struct signature_batch *b,
                                      struct bytes message, struct bytes signature,
                                      enum signature_verdict *ret_verdict, struct weft_err *e)
{
    struct hash_value digest;
    WEFT_TRY(digest_of(id, message, &digest, e));
    return msp_identity_add_digest(id, b, hash_bytes(&digest), signature, ret_verdict, e);
}

enum weft_code msp_identity_verify(const struct msp_identity *id, struct key_tables *tables,
                                   struct bytes message, struct bytes signature, struct weft_err *e)
{
    WEFT_CLEANUP(signature_batch_free) struct signature_batch *b = signature_batch_new(tables);
    enum signature_verdict verdict = SIGNATURE_UNCHECKED;
    WEFT_TRY(msp_identity_add_check(id, b, message, signature, &verdict, e));
    signature_batch_check(b);
    if (verdict != SIGNATURE_GOOD)
        return WEFT_FAIL(e, WEFT_FORBIDDEN, "The signature is invalid");
    return WEFT_OK;
}

enum weft_code msp_identity_check_form(struct bytes serialized, struct weft_err *e)
{
    WEFT_CLEANUP(pem_block_done) struct pem_block block = { 0 };
    WEFT_CLEANUP(x509_link_unref) struct x509_link *cert = NULL;
    struct serialized_identity id = { 0 };
    struct ecdsa_signature s;
    uint8_t der[ECDSA_SIGNATURE_MAX];
    WEFT_TRY(serialized_identity_parse(serialized, &id, e));
    struct bytes rest = id.id_bytes;
    if (pem_next(&rest, &block, NULL) != WEFT_OK)
        return WEFT_FAIL(e, WEFT_INVALID, "PEM decoding resulted in an empty block");
    if (rest.len > 0)
        return WEFT_FAIL(e, WEFT_INVALID, "identity for MSP %.*s has trailing bytes",
                         (int)id.mspid.len, (const char *)id.mspid.data);
    if (block.type.len > 0 && !bytes_eq(block.type, bytes_of_str("CERTIFICATE")))
        return WEFT_FAIL(e, WEFT_INVALID, "pem type is %.*s, should be 'CERTIFICATE' or missing",
                         (int)block.type.len, (const char *)block.type.data);
    WEFT_TRY(x509_link_parse(buf_bytes(&block.der), &cert, e));
    if (!x509_link_is_ecdsa_signed(cert))
        return WEFT_OK;
    WEFT_TRY(ecdsa_signature_parse(cert->signature, &s, e));
    if (s.r.len > ECDSA_SCALAR_MAX || s.s.len > ECDSA_SCALAR_MAX ||
        !bytes_eq(bytes_of(der, ecdsa_signature_write(&s, der)), cert->signature))
        return WEFT_FAIL(e, WEFT_INVALID, "identity for MSP %.*s has a non canonical signature",
                         (int)id.mspid.len, (const char *)id.mspid.data);
    return WEFT_OK;
}
