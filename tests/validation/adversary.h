/* adversary.h - chains that try to set two validators apart.
 *
 * From a seed: a real channel of three organisations and blocks of endorsed transactions,
 * most of them good and many not; several chaincodes whose definitions, policies and
 * collections change on the way, keys with policies of their own, range queries raw and
 * hashed, stale reads, duplicates, configurations that change who may endorse, and
 * broken bytes of every kind.
 *
 *     struct adversary *a = adversary_new(7, ADVERSARY_V20);
 *     struct block *b = adversary_next(a);      block 0 is the channel's first configuration
 *     adversary_learn(a, codes);                what became of its transactions
 *
 * What comes next depends on the seed and on the codes so far: the adversary reads what the
 * valid ones wrote.  Keys and signatures are fresh each time and decide nothing.
 *
 * What takes the original down or makes it wait for ever is left out: an endorser
 * transaction after one that cannot be read, a payload without header, a key whose policy is changed
 * by a transaction that is refused before its policies are asked (tx_validator_test); and where
 * private data comes, hashes for a collection that does not exist, be it in a transaction that
 * is refused.
 *
 * Go origin   none
 * Owner       the test
 * Memory      keeps every block
 */
#ifndef WEFT_TESTS_VALIDATION_ADVERSARY_H
#define WEFT_TESTS_VALIDATION_ADVERSARY_H

#include "proto/block.h"

/* By which application capability the channel starts; the older ones get the next one
 * now and then, up to V2_0. */
enum adversary_kind {
    ADVERSARY_V20,
    ADVERSARY_V142,
    ADVERSARY_V13,
    ADVERSARY_V12,
    ADVERSARY_V11,
    ADVERSARY_NONE,
    ADVERSARY_NR,
};

struct adversary;

struct adversary *adversary_new(uint64_t seed, enum adversary_kind kind);
void adversary_free(struct adversary *a);
WEFT_DEFINE_CLEANUP(struct adversary *, adversary_free)

/* Changes bytes anywhere from now on, and has somebody sign under other bytes of his: then only
 * this very chain can be compared. */
void adversary_go_wild(struct adversary *a);

/* Collections from now on belong to others now and then, and most of their data goes after some
 * blocks; private data comes with the blocks, or not, or not right. */
void adversary_go_private(struct adversary *a);

struct block *adversary_next(struct adversary *a);

/* What comes with that block: TxPvtReadWriteSets by transaction.  Once, before adversary_learn. */
void adversary_private(struct adversary *a,
                       void (*each)(void *ctx, uint64_t tx, struct bytes write_set), void *ctx);
/* What a peer of Org1MSP shows of itself: an identity, and its signature over `data`. */
void adversary_peer(struct adversary *a, struct bytes data, struct buf *ret_id,
                    struct buf *ret_signature);
void adversary_learn(struct adversary *a, const uint8_t *codes);

#endif
