/* config_history.h - the collections of each chaincode by block: ledgersData/configHistory.
 *
 *     's' "lscc" 00 "pdc~collection" be64(2^64 - 1 - block) -> CollectionConfigPackage
 *
 * after "channel" 00; newest first.  "lscc" also for chaincodes of the new lifecycle.  An entry
 * is made when a block defines the chaincode anew and it has collections then.
 *
 *     config_history_commit(h, 8, updates, state with the updates laid over it, e)
 *
 * It is written before the block is, and written again when the block comes again.
 *
 * Go origin   core/ledger/confighistory/mgr.go core/ledger/confighistory/db_helper.go
 *             core/chaincode/lifecycle/deployedcc_infoprovider.go UpdatedChaincodes
 *             core/scc/lscc/deployedcc_infoprovider.go UpdatedChaincodes
 * Owner       one thread (commit:<id>); reading: any
 * Memory      one block's entries
 * Limits      those of proto_check.h
 */
#ifndef WEFT_KVLEDGER_CONFIG_HISTORY_H
#define WEFT_KVLEDGER_CONFIG_HISTORY_H

#include "state/state_reader.h"

struct kv;
struct pvtdata_store;
struct update_batch;

struct config_history {
    struct kv *kv;
    const char *channel;
};

/* The block's public updates say which chaincodes it defines; `after` is the state with them.
 * Durable on return, if there is anything. */
enum weft_code config_history_commit(const struct config_history *h, uint64_t block,
                                     struct update_batch *updates, const struct state_reader *after,
                                     struct weft_err *e) WEFT_MUST_CHECK;

/* What a chaincode's collections were for a block: the newest entry below it.  Nothing is
 * appended when there is none.  Any thread. */
enum weft_code config_history_below(const struct config_history *h, uint64_t block,
                                    struct bytes name, struct buf *ret,
                                    struct weft_err *e) WEFT_MUST_CHECK;

/* The same chaincodes: collections that we were no member of before the block, and are after it,
 * go into the private data store. */
enum weft_code config_history_note_eligible(struct pvtdata_store *s, const char *mspid,
                                            uint64_t block, struct update_batch *updates,
                                            const struct state_reader *before,
                                            const struct state_reader *after,
                                            struct weft_err *e) WEFT_MUST_CHECK;

#endif
