/* block_writer.h - makes blocks of batches: numbers, hashes, metadata, signature.
 *
 *     number         the last one + 1
 *     previous_hash  SHA-256 of the last header's DER form
 *     data_hash      SHA-256 over the envelopes
 *     slot 0         Metadata { value, signatures = [ one ] }
 *                      value     = OrdererBlockMetadata { LastConfig, Metadata { consenter's own } }
 *                      signature over value, signature header, and the header's DER form
 *     slot 1         Metadata { LastConfig }
 *     slots 2..4     empty
 *
 * LastConfig is the number of the newest config block: this block's own, if the
 * configuration's sequence has grown since the last one.
 *
 * Worked example, solo, a channel whose config is block 0: a LastConfig of 0 has
 * no bytes, so value is 0a 00 (field 1, empty) and slot 1 is empty.  With the
 * config in block 5: value is 0a 02 08 05, slot 1 is 0a 02 08 05.
 *
 * Go origin   orderer/common/multichannel/blockwriter.go
 * Differs     a block is signed and appended where it is made, in order: no
 *             second goroutine and its lock; many blocks share a sync
 * Owner       chain:<id>
 * Memory      the last header's hash; what a block is made of is the caller's
 * Limits      those of block_store.h
 */
#ifndef WEFT_ORDERER_BLOCK_WRITER_H
#define WEFT_ORDERER_BLOCK_WRITER_H

#include "proto/block.h"

struct batch;

enum {
    BLOCK_WRITER_NONCE = 24
};

struct block_writer_deps {
    void *ctx;
    struct bytes creator; /* our SerializedIdentity */
    enum weft_code (*nonce)(void *ctx, uint8_t ret_nonce[BLOCK_WRITER_NONCE], struct weft_err *e);
    enum weft_code (*sign)(void *ctx, struct bytes message, struct buf *out, struct weft_err *e);
    /* Stores the block; it need not be durable yet.  WEFT_IO: not now, as before. */
    enum weft_code (*append)(void *ctx, const struct block_view *v, struct weft_err *e);
};

struct block_writer {
    struct block_writer_deps deps;
    uint64_t number; /* of the last block */
    struct digest hash;
    uint64_t last_config, last_config_sequence;
    /* Used again for each block. */
    struct block_view view;
    struct buf work[4];
};

/* `last` is the newest block there is; `sequence` the configuration's, now.
 * WEFT_CORRUPT: "Error extracting last config block from block metadata: ...". */
enum weft_code block_writer_init(struct block_writer *w, const struct block_writer_deps *deps,
                                 const struct block_view *last, uint64_t sequence,
                                 struct weft_err *e) WEFT_MUST_CHECK;
void block_writer_done(struct block_writer *w);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct block_writer, block_writer_done)

/* The next block, appended.  `sequence` is that of the configuration which the
 * block is written under: a config block's own.  `consenter` may be empty.  On
 * failure nothing has happened, and the same may be tried again. */
enum weft_code block_writer_write(struct block_writer *w, const struct batch *batch,
                                  struct bytes consenter, uint64_t sequence,
                                  struct weft_err *e) WEFT_MUST_CHECK;

/* For tests: slot 0's value. */
void block_writer_value(uint64_t last_config, struct bytes consenter, struct buf *out);

#endif
