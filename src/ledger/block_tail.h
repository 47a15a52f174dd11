/* block_tail.h - was it a crash that spoilt the end of the block files?
 *
 * A record that cannot be right is either what a crash left of a write that
 * was never synced, and may be cut off, or damage to a block that was stored,
 * and must be refused.  What tells one from the other is in the bytes from
 * the record on to the end of the file:
 *
 *   zero      all zeros: the size of the file was saved, its data was not
 *   followed  a whole block with a higher number and the right data hash lies
 *             further on: as a rule the bad one was stored before it
 *   hole      before that block, or anywhere, a page is zeros from the record
 *             on: its size was saved, and other pages, but not this one
 *   begins    the record is zeros up to the end of its page, be these a few:
 *   zero      no record begins so, but for a few it is as well one spoilt byte
 *
 * The block is found wherever it begins, since a bad length leads nowhere.
 *
 * Go origin   none (Go cuts off whatever is shorter than its length says, and
 *             takes the rest for blocks)
 * Owner       whoever opens the store
 * Memory      the bytes in question
 * Limits      BLOCK_TAIL_BYTES_MAX: longer tails count as followed
 */
#ifndef WEFT_LEDGER_BLOCK_TAIL_H
#define WEFT_LEDGER_BLOCK_TAIL_H

#include "ledger/block_file.h"

enum {
    BLOCK_TAIL_BYTES_MAX = 256 << 20
};

struct block_tail {
    bool zero, hole, begins_zero, followed;
};

/* Looks at the file from `bad` on; the record there should have been block
 * `number`. */
enum weft_code block_tail_look(const char *dir, const struct block_place *bad, uint64_t number,
                               struct block_tail *ret, struct weft_err *e) WEFT_MUST_CHECK;

#endif
