/* metadata.h - what the orderer and the peer wrote beside a block.
 *
 *   slot 0  Metadata { value = OrdererBlockMetadata { last config, consenter's own },
 *                      signatures = [ { signature header, signature } ] }
 *   slot 1  Metadata { value = LastConfig }           as orderers before 1.4.1 had it
 *   slot 2  one byte a transaction: its validation code, written by the peer
 *   slot 3  Metadata { value = consenter's own }      as orderers before 1.4.1 had it
 *   slot 4  the commit hash, written by the peer
 *
 * A signature is over value, signature header and the block header's DER form,
 * one after the other.
 *
 * Go origin   protoutil/blockutils.go GetLastConfigIndexFromBlock GetConsenterMetadataFromBlock
 *             vendor/github.com/hyperledger/fabric-protos-go/common/common.pb.go Metadata
 * Differs     a value in slot 0 without a last config is an error; Go panics
 * Owner       whoever holds the view
 * Memory      borrows
 */
#ifndef WEFT_PROTO_METADATA_H
#define WEFT_PROTO_METADATA_H

#include "proto/block.h"
#include "proto/repeated.h"

struct metadata_view {
    struct bytes value;
    struct repeated signatures; /* each a metadata_signature */
};

struct metadata_signature {
    struct bytes signature_header, signature;
};

struct orderer_block_metadata {
    bool has_last_config;
    uint64_t last_config;
    struct bytes consenter_metadata; /* a Metadata again; its value is the consenter's own */
};

enum weft_code metadata_parse(struct bytes b, struct metadata_view *ret,
                              struct weft_err *e) WEFT_MUST_CHECK;
/* One element of metadata_view.signatures. */
struct metadata_signature metadata_signature_of(struct bytes item);
enum weft_code orderer_block_metadata_parse(struct bytes b, struct orderer_block_metadata *ret,
                                            struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code last_config_parse(struct bytes b, uint64_t *ret_number,
                                 struct weft_err *e) WEFT_MUST_CHECK;

/* A slot's Metadata; fails when the block has no such slot. */
enum weft_code block_metadata(const struct block_view *v, enum block_slot slot,
                              struct metadata_view *ret, struct weft_err *e) WEFT_MUST_CHECK;
/* The number of the last config block up to this one: from slot 0, or from
 * slot 1 when slot 0 has no value. */
enum weft_code block_last_config(const struct block_view *v, uint64_t *ret_number,
                                 struct weft_err *e) WEFT_MUST_CHECK;
/* What the consenter wrote, from slot 0 or else slot 3; empty for solo. */
enum weft_code block_consenter_metadata(const struct block_view *v, struct bytes *ret,
                                        struct weft_err *e) WEFT_MUST_CHECK;

/* What a peer found a transaction to be; the byte in slot 2. */
enum tx_validation_code {
    TX_VALID = 0,
    TX_NIL_ENVELOPE = 1,
    TX_BAD_PAYLOAD = 2,
    TX_BAD_COMMON_HEADER = 3,
    TX_BAD_CREATOR_SIGNATURE = 4,
    TX_INVALID_ENDORSER_TRANSACTION = 5,
    TX_INVALID_CONFIG_TRANSACTION = 6,
    TX_UNSUPPORTED_TX_PAYLOAD = 7,
    TX_BAD_PROPOSAL_TXID = 8,
    TX_DUPLICATE_TXID = 9,
    TX_ENDORSEMENT_POLICY_FAILURE = 10,
    TX_MVCC_READ_CONFLICT = 11,
    TX_PHANTOM_READ_CONFLICT = 12,
    TX_UNKNOWN_TX_TYPE = 13,
    TX_TARGET_CHAIN_NOT_FOUND = 14,
    TX_MARSHAL_TX_ERROR = 15,
    TX_NIL_TXACTION = 16,
    TX_EXPIRED_CHAINCODE = 17,
    TX_CHAINCODE_VERSION_CONFLICT = 18,
    TX_BAD_HEADER_EXTENSION = 19,
    TX_BAD_CHANNEL_HEADER = 20,
    TX_BAD_RESPONSE_PAYLOAD = 21,
    TX_BAD_RWSET = 22,
    TX_ILLEGAL_WRITESET = 23,
    TX_INVALID_WRITESET = 24,
    TX_INVALID_CHAINCODE = 25,
    TX_NOT_VALIDATED = 254,
    TX_INVALID_OTHER_REASON = 255,
};

/* "MVCC_READ_CONFLICT"; NULL for a number that has no name. */
const char *tx_validation_code_name(unsigned code);

/* The byte in slot 2 of transaction `i`; false when there is none, as in a
 * block that no peer has validated yet. */
bool block_tx_flag(const struct block_view *v, size_t i, uint8_t *ret_code);

#endif
