#include "validation/lifecycle_state.h"

#include "base/byte_map.h"
#include "bundle/bundle.h"
#include "policy/policy_tree.h"
#include "proto/proto_check.h"
#include "proto/repeated.h"
#include "validation/member_policy.h"

#include <peer/collection.pb-c.h>
#include <peer/lifecycle/chaincode_definition.pb-c.h>
#include <peer/lifecycle/db.pb-c.h>

/* A collection of the package; of two with one name the first counts. */
struct collection {
    struct bytes endorsement_policy; /* ApplicationPolicy; empty: the chaincode's counts */
    struct bytes members;            /* CollectionPolicyConfig */
    uint64_t block_to_live;
};

/* Of the new lifecycle. */
struct definition {
    bool is_there;
    struct bytes plugin, parameter;
    struct bytes package; /* CollectionConfigPackage, and what is in it */
    struct byte_map collections;
    struct definition *next;
};

/* Of the old one. */
struct legacy {
    struct lscc_chaincode chaincode;
    bool knows_collections, has_collections;
    struct bytes package;
    struct byte_map collections;
    struct legacy *next;
};

struct lifecycle_state {
    const struct bundle *bundle;
    const struct validation_state *state;
    struct arena arena;
    struct byte_map definitions, legacies;
    struct definition *all;
    struct legacy *all_legacy;
    struct policy_text any_member; /* no bytes: not made yet */
};

static const char lifecycle_policy[] = "/Channel/Application/LifecycleEndorsement";
static const char implicit_prefix[] = "_implicit_org_";

struct lifecycle_state *lifecycle_state_new(const struct bundle *b,
                                            const struct validation_state *state)
{
    struct lifecycle_state *l = weft_alloc(sizeof(*l));
    l->bundle = b;
    l->state = state;
    return l;
}

void lifecycle_state_free(struct lifecycle_state *l)
{
    if (l == NULL)
        return;
    for (struct definition *d = l->all; d != NULL; d = d->next)
        byte_map_done(&d->collections);
    for (struct legacy *d = l->all_legacy; d != NULL; d = d->next)
        byte_map_done(&d->collections);
    byte_map_done(&l->definitions);
    byte_map_done(&l->legacies);
    arena_done(&l->arena);
    free(l);
}

static struct bytes keep(struct lifecycle_state *l, struct bytes b)
{
    uint8_t *to = arena_alloc(&l->arena, b.len);
    if (b.len > 0)
        memcpy(to, b.data, b.len);
    return bytes_of(to, b.len);
}

static bool is_lifecycle(struct bytes name)
{
    return bytes_eq(name, bytes_of_str("_lifecycle"));
}

/* A value that may be absent: then it has no data. */
static enum weft_code read_value(struct lifecycle_state *l, const char *ns, struct bytes key,
                                 struct bytes *ret, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    enum weft_code rc = l->state->get(l->state->ctx, bytes_of_str(ns), key, &value, e);
    *ret = (struct bytes){ 0 };
    if (rc == WEFT_OK)
        *ret = keep(l, buf_bytes(&value));
    return rc == WEFT_NOT_FOUND ? WEFT_OK : rc;
}

/* ---- collections ------------------------------------------------------------------------------- */

/* StaticCollectionConfig { 1 name, 2 member_orgs_policy, 5 block_to_live, 8 endorsement_policy } */
static void take_collection(struct lifecycle_state *l, struct bytes b, struct byte_map *to)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    struct bytes name = { 0 };
    struct collection *c = arena_alloc(&l->arena, sizeof(*c));
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            name = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN))
            c->members = f.bytes;
        else if (wire_is(&f, 5, WIRE_VARINT))
            c->block_to_live = f.varint;
        else if (wire_is(&f, 8, WIRE_LEN))
            c->endorsement_policy = f.bytes;
    }
    void **at = byte_map_at(to, name);
    if (*at == NULL)
        *at = c;
}

/* CollectionConfigPackage { 1 repeated CollectionConfig { oneof: 1 static } } */
static enum weft_code take_package(struct lifecycle_state *l, struct bytes b, struct byte_map *to,
                                   struct weft_err *e)
{
    WEFT_TRY(proto_check(&protos__collection_config_package__descriptor, b, 0, e));
    struct bytes item;
    for (struct repeated r = repeated_of(b, 1); repeated_next(&r, &item);) {
        struct wire w = wire_of(item);
        struct wire_field f, last = { 0 };
        while (wire_next(&w, &f))
            if (wire_is(&f, 1, WIRE_LEN))
                last = f;
        if (last.number == 1)
            take_collection(l, last.bytes, to);
    }
    return WEFT_OK;
}

