/* Every layer of an envelope lies inside the one around it, and its id can be
 * found whenever Go would find one; written again it reads the same. */
#include "proto/envelope.h"

#include "proto/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_inside(struct bytes outer, struct bytes inner)
{
    WEFT_ASSERT(inner.len == 0 ||
                (inner.data >= outer.data && inner.data + inner.len <= outer.data + outer.len));
}

static void write_again(const struct envelope_headers *h, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf header = { 0 };
    WEFT_CLEANUP(buf_done) struct buf payload = { 0 };
    wire_put_bytes(&header, 1, h->payload.channel_header);
    wire_put_bytes(&header, 2, h->payload.signature_header);
    wire_put_bytes(&payload, 1, buf_bytes(&header));
    wire_put_bytes(&payload, 2, h->payload.data);
    wire_put_bytes(out, 1, buf_bytes(&payload));
    wire_put_bytes(out, 2, h->envelope.signature);
}

static void expect_same(const struct envelope_headers *a, const struct envelope_headers *b)
{
    WEFT_ASSERT(bytes_eq(a->envelope.signature, b->envelope.signature));
    WEFT_ASSERT(bytes_eq(a->payload.data, b->payload.data));
    WEFT_ASSERT(a->channel.type == b->channel.type && a->channel.version == b->channel.version);
    WEFT_ASSERT(a->channel.epoch == b->channel.epoch);
    WEFT_ASSERT(a->channel.timestamp_s == b->channel.timestamp_s &&
                a->channel.timestamp_ns == b->channel.timestamp_ns);
    WEFT_ASSERT(bytes_eq(a->channel.channel_id, b->channel.channel_id));
    WEFT_ASSERT(bytes_eq(a->channel.tx_id, b->channel.tx_id));
    WEFT_ASSERT(bytes_eq(a->signature.creator, b->signature.creator));
    WEFT_ASSERT(bytes_eq(a->signature.nonce, b->signature.nonce));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes all = bytes_of(data, size);
    struct envelope_headers h, back;
    struct weft_err e = { 0 };
    char room[TX_ID_LEN + 1];
    struct bytes id = { 0 };
    if (envelope_tx_id(all, room, &id, &e) == WEFT_OK)
        WEFT_ASSERT(id.len > 0 && (id.data == (uint8_t *)room || wire_utf8(id)));
    if (envelope_headers_parse(all, &h, &e) != WEFT_OK) {
        WEFT_ASSERT(e.code == WEFT_INVALID && e.msg[0] != '\0');
        return 0;
    }
    WEFT_ASSERT(id.len > 0);
    expect_inside(all, h.envelope.payload);
    expect_inside(h.envelope.payload, h.payload.channel_header);
    expect_inside(h.payload.channel_header, h.channel.tx_id);
    expect_inside(h.payload.signature_header, h.signature.nonce);
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    write_again(&h, &out);
    WEFT_ASSERT(envelope_headers_parse(buf_bytes(&out), &back, NULL) == WEFT_OK);
    expect_same(&h, &back);
    return 0;
}
