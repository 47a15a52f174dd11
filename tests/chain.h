/* chain.h - a chain of well-formed blocks from a seed, for tests.
 *
 *     struct chain c;
 *     chain_init(&c, "ch", 42);
 *     struct block *b = chain_next(&c, 3, 300);     3 transactions of 300 bytes
 *
 * Numbers, hashes, headers and ids are right; nothing is signed.  Slot 2 has a
 * flag for each transaction, some of them not 0.
 *
 * Go origin   none
 * Owner       the test
 * Memory      keeps every block until chain_done
 */
#ifndef WEFT_TESTS_CHAIN_H
#define WEFT_TESTS_CHAIN_H

#include "base/rand.h"
#include "proto/block.h"

struct chain {
    const char *channel;
    struct weft_rand rand;
    struct digest last;
    struct block **blocks;
    size_t count;
};

void chain_init(struct chain *c, const char *channel, uint64_t seed);
void chain_done(struct chain *c);

/* Makes the next block; it stays the chain's. */
struct block *chain_next(struct chain *c, size_t txs, size_t tx_bytes);

/* The id of a transaction that the chain made. */
void chain_tx_id(const struct chain *c, uint64_t block, size_t tx, char out[65]);

/* Ends the program if the block is not the chain's n-th. */
void chain_expect(const struct chain *c, uint64_t n, const struct block_view *v);

#endif