/* ---- the new lifecycle ---------------------------------------------------------------------------- */

enum data_kind {
    DATA_NONE = 0, /* the numbers of StateData's fields */
    DATA_INT64 = 1,
    DATA_BYTES = 2,
    DATA_STRING = 3,
};

/* The StateData of a field, which must be absent, empty, or of this kind. */
static enum weft_code read_field(struct lifecycle_state *l, struct bytes name, const char *field,
                                 enum data_kind kind, struct bytes *ret, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    struct bytes value;
    buf_put_str(&key, "namespaces/fields/");
    buf_put(&key, name);
    buf_put_str(&key, "/");
    buf_put_str(&key, field);
    WEFT_TRY(read_value(l, "_lifecycle", buf_bytes(&key), &value, e));
    WEFT_TRY(proto_check(&lifecycle__state_data__descriptor, value, 0, e));
    struct wire w = wire_of(value);
    struct wire_field f, last = { 0 };
    while (wire_next(&w, &f))
        if (wire_is(&f, DATA_INT64, WIRE_VARINT) || wire_is(&f, DATA_BYTES, WIRE_LEN) ||
            wire_is(&f, DATA_STRING, WIRE_LEN))
            last = f;
    if (last.number != DATA_NONE && last.number != (uint32_t)kind)
        return WEFT_FAIL(e, WEFT_CORRUPT, "expected key %.*s to encode a value of another type",
                         (int)key.len, (const char *)key.data);
    *ret = last.bytes;
    return WEFT_OK;
}

/* The fields of a ChaincodeDefinition, each of its type. */
static enum weft_code read_definition(struct lifecycle_state *l, struct bytes name,
                                      struct definition *d, struct weft_err *e)
{
    struct bytes unused, endorsement, validation, collections, parameter = { 0 }, plugin = { 0 };
    WEFT_TRY(read_field(l, name, "Sequence", DATA_INT64, &unused, e));
    WEFT_TRY(read_field(l, name, "EndorsementInfo", DATA_BYTES, &endorsement, e));
    WEFT_TRY(read_field(l, name, "ValidationInfo", DATA_BYTES, &validation, e));
    WEFT_TRY(read_field(l, name, "Collections", DATA_BYTES, &collections, e));
    WEFT_TRY(proto_check(&lifecycle__chaincode_endorsement_info__descriptor, endorsement, 0, e));
    WEFT_TRY(proto_check(&lifecycle__chaincode_validation_info__descriptor, validation, 0, e));
    WEFT_TRY(take_package(l, collections, &d->collections, e));
    struct wire w = wire_of(validation);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            plugin = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN))
            parameter = f.bytes;
    }
    d->plugin = plugin;
    d->parameter = parameter;
    d->package = collections;
    return WEFT_OK;
}

/* StateMetadata { 1 datatype } */
static enum weft_code read_metadata(struct lifecycle_state *l, struct bytes name,
                                    struct definition *d, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    struct bytes value, datatype = { 0 };
    buf_put_str(&key, "namespaces/metadata/");
    buf_put(&key, name);
    WEFT_TRY(read_value(l, "_lifecycle", buf_bytes(&key), &value, e));
    if (value.data == NULL)
        return WEFT_OK;
    WEFT_TRY(proto_check(&lifecycle__state_metadata__descriptor, value, 0, e));
    struct wire w = wire_of(value);
    struct wire_field f;
    while (wire_next(&w, &f))
        if (wire_is(&f, 1, WIRE_LEN))
            datatype = f.bytes;
    if (!bytes_eq(datatype, bytes_of_str("ChaincodeDefinition")))
        return WEFT_FAIL(e, WEFT_CORRUPT, "not a chaincode type: %.*s", (int)datatype.len,
                         (const char *)datatype.data);
    d->is_there = true;
    return read_definition(l, name, d, e);
}

