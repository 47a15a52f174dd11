#include "msp/signed_envelope.h"

#include "crypto/random.h"
#include "proto/wire.h"

enum {
    NONCE_BYTES = 24
};

static void put_channel_header(const struct envelope_plan *p, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf time = { 0 };
    if (p->type != 0)
        wire_put_varint(out, 1, p->type);
    wire_put_varint(&time, 1, (uint64_t)(p->now_ns / 1000000000));
    wire_put_varint(&time, 2, (uint64_t)(p->now_ns % 1000000000));
    wire_put_bytes(out, 3, buf_bytes(&time));
    if (p->channel_id[0] != '\0')
        wire_put_bytes(out, 4, bytes_of_str(p->channel_id));
    if (p->tls_cert_hash.len > 0)
        wire_put_bytes(out, 8, p->tls_cert_hash);
}

static enum weft_code put_signature_header(const struct signing_identity *id, struct buf *out,
                                           struct weft_err *e)
{
    uint8_t nonce[NONCE_BYTES];
    WEFT_TRY(random_bytes(nonce, sizeof(nonce), e));
    wire_put_bytes(out, 1, signing_identity_bytes(id));
    wire_put_bytes(out, 2, bytes_of(nonce, sizeof(nonce)));
    return WEFT_OK;
}

enum weft_code signed_envelope(const struct signing_identity *id, const struct envelope_plan *plan,
                               struct buf *out, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf channel = { 0 };
    WEFT_CLEANUP(buf_done) struct buf signer = { 0 };
    WEFT_CLEANUP(buf_done) struct buf header = { 0 };
    WEFT_CLEANUP(buf_done) struct buf payload = { 0 };
    WEFT_CLEANUP(buf_done) struct buf signature = { 0 };
    put_channel_header(plan, &channel);
    WEFT_TRY(put_signature_header(id, &signer, e));
    wire_put_bytes(&header, 1, buf_bytes(&channel));
    wire_put_bytes(&header, 2, buf_bytes(&signer));
    wire_put_bytes(&payload, 1, buf_bytes(&header));
    if (plan->data.len > 0)
        wire_put_bytes(&payload, 2, plan->data);
    WEFT_TRY(signing_identity_sign(id, buf_bytes(&payload), &signature, e));
    wire_put_bytes(out, 1, buf_bytes(&payload));
    wire_put_bytes(out, 2, buf_bytes(&signature));
    return WEFT_OK;
}
