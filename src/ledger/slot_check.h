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
 *   1 LAST_CONFIG   the number of the newest config block so far
 *   2 flags         on a peer: one known validation code a transaction
 *   4 COMMIT_HASH   32 bytes
 *
 * Each slot must be encoded as Fabric encodes it, so that no byte can change
 * without being noticed.
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

/* Takes the next block of the chain.  Its signatures may be found bad in a
 * later call, or in slot_check_end; the words name the block. */
enum weft_code slot_check_block(struct slot_check *c, const struct block_view *v,
                                struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code slot_check_end(struct slot_check *c, struct weft_err *e) WEFT_MUST_CHECK;

uint64_t slot_check_signatures(const struct slot_check *c);
uint64_t slot_check_last_config(const struct slot_check *c);

/* The names of validation codes: "VALID", "MVCC_READ_CONFLICT"; NULL for a
 * number that is none. */
const char *validation_code_name(uint8_t code);

#endif
