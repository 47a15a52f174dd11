#include "state/state_value.h"

#include "ledger/order_key.h"
#include "proto/wire.h"

void state_version_put(struct buf *out, struct state_version v)
{
    order_key_put(out, v.block);
    order_key_put(out, v.tx);
}

bool state_version_take(struct bytes *in, struct state_version *ret)
{
    struct state_version v;
    struct bytes rest = *in;
    if (!order_key_take(&rest, &v.block) || !order_key_take(&rest, &v.tx))
        return false;
    *in = rest;
    *ret = v;
    return true;
}

void state_space_put(struct buf *out, enum state_space space, struct bytes ns, struct bytes coll)
{
    buf_put(out, ns);
    if (space != STATE_PUBLIC) {
        buf_put_str(out, space == STATE_HASHED ? "$$h" : "$$p");
        buf_put(out, coll);
    }
}

void state_key_put(struct buf *out, const char *channel, const struct state_key *key)
{
    buf_put_str(out, channel);
    buf_put_u8(out, 0);
    buf_put_u8(out, 'd');
    state_space_put(out, key->space, key->ns, key->coll);
    buf_put_u8(out, 0);
    buf_put(out, key->key);
}

void state_value_encode(struct buf *out, const struct state_value *v)
{
    WEFT_CLEANUP(buf_done) struct buf version = { 0 };
    state_version_put(&version, v->version);
    wire_put_bytes(out, 1, buf_bytes(&version));
    if (v->value.len > 0)
        wire_put_bytes(out, 2, v->value);
    if (v->metadata.len > 0)
        wire_put_bytes(out, 3, v->metadata);
}

enum weft_code state_value_parse(struct bytes b, struct state_value *ret, struct weft_err *e)
{
    struct state_value v = { 0 };
    struct bytes version = { 0 };
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            version = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN))
            v.value = f.bytes;
        else if (wire_is(&f, 3, WIRE_LEN))
            v.metadata = f.bytes;
    }
    if (w.bad || !state_version_take(&version, &v.version))
        return WEFT_FAIL(e, WEFT_CORRUPT, "a value in the state database is damaged");
    *ret = v;
    return WEFT_OK;
}
