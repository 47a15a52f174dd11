/* store_compare.h - two databases of a peer, which should be the same for a channel.
 *
 *     "the state of channel [ch]: asset/car1: another value"
 *     "                           pdc/collBoth/hash 2c26b46b...: is not there"
 *     "the history of channel [ch]: asset/car1 in block [31] transaction [2]: is not there"
 *     "the collections of channel [ch]: pdc as of block [8]: another value"
 *
 * Go origin   none
 * Owner       one thread
 * Memory      two iterators'
 */
#ifndef WEFT_KVLEDGER_STORE_COMPARE_H
#define WEFT_KVLEDGER_STORE_COMPARE_H

#include "state/state_reader.h"

struct kv;

enum store_kind {
    STORE_STATE,
    STORE_HISTORY,
    STORE_COLLECTIONS, /* by block: configHistory */
};

struct store_compare_deps {
    void *ctx;
    /* Differences after the first, up to some, and what is no fault; may be NULL. */
    void (*note)(void *ctx, const char *text);
};

struct store_pair {
    enum store_kind kind;
    struct kv *recorded, *wanted;
};

/* What is recorded against what it should be, for a channel with so many blocks.  Collections
 * are recorded before their block is: those of the next block may be there.  WEFT_CORRUPT names
 * the first difference. */
enum weft_code store_compare(const struct store_pair *pair, const char *channel, uint64_t blocks,
                             const struct store_compare_deps *deps, uint64_t *ret_keys,
                             struct weft_err *e) WEFT_MUST_CHECK;

/* The block that a state or a history is of; found = false: it has none of the channel. */
enum weft_code store_compare_savepoint(enum store_kind kind, struct kv *kv, const char *channel,
                                       bool *ret_found, uint64_t *ret_block,
                                       struct weft_err *e) WEFT_MUST_CHECK;

#endif
