/* ledger_inventory.h - do a ledger's folders, index and inventory name the same
 * channels?
 *
 * Three places know which channels a node has:
 *
 *   the folders with block files          chains/mychannel/
 *   the index, by its checkpoint keys     "mychannel" 00 "blkMgrInfo"
 *   on a peer, its inventory              ledgerProvider: 'l' channel -> block 0
 *
 * A channel whose folder is gone is seen here; ledger_verify looks at those
 * that are there.
 *
 * Go origin   none
 * Owner       one thread; changes nothing
 * Memory      one block, LevelDB's caches
 */
#ifndef WEFT_LEDGER_LEDGER_INVENTORY_H
#define WEFT_LEDGER_LEDGER_INVENTORY_H

#include "ledger/ledger_verify.h"

/* WEFT_CORRUPT with the channel in the words.  A paused channel, one that is
 * just being made, and a peer's folder without an inventory are notes. */
enum weft_code ledger_inventory_verify(struct ledger_dir *d, const struct ledger_verify_deps *deps,
                                       struct weft_err *e) WEFT_MUST_CHECK;

#endif
