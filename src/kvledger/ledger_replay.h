/* ledger_replay.h - is what a peer recorded what its blocks come to?
 *
 * A peer's ledger is made of its blocks and its private data by rules that are everybody's.  So
 * it is made again, in a folder of its own, and held against what is recorded:
 *
 *     each block      every transaction's code, the commit hash
 *     the state       every key, its value, metadata and version
 *     the history     where each key was written
 *     collections     of each chaincode, by block (configHistory)
 *
 *     ledger_replay(&dir, "mychannel", &deps, &done, e)
 *     WEFT_CORRUPT  "block [17] transaction [3]: recorded as VALID, is MVCC_READ_CONFLICT"
 *                   "the state of channel [ch]: asset/car1: another value"
 *
 * State and history are compared where their savepoints say that they are, so one that lags
 * behind the blocks is as good as any; that it does is a note.  Where there is none (CouchDB, or
 * a database that was dropped) that is a note, too.  Two codes are one where Fabric leaves it to chance: INVALID_CHAINCODE of one namespace
 * and ENDORSEMENT_POLICY_FAILURE of another.
 *
 * Go origin   none
 * Owner       one thread; changes nothing in the folder
 * Memory      a ledger's; on the disk, in $TMPDIR, as much as the channel has, until it returns
 * Limits      those of block_store.h
 */
#ifndef WEFT_KVLEDGER_LEDGER_REPLAY_H
#define WEFT_KVLEDGER_LEDGER_REPLAY_H

#include "ledger/ledger_dir.h"

struct ledger_replay_deps {
    void *ctx;
    /* Now and then: bytes of the blocks that were replayed. */
    void (*progress)(void *ctx, uint64_t bytes);
    /* Something worth saying: no fault, or one more where there are several. */
    void (*note)(void *ctx, const char *text);
};

struct ledger_replayed {
    uint64_t blocks, txs, commit_hashes, keys, history, collections;
};

/* WEFT_CORRUPT: something is recorded that the blocks do not come to. */
enum weft_code ledger_replay(struct ledger_dir *d, const char *channel,
                             const struct ledger_replay_deps *deps, struct ledger_replayed *ret,
                             struct weft_err *e) WEFT_MUST_CHECK;

#endif
