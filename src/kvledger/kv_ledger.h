/* kv_ledger.h - a peer's ledger of one channel: blocks, world state, history, private data.
 *
 *     ledgersData/  chains/        block files and index      the truth
 *                   pvtdataStore/  private data by block      the truth, too
 *                   stateLeveldb/  historyLeveldb/  bookkeeper/  configHistory/
 *                                  made of the two; brought up to them with each open
 *                   ledgerProvider/  which channels there are
 *
 * A block comes with what the validator found out about it, and leaves with its final codes:
 *
 *     tx_validator_decide(tv, v, &state, codes, e)        state: kv_ledger_validation_state
 *     kv_ledger_commit(l, v, codes, pvt, e)               codes[i] now also MVCC_READ_CONFLICT ...
 *     kv_ledger_sync(l, e)                                durable, and readers find it
 *
 * A commit checks the reads of each transaction that is VALID so far against the state, puts
 * what the valid ones write into one batch, sets TRANSACTIONS_FILTER and the commit hash in the
 * block's metadata, and writes: private data, block, state with its savepoint, history.  The
 * next block may be decided at once: it sees this one's state and transaction ids.  Until
 * kv_ledger_sync the block is not announced, and a crash may take it away, from all stores
 * alike; many blocks at once share their syncs.  What such blocks change lies in memory, over
 * the state database, which is written once the blocks are on the disk:
 *
 *     commit 7   private data   block file
 *     commit 8   private data   block file                 state of 7 and 8 in memory
 *     sync                      both durable, then         state, history, then announced
 *
 * A sync may run on another thread while the next blocks are committed: what its blocks change
 * lies in memory then until it has ended, under what those behind it change.
 *
 *     kv_ledger_sync_begin     7 8       commit 9, 10, ...      owner
 *     kv_sync_run                  7 8 to the disk              another thread
 *     kv_ledger_sync_end                          7 8 announced    owner
 *
 * Go origin   core/ledger/kvledger/kv_ledger.go core/ledger/kvledger/kv_ledger_provider.go
 *             core/ledger/ledgermgmt/ledger_mgmt.go
 * Differs     state and history are not synced block by block: a crash is made good from the
 *             block files, as theirs is
 * Owner       open, create, commit, sync, close: one thread (commit:<id>); what says so: any
 * Memory      the stores'; tx_ids.h; updates of blocks that wait for a sync or are in one
 * Limits      those of block_store.h; with 8 MB of updates or 256 blocks that wait for a sync
 *             a commit syncs by itself; while one runs, see kv_ledger_takes
 */
#ifndef WEFT_KVLEDGER_KV_LEDGER_H
#define WEFT_KVLEDGER_KV_LEDGER_H

#include "ledger/block_store.h"
#include "state/state_reader.h"
#include "validation/validation_state.h"

struct block_validation;
struct dir_list;
struct kv_ledger;
struct kv_ledgers;

/* ---- the folder of all channels ------------------------------------------------ */

struct kv_ledgers_config {
    const char *mspid;       /* of the peer: which collections' data it should have */
    bool history;            /* ledger.history.enableHistoryDatabase */
    uint64_t purge_interval; /* ledger.pvtdataStore.purgeInterval */
    const char *transient;   /* folder of what was endorsed here, beside the root; NULL: none */
    uint64_t transient_retention; /* peer.gossip.pvtData.transientstoreMaxBlockRetention */
};

/* Takes the locks, opens the databases, and ends what a crash left half made. */
enum weft_code kv_ledgers_open(const char *root, const struct kv_ledgers_config *config,
                               struct kv_ledgers **ret, struct weft_err *e) WEFT_MUST_CHECK;
/* After all ledgers are closed. */
void kv_ledgers_close(struct kv_ledgers *l);
WEFT_DEFINE_CLEANUP(struct kv_ledgers *, kv_ledgers_close)

/* Active channels, sorted. */
enum weft_code kv_ledgers_list(struct kv_ledgers *l, struct dir_list *ret,
                               struct weft_err *e) WEFT_MUST_CHECK;

/* A new ledger with its first block, whose flags are set.  All or nothing, also over a crash.
 * "LedgerID already exists"; "Expected block number=0, received block number=5". */
enum weft_code kv_ledgers_create(struct kv_ledgers *l, struct block *genesis,
                                 struct kv_ledger **ret, struct weft_err *e) WEFT_MUST_CHECK;

/* ---- one channel --------------------------------------------------------------- */

/* Opens what is there and brings every store up to the blocks.  WEFT_NOT_FOUND: "LedgerID does
 * not exist"; WEFT_INVALID: "Ledger is not active". */
enum weft_code kv_ledger_open(struct kv_ledgers *l, const char *channel, struct kv_ledger **ret,
                              struct weft_err *e) WEFT_MUST_CHECK;
void kv_ledger_close(struct kv_ledger *l);
WEFT_DEFINE_CLEANUP(struct kv_ledger *, kv_ledger_close)

/* Was it made since the start, not opened? */
bool kv_ledger_is_new(const struct kv_ledger *l);
/* Of the first block, if so: nobody can have asked to be told yet. */
const struct kv_commit_times *kv_ledger_first_times(const struct kv_ledger *l);

