/* tx_simulator.h - runs on the state without changing it, and writes down what was read and written.
 *
 *     s = tx_simulator_new(state_snapshot_reader(snapshot))
 *     tx_simulator_get(s, "_lifecycle", "namespaces/metadata/cc", ...)     read at version 5:0
 *     tx_simulator_put(s, "_lifecycle", "namespaces/fields/cc/Sequence", value)
 *     tx_simulator_results(s, &out)            TxReadWriteSet: what the endorsement is about
 *     tx_simulator_private_results(s, &out)    TxPvtReadWriteSet: for the collection's members
 *
 * A read sees the state as it was, not what was put before it.  The sets come out as the
 * original writes them, byte by byte, since all endorsers must sign the same: namespaces and
 * collections by name, keys in order, hashes in theirs.
 *
 * Go origin   core/ledger/kvledger/txmgmt/txmgr/tx_simulator.go
 *             core/ledger/kvledger/txmgmt/txmgr/query_executor.go
 *             core/ledger/kvledger/txmgmt/rwsetutil/rwset_builder.go
 * Owner       one thread
 * Memory      a copy of every key and value, until freed
 * Limits      none of its own
 */
#ifndef WEFT_ENDORSER_TX_SIMULATOR_H
#define WEFT_ENDORSER_TX_SIMULATOR_H

#include "state/state_reader.h"

struct tx_simulator;

/* The reader stays while the simulator is used. */
struct tx_simulator *tx_simulator_new(const struct state_reader *r);
void tx_simulator_free(struct tx_simulator *s);
WEFT_DEFINE_CLEANUP(struct tx_simulator *, tx_simulator_free)

/* No data: there is no such key.  What comes is good until the simulator is freed. */
enum weft_code tx_simulator_get(struct tx_simulator *s, const char *ns, struct bytes key,
                                struct bytes *ret, struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code tx_simulator_get_private(struct tx_simulator *s, const char *ns, struct bytes coll,
                                        struct bytes key, struct bytes *ret,
                                        struct weft_err *e) WEFT_MUST_CHECK;
/* The value's hash, which whoever is no member of the collection has, too. */
enum weft_code tx_simulator_get_private_hash(struct tx_simulator *s, const char *ns,
                                             struct bytes coll, struct bytes key, struct bytes *ret,
                                             struct weft_err *e) WEFT_MUST_CHECK;
/* All keys from `start` to before `end`; an empty end is that of the namespace. */
enum weft_code tx_simulator_scan(struct tx_simulator *s, const char *ns, struct bytes start,
                                 struct bytes end,
                                 void (*each)(void *arg, struct bytes key, struct bytes value),
                                 void *arg, struct weft_err *e) WEFT_MUST_CHECK;

/* A value without data deletes the key. */
void tx_simulator_put(struct tx_simulator *s, const char *ns, struct bytes key, struct bytes value);
void tx_simulator_put_private(struct tx_simulator *s, const char *ns, struct bytes coll,
                              struct bytes key, struct bytes value);

void tx_simulator_results(struct tx_simulator *s, struct buf *out);
/* Nothing is appended when nothing private was written. */
void tx_simulator_private_results(struct tx_simulator *s, struct buf *out);

#endif
