/* What the views of a transaction say is what protobuf-c unpacks.  The first
 * byte says which layer the rest is. */
#include "proto/proto_check.h"
#include "proto/transaction.h"

#include <peer/chaincode.pb-c.h>
#include <peer/proposal.pb-c.h>
#include <peer/proposal_response.pb-c.h>
#include <peer/transaction.pb-c.h>

static bool same(struct bytes b, ProtobufCBinaryData model)
{
    return bytes_eq(b, bytes_of(model.data, model.len));
}

static bool same_text(struct bytes b, const char *model)
{
    return bytes_eq(b, bytes_of_str(model));
}

static bool same_id(bool has, const struct chaincode_id *id, const Protos__ChaincodeID *model)
{
    if (model == NULL || !has)
        return (model == NULL) == !has;
    return same_text(id->path, model->path) && same_text(id->name, model->name) &&
           same_text(id->version, model->version);
}

static void expect_transaction(struct bytes b, const Protos__Transaction *model)
{
    struct transaction_view tx;
    struct bytes item;
    WEFT_ASSERT(transaction_parse(b, &tx, NULL) == WEFT_OK);
    WEFT_ASSERT(tx.actions.count == model->n_actions);
    for (size_t i = 0; repeated_next(&tx.actions, &item); i++) {
        WEFT_ASSERT(same(transaction_action_of(item).header, model->actions[i]->header));
        WEFT_ASSERT(same(transaction_action_of(item).payload, model->actions[i]->payload));
    }
}

static void expect_payload(struct bytes b, const Protos__ChaincodeActionPayload *model)
{
    struct chaincode_action_payload p;
    struct bytes item;
    WEFT_ASSERT(chaincode_action_payload_parse(b, &p, NULL) == WEFT_OK);
    WEFT_ASSERT(same(p.chaincode_proposal_payload, model->chaincode_proposal_payload));
    WEFT_ASSERT(p.has_action == (model->action != NULL));
    if (!p.has_action)
        return;
    WEFT_ASSERT(same(p.proposal_response_payload, model->action->proposal_response_payload));
    WEFT_ASSERT(p.endorsements.count == model->action->n_endorsements);
    for (size_t i = 0; repeated_next(&p.endorsements, &item); i++) {
        WEFT_ASSERT(same(endorsement_of(item).endorser, model->action->endorsements[i]->endorser));
        WEFT_ASSERT(
            same(endorsement_of(item).signature, model->action->endorsements[i]->signature));
    }
}

static void expect_action(struct bytes b, const Protos__ChaincodeAction *model)
{
    struct chaincode_action a;
    WEFT_ASSERT(chaincode_action_parse(b, &a, NULL) == WEFT_OK);
    WEFT_ASSERT(same(a.results, model->results) && same(a.events, model->events));
    WEFT_ASSERT(a.has_response == (model->response != NULL));
    WEFT_ASSERT(!a.has_response || (a.status == model->response->status &&
                                    same_text(a.message, model->response->message) &&
                                    same(a.payload, model->response->payload)));
    WEFT_ASSERT(same_id(a.has_chaincode_id, &a.chaincode_id, model->chaincode_id));
}

static void expect_event(struct bytes b, const Protos__ChaincodeEvent *model)
{
    struct chaincode_event v;
    WEFT_ASSERT(chaincode_event_parse(b, &v, NULL) == WEFT_OK);
    WEFT_ASSERT(same_text(v.chaincode_id, model->chaincode_id) && same_text(v.tx_id, model->tx_id));
    WEFT_ASSERT(same_text(v.event_name, model->event_name) && same(v.payload, model->payload));
}

static void expect_extension(struct bytes b, const Protos__ChaincodeHeaderExtension *model)
{
    struct chaincode_header_extension x;
    WEFT_ASSERT(chaincode_header_extension_parse(b, &x, NULL) == WEFT_OK);
    WEFT_ASSERT(same_id(x.has_chaincode_id, &x.chaincode_id, model->chaincode_id));
}

/* The view of the layer by itself, for bytes that protobuf-c may not see. */
static void parse_only(unsigned layer, struct bytes b)
{
    struct transaction_view tx;
    struct chaincode_action_payload payload;
    struct proposal_response_payload response;
    struct chaincode_action action;
    struct bytes item;
    if (layer == 0 && transaction_parse(b, &tx, NULL) == WEFT_OK)
        while (repeated_next(&tx.actions, &item))
            (void)transaction_action_of(item);
    if (layer == 1 && chaincode_action_payload_parse(b, &payload, NULL) == WEFT_OK)
        while (repeated_next(&payload.endorsements, &item))
            (void)endorsement_of(item);
    if (proposal_response_payload_parse(b, &response, NULL) == WEFT_OK)
        WEFT_ASSERT(response.extension.len <= b.len);
    if (transaction_chaincode_action(b, &action, NULL) == WEFT_OK)
        WEFT_ASSERT(action.results.len <= b.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const ProtobufCMessageDescriptor *const types[] = {
        &protos__transaction__descriptor,
        &protos__chaincode_action_payload__descriptor,
        &protos__chaincode_action__descriptor,
        &protos__chaincode_event__descriptor,
        &protos__chaincode_header_extension__descriptor,
    };
    if (size == 0)
        return 0;
    unsigned layer = data[0] % WEFT_ARRAY_LEN(types);
    struct bytes b = bytes_of(data + 1, size - 1);
    parse_only(layer, b);

    WEFT_CLEANUP(arena_done) struct arena a = { 0 };
    void *msg = NULL;
    if (proto_unpack(types[layer], b, &a, &msg, NULL) != WEFT_OK)
        return 0;
    if (layer == 0)
        expect_transaction(b, msg);
    else if (layer == 1)
        expect_payload(b, msg);
    else if (layer == 2)
        expect_action(b, msg);
    else if (layer == 3)
        expect_event(b, msg);
    else
        expect_extension(b, msg);
    return 0;
}
