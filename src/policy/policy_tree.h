/* policy_tree.h - all policies of a channel, found by their path.
 *
 *     /Channel/Readers               ANY Readers of the groups below
 *     /Channel/Application/Readers   ANY Readers of the organisations
 *     /Channel/Application/Org1MSP/Readers   1 of (Org1MSP.member)
 *
 * An implicit meta policy asks the policy of one name in each direct sub-group
 * and counts: ANY one, MAJORITY more than half, ALL.  A sub-group without it
 * counts as a no; without any sub-group the answer is yes.
 *
 *     policy_tree_evaluate(t, "/Channel/Readers", &signers, &e)
 *
 * Go origin   common/policies/policy.go common/policies/implicitmeta.go
 * Owner       any thread: does not change once built
 * Memory      one arena; borrows the configuration that it was built from
 * Limits      those of signature_policy.h and config_group.h
 */
#ifndef WEFT_POLICY_POLICY_TREE_H
#define WEFT_POLICY_POLICY_TREE_H

#include "policy/signature_policy.h"

struct config_item;
struct policy_tree;

/* `root` is the group Channel; the tree lives in the arena.  WEFT_INVALID, with
 * Fabric's words, when one policy does not compile. */
enum weft_code policy_tree_build(const struct config_item *root, struct arena *arena,
                                 const struct policy_tree **ret,
                                 struct weft_err *e) WEFT_MUST_CHECK;

/* Is there a policy at this path? */
bool policy_tree_has(const struct policy_tree *t, const char *path);

/* WEFT_FORBIDDEN when the signers do not satisfy it; WEFT_NOT_FOUND, "no such
 * policy", which is a no as well. */
enum weft_code policy_tree_evaluate(const struct policy_tree *t, const char *path,
                                    const struct policy_signers *s,
                                    struct weft_err *e) WEFT_MUST_CHECK;

#endif
