#include "orderer/ordered_message.h"

#include "net/net_msg.h"
#include "proto/envelope.h"
#include "proto/wire.h"

/* As golang/protobuf writes it: known fields by number, then the others as they
 * came, empty ones left out. */
static enum weft_code encode(struct bytes b, const struct envelope_view *v, struct buf *out,
                             struct weft_err *e)
{
    if (v->payload.len > 0)
        wire_put_bytes(out, 1, v->payload);
    if (v->signature.len > 0)
        wire_put_bytes(out, 2, v->signature);
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f))
        if (!wire_is(&f, 1, WIRE_LEN) && !wire_is(&f, 2, WIRE_LEN))
            buf_put(out, f.whole);
    return w.bad ? WEFT_FAIL(e, WEFT_INVALID, "error unmarshalling Envelope") : WEFT_OK;
}

/* Without copying: payload, signature, end, each with the shortest length. */
static bool has_the_form(struct bytes b, const struct envelope_view *v)
{
    WEFT_CLEANUP(buf_done) struct buf head = { 0 };
    size_t at = 0;
    const struct bytes parts[] = { v->payload, v->signature };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(parts); i++) {
        if (parts[i].len == 0)
            continue;
        buf_clear(&head);
        buf_put_u8(&head, (uint8_t)((i + 1) << 3 | WIRE_LEN));
        buf_put_uvarint(&head, parts[i].len);
        if (b.len - at < head.len + parts[i].len || memcmp(b.data + at, head.data, head.len) != 0 ||
            b.data + at + head.len != parts[i].data)
            return false;
        at += head.len + parts[i].len;
    }
    return at == b.len;
}

enum weft_code ordered_message_of(struct net_msg *received, struct ordered_message *ret,
                                  struct weft_err *e)
{
    struct bytes b = net_msg_bytes(received);
    struct envelope_view v;
    WEFT_TRY(envelope_parse(b, &v, e));
    struct ordered_message m = { .size = (uint64_t)v.payload.len + v.signature.len };
    if (has_the_form(b, &v)) {
        m.envelope = net_msg_ref(received);
    } else {
        WEFT_CLEANUP(buf_done) struct buf out = { 0 };
        WEFT_TRY(encode(b, &v, &out, e));
        m.envelope = net_msg_copy(buf_bytes(&out));
    }
    *ret = m;
    return WEFT_OK;
}
