#include "proposal_maker.h"

#include "proto/envelope.h"
#include "proto/wire.h"

/* A message around one field. */
static void wrap(uint32_t number, struct buf *b)
{
    struct buf outer = { 0 };
    wire_put_bytes(&outer, number, buf_bytes(b));
    buf_done(b);
    *b = outer;
}

static void put_channel_header(const struct proposal_order *o, struct bytes nonce, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf extension = { 0 };
    char tx_id[TX_ID_LEN + 1];
    tx_id_compute(nonce, o->creator, tx_id);
    buf_put_str(&extension, o->chaincode);
    wrap(2, &extension);
    wrap(2, &extension);
    wire_put_varint(out, 1, HEADER_ENDORSER_TRANSACTION);
    if (o->channel[0] != '\0')
        wire_put_bytes(out, 4, bytes_of_str(o->channel));
    wire_put_bytes(out, 5, bytes_of_str(tx_id));
    wire_put_bytes(out, 7, buf_bytes(&extension));
}

void proposal_make(const struct proposal_order *o, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf channel = { 0 };
    WEFT_CLEANUP(buf_done) struct buf signer = { 0 };
    WEFT_CLEANUP(buf_done) struct buf header = { 0 };
    WEFT_CLEANUP(buf_done) struct buf input = { 0 };
    WEFT_CLEANUP(buf_done) struct buf proposal = { 0 };
    WEFT_CLEANUP(buf_done) struct buf signature = { 0 };
    struct bytes nonce = bytes_of(&o->nonce, sizeof(o->nonce));
    put_channel_header(o, nonce, &channel);
    wire_put_bytes(&signer, 1, o->creator);
    wire_put_bytes(&signer, 2, nonce);
    wire_put_bytes(&header, 1, buf_bytes(&channel));
    wire_put_bytes(&header, 2, buf_bytes(&signer));
    for (size_t i = 0; i < o->arg_count; i++)
        wire_put_bytes(&input, 1, o->args[i]);
    wrap(3, &input); /* ChaincodeSpec.input */
    wrap(1, &input); /* ChaincodeInvocationSpec.chaincode_spec */
    wrap(1, &input); /* ChaincodeProposalPayload.input */
    wire_put_bytes(&proposal, 1, buf_bytes(&header));
    wire_put_bytes(&proposal, 2, buf_bytes(&input));
    o->sign(o->ctx, buf_bytes(&proposal), &signature);
    wire_put_bytes(out, 1, buf_bytes(&proposal));
    wire_put_bytes(out, 2, buf_bytes(&signature));
}
