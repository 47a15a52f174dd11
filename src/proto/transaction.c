#include "proto/transaction.h"

#include "proto/proto_check.h"

#include <peer/chaincode.pb-c.h>
#include <peer/proposal.pb-c.h>
#include <peer/proposal_response.pb-c.h>
#include <peer/transaction.pb-c.h>

/* The bytes or string fields of a message, numbered from 1, the last of each;
 * `ret` has room for `many`. */
static void take_bytes_fields(struct bytes b, uint32_t many, struct bytes *const *ret)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f))
        if (f.type == WIRE_LEN && f.number <= many)
            *ret[f.number - 1] = f.bytes;
}

enum weft_code transaction_parse(struct bytes b, struct transaction_view *ret, struct weft_err *e)
{
    WEFT_TRY(proto_check(&protos__transaction__descriptor, b, 0, e));
    ret->actions = repeated_of(b, 1);
    return WEFT_OK;
}

struct transaction_action transaction_action_of(struct bytes item)
{
    struct transaction_action a = { 0 };
    take_bytes_fields(item, 2, (struct bytes *[]){ &a.header, &a.payload });
    return a;
}

/* Adds what this part of a ChaincodeEndorsedAction says. */
static void take_endorsed_action(struct bytes b, struct chaincode_action_payload *p)
{
    p->has_action = true;
    take_bytes_fields(b, 1, (struct bytes *[]){ &p->proposal_response_payload });
}

enum weft_code chaincode_action_payload_parse(struct bytes b, struct chaincode_action_payload *ret,
                                              struct weft_err *e)
{
    WEFT_TRY(proto_check(&protos__chaincode_action_payload__descriptor, b, 0, e));
    struct chaincode_action_payload p = { .endorsements = repeated_within(b, 2, 2) };
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            p.chaincode_proposal_payload = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN))
            take_endorsed_action(f.bytes, &p);
    }
    *ret = p;
    return WEFT_OK;
}

struct endorsement endorsement_of(struct bytes item)
{
    struct endorsement e = { 0 };
    take_bytes_fields(item, 2, (struct bytes *[]){ &e.endorser, &e.signature });
    return e;
}

enum weft_code proposal_response_payload_parse(struct bytes b,
                                               struct proposal_response_payload *ret,
                                               struct weft_err *e)
{
    WEFT_TRY(proto_check(&protos__proposal_response_payload__descriptor, b, 0, e));
    struct proposal_response_payload p = { 0 };
    take_bytes_fields(b, 2, (struct bytes *[]){ &p.proposal_hash, &p.extension });
    *ret = p;
    return WEFT_OK;
}

static void take_chaincode_id(struct bytes b, struct chaincode_id *id)
{
    take_bytes_fields(b, 3, (struct bytes *[]){ &id->path, &id->name, &id->version });
}

static void take_response(struct bytes b, struct chaincode_action *a)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    a->has_response = true;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_VARINT))
            a->status = (int32_t)(uint32_t)f.varint;
        else if (wire_is(&f, 2, WIRE_LEN))
            a->message = f.bytes;
        else if (wire_is(&f, 3, WIRE_LEN))
            a->payload = f.bytes;
    }
}

enum weft_code chaincode_action_parse(struct bytes b, struct chaincode_action *ret,
                                      struct weft_err *e)
{
    WEFT_TRY(proto_check(&protos__chaincode_action__descriptor, b, 0, e));
    struct chaincode_action a = { 0 };
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN)) {
            a.results = f.bytes;
        } else if (wire_is(&f, 2, WIRE_LEN)) {
            a.events = f.bytes;
        } else if (wire_is(&f, 3, WIRE_LEN)) {
            take_response(f.bytes, &a);
        } else if (wire_is(&f, 4, WIRE_LEN)) {
            a.has_chaincode_id = true;
            take_chaincode_id(f.bytes, &a.chaincode_id);
        }
    }
    *ret = a;
    return WEFT_OK;
}

enum weft_code chaincode_header_extension_parse(struct bytes b,
                                                struct chaincode_header_extension *ret,
                                                struct weft_err *e)
{
    WEFT_TRY(proto_check(&protos__chaincode_header_extension__descriptor, b, 0, e));
    struct chaincode_header_extension x = { 0 };
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 2, WIRE_LEN)) {
            x.has_chaincode_id = true;
            take_chaincode_id(f.bytes, &x.chaincode_id);
        }
    }
    *ret = x;
    return WEFT_OK;
}

enum weft_code chaincode_event_parse(struct bytes b, struct chaincode_event *ret,
                                     struct weft_err *e)
{
    WEFT_TRY(proto_check(&protos__chaincode_event__descriptor, b, 0, e));
    struct chaincode_event v = { 0 };
    take_bytes_fields(b, 4,
                      (struct bytes *[]){ &v.chaincode_id, &v.tx_id, &v.event_name, &v.payload });
    *ret = v;
    return WEFT_OK;
}

enum weft_code transaction_chaincode_action(struct bytes data, struct chaincode_action *ret,
                                            struct weft_err *e)
{
    struct transaction_view tx;
    struct chaincode_action_payload payload;
    struct proposal_response_payload response;
    struct bytes first;
    WEFT_TRY(transaction_parse(data, &tx, e));
    if (!repeated_next(&tx.actions, &first))
        return WEFT_FAIL(e, WEFT_INVALID, "at least one TransactionAction required");
    WEFT_TRY(chaincode_action_payload_parse(transaction_action_of(first).payload, &payload, e));
    if (!payload.has_action || payload.proposal_response_payload.data == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "no payload in ChaincodeActionPayload");
    WEFT_TRY(proposal_response_payload_parse(payload.proposal_response_payload, &response, e));
    if (response.extension.data == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "response payload is missing extension");
    return chaincode_action_parse(response.extension, ret, e);
}
