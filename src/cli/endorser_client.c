#include "cli/endorser_client.h"

#include "config/core_config.h"
#include "crypto/random.h"
#include "msp/signing_identity.h"
#include "os/clock.h"
#include "proto/wire.h"

enum {
    NONCE_BYTES = 24,
    TYPE_GOLANG = 1, /* ChaincodeSpec.Type */
};

struct endorser_client {
    struct node_client *node;
};

enum weft_code endorser_client_open(const struct core_config *config, struct endorser_client **ret,
                                    struct weft_err *e)
{
    WEFT_CLEANUP(endorser_client_close) struct endorser_client *c = weft_alloc(sizeof(*c));
    WEFT_CLEANUP(node_target_done) struct node_target target = { 0 };
    enum weft_code rc = peer_target(config, &target, e);
    if (rc == WEFT_OK) {
        rc = node_client_open(&target, &c->node, e);
        if (rc != WEFT_OK)
            rc = weft_err_wrap(e, rc, "endorser client failed to connect to %s", target.address);
    }
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error getting endorser client for channel");
    *ret = WEFT_TAKE(c);
    return WEFT_OK;
}

void endorser_client_close(struct endorser_client *c)
{
    if (c == NULL)
        return;
    node_client_close(c->node);
    free(c);
}

/* ---- the proposal -------------------------------------------------------------------- */

/* ChaincodeID { 2 name } */
static void put_chaincode_id(struct buf *out, uint32_t number, const char *name)
{
    WEFT_CLEANUP(buf_done) struct buf id = { 0 };
    wire_put_bytes(&id, 2, bytes_of_str(name));
    wire_put_bytes(out, number, buf_bytes(&id));
}

static void put_channel_header(struct buf *out, const struct proposal_plan *p, int64_t now_ns,
                               const char *tx_id)
{
    WEFT_CLEANUP(buf_done) struct buf time = { 0 };
    WEFT_CLEANUP(buf_done) struct buf extension = { 0 }; /* ChaincodeHeaderExtension */
    wire_put_varint(&time, 1, (uint64_t)(now_ns / 1000000000));
    wire_put_varint(&time, 2, (uint64_t)(now_ns % 1000000000));
    put_chaincode_id(&extension, 2, p->chaincode);
    wire_put_varint(out, 1, p->type);
    wire_put_bytes(out, 3, buf_bytes(&time));
    wire_put_bytes(out, 5, bytes_of_str(tx_id));
    wire_put_bytes(out, 7, buf_bytes(&extension));
}

/* ChaincodeProposalPayload { 1 ChaincodeInvocationSpec { 1 ChaincodeSpec {
 * 1 type, 2 ChaincodeID, 3 ChaincodeInput { 1 args ... } } } } */
static void put_payload(struct buf *out, const struct proposal_plan *p)
{
    WEFT_CLEANUP(buf_done) struct buf input = { 0 };
    WEFT_CLEANUP(buf_done) struct buf spec = { 0 };
    WEFT_CLEANUP(buf_done) struct buf invocation = { 0 };
    for (size_t i = 0; i < p->arg_count; i++)
        wire_put_bytes(&input, 1, p->args[i]);
    wire_put_varint(&spec, 1, TYPE_GOLANG);
    put_chaincode_id(&spec, 2, p->chaincode);
    wire_put_bytes(&spec, 3, buf_bytes(&input));
    wire_put_bytes(&invocation, 1, buf_bytes(&spec));
    wire_put_bytes(out, 1, buf_bytes(&invocation));
}

enum weft_code signed_proposal(const struct signing_identity *id, const struct proposal_plan *p,
                               int64_t now_ns, struct buf *out, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf channel = { 0 };
    WEFT_CLEANUP(buf_done) struct buf signer = { 0 };
    WEFT_CLEANUP(buf_done) struct buf header = { 0 };
    WEFT_CLEANUP(buf_done) struct buf payload = { 0 };
    WEFT_CLEANUP(buf_done) struct buf proposal = { 0 };
    WEFT_CLEANUP(buf_done) struct buf signature = { 0 };
    uint8_t nonce[NONCE_BYTES];
    char tx_id[TX_ID_LEN + 1];
    WEFT_TRY(random_bytes(nonce, sizeof(nonce), e));
    tx_id_compute(bytes_of(nonce, sizeof(nonce)), signing_identity_bytes(id), tx_id);
    put_channel_header(&channel, p, now_ns, tx_id);
    wire_put_bytes(&signer, 1, signing_identity_bytes(id));
    wire_put_bytes(&signer, 2, bytes_of(nonce, sizeof(nonce)));
    wire_put_bytes(&header, 1, buf_bytes(&channel));
    wire_put_bytes(&header, 2, buf_bytes(&signer));
    put_payload(&payload, p);
    wire_put_bytes(&proposal, 1, buf_bytes(&header));
    wire_put_bytes(&proposal, 2, buf_bytes(&payload));
    WEFT_TRY(signing_identity_sign(id, buf_bytes(&proposal), &signature, e));
    wire_put_bytes(out, 1, buf_bytes(&proposal));
    wire_put_bytes(out, 2, buf_bytes(&signature));
    return WEFT_OK;
}

/* ---- the answer ------------------------------------------------------------------------- */

void proposal_answer_done(struct proposal_answer *a)
{
    net_msg_unref(a->m);
    *a = (struct proposal_answer){ 0 };
}

/* Response { 1 status, 2 message, 3 payload } */
static bool read_response(struct bytes b, struct proposal_answer *a)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_VARINT))
            a->status = (int32_t)(uint32_t)f.varint;
        else if (wire_is(&f, 2, WIRE_LEN))
            a->message = f.bytes;
        else if (wire_is(&f, 3, WIRE_LEN))
            a->payload = f.bytes;
    }
    return !w.bad;
}

enum weft_code proposal_answer_parse(struct bytes b, struct proposal_answer *ret,
                                     struct weft_err *e)
{
    struct proposal_answer a = { 0 };
    struct wire w = wire_of(b);
    struct wire_field f;
    while (!w.bad && wire_next(&w, &f))
        if (wire_is(&f, 4, WIRE_LEN))
            w.bad = !read_response(f.bytes, &a);
    if (w.bad)
        return WEFT_FAIL(e, WEFT_INVALID, "the peer's answer is no ProposalResponse");
    *ret = a;
    return WEFT_OK;
}

enum weft_code endorser_client_ask(struct endorser_client *c, const struct signing_identity *id,
                                   const struct proposal_plan *p, struct proposal_answer *ret,
                                   struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf request = { 0 };
    WEFT_CLEANUP(net_msg_unref) struct net_msg *m = NULL;
    WEFT_TRY(signed_proposal(id, p, clock_wall_ns(), &request, e));
    WEFT_TRY(
        node_client_unary(c->node, "/protos.Endorser/ProcessProposal", buf_bytes(&request), &m, e));
    WEFT_TRY(proposal_answer_parse(net_msg_bytes(m), ret, e));
    ret->m = WEFT_TAKE(m);
    return WEFT_OK;
}
