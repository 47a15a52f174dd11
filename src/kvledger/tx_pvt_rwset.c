#include "kvledger/tx_pvt_rwset.h"

#include "proto/proto_check.h"
#include "proto/repeated.h"

#include <ledger/rwset/rwset.pb-c.h>

/* ---- taking apart ------------------------------------------------------------------------ */

/* Two fields of bytes, of which the last count. */
static struct bytes field_of(struct bytes b, uint32_t number)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    struct bytes last = { 0 };
    while (wire_next(&w, &f))
        if (wire_is(&f, number, WIRE_LEN))
            last = f.bytes;
    return last;
}

enum weft_code tx_pvt_rwset_each(struct bytes b, uint64_t tx, pvt_write_set_fn each, void *ctx,
                                 struct weft_err *e)
{
    struct pvt_write_set set = { .tx = tx };
    struct bytes ns, coll;
    WEFT_TRY(proto_check(&rwset__tx_pvt_read_write_set__descriptor, b, 0, e));
    for (struct repeated i = repeated_of(b, 2); repeated_next(&i, &ns);) {
        set.ns = field_of(ns, 1);
        for (struct repeated j = repeated_of(ns, 2); repeated_next(&j, &coll);) {
            set.coll = field_of(coll, 1);
            set.rwset = field_of(coll, 2);
            WEFT_TRY(each(ctx, &set, e));
        }
    }
    return WEFT_OK;
}

enum weft_code collection_pvt_rwset_parse(struct bytes b, struct bytes *ret_rwset,
                                          struct weft_err *e)
{
    WEFT_TRY(proto_check(&rwset__collection_pvt_read_write_set__descriptor, b, 0, e));
    *ret_rwset = field_of(b, 2);
    return WEFT_OK;
}

/* ---- putting together ---------------------------------------------------------------------- */

static void put_field(struct buf *b, uint32_t number, struct bytes what)
{
    if (what.len > 0)
        wire_put_bytes(b, number, what);
}

void collection_pvt_rwset_encode(struct bytes coll, struct bytes rwset, struct buf *out)
{
    put_field(out, 1, coll);
    put_field(out, 2, rwset);
}

static void end_namespace(struct tx_pvt_writer *w)
{
    WEFT_CLEANUP(buf_done) struct buf ns = { 0 };
    if (!w->any)
        return;
    put_field(&ns, 1, buf_bytes(&w->ns));
    buf_put(&ns, buf_bytes(&w->colls));
    wire_put_bytes(&w->out, 2, buf_bytes(&ns));
    buf_clear(&w->colls);
    w->any = false;
}

void tx_pvt_writer_add(struct tx_pvt_writer *w, const struct pvt_write_set *set)
{
    WEFT_CLEANUP(buf_done) struct buf coll = { 0 };
    if (!bytes_eq(buf_bytes(&w->ns), set->ns)) {
        end_namespace(w);
        buf_clear(&w->ns);
        buf_put(&w->ns, set->ns);
    }
    collection_pvt_rwset_encode(set->coll, set->rwset, &coll);
    wire_put_bytes(&w->colls, 2, buf_bytes(&coll));
    w->any = true;
}

void tx_pvt_writer_end(struct tx_pvt_writer *w, struct buf *out)
{
    end_namespace(w);
    buf_put(out, buf_bytes(&w->out));
    buf_clear(&w->out);
    buf_clear(&w->ns);
}

void tx_pvt_writer_done(struct tx_pvt_writer *w)
{
    buf_done(&w->ns);
    buf_done(&w->colls);
    buf_done(&w->out);
}
