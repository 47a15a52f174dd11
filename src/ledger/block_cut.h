/* block_cut.h - a channel's block files, cut back to an earlier block.
 *
 *     before   blockfile_000000 [0 .. 41]  blockfile_000001 [42 .. 80]  blockfile_000002 [81 ..
 *     cut 50   blockfile_000000 [0 .. 41]  blockfile_000001 [42 .. 50]
 *
 * Whole files go first, the newest first; then the end of the file that the block lies in.  A
 * crash in between leaves a shorter chain, which is a chain.  The index knows nothing of it:
 * what it has of the blocks, and the block file checkpoint, must be gone before.
 *
 * Go origin   common/ledger/blkstorage/rollback.go common/ledger/blkstorage/reset.go
 * Owner       whoever holds the ledger's lock; no store is open
 * Memory      those of a scanner
 * Limits      those of block_record.h
 */
#ifndef WEFT_LEDGER_BLOCK_CUT_H
#define WEFT_LEDGER_BLOCK_CUT_H

#include "ledger/block_index.h"

/* How many blocks there are, by the last whole record. */
enum weft_code block_files_height(const char *dir, uint64_t *ret,
                                  struct weft_err *e) WEFT_MUST_CHECK;

/* WEFT_NOT_FOUND: the files do not have block `last`. */
enum weft_code block_files_cut(const char *dir, uint64_t last, struct weft_err *e) WEFT_MUST_CHECK;

/* Before a cut: takes what lies behind `last` out of the index, and the block file checkpoint. */
enum weft_code block_index_cut(const struct block_index *ix, const char *dir, uint64_t last,
                               struct weft_err *e) WEFT_MUST_CHECK;

/* The bytes of block 0's record, without its length.  WEFT_CORRUPT: "The supplied bytes are not
 * of genesis block." */
enum weft_code block_files_genesis(const char *dir, struct buf *ret,
                                   struct weft_err *e) WEFT_MUST_CHECK;

#endif
