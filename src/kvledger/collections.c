#include "kvledger/collections.h"

#include "base/byte_map.h"
#include "policy/signature_policy.h"
#include "proto/identity.h"
#include "proto/repeated.h"
#include "validation/lifecycle_state.h"

struct collections {
    struct state_reader reader;
    struct validation_state state; /* the same, as lifecycle_state asks */
    struct bytes mspid;
    struct lifecycle_state *lifecycle;
    struct byte_map seen; /* "ns" 00 "coll" */
    struct buf key;
    struct arena arena;
};

static enum weft_code get_public(void *ctx, struct bytes ns, struct bytes key, struct buf *ret,
                                 struct weft_err *e)
{
    const struct collections *c = ctx;
    WEFT_CLEANUP(buf_done) struct buf room = { 0 };
    struct state_value v;
    bool found = false;
    struct state_key k = { .space = STATE_PUBLIC, .ns = ns, .key = key };
    WEFT_TRY(state_reader_get(&c->reader, &k, &room, &found, &v, e));
    if (!found)
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "no such key");
    buf_put(ret, v.value);
    return WEFT_OK;
}

struct collections *collections_new(const struct state_reader *state, const char *mspid)
{
    struct collections *c = weft_alloc(sizeof(*c));
    c->reader = *state;
    c->state = (struct validation_state){ .ctx = c, .get = get_public };
    c->mspid = bytes_of_str(mspid);
    c->lifecycle = lifecycle_state_new(NULL, &c->state);
    return c;
}

void collections_free(struct collections *c)
{
    if (c == NULL)
        return;
    lifecycle_state_free(c->lifecycle);
    byte_map_done(&c->seen);
    buf_done(&c->key);
    arena_done(&c->arena);
    free(c);
}

/* ---- members ------------------------------------------------------------------------- */

enum principal_class {
    PRINCIPAL_ROLE = 0,
    PRINCIPAL_ORGANIZATION_UNIT = 1,
    PRINCIPAL_IDENTITY = 2,
};

/* The MSP id of an MSPPrincipal { 1 classification, 2 principal }; no data: it names none.
 * MSPRole, OrganizationUnit and SerializedIdentity all have it in field 1. */
static struct bytes principal_mspid(struct bytes principal)
{
    struct wire w = wire_of(principal);
    struct wire_field f;
    uint64_t class = PRINCIPAL_ROLE;
    struct bytes inner = { 0 }, mspid = bytes_of_str("");
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_VARINT))
            class = f.varint;
        else if (wire_is(&f, 2, WIRE_LEN))
            inner = f.bytes;
    }
    if (class > PRINCIPAL_IDENTITY)
        return (struct bytes){ 0 };
    for (w = wire_of(inner); wire_next(&w, &f);)
        if (wire_is(&f, 1, WIRE_LEN))
            mspid = f.bytes;
    return w.bad ? (struct bytes){ 0 } : mspid;
}

static bool names_us(const struct collections *c, struct bytes policy)
{
    struct bytes principal;
    for (struct repeated r = repeated_of(policy, 3); repeated_next(&r, &principal);) {
        struct bytes mspid = principal_mspid(principal);
        if (mspid.data != NULL && bytes_eq(mspid, c->mspid))
            return true;
    }
    return false;
}

/* A policy that asks for nobody lets everybody in; one that does not name us can't be satisfied
 * by our signature. */
static bool asks_for_nobody(struct bytes policy)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    const struct signature_policy *p;
    return signature_policy_parse(policy, &arena, &p, NULL) == WEFT_OK &&
           signature_policy_satisfied(p, &(struct policy_signers){ .count = 0 });
}

/* CollectionPolicyConfig { oneof: 1 SignaturePolicyEnvelope } */
static bool is_member(const struct collections *c, struct bytes members)
{
    struct wire w = wire_of(members);
    struct wire_field f;
    struct bytes policy = { 0 };
    while (wire_next(&w, &f))
        if (wire_is(&f, 1, WIRE_LEN))
            policy = f.bytes;
    return policy.data != NULL && (names_us(c, policy) || asks_for_nobody(policy));
}

/* ---- looking up ------------------------------------------------------------------------ */

static enum weft_code look_up(struct collections *c, struct bytes ns, struct bytes coll,
                              struct collection_info *info, struct weft_err *e)
{
    struct lifecycle_collection l;
    WEFT_TRY(lifecycle_collection(c->lifecycle, ns, coll, &l, e));
    info->is_known = l.is_there;
    info->block_to_live = l.block_to_live;
    info->is_mine = l.implicit_org.data != NULL ? bytes_eq(l.implicit_org, c->mspid)
                                                : l.is_there && is_member(c, l.members);
    return WEFT_OK;
}

enum weft_code collections_find(struct collections *c, struct bytes ns, struct bytes coll,
                                const struct collection_info **ret, struct weft_err *e)
{
    buf_clear(&c->key);
    buf_put(&c->key, ns);
    buf_put_u8(&c->key, 0);
    buf_put(&c->key, coll);
    struct collection_info *info = byte_map_find(&c->seen, buf_bytes(&c->key));
    if (info == NULL) {
        info = arena_alloc(&c->arena, sizeof(*info));
        WEFT_TRY(look_up(c, ns, coll, info, e));
        uint8_t *key = arena_alloc(&c->arena, c->key.len);
        memcpy(key, c->key.data, c->key.len);
        *byte_map_at(&c->seen, bytes_of(key, c->key.len)) = info;
    }
    *ret = info;
    return WEFT_OK;
}

enum weft_code collections_package(struct collections *c, struct bytes ns, struct bytes *ret,
                                   struct weft_err *e)
{
    return lifecycle_package(c->lifecycle, ns, ret, e);
}

uint64_t collection_expiring_block(const struct collection_info *info, uint64_t block)
{
    uint64_t expiring = block + info->block_to_live + 1;
    bool ends = info->is_known && info->block_to_live > 0 && expiring > block;
    return ends ? expiring : UINT64_MAX;
}
