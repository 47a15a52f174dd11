/* lifecycle_tx.h - transactions that define a chaincode on a channel, as peers simulate
 * them.
 *
 * A definition goes through _lifecycle: every organisation approves it, in a
 * collection of its own, then somebody commits it.
 *
 *     approve by Org1   writes namespaces/.../asset#1 in _implicit_org_Org1MSP
 *     approve by Org2                          the same in _implicit_org_Org2MSP
 *     commit            reads (hashes of) all that, writes namespaces/.../asset
 *
 * What is read has to have the version that it has on the ledger, or the
 * transaction is found MVCC_READ_CONFLICT.  A struct lifecycle_chaincode knows the
 * versions of one chaincode's keys; it is told where each transaction came to lie:
 *
 *     struct lifecycle_chaincode cc;
 *     lifecycle_chaincode_init(&cc, "asset");
 *     lifecycle_tx_approve(&cc, &definition, "Org1MSP", &call, e)    call.args, call.results
 *     ...an endorsed_tx of it is in block 3 at place 0...
 *     lifecycle_chaincode_approved(&cc, "Org1MSP", 3, 0);
 *     lifecycle_tx_commit(&cc, &definition, orgs, 2, &call, e)
 *     lifecycle_chaincode_committed(&cc, &definition, 5, 0);         next: sequence 2
 *
 * An endorsement plugin that is not given is "escc", a validation plugin "vscc", and a
 * policy /Channel/Application/Endorsement.
 *
 * Go origin   core/chaincode/lifecycle/scc.go ApproveChaincodeDefinitionForMyOrg
 *             core/chaincode/lifecycle/lifecycle.go CommitChaincodeDefinition
 *             core/chaincode/lifecycle/serializer.go Serialize
 * Differs     an organisation approves a sequence once; nothing is checked that the
 *             peers of the channel do not check again
 * Owner       whoever holds it
 * Memory      a call until lifecycle_call_done, a chaincode until its _done; definitions
 *             borrow
 * Limits      LIFECYCLE_ORGS organisations
 */
#ifndef WEFT_TXMAKER_LIFECYCLE_TX_H
#define WEFT_TXMAKER_LIFECYCLE_TX_H

#include "base/arena.h"
#include "proto/rwset.h"

enum {
    LIFECYCLE_ORGS = 256,
    LIFECYCLE_FIELDS = 4,
    LIFECYCLE_ARGS = 2
};

/* The name and version of the chaincode that is called. */
#define LIFECYCLE_CHAINCODE "_lifecycle"
#define LIFECYCLE_VERSION   "syscc"

struct lifecycle_definition {
    const char *name, *version;
    uint64_t sequence;
    bool init_required;
    const char *endorsement_plugin, *validation_plugin; /* NULL: the default */
    struct bytes policy;                                /* ApplicationPolicy; none: the default */
    struct bytes collections;                           /* CollectionConfigPackage, or nothing */
    const char *package_id;                             /* NULL: no package is there */
};

/* SignaturePolicyEnvelope, or a policy's path, as an ApplicationPolicy. */
void lifecycle_put_signature_policy(struct bytes envelope, struct buf *out);
void lifecycle_put_policy_reference(const char *path, struct buf *out);

struct lifecycle_chaincode {
    struct arena arena;
    const char *name;
    uint64_t sequence; /* committed; 0: none */
    struct bytes values[LIFECYCLE_FIELDS];
    struct kv_version versions[LIFECYCLE_FIELDS], metadata_version;
    struct lifecycle_approval {
        const char *org;
        struct kv_version version;
    } approvals[LIFECYCLE_ORGS]; /* of the next sequence */
    size_t approval_count;
};

void lifecycle_chaincode_init(struct lifecycle_chaincode *cc, const char *name);
void lifecycle_chaincode_done(struct lifecycle_chaincode *cc);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct lifecycle_chaincode, lifecycle_chaincode_done)

void lifecycle_chaincode_approved(struct lifecycle_chaincode *cc, const char *mspid, uint64_t block,
                                  uint64_t tx);
void lifecycle_chaincode_committed(struct lifecycle_chaincode *cc,
                                   const struct lifecycle_definition *d, uint64_t block,
                                   uint64_t tx);

/* For an endorsed_tx_plan with LIFECYCLE_CHAINCODE and LIFECYCLE_VERSION. */
struct lifecycle_call {
    struct buf room[LIFECYCLE_ARGS];
    struct bytes args[LIFECYCLE_ARGS]; /* the function, its argument */
    struct buf results, private_results;
};
void lifecycle_call_done(struct lifecycle_call *c);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct lifecycle_call, lifecycle_call_done)

/* Into an empty or used call. */
void lifecycle_tx_approve(const struct lifecycle_chaincode *cc,
                          const struct lifecycle_definition *d, const char *mspid,
                          struct lifecycle_call *ret);
/* `mspids`: all of the channel's application, with approval or without. */
void lifecycle_tx_commit(const struct lifecycle_chaincode *cc, const struct lifecycle_definition *d,
                         const char *const *mspids, size_t count, struct lifecycle_call *ret);

#endif
