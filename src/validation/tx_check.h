/* tx_check.h - what can be said of a transaction by looking at its bytes alone.
 *
 * A transaction is judged in Fabric's order, and the first "no" is its code.
 * Some questions want the channel's MSPs and some the state; those between
 * them do not, and are all answered here, ahead of the transaction's turn and
 * on any thread:
 *
 *     structure, headers            code                  BAD_PAYLOAD, BAD_COMMON_HEADER, ...
 *       creator, his signature      (the channel's MSPs)
 *     id, proposal hash             code_after_creator    BAD_PROPOSAL_TXID, ...
 *       id known already?           (the ledger)
 *     chaincode, read-write set     code_in_turn          BAD_RWSET, ILLEGAL_WRITESET, ...
 *       endorsement policies        (MSPs and state)
 *
 * What a later question needs is left as views into the envelope:
 *
 *     tx_check(envelope, &rules, &arena, &c)
 *     c.code == TX_VALID: ask for c.creator and c.signature over c.payload
 *     c.endorsements[i].endorser signed c.response_payload followed by c.endorsements[i].endorser
 *     c.namespaces[i].is_judged: its policy must be satisfied
 *
 * Go origin   core/common/validation/msgvalidation.go
 *             core/committer/txvalidator/v20/plugindispatcher/dispatcher.go
 *             core/committer/txvalidator/v14/vscc_validator.go
 * Differs     a ChaincodeActionPayload without action is INVALID_ENDORSER_TRANSACTION (the
 *             original dereferences nil)
 * Owner       any thread
 * Memory      arrays in the arena; borrows the envelope
 * Limits      those of proto_check.h
 */
#ifndef WEFT_VALIDATION_TX_CHECK_H
#define WEFT_VALIDATION_TX_CHECK_H

#include "base/arena.h"
#include "proto/envelope.h"
#include "proto/metadata.h"
#include "proto/rwset.h"
#include "proto/transaction.h"

struct application_capabilities;

/* What of a channel's capabilities decides here. */
struct tx_rules {
    bool v20;          /* the rules of V2_0; else those of 1.4 */
    bool v1_2;         /* events are looked at, the invoked chaincode is always judged */
    bool private_data; /* writes of collections count */
    bool key_level;    /* writes of metadata count */
    bool v1_3;         /* keys have policies; an endorser's second try counts */
};
struct tx_rules tx_rules_of(const struct application_capabilities *c);

struct tx_collection {
    struct bytes name;
    struct bytes pvt_rwset_hash; /* SHA-256 of the private KVRWSet */
    struct kv_rwset_view hashed;
};

struct tx_namespace {
    struct bytes name;
    struct kv_rwset_view kv;
    const struct tx_collection *collections;
    size_t collection_count;
    bool is_judged; /* writes something that counts */
    bool writes_metadata;
};

struct tx_check {
    enum tx_validation_code code, code_after_creator, code_in_turn;
    enum header_type type;
    struct bytes channel_id, tx_id;
    struct bytes creator, payload, signature;
    struct bytes data; /* of the payload; a ConfigEnvelope */
    /* Of an endorser transaction, as far as the codes let it be read. */
    struct bytes proposal_payload; /* ChaincodeProposalPayload */
    struct bytes response_payload; /* ProposalResponsePayload: what is endorsed */
    const struct endorsement *endorsements;
    size_t endorsement_count;
    struct bytes chaincode, version; /* that was invoked, as the action says */
    const struct tx_namespace *namespaces;
    size_t namespace_count;
};

void tx_check(struct bytes envelope, const struct tx_rules *rules, struct arena *arena,
              struct tx_check *ret);

/* Of a transaction that was judged once and is not judged again: its type, id and chaincode,
 * what it reads and writes, the config.  The code, with all else empty, is NIL_TXACTION
 * or INVALID_OTHER_REASON when it can't be read so far. */
void tx_check_again(struct bytes envelope, struct arena *arena, struct tx_check *ret);

/* Only the id and the read-write set of an endorser transaction, whatever else is wrong with
 * it.  False: there is none that can be read. */
bool tx_check_rwset(struct bytes envelope, struct arena *arena, struct tx_check *ret);

/* NULL: the transaction's read-write set does not have it. */
const struct tx_namespace *tx_check_namespace(const struct tx_check *c, struct bytes name);

#endif
