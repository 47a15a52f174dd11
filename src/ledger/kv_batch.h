/* kv_batch.h - inside src/ledger: what is written to a database at once, in the order of its keys.
 *
 * LevelDB puts each entry of a batch into a list that is sorted and long: each looks for its place
 * from the top.  Entries in order find the way of the one before still in the CPU's cache, which
 * for the block index, whose transaction ids are random, is a third less work:
 *
 *     put t:9f.. put a:1 put t:02.. put a:2      ->  a:1  a:2  t:02..  t:9f..
 *
 * Of several entries of one key the last one counts, as if nothing had been moved.
 *
 * Go origin   none
 * Owner       who holds the batch (kv.h)
 * Memory      a copy of keys and values, and while it is written a second one
 */
#ifndef WEFT_LEDGER_KV_BATCH_H
#define WEFT_LEDGER_KV_BATCH_H

#include "ledger/kv.h"

#include <leveldb/c.h>

/* LevelDB's form of it; caller destroys. */
leveldb_writebatch_t *kv_batch_in_order(const struct kv_batch *b);

#endif
