/* tx_ids.h - has the ledger a transaction with this id?
 *
 * Asked for every transaction of every block, and the answer is nearly always no.  In the
 * index of blocks that costs a look into a table on the disk; so three places are asked, the
 * cheapest first:
 *
 *     filter     "no" to 99 of 100 new ids              base/id_filter.h, in memory
 *     waiting    ids of blocks that are not indexed yet  in memory
 *     index      those of all blocks before              LevelDB
 *
 * The filter's "no" counts only when it has all ids.  Those of new blocks it gets as they come;
 * those of a ledger that is opened are read out of the index little by little, some with each
 * opening and some with each block.  A ledger of a few thousand transactions is done at once,
 * one of millions while it catches up.  Until then the index answers.
 *
 * Go origin   core/ledger/kvledger/kv_ledger.go GetTransactionByID (there the index alone)
 * Owner       the ledger's (commit:<id>)
 * Memory      id_filter.h; ids that wait
 * Limits      TX_IDS_AT_OPEN, TX_IDS_A_TX
 */
#ifndef WEFT_KVLEDGER_TX_IDS_H
#define WEFT_KVLEDGER_TX_IDS_H

#include "base/bytes.h"

struct block_store;
struct tx_ids;

enum {
    TX_IDS_AT_OPEN = 4096, /* read at once, about a millisecond */
    TX_IDS_A_TX = 16,      /* read for each transaction that is committed */
};

/* The store is used until free, and has its ids in its index. */
enum weft_code tx_ids_new(struct block_store *blocks, struct tx_ids **ret,
                          struct weft_err *e) WEFT_MUST_CHECK;
void tx_ids_free(struct tx_ids *t);
WEFT_DEFINE_CLEANUP(struct tx_ids *, tx_ids_free)

enum weft_code tx_ids_has(struct tx_ids *t, struct bytes id, bool *ret,
                          struct weft_err *e) WEFT_MUST_CHECK;
/* Of a transaction that is committed and not indexed; copied. */
void tx_ids_add(struct tx_ids *t, struct bytes id);
/* All that were added are on their way into the index; then they are in it. */
void tx_ids_indexing(struct tx_ids *t);
enum weft_code tx_ids_indexed(struct tx_ids *t, struct weft_err *e) WEFT_MUST_CHECK;

/* Does the filter have all ids? */
bool tx_ids_is_whole(const struct tx_ids *t);

#endif
