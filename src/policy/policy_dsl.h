/* policy_dsl.h - policies as people write them, made into bytes.
 *
 *     OR('Org1MSP.admin', 'Org1MSP.peer')          SignaturePolicyEnvelope { 1 out of 2 }
 *     OutOf(2, 'A.member', 'B.member', AND(...))
 *     MAJORITY Admins                              ImplicitMetaPolicy
 *
 * Gates are AND, OR and OutOf, each also in small letters or as a word (And); what
 * they count are MSP.ROLE in single or double quotes, or gates.  Principals are
 * numbered as Fabric does it: those of a nested gate before those of the gate
 * around it, one for each mention.
 *
 * Go origin   common/policydsl/policyparser.go FromString
 *             common/policies/implicitmetaparser.go
 * Differs     arithmetic and other expressions of its evaluator are refused
 * Owner       any thread
 * Memory      appends to the caller's buffer
 * Limits      LIMIT_POLICY_DEPTH, LIMIT_POLICY_RULES
 */
#ifndef WEFT_POLICY_POLICY_DSL_H
#define WEFT_POLICY_POLICY_DSL_H

#include "base/bytes.h"

enum weft_code policy_dsl_signature(const char *text, struct buf *ret,
                                    struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code policy_dsl_implicit_meta(const char *text, struct buf *ret,
                                        struct weft_err *e) WEFT_MUST_CHECK;

#endif
