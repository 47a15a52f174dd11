/* block_checkpoint.h - how far a channel's block files are known to be good.
 *
 * The record "blkMgrInfo" of the index database: four varints,
 *
 *     file number, its size, last block, 1 if there is no block yet
 *
 * A new channel has 00 00 00 01; after a genesis record of 9383 bytes it is
 * 00 a7 49 00 00.
 *
 * Go origin   common/ledger/blkstorage/blockfile_mgr.go blockfilesInfo
 * Owner       the store's owner
 */
#ifndef WEFT_LEDGER_BLOCK_CHECKPOINT_H
#define WEFT_LEDGER_BLOCK_CHECKPOINT_H

#include "ledger/block_index.h"

struct block_checkpoint {
    uint64_t file, size, last_block;
    bool empty; /* no block yet; last_block means nothing then */
};

/* How many blocks there are up to it. */
uint64_t block_checkpoint_height(const struct block_checkpoint *c);
void block_checkpoint_encode(const struct block_checkpoint *c, struct buf *out);
enum weft_code block_checkpoint_parse(struct bytes b, struct block_checkpoint *ret,
                                      struct weft_err *e) WEFT_MUST_CHECK;

enum weft_code block_checkpoint_load(const struct block_index *ix, bool *ret_found,
                                     struct block_checkpoint *ret,
                                     struct weft_err *e) WEFT_MUST_CHECK;
void block_checkpoint_put(const struct block_index *ix, struct kv_batch *batch,
                          const struct block_checkpoint *c);
void block_checkpoint_drop(const struct block_index *ix, struct kv_batch *batch);

#endif
