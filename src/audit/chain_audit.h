/* chain_audit.h - was each block signed by somebody who was allowed to?
 *
 * Whoever has a chain's first block, and believes it, can judge all the others.
 * The first block's configuration says who may sign; each configuration block is
 * signed under the one before it and brings the next:
 *
 *     block 0    configuration 0              believed
 *     block 1    signed by OrdererMSP         configuration 0's BlockValidation: ANY Writers
 *     block 2    configuration 1              signed under 0; its update was allowed by 0
 *     block 3    signed by OrdererMSP         configuration 1's BlockValidation
 *
 *     struct chain_audit *a = chain_audit_new(&deps);
 *     chain_audit_block(a, v, e)               block by block, from 0 on
 *     chain_audit_end(a, e)                    what still waits; the last period
 *
 * What is held together is what a peer asks of a block that comes from an
 * orderer (a policy over its signatures) and of a configuration (made by its
 * update of the one before it, and allowed to).  Numbers, hashes and the
 * metadata's form are ledger_verify.h's.  A signature beside those that meet the
 * policy must be good too: one that is not has been damaged.
 *
 * Go origin   internal/peer/gossip/mcs.go VerifyBlock
 *             core/peer/channel.go Apply
 * Differs     looks at a whole ledger, not at one block; Fabric has no such tool
 * Owner       one thread
 * Memory      one bundle and its identities; a table for a key that signs often;
 *             CHAIN_AUDIT_BATCH sets of signatures
 * Limits      those of bundle.h and signed_set.h
 */
#ifndef WEFT_AUDIT_CHAIN_AUDIT_H
#define WEFT_AUDIT_CHAIN_AUDIT_H

#include "base/bytes.h"

struct block_view;
struct chain_audit;

enum {
    CHAIN_AUDIT_BATCH = 128,    /* blocks whose signatures are checked together */
    CHAIN_AUDIT_SIGNERS_MAX = 8 /* organisations that a period names */
};

/* The blocks that were judged by one configuration. */
struct audit_period {
    uint64_t config_block, sequence;
    uint64_t first, last; /* blocks */
    uint64_t blocks;      /* 0: none yet; first and last mean nothing then */
    const char *policy;   /* its path */
    const char *rule;     /* "ANY Writers", "a signature policy" */
    struct {
        struct bytes mspid;
        uint64_t blocks; /* that it has signed */
    } signers[CHAIN_AUDIT_SIGNERS_MAX];
    size_t signer_count;
    uint64_t others; /* signatures of organisations beyond these */
};

struct chain_audit_deps {
    void *ctx;
    /* A period is over; good until the callback returns. */
    void (*period)(void *ctx, const struct audit_period *p);
    /* Something worth saying that is no fault; may be NULL. */
    void (*note)(void *ctx, const char *text);
};

struct chain_audit *chain_audit_new(const struct chain_audit_deps *deps);
void chain_audit_free(struct chain_audit *a);
WEFT_DEFINE_CLEANUP(struct chain_audit *, chain_audit_free)

/* The next block.  WEFT_CORRUPT: a block was signed by nobody who was allowed
 * to, or its configuration does not follow; the words name block, policy and
 * reason.  The block may be one of the CHAIN_AUDIT_BATCH before this one. */
enum weft_code chain_audit_block(struct chain_audit *a, const struct block_view *v,
                                 struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code chain_audit_end(struct chain_audit *a, struct weft_err *e) WEFT_MUST_CHECK;

#endif
