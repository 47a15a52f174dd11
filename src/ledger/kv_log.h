/* kv_log.h - a LevelDB log that can't be read to its end: torn by a crash, or damaged?
 *
 * A log is blocks of 32 KB, in which records lie one after the other; what is written at
 * once is one record, or a first, some middle and a last one:
 *
 *     checksum, 4 bytes | length, 2 | type, 1: 1 whole, 2 first, 3 middle, 4 last | bytes
 *
 * When each write was synced before the next, a crash can spoil the last one only: behind
 * something bad, nothing begins any more.
 *
 *     [ whole ][ whole ][ bad                 KV_LOG_TORN      what is bad was never confirmed
 *     [ whole ][ bad ][ whole ]               KV_LOG_DAMAGED   it was
 *
 * Go origin   none (vendor/github.com/syndtr/goleveldb/leveldb/journal/journal.go reads them)
 * Owner       any thread
 * Memory      borrows
 * Limits      none: one pass, and behind something bad a try at each byte of the block
 */
#ifndef WEFT_LEDGER_KV_LOG_H
#define WEFT_LEDGER_KV_LOG_H

#include "base/bytes.h"

enum kv_log_state {
    KV_LOG_EMPTY, /* nothing begins in it */
    KV_LOG_WHOLE,
    KV_LOG_TORN,
    KV_LOG_DAMAGED,
};

enum kv_log_state kv_log_look(struct bytes log);

/* How many bytes stand in front of the first bad one: all that a reader may have who wants what
 * was written up to some moment, and nothing later. */
size_t kv_log_good_len(struct bytes log);

#endif
