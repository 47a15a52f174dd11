/* block_record.h - a block as it lies in a block file.
 *
 *     record   = varint length, body
 *     body     = varint number, data hash, previous hash      each hash: varint length, bytes
 *                varint count, count x (varint length, envelope)
 *                varint count, count x (varint length, metadata slot)
 *
 * Worked example, block 0 with two "envelopes" tx1 and tx2 and five slots of
 * which the third is 00 00:
 *
 *     34 | 00 | 20 <32> | 00 | 02 | 03 747831 | 03 747832 | 05 | 00 00 020000 00 00
 *
 * Mind the order: data hash first.  There is no checksum; what guards a
 * record are its hashes.
 *
 * Go origin   common/ledger/blkstorage/block_serialization.go
 * Differs     bytes after the last slot and over-long varints are refused: no
 *             node writes them, and Go does not look
 * Owner       any thread
 * Memory      a parsed view borrows the body
 * Limits      LIMIT_BLOCK_BYTES, LIMIT_BLOCK_TXS, LIMIT_BLOCK_METADATA_SLOTS
 */
#ifndef WEFT_LEDGER_BLOCK_RECORD_H
#define WEFT_LEDGER_BLOCK_RECORD_H

#include "proto/block.h"

/* Reads a body into the view (all three parts present).  *ret_txs_at is the
 * offset in the body of the first envelope's length varint. */
enum weft_code block_record_parse(struct bytes body, struct block_view *v, size_t *ret_txs_at,
                                  struct weft_err *e) WEFT_MUST_CHECK;

/* How long the whole record is. */
size_t block_record_len(const struct block_view *v);
/* Appends it, length first; *ret_txs_at as above but counted from the
 * record's start. */
void block_record_encode(const struct block_view *v, struct buf *out, size_t *ret_txs_at);
/* The same in pieces, for who only writes it: the envelopes where they lie, what is between them
 * in `own`, which is empty before and stays as it is as long as the pieces are used. */
void block_record_pieces(const struct block_view *v, struct buf *own, struct bytes_list *pieces,
                         size_t *ret_txs_at);

#endif
