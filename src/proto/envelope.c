#include "proto/envelope.h"

#include "proto/wire.h"

#include <stdio.h>

const char *header_type_name(int32_t type, char room[HEADER_TYPE_NAME_MAX])
{
    static const char *const names[] = {
        [HEADER_MESSAGE] = "MESSAGE",
        [HEADER_CONFIG] = "CONFIG",
        [HEADER_CONFIG_UPDATE] = "CONFIG_UPDATE",
        [HEADER_ENDORSER_TRANSACTION] = "ENDORSER_TRANSACTION",
        [HEADER_ORDERER_TRANSACTION] = "ORDERER_TRANSACTION",
        [HEADER_DELIVER_SEEK_INFO] = "DELIVER_SEEK_INFO",
        [HEADER_CHAINCODE_PACKAGE] = "CHAINCODE_PACKAGE",
        [HEADER_PEER_ADMIN_OPERATION] = "PEER_ADMIN_OPERATION",
    };
    if (type >= 0 && type < (int32_t)WEFT_ARRAY_LEN(names) && names[type] != NULL)
        return names[type];
    (void)snprintf(room, HEADER_TYPE_NAME_MAX, "%d", (int)type);
    return room;
}

enum weft_code envelope_parse(struct bytes b, struct envelope_view *ret, struct weft_err *e)
{
    struct envelope_view v = { 0 };
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            v.payload = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN))
            v.signature = f.bytes;
    }
    if (w.bad)
        return WEFT_FAIL(e, WEFT_INVALID, "error unmarshalling Envelope");
    *ret = v;
    return WEFT_OK;
}

static bool parse_header(struct bytes b, struct payload_view *v)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    v->has_header = true;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            v->channel_header = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN))
            v->signature_header = f.bytes;
    }
    return !w.bad;
}

enum weft_code payload_parse(struct bytes b, struct payload_view *ret, struct weft_err *e)
{
    struct payload_view v = { 0 };
    struct wire w = wire_of(b);
    struct wire_field f;
    bool good = true;
    while (good && wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            good = parse_header(f.bytes, &v);
        else if (wire_is(&f, 2, WIRE_LEN))
            v.data = f.bytes;
    }
    if (w.bad || !good)
        return WEFT_FAIL(e, WEFT_INVALID, "error unmarshalling Payload");
    *ret = v;
    return WEFT_OK;
}

static bool parse_timestamp(struct bytes b, struct channel_header_view *v)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    v->has_timestamp = true;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_VARINT))
            v->timestamp_s = (int64_t)f.varint;
        else if (wire_is(&f, 2, WIRE_VARINT))
            v->timestamp_ns = (int32_t)(uint32_t)f.varint;
    }
    return !w.bad;
}

/* The fields of ChannelHeader that are bytes; false for one that breaks a rule. */
static bool take_bytes_field(const struct wire_field *f, struct channel_header_view *v)
{
    switch (f->number) {
    case 3:
        return parse_timestamp(f->bytes, v);
    case 4:
        v->channel_id = f->bytes;
        return wire_utf8(f->bytes);
    case 5:
        v->tx_id = f->bytes;
        return wire_utf8(f->bytes);
    case 7:
        v->extension = f->bytes;
        return true;
    case 8:
        v->tls_cert_hash = f->bytes;
        return true;
    default:
        return true;
    }
}

enum weft_code channel_header_parse(struct bytes b, struct channel_header_view *ret,
                                    struct weft_err *e)
{
    struct channel_header_view v = { 0 };
    struct wire w = wire_of(b);
    struct wire_field f;
    bool good = true;
    while (good && wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_VARINT))
            v.type = (int32_t)(uint32_t)f.varint;
        else if (wire_is(&f, 2, WIRE_VARINT))
            v.version = (int32_t)(uint32_t)f.varint;
        else if (wire_is(&f, 6, WIRE_VARINT))
            v.epoch = f.varint;
        else if (f.type == WIRE_LEN)
            good = take_bytes_field(&f, &v);
    }
    if (w.bad || !good)
        return WEFT_FAIL(e, WEFT_INVALID, "error unmarshalling ChannelHeader");
    *ret = v;
    return WEFT_OK;
}

enum weft_code signature_header_parse(struct bytes b, struct signature_header_view *ret,
                                      struct weft_err *e)
{
    struct signature_header_view v = { 0 };
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            v.creator = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN))
            v.nonce = f.bytes;
    }
    if (w.bad)
        return WEFT_FAIL(e, WEFT_INVALID, "error unmarshalling SignatureHeader");
    *ret = v;
    return WEFT_OK;
}

enum weft_code envelope_headers_parse(struct bytes b, struct envelope_headers *ret,
                                      struct weft_err *e)
{
    struct envelope_headers h;
    WEFT_TRY(envelope_parse(b, &h.envelope, e));
    WEFT_TRY(payload_parse(h.envelope.payload, &h.payload, e));
    if (!h.payload.has_header)
        return WEFT_FAIL(e, WEFT_INVALID, "no header in the payload");
    WEFT_TRY(channel_header_parse(h.payload.channel_header, &h.channel, e));
    WEFT_TRY(signature_header_parse(h.payload.signature_header, &h.signature, e));
    *ret = h;
    return WEFT_OK;
}

void tx_id_compute(struct bytes nonce, struct bytes creator, char out[TX_ID_LEN + 1])
{
    static const char digits[] = "0123456789abcdef";
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, nonce);
    sha256_add(&h, creator);
    struct digest d = sha256_end(&h);
    for (size_t i = 0; i < sizeof(d.b); i++) {
        out[2 * i] = digits[d.b[i] >> 4];
        out[2 * i + 1] = digits[d.b[i] & 15];
    }
    out[TX_ID_LEN] = '\0';
}

enum weft_code envelope_tx_id(struct bytes b, char room[TX_ID_LEN + 1], struct bytes *ret_id,
                              struct weft_err *e)
{
    struct envelope_view envelope;
    struct payload_view payload;
    struct channel_header_view channel;
    WEFT_TRY(envelope_parse(b, &envelope, e));
    WEFT_TRY(payload_parse(envelope.payload, &payload, e));
    if (!payload.has_header)
        return WEFT_FAIL(e, WEFT_INVALID, "error extracting header from the payload");
    WEFT_TRY(channel_header_parse(payload.channel_header, &channel, e));
    if (channel.tx_id.len > 0) {
        *ret_id = channel.tx_id;
        return WEFT_OK;
    }
    struct signature_header_view signature;
    WEFT_TRY(signature_header_parse(payload.signature_header, &signature, e));
    tx_id_compute(signature.nonce, signature.creator, room);
    *ret_id = bytes_of(room, TX_ID_LEN);
    return WEFT_OK;
}
