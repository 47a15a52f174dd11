/* endorsement.h - was what a transaction writes to a namespace endorsed by whom it had to be?
 *
 * The built-in plugin "vscc".  Each key that is written may have a policy of its own, in
 * the state's metadata; if not, its collection's counts, and else the chaincode's:
 *
 *     write key a            metadata { VALIDATION_PARAMETER: Org1.peer }   that one
 *     write key b            none                                           the chaincode's
 *     hashed write in coll   none                                           the collection's
 *     nothing is written                                                    the chaincode's
 *
 * When a transaction before it in the same block has changed the policy of a key, nobody
 * knows yet which will count, and a write to that key is refused.  Only a
 * transaction that was found good for that namespace changes anything.
 *
 * A struct judgement is what deciding a block needs, from its first transaction to the
 * last.  Answers: "no" is the transaction's fault.  An error is none of its fault:
 * WEFT_UNAVAILABLE where the original ends the work on the channel, everything else where
 * it ends the process.
 *
 * Go origin   core/common/validation/statebased/validator_keylevel.go
 *             core/common/validation/statebased/v20.go core/common/validation/statebased/v13.go
 *             core/common/validation/statebased/vpmanagerimpl.go
 *             core/handlers/validation/builtin/default_validation.go
 * Differs     a transaction that was refused before its policies were asked, or that cannot be
 *             read down to its results, changes no key's policy (the original waits for ever
 *             for what it would have said, or goes down on one without actions)
 * Owner       one thread (commit:<id>)
 * Memory      of one block
 * Limits      none of its own
 */
#ifndef WEFT_VALIDATION_ENDORSEMENT_H
#define WEFT_VALIDATION_ENDORSEMENT_H

#include "base/byte_map.h"
#include "validation/block_tx.h"
#include "validation/lifecycle_state.h"

struct judgement {
    struct policy_judge *judge;
    struct lifecycle_state *lifecycle;
    const struct validation_state *state;
    struct tx_rules rules;
    const struct application_capabilities *capabilities;
    struct arena arena;
    struct byte_map changed; /* keys whose policies were changed in this block */
};

void judgement_done(struct judgement *j);

/* Asks the policies of one namespace; `policy` is the chaincode's. */
enum weft_code endorsement_check(struct judgement *j, const struct block_tx *tx, struct bytes ns,
                                 struct policy_text policy, bool *ret_is_good,
                                 struct weft_err *e) WEFT_MUST_CHECK;

/* The transaction was found good for this namespace: keys whose metadata it writes there
 * are changed from now on. */
void endorsement_note_changes(struct judgement *j, const struct tx_namespace *ns);

#endif
