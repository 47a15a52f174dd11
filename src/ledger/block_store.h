/* block_store.h - the blocks of one channel on disk, in Fabric's files.
 *
 *     chains/mychannel/blockfile_000000 ...     records (block_record.h)
 *     index/                                    LevelDB (block_index.h)
 *
 * Appending writes the record to the newest file, syncs it, then writes the
 * index; only then is the block announced: the height moves on, watchers are
 * called, readers find it.  A block that was announced survives any crash, a
 * block that was not is gone or whole after one.
 *
 * Many blocks at once share their syncs: append each with BLOCK_APPEND_LATER,
 * then block_store_sync() announces all of them.
 *
 * What is on disk when.  The files are the truth, the index follows:
 *  - the index checkpoint is written only after the entries were moved into
 *    tables (an orderer's at each new file, a peer's every fourth; at close),
 *    so that neither our recovery nor a Go node that opens the folder after a
 *    kill can trust an entry that is not there: both index again what lies
 *    behind it;
 *  - the block file checkpoint, which says how far the files are good, is
 *    written with the entries, and synced where a group of blocks shared a
 *    sync; what lies behind it after a crash are whole blocks that had a sync
 *    each, and then what nobody was told of;
 *  - the block file checkpoint names a new file and is synced before the first
 *    block goes into it; an orderer's is in a table then, because a Go node
 *    looks at the newest file that it knows only.  A peer's folder no Go node
 *    takes over after a kill (docs/decisions/0010, 0014).
 *
 * Example: b7 arrives at height 7:
 *     block_store_append(bs, &b7->v, BLOCK_APPEND_SYNC, &e);
 *     block_store_height(bs) == 8
 *
 * Go origin   common/ledger/blkstorage/blockfile_mgr.go blockstore.go
 *             common/ledger/blkstorage/blockstore_provider.go
 * Differs     one fsync a block instead of two; new files are synced with
 *             their folder; recovery checks what it reads
 * Owner       append, sync, close: one thread (chain:<id>, commit:<id>).
 *             Reading, iterating, height: any thread
 * Memory      the encoded record and its index entries, the newest block; a read gives one
 * Limits      BLOCK_FILE_BYTES_MAX a file (a larger block has one to itself),
 *             those of block_record.h
 */
#ifndef WEFT_LEDGER_BLOCK_STORE_H
#define WEFT_LEDGER_BLOCK_STORE_H

#include "base/mailbox.h"
#include "ledger/block_index.h"

/* ---- the folder of all channels ------------------------------------------------ */

/* Where things lie below the folder of an orderer (FileLedger.Location) or a
 * peer (ledgersData). */
enum ledger_layout {
    LEDGER_ORDERER, /* chains/<channel>, index */
    LEDGER_PEER,    /* chains/chains/<channel>, chains/index, fileLock */
};

struct block_stores;

/* Opens the index and takes the locks: WEFT_UNAVAILABLE when another node, ours
 * or a Go one, has the folder.  A damaged index is set aside and made anew. */
enum weft_code block_stores_open(const char *root, enum ledger_layout layout,
                                 struct block_stores **ret, struct weft_err *e) WEFT_MUST_CHECK;
/* After all stores are closed. */
void block_stores_close(struct block_stores *s);
WEFT_DEFINE_CLEANUP(struct block_stores *, block_stores_close)

/* For tests: another limit of a file's size. */
void block_stores_set_file_bytes(struct block_stores *s, uint64_t most);

/* Folders below chains/, sorted. */
struct dir_list;
enum weft_code block_stores_list(const struct block_stores *s, struct dir_list *ret,
                                 struct weft_err *e) WEFT_MUST_CHECK;

/* Removes a channel that is not open: its files, and its part of the index.  What
 * a crash leaves of it is removed with the next open. */
enum weft_code block_stores_remove(struct block_stores *s, const char *channel,
                                   struct weft_err *e) WEFT_MUST_CHECK;

/* ---- one channel --------------------------------------------------------------- */

struct block_store;

/* Opens the channel, making it if it is not there, and recovers it. */
enum weft_code block_store_open(struct block_stores *s, const char *channel,
                                struct block_store **ret, struct weft_err *e) WEFT_MUST_CHECK;
void block_store_close(struct block_store *bs);
WEFT_DEFINE_CLEANUP(struct block_store *, block_store_close)

enum block_append {
    BLOCK_APPEND_SYNC,  /* durable and announced on return */
    BLOCK_APPEND_LATER, /* with the next block_store_sync */
};

/* The next block.  WEFT_INVALID, and nothing changed, for a wrong number or
 * previous hash.  WEFT_IO when the disk fails: the file is as before, and the
 * store may be tried again after a failed write but not after a failed sync:
 * then every call says so until the store is opened again. */
enum weft_code block_store_append(struct block_store *bs, const struct block_view *v,
                                  enum block_append how, struct weft_err *e) WEFT_MUST_CHECK;
/* Would it be the next one?  WEFT_INVALID as above; for who does something before. */
enum weft_code block_store_check_next(const struct block_store *bs, const struct block_view *v,
                                      struct weft_err *e) WEFT_MUST_CHECK;
/* Makes durable what was appended with BLOCK_APPEND_LATER.  It is not announced yet: what is made
 * of the blocks may be written first. */
enum weft_code block_store_flush(struct block_store *bs, struct weft_err *e) WEFT_MUST_CHECK;
/* The same, and announces it. */
enum weft_code block_store_sync(struct block_store *bs, struct weft_err *e) WEFT_MUST_CHECK;

