/* state_compare.h - two state databases, which should be the same for a channel.
 *
 *     "the state of channel [ch]: asset/car1: another value"
 *     "                           pdc/collBoth/hash 2c26b46b...: is not there"
 *
 * Go origin   none
 * Owner       one thread
 * Memory      two iterators'
 */
#ifndef WEFT_KVLEDGER_STATE_COMPARE_H
#define WEFT_KVLEDGER_STATE_COMPARE_H

#include "state/state_reader.h"

struct kv;

struct state_compare_deps {
    void *ctx;
    /* Differences after the first, up to some; may be NULL. */
    void (*note)(void *ctx, const char *text);
};

/* What is recorded against what it should be.  WEFT_CORRUPT names the first difference. */
enum weft_code state_compare(struct kv *recorded, struct kv *wanted, const char *channel,
                             const struct state_compare_deps *deps, uint64_t *ret_keys,
                             struct weft_err *e) WEFT_MUST_CHECK;

/* The block that a database's state is of; found = false: it has none of the channel. */
enum weft_code state_compare_savepoint(struct kv *kv, const char *channel, bool *ret_found,
                                       struct state_version *ret,
                                       struct weft_err *e) WEFT_MUST_CHECK;

#endif
