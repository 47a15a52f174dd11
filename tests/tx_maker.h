/* tx_maker.h - endorsed transactions made to order, good ones and bad ones.
 *
 *     struct tx_person *client = tx_person_new("Org1MSP", org1->ca, "client0", "client");
 *     struct tx_order o = { .channel = "ch", .chaincode = "asset", .creator = client,
 *                           .signed_by = { { peer1 }, { peer2, SIGNED_OTHER } }, .signers = 2,
 *                           .results = ..., .flaw = FLAW_NONE };
 *     tx_make(&o, &rand, &envelope)
 *
 * What an order does not name is as it should be.  A flaw is put in before the layers
 * around it are hashed and signed: the first check that finds it is the one that is meant.
 *
 * Go origin   none
 * Owner       the test
 */
#ifndef WEFT_TESTS_TX_MAKER_H
#define WEFT_TESTS_TX_MAKER_H

#include "base/rand.h"
#include "cert_maker.h"

/* Somebody with a certificate: a SerializedIdentity, and the key to it. */
struct tx_person {
    struct buf id;
    struct made_cert *cert;
    bool is_alias; /* the certificate is another's */
};
struct tx_person *tx_person_new(const char *mspid, const struct made_cert *ca, const char *name,
                                const char *unit);
/* The same one in other bytes: text around the certificate, which nobody minds. */
struct tx_person *tx_person_alias(const char *mspid, const struct tx_person *p);
void tx_person_free(struct tx_person *p);
WEFT_DEFINE_CLEANUP(struct tx_person *, tx_person_free)

/* How somebody signs. */
enum tx_signed {
    SIGNED_WELL,
    SIGNED_OTHER,    /* something else */
    SIGNED_HIGH_S,   /* s in the upper half */
    SIGNED_GARBAGE,  /* no signature at all */
    SIGNED_EMPTY,    /* of no bytes */
    SIGNED_TRAILING, /* a byte too many, which nobody minds */
};
struct tx_signature {
    const struct tx_person *who;
    enum tx_signed how;
};

enum tx_flaw {
    FLAW_NONE,
    /* of the headers */
    FLAW_ENVELOPE,
    FLAW_ENVELOPE_EMPTY,
    FLAW_PAYLOAD,
    FLAW_NO_HEADER,
    FLAW_CHANNEL_HEADER,
    FLAW_SIGNATURE_HEADER,
    FLAW_TYPE_MESSAGE,
    FLAW_EPOCH,
    FLAW_NO_NONCE,
    FLAW_NO_CREATOR,
    FLAW_OTHER_CHANNEL,
    FLAW_NO_SIGNATURE,
    FLAW_TYPE_UPDATE,
    FLAW_TX_ID,
    FLAW_TX_ID_UPPER,
    FLAW_NO_TX_ID,
    /* of the transaction */
    FLAW_NO_DATA,
    FLAW_DATA,
    FLAW_NO_ACTIONS,
    FLAW_TWO_ACTIONS,
    FLAW_ACTION_HEADER,
    FLAW_NO_ACTION_HEADER,
    FLAW_ACTION_PAYLOAD,
    FLAW_NO_ACTION,
    FLAW_RESPONSE,
    FLAW_PROPOSAL_HASH,
    FLAW_NO_PROPOSAL_PAYLOAD,
    /* of the chaincode's call */
    FLAW_EXTENSION,
    FLAW_NO_EXTENSION,
    FLAW_NO_CHAINCODE_ACTION,
    FLAW_CHAINCODE_ACTION,
    FLAW_NO_ACTION_ID,
    FLAW_NAMES_DIFFER,
    FLAW_NO_NAME,
    FLAW_NO_VERSION,
    FLAW_EVENT,
    FLAW_EVENT_OTHER,
    /* harmless */
    FLAW_STATUS_500,
    FLAW_EVENT_FINE,
    FLAW_UNKNOWN_FIELDS,
    /* a byte of it is another */
    FLAW_BYTE_OF_CHANNEL_HEADER,
    FLAW_BYTE_OF_EXTENSION,
    FLAW_BYTE_OF_RESULTS,
    FLAW_BYTE_OF_CHAINCODE_ACTION,
    FLAW_BYTE_OF_RESPONSE,
    FLAW_BYTE_OF_ACTION_PAYLOAD,
    FLAW_BYTE_OF_TRANSACTION,
    FLAW_BYTE_OF_PAYLOAD,
    FLAW_NR,
};

enum {
    TX_SIGNERS_MAX = 12
};

struct tx_order {
    const char *channel, *chaincode;
    const char *version;   /* NULL: "1.0" */
    struct bytes nonce;    /* empty: random */
    struct bytes proposal; /* ChaincodeProposalPayload; empty: some */
    struct bytes results;  /* TxReadWriteSet */
    const struct tx_person *creator;
    enum tx_signed how; /* the creator does */
    struct tx_signature signed_by[TX_SIGNERS_MAX];
    size_t signers;
    enum tx_flaw flaw;
};

/* Appends the Envelope. */
void tx_make(const struct tx_order *o, struct weft_rand *rand, struct buf *out);

#endif
