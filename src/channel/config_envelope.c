#include "channel/config_envelope.h"

#include "proto/block.h"
#include "proto/envelope.h"
#include "proto/wire.h"

/* Config { 1 sequence, 2 channel_group } */
static bool parse_config(struct bytes b, struct config_envelope_view *v)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    bool good = !v->has_config;
    v->has_config = true;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_VARINT)) {
            v->sequence = f.varint;
        } else if (wire_is(&f, 2, WIRE_LEN)) {
            good = good && v->channel_group.data == NULL;
            v->channel_group = f.bytes;
        }
    }
    return good && !w.bad;
}

enum weft_code config_envelope_parse(struct bytes b, struct config_envelope_view *ret,
                                     struct weft_err *e)
{
    struct config_envelope_view v = { 0 };
    struct envelope_view unused;
    struct wire w = wire_of(b);
    struct wire_field f;
    bool good = true;
    while (good && wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN)) {
            good = parse_config(f.bytes, &v);
        } else if (wire_is(&f, 2, WIRE_LEN)) {
            v.last_update = f.bytes;
            good = envelope_parse(f.bytes, &unused, NULL) == WEFT_OK;
        }
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

/* ConfigSignature { 1 signature_header, 2 signature } */
static bool parse_signature(struct bytes b, struct config_signature_view *ret)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    *ret = (struct config_signature_view){ 0 };
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            ret->header = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN))
            ret->signature = f.bytes;
    }
    return !w.bad;
}

/* ConfigUpdateEnvelope { 1 config_update, 2 signatures } */
static bool parse_update_envelope(struct bytes b, struct config_update_envelope_view *v)
{
    struct config_signature_view unused;
    struct wire w = wire_of(b);
    struct wire_field f;
    bool good = true;
    while (good && wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            v->config_update = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN))
            good = parse_signature(f.bytes, &unused);
    }
    v->signatures = b;
    return good && !w.bad;
}

static void put_type(int32_t type, struct buf *out)
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
    if (type >= 0 && (size_t)type < WEFT_ARRAY_LEN(names) && names[type] != NULL)
        buf_put_str(out, names[type]);
    else
        buf_printf(out, "%d", (int)type);
}

/* The envelope's own signature header is not looked at. */
enum weft_code config_update_envelope_parse(struct bytes envelope,
                                            struct config_update_envelope_view *ret,
                                            struct weft_err *e)
{
    struct envelope_view outer = { 0 };
    struct payload_view payload = { 0 };
    struct channel_header_view channel = { 0 };
    struct config_update_envelope_view v = { 0 };
    WEFT_TRY(envelope_parse(envelope, &outer, e));
    WEFT_TRY(payload_parse(outer.payload, &payload, e));
    if (!payload.has_header)
        return WEFT_FAIL(e, WEFT_INVALID, "envelope must have a Header");
    WEFT_TRY(channel_header_parse(payload.channel_header, &channel, e));
    if (channel.type != HEADER_CONFIG_UPDATE) {
        WEFT_CLEANUP(buf_done) struct buf name = { 0 };
        put_type(channel.type, &name);
        return WEFT_FAIL(e, WEFT_INVALID, "invalid type %.*s, expected CONFIG_UPDATE",
                         (int)name.len, (const char *)name.data);
    }
    if (!parse_update_envelope(payload.data, &v))
        return WEFT_FAIL(e, WEFT_INVALID, "error unmarshaling message for type CONFIG_UPDATE");
    *ret = v;
    return WEFT_OK;
}

bool config_signature_next(struct config_update_envelope_view *u, struct config_signature_view *ret)
{
    struct wire w = wire_of(u->signatures);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (!wire_is(&f, 2, WIRE_LEN))
            continue;
        WEFT_IGNORE(parse_signature(f.bytes, ret)); /* was read before */
        u->signatures = w.rest;
        return true;
    }
    u->signatures = bytes_of(NULL, 0);
    return false;
}
