/* block_index.h - where in the files each block and transaction lies.
 *
 * The keys of one channel in the index database, after "<channel>" 00:
 *
 *   'n' order(block)                          -> place of the block      orderer and peer
 *   'h' hash                                  -> place of the block      peer
 *   't' order(len) txid order(block) order(tx) -> TxIDIndexValue         peer
 *   'a' order(block) order(tx)                -> place of the envelope   peer
 *   "indexCheckpointKey"                      -> varint, last block that is indexed
 *   "blkMgrInfo"                              -> block_checkpoint.h
 *
 * A place is varint file, varint offset, varint length; a block's length is 0,
 * an envelope's counts its length varint.  An id that occurs twice has two
 * keys; the first one counts.
 *
 * Go origin   common/ledger/blkstorage/blockindex.go
 * Differs     the checkpoint is written when the entries are in tables, not
 *             with each block (block_store.h says why)
 * Owner       lookups from any thread; adding by the store's owner
 * Memory      none kept
 * Limits      a transaction id as long as its message allows
 */
#ifndef WEFT_LEDGER_BLOCK_INDEX_H
#define WEFT_LEDGER_BLOCK_INDEX_H

#include "ledger/block_file.h"
#include "ledger/kv.h"
#include "proto/block.h"

/* An orderer's index knows block numbers only, a peer's everything. */
enum block_index_kind {
    BLOCK_INDEX_ORDERER,
    BLOCK_INDEX_PEER,
};

/* The format mark of such a database (kv_open). */
const char *block_index_format(enum block_index_kind kind);

struct block_loc {
    uint64_t file, offset, len;
};

void block_loc_encode(const struct block_loc *loc, struct buf *out);
enum weft_code block_loc_parse(struct bytes b, struct block_loc *ret,
                               struct weft_err *e) WEFT_MUST_CHECK;

/* What a transaction id leads to. */
struct tx_loc {
    struct block_loc block, tx;
    int32_t validation_code;
};
enum weft_code tx_loc_parse(struct bytes value, struct tx_loc *ret,
                            struct weft_err *e) WEFT_MUST_CHECK;
void tx_loc_encode(const struct tx_loc *loc, struct buf *out);

/* The parts of a 't' key after the channel prefix; false if it is none. */
bool tx_id_key_parse(struct bytes key, struct bytes *ret_tx_id, uint64_t *ret_block,
                     uint64_t *ret_tx);

struct block_index {
    struct kv *kv;
    const char *channel;
    enum block_index_kind kind;
};

/* "<channel>" 00 key, into a buffer that is cleared first. */
void block_index_key(const struct block_index *ix, struct bytes key, struct buf *out);

/* Calls `take` with every key and value that a block has in this index (not
 * the checkpoints).  `txs_at` is the offset of the first envelope's length in
 * the record.  A peer's block must carry one flag a transaction. */
typedef enum weft_code block_index_entry_fn(void *ctx, struct bytes key, struct bytes value,
                                            struct weft_err *e);
struct block_index_sink {
    block_index_entry_fn *take;
    void *ctx;
};
enum weft_code block_index_entries(const struct block_index *ix, const struct block_view *v,
                                   const struct block_place *place, size_t txs_at,
                                   const struct digest *hash, const struct block_index_sink *sink,
                                   struct weft_err *e) WEFT_MUST_CHECK;

/* The same into a batch. */
enum weft_code block_index_add(const struct block_index *ix, struct kv_batch *batch,
                               const struct block_view *v, const struct block_place *place,
                               size_t txs_at, const struct digest *hash,
                               struct weft_err *e) WEFT_MUST_CHECK;

/* Lookups.  WEFT_NOT_FOUND "Entry not found in index"; WEFT_INVALID "attribute
 * not indexed" for what an orderer does not index. */
enum weft_code block_index_by_number(const struct block_index *ix, uint64_t number,
                                     struct block_loc *ret, struct weft_err *e) WEFT_MUST_CHECK;
/* Does it know of a block with that number or a higher one? */
enum weft_code block_index_reaches(const struct block_index *ix, uint64_t number, bool *ret,
                                   struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code block_index_by_hash(const struct block_index *ix, struct bytes hash,
                                   struct block_loc *ret, struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code block_index_by_tx_id(const struct block_index *ix, struct bytes tx_id,
                                    struct tx_loc *ret, struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code block_index_by_tx(const struct block_index *ix, uint64_t block, uint64_t tx,
                                 struct block_loc *ret, struct weft_err *e) WEFT_MUST_CHECK;

/* The transaction ids of the index in the order of their keys, an id that occurs twice twice:
 * calls `take` with at most `most` of them.  *at is where to begin, empty at first, and where
 * to go on; ret_end: there are no more. */
enum weft_code block_index_tx_ids(const struct block_index *ix, struct buf *at, size_t most,
                                  void (*take)(void *ctx, struct bytes tx_id), void *ctx,
                                  bool *ret_end, struct weft_err *e) WEFT_MUST_CHECK;

/* The last block that is indexed for certain; found = false when none is. */
enum weft_code block_index_checkpoint(const struct block_index *ix, bool *ret_found,
                                      uint64_t *ret_block, struct weft_err *e) WEFT_MUST_CHECK;
void block_index_put_checkpoint(const struct block_index *ix, struct kv_batch *batch,
                                uint64_t block);
void block_index_drop_checkpoint(const struct block_index *ix, struct kv_batch *batch);

#endif