static enum weft_code find_definition(struct lifecycle_state *l, struct bytes name,
                                      const struct definition **ret, struct weft_err *e)
{
    struct definition *d = byte_map_find(&l->definitions, name);
    if (d == NULL) {
        d = arena_alloc(&l->arena, sizeof(*d));
        d->next = l->all;
        l->all = d;
        d->is_there = is_lifecycle(name);
        enum weft_code rc = d->is_there ? WEFT_OK : read_metadata(l, name, d, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "could not get chaincode %.*s", (int)name.len,
                                 (const char *)name.data);
        *byte_map_at(&l->definitions, keep(l, name)) = d;
    }
    *ret = d;
    return WEFT_OK;
}

/* ---- the old one ------------------------------------------------------------------------------------- */

/* Its strings may be anything: the original's struct says so. */
void lscc_chaincode_parse(struct bytes b, struct lscc_chaincode *ret)
{
    struct lscc_chaincode c = { .is_there = true };
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (f.type != WIRE_LEN)
            continue;
        if (f.number == 1)
            c.name = f.bytes;
        else if (f.number == 2)
            c.version = f.bytes;
        else if (f.number == 4)
            c.vscc = f.bytes;
        else if (f.number == 5)
            c.policy = f.bytes;
        else if (f.number == 8)
            c.instantiation_policy = f.bytes;
    }
    c.is_broken = w.bad;
    *ret = c;
}

static enum weft_code find_legacy(struct lifecycle_state *l, struct bytes name, struct legacy **ret,
                                  struct weft_err *e)
{
    struct legacy *d = byte_map_find(&l->legacies, name);
    if (d == NULL) {
        struct bytes value;
        enum weft_code rc = read_value(l, "lscc", name, &value, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "could not retrieve state for chaincode %.*s",
                                 (int)name.len, (const char *)name.data);
        d = arena_alloc(&l->arena, sizeof(*d));
        d->next = l->all_legacy;
        l->all_legacy = d;
        if (value.data != NULL)
            lscc_chaincode_parse(value, &d->chaincode);
        *byte_map_at(&l->legacies, keep(l, name)) = d;
    }
    *ret = d;
    return WEFT_OK;
}

enum weft_code lifecycle_lscc(struct lifecycle_state *l, struct bytes name,
                              const struct lscc_chaincode **ret, struct weft_err *e)
{
    struct legacy *d;
    WEFT_TRY(find_legacy(l, name, &d, e));
    *ret = &d->chaincode;
    return WEFT_OK;
}

static enum weft_code find_legacy_collections(struct lifecycle_state *l, struct bytes name,
                                              struct legacy *d, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    struct bytes value;
    if (d->knows_collections)
        return WEFT_OK;
    buf_put(&key, name);
    buf_put_str(&key, "~collection");
    WEFT_TRY(read_value(l, "lscc", buf_bytes(&key), &value, e));
    d->has_collections = value.data != NULL;
    WEFT_TRY(take_package(l, value, &d->collections, e));
    d->package = value;
    d->knows_collections = true;
    return WEFT_OK;
}

/* ---- plugin and policy ----------------------------------------------------------------------------- */

static enum weft_code application_of(const struct lifecycle_state *l,
                                     const struct bundle_application **ret, struct weft_err *e)
{
    *ret = bundle_application(l->bundle);
    if (*ret == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "could not get application config for channel '%s'",
                         bundle_channel_id(l->bundle));
    return WEFT_OK;
}

static struct policy_text reference_to(struct lifecycle_state *l, const char *path)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    wire_put_bytes(&b, 2, bytes_of_str(path));
    return (struct policy_text){ POLICY_APPLICATION, keep(l, buf_bytes(&b)) };
}

static struct policy_text members_policy(struct lifecycle_state *l,
                                         const struct bundle_application *a, size_t needed)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    struct bytes *mspids = arena_alloc(&l->arena, a->org_count * sizeof(*mspids));
    for (size_t i = 0; i < a->org_count; i++)
        mspids[i] = bytes_of_str(a->orgs[i].mspid);
    member_policy_encode(mspids, a->org_count, needed, &b);
    return (struct policy_text){ POLICY_SIGNATURE, keep(l, buf_bytes(&b)) };
}

struct policy_text lifecycle_any_member(struct lifecycle_state *l)
{
    static const struct bundle_application nobody;
    const struct bundle_application *a = bundle_application(l->bundle);
    if (l->any_member.bytes.len == 0)
        l->any_member = members_policy(l, a != NULL ? a : &nobody, 1);
    return l->any_member;
}

