/* proposal.h - what a client asks an endorser, taken apart.
 *
 *     SignedProposal { proposal_bytes, signature }
 *       Proposal { header, payload }
 *         Header { channel_header, signature_header }
 *           channel_header.extension = ChaincodeHeaderExtension { chaincode_id { name "qscc" } }
 *         payload = ChaincodeProposalPayload { input, TransientMap }
 *           input = ChaincodeInvocationSpec { chaincode_spec { input { args "GetChainInfo" "ch" } } }
 *
 * Which chaincode is called the extension says; the name in the specification does not count.
 * What an endorser signs has the proposal's hash in it: of both headers and of the payload
 * without its transient data, which is for the endorsers' eyes only.
 *
 * Go origin   core/endorser/msgvalidation.go
 *             core/handlers/auth/filter/expiration.go
 * Differs     a message that comes in two parts is read as protobuf reads it, but its first
 *             part's signature header is not taken for the second's
 * Owner       whoever holds it
 * Memory      borrows the request; arguments lie in the arena
 * Limits      LIMIT_PROPOSAL_ARGS; those of proto_check.h
 */
#ifndef WEFT_ENDORSER_PROPOSAL_H
#define WEFT_ENDORSER_PROPOSAL_H

#include "base/arena.h"
#include "bundle/signed_set.h"
#include "proto/envelope.h"

struct proposal {
    struct bytes bytes, signature; /* of the SignedProposal; no data: not there */
    struct channel_header_view channel;
    struct signature_header_view signer;
    struct bytes chaincode;
    bool is_init;
    struct bytes *args;
    size_t arg_count;
    struct digest hash;
};

/* The message itself: a failure here is the transport's to tell. */
enum weft_code proposal_open(struct bytes request, struct proposal *ret,
                             struct weft_err *e) WEFT_MUST_CHECK;
/* Who signed, and is his certificate still good?  "proposal client identity expired" */
enum weft_code proposal_check_expiry(struct proposal *p, int64_t now_ns,
                                     struct weft_err *e) WEFT_MUST_CHECK;
/* All the rest of it. */
enum weft_code proposal_unpack(struct proposal *p, struct arena *arena,
                               struct weft_err *e) WEFT_MUST_CHECK;
/* Type, epoch, nonce, transaction id: what needs nobody else. */
enum weft_code proposal_check(const struct proposal *p, struct weft_err *e) WEFT_MUST_CHECK;

struct signed_data proposal_signed_data(const struct proposal *p);

#endif
