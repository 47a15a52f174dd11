/* block_file.h - the files of one channel's blocks: names, and reading on.
 *
 *     chains/mychannel/blockfile_000000     record record record ...
 *                      blockfile_000001     record ...
 *
 * A scanner reads record after record from a place on, through as many files
 * as there are, with one buffer.  A file may end in a torn record, what a
 * crash left of a write: that ends the scan as BLOCK_SCAN_TORN and is no error
 * here; who scans decides.
 *
 * Go origin   common/ledger/blkstorage/block_stream.go
 *             common/ledger/blkstorage/blockfile_helper.go
 * Differs     a length over LIMIT_BLOCK_BYTES is refused before it is believed
 * Owner       any thread, one scanner each
 * Memory      a window of 64 KB, of a megabyte when much is read, or the largest record;
 *             a record's bytes are good until the next call
 * Limits      LIMIT_BLOCK_BYTES a record
 */
#ifndef WEFT_LEDGER_BLOCK_FILE_H
#define WEFT_LEDGER_BLOCK_FILE_H

#include "base/bytes.h"

#define BLOCK_FILE_PREFIX "blockfile_"

/* Fabric's limit for one file: what does not fit goes into the next one. */
enum {
    BLOCK_FILE_BYTES_MAX = 64 << 20
};

enum {
    BLOCK_LARGE_BYTES = 32 << 10, /* a record worth a read of its own */
    BLOCK_HASTY_BYTES = 4 << 20,  /* takes half a millisecond to copy */
};

/* Caller frees. */
char *block_file_path(const char *dir, uint64_t number);

/* The files of a folder: how many from 0 on without a gap.  A name with the
 * prefix but no number, or a gap, is WEFT_CORRUPT. */
enum weft_code block_file_count(const char *dir, uint64_t *ret_count,
                                struct weft_err *e) WEFT_MUST_CHECK;

/* Where a record lies. */
struct block_place {
    uint64_t file;
    uint64_t offset;      /* of the length varint */
    uint64_t body_offset; /* of the body */
    uint64_t end;         /* of the record */
};

enum block_scan {
    BLOCK_SCAN_RECORD,
    BLOCK_SCAN_END,  /* exactly at the end of the last file */
    BLOCK_SCAN_TORN, /* the file ends inside a record; `place.offset` says where it begins */
};

struct block_scanner {
    const char *dir;
    uint64_t last_file; /* read no further than this one */
    uint64_t file;
    uint64_t offset; /* of the next record */
    uint64_t size;   /* of the file that is open, when it was opened */
    int fd;
    char *path;
    struct buf window; /* bytes of the file from window_at on */
    uint64_t window_at;
    size_t step;   /* how much is read next */
    bool is_hasty; /* set by who must not be held up: WEFT_UNAVAILABLE, and nothing is lost, for a
                    * record that is not in the system's cache, for a large one, for a new file */
};

/* Starts at an offset of a file, reads up to the end of `last_file`.  Keeps
 * `dir`. */
void block_scanner_init(struct block_scanner *s, const char *dir, uint64_t file, uint64_t offset,
                        uint64_t last_file);
void block_scanner_done(struct block_scanner *s);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct block_scanner, block_scanner_done)

/* Drops what was read ahead, and what is known of the file's size: behind the
 * last announced block both may yet change. */
void block_scanner_forget(struct block_scanner *s);

/* The next record's body and place.  WEFT_CORRUPT when a length cannot be one. */
enum weft_code block_scanner_next(struct block_scanner *s, enum block_scan *ret_what,
                                  struct bytes *ret_body, struct block_place *ret_place,
                                  struct weft_err *e) WEFT_MUST_CHECK;

/* The same for who may keep what he gets: a record of BLOCK_LARGE_BYTES is read into a buffer
 * of its own, with no copy through the window.  *ret_own, empty before, then holds the body; it
 * stays empty for a smaller one. */
enum weft_code block_scanner_next_own(struct block_scanner *s, enum block_scan *ret_what,
                                      struct bytes *ret_body, struct buf *ret_own,
                                      struct block_place *ret_place,
                                      struct weft_err *e) WEFT_MUST_CHECK;

#endif
