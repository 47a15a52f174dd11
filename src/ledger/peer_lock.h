/* peer_lock.h - one process at a time on a peer's ledgers: ledgersData/fileLock.
 *
 * The lock is an empty database that nobody writes to.  A Go peer takes it by opening it, and
 * refuses a folder that is not one; so one that a crash left half made is made anew.
 *
 * Go origin   core/ledger/kvledger/kv_ledger_provider.go NewProvider
 *             common/ledger/util/leveldbhelper/leveldb_helper.go FileLock
 * Owner       the main thread
 * Memory      LevelDB's
 */
#ifndef WEFT_LEDGER_PEER_LOCK_H
#define WEFT_LEDGER_PEER_LOCK_H

#include "ledger/kv.h"

/* Held until kv_close.  `root` is ledgersData, made if it is not there.  WEFT_UNAVAILABLE: "as
 * another peer node command is executing, wait for that command ..." */
enum weft_code peer_lock_take(const char *root, struct kv **ret,
                              struct weft_err *e) WEFT_MUST_CHECK;

#endif
