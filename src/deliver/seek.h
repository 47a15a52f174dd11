/* seek.h - which blocks does a client want?
 *
 * SeekInfo says where to start, where to stop, and what to do at the tip.
 * seek_resolve turns it into numbers, given how many blocks there are:
 *
 *     height 79   start newest, stop newest    -> 78 .. 78
 *                 start 5, stop 2^64-1         -> 5 .. for ever
 *                 start 79, stop newest        -> 79 .. 78: waits, and never stops
 *                 start 80, ...                -> not found
 *
 * The end is found by equality after a block was sent, so a stop that lies
 * before the start never ends; Fabric does the same.
 *
 * Go origin   common/deliver/deliver.go deliverBlocks
 *             common/ledger/blockledger/fileledger/impl.go Iterator
 * Owner       any thread
 * Memory      none
 */
#ifndef WEFT_DELIVER_SEEK_H
#define WEFT_DELIVER_SEEK_H

#include "base/bytes.h"

enum seek_kind {
    SEEK_ABSENT, /* no SeekPosition at all */
    SEEK_UNSET,  /* a SeekPosition that says nothing */
    SEEK_NEWEST,
    SEEK_OLDEST,
    SEEK_SPECIFIED,
};

struct seek_position {
    enum seek_kind kind;
    uint64_t number;
};

struct seek_info {
    struct seek_position start, stop;
    bool fail_if_not_ready;
    bool best_effort;
};

enum weft_code seek_info_parse(struct bytes b, struct seek_info *ret,
                               struct weft_err *e) WEFT_MUST_CHECK;
void seek_info_encode(const struct seek_info *s, struct buf *out);

enum seek_answer {
    SEEK_OK,
    SEEK_NOT_FOUND,   /* the start lies beyond the next block, or is none */
    SEEK_BAD_REQUEST, /* start or stop missing, or stop before start */
};

struct seek_range {
    uint64_t first, stop;
};

enum seek_answer seek_resolve(const struct seek_info *s, uint64_t height, struct seek_range *ret);

#endif
