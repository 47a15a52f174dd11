/* range_check.h - would a range query give the same results today?
 *
 * A transaction says which range it read and what was there, as a list of keys with versions
 * or as a summary of one (merkle_summary.h).  The range is read again, with what the
 * transactions before it in the block wrote:
 *
 *     query  { "a", "d", exhausted, [ a 1:0, b 3:2 ] }
 *     state  a 1:0, b 3:2, c 5:0                          no: c is a phantom
 *
 * A query that was not read to its end has for `end` the last key that was read, which
 * belongs to the results.
 *
 * Go origin   core/ledger/kvledger/txmgmt/validation/rangequery_validator.go
 *             core/ledger/kvledger/txmgmt/validation/combined_iterator.go
 * Differs     where the original dies of a query that no chaincode makes, the answer is no: a
 *             listed read without version, a summary with max_degree under 2, and one
 *             that is full while the range has grown
 * Owner       who owns the state
 * Memory      none kept
 */
#ifndef WEFT_STATE_RANGE_CHECK_H
#define WEFT_STATE_RANGE_CHECK_H

#include "proto/rwset.h"
#include "state/state_reader.h"

enum weft_code range_check(const struct state_reader *state, struct bytes ns,
                           const struct range_query *q, bool *ret_same,
                           struct weft_err *e) WEFT_MUST_CHECK;

#endif
