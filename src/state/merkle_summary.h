/* merkle_summary.h - many (key, version) pairs as a few hashes.
 *
 * A chaincode that reads a range of many keys would have to list them all in its
 * transaction.  Instead it gives a summary: with max_degree 2 and seven results
 *
 *     results   1 2 3   4 5 6   7         more than max_degree of them are a leaf
 *     level 1     A       B     C         one too many: they are one of the next level
 *     level 2          H(A B C)           { max_degree 2, max_level 2, [ H(A B C) ] }
 *
 * A leaf is the SHA-256 of QueryReads { 1 KVRead ... }, a node that of its hashes, one after
 * the other.  What is left over at the end makes a shorter leaf and shorter nodes.
 * With no more results than max_degree there is no summary: they are listed.
 *
 * Go origin   core/ledger/kvledger/txmgmt/rwsetutil/query_results_helper.go
 * Owner       whoever holds it
 * Memory      the hashes that are in no node yet: few
 * Limits      MERKLE_LEVELS_MAX levels: more results than there can be
 */
#ifndef WEFT_STATE_MERKLE_SUMMARY_H
#define WEFT_STATE_MERKLE_SUMMARY_H

#include "crypto/sha256.h"
#include "state/state_reader.h"

enum {
    MERKLE_LEVELS_MAX = 66,
    MERKLE_DEGREE_MIN = 2,
};

struct merkle_summary {
    uint32_t max_degree, max_level;
    struct buf levels[MERKLE_LEVELS_MAX + 1]; /* hashes of a level; 0 is not used */
    struct sha256 leaf;                       /* of the results that are in no leaf yet */
    uint64_t pending;                         /* their number */
    struct buf read;
};

/* max_degree is MERKLE_DEGREE_MIN at least. */
void merkle_summary_init(struct merkle_summary *m, uint32_t max_degree);
void merkle_summary_done(struct merkle_summary *m);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct merkle_summary, merkle_summary_done)

void merkle_summary_add(struct merkle_summary *m, struct bytes key, struct state_version version);
/* Nothing is added after it. */
void merkle_summary_end(struct merkle_summary *m);
/* Those of the highest level, one after the other; empty: no summary, or none yet. */
struct bytes merkle_summary_hashes(const struct merkle_summary *m);

#endif
