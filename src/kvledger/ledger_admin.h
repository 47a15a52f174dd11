/* ledger_admin.h - what `peer node` does to ledgers while no peer runs.
 *
 *     reset        all channels back to their block 0
 *     rollback     one channel back to a block
 *     rebuild-dbs  everything that is made of blocks and private data goes, to be made again
 *     upgrade-dbs  the same, and the inventory gets the format of 2.0
 *     pause        a channel is left alone by the next start; resume: no longer
 *
 * Blocks and private data stay otherwise: with the next start the databases are made again of
 * them, and blocks that went come back from an orderer.
 *
 * Each takes the peer's lock: "as another peer node command is executing, ...".  A crash in the
 * middle leaves something that a peer can start on, and the command can be given again.
 *
 * Go origin   core/ledger/kvledger/reset.go core/ledger/kvledger/rollback.go
 *             core/ledger/kvledger/rebuild_dbs.go core/ledger/kvledger/upgrade_dbs.go
 *             core/ledger/kvledger/pause_resume.go core/ledger/kvledger/drop_dbs.go
 * Owner       the main thread
 * Memory      those of a block scanner
 * Limits      those of block_record.h
 */
#ifndef WEFT_KVLEDGER_LEDGER_ADMIN_H
#define WEFT_KVLEDGER_LEDGER_ADMIN_H

#include "base/weft.h"

/* `root` is ledgersData. */
enum weft_code ledger_admin_reset(const char *root, struct weft_err *e) WEFT_MUST_CHECK;
/* `last` stays.  "ledgerID [%s] does not exist"; "target block number [%d] should be less than the
 * biggest block number [%d]". */
enum weft_code ledger_admin_rollback(const char *root, const char *channel, uint64_t last,
                                     struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code ledger_admin_rebuild(const char *root, struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code ledger_admin_upgrade(const char *root, struct weft_err *e) WEFT_MUST_CHECK;
/* "LedgerID does not exist" */
enum weft_code ledger_admin_pause(const char *root, const char *channel,
                                  struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code ledger_admin_resume(const char *root, const char *channel,
                                   struct weft_err *e) WEFT_MUST_CHECK;

#endif
