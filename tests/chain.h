/* chain.h - a chain of well-formed blocks from a seed, for tests.
 *
 *     struct chain c;
 *     chain_init(&c, "ch", 42);
 *     struct block *b = chain_next(&c, 3, 300);     3 transactions of 300 bytes
 *
 * Numbers, hashes, headers and ids are right; nothing is signed.  Slot 2 has a
 * flag for each transaction, some of them not 0.
 *
 * With chain_init_signed the blocks are as a node's that runs: the first one is
 * a config, chain_next_config makes more of them, an orderer signs every block
 * after the first (with a key and a certificate made on the spot), and what the
 * transactions hold are read-write sets:
 *
 *     transaction 2 of block 7 writes key "k007.002" of chaincode "cc", and has
 *     the code 11 in slot 2
 *
 * The orderer's form has no flags; the peer's has them and commit hashes.
 *
 * Go origin   none
 * Owner       the test
 * Memory      keeps every block until chain_done
 */
#ifndef WEFT_TESTS_CHAIN_H
#define WEFT_TESTS_CHAIN_H

#include "base/rand.h"
#include "proto/block.h"

struct chain_signer;

enum chain_form {
    CHAIN_UNSIGNED, /* with flags */
    CHAIN_OF_ORDERER,
    CHAIN_OF_PEER,
};

struct chain {
    const char *channel;
    enum chain_form form;
    struct chain_signer *signer;
    /* Writes a config transaction; NULL: random bytes will do. */
    void (*put_config)(struct chain *c, struct buf *out);
    uint64_t last_config;
    struct digest commit; /* of the newest block that has one */
    struct weft_rand rand;
    struct digest last;
    struct block **blocks;
    size_t count;
};

void chain_init(struct chain *c, const char *channel, uint64_t seed);
void chain_init_signed(struct chain *c, const char *channel, uint64_t seed, enum chain_form form);
void chain_done(struct chain *c);

/* Makes the next block; it stays the chain's. */
struct block *chain_next(struct chain *c, size_t txs, size_t tx_bytes);

/* The next block is a config.  For signed chains. */
struct block *chain_next_config(struct chain *c, size_t bytes);

/* The next block: a transaction of these results (a TxReadWriteSet) and a plain
 * one, both valid, with a commit hash that nobody can compute.  For peers' chains. */
struct block *chain_next_results(struct chain *c, struct bytes results);

/* The next block: these envelopes.  For unsigned and orderers' chains. */
struct block *chain_next_envelopes(struct chain *c, const struct bytes *envelopes, size_t count);

/* A Transaction, as Payload.data, around a TxReadWriteSet. */
void chain_put_transaction(struct bytes results, struct buf *out);

/* The id of a transaction that the chain made. */
void chain_tx_id(const struct chain *c, uint64_t block, size_t tx, char out[65]);

/* Ends the program if the block is not the chain's n-th. */
void chain_expect(const struct chain *c, uint64_t n, const struct block_view *v);

#endif
