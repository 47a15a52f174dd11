/* endorsed_tx.h - makes an endorser transaction, as client and peers would together.
 *
 *     client  proposal { channel header, signature header, invocation }
 *     peer    response { hash of the proposal, chaincode action { results, ... } }
 *             endorsement { peer, signature over response and peer }      one a peer
 *     client  Envelope { Payload { headers, Transaction }, signature }
 *
 *     const struct endorsed_tx_plan plan = { .channel = "mychannel", .chaincode = "asset",
 *         .version = "1.0", .args = args, .arg_count = 2, .results = results,
 *         .client = user, .endorsers = peers, .endorser_count = 2, .now_ns = now };
 *     endorsed_tx_make(&plan, &envelope, tx_id, e)
 *
 * For transactions that are wrong on purpose the same goes step by step, and what a
 * step made may be changed before the next one:
 *
 *     endorsed_tx_begin(&t, &plan, e)         headers, proposal, response
 *     endorsed_tx_endorse(&t, peer, e)        one more endorsement
 *     endorsed_tx_finish(&t, client, &envelope, e)
 *
 * Go origin   protoutil/proputils.go CreateChaincodeProposalWithTxIDNonceAndTransient
 *             protoutil/txutils.go CreateSignedTx
 *             core/handlers/endorsement/builtin/default_endorsement.go Endorse
 * Differs     nothing is simulated here: the results are given (rwset_writer.h)
 * Owner       any thread
 * Memory      buffers until endorsed_tx_done; endorsed_tx_make keeps none
 * Limits      none: what goes in is ours
 */
#ifndef WEFT_TXMAKER_ENDORSED_TX_H
#define WEFT_TXMAKER_ENDORSED_TX_H

#include "msp/signing_identity.h"
#include "proto/envelope.h"

enum {
    ENDORSED_TX_NONCE = 24,
    CHAINCODE_TYPE_UNDEFINED = 0, /* ChaincodeSpec.Type */
    CHAINCODE_TYPE_GOLANG = 1,
    RESPONSE_OK = 200
};

struct endorsed_tx_plan {
    const char *channel;
    const char *chaincode, *version; /* of what was run */
    uint32_t chaincode_type;
    const struct bytes *args;
    size_t arg_count;
    struct bytes results; /* TxReadWriteSet */
    struct bytes events;  /* ChaincodeEvent, or nothing */
    int32_t status;       /* 0: RESPONSE_OK */
    struct bytes payload; /* of the response */
    int64_t now_ns;
    struct bytes nonce; /* none: random */
    const struct signing_identity *client;
    const struct signing_identity *const *endorsers;
    size_t endorser_count;
};

struct endorsed_tx {
    char tx_id[TX_ID_LEN + 1];
    struct buf channel_header, signature_header;
    struct buf proposal;     /* ChaincodeProposalPayload */
    struct buf response;     /* ProposalResponsePayload: what is endorsed */
    struct buf endorsements; /* field 2 of ChaincodeEndorsedAction, each with its tag */
};

void endorsed_tx_done(struct endorsed_tx *t);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct endorsed_tx, endorsed_tx_done)

/* Into an empty or used one; of the plan's identities only the client counts. */
enum weft_code endorsed_tx_begin(struct endorsed_tx *t, const struct endorsed_tx_plan *plan,
                                 struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code endorsed_tx_endorse(struct endorsed_tx *t, const struct signing_identity *peer,
                                   struct weft_err *e) WEFT_MUST_CHECK;
/* An endorsement with any bytes. */
void endorsed_tx_put_endorsement(struct endorsed_tx *t, struct bytes endorser,
                                 struct bytes signature);
/* Payload.data: the Transaction. */
void endorsed_tx_transaction(const struct endorsed_tx *t, struct buf *out);
/* Appends the Envelope. */
enum weft_code endorsed_tx_finish(const struct endorsed_tx *t,
                                  const struct signing_identity *client, struct buf *out,
                                  struct weft_err *e) WEFT_MUST_CHECK;
/* The Envelope around any Transaction. */
enum weft_code endorsed_tx_wrap(const struct endorsed_tx *t, struct bytes transaction,
                                const struct signing_identity *client, struct buf *out,
                                struct weft_err *e) WEFT_MUST_CHECK;

/* All of it; ret_tx_id may be NULL. */
enum weft_code endorsed_tx_make(const struct endorsed_tx_plan *plan, struct buf *out,
                                char ret_tx_id[TX_ID_LEN + 1], struct weft_err *e) WEFT_MUST_CHECK;

/* ---- parts, for who wants other ones ---------------------------------------------- */

/* ChaincodeAction: the extension of a response. */
void endorsed_tx_put_action(const struct endorsed_tx_plan *plan, struct buf *out);
/* ProposalResponsePayload around it, with the hash of this proposal. */
void endorsed_tx_put_response(const struct endorsed_tx *t, struct bytes action, struct buf *out);
/* ChaincodeEvent. */
void endorsed_tx_put_event(const char *chaincode, const char *tx_id, const char *name,
                           struct bytes payload, struct buf *out);

#endif
