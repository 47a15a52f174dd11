/* ledger_verify.h - is this ledger whole?
 *
 * Reads a channel's files from the first byte to the last and holds against
 * each other all that can be: file names and record lengths; block numbers,
 * previous hashes and data hashes; the metadata (slot_check.h); a peer's commit
 * hashes (commit_hash_check.h); the channel's name; the block file checkpoint;
 * every key and value of the index, none missing and none too many.
 * The first thing that does not fit is the error, with block and file.
 *
 * What may differ and still be whole is what a node mends by itself when it
 * starts: no index, or one that lags behind the files.  That is a note.
 *
 * What can't be seen from the files alone: that the last blocks are gone, if
 * there is no index that knew them; on a peer without an index, another flag
 * in a block whose commit hash can't be computed.  Whether an orderer's
 * certificate may sign is a question of the channel's configuration: it is
 * asked above this layer, in deps->block.
 *
 * Go origin   none
 * Owner       one thread; changes nothing
 * Memory      a megabyte or the largest record, LevelDB's caches; not the chain
 */
#ifndef WEFT_LEDGER_LEDGER_VERIFY_H
#define WEFT_LEDGER_LEDGER_VERIFY_H

#include "ledger/ledger_dir.h"

struct ledger_verify_deps {
    void *ctx;
    /* Now and then: bytes of the files read so far. */
    void (*progress)(void *ctx, uint64_t bytes);
    /* Something worth saying that is no fault. */
    void (*note)(void *ctx, const char *text);
    /* What else is to be asked of a block that is whole, one after the other from
     * block 0 on (audit/chain_audit.h); it then checks the signatures in slot 0,
     * all of them.  NULL: nothing. */
    enum weft_code (*block)(void *ctx, const struct block_view *v, struct weft_err *e);
};

struct ledger_verified {
    uint64_t blocks, txs, bytes, files;
    uint64_t signatures;    /* of orderers, checked */
    uint64_t commit_hashes; /* of a peer, computed again */
    uint64_t index_entries; /* compared; 0 without an index */
    struct digest last_hash;
};

/* WEFT_CORRUPT: the ledger is damaged; the words name block and reason. */
enum weft_code ledger_verify(struct ledger_dir *d, const char *channel,
                             const struct ledger_verify_deps *deps, struct ledger_verified *ret,
                             struct weft_err *e) WEFT_MUST_CHECK;

#endif
