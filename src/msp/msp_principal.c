/* Does an identity satisfy a principal?  The other half of msp_identity.h, in
 * the way of each version of the MSP. */
#include "base/limits.h"
#include "msp/msp_identity.h"
#include "msp/msp_private.h"
#include "proto/wire.h"

#include <inttypes.h>

/* MSPPrincipal.Classification */
enum principal_kind {
    PRINCIPAL_ROLE = 0,
    PRINCIPAL_UNIT = 1,
    PRINCIPAL_IDENTITY = 2,
    PRINCIPAL_ANONYMITY = 3,
    PRINCIPAL_COMBINED = 4,
};

struct principal {
    int32_t kind;
    struct bytes what;
};

/* All three messages { 1 text, 2 number or text, 3 bytes } that we read here. */
struct fields {
    struct bytes first, second, third;
    int32_t first_number, second_number;
};

static bool read_fields(struct bytes b, struct fields *ret)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    *ret = (struct fields){ 0 };
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            ret->first = f.bytes;
        else if (wire_is(&f, 1, WIRE_VARINT))
            ret->first_number = (int32_t)f.varint;
        else if (wire_is(&f, 2, WIRE_LEN))
            ret->second = f.bytes;
        else if (wire_is(&f, 2, WIRE_VARINT))
            ret->second_number = (int32_t)f.varint;
        else if (wire_is(&f, 3, WIRE_LEN))
            ret->third = f.bytes;
    }
    return !w.bad;
}

/* MSPPrincipal { 1 principal_classification, 2 principal } */
static enum weft_code read_principal(struct bytes b, struct principal *ret, struct weft_err *e)
{
    struct fields f;
    if (!read_fields(b, &f))
        return WEFT_FAIL(e, WEFT_INVALID, "malformed MSPPrincipal");
    *ret = (struct principal){ f.first_number, f.second };
    return WEFT_OK;
}

static enum weft_code other_msp(const struct msp_identity *id, struct bytes expected,
                                struct weft_err *e)
{
    struct bytes ours = msp_identity_mspid(id);
    return WEFT_FAIL(
        e, WEFT_FORBIDDEN, "the identity is a member of a different MSP (expected %.*s, got %.*s)",
        (int)expected.len, (const char *)expected.data, (int)ours.len, (const char *)ours.data);
}

/* ---- roles ------------------------------------------------------------------------------- */

static bool is_listed_admin(const struct msp_identity *id)
{
    const struct msp *msp = msp_identity_msp(id);
    for (size_t i = 0; i < msp->admins.count; i++)
        if (bytes_eq(msp->admins.links[i]->cert->der, msp_identity_cert(id)->der))
            return true;
    return false;
}

enum weft_code msp_identity_check_role(struct msp_identity *id, enum msp_role role,
                                       struct weft_err *e)
{
    static const char *const articles[MSP_ROLE_NR] = { "a [MEMBER]", "an admin", "a [CLIENT]",
                                                       "a [PEER]", "a [ORDERER]" };
    struct bytes name = msp_identity_mspid(id);
    enum weft_code rc = msp_identity_validate(id, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "The identity is not valid under this MSP [%.*s]",
                             (int)name.len, (const char *)name.data);
    rc = msp_identity_has_role(id, role, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "The identity is not %s under this MSP [%.*s]", articles[role],
                             (int)name.len, (const char *)name.data);
    return WEFT_OK;
}

static enum weft_code satisfies_role(struct msp_identity *id, struct bytes what, struct weft_err *e)
{
    const struct msp *msp = msp_identity_msp(id);
    bool by_unit = msp->version >= MSP_1_4_3 && msp->enforces_node_ous;
    struct fields f;
    if (!read_fields(what, &f) || !wire_utf8(f.first))
        return WEFT_FAIL(e, WEFT_INVALID, "could not unmarshal MSPRole from principal");
    if (!bytes_eq(f.first, msp->name))
        return other_msp(id, f.first, e);
    switch (f.second_number) {
    case MSP_ROLE_MEMBER:
        return msp_identity_validate(id, e);
    case MSP_ROLE_ADMIN:
        if (is_listed_admin(id))
            return WEFT_OK;
        return by_unit ? msp_identity_check_role(id, MSP_ROLE_ADMIN, e)
                       : WEFT_FAIL(e, WEFT_FORBIDDEN, "This identity is not an admin");
    case MSP_ROLE_CLIENT:
        return msp_identity_check_role(id, MSP_ROLE_CLIENT, e);
    case MSP_ROLE_PEER:
        return msp_identity_check_role(id, MSP_ROLE_PEER, e);
    case MSP_ROLE_ORDERER:
        if (by_unit)
            return msp_identity_check_role(id, MSP_ROLE_ORDERER, e);
        break;
    default:
        break;
    }
    return WEFT_FAIL(e, WEFT_INVALID, "invalid MSP role type %" PRId32, f.second_number);
}

/* ---- the other kinds --------------------------------------------------------------------- */