static enum weft_code lifecycle_own_policy(struct lifecycle_state *l, struct policy_text *ret,
                                           struct weft_err *e)
{
    const struct bundle_application *a;
    if (policy_tree_has(bundle_policies(l->bundle), lifecycle_policy)) {
        *ret = reference_to(l, lifecycle_policy);
        return WEFT_OK;
    }
    WEFT_TRY(application_of(l, &a, e));
    *ret = members_policy(l, a, a->org_count / 2 + 1);
    return WEFT_OK;
}

/* lscc's policy is a SignaturePolicyEnvelope for the plugin "vscc", if it can be one. */
static enum weft_code legacy_info(struct lifecycle_state *l, struct bytes name,
                                  struct validation_info *ret, struct weft_err *e)
{
    struct legacy *d;
    WEFT_TRY(find_legacy(l, name, &d, e));
    const struct lscc_chaincode *c = &d->chaincode;
    if (!c->is_there)
        return WEFT_OK;
    if (c->is_broken)
        return WEFT_FAIL(e, WEFT_CORRUPT, "chaincode %.*s has bad definition", (int)name.len,
                         (const char *)name.data);
    bool is_envelope =
        bytes_eq(c->vscc, bytes_of_str("vscc")) && signature_policy_envelope_is_one(c->policy);
    ret->plugin = c->vscc;
    ret->policy =
        (struct policy_text){ is_envelope ? POLICY_SIGNATURE_ANY : POLICY_APPLICATION, c->policy };
    return WEFT_OK;
}

enum weft_code lifecycle_validation_info(struct lifecycle_state *l, struct bytes name,
                                         struct validation_info *ret, struct weft_err *e)
{
    struct validation_info info = { 0 };
    const struct definition *d;
    WEFT_TRY(find_definition(l, name, &d, e));
    if (is_lifecycle(name)) {
        info.plugin = bytes_of_str("vscc");
        WEFT_TRY(lifecycle_own_policy(l, &info.policy, e));
    } else if (d->is_there && (d->plugin.len > 0 || d->parameter.len > 0)) {
        info.plugin = d->plugin;
        info.policy = (struct policy_text){ POLICY_APPLICATION, d->parameter };
    } else {
        WEFT_TRY(legacy_info(l, name, &info, e));
    }
    info.is_found = info.plugin.len > 0 && info.policy.bytes.len > 0;
    *ret = info;
    return WEFT_OK;
}

/* ---- collections of a chaincode ----------------------------------------------------------------------- */

/* "_implicit_org_Org1MSP": the organisation; without data when it is no such name. */
static struct bytes implicit_org(struct bytes collection)
{
    struct bytes prefix = bytes_of_str(implicit_prefix);
    if (!bytes_start_with(collection, prefix) || collection.len == prefix.len)
        return (struct bytes){ 0 };
    struct bytes org = bytes_skip(collection, prefix.len);
    return memchr(org.data, '\n', org.len) == NULL ? org : (struct bytes){ 0 };
}

static const struct bundle_org *org_of_msp(const struct bundle_application *a, struct bytes mspid)
{
    for (size_t i = 0; i < a->org_count; i++)
        if (bytes_eq(bytes_of_str(a->orgs[i].mspid), mspid))
            return &a->orgs[i];
    return NULL;
}

enum weft_code lifecycle_has_collection(struct lifecycle_state *l, struct bytes name,
                                        struct bytes collection, bool *ret, struct weft_err *e)
{
    const struct definition *d;
    const struct bundle_application *a;
    struct legacy *old;
    WEFT_TRY(find_definition(l, name, &d, e));
    if (d->is_there) {
        struct bytes org = implicit_org(collection);
        WEFT_TRY(application_of(l, &a, e));
        *ret = byte_map_find(&d->collections, collection) != NULL ||
               (org.data != NULL && org_of_msp(a, org) != NULL);
        return WEFT_OK;
    }
    WEFT_TRY(find_legacy(l, name, &old, e));
    *ret = false;
    if (!old->chaincode.is_there)
        return WEFT_OK;
    if (old->chaincode.is_broken)
        return WEFT_FAIL(e, WEFT_CORRUPT, "error unmarshalling chaincode state data");
    WEFT_TRY(find_legacy_collections(l, name, old, e));
    *ret = old->has_collections && byte_map_find(&old->collections, collection) != NULL;
    return WEFT_OK;
}

