/* lifecycle_call.h - one call of _lifecycle, and what can be called.
 *
 * Each function takes a message and appends one: QueryChaincodeDefinition takes
 * { name "mycc" } and gives { sequence 2, version "2.0", ..., approvals { Org1MSP true } }.
 * An organisation approves in its own collection, the peer's; whether the others did is found
 * out by hashes.  Approving and committing are transactions: what they write, the simulator
 * keeps.
 *
 * Go origin   core/chaincode/lifecycle/scc.go core/chaincode/lifecycle/lifecycle.go
 * Differs     approvals and definitions come in the order of their names; Go's is random
 * Owner       the simulator's thread
 * Memory      borrows from the simulator and the proposal
 */
#ifndef WEFT_ENDORSER_LIFECYCLE_CALL_H
#define WEFT_ENDORSER_LIFECYCLE_CALL_H

#include "endorser/chaincode_definition.h"

struct lifecycle_call {
    const struct bundle *bundle; /* NULL: the call names no channel */
    struct bytes channel;
    const char *mspid; /* of the peer */
    struct lifecycle_store public;
    bool *ret_undefined; /* set when what was asked for is not defined: that is another status */
};

typedef enum weft_code lifecycle_fn(const struct lifecycle_call *c, struct bytes arg,
                                    struct buf *out, struct weft_err *e);

/* What a peer answers that has no chaincode of users. */
lifecycle_fn lifecycle_install, lifecycle_query_installed, lifecycle_get_package,
    lifecycle_query_all_installed;
/* Definitions. */
lifecycle_fn lifecycle_query_definition, lifecycle_query_definitions, lifecycle_query_approved,
    lifecycle_check_readiness;
lifecycle_fn lifecycle_approve, lifecycle_commit;

/* ---- for these functions ----------------------------------------------------------- */

/* The argument of approving, committing and checking; `ret_package_id` may be NULL. */
void lifecycle_read_args(struct bytes arg, struct bytes *ret_name, struct chaincode_definition *ret,
                         struct bytes *ret_package_id);

/* What an organisation keeps for itself, and "mycc#2": the caller ends the buffer. */
void lifecycle_put_collection(const char *mspid, struct buf *out);
void lifecycle_put_private_name(struct bytes name, int64_t sequence, struct buf *out);

enum weft_code lifecycle_current_sequence(const struct lifecycle_call *c, struct bytes name,
                                          int64_t *ret, struct weft_err *e) WEFT_MUST_CHECK;

/* Who approves of it: a map { 1 mspid, 2 true } in this field; *ret_mine: the peer's own. */
enum weft_code lifecycle_put_approvals(const struct lifecycle_call *c, struct bytes name,
                                       const struct chaincode_definition *d, uint32_t field,
                                       struct buf *out, bool *ret_mine,
                                       struct weft_err *e) WEFT_MUST_CHECK;

/* The checks and defaults before a definition may be committed. */
enum weft_code lifecycle_prepare_commit(const struct lifecycle_call *c, struct bytes name,
                                        struct chaincode_definition *d,
                                        struct weft_err *e) WEFT_MUST_CHECK;

#endif
