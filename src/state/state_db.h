/* state_db.h - the world state of one channel, in Fabric's LevelDB (ledgersData/stateLeveldb).
 *
 * Holds what the blocks up to the savepoint have made: each block's updates and the
 * savepoint become visible in one step.  What lies where is said in state_value.h.
 *
 * Who validates block n asks for the state as of block n - 1:
 *
 *     struct state_reader r = state_db_reader(db);          on commit:<id>, as of now
 *
 *     struct state_snapshot *s = state_snapshot_new(db);    on commit:<id>
 *     struct state_reader r = state_snapshot_reader(s);     on any thread, as of then,
 *     ...                                                   whatever is committed meanwhile
 *     state_snapshot_free(s);                               any thread
 *
 * A snapshot is cheap (a number that LevelDB keeps in mind): one a block.
 *
 * Most chaincodes never set metadata, so that is remembered by namespace, here and in the
 * bookkeeper database ("<channel>/1" 00 namespace -> ""): where may_have_metadata says no,
 * nobody has to ask.  The mark is on the disk before the first metadata of a namespace is.
 *
 * Go origin   core/ledger/kvledger/txmgmt/statedb/stateleveldb/stateleveldb.go
 *             core/ledger/kvledger/txmgmt/privacyenabledstate/db.go
 *             core/ledger/kvledger/txmgmt/privacyenabledstate/optimization.go
 * Differs     batches are not synced one by one: the block files are the truth, and what a
 *             crash takes away is done again from the savepoint on (kv_ledger.h)
 * Owner       open, close: one thread (commit:<id>); apply: one at a time, on any.  Readers of
 *             the database itself: that thread, too; while another one applies updates they may
 *             see them already, so whoever reads then lays them over it (state_overlay.h).
 *             Snapshots: any thread
 * Memory      LevelDB's; the names of namespaces with metadata
 * Limits      none of its own
 */
#ifndef WEFT_STATE_STATE_DB_H
#define WEFT_STATE_STATE_DB_H

#include "state/state_reader.h"

struct kv;
struct kv_batch;
struct state_db;
struct update_batch;

/* Both databases are the folder's, for all channels; they stay open while this is. */
enum weft_code state_db_open(struct kv *state, struct kv *bookkeeper, const char *channel,
                             struct state_db **ret, struct weft_err *e) WEFT_MUST_CHECK;
void state_db_close(struct state_db *db);
WEFT_DEFINE_CLEANUP(struct state_db *, state_db_close)

/* Reads what is there now. */
struct state_reader state_db_reader(struct state_db *db);

/* Reads what was there when it was made; to be freed before the database is closed. */
struct state_snapshot;
struct state_snapshot *state_snapshot_new(struct state_db *db);
void state_snapshot_free(struct state_snapshot *s);
WEFT_DEFINE_CLEANUP(struct state_snapshot *, state_snapshot_free)
struct state_reader state_snapshot_reader(struct state_snapshot *s);

/* The last block that is in it; found = false: none. */
enum weft_code state_db_savepoint(struct state_db *db, bool *ret_found, struct state_version *ret,
                                  struct weft_err *e) WEFT_MUST_CHECK;

/* Writes the updates, and the savepoint unless it is NULL, in one step. */
enum weft_code state_db_apply(struct state_db *db, struct update_batch *updates,
                              const struct state_version *savepoint, bool sync,
                              struct weft_err *e) WEFT_MUST_CHECK;

#endif