/* The organisation's own endorsement policy, or else any of its members. */
static enum weft_code implicit_policy(struct lifecycle_state *l, struct bytes mspid,
                                      enum collection_policy *ret, struct policy_text *ret_policy,
                                      struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf path = { 0 };
    const struct bundle_application *a;
    WEFT_TRY(application_of(l, &a, e));
    const struct bundle_org *org = org_of_msp(a, mspid);
    *ret = org != NULL ? COLLECTION_POLICY_OWN : COLLECTION_POLICY_REFUSED;
    if (org == NULL)
        return WEFT_OK;
    buf_printf(&path, "/Channel/Application/%s/Endorsement", org->name);
    buf_put_u8(&path, 0);
    if (policy_tree_has(bundle_policies(l->bundle), (const char *)path.data)) {
        *ret_policy = reference_to(l, (const char *)path.data);
        return WEFT_OK;
    }
    WEFT_CLEANUP(buf_done) struct buf members = { 0 };
    member_policy_encode(&mspid, 1, 1, &members);
    *ret_policy = (struct policy_text){ POLICY_SIGNATURE, keep(l, buf_bytes(&members)) };
    return WEFT_OK;
}

enum weft_code lifecycle_collection_policy(struct lifecycle_state *l, struct bytes name,
                                           struct bytes collection, enum collection_policy *ret,
                                           struct policy_text *ret_policy, struct weft_err *e)
{
    const struct definition *d;
    WEFT_TRY(find_definition(l, name, &d, e));
    if (!d->is_there) {
        *ret = COLLECTION_POLICY_NONE;
        return WEFT_OK;
    }
    struct bytes org = implicit_org(collection);
    if (org.data != NULL)
        return implicit_policy(l, org, ret, ret_policy, e);
    const struct collection *c = byte_map_find(&d->collections, collection);
    if (c == NULL) {
        *ret = COLLECTION_POLICY_REFUSED;
        return WEFT_OK;
    }
    struct bytes own = c->endorsement_policy.len > 0 ? c->endorsement_policy : d->parameter;
    *ret_policy = (struct policy_text){ POLICY_APPLICATION, own };
    *ret = own.len > 0 ? COLLECTION_POLICY_OWN : COLLECTION_POLICY_NONE;
    return WEFT_OK;
}

enum weft_code lifecycle_collection(struct lifecycle_state *l, struct bytes name,
                                    struct bytes collection, struct lifecycle_collection *ret,
                                    struct weft_err *e)
{
    const struct definition *d;
    const struct collection *c = NULL;
    struct legacy *old;
    struct lifecycle_collection found = { 0 };
    WEFT_TRY(find_definition(l, name, &d, e));
    if (d->is_there) {
        found.implicit_org = implicit_org(collection);
        if (found.implicit_org.data == NULL)
            c = byte_map_find(&d->collections, collection);
    } else {
        WEFT_TRY(find_legacy(l, name, &old, e));
        WEFT_TRY(find_legacy_collections(l, name, old, e));
        c = byte_map_find(&old->collections, collection);
    }
    if (c != NULL) {
        found.members = c->members;
        found.block_to_live = c->block_to_live;
    }
    found.is_there = c != NULL || found.implicit_org.data != NULL;
    *ret = found;
    return WEFT_OK;
}

enum weft_code lifecycle_package(struct lifecycle_state *l, struct bytes name, struct bytes *ret,
                                 struct weft_err *e)
{
    const struct definition *d;
    struct legacy *old;
    WEFT_TRY(find_definition(l, name, &d, e));
    if (d->is_there) {
        *ret = d->package;
        return WEFT_OK;
    }
    WEFT_TRY(find_legacy(l, name, &old, e));
    *ret = bytes_of(NULL, 0);
    if (!old->chaincode.is_there)
        return WEFT_OK;
    if (old->chaincode.is_broken)
        return WEFT_FAIL(e, WEFT_CORRUPT, "error unmarshalling chaincode state data");
    WEFT_TRY(find_legacy_collections(l, name, old, e));
    *ret = old->package;
    return WEFT_OK;
}
