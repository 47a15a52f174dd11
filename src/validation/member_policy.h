/* member_policy.h - signature policies that are made, not configured: "n of these MSPs' members".
 *
 *     member_policy_encode({ Org2MSP, Org1MSP }, 2, 1, out)
 *         { rule n_out_of 1 [ signed_by 0, signed_by 1 ], identities [ Org1MSP.member, Org2MSP.member ] }
 *
 * Go origin   common/policydsl/policydsl_builder.go SignedByNOutOfGivenRole
 * Owner       any thread
 * Memory      appends to a buffer of the caller
 */
#ifndef WEFT_VALIDATION_MEMBER_POLICY_H
#define WEFT_VALIDATION_MEMBER_POLICY_H

#include "base/bytes.h"

/* A SignaturePolicyEnvelope; sorts the names. */
void member_policy_encode(struct bytes *mspids, size_t count, size_t needed, struct buf *out);

/* Would Go read these bytes as a SignaturePolicyEnvelope? */
bool signature_policy_envelope_is_one(struct bytes b);

#endif
