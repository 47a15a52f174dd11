#include "txmaker/endorsed_tx.h"

#include "crypto/random.h"
#include "proto/wire.h"

static const int64_t ns_per_s = 1000000000;

void endorsed_tx_done(struct endorsed_tx *t)
{
    buf_done(&t->channel_header);
    buf_done(&t->signature_header);
    buf_done(&t->proposal);
    buf_done(&t->response);
    buf_done(&t->endorsements);
}

static void put_filled(struct buf *out, uint32_t number, struct bytes what)
{
    if (what.len > 0)
        wire_put_bytes(out, number, what);
}

/* ---- the client's proposal ---------------------------------------------------------- */

/* ChaincodeID { 2 name, 3 version } */
static void put_chaincode_id(struct buf *out, uint32_t number, const char *name,
                             const char *version)
{
    WEFT_CLEANUP(buf_done) struct buf id = { 0 };
    put_filled(&id, 2, bytes_of_str(name));
    put_filled(&id, 3, bytes_of_str(version));
    wire_put_bytes(out, number, buf_bytes(&id));
}

static void put_channel_header(const struct endorsed_tx_plan *p, const char *tx_id, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf time = { 0 };
    WEFT_CLEANUP(buf_done) struct buf extension = { 0 };
    if (p->now_ns / ns_per_s > 0)
        wire_put_varint(&time, 1, (uint64_t)(p->now_ns / ns_per_s));
    if (p->now_ns % ns_per_s > 0)
        wire_put_varint(&time, 2, (uint64_t)(p->now_ns % ns_per_s));
    put_chaincode_id(&extension, 2, p->chaincode, "");
    wire_put_varint(out, 1, HEADER_ENDORSER_TRANSACTION);
    wire_put_bytes(out, 3, buf_bytes(&time));
    put_filled(out, 4, bytes_of_str(p->channel));
    put_filled(out, 5, bytes_of_str(tx_id));
    wire_put_bytes(out, 7, buf_bytes(&extension));
}

/* ChaincodeProposalPayload { 1 ChaincodeInvocationSpec { 1 ChaincodeSpec {
 * 1 type, 2 ChaincodeID, 3 ChaincodeInput { 1 args ... } } } } */
static void put_proposal(const struct endorsed_tx_plan *p, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf input = { 0 };
    WEFT_CLEANUP(buf_done) struct buf spec = { 0 };
    WEFT_CLEANUP(buf_done) struct buf invocation = { 0 };
    for (size_t i = 0; i < p->arg_count; i++)
        wire_put_bytes(&input, 1, p->args[i]);
    if (p->chaincode_type != CHAINCODE_TYPE_UNDEFINED)
        wire_put_varint(&spec, 1, p->chaincode_type);
    put_chaincode_id(&spec, 2, p->chaincode, "");
    wire_put_bytes(&spec, 3, buf_bytes(&input));
    wire_put_bytes(&invocation, 1, buf_bytes(&spec));
    wire_put_bytes(out, 1, buf_bytes(&invocation));
}

/* ---- the peers' response ----------------------------------------------------------------- */

void endorsed_tx_put_action(const struct endorsed_tx_plan *p, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf response = { 0 };
    wire_put_varint(&response, 1, (uint64_t)(p->status != 0 ? p->status : RESPONSE_OK));
    put_filled(&response, 3, p->payload);
    put_filled(out, 1, p->results);
    put_filled(out, 2, p->events);
    wire_put_bytes(out, 3, buf_bytes(&response));
    put_chaincode_id(out, 4, p->chaincode, p->version);
}

void endorsed_tx_put_response(const struct endorsed_tx *t, struct bytes action, struct buf *out)
{
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, buf_bytes(&t->channel_header));
    sha256_add(&h, buf_bytes(&t->signature_header));
    sha256_add(&h, buf_bytes(&t->proposal));
    struct digest hash = sha256_end(&h);
    wire_put_bytes(out, 1, digest_bytes(&hash));
    wire_put_bytes(out, 2, action);
}

void endorsed_tx_put_event(const char *chaincode, const char *tx_id, const char *name,
                           struct bytes payload, struct buf *out)
{
    put_filled(out, 1, bytes_of_str(chaincode));
    put_filled(out, 2, bytes_of_str(tx_id));
    put_filled(out, 3, bytes_of_str(name));
    put_filled(out, 4, payload);
}

