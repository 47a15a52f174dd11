/* scc.h - system chaincodes: what a peer answers itself.
 *
 *     cscc         channels: join one, which are there, their newest configuration
 *     qscc         blocks and transactions
 *     lscc         chaincodes as they were defined before 2.0
 *     _lifecycle   chaincodes as they are defined since
 *
 * Each is called as a chaincode would be: a function's name and arguments in, a status, a
 * message and a payload out.
 *
 *     args "GetChainInfo" "mychannel"    ->   200, payload BlockchainInfo
 *     args "GetChainInfo"                ->   500, "Incorrect number of arguments, 1"
 *
 * This peer runs no chaincode of users: none can be installed, and what asks for one is told
 * what a peer tells that has none.
 *
 * Go origin   core/scc/scc.go core/scc/inprocstream.go
 * Differs     called directly: there is no stream and no shim between, and no time-out
 * Owner       any thread that may wait
 * Memory      a reply owns its message and payload
 */
#ifndef WEFT_ENDORSER_SCC_H
#define WEFT_ENDORSER_SCC_H

#include "endorser/acl.h"
#include "endorser/proposal.h"

struct peer_channel_view;
struct peer_support;
struct tx_simulator;

enum {
    SCC_OK = 200,
    SCC_NOT_FOUND = 404,
    SCC_ERROR = 500,
    SCC_ERROR_THRESHOLD = 400, /* from here on nothing is endorsed */
};

struct scc_reply {
    int32_t status;
    struct buf message, payload;
};

/* Sets status and message. */
void scc_error(struct scc_reply *r, const char *fmt, ...) WEFT_PRINTF(2, 3);
static inline void scc_reply_done(struct scc_reply *r)
{
    buf_done(&r->message);
    buf_done(&r->payload);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct scc_reply, scc_reply_done)

struct scc_call {
    const struct peer_support *support;
    const struct acl *acl;
    const struct proposal *proposal;
    struct signed_data by;                   /* who signed the proposal */
    const struct peer_channel_view *channel; /* NULL: the proposal names none */
    struct tx_simulator *simulator;          /* NULL: the state cannot be read */
    const char *mspid;                       /* of the peer */
};

void lscc_invoke(const struct scc_call *c, struct scc_reply *ret);
void lifecycle_invoke(const struct scc_call *c, struct scc_reply *ret);
void cscc_invoke(const struct scc_call *c, struct scc_reply *ret);
void qscc_invoke(const struct scc_call *c, struct scc_reply *ret);

/* ---- which there are ------------------------------------------------------------ */

enum scc {
    SCC_LSCC, /* in the order in which they are started */
    SCC_CSCC,
    SCC_QSCC,
    SCC_LIFECYCLE,
    SCC_NR,
};

const char *scc_name(enum scc which);
/* SCC_NR: the name of none. */
enum scc scc_find(struct bytes name);
void scc_invoke(enum scc which, const struct scc_call *c, struct scc_reply *ret);

/* Says which ones are enabled: "deploying system chaincode 'lscc'". */
void scc_log_deployment(const bool enabled[SCC_NR]);

#endif
