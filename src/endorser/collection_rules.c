#include "endorser/collection_rules.h"

#include "base/arena.h"
#include "base/limits.h"
#include "endorser/go_words.h"
#include "policy/signature_policy.h"
#include "proto/repeated.h"

#include <inttypes.h>
#include <msp/msp_principal.pb-c.h>

/* ---- names ------------------------------------------------------------------------------------ */

static bool is_alnum(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* ^[a-zA-Z0-9]+([-_][a-zA-Z0-9]+)*$ */
static bool is_name(struct bytes b)
{
    bool after_letter = false;
    for (size_t i = 0; i < b.len; i++) {
        bool letter = is_alnum(b.data[i]);
        if (!letter && (!after_letter || (b.data[i] != '-' && b.data[i] != '_')))
            return false;
        after_letter = letter;
    }
    return after_letter;
}

static bool is_of(struct bytes b, const char *others)
{
    for (size_t i = 0; i < b.len; i++)
        if (!is_alnum(b.data[i]) && (b.data[i] == 0 || strchr(others, b.data[i]) == NULL))
            return false;
    return b.len > 0;
}

/* ^[A-Za-z0-9_.+-]+$ */
static bool is_version(struct bytes b)
{
    return is_of(b, "_.+-");
}

/* ^[A-Za-z0-9-]+([A-Za-z0-9_-]+)*$ */
static bool is_collection_name(struct bytes b)
{
    return is_of(b, "_-") && b.data[0] != '_';
}

static int shown(struct bytes b)
{
    return (int)(b.len < 200 ? b.len : 200);
}

enum weft_code chaincode_rules_check(struct bytes name, struct bytes version, struct weft_err *e)
{
    static const char *const system[] = { "cscc", "escc", "lscc", "qscc", "vscc" };
    if (!is_name(name))
        return WEFT_FAIL(e, WEFT_INVALID,
                         "invalid chaincode name '%.*s'. Names can only consist of alphanumerics, "
                         "'_', and '-' and can only begin with alphanumerics",
                         shown(name), (const char *)name.data);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(system); i++)
        if (bytes_eq(name, bytes_of_str(system[i])))
            return WEFT_FAIL(e, WEFT_INVALID,
                             "chaincode name '%s' is the name of a system chaincode", system[i]);
    if (!is_version(version))
        return WEFT_FAIL(e, WEFT_INVALID,
                         "invalid chaincode version '%.*s'. Versions can only consist of "
                         "alphanumerics, '_', '-', '+', and '.'",
                         shown(version), (const char *)version.data);
    return WEFT_OK;
}

enum weft_code chaincode_rules_check_legacy(struct bytes name, struct bytes version,
                                            struct weft_err *e)
{
    if (!is_name(name))
        return WEFT_FAIL(e, WEFT_INVALID,
                         "invalid chaincode name '%.*s'. Names must start with an alphanumeric "
                         "character and can only consist of alphanumerics, '_', and '-'",
                         shown(name), (const char *)name.data);
    if (!is_version(version))
        return WEFT_FAIL(e, WEFT_INVALID,
                         "invalid chaincode version '%.*s'. Versions must not be empty and can "
                         "only consist of alphanumerics, '_',  '-', '+', and '.'",
                         shown(version), (const char *)version.data);
    return WEFT_OK;
}

/* ---- collections ---------------------------------------------------------------------------------- */

struct collection {
    struct bytes name, policy; /* SignaturePolicyEnvelope; no data: there is none */
    bool has_member_policy;
    int32_t required, maximum;
    uint64_t block_to_live;
};

/* CollectionConfig { 1 StaticCollectionConfig { 1 name, 2 CollectionPolicyConfig {
 * 1 signature_policy }, 3 required_peer_count, 4 maximum_peer_count, 5 block_to_live } } */
static bool read_collection(struct bytes config, struct collection *ret)
{
    struct bytes part;
    bool any = false;
    *ret = (struct collection){ 0 };
    for (struct repeated r = repeated_of(config, 1); repeated_next(&r, &part); any = true) {
        struct wire w = wire_of(part);
        struct wire_field f;
        while (wire_next(&w, &f)) {
            if (wire_is(&f, 1, WIRE_LEN)) {
                ret->name = f.bytes;
            } else if (wire_is(&f, 2, WIRE_LEN)) {
                ret->has_member_policy = true;
                for (struct repeated p = repeated_of(f.bytes, 1); repeated_next(&p, &ret->policy);)
                    continue;
            } else if (wire_is(&f, 3, WIRE_VARINT)) {
                ret->required = (int32_t)(uint32_t)f.varint;
            } else if (wire_is(&f, 4, WIRE_VARINT)) {
                ret->maximum = (int32_t)(uint32_t)f.varint;
            } else if (wire_is(&f, 5, WIRE_VARINT)) {
                ret->block_to_live = f.varint;
            }
        }
    }
    return any;
}

