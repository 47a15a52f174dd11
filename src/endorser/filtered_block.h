/* filtered_block.h - what a block says about its transactions, without what they say.
 *
 *     block 9, 10 transactions, 43 kB
 *       -> FilteredBlock { "mychannel", 9, [ { txid, ENDORSER_TRANSACTION, VALID,
 *                          actions [ { event "created" of chaincode "asset", no payload } ] } ] }
 *
 * For applications that wait for their transactions and may not see everybody's data.
 *
 * Go origin   core/peer/deliverevents.go toFilteredBlock toFilteredActions
 * Differs     a block without a flag for each transaction is refused; Go dereferences past them
 * Owner       any thread
 * Memory      appends to a buffer of the caller
 * Limits      those of block.h and transaction.h
 */
#ifndef WEFT_ENDORSER_FILTERED_BLOCK_H
#define WEFT_ENDORSER_FILTERED_BLOCK_H

#include "proto/block.h"

/* Appends protos.FilteredBlock.  A transaction that is no envelope is left out; WEFT_INVALID
 * for one that is broken further inside: then nobody can tell of the block. */
enum weft_code filtered_block_encode(const struct block_view *v, struct buf *out,
                                     struct weft_err *e) WEFT_MUST_CHECK;

#endif