static enum weft_code satisfies_unit(struct msp_identity *id, struct bytes what, struct weft_err *e)
{
    const struct x509_cert *cert = msp_identity_cert(id);
    struct fields f;
    if (!read_fields(what, &f) || !wire_utf8(f.first) || !wire_utf8(f.second))
        return WEFT_FAIL(e, WEFT_INVALID, "could not unmarshal OrganizationUnit from principal");
    if (!bytes_eq(f.first, msp_identity_mspid(id)))
        return other_msp(id, f.first, e);
    WEFT_TRY(msp_identity_validate(id, e));
    for (size_t i = 0; i < cert->ou_count; i++)
        if (bytes_eq(bytes_of_str(cert->ous[i]), f.second) &&
            bytes_eq(msp_identity_certifiers(id), f.third))
            return WEFT_OK;
    return WEFT_FAIL(e, WEFT_FORBIDDEN, "The identities do not match");
}

static enum weft_code satisfies_identity(struct msp_identity *id, struct bytes what,
                                         struct weft_err *e)
{
    WEFT_CLEANUP(msp_identity_unref) struct msp_identity *wanted = NULL;
    enum weft_code rc = msp_identity_deserialize(msp_identity_msp(id), what, &wanted, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "invalid identity principal, not a certificate");
    if (!bytes_eq(msp_identity_cert(id)->der, msp_identity_cert(wanted)->der))
        return WEFT_FAIL(e, WEFT_FORBIDDEN, "The identities do not match");
    return msp_identity_validate(wanted, e);
}

static enum weft_code satisfies_anonymity(struct bytes what, struct weft_err *e)
{
    enum anonymity {
        NOMINAL = 0,
        ANONYMOUS = 1
    };
    struct fields f;
    if (!read_fields(what, &f))
        return WEFT_FAIL(e, WEFT_INVALID,
                         "could not unmarshal MSPIdentityAnonymity from principal");
    if (f.first_number == NOMINAL)
        return WEFT_OK;
    if (f.first_number == ANONYMOUS)
        return WEFT_FAIL(e, WEFT_FORBIDDEN,
                         "Principal is anonymous, but X.509 MSP does not support anonymous "
                         "identities");
    return WEFT_FAIL(e, WEFT_INVALID, "Unknown principal anonymity type: %" PRId32, f.first_number);
}

static enum weft_code satisfies_plain(struct msp_identity *id, const struct principal *p,
                                      struct weft_err *e)
{
    switch (p->kind) {
    case PRINCIPAL_ROLE:
        return satisfies_role(id, p->what, e);
    case PRINCIPAL_UNIT:
        return satisfies_unit(id, p->what, e);
    case PRINCIPAL_IDENTITY:
        return satisfies_identity(id, p->what, e);
    case PRINCIPAL_ANONYMITY:
        if (msp_identity_msp(id)->version >= MSP_1_3)
            return satisfies_anonymity(p->what, e);
        break;
    default:
        break;
    }
    return WEFT_FAIL(e, WEFT_INVALID, "invalid principal type %" PRId32, p->kind);
}

/* ---- combined principals ----------------------------------------------------------------- */

/* Fabric takes all of them apart before it evaluates the first. */
struct collected {
    struct principal at[LIMIT_PRINCIPALS];
    size_t count;
};

static enum weft_code collect(const struct principal *p, enum msp_version version, unsigned depth,
                              struct collected *out, struct weft_err *e)
{
    if (p->kind != PRINCIPAL_COMBINED) {
        if (out->count == LIMIT_PRINCIPALS)
            return WEFT_FAIL(e, WEFT_LIMIT, "more than %d combined principals", LIMIT_PRINCIPALS);
        out->at[out->count++] = *p;
        return WEFT_OK;
    }
    if (version <= MSP_1_1)
        return WEFT_FAIL(e, WEFT_INVALID, "invalid principal type %" PRId32, p->kind);
    if (depth == LIMIT_PRINCIPAL_DEPTH)
        return WEFT_FAIL(e, WEFT_LIMIT, "combined principals are nested deeper than %d",
                         LIMIT_PRINCIPAL_DEPTH);
    struct wire w = wire_of(p->what);
    struct wire_field f;
    bool any = false;
    while (wire_next(&w, &f)) {
        struct principal inner;
        if (!wire_is(&f, 1, WIRE_LEN))
            continue;
        any = true;
        WEFT_TRY(read_principal(f.bytes, &inner, e));
        WEFT_TRY(collect(&inner, version, depth + 1, out, e));
    }
    if (w.bad)
        return WEFT_FAIL(e, WEFT_INVALID, "could not unmarshal CombinedPrincipal from principal");
    return any ? WEFT_OK : WEFT_FAIL(e, WEFT_INVALID, "No principals in CombinedPrincipal");
}

enum weft_code msp_identity_satisfies(struct msp_identity *id, struct bytes principal,
                                      struct weft_err *e)
{
    struct principal p;
    struct collected all;
    WEFT_TRY(read_principal(principal, &p, e));
    if (p.kind != PRINCIPAL_COMBINED)
        return satisfies_plain(id, &p, e);
    all.count = 0;
    WEFT_TRY(collect(&p, msp_identity_msp(id)->version, 0, &all, e));
    for (size_t i = 0; i < all.count; i++)
        WEFT_TRY(satisfies_plain(id, &all.at[i], e));
    return WEFT_OK;
}

bool msp_identities_satisfy(void *identities, size_t i, struct bytes principal)
{
    struct msp_identity *const *at = identities;
    return msp_identity_satisfies(at[i], principal, NULL) == WEFT_OK;
}
