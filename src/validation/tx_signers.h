/* tx_signers.h - who endorsed a transaction: whose signatures are good, each once.
 *
 * In the order of the endorsements, as a policy wants them.  Two transactions
 * with equal keys were endorsed by the same people, and every policy has the
 * same answer for both: policy_judge.h remembers it.
 *
 * Up to 1.2 an endorser's second endorsement was passed over without a look at the
 * first one's signature; `by_bytes` does it that way.
 *
 *     endorsements  A good, B bad, A good, B good
 *     signers       A, B                by_bytes: A
 *
 * Go origin   common/policies/policy.go SignatureSetToValidIdentities
 *             core/handlers/validation/builtin/v12/validation_logic.go deduplicateIdentity
 * Owner       one thread at a time
 * Memory      arrays and key in the arena; borrows the identities
 * Limits      LIMIT_POLICY_SIGNERS: more good ones are passed over
 */
#ifndef WEFT_VALIDATION_TX_SIGNERS_H
#define WEFT_VALIDATION_TX_SIGNERS_H

#include "base/arena.h"
#include "crypto/signature_batch.h"

struct msp_identity;

/* An endorsement on its way. */
struct tx_endorser {
    struct bytes serialized;        /* the identity as it came */
    struct msp_identity *id;        /* NULL: nobody that the channel knows */
    enum signature_verdict verdict; /* written when the batch was checked */
};

struct tx_signers {
    struct msp_identity **at;
    size_t count;
    struct bytes key;
    bool is_broken; /* by_bytes: an endorser that does not parse spoils all */
};

void tx_signers_of(const struct tx_endorser *all, size_t count, bool by_bytes, struct arena *arena,
                   struct tx_signers *ret);

#endif
