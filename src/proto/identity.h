/* identity.h - who signed: an MSP's name and what that MSP knows them by.
 *
 *     SerializedIdentity { mspid "Org1MSP", id_bytes "-----BEGIN CERTIFICATE..." }
 *
 * These bytes are a SignatureHeader's creator, an Endorsement's endorser and
 * what peers show each other.
 *
 * Go origin   vendor/github.com/hyperledger/fabric-protos-go/msp/identities.pb.go SerializedIdentity
 * Owner       whoever holds the view
 * Memory      borrows
 * Limits      LIMIT_PROTO_BYTES
 */
#ifndef WEFT_PROTO_IDENTITY_H
#define WEFT_PROTO_IDENTITY_H

#include "base/bytes.h"

struct serialized_identity {
    struct bytes mspid, id_bytes;
};

enum weft_code serialized_identity_parse(struct bytes b, struct serialized_identity *ret,
                                         struct weft_err *e) WEFT_MUST_CHECK;
void serialized_identity_encode(const struct serialized_identity *id, struct buf *out);

#endif
