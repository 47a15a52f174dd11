#include "cli/config_tx.h"

#include "crypto/random.h"
#include "msp/signed_envelope.h"
#include "os/file.h"
#include "proto/envelope.h"
#include "proto/wire.h"

enum {
    NONCE_BYTES = 24,
    SHOWN_MAX = 249
};

enum weft_code config_tx_read(const char *path, struct buf *ret, struct weft_err *e)
{
    enum weft_code rc = file_read_all(path, CONFIG_TX_BYTES, ret, e);
    if (rc == WEFT_NOT_FOUND)
        return WEFT_FAIL(e, rc,
                         "channel create configuration tx file not found open %s: no such file "
                         "or directory",
                         path);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "channel create configuration tx file not found");
    return WEFT_OK;
}

static enum weft_code invalid(const char *what, struct weft_err *e)
{
    return WEFT_FAIL(e, WEFT_CORRUPT, "Invalid channel create transaction : %s", what);
}

/* The update envelope's bytes, and the channel it is for. */
static enum weft_code check(struct bytes envelope, const char *channel, struct bytes *ret_update,
                            struct bytes *ret_channel, struct weft_err *e)
{
    struct envelope_view env;
    struct payload_view payload;
    struct channel_header_view h;
    if (envelope_parse(envelope, &env, e) != WEFT_OK)
        return WEFT_FAIL(e, WEFT_CORRUPT, "error unmarshaling Envelope");
    if (payload_parse(env.payload, &payload, e) != WEFT_OK)
        return invalid("bad payload", e);
    if (!payload.has_header || payload.channel_header.len == 0)
        return invalid("bad header", e);
    if (channel_header_parse(payload.channel_header, &h, e) != WEFT_OK)
        return invalid("could not unmarshall channel header", e);
    if (h.type != HEADER_CONFIG_UPDATE)
        return invalid("bad type", e);
    if (h.channel_id.len == 0 || h.channel_id.len > SHOWN_MAX)
        return invalid("empty channel id", e);
    if (channel != NULL && !bytes_eq(h.channel_id, bytes_of_str(channel)))
        return WEFT_FAIL(e, WEFT_CORRUPT,
                         "Invalid channel create transaction : mismatched channel ID %.*s != %s",
                         (int)h.channel_id.len, (const char *)h.channel_id.data, channel);
    *ret_update = payload.data;
    *ret_channel = h.channel_id;
    return WEFT_OK;
}

/* ConfigSignature { 1 signature_header, 2 signature } over header and update. */
static enum weft_code put_signature(const struct signing_identity *me, struct bytes update,
                                    struct buf *out, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf header = { 0 };
    WEFT_CLEANUP(buf_done) struct buf text = { 0 };
    WEFT_CLEANUP(buf_done) struct buf signature = { 0 };
    WEFT_CLEANUP(buf_done) struct buf whole = { 0 };
    uint8_t nonce[NONCE_BYTES];
    WEFT_TRY(random_bytes(nonce, sizeof(nonce), e));
    wire_put_bytes(&header, 1, signing_identity_bytes(me));
    wire_put_bytes(&header, 2, bytes_of(nonce, sizeof(nonce)));
    buf_put(&text, buf_bytes(&header));
    buf_put(&text, update);
    WEFT_TRY(signing_identity_sign(me, buf_bytes(&text), &signature, e));
    wire_put_bytes(&whole, 1, buf_bytes(&header));
    wire_put_bytes(&whole, 2, buf_bytes(&signature));
    wire_put_bytes(out, 2, buf_bytes(&whole));
    return WEFT_OK;
}

/* ConfigUpdateEnvelope { 1 config_update, 2 signatures ... } with one more. */
static enum weft_code add_signature(const struct signing_identity *me, struct bytes update_envelope,
                                    struct buf *out, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf others = { 0 };
    struct bytes update = { 0 };
    struct wire w = wire_of(update_envelope);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            update = f.bytes;
        else
            buf_put(&others, f.whole);
    }
    if (w.bad)
        return invalid("Bad config update env", e);
    if (update.len > 0)
        wire_put_bytes(out, 1, update);
    buf_put(out, buf_bytes(&others));
    return put_signature(me, update, out, e);
}

enum weft_code config_tx_sign(const struct signing_identity *me, struct bytes envelope,
                              const char *channel, int64_t now_ns, struct buf *out,
                              struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf update = { 0 };
    struct bytes old = { 0 }, id = { 0 };
    WEFT_TRY(check(envelope, channel, &old, &id, e));
    WEFT_TRY(add_signature(me, old, &update, e));
    WEFT_FREE char *name = bytes_dup_str(id);
    const struct envelope_plan plan = { .type = HEADER_CONFIG_UPDATE,
                                        .channel_id = name,
                                        .now_ns = now_ns,
                                        .data = buf_bytes(&update) };
    return signed_envelope(me, &plan, out, e);
}
