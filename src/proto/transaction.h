/* transaction.h - what an endorsed transaction says, layer by layer.
 *
 *   Payload.data = Transaction { actions [
 *     { header = signature header,
 *       payload = ChaincodeActionPayload {
 *         chaincode_proposal_payload,          what the client asked
 *         action { proposal_response_payload, endorsements [ { endorser, signature } ] } } } ] }
 *   proposal_response_payload = ProposalResponsePayload { proposal_hash, extension }
 *     extension = ChaincodeAction { results, events, response, chaincode_id }
 *       results = TxReadWriteSet (rwset.h)     events = ChaincodeEvent
 *
 * An endorsement signs proposal_response_payload and endorser, one after the
 * other, so those bytes are handed on as they came.
 *
 * Each layer is bytes inside the one around it; each _parse reads one layer.
 * A bytes field that is absent has no data (NULL); one that is there and empty
 * has: Go tells them apart in places.
 *
 * Go origin   protoutil/txutils.go protoutil/commonutils.go
 *             vendor/github.com/hyperledger/fabric-protos-go/peer/transaction.pb.go
 * Owner       whoever holds the view
 * Memory      borrows, allocates nothing
 * Limits      LIMIT_PROTO_BYTES, LIMIT_PROTO_DEPTH
 */
#ifndef WEFT_PROTO_TRANSACTION_H
#define WEFT_PROTO_TRANSACTION_H

#include "proto/repeated.h"

struct transaction_view {
    struct repeated actions; /* each a transaction_action */
};

struct transaction_action {
    struct bytes header, payload;
};

struct chaincode_action_payload {
    struct bytes chaincode_proposal_payload;
    bool has_action;
    struct bytes proposal_response_payload; /* of the action, as are the */
    struct repeated endorsements;           /* each an endorsement */
};

struct endorsement {
    struct bytes endorser, signature;
};

struct proposal_response_payload {
    struct bytes proposal_hash, extension;
};

struct chaincode_id {
    struct bytes path, name, version;
};

struct chaincode_action {
    struct bytes results, events;
    bool has_response;
    int32_t status;
    struct bytes message, payload; /* of the response, as is the status */
    bool has_chaincode_id;
    struct chaincode_id chaincode_id;
};

/* ChannelHeader.extension */
struct chaincode_header_extension {
    bool has_chaincode_id;
    struct chaincode_id chaincode_id;
};

struct chaincode_event {
    struct bytes chaincode_id, tx_id, event_name, payload;
};

enum weft_code transaction_parse(struct bytes b, struct transaction_view *ret,
                                 struct weft_err *e) WEFT_MUST_CHECK;
/* One element of transaction_view.actions. */
struct transaction_action transaction_action_of(struct bytes item);

enum weft_code chaincode_action_payload_parse(struct bytes b, struct chaincode_action_payload *ret,
                                              struct weft_err *e) WEFT_MUST_CHECK;
/* One element of chaincode_action_payload.endorsements. */
struct endorsement endorsement_of(struct bytes item);

enum weft_code proposal_response_payload_parse(struct bytes b,
                                               struct proposal_response_payload *ret,
                                               struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code chaincode_action_parse(struct bytes b, struct chaincode_action *ret,
                                      struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code chaincode_header_extension_parse(struct bytes b,
                                                struct chaincode_header_extension *ret,
                                                struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code chaincode_event_parse(struct bytes b, struct chaincode_event *ret,
                                     struct weft_err *e) WEFT_MUST_CHECK;

/* From Payload.data down to the chaincode action of the first action: what
 * the ledger and the event services look at. */
enum weft_code transaction_chaincode_action(struct bytes data, struct chaincode_action *ret,
                                            struct weft_err *e) WEFT_MUST_CHECK;

#endif