/* A flush in parts, one at a time, so that appending goes on meanwhile: what is appended after
 * the begin belongs to the next one.  Until the end nothing may be appended that needs a new file
 * (block_store_has_room), flushed or closed.
 *     begin        owner; not any: there is nothing to do, and no end is wanted.  If a record of
 *                  `next_bytes`, the next one, would not go into the newest file, the flush
 *                  begins another for it, and nothing is appended until its end; 0: not known
 *     file, index  any thread, in this order and once; after a failure no more of them
 *     tables       the same, behind them, at any time before the end; takes long now and then.
 *                  If it fails the flush is done, but nothing more should be
 *     end          owner; not done: the store is broken, as after a sync that failed
 *     announce     owner; what is durable */
enum weft_code block_store_flush_begin(struct block_store *bs, uint64_t next_bytes, bool *ret_any,
                                       struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code block_store_flush_file(struct block_store *bs, struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code block_store_flush_index(struct block_store *bs, struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code block_store_flush_tables(struct block_store *bs, struct weft_err *e) WEFT_MUST_CHECK;
void block_store_flush_end(struct block_store *bs, bool is_done);
void block_store_announce(struct block_store *bs);
/* Does the next record, of that size, go into the newest file? */
bool block_store_has_room(const struct block_store *bs, uint64_t record_bytes);

/* How many blocks are announced. */
uint64_t block_store_height(const struct block_store *bs);
/* Height and the two newest hashes, for getinfo.  The hashes are empty at
 * height 0, the previous one at height 1. */
struct block_store_info {
    uint64_t height;
    struct digest current_hash, previous_hash;
};
void block_store_info(struct block_store *bs, struct block_store_info *ret);

/* UINT64_MAX is the newest.  WEFT_NOT_FOUND beyond the end. */
enum weft_code block_store_read(struct block_store *bs, uint64_t number, struct block **ret,
                                struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code block_store_read_by_hash(struct block_store *bs, struct bytes hash,
                                        struct block **ret, struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code block_store_read_by_tx_id(struct block_store *bs, struct bytes tx_id,
                                         struct block **ret, struct weft_err *e) WEFT_MUST_CHECK;
/* The envelope's bytes, into a buffer that the caller ends. */
enum weft_code block_store_read_tx(struct block_store *bs, uint64_t block, uint64_t tx,
                                   struct buf *ret, struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code block_store_read_tx_by_id(struct block_store *bs, struct bytes tx_id,
                                         struct buf *ret, struct weft_err *e) WEFT_MUST_CHECK;
/* Is there a transaction with this id among the durable blocks, valid or not? */
enum weft_code block_store_has_tx_id(struct block_store *bs, struct bytes tx_id, bool *ret,
                                     struct weft_err *e) WEFT_MUST_CHECK;
/* All ids of durable transactions, some at a time (block_index_tx_ids). */
enum weft_code block_store_tx_ids(struct block_store *bs, struct buf *at, size_t most,
                                  void (*take)(void *ctx, struct bytes tx_id), void *ctx,
                                  bool *ret_end, struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code block_store_validation_code(struct block_store *bs, struct bytes tx_id, int32_t *ret,
                                           struct weft_err *e) WEFT_MUST_CHECK;

/* The newest announced block, for those who waited for it: a reference to one that owns its bytes.
 * NULL: it has more than BLOCK_TIP_BYTES, others are appended behind it, or none came since the
 * store was opened. */
enum {
    BLOCK_TIP_BYTES = 64 << 10
};
struct block *block_store_tip(struct block_store *bs);

/* ---- waiting for blocks ----------------------------------------------------------- */

/* Tells one thread, by mail, that the height moved on: one message on its way
 * at a time, however many blocks come.  `handle` runs on the owner of `mb`. */
struct block_watch {
    struct mail mail;
    struct mailbox *mb;
    void (*handle)(struct block_watch *w, uint64_t height, void *owner);
    struct block_store *bs;
    _Atomic bool on_its_way;
};

enum {
    BLOCK_WATCHES_MAX = 64
};

/* Before the store's thread starts, or on it.  Keeps `w` until unwatch. */
void block_store_watch(struct block_store *bs, struct block_watch *w);
void block_store_unwatch(struct block_store *bs, struct block_watch *w);

/* ---- iterating -------------------------------------------------------------------- */

/* Reads block after block, and knows to wait at the tip: no thread stands
 * still in it. */
struct block_iter;

/* From block `start` on, which may lie beyond the tip. */
struct block_iter *block_iter_new(struct block_store *bs, uint64_t start);
void block_iter_free(struct block_iter *it);
WEFT_DEFINE_CLEANUP(struct block_iter *, block_iter_free)

/* It has read from the file that the next block most likely is in. */
bool block_iter_is_open(const struct block_iter *it);

/* The next block, or NULL when it is not there yet: call again when a watch
 * says that the height moved on. */
enum weft_code block_iter_next(struct block_iter *it, struct block **ret,
                               struct weft_err *e) WEFT_MUST_CHECK;
/* The same without a copy: good until the iterator's next call.  One that owns its bytes
 * (b->owner), as large ones do, may be kept with block_ref. */
enum weft_code block_iter_lend(struct block_iter *it, struct block **ret,
                               struct weft_err *e) WEFT_MUST_CHECK;
/* The same for a thread that must not be held up: WEFT_UNAVAILABLE, and nothing is lost, when the
 * block is not in the system's cache, or is large, or no file is open. */
enum weft_code block_iter_lend_hastily(struct block_iter *it, struct block **ret,
                                       struct weft_err *e) WEFT_MUST_CHECK;

#endif
