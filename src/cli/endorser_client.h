/* endorser_client.h - asks a peer's system chaincodes.
 *
 * A proposal names a chaincode and its arguments; the peer runs it and answers
 * with a status, words and bytes:
 *
 *     const struct bytes args[] = { bytes_of_str("GetChannels") };
 *     struct proposal_plan p = { HEADER_ENDORSER_TRANSACTION, "cscc", args, 1 };
 *     endorser_client_ask(c, me, &p, &answer, e)        answer.status 200
 *
 * Go origin   internal/peer/common/peerclient.go protoutil/proputils.go
 * Owner       the thread that opened it
 * Memory      an answer is ended with proposal_answer_done
 * Limits      one question at a time
 */
#ifndef WEFT_CLI_ENDORSER_CLIENT_H
#define WEFT_CLI_ENDORSER_CLIENT_H

#include "cli/node_client.h"
#include "proto/envelope.h"

struct core_config;
struct signing_identity;
struct endorser_client;

/* To the peer at peer.address. */
enum weft_code endorser_client_open(const struct core_config *config, struct endorser_client **ret,
                                    struct weft_err *e) WEFT_MUST_CHECK;
void endorser_client_close(struct endorser_client *c);
WEFT_DEFINE_CLEANUP(struct endorser_client *, endorser_client_close)

/* Of no channel: the header's is empty. */
struct proposal_plan {
    enum header_type type;
    const char *chaincode;
    const struct bytes *args;
    size_t arg_count;
};

/* A ProposalResponse's Response. */
struct proposal_answer {
    int32_t status;
    struct bytes message, payload;
    struct net_msg *m; /* where they lie */
};

void proposal_answer_done(struct proposal_answer *a);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct proposal_answer, proposal_answer_done)

/* A SignedProposal with a new nonce. */
enum weft_code signed_proposal(const struct signing_identity *id, const struct proposal_plan *p,
                               int64_t now_ns, struct buf *out, struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code proposal_answer_parse(struct bytes b, struct proposal_answer *ret,
                                     struct weft_err *e) WEFT_MUST_CHECK;

/* Whatever its status: that is for the caller to judge. */
enum weft_code endorser_client_ask(struct endorser_client *c, const struct signing_identity *id,
                                   const struct proposal_plan *p, struct proposal_answer *ret,
                                   struct weft_err *e) WEFT_MUST_CHECK;

#endif
