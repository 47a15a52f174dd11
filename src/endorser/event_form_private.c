#include "endorser/event_form_private.h"

#include "base/log.h"
#include "bundle/bundle.h"
#include "kvledger/kv_ledger.h"
#include "policy/signature_policy.h"
#include "proto/envelope.h"
#include "proto/repeated.h"

#include <inttypes.h>

LOG_DEFINE(logger, "common.deliverevents");

static const char implicit[] = "_implicit_org_";

/* One block for one listener. */
struct looking {
    const struct event_snapshot *snapshot;
    struct signed_data by;
    uint64_t block;
    struct buf map; /* BlockAndPrivateData's field 2 */
    enum weft_code rc;
    struct weft_err *e;
};

void event_signed_data(struct bytes envelope, struct signed_data *ret)
{
    struct envelope_headers h = { 0 };
    *ret = (struct signed_data){ 0 }; /* what is broken was refused before */
    if (envelope_headers_parse(envelope, &h, NULL) == WEFT_OK)
        *ret =
            (struct signed_data){ h.envelope.payload, h.signature.creator, h.envelope.signature };
}

/* ---- who may see a collection ------------------------------------------------------------------ */

static bool is_of_an_org(const struct looking *l, struct bytes coll)
{
    const struct bundle_application *app = bundle_application(l->snapshot->channel.bundle);
    if (app == NULL || !bytes_start_with(coll, bytes_of_str(implicit)))
        return false;
    struct bytes mspid = bytes_skip(coll, sizeof(implicit) - 1);
    for (size_t i = 0; i < app->org_count; i++)
        if (bytes_eq(mspid, bytes_of_str(app->orgs[i].mspid)))
            return true;
    return false;
}

struct collection {
    bool is_there, member_only_read;
    struct bytes policy; /* SignaturePolicyEnvelope */
};

/* StaticCollectionConfig { 1 name, 2 CollectionPolicyConfig { 1 signature_policy },
 * 6 member_only_read } */
static void read_collection(struct bytes b, struct bytes want, struct collection *ret)
{
    struct collection c = { 0 };
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            c.is_there = bytes_eq(f.bytes, want);
        else if (wire_is(&f, 2, WIRE_LEN))
            for (struct repeated p = repeated_of(f.bytes, 1); repeated_next(&p, &c.policy);)
                continue;
        else if (wire_is(&f, 6, WIRE_VARINT))
            c.member_only_read = f.varint != 0;
    }
    if (c.is_there)
        *ret = c;
}

static enum weft_code find_collection(const struct looking *l, struct bytes ns, struct bytes coll,
                                      struct buf *room, struct collection *ret)
{
    struct bytes config, fixed;
    WEFT_TRY(kv_ledger_collections_at(l->snapshot->channel.ledger, l->block, ns, room, l->e));
    for (struct repeated r = repeated_of(buf_bytes(room), 1); repeated_next(&r, &config);)
        for (struct repeated s = repeated_of(config, 1);
             !ret->is_there && repeated_next(&s, &fixed);)
            read_collection(fixed, coll, ret);
    if (!ret->is_there)
        return WEFT_FAIL(l->e, WEFT_NOT_FOUND,
                         "no collection config was found for collection %.*s for chaincode %.*s",
                         (int)coll.len, (const char *)coll.data, (int)ns.len,
                         (const char *)ns.data);
    return WEFT_OK;
}

static enum weft_code is_member(const struct looking *l, struct bytes policy, bool *ret)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    WEFT_CLEANUP(signed_set_free) struct signed_set *set = signed_set_new();
    WEFT_CLEANUP(signature_batch_free) struct signature_batch *batch = signature_batch_new(NULL);
    WEFT_CLEANUP(identity_cache_free)
    struct identity_cache *cache = identity_cache_new(bundle_msps(l->snapshot->channel.bundle), 1);
    const struct signature_policy *p = NULL;
    WEFT_TRY(signature_policy_parse(policy, &arena, &p, l->e));
    signed_set_add(set, cache, &l->by, batch);
    signature_batch_check(batch);
    struct policy_signers signers = signed_set_signers(set);
    *ret = signature_policy_satisfied(p, &signers);
    return WEFT_OK;
}

static bool may_see(void *ctx, struct bytes ns, struct bytes coll)
{
    struct looking *l = ctx;
    WEFT_CLEANUP(buf_done) struct buf room = { 0 };
    struct collection c = { 0 };
    bool yes = true;
    if (l->rc != WEFT_OK || is_of_an_org(l, coll))
        return l->rc == WEFT_OK;
    l->rc = find_collection(l, ns, coll, &room, &c);
    if (l->rc == WEFT_OK && c.member_only_read)
        l->rc = is_member(l, c.policy, &yes);
    return l->rc == WEFT_OK && yes;
}

/* ---- the message ------------------------------------------------------------------------------- */

/* An entry { 1 key, 2 value } of the map. */
static void put_entry(void *ctx, uint64_t tx, struct bytes write_set)
{
    struct looking *l = ctx;
    WEFT_CLEANUP(buf_done) struct buf entry = { 0 };
    wire_put_varint(&entry, 1, tx);
    wire_put_bytes(&entry, 2, write_set);
    wire_put_bytes(&l->map, 2, buf_bytes(&entry));
}

static enum weft_code look(struct looking *l)
{
    const struct kv_pvt_filter filter = { l, may_see };
    WEFT_TRY(
        kv_ledger_pvt_data(l->snapshot->channel.ledger, l->block, &filter, put_entry, l, l->e));
    return l->rc;
}

static struct net_msg *encode(void *snapshot, struct bytes request, struct block *b,
                              struct weft_err *e)
{
    struct looking l = { .snapshot = snapshot, .block = b->v.number, .e = e };
    WEFT_CLEANUP(buf_done) struct buf block = { 0 };
    WEFT_CLEANUP(buf_done) struct buf both = { 0 };
    WEFT_CLEANUP(buf_done) struct buf response = { 0 };
    event_signed_data(request, &l.by);
    enum weft_code rc = look(&l);
    if (rc == WEFT_OK) {
        block_encode(&b->v, &block);
        wire_put_bytes(&both, 1, buf_bytes(&block));
        buf_put(&both, buf_bytes(&l.map));
        wire_put_bytes(&response, 4, buf_bytes(&both));
    } else {
        LOG_ERROR(&logger, "Error getting private data by block number %" PRIu64 ": %s",
                  b->v.number, e->msg);
    }
    buf_done(&l.map);
    return rc == WEFT_OK ? net_msg_copy(buf_bytes(&response)) : NULL;
}

const struct deliver_form event_form_private = {
    .filtered = "false", .data_type = "block_and_pvtdata", .is_personal = true, .encode = encode
};
