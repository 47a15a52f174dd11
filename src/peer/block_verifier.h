/* block_verifier.h - is a block that came over the network one of this channel, as its orderers made it?
 *
 *     header there, the number that was claimed            a stranger may say anything
 *     the first transaction names this channel
 *     every transaction is an Envelope and nothing else    no two forms of one block
 *     data hash                                            the header is about these transactions
 *     /Channel/Orderer/BlockValidation                     enough orderers signed header and metadata
 *
 *     block_verify(v, bundle, 7, block, e)     "Claimed seqNum is [7] but actual seqNum inside block is [8]"
 *
 * Not asked here: the previous hash (who puts blocks in order asks that) and what is in the
 * transactions (block_validation.h).
 *
 * Go origin   internal/peer/gossip/mcs.go VerifyBlock
 *             protoutil/blockutils.go VerifyTransactionsAreWellFormed
 * Differs     a block without metadata slot 0 is refused in words (the original: as an index out of
 *             range); of an envelope that is not in its plain form both forms are not quoted
 * Owner       one thread (chan:<id>)
 * Memory      identities of who signs, by configuration
 * Limits      those of block.h and metadata.h; LIMIT_POLICY_SIGNERS
 */
#ifndef WEFT_PEER_BLOCK_VERIFIER_H
#define WEFT_PEER_BLOCK_VERIFIER_H

#include "base/weft.h"

struct block;
struct block_verifier;
struct bundle;
struct key_tables;

/* tables may be NULL. */
struct block_verifier *block_verifier_new(const char *channel_id, struct key_tables *tables);
void block_verifier_free(struct block_verifier *v);
WEFT_DEFINE_CLEANUP(struct block_verifier *, block_verifier_free)

/* By the configuration in force.  WEFT_INVALID or WEFT_FORBIDDEN, with Fabric's words. */
enum weft_code block_verify(struct block_verifier *v, struct bundle *b, uint64_t claimed,
                            const struct block *whole, struct weft_err *e) WEFT_MUST_CHECK;

#endif
