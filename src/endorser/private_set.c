#include "endorser/private_set.h"

#include "endorser/lifecycle_call.h"
#include "kvledger/tx_pvt_rwset.h"
#include "proto/wire.h"

/* SignaturePolicyEnvelope { 2 OutOf 1 { the first }, 3 [ a member of the organisation ] } */
static void put_any_member(const char *mspid, struct buf *out)
{
    static const uint8_t one_of_first[] = { 0x12, 0x06, 0x08, 0x01, 0x12, 0x02, 0x08, 0x00 };
    WEFT_CLEANUP(buf_done) struct buf role = { 0 };
    WEFT_CLEANUP(buf_done) struct buf principal = { 0 };
    wire_put_bytes(&role, 1, bytes_of_str(mspid));
    wire_put_bytes(&principal, 2, buf_bytes(&role));
    wire_put_bytes(out, 2, bytes_of(one_of_first, sizeof(one_of_first)));
    wire_put_bytes(out, 3, buf_bytes(&principal));
}

/* CollectionConfig { 1 StaticCollectionConfig { 1 name, 2 { 1 who }, 3 required, 4 most } } */
static void put_implicit(struct bytes coll, const char *mspid, const struct dissemination *d,
                         struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf who = { 0 };
    WEFT_CLEANUP(buf_done) struct buf policy = { 0 };
    WEFT_CLEANUP(buf_done) struct buf config = { 0 };
    put_any_member(mspid, &who);
    wire_put_bytes(&policy, 1, buf_bytes(&who));
    wire_put_bytes(&config, 1, coll);
    wire_put_bytes(&config, 2, buf_bytes(&policy));
    if (d->required > 0)
        wire_put_varint(&config, 3, d->required);
    if (d->most > 0)
        wire_put_varint(&config, 4, d->most);
    wire_put_bytes(out, 1, buf_bytes(&config));
}

struct configs {
    const char *mspid;
    const struct dissemination *implicit;
    struct buf package; /* CollectionConfigPackage of _lifecycle */
};

static void configs_done(struct configs *c)
{
    buf_done(&c->package);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct configs, configs_done)

static enum weft_code add_collection(void *ctx, const struct pvt_write_set *set, struct weft_err *e)
{
    struct configs *c = ctx;
    WEFT_CLEANUP(buf_done) struct buf ours = { 0 };
    WEFT_CLEANUP(buf_done) struct buf config = { 0 };
    lifecycle_put_collection(c->mspid, &ours);
    if (!bytes_eq(set->ns, bytes_of_str("_lifecycle")) || !bytes_eq(set->coll, buf_bytes(&ours)))
        return WEFT_FAIL(e, WEFT_INVALID,
                         "failed to obtain collections config: no collection config for chaincode "
                         "\"%.*s\"",
                         (int)set->ns.len, (const char *)set->ns.data);
    put_implicit(set->coll, c->mspid, c->implicit, &config);
    wire_put_bytes(&c->package, 1, buf_bytes(&config));
    return WEFT_OK;
}

enum weft_code private_set_add_config(struct private_set *set, const char *mspid,
                                      const struct dissemination *implicit, struct buf *room,
                                      struct weft_err *e)
{
    WEFT_CLEANUP(configs_done) struct configs c = { .mspid = mspid, .implicit = implicit };
    WEFT_CLEANUP(buf_done) struct buf of_lifecycle = { 0 };
    WEFT_TRY(tx_pvt_rwset_each(set->bytes, 0, add_collection, &c, e));
    wire_put_bytes(&of_lifecycle, 1, bytes_of_str("_lifecycle"));
    wire_put_bytes(&of_lifecycle, 2, buf_bytes(&c.package));
    if (set->height > 0)
        wire_put_varint(room, 1, set->height);
    wire_put_bytes(room, 2, set->bytes);
    wire_put_bytes(room, 3, buf_bytes(&of_lifecycle));
    set->bytes = buf_bytes(room);
    return WEFT_OK;
}
