/* block_recovery.h - finds where a channel's blocks end, and brings the index
 * up to them.
 *
 *     files   [0][1][2][3][4][5][6][torn
 *     index    .  .  .  .  ^ checkpoint: everything up to here is indexed
 *     size     .  .  .  .  .  .  ^ block file checkpoint: good up to here, and
 *                                  all that was announced
 *
 * The files are the truth.  From the index checkpoint on every record is read,
 * its number and its previous hash are held against the block before it, and
 * its keys are written again.  Past the block file checkpoint, where a crash
 * may have left anything, the data hash is checked too, and what is whole is
 * synced before anybody hears of it; the first record that is not may be cut
 * off together with what follows if a crash can have left it (block_tail.h).
 * What cannot be the work of a crash is refused: a bad record with a good one
 * behind it, a file shorter than recorded, a missing file.
 *
 * Without an index, or with a damaged one, or one that knows of blocks behind the files' end, all
 * of this starts at block 0.
 *
 * Go origin   common/ledger/blkstorage/blockfile_helper.go
 *             common/ledger/blkstorage/blockfile_mgr.go syncIndex
 * Differs     Go checks nothing of a record but its length, stops at a zero-
 *             filled tail, and looks at the newest file only
 * Owner       whoever opens the store; no other thread yet
 * Memory      a megabyte of files, a megabyte of keys
 * Limits      those of block_record.h
 */
#ifndef WEFT_LEDGER_BLOCK_RECOVERY_H
#define WEFT_LEDGER_BLOCK_RECOVERY_H

#include "ledger/block_checkpoint.h"

struct block_recovered {
    struct block_checkpoint checkpoint;
    struct digest last_hash;     /* of the last block's header; zero when empty */
    struct digest previous_hash; /* in the last block's header */
    size_t previous_hash_len;    /* 0 in block 0 */
    bool all_indexed;            /* the index checkpoint stands at the last block */
};

/* `dir` is the channel's folder.  Writes the index and its checkpoints, cuts
 * a torn tail, says in the log what it did.  WEFT_CORRUPT, with what to do,
 * when the files cannot be trusted. */
enum weft_code block_recover(const struct block_index *ix, const char *dir,
                             struct block_recovered *ret, struct weft_err *e) WEFT_MUST_CHECK;

#endif
