/* validation_state.h - what a validator asks of the ledger below it.
 *
 * The world state as of the block before, and the ids of all transactions that
 * were ever stored.  A question is put in the order of the block's
 * transactions and on one thread, so an answer may be valid for a moment only:
 * it is written into the caller's buffer.
 *
 *     state->get(state->ctx, "lscc", "mycc", &value, e)      WEFT_NOT_FOUND: no such key
 *
 * Go origin   core/ledger/ledger_interface.go QueryExecutor
 * Owner       the thread that decides (commit:<id>)
 * Memory      appends to a buffer of the caller
 */
#ifndef WEFT_VALIDATION_VALIDATION_STATE_H
#define WEFT_VALIDATION_VALIDATION_STATE_H

#include "base/bytes.h"

struct validation_state {
    void *ctx;
    /* A public key's value. */
    enum weft_code (*get)(void *ctx, struct bytes ns, struct bytes key, struct buf *ret,
                          struct weft_err *e);
    /* A key's metadata as the state keeps it, KVMetadataWrite { 2 entries }; WEFT_NOT_FOUND
     * when it has none.  With a collection `key` is the hash of the private one. */
    enum weft_code (*metadata)(void *ctx, struct bytes ns, struct bytes collection,
                               struct bytes key, struct buf *ret, struct weft_err *e);
    /* False: no key of this namespace, nor of its collections, has any metadata; then nobody
     * asks for it.  May be NULL: nobody knows. */
    bool (*may_have_metadata)(void *ctx, struct bytes ns);
    /* Is there a transaction with this id in the ledger, valid or not? */
    enum weft_code (*has_tx_id)(void *ctx, struct bytes tx_id, bool *ret, struct weft_err *e);
};

#endif
