/* block_store_private.h - what the files of the block store share.
 *
 * block_stores.c has the folder of all channels, block_store.c appending,
 * block_store_flush.c what makes it last, block_read.c reading and iterating.
 *
 * Go origin   none
 * Owner       see block_store.h
 */
#ifndef WEFT_LEDGER_BLOCK_STORE_PRIVATE_H
#define WEFT_LEDGER_BLOCK_STORE_PRIVATE_H

#include "base/snapshot.h"
#include "ledger/block_checkpoint.h"
#include "ledger/block_store.h"

#include <stdatomic.h>

struct block_stores {
    enum block_index_kind kind;
    uint64_t file_bytes_max;
    char *root;
    char *chains; /* the folder of the channels' folders */
    struct kv *index;
    struct kv *file_lock; /* peer only */
};

/* Makes a folder below `root`, and sees to it that it and those above it are
 * there after a power failure too: also when an earlier process made them and
 * was stopped before that. */
enum weft_code dir_make_lasting(const char *root, const char *path,
                                struct weft_err *e) WEFT_MUST_CHECK;

/* What is being made durable while more is appended: the thread's that syncs, from begin to end. */
struct block_flush {
    struct block_checkpoint until;
    struct kv_batch *batch; /* its index entries, and the checkpoint */
    uint64_t bytes;         /* that the index checkpoint moves on by, if it saves the index */
    bool has_blocks;        /* it may be wanted for the new file alone */
    bool begins_file;       /* the next block goes into a new file */
    bool is_index_synced, saves_index;
    bool is_out, is_index_saved;
    _Atomic bool is_file_synced; /* the owner looks, too */
    int next_fd;                 /* the new file; -1: not open */
    char *next_path;
};

struct block_store {
    struct block_index ix;
    char *channel, *dir;
    uint64_t file_bytes_max;

    /* The owner's. */
    struct block_checkpoint written; /* with what is not yet synced */
    struct block_checkpoint durable; /* announced */
    struct digest written_hash;      /* of the last block written */
    int fd;                          /* the newest file */
    char *path;
    uint64_t sent;            /* so far the system was asked to write the newest file */
    struct buf record;        /* what is written: all of a small block, of a large one what lies */
    struct bytes_list pieces; /* between its envelopes */
    size_t record_len;
    struct kv_batch *batch; /* index entries of what is not yet synced, nor being synced */
    struct block_flush flush;
    uint64_t unsaved_bytes; /* of blocks, since the index went into tables */
    bool broken;            /* a sync failed: nobody knows what is on disk */
    bool has_record;        /* it is the last block written */
    bool is_file_begun;     /* the newest file, for the next block, whatever its size */

    /* Everybody's. */
    _Atomic uint64_t height;
    _Atomic(struct block_watch *) watches[BLOCK_WATCHES_MAX];
    struct snapshot *tip; /* a block, or NULL */
};

/* Takes a record's body, which is block `want`. */
enum weft_code block_of_body(struct buf *body, uint64_t want, struct block **ret,
                             struct weft_err *e) WEFT_MUST_CHECK;

/* Opens the file that is written to, making it if need be. */
enum weft_code block_store_open_newest(struct block_store *bs, struct weft_err *e) WEFT_MUST_CHECK;
/* A new file for a record of that size.  If it can't be made, all is as before. */
enum weft_code block_store_begin_file(struct block_store *bs, uint64_t next_bytes,
                                      struct weft_err *e) WEFT_MUST_CHECK;
/* The file ends again where it ended before.  If even that fails, nobody knows what is there. */
void block_store_cut_back(struct block_store *bs, uint64_t size);

/* Everything durable goes into the index's tables, then the index checkpoint may say so. */
enum weft_code block_store_save_index(struct block_store *bs, struct weft_err *e) WEFT_MUST_CHECK;
/* So many blocks that a crash now would make us index again are enough. */
bool block_store_index_is_due(const struct block_store *bs);

#endif
