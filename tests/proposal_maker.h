/* proposal_maker.h - signed proposals for tests.
 *
 *     const struct bytes args[] = { bytes_of_str("GetChannels") };
 *     struct proposal_order o = { .chaincode = "cscc", .args = args, .arg_count = 1,
 *                                 .creator = .., .sign = .., .ctx = .. };
 *     proposal_make(&o, &out);           a SignedProposal
 *
 * Go origin   none
 * Owner       the test
 */
#ifndef WEFT_TESTS_PROPOSAL_MAKER_H
#define WEFT_TESTS_PROPOSAL_MAKER_H

#include "base/bytes.h"

struct proposal_order {
    const char *channel; /* "": none */
    const char *chaincode;
    const struct bytes *args;
    size_t arg_count;
    uint64_t nonce; /* another number is another transaction */
    struct bytes creator;
    void (*sign)(void *ctx, struct bytes message, struct buf *out);
    void *ctx;
};

void proposal_make(const struct proposal_order *o, struct buf *out);

#endif