/* Its blocks: height, reading, watching; any thread. */
struct block_store *kv_ledger_blocks(struct kv_ledger *l);
/* Blocks committed, announced or not; on the owner. */
uint64_t kv_ledger_next(const struct kv_ledger *l);

/* The ConfigEnvelope in force (namespace "", key CHANNEL_CONFIG_ENV_BYTES); owner. */
enum weft_code kv_ledger_config(struct kv_ledger *l, struct buf *ret,
                                struct weft_err *e) WEFT_MUST_CHECK;

/* What tx_validator_decide asks; the owner's, good while the ledger is open. */
const struct validation_state *kv_ledger_validation_state(struct kv_ledger *l);

/* The state as of the newest block that is announced, to be read on any thread and given back before the ledger is closed. */
struct state_snapshot *kv_ledger_snapshot(struct kv_ledger *l);

/* Private data that came with a block: TxPvtReadWriteSet by transaction, bytes of
 * rwset.TxPvtReadWriteSet.  What does not match its hash in the block counts as missing. */
struct kv_pvt_data {
    uint64_t tx;
    struct bytes write_set;
};

/* What a transaction that was endorsed here at that height wrote privately, until its block
 * comes: a TxPvtReadWriteSetWithConfigInfo.  Durable on return; any thread. */
enum weft_code kv_ledger_keep_private(struct kv_ledger *l, struct bytes tx_id, uint64_t height,
                                      struct bytes set, struct weft_err *e) WEFT_MUST_CHECK;

/* The next block.  What it should have of private data comes with it, or was kept here.
 * `codes` are the validator's, and the final ones after.  WEFT_INVALID, and
 * nothing changed: the block is not the next one.  Any other error: the process must end. */
enum weft_code kv_ledger_commit(struct kv_ledger *l, const struct block_validation *v,
                                uint8_t *codes, const struct kv_pvt_data *pvt, size_t pvt_count,
                                struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code kv_ledger_sync(struct kv_ledger *l, struct weft_err *e) WEFT_MUST_CHECK;

/* The sync in parts, so that the next blocks can be decided and committed meanwhile: they make
 * the next group.  One at a time, and until its end no other sync, no close.
 *     begin   owner; NULL: nothing waits for a sync, and no end is wanted.  `next` is the block
 *             that comes next, NULL if it is not here: should it not go into the newest block
 *             file, the sync begins another one, and takes it at its end
 *     run     any thread: writes and syncs; keeps an error for the end.  In steps, for tests:
 *             false when there is no further one
 *     end     owner: announces; the error of the run, after which the process must end */
struct kv_sync;
enum weft_code kv_ledger_sync_begin(struct kv_ledger *l, const struct block *next,
                                    struct kv_sync **ret, struct weft_err *e) WEFT_MUST_CHECK;
void kv_sync_run(struct kv_sync *s);
bool kv_sync_step(struct kv_sync *s);
enum weft_code kv_ledger_sync_end(struct kv_ledger *l, struct weft_err *e) WEFT_MUST_CHECK;
/* So much waits that a sync should begin; never while one is out. */
bool kv_ledger_sync_is_due(const struct kv_ledger *l);
/* False: as long as a sync is out, this one, which is the next, is not to be committed: enough
 * waits behind it, or a new block file is wanted. */
bool kv_ledger_takes(const struct kv_ledger *l, const struct block *b);
/* Does it, the next one, go into the newest block file?  If not, a sync should begin before it is
 * committed, or it waits for all that a new file takes. */
bool kv_ledger_has_room(const struct kv_ledger *l, const struct block *b);

/* How long a block took, told when it is announced, to whoever counts; on the owner.  Blocks
 * that were synced together each waited for the whole of it. */
struct kv_commit_times {
    uint64_t validation_ns; /* reads checked, updates made */
    uint64_t storage_ns;    /* private data and block */
    uint64_t block_ns;      /* of that, the block */
    uint64_t state_ns;      /* state, history, readers told */
    /* Before and after, in none of these: */
    uint64_t fetch_ns; /* which private data it needs, and whether it is here */
    uint64_t purge_ns; /* what was kept for it is removed */
    bool is_lacking;   /* some of its private data is not here */
};
void kv_ledger_tell_times(struct kv_ledger *l,
                          void (*told)(void *ctx, const struct kv_commit_times *times), void *ctx);

/* The private data that a block came with and the ledger has, for those whom `may_see` lets:
 * calls `each` by transaction; any thread. */
struct kv_pvt_filter {
    void *ctx;
    bool (*may_see)(void *ctx, struct bytes ns, struct bytes coll);
};
enum weft_code kv_ledger_pvt_data(struct kv_ledger *l, uint64_t block,
                                  const struct kv_pvt_filter *filter,
                                  void (*each)(void *ctx, uint64_t tx, struct bytes write_set),
                                  void *ctx, struct weft_err *e) WEFT_MUST_CHECK;

/* A chaincode's explicit collections as they were for a block, a CollectionConfigPackage;
 * nothing is appended when it had none.  Any thread. */
enum weft_code kv_ledger_collections_at(struct kv_ledger *l, uint64_t block, struct bytes ns,
                                        struct buf *ret, struct weft_err *e) WEFT_MUST_CHECK;

#endif