enum weft_code collection_rules_check_kinds(struct bytes package, struct weft_err *e)
{
    struct repeated r = repeated_of(package, 1);
    struct bytes config;
    struct collection unused;
    if (r.count > LIMIT_COLLECTIONS)
        return WEFT_FAIL(e, WEFT_LIMIT, "more than %d collections", (int)LIMIT_COLLECTIONS);
    while (repeated_next(&r, &config))
        if (!read_collection(config, &unused))
            return WEFT_FAIL(e, WEFT_INVALID,
                             "collection config contains unexpected payload type: <nil>");
    return WEFT_OK;
}

/* An OR of identities: each gate asks for one.  Its depth was checked as it was compiled. */
static enum weft_code check_or(struct bytes rule, unsigned depth, struct weft_err *e)
{
    struct bytes gate, sub;
    for (struct repeated g = repeated_of(rule, 2); repeated_next(&g, &gate);) {
        int32_t n = 0;
        struct wire w = wire_of(gate);
        struct wire_field f;
        while (wire_next(&w, &f))
            if (wire_is(&f, 1, WIRE_VARINT))
                n = (int32_t)(uint32_t)f.varint;
        if (n != 1)
            return WEFT_FAIL(e, WEFT_INVALID,
                             "signature policy is not an OR concatenation, NOutOf %" PRId32, n);
        for (struct repeated s = repeated_of(gate, 2);
             depth < LIMIT_POLICY_DEPTH && repeated_next(&s, &sub);)
            WEFT_TRY(check_or(sub, depth + 1, e));
    }
    return WEFT_OK;
}

/* MSPRole and OrganizationUnit both begin with the MSP's name. */
static enum weft_code check_member(const struct collection *c, struct bytes principal,
                                   const char *what, const struct msp_manager *msps,
                                   struct weft_err *e)
{
    struct bytes mspid = { 0 };
    enum weft_code rc = go_proto_check(&common__msprole__descriptor, principal, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc,
                             "collection-name: %.*s -- cannot unmarshal identity bytes into %s",
                             shown(c->name), (const char *)c->name.data, what);
    for (struct repeated r = repeated_of(principal, 1); repeated_next(&r, &mspid);)
        continue;
    if (msp_manager_find(msps, mspid) == NULL)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "collection-name: %.*s -- collection member '%.*s' is not part of the "
                         "channel",
                         shown(c->name), (const char *)c->name.data, shown(mspid),
                         (const char *)mspid.data);
    return WEFT_OK;
}

static enum weft_code check_principal(const struct collection *c, struct bytes b,
                                      const struct msp_manager *msps, struct weft_err *e)
{
    static const char *const names[] = { "ROLE", "ORGANIZATION_UNIT", "IDENTITY", "ANONYMITY",
                                         "COMBINED" };
    struct bytes principal = { 0 };
    uint64_t kind = 0;
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_VARINT))
            kind = f.varint;
        else if (wire_is(&f, 2, WIRE_LEN))
            principal = f.bytes;
    }
    if (kind == 0)
        return check_member(c, principal, "MSPRole", msps, e);
    if (kind == 1)
        return check_member(c, principal, "OrganizationUnit", msps, e);
    if (kind == 2) {
        WEFT_CLEANUP(msp_identity_unref) struct msp_identity *id = NULL;
        if (msp_manager_deserialize(msps, principal, &id, NULL) == WEFT_OK)
            return WEFT_OK;
        return WEFT_FAIL(e, WEFT_INVALID,
                         "collection-name: %.*s -- contains an identity that is not part of the "
                         "channel",
                         shown(c->name), (const char *)c->name.data);
    }
    if (kind < WEFT_ARRAY_LEN(names))
        return WEFT_FAIL(e, WEFT_INVALID,
                         "collection-name: %.*s -- principal type %s is not supported",
                         shown(c->name), (const char *)c->name.data, names[kind]);
    return WEFT_FAIL(e, WEFT_INVALID,
                     "collection-name: %.*s -- principal type %" PRId32 " is not supported",
                     shown(c->name), (const char *)c->name.data, (int32_t)(uint32_t)kind);
}

