/* kv_ledger_private.h - what the files of the peer's ledger share.
 *
 * kv_ledgers.c has the folder of all channels: its databases, and the inventory that says
 * which channels there are.  kv_ledger.c has one channel, and knows nothing of the inventory.
 *
 *     kv_ledgers_create   id_store_begin,  kv_ledger_open_stores,  kv_ledger_commit_first,
 *                         id_store_finish
 *     kv_ledger_open      id_store_get,    kv_ledger_open_stores
 *
 * Go origin   none
 * Owner       see kv_ledger.h
 */
#ifndef WEFT_KVLEDGER_KV_LEDGER_PRIVATE_H
#define WEFT_KVLEDGER_KV_LEDGER_PRIVATE_H

#include "kvledger/kv_ledger.h"

struct id_store;
struct kv;

/* Stays as it is while a ledger is open. */
struct kv_ledgers {
    char *root, *mspid;
    struct kv_ledgers_config config;
    struct block_stores *blocks;
    struct id_store *ids;
    bool was_not_closed; /* and what was in the logs then has not been read yet */
    struct kv *state, *history, *bookkeeper, *pvtdata, *config_history;
    struct kv *transient; /* NULL: nothing is endorsed here */
};

/* The stores of a channel, whether the inventory has it or not, made where they are not there;
 * state, history and the rest are brought up to the blocks. */
enum weft_code kv_ledger_open_stores(struct kv_ledgers *l, const char *channel,
                                     struct kv_ledger **ret, struct weft_err *e) WEFT_MUST_CHECK;

/* Block 0, whose flags are set: into all stores, and synced. */
enum weft_code kv_ledger_commit_first(struct kv_ledger *l, const struct block *b,
                                      struct weft_err *e) WEFT_MUST_CHECK;

#endif
