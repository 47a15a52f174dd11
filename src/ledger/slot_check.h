/* slot_check.h - a block's metadata held against all that can be known
 * without the channel's configuration.
 *
 * The hashes of a block do not cover its metadata, so each slot is checked for
 * itself:
 *
 *   0 SIGNATURES    well formed; each signature is by the key of the certificate
 *                   that it carries, over value, signature header and block
 *                   header (whether that key may sign is a question of the
 *                   configuration, and not asked here); the last config in it
 *   1 LAST_CONFIG   the number of the newest config block so far; signed as
 *                   slot 0 by orderers before 1.4.1
 *   2 flags         one known validation code a transaction; an orderer has none
 *   3 ORDERER       empty since 1.4.1; before, signed as slot 0 or unsigned
 *   4 COMMIT_HASH   32 bytes (commit_hash_check.h computes them)
 *
 * Each slot must be encoded as Fabric encodes it.  What then can change without
 * being noticed here: a flag into another known one, and a commit hash, both of
 * which the index and the chain of commit hashes guard; and the content of an
 * unsigned slot 3.
 *
 * Go origin   protoutil/blockutils.go internal/peer/gossip/mcs.go VerifyBlock
 * Differs     Fabric never looks at most of this
 * Owner       one thread
 * Memory      a few parsed certificates; at most SLOT_CHECK_BATCH signatures
 *             wait to be checked together
 */
#ifndef WEFT_LEDGER_SLOT_CHECK_H
#define WEFT_LEDGER_SLOT_CHECK_H

#include "ledger/block_store.h"

enum {
    SLOT_CHECK_BATCH = 128
};

struct slot_check;

struct slot_check *slot_check_new(enum ledger_layout layout);
void slot_check_free(struct slot_check *c);
WEFT_DEFINE_CLEANUP(struct slot_check *, slot_check_free)

/* The signatures in slot 0 are counted and not checked: somebody who knows the
 * configuration does that. */
void slot_check_leave_signatures(struct slot_check *c);

/* Takes the next block of the chain; its signatures wait. */
enum weft_code slot_check_block(struct slot_check *c, const struct block_view *v,
                                struct weft_err *e) WEFT_MUST_CHECK;
/* Checks the signatures that wait if there are SLOT_CHECK_BATCH of them: to be
 * called after each block.  The words name the block. */
enum weft_code slot_check_settle(struct slot_check *c, struct weft_err *e) WEFT_MUST_CHECK;
/* Checks those that still wait. */
enum weft_code slot_check_end(struct slot_check *c, struct weft_err *e) WEFT_MUST_CHECK;

uint64_t slot_check_signatures(const struct slot_check *c);
/* Blocks after the first that no orderer signed. */
uint64_t slot_check_unsigned(const struct slot_check *c);

#endif
