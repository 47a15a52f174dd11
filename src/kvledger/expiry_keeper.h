/* expiry_keeper.h - which private keys leave the state with which block: bookkeeper database.
 *
 *     "channel/0" 00 '1' order(expiring) order(block) -> PvtdataKeys: keys and their hashes
 *
 * A key of a collection with block_to_live 6 that block 31 writes goes with block 38, unless it
 * was written again: then its version is not of block 31 any more.  Hashed and private key go
 * together; where only the hash is known, that alone.
 *
 *     expiry_keeper_track(k, 31, updates, collections, e)       what block 31 writes
 *     expiry_keeper_expire(k, 38, state, updates, e)            what goes with block 38
 *     state_db_apply(...)
 *     expiry_keeper_forget(k, 38, e)                            once the state is on the disk
 *
 * What leaves so joins the updates after the commit hash was made of them.
 *
 * Who forgets before the state is durable loses the schedule when a crash takes the state's last
 * blocks away: so forget only what a sync of the state has covered, or what it has when it is
 * opened.  Entries that are left for a while do no harm.
 *
 * Go origin   core/ledger/kvledger/txmgmt/pvtstatepurgemgmt/purge_mgr.go
 *             core/ledger/kvledger/txmgmt/pvtstatepurgemgmt/expiry_keeper.go
 *             core/ledger/kvledger/txmgmt/pvtstatepurgemgmt/expiry_schedule_builder.go
 *             core/ledger/kvledger/bookkeeping/provider.go
 * Owner       one thread (commit:<id>)
 * Memory      one block's entries
 * Limits      LIMIT_PROTO_BYTES a value
 */
#ifndef WEFT_KVLEDGER_EXPIRY_KEEPER_H
#define WEFT_KVLEDGER_EXPIRY_KEEPER_H

#include "state/state_reader.h"

struct collections;
struct expiry_keeper;
struct kv;
struct update_batch;

/* The database is the folder's, for all channels; it stays open while this is. */
struct expiry_keeper *expiry_keeper_new(struct kv *bookkeeper, const char *channel);
void expiry_keeper_free(struct expiry_keeper *k);
WEFT_DEFINE_CLEANUP(struct expiry_keeper *, expiry_keeper_free)

/* Private and hashed keys that a block writes, private ones included; `c` is of the state before
 * it.  Durable on return, if there is anything. */
enum weft_code expiry_keeper_track(struct expiry_keeper *k, uint64_t block,
                                   struct update_batch *updates, struct collections *c,
                                   struct weft_err *e) WEFT_MUST_CHECK;

/* Adds to the block's updates the removal of what goes with it; `before` is the state before. */
enum weft_code expiry_keeper_expire(struct expiry_keeper *k, uint64_t block,
                                    const struct state_reader *before, struct update_batch *updates,
                                    struct weft_err *e) WEFT_MUST_CHECK;

/* Something went since this was asked last: the state is to be synced when it is written, and
 * then it can be forgotten. */
bool expiry_keeper_take_due(struct expiry_keeper *k);

/* The state with the removals of this block and those before it is on the disk. */
enum weft_code expiry_keeper_forget(struct expiry_keeper *k, uint64_t block,
                                    struct weft_err *e) WEFT_MUST_CHECK;

#endif
