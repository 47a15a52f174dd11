/* block.h - a block: read from bytes, never unpacked into objects.
 *
 *     header    { number, previous_hash, data_hash }
 *     data      [ envelope, envelope, ... ]          signed transactions
 *     metadata  [ signatures, last config, flags, -, commit hash ]
 *
 * A struct block_view holds the number and where everything else lies in the
 * bytes it was read from; a struct block is such a view together with its
 * bytes, counted, immutable once made, shared by all who read, send and write
 * it.
 *
 *   wire form (common.Block)   0a 46 { 08 01 12 20 .. 1a 20 .. } 12 .. { 0a <len> envelope } 1a ..
 *   file form (block_record.h) 01 20 .. 20 ..  01 <len> envelope  05 ...
 *
 * What is hashed and signed are the bytes of the envelopes and the DER form
 * of the header: block_header_hash, block_data_hash.
 *
 * Go origin   protoutil/blockutils.go
 *             vendor/github.com/hyperledger/fabric-protos-go/common/common.pb.go Block
 * Owner       a view: whoever holds it.  A block: any thread, counted atomically
 * Memory      a view borrows the bytes and owns two arrays (block_view_done);
 *             a block owns its bytes, or a reference to what holds them
 * Limits      LIMIT_BLOCK_BYTES, LIMIT_BLOCK_TXS, LIMIT_BLOCK_METADATA_SLOTS
 */
#ifndef WEFT_PROTO_BLOCK_H
#define WEFT_PROTO_BLOCK_H

#include "base/bytes.h"
#include "crypto/sha256.h"

enum block_slot {
    BLOCK_SLOT_SIGNATURES,
    BLOCK_SLOT_LAST_CONFIG,
    BLOCK_SLOT_FLAGS, /* TRANSACTIONS_FILTER: one validation code a transaction */
    BLOCK_SLOT_ORDERER,
    BLOCK_SLOT_COMMIT_HASH,
    BLOCK_SLOT_NR,
};

/* A list of byte strings inside a view; grows, is used again for the next block. */
struct bytes_list {
    struct bytes *at;
    size_t count, cap;
};
void bytes_list_add(struct bytes_list *l, struct bytes b);

struct block_view {
    uint64_t number;
    struct bytes previous_hash, data_hash;
    struct bytes_list txs;   /* the envelopes */
    struct bytes_list slots; /* the metadata */
    bool has_header, has_data, has_metadata;
};

/* Reads the wire form into a view, which may have been used before. */
enum weft_code block_view_parse(struct block_view *v, struct bytes wire,
                                struct weft_err *e) WEFT_MUST_CHECK;
void block_view_done(struct block_view *v);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct block_view, block_view_done)
/* Empties it but keeps its arrays. */
void block_view_reset(struct block_view *v);

/* The slot's bytes; empty when the block has fewer slots. */
struct bytes block_slot(const struct block_view *v, enum block_slot slot);

/* SHA-256 of the header's DER form; the form itself (at most
 * BLOCK_HEADER_DER_MAX bytes more than the two hashes). */
struct digest block_header_hash(const struct block_view *v);
void block_header_der(const struct block_view *v, struct buf *out);
/* SHA-256 over the envelopes, one after the other. */
struct digest block_data_hash(const struct block_view *v);

/* Writes the wire form, as golang/protobuf does (zero values left out). */
void block_encode(const struct block_view *v, struct buf *out);
size_t block_encoded_len(const struct block_view *v);
/* The wire form in pieces, for who copies it anyway later, and maybe often: the envelopes where
 * they lie, what is between them in `own`, which is empty before and stays as it is as long as
 * the pieces are used.  The first begins with `head`, which is whatever goes before the block. */
void block_encode_pieces(const struct block_view *v, struct bytes head, struct buf *own,
                         struct bytes_list *pieces);

struct block {
    struct block_view v; /* first, so that a block can stand for its view */
    struct bytes raw;    /* what the view borrows from */
    void *owner;         /* what holds that memory; NULL: somebody else's business */
    void (*release)(void *owner);
    struct digest data_hash; /* of the envelopes as they are */
    bool has_data_hash;
    _Atomic unsigned refs;
};

/* Copies the wire form and reads it. */
enum weft_code block_parse(struct bytes wire, struct block **ret,
                           struct weft_err *e) WEFT_MUST_CHECK;
/* Reads the wire form where it lies.  `owner`, not NULL, holds it and is the block's from now on:
 * release(owner) comes from whichever thread drops the last reference, or before this returns
 * an error. */
enum weft_code block_parse_in_place(struct bytes wire, void *owner, void (*release)(void *owner),
                                    struct block **ret, struct weft_err *e) WEFT_MUST_CHECK;
/* A block around bytes that a parser then reads into its view; takes the
 * buffer and leaves it empty. */
struct block *block_adopt(struct buf *raw);
/* Works out the data hashes of many blocks at once, which is cheaper (sha256_many.h), and leaves
 * them with the blocks, which nobody else has yet. */
void blocks_hash_data(struct block *const *blocks, size_t count);
/* What was worked out, or else works it out. */
struct digest block_data_hash_of(const struct block *b);
struct block *block_ref(struct block *b);
void block_unref(struct block *b);
WEFT_DEFINE_CLEANUP(struct block *, block_unref)

#endif
