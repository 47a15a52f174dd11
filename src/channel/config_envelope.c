#include "channel/config_envelope.h"

#include "proto/block.h"
#include "proto/envelope.h"
#include "proto/wire.h"

/* Config { 1 sequence, 2 channel_group } */
static bool parse_config(struct bytes b, struct config_envelope_view *v)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_VARINT))
            v->sequence = f.varint;
        else if (wire_is(&f, 2, WIRE_LEN))
            v->channel_group = f.bytes;
    }
    return !w.bad;
}

enum weft_code config_envelope_parse(struct bytes b, struct config_envelope_view *ret,
                                     struct weft_err *e)
{
    struct config_envelope_view v = { 0 };
    struct wire w = wire_of(b);
    struct wire_field f;
    bool good = true;
    while (good && wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            good = parse_config(f.bytes, &v);
        else if (wire_is(&f, 2, WIRE_LEN))
            v.last_update = f.bytes;
    }
    if (!good || w.bad)
        return WEFT_FAIL(e, WEFT_INVALID, "error unmarshalling ConfigEnvelope");
    *ret = v;
    return WEFT_OK;
}

enum weft_code config_envelope_of_block(const struct block_view *v,
                                        struct config_envelope_view *ret, struct weft_err *e)
{
    struct envelope_headers h = { 0 };
    if (v->txs.count != 1)
        return WEFT_FAIL(e, WEFT_INVALID, "a config block has one transaction, this one %zu",
                         v->txs.count);
    WEFT_TRY(envelope_headers_parse(v->txs.at[0], &h, e));
    if (h.channel.type != HEADER_CONFIG)
        return WEFT_FAIL(e, WEFT_INVALID, "not a config transaction but of type %d",
                         (int)h.channel.type);
    return config_envelope_parse(h.payload.data, ret, e);
}

enum weft_code config_update_envelope_parse(struct bytes envelope,
                                            struct config_update_envelope_view *ret,
                                            struct weft_err *e)
{
    struct envelope_headers h = { 0 };
    struct config_update_envelope_view v = { 0 };
    WEFT_TRY(envelope_headers_parse(envelope, &h, e));
    if (h.channel.type != HEADER_CONFIG_UPDATE)
        return WEFT_FAIL(e, WEFT_INVALID, "invalid type %d, expected CONFIG_UPDATE",
                         (int)h.channel.type);
    struct wire w = wire_of(h.payload.data);
    struct wire_field f;
    while (wire_next(&w, &f))
        if (wire_is(&f, 1, WIRE_LEN))
            v.config_update = f.bytes;
    if (w.bad)
        return WEFT_FAIL(e, WEFT_INVALID, "error unmarshalling ConfigUpdateEnvelope");
    v.signatures = h.payload.data;
    *ret = v;
    return WEFT_OK;
}

/* ConfigSignature { 1 signature_header, 2 signature } */
static struct config_signature_view parse_signature(struct bytes b)
{
    struct config_signature_view s = { 0 };
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            s.header = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN))
            s.signature = f.bytes;
    }
    return w.bad ? (struct config_signature_view){ 0 } : s;
}

bool config_signature_next(struct config_update_envelope_view *u, struct config_signature_view *ret)
{
    struct wire w = wire_of(u->signatures);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (!wire_is(&f, 2, WIRE_LEN))
            continue;
        *ret = parse_signature(f.bytes);
        u->signatures = w.rest;
        return true;
    }
    u->signatures = bytes_of(NULL, 0);
    return false;
}
