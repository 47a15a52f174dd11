/* signature_policy.h - who must have signed: "2 of (Org1.member, Org2.member)".
 *
 * A tree whose leaves name principals and whose gates count:
 *
 *     n_out_of 2 [ signed_by 0, n_out_of 1 [ signed_by 1, signed_by 2 ] ]
 *     principals: 0 Org1.peer, 1 Org2.peer, 2 Org3.admin
 *
 * Evaluation is Fabric's, greedy and without going back: a leaf takes the first
 * signer that is not used yet and satisfies its principal; a gate tries all its
 * children in order, and keeps the signers that satisfied children took.  So one
 * signer serves one leaf, and the order of the signers can matter.
 *
 * Go origin   common/cauthdsl/cauthdsl.go common/cauthdsl/policy.go
 * Owner       any thread: does not change once parsed
 * Memory      lies in the arena, borrows the principals' bytes
 * Limits      LIMIT_POLICY_DEPTH, LIMIT_POLICY_RULES, LIMIT_POLICY_SIGNERS
 */
#ifndef WEFT_POLICY_SIGNATURE_POLICY_H
#define WEFT_POLICY_SIGNATURE_POLICY_H

#include "base/arena.h"

struct signature_policy;

/* A SignaturePolicyEnvelope.  WEFT_INVALID with Fabric's words. */
enum weft_code signature_policy_parse(struct bytes b, struct arena *arena,
                                      const struct signature_policy **ret,
                                      struct weft_err *e) WEFT_MUST_CHECK;
/* The same of whatever version: chaincodes' policies by the rules of V2_0 are read so. */
enum weft_code signature_policy_parse_any(struct bytes b, struct arena *arena,
                                          const struct signature_policy **ret,
                                          struct weft_err *e) WEFT_MUST_CHECK;

/* Those whose signatures are good, each once, in the order of the signatures. */
struct policy_signers {
    void *ctx;
    size_t count; /* at most LIMIT_POLICY_SIGNERS */
    /* Does signer i satisfy this MSPPrincipal? */
    bool (*satisfies)(void *ctx, size_t i, struct bytes principal);
};

bool signature_policy_satisfied(const struct signature_policy *p, const struct policy_signers *s);

#endif
