/* lscc_rules.h - may this transaction deploy or upgrade a chaincode, the old way?
 *
 * Up to 1.4 chaincodes were instantiated by calling the system chaincode lscc, whose
 * transactions the validator looks into: what was asked for must be what is written.
 *
 *     input    deploy, channel, ChaincodeDeploymentSpec { name "mycc", version "1" }, ...
 *     writes   lscc: mycc = ChaincodeData { "mycc", "1", instantiation policy, ... }
 *              lscc: mycc~collection, if there are collections
 *
 * The creator must satisfy the instantiation policy; an upgrade the one before, too.
 *
 * Go origin   core/handlers/validation/builtin/v13/lscc_validation_logic.go
 *             core/handlers/validation/builtin/v12/validation_logic.go
 *             core/committer/txvalidator/v14/validator.go getTxCCInstance
 * Differs     a collection without a member policy is refused (the original dereferences nil)
 * Owner       one thread (commit:<id>)
 * Memory      scratch in the judgement's arena
 * Limits      those of proto_check.h, LIMIT_POLICY_DEPTH
 */
#ifndef WEFT_VALIDATION_LSCC_RULES_H
#define WEFT_VALIDATION_LSCC_RULES_H

#include "validation/endorsement.h"

/* A transaction that invokes lscc and whose creator is known.  An error as endorsement_check's. */
enum weft_code lscc_rules_check(struct judgement *j, const struct block_tx *tx, bool *ret_is_good,
                                struct weft_err *e) WEFT_MUST_CHECK;

/* The chaincode that a good one of them upgrades; without data when it does something else. */
struct bytes lscc_upgraded_chaincode(const struct block_tx *tx, struct arena *arena);

#endif
