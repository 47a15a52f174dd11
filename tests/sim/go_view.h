/* go_view.h - what a Go node would make of a folder.
 *
 * goleveldb reads a folder that LevelDB wrote with one difference: it passes
 * over records of the log whose sequence number is below the last one in the
 * manifest, and LevelDB writes such manifests while it compacts.  So part of
 * the log may be missing for a Go node.  Here the tables are opened with
 * LevelDB and the log is read again by that rule; what comes out must not
 * mislead Fabric's recovery:
 *
 *   the index checkpoint stands at a block whose keys, and those of all blocks
 *     before it, are there and right;
 *   the block file checkpoint names a file after which there are no blocks,
 *     and counts right: Fabric looks on in that file only;
 *   a peer's format mark is there.
 *
 * Go origin   vendor/github.com/syndtr/goleveldb/leveldb/db.go recoverJournal
 *             common/ledger/blkstorage/blockfile_mgr.go syncBlockfilesInfoFromFS
 * Owner       the test's main thread
 */
#ifndef WEFT_TESTS_SIM_GO_VIEW_H
#define WEFT_TESTS_SIM_GO_VIEW_H

#include "ledger/block_store.h"

/* WEFT_INVALID when a Go node would miss something. */
enum weft_code go_view_check(const char *root, enum ledger_layout layout, const char *channel,
                             struct weft_err *e) WEFT_MUST_CHECK;

#endif
