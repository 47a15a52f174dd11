/* lifecycle_state.h - what the state says about chaincodes: which policy, which collections.
 *
 *     _lifecycle   namespaces/metadata/mycc                { "ChaincodeDefinition", fields }
 *                  namespaces/fields/mycc/ValidationInfo   { plugin "vscc", parameter }
 *                  namespaces/fields/mycc/Collections      the explicit collections
 *     lscc         mycc, mycc~collection                   the same, of chaincodes before 2.0
 *
 * A chaincode is looked up once a block.  Three kinds of answers: what was asked for;
 * "no", which is the transaction's fault; and an error, which is ours, or a state
 * that no transaction should have been able to write: nothing can be decided then.
 *
 *     lifecycle_validation_info(l, bytes_of_str("mycc"), &info, e)
 *     info.is_found, info.plugin "vscc", info.policy
 *
 * Go origin   core/chaincode/lifecycle/deployedcc_infoprovider.go
 *             core/chaincode/lifecycle/serializer.go Deserialize
 *             core/scc/lscc/deployedcc_infoprovider.go
 *             core/committer/txvalidator/v20/valinforetriever/shim.go
 *             core/ledger/kvledger/txmgmt/txmgr/collection_val.go
 * Differs     a collection of a chaincode that lscc does not know is not defined (the
 *             original dereferences nil)
 * Owner       one thread (commit:<id>)
 * Memory      of one block: until it is freed
 * Limits      those of proto_check.h
 */
#ifndef WEFT_VALIDATION_LIFECYCLE_STATE_H
#define WEFT_VALIDATION_LIFECYCLE_STATE_H

#include "validation/policy_judge.h"
#include "validation/validation_state.h"

struct bundle;
struct lifecycle_state;

/* Borrows both. */
struct lifecycle_state *lifecycle_state_new(const struct bundle *b,
                                            const struct validation_state *state);
void lifecycle_state_free(struct lifecycle_state *l);
WEFT_DEFINE_CLEANUP(struct lifecycle_state *, lifecycle_state_free)

struct validation_info {
    bool is_found; /* else INVALID_CHAINCODE */
    struct bytes plugin;
    struct policy_text policy;
};
/* By the rules of V2_0: the new lifecycle, else lscc. */
enum weft_code lifecycle_validation_info(struct lifecycle_state *l, struct bytes name,
                                         struct validation_info *ret,
                                         struct weft_err *e) WEFT_MUST_CHECK;

/* Is the collection one of the chaincode's, explicit or implicit? */
enum weft_code lifecycle_has_collection(struct lifecycle_state *l, struct bytes name,
                                        struct bytes collection, bool *ret,
                                        struct weft_err *e) WEFT_MUST_CHECK;

enum collection_policy {
    COLLECTION_POLICY_OWN,     /* *ret_policy */
    COLLECTION_POLICY_NONE,    /* the chaincode's counts */
    COLLECTION_POLICY_REFUSED, /* no such collection, or organisation */
};
enum weft_code lifecycle_collection_policy(struct lifecycle_state *l, struct bytes name,
                                           struct bytes collection, enum collection_policy *ret,
                                           struct policy_text *ret_policy,
                                           struct weft_err *e) WEFT_MUST_CHECK;

/* A collection's members, and how long its data lives.  An implicit one is there for any
 * organisation; the bundle is not asked and may be NULL. */
struct lifecycle_collection {
    bool is_there;
    struct bytes implicit_org; /* no data: it is explicit */
    struct bytes members;      /* CollectionPolicyConfig, of an explicit one */
    uint64_t block_to_live;    /* 0: for ever */
};
enum weft_code lifecycle_collection(struct lifecycle_state *l, struct bytes name,
                                    struct bytes collection, struct lifecycle_collection *ret,
                                    struct weft_err *e) WEFT_MUST_CHECK;

/* A chaincode's explicit collections, a CollectionConfigPackage as the state has it; empty: none,
 * or no such chaincode.  The bundle is not asked here either. */
enum weft_code lifecycle_package(struct lifecycle_state *l, struct bytes name, struct bytes *ret,
                                 struct weft_err *e) WEFT_MUST_CHECK;

/* ChaincodeData, as lscc keeps it. */
struct lscc_chaincode {
    bool is_there, is_broken;
    struct bytes name, version, vscc, policy;
    struct bytes instantiation_policy; /* no data: none */
};
void lscc_chaincode_parse(struct bytes b, struct lscc_chaincode *ret);
enum weft_code lifecycle_lscc(struct lifecycle_state *l, struct bytes name,
                              const struct lscc_chaincode **ret,
                              struct weft_err *e) WEFT_MUST_CHECK;

/* One signature of any member of the channel's organisations. */
struct policy_text lifecycle_any_member(struct lifecycle_state *l);

#endif
