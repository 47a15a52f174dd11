/* policy_judge.h - do these signers satisfy that policy?  Asked often, answered once.
 *
 * A channel has few policies and few endorsers, who come in every transaction: a
 * policy is parsed once for its bytes, and its answer for one set of signers
 * is remembered.
 *
 *     policy_judge_asks(j, (struct policy_text){ POLICY_APPLICATION, parameter }, signers)
 *
 * A policy comes as an ApplicationPolicy, which is a signature policy or the path of one
 * in the channel's configuration, or as a SignaturePolicyEnvelope itself.  What does not parse, and a path where nothing is, is satisfied by nobody.
 *
 * The answers are the bundle's: another configuration wants another judge.
 *
 * Go origin   core/policy/application.go ApplicationPolicyEvaluator
 *             core/committer/txvalidator/v14/plugin_validator.go PolicyEvaluator
 * Owner       one thread (commit:<id>)
 * Memory      policies and answers in one arena; a reference of the bundle
 * Limits      LIMIT_JUDGE_BYTES, beyond which it forgets everything
 */
#ifndef WEFT_VALIDATION_POLICY_JUDGE_H
#define WEFT_VALIDATION_POLICY_JUDGE_H

#include "validation/tx_signers.h"

struct bundle;
struct policy_judge;

enum policy_form {
    POLICY_APPLICATION,
    POLICY_SIGNATURE,     /* of version 0 */
    POLICY_SIGNATURE_ANY, /* of whatever version, as one in an ApplicationPolicy is */
};

struct policy_text {
    enum policy_form form;
    struct bytes bytes;
};

/* Takes a reference of the bundle. */
struct policy_judge *policy_judge_new(struct bundle *b);
void policy_judge_free(struct policy_judge *j);
WEFT_DEFINE_CLEANUP(struct policy_judge *, policy_judge_free)

struct bundle *policy_judge_bundle(const struct policy_judge *j);
bool policy_judge_asks(struct policy_judge *j, struct policy_text policy,
                       const struct tx_signers *signers);

struct policy_judge_stats {
    uint64_t asked, evaluated, forgotten;
};
struct policy_judge_stats policy_judge_stats(const struct policy_judge *j);

#endif
