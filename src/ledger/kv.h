/* kv.h - a LevelDB folder, as Fabric's nodes keep theirs.
 *
 * One folder holds many logical databases: the key of channel `ch` is
 * "ch" 00 key.  A folder may carry a format mark (key "_" 00 "f"), which must
 * be the expected one.
 *
 * Two things make a folder safe to hand to a Go node at any time:
 *  - the lock: LevelDB's own (fcntl) and goleveldb's (flock) do not see each
 *    other, so kv_open takes the flock on LOCK as well;
 *  - the log: goleveldb passes over log records that are older than the last
 *    sequence number in the manifest, and LevelDB writes such manifests while
 *    it compacts.  What must be seen by a Go node after a kill has to be in a
 *    table first: kv_flush.  kv_close flushes.
 *
 * Go origin   common/ledger/util/leveldbhelper/leveldb_provider.go leveldb_helper.go
 * Differs     paranoid checks and checksums are on: damage is seen
 * Owner       open and close by the wiring; the rest from any thread
 * Memory      LevelDB's: a write buffer of 4 MB, a cache of 2 MB, open tables
 * Limits      none
 */
#ifndef WEFT_LEDGER_KV_H
#define WEFT_LEDGER_KV_H

#include "base/bytes.h"

struct kv;

/* Opens the folder, making it if it is missing or empty.  `format` is the mark
 * that must be there ("" none; an empty folder gets it).  WEFT_UNAVAILABLE when
 * another process has it, WEFT_INVALID for another format, WEFT_CORRUPT when
 * LevelDB can't make sense of it, or could not of a part of it earlier: damage
 * that shows when something is read is noted in the folder (file DAMAGED). */
enum weft_code kv_open(const char *path, const char *format, struct kv **ret,
                       struct weft_err *e) WEFT_MUST_CHECK;

/* The same for what can't be made again, or not all of it, and whose writes are all synced: what
 * a crash has torn at the end of the log nobody was told of, and it is passed over, with a line in
 * the log.  Damage elsewhere is WEFT_CORRUPT (kv_log.h). */
enum weft_code kv_open_mending(const char *path, const char *format, struct kv **ret,
                               struct weft_err *e) WEFT_MUST_CHECK;

/* The same for what can be made again from any earlier state of it, and is not synced with each
 * write: behind a hole in the log nothing is believed. It is as it was at some moment, not later
 * than the crash and not earlier than the last write that was synced. */
enum weft_code kv_open_cutting(const char *path, const char *format, struct kv **ret,
                               struct weft_err *e) WEFT_MUST_CHECK;

/* Opens what is there now to read it, changing nothing in the folder: the
 * tables are linked into a temporary folder, the rest is copied there. */
enum weft_code kv_open_copy(const char *path, struct kv **ret, struct weft_err *e) WEFT_MUST_CHECK;
/* The same, as kv_open_cutting would find it. */
enum weft_code kv_open_copy_cutting(const char *path, struct kv **ret,
                                    struct weft_err *e) WEFT_MUST_CHECK;

/* "000004.log is bad from byte 132 on": where something was cut off when it was opened.  NULL:
 * nowhere. */
const char *kv_cut(const struct kv *kv);

/* Flushes, so that a Go node finds everything, and closes. */
void kv_close(struct kv *kv);
WEFT_DEFINE_CLEANUP(struct kv *, kv_close)

/* The value, or found = false.  The caller frees ret's memory with buf_done;
 * it is only written when found. */
enum weft_code kv_get(struct kv *kv, struct bytes key, bool *ret_found, struct buf *ret,
                      struct weft_err *e) WEFT_MUST_CHECK;

/* The folder as it is now, whatever is written later; given back before it is closed. */
struct kv_snapshot;
struct kv_snapshot *kv_snapshot_new(struct kv *kv);
void kv_snapshot_free(struct kv_snapshot *s);
WEFT_DEFINE_CLEANUP(struct kv_snapshot *, kv_snapshot_free)
/* As kv_get, back then. */
enum weft_code kv_snapshot_get(struct kv_snapshot *s, struct bytes key, bool *ret_found,
                               struct buf *ret, struct weft_err *e) WEFT_MUST_CHECK;

/* Changes that become visible together. */
struct kv_batch;
struct kv_batch *kv_batch_new(void);
void kv_batch_free(struct kv_batch *b);
WEFT_DEFINE_CLEANUP(struct kv_batch *, kv_batch_free)
void kv_batch_put(struct kv_batch *b, struct bytes key, struct bytes value);
void kv_batch_delete(struct kv_batch *b, struct bytes key);
/* Bytes of keys and values since the last clear. */
size_t kv_batch_bytes(const struct kv_batch *b);
void kv_batch_clear(struct kv_batch *b);

enum weft_code kv_write(struct kv *kv, const struct kv_batch *b, bool sync,
                        struct weft_err *e) WEFT_MUST_CHECK;

/* Moves everything written so far from the log into tables. */
void kv_flush(struct kv *kv);

/* Keys from `start` on, in byte order.  Key and value are good until the next call. */
struct kv_iter;
struct kv_iter *kv_iter_new(struct kv *kv, struct bytes start);
struct kv_iter *kv_snapshot_iter_new(struct kv_snapshot *s, struct bytes start);
void kv_iter_free(struct kv_iter *it);
WEFT_DEFINE_CLEANUP(struct kv_iter *, kv_iter_free)
/* found = false at the end. */
enum weft_code kv_iter_next(struct kv_iter *it, bool *ret_found, struct bytes *ret_key,
                            struct bytes *ret_value, struct weft_err *e) WEFT_MUST_CHECK;

/* Moves a folder that LevelDB can't make sense of to <path>.damaged, over what is there: one is
 * kept for whoever wants to know why.  Fine when it is not there. */
enum weft_code kv_set_aside(const char *path, struct weft_err *e) WEFT_MUST_CHECK;

/* Removes a folder that LevelDB can't open, so that it can be made anew. */
enum weft_code kv_destroy(const char *path, struct weft_err *e) WEFT_MUST_CHECK;

#endif
