/* endorser.h - a client's proposal in, the peer's signed answer out.
 *
 *     SignedProposal                       ProposalResponse
 *     "qscc, GetBlockByNumber, 7"   -->    { response 200, payload, endorsement }
 *
 * In order: is it well formed, is the channel there, who signed it, did it come before, may
 * he, what does the chaincode say; then the peer signs what it found:
 *
 *     endorser = our identity, signature over payload and endorser
 *     payload  = { hash of the proposal, { read-write set, response, chaincode } }
 *
 * There are two ways to fail: a call that ends with an error, and an answer whose status is
 * 500.  Which failure takes which is Fabric's choice, and clients know it.
 *
 * Go origin   core/endorser/endorser.go core/endorser/support.go
 *             core/handlers/endorsement/builtin/default_endorsement.go
 *             core/chaincode/lifecycle/endorsement_info.go
 *             internal/peer/node/start.go reset
 * Differs     no chaincode of users runs here: a proposal for one is refused as by a peer that
 *             has not installed it.  chaincode.executetimeout ends nothing: system chaincodes
 *             are functions here, that read the ledger or join a channel, and end by themselves;
 *             the original gives up on the answer then, and not on the work
 * Owner       any thread that may wait: nothing in it changes
 * Memory      borrows what it was made with
 */
#ifndef WEFT_ENDORSER_ENDORSER_H
#define WEFT_ENDORSER_ENDORSER_H

#include "endorser/private_set.h"
#include "endorser/scc.h"
#include "net/grpc_meta.h"

struct signing_identity;

struct endorser_config {
    const struct peer_support *support;
    struct msp *local_msp;
    const struct signing_identity *me;
    const char *mspid;
    bool enabled[SCC_NR]; /* chaincode.system */
    bool any_age;         /* expired certificates, too: no ExpirationCheck in peer.handlers */
    struct dissemination implicit; /* of our organisation's implicit collection */
    /* Keeps what a transaction wrote privately until its block comes, and hands it on to other
     * members.  NULL: what writes privately is refused. */
    enum weft_code (*keep_private)(void *ctx, const struct peer_channel_view *channel,
                                   const struct private_set *set, struct weft_err *e);
    void *keep_ctx;
};

struct endorser {
    struct endorser_config config;
    struct acl acl;
};

void endorser_init(struct endorser *en, const struct endorser_config *config);

/* What became of a proposal, for whoever counts. */
struct endorser_facts {
    char *channel, *chaincode; /* NULL: it did not get that far */
    bool validation_failed, is_duplicate, acl_failed, simulation_failed;
    bool endorsement_failed, by_chaincode; /* no endorsement, because of what the chaincode said */
    bool took_part;                        /* it reached a chaincode: its duration counts */
    bool success;
};

struct endorser_answer {
    enum grpc_code code; /* GRPC_OK: `reply` is a ProposalResponse */
    struct buf refusal;  /* else why */
    struct buf reply;
    struct endorser_facts facts;
};
void endorser_answer_done(struct endorser_answer *a);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct endorser_answer, endorser_answer_done)

/* `request`: a SignedProposal's bytes. */
void endorser_process(const struct endorser *en, struct bytes request, int64_t now_ns,
                      struct endorser_answer *ret);

#endif
