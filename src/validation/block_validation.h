/* block_validation.h - a block on its way to be validated: what can be done ahead of its turn.
 *
 * Three quarters of the work on a block do not need the block before it: structure,
 * hashes, who signed, and all the signatures.  It is cut into parts, which any
 * threads run in any order; the rest is decided in order (tx_validator.h).
 *
 *     commit:<id>                            workers, a lane each
 *     v = block_validation_new(block, bundle)
 *       for each part                  --->  block_validation_run(v, part, lane)
 *     ... blocks before it commit ...  <---  done
 *     tx_validator_decide(validator, v, state, codes, e)
 *
 * A part is some transactions.  Its signatures are one batch, so checks by table and the
 * shared inversion work (crypto/signature_batch.h).  What a part finds depends on the
 * block and the bundle alone: not on which lane runs it, nor when.
 *
 * Who a signature is of, the bundle's MSPs say.  A block is judged by the bundle
 * of its turn: when a config block came in between, block_validation_is_of() says
 * no, and what was found is worth nothing.  Then free it and make a new one:
 *
 *     if (!block_validation_is_of(v, bundle now))
 *         block_validation_free(v), v = block_validation_new(block, bundle now), run its parts
 *
 * Go origin   core/committer/txvalidator/v20/validator.go Validate
 * Differs     all signatures of the endorsements are checked, once, whatever the policies
 *             ask; the original checks them for each policy that it evaluates
 * Owner       new, free and decide: one thread (commit:<id>); a part: whoever runs it; a lane
 *             is used by one thread at a time
 * Memory      references of block, bundle and identities; about as much again as the
 *             block has in headers: block_validation_bytes
 * Limits      those of proto_check.h
 */
#ifndef WEFT_VALIDATION_BLOCK_VALIDATION_H
#define WEFT_VALIDATION_BLOCK_VALIDATION_H

#include "base/weft.h"

struct block;
struct block_tx;
struct block_validation;
struct bundle;
struct key_tables;
struct tx_check;
struct validation_lane;

/* Identities seen lately, for one part after the other; of whatever bundle. */
struct validation_lane *validation_lane_new(struct key_tables *tables, size_t identities);
void validation_lane_free(struct validation_lane *lane);
WEFT_DEFINE_CLEANUP(struct validation_lane *, validation_lane_free)

/* Takes a reference of both.  The bundle has an Application group. */
struct block_validation *block_validation_new(struct block *b, struct bundle *bundle);
void block_validation_free(struct block_validation *v);
WEFT_DEFINE_CLEANUP(struct block_validation *, block_validation_free)

size_t block_validation_parts(const struct block_validation *v);
/* Each part once. */
void block_validation_run(struct block_validation *v, size_t part, struct validation_lane *lane);
/* All parts, one after the other. */
void block_validation_run_all(struct block_validation *v, struct validation_lane *lane);

struct block *block_validation_block(const struct block_validation *v);
struct bundle *block_validation_bundle(const struct block_validation *v);
bool block_validation_is_of(const struct block_validation *v, const struct bundle *b);
/* What it holds beside the block, roughly; once its parts have run. */
size_t block_validation_bytes(const struct block_validation *v);

/* Once its parts have run: how transaction `i` reads.  The ledger takes the read-write
 * sets from here instead of parsing them again. */
const struct tx_check *block_validation_tx(const struct block_validation *v, size_t i);

/* For tx_validator: the same with who signed. */
const struct block_tx *block_validation_signed_tx(const struct block_validation *v, size_t i);

#endif
