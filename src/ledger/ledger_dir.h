/* ledger_dir.h - somebody's ledger folder, to look at and not to touch.
 *
 * Finds out what a folder is: an orderer's (chains/, index/), a peer's
 * (ledgersData, or the folder around it), one channel's (blockfile_000000 ...),
 * with or without an index.  Nothing in it is changed: the index is opened as a
 * copy, and as the node will find it (kv_open_copy_cutting), the files are read.
 *
 *     struct ledger_dir d;
 *     ledger_dir_open("/var/hyperledger/production", &d, &e)
 *     d.layout == LEDGER_PEER, d.channels = { "mychannel" }
 *
 * Go origin   none
 * Owner       one thread
 * Memory      names; the index copy while it is open
 */
#ifndef WEFT_LEDGER_LEDGER_DIR_H
#define WEFT_LEDGER_LEDGER_DIR_H

#include "ledger/block_store.h"
#include "os/dirs.h"

struct ledger_dir {
    enum ledger_layout layout;
    char *root;   /* what block_stores_open takes; NULL for a lone channel folder */
    char *chains; /* the folder with the channels' folders */
    char *index;  /* NULL when there is none */
    struct dir_list channels;
    struct kv *kv; /* the copy, once ledger_dir_index was called */
};

/* WEFT_NOT_FOUND, with what would be one, when `path` is no ledger. */
enum weft_code ledger_dir_open(const char *path, struct ledger_dir *ret,
                               struct weft_err *e) WEFT_MUST_CHECK;
void ledger_dir_done(struct ledger_dir *d);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct ledger_dir, ledger_dir_done)

bool ledger_dir_has(const struct ledger_dir *d, const char *channel);
/* WEFT_NOT_FOUND, with the channels that there are, when it has not. */
enum weft_code ledger_dir_expect(const struct ledger_dir *d, const char *channel,
                                 struct weft_err *e) WEFT_MUST_CHECK;
/* "mychannel, system-channel"; caller frees. */
char *ledger_dir_channels(const struct ledger_dir *d);

/* The channel's index; ret->kv is NULL when the folder has no index. */
enum weft_code ledger_dir_index(struct ledger_dir *d, const char *channel, struct block_index *ret,
                                struct weft_err *e) WEFT_MUST_CHECK;

/* Walks over a channel's blocks.  Keeps nothing of `d`. */
struct ledger_walk {
    struct block_scanner scanner;
    struct block_view view;
    char *dir;
};
/* From block `number` on: from there if the index knows it, from the last block
 * that the index knows if that comes before, else from the start; the walk then
 * goes over what comes before.  UINT64_MAX: any that comes later. */
enum weft_code ledger_walk_start(struct ledger_dir *d, const char *channel, uint64_t number,
                                 struct ledger_walk *ret, struct weft_err *e) WEFT_MUST_CHECK;
void ledger_walk_done(struct ledger_walk *w);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct ledger_walk, ledger_walk_done)
/* The next block, good until the next call; NULL at the end. */
enum weft_code ledger_walk_next(struct ledger_walk *w, const struct block_view **ret,
                                struct weft_err *e) WEFT_MUST_CHECK;

/* Reads a block: by its number, through the index if there is one that knows
 * it, else by walking through the files.  UINT64_MAX is the newest. */
enum weft_code ledger_dir_read(struct ledger_dir *d, const char *channel, uint64_t number,
                               struct block **ret, struct weft_err *e) WEFT_MUST_CHECK;

/* Where a transaction is: its block, and its place in it. */
enum weft_code ledger_dir_find_tx(struct ledger_dir *d, const char *channel, struct bytes tx_id,
                                  struct block **ret, size_t *ret_tx,
                                  struct weft_err *e) WEFT_MUST_CHECK;

/* How many block files a channel has, and their bytes. */
enum weft_code ledger_dir_files(const struct ledger_dir *d, const char *channel,
                                uint64_t *ret_files, uint64_t *ret_bytes,
                                struct weft_err *e) WEFT_MUST_CHECK;

/* What a channel's files hold, from their names and last records. */
struct ledger_summary {
    uint64_t height, files, bytes;
    struct digest current_hash, previous_hash;
};
enum weft_code ledger_dir_summary(struct ledger_dir *d, const char *channel,
                                  struct ledger_summary *ret, struct weft_err *e) WEFT_MUST_CHECK;

#endif
