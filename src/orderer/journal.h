/* journal.h - accepted messages that are in no block yet, on disk.
 *
 * A client that was told SUCCESS may forget its message.  Most messages go into
 * a block that is synced before the answer; those that wait in the block cutter
 * are written here instead, together with all others of the same turn, and
 * synced once.
 *
 *     turn 1   two come, none is cut     journal: [5.0] [5.1]      sync, answer both
 *     turn 2   one comes                 journal: [5.0] [5.1] [5.2]
 *     turn 3   a fourth cuts block 5     block 5 is synced, answer; nothing is written here
 *     turn 4   one comes                 journal: [6.0] [5.1] [5.2]
 *
 * A record says where its message is going to be: [5.1] is message 1 of block 5,
 * because what is pending always becomes the next block as it stands.  So one
 * knows at start whether it has come there, and old records need not be removed:
 * the next block's are written over them, in place, and the file keeps its size,
 * which makes the sync cheap.
 *
 *     file   = "WEFTJRN1", 32 bytes: the first block's header hash, crc32c, zeros up to 64
 *     record = length of the envelope, crc32c of what follows: 4 bytes each
 *              block 8, index 4, config sequence 8, the envelope
 *     numbers are little endian
 *
 * Reading stops at the first record that is not whole or not the next one: it was
 * not acknowledged, or is of an older block.
 *
 * Go origin   none: Fabric loses what is pending when the process ends
 * Owner       chain:<id>
 * Memory      the records of one turn; at open what was found, until journal_forget
 * Limits      LIMIT_BLOCK_BYTES a record
 */
#ifndef WEFT_ORDERER_JOURNAL_H
#define WEFT_ORDERER_JOURNAL_H

#include "base/bytes.h"
#include "crypto/sha256.h"

struct block;
struct journal;

struct journal_record {
    uint64_t block;
    uint32_t index;
    uint64_t config_sequence; /* under which the message was accepted */
    struct bytes envelope;
};

/* Opens it, or makes it.  `first_block` is the hash of block 0's header: a file
 * of another chain is moved aside.  WEFT_CORRUPT: it is no journal. */
enum weft_code journal_open(const char *path, const struct digest *first_block,
                            struct journal **ret, struct weft_err *e) WEFT_MUST_CHECK;
void journal_close(struct journal *j);
WEFT_DEFINE_CLEANUP(struct journal *, journal_close)

/* What was there at open, in order: the messages of one block, from index 0 on. */
size_t journal_found_count(const struct journal *j);
const struct journal_record *journal_found(const struct journal *j, size_t i);
void journal_forget(struct journal *j);
/* Says of each that was found whether it is in a block by now, `last` being the newest: in that
 * where all of them were going to be or, if another orderer has written it, perhaps in one behind
 * it.  Each block is read once: there may be many. */
enum weft_code journal_find_done(const struct journal *j, uint64_t last,
                                 enum weft_code (*read_block)(void *ctx, uint64_t number,
                                                              struct block **ret,
                                                              struct weft_err *e),
                                 void *ctx, bool *done, struct weft_err *e) WEFT_MUST_CHECK;

/* Another record, for the next sync.  Index 0 begins a block. */
void journal_add(struct journal *j, const struct journal_record *r);
/* Writes what was added and syncs it.  WEFT_UNAVAILABLE: it could not be written,
 * it is as before the adds, and may be tried again later (a full disk).  WEFT_IO: the
 * sync failed, nobody knows what is there. */
enum weft_code journal_sync(struct journal *j, struct weft_err *e) WEFT_MUST_CHECK;
/* Begins anew, in one step, with what was added and nothing else. */
enum weft_code journal_replace(struct journal *j, struct weft_err *e) WEFT_MUST_CHECK;

/* For the fuzz target: the records in a file's bytes. */
struct journal_records {
    struct journal_record *at;
    size_t count, cap;
    uint64_t end; /* where the next one would begin */
};
void journal_parse(struct bytes file, struct journal_records *ret);
void journal_records_done(struct journal_records *r);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct journal_records, journal_records_done)

#endif
