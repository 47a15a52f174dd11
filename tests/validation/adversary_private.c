/* The private data of an adversary's block: what really was written, and what is sent of it. */
#include "validation/adversary_world.h"

#include "proto/wire.h"

static unsigned roll(struct adversary *a, unsigned n)
{
    return (unsigned)weft_rand_below(&a->private_rand, n);
}

void adversary_go_private(struct adversary *a)
{
    a->is_private = true;
    for (int i = 0; i < COLLECTIONS; i++)
        a->blocks_to_live[i] = roll(a, 10) < 5 ? 1 + roll(a, 9) : 0;
}

void adversary_private_again(struct adversary *a)
{
    const struct made_private *from = &a->private[a->count - 1];
    struct made_private *to = &a->private[a->count];
    for (; to->count < from->count; to->count++) {
        to->at[to->count] = from->at[to->count];
        to->at[to->count].set = (struct buf){ 0 };
        buf_put(&to->at[to->count].set, buf_bytes(&from->at[to->count].set));
    }
}

/* NsPvtReadWriteSet { 1 namespace, 2 CollectionPvtReadWriteSet { 1 name, 2 rwset } } */
static void put_set(const char *ns, const char *coll, struct bytes set, struct buf *out)
{
    struct buf of_ns = { 0 }, of_coll = { 0 };
    wire_put_bytes(&of_coll, 1, bytes_of_str(coll));
    wire_put_bytes(&of_coll, 2, set);
    wire_put_bytes(&of_ns, 1, bytes_of_str(ns));
    wire_put_bytes(&of_ns, 2, buf_bytes(&of_coll));
    wire_put_bytes(out, 2, buf_bytes(&of_ns));
    buf_done(&of_ns);
    buf_done(&of_coll);
}

/* Most of what was written comes as it was. */
static void put_some(struct adversary *a, const struct made_private *p, size_t i, struct buf *out)
{
    const char *ns = p->at[i].namespace, *coll = p->at[i].collection;
    struct bytes set = buf_bytes(&p->at[i].set);
    struct buf wrong = { 0 };
    buf_put(&wrong, set);
    unsigned what = roll(a, 100);
    if (what >= 85)
        wrong.data[roll(a, (unsigned)wrong.len)] ^= 1;
    if (what < 62) {
        put_set(ns, coll, set, out);
    } else if (what < 70) {
        put_set(ns, coll, set, out); /* twice */
        put_set(ns, coll, set, out);
    } else if (what < 75) {
        put_set(ns, collection_names[roll(a, COLLECTIONS)], set, out);
        put_set(ns, coll, set, out);
    } else if (what >= 85) {
        put_set(ns, coll, buf_bytes(&wrong), out);
        if (what >= 95) /* and then right */
            put_set(ns, coll, set, out);
    } /* else it is missing */
    buf_done(&wrong);
}

void adversary_private(struct adversary *a,
                       void (*each)(void *ctx, uint64_t tx, struct bytes write_set), void *ctx)
{
    for (size_t tx = 0; a->is_private && tx < a->count; tx++) {
        struct buf out = { 0 };
        for (size_t i = 0; i < a->private[tx].count; i++)
            put_some(a, &a->private[tx], i, &out);
        if (roll(a, 10) == 0) /* what nobody has asked for */
            put_set(ns_names[roll(a, NS_NR)], collection_names[roll(a, COLLECTIONS)],
                    bytes_of("\x1a\x03\x0a\x01x", 5), &out);
        if (out.len > 0)
            each(ctx, tx, buf_bytes(&out));
        buf_done(&out);
    }
}

void adversary_peer(struct adversary *a, struct bytes data, struct buf *ret_id,
                    struct buf *ret_signature)
{
    const struct tx_person *peer = a->people[0][ROLE_PEER0];
    buf_put(ret_id, buf_bytes(&peer->id));
    made_cert_sign(peer->cert, data, false, ret_signature);
}