static enum weft_code check_policy(const struct collection *c, const struct msp_manager *msps,
                                   struct weft_err *e)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    const struct signature_policy *unused = NULL;
    const char *name = (const char *)c->name.data;
    struct bytes rule = { 0 }, principal;
    if (!c->has_member_policy)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "collection member policy is not set for collection '%.*s'",
                         shown(c->name), name);
    if (c->policy.data == NULL)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "collection member org policy is empty for collection '%.*s'",
                         shown(c->name), name);
    enum weft_code rc = signature_policy_parse(c->policy, &arena, &unused, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "invalid member org policy for collection '%.*s'",
                             shown(c->name), name);
    for (struct repeated r = repeated_of(c->policy, 2); repeated_next(&r, &rule);) {
        rc = check_or(rule, 0, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "collection-name: %.*s -- error in member org policy",
                                 shown(c->name), name);
    }
    for (struct repeated r = repeated_of(c->policy, 3); repeated_next(&r, &principal);)
        WEFT_TRY(check_principal(c, principal, msps, e));
    return WEFT_OK;
}

static bool came_before(struct bytes package, struct bytes name, size_t index)
{
    struct repeated r = repeated_of(package, 1);
    struct bytes config;
    struct collection c;
    for (size_t i = 0; i < index && repeated_next(&r, &config); i++)
        if (read_collection(config, &c) && bytes_eq(c.name, name))
            return true;
    return false;
}

static enum weft_code check_one(struct bytes package, size_t index, const struct collection *c,
                                const struct msp_manager *msps, struct weft_err *e)
{
    int len = shown(c->name);
    const char *name = (const char *)c->name.data;
    if (!is_collection_name(c->name))
        return WEFT_FAIL(e, WEFT_INVALID,
                         "invalid collection name '%.*s'. Names can only consist of alphanumerics, "
                         "'_', and '-' and cannot begin with '_'",
                         len, name);
    if (came_before(package, c->name, index))
        return WEFT_FAIL(e, WEFT_INVALID,
                         "collection-name: %.*s -- found duplicate in collection configuration",
                         len, name);
    if (c->maximum < c->required)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "collection-name: %.*s -- maximum peer count (%" PRId32
                         ") cannot be less than the required peer count (%" PRId32 ")",
                         len, name, c->maximum, c->required);
    if (c->required < 0)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "collection-name: %.*s -- requiredPeerCount (%" PRId32
                         ") cannot be less than zero",
                         len, name, c->required);
    return check_policy(c, msps, e);
}

enum weft_code collection_rules_check(struct bytes package, const struct msp_manager *msps,
                                      struct weft_err *e)
{
    struct repeated r = repeated_of(package, 1);
    struct bytes config;
    for (size_t i = 0; repeated_next(&r, &config); i++) {
        struct collection c;
        WEFT_IGNORE(read_collection(config, &c)); /* its kind was checked */
        WEFT_TRY(check_one(package, i, &c, msps, e));
    }
    return WEFT_OK;
}

static bool find_collection(struct bytes package, struct bytes name, struct collection *ret)
{
    struct bytes config;
    bool found = false;
    struct collection c;
    for (struct repeated r = repeated_of(package, 1); repeated_next(&r, &config);) {
        if (!read_collection(config, &c) || !bytes_eq(c.name, name))
            continue;
        *ret = c;
        found = true;
    }
    return found;
}

enum weft_code collection_rules_check_next(struct bytes package, struct bytes old,
                                           struct weft_err *e)
{
    struct repeated r = repeated_of(old, 1);
    struct bytes config;
    if (r.count == 0)
        return WEFT_OK;
    if (repeated_of(package, 1).count == 0)
        return WEFT_FAIL(
            e, WEFT_INVALID,
            "the proposed collection config does not contain previously defined collections");
    while (repeated_next(&r, &config)) {
        struct collection was = { 0 }, is = { 0 };
        if (!read_collection(config, &was))
            return WEFT_FAIL(e, WEFT_INVALID, "unknown collection configuration type");
        int len = shown(was.name);
        const char *name = (const char *)was.name.data;
        if (!find_collection(package, was.name, &is))
            return WEFT_FAIL(e, WEFT_INVALID,
                             "existing collection [%.*s] missing in the proposed collection "
                             "configuration",
                             len, name);
        if (is.block_to_live != was.block_to_live)
            return WEFT_FAIL(e, WEFT_INVALID,
                             "the BlockToLive in an existing collection [%.*s] modified. Existing "
                             "value [%" PRIu64 "]",
                             len, name, was.block_to_live);
    }
    return WEFT_OK;
}