enum weft_code endorsed_tx_begin(struct endorsed_tx *t, const struct endorsed_tx_plan *plan,
                                 struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf action = { 0 };
    struct bytes creator = signing_identity_bytes(plan->client), nonce = plan->nonce;
    uint8_t random[ENDORSED_TX_NONCE];
    if (nonce.len == 0) {
        WEFT_TRY(random_bytes(random, sizeof(random), e));
        nonce = bytes_of(random, sizeof(random));
    }
    buf_clear(&t->channel_header);
    buf_clear(&t->signature_header);
    buf_clear(&t->proposal);
    buf_clear(&t->response);
    buf_clear(&t->endorsements);
    tx_id_compute(nonce, creator, t->tx_id);
    put_channel_header(plan, t->tx_id, &t->channel_header);
    wire_put_bytes(&t->signature_header, 1, creator);
    wire_put_bytes(&t->signature_header, 2, nonce);
    put_proposal(plan, &t->proposal);
    endorsed_tx_put_action(plan, &action);
    endorsed_tx_put_response(t, buf_bytes(&action), &t->response);
    return WEFT_OK;
}

void endorsed_tx_put_endorsement(struct endorsed_tx *t, struct bytes endorser,
                                 struct bytes signature)
{
    WEFT_CLEANUP(buf_done) struct buf endorsement = { 0 };
    put_filled(&endorsement, 1, endorser);
    put_filled(&endorsement, 2, signature);
    wire_put_bytes(&t->endorsements, 2, buf_bytes(&endorsement));
}

enum weft_code endorsed_tx_endorse(struct endorsed_tx *t, const struct signing_identity *peer,
                                   struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf text = { 0 };
    WEFT_CLEANUP(buf_done) struct buf signature = { 0 };
    buf_put(&text, buf_bytes(&t->response));
    buf_put(&text, signing_identity_bytes(peer));
    WEFT_TRY(signing_identity_sign(peer, buf_bytes(&text), &signature, e));
    endorsed_tx_put_endorsement(t, signing_identity_bytes(peer), buf_bytes(&signature));
    return WEFT_OK;
}

/* ---- the client's envelope ----------------------------------------------------------------- */

/* Transaction { 1 TransactionAction { 1 signature header, 2 ChaincodeActionPayload {
 * 1 proposal, 2 ChaincodeEndorsedAction { 1 response, 2 endorsements ... } } } } */
void endorsed_tx_transaction(const struct endorsed_tx *t, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf endorsed = { 0 };
    WEFT_CLEANUP(buf_done) struct buf payload = { 0 };
    WEFT_CLEANUP(buf_done) struct buf action = { 0 };
    put_filled(&endorsed, 1, buf_bytes(&t->response));
    buf_put(&endorsed, buf_bytes(&t->endorsements));
    put_filled(&payload, 1, buf_bytes(&t->proposal));
    wire_put_bytes(&payload, 2, buf_bytes(&endorsed));
    put_filled(&action, 1, buf_bytes(&t->signature_header));
    wire_put_bytes(&action, 2, buf_bytes(&payload));
    wire_put_bytes(out, 1, buf_bytes(&action));
}

enum weft_code endorsed_tx_wrap(const struct endorsed_tx *t, struct bytes transaction,
                                const struct signing_identity *client, struct buf *out,
                                struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf header = { 0 };
    WEFT_CLEANUP(buf_done) struct buf payload = { 0 };
    WEFT_CLEANUP(buf_done) struct buf signature = { 0 };
    put_filled(&header, 1, buf_bytes(&t->channel_header));
    put_filled(&header, 2, buf_bytes(&t->signature_header));
    wire_put_bytes(&payload, 1, buf_bytes(&header));
    put_filled(&payload, 2, transaction);
    WEFT_TRY(signing_identity_sign(client, buf_bytes(&payload), &signature, e));
    wire_put_bytes(out, 1, buf_bytes(&payload));
    wire_put_bytes(out, 2, buf_bytes(&signature));
    return WEFT_OK;
}

enum weft_code endorsed_tx_finish(const struct endorsed_tx *t,
                                  const struct signing_identity *client, struct buf *out,
                                  struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf transaction = { 0 };
    endorsed_tx_transaction(t, &transaction);
    return endorsed_tx_wrap(t, buf_bytes(&transaction), client, out, e);
}

enum weft_code endorsed_tx_make(const struct endorsed_tx_plan *plan, struct buf *out,
                                char ret_tx_id[TX_ID_LEN + 1], struct weft_err *e)
{
    WEFT_CLEANUP(endorsed_tx_done) struct endorsed_tx t = { 0 };
    WEFT_TRY(endorsed_tx_begin(&t, plan, e));
    for (size_t i = 0; i < plan->endorser_count; i++)
        WEFT_TRY(endorsed_tx_endorse(&t, plan->endorsers[i], e));
    WEFT_TRY(endorsed_tx_finish(&t, plan->client, out, e));
    if (ret_tx_id != NULL)
        memcpy(ret_tx_id, t.tx_id, sizeof(t.tx_id));
    return WEFT_OK;
}
