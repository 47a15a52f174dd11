/* signed_set.h - signatures on their way to a policy.
 *
 * A policy wants to know who signed: whose signatures are good, each identity
 * once, in the order of the signatures.  Finding out has three steps, so that
 * the dear one can be somebody else's:
 *
 *     signed_set_add(set, cache, &signed_data, batch)   the identity is looked up, the
 *                                                       check is put into a batch
 *     signature_batch_check(batch), or _submit          anywhere
 *     signed_set_signers(set)                           what policy_tree_evaluate wants
 *
 * An identity that does not parse, or belongs to no MSP, and a signature that is
 * bad are passed over; one identity that signed twice counts once.
 *
 * Go origin   common/policies/policy.go SignatureSetToValidIdentities
 * Owner       one thread at a time
 * Memory      holds a reference of each identity; borrows nothing after add
 * Limits      LIMIT_POLICY_SIGNERS: what comes beyond is passed over
 */
#ifndef WEFT_BUNDLE_SIGNED_SET_H
#define WEFT_BUNDLE_SIGNED_SET_H

#include "msp/identity_cache.h"
#include "policy/signature_policy.h"

/* protoutil.SignedData: `signature` of `identity` (a SerializedIdentity) over `data`. */
struct signed_data {
    struct bytes data, identity, signature;
};

struct signed_set;

struct signed_set *signed_set_new(void);
void signed_set_free(struct signed_set *s);
WEFT_DEFINE_CLEANUP(struct signed_set *, signed_set_free)

/* Looks the identity up in the cache, which belongs to the channel's MSPs. */
void signed_set_add(struct signed_set *s, struct identity_cache *cache, const struct signed_data *d,
                    struct signature_batch *batch);

/* Once the batch is checked; the result points into the set. */
struct policy_signers signed_set_signers(struct signed_set *s);

/* After that: the signer i; why the first one that was passed over was, or NULL. */
const struct msp_identity *signed_set_signer(const struct signed_set *s, size_t i);
const char *signed_set_why(const struct signed_set *s);

#endif
