/* state_value.h - a key and its value as the state database stores them.
 *
 *     'd' ns 00 key              -> DBValue { 1 version, 2 value, 3 metadata }
 *     'd' ns$$hcoll 00 key-hash     the hashed space
 *     'd' ns$$pcoll 00 key          the private space
 *     's'                        -> version: the savepoint
 *
 *     version = order key of the block, order key of the transaction
 *     (7, 300) -> 01 07 02 01 2c
 *
 * All of it after "channel" 00, the prefix of a channel in a LevelDB.
 *
 * Go origin   core/ledger/kvledger/txmgmt/statedb/stateleveldb/value_encoding.go
 *             core/ledger/internal/version/version.go
 * Owner       any thread
 * Memory      borrows
 */
#ifndef WEFT_STATE_STATE_VALUE_H
#define WEFT_STATE_STATE_VALUE_H

#include "state/state_reader.h"

void state_version_put(struct buf *out, struct state_version v);
/* Takes one off the front; false when it is cut short. */
bool state_version_take(struct bytes *in, struct state_version *ret);

/* Appends ns, ns$$hcoll or ns$$pcoll. */
void state_space_put(struct buf *out, enum state_space space, struct bytes ns, struct bytes coll);
/* Appends the key after `channel` 00. */
void state_key_put(struct buf *out, const char *channel, const struct state_key *key);

void state_value_encode(struct buf *out, const struct state_value *v);
enum weft_code state_value_parse(struct bytes b, struct state_value *ret,
                                 struct weft_err *e) WEFT_MUST_CHECK;

#endif
