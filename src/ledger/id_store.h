/* id_store.h - which channels a peer has: its ledgerProvider database.
 *
 *     'l' channel                 -> block 0, as common.Block
 *     's' channel                 -> LedgerMetadata: "" active, 08 01 paused
 *     "underConstructionLedgerKey" -> the channel that is being made
 *     'f'                         -> "2.0"; while a peer of ours is at work, and after it was killed,
 *                                    "2.0, not closed: ...": a Go peer refuses that
 *
 * Making a ledger takes three steps, so that a crash in between can be told:
 * id_store_begin, then block 0 into all stores, then id_store_finish.  At start
 * a channel that id_store_unfinished names is finished if its block store has
 * block 0, and dropped (id_store_abandon) if it has none.
 *
 * Go origin   core/ledger/kvledger/kv_ledger_provider.go idStore
 * Owner       main; one thread at a time
 * Memory      LevelDB's
 */
#ifndef WEFT_LEDGER_ID_STORE_H
#define WEFT_LEDGER_ID_STORE_H

#include "base/bytes.h"
#include "os/dirs.h"

struct id_store;

enum ledger_status {
    LEDGER_ACTIVE = 0,
    LEDGER_INACTIVE = 1,
};

/* `path` is ledgersData/ledgerProvider. */
enum weft_code id_store_open(const char *path, struct id_store **ret,
                             struct weft_err *e) WEFT_MUST_CHECK;
/* Of a peer before 2.0: gives each channel its status, and the format its mark; fine when it is
 * done already, or there is nothing.  WEFT_INVALID for a format that is neither. */
enum weft_code id_store_upgrade(const char *path, struct weft_err *e) WEFT_MUST_CHECK;
/* The format of now, closed or not. */
bool id_store_is_current(struct bytes format);
/* A Go peer passes over records of our LevelDB logs, and would go on with a hole in its state:
 * it is kept off from the opening of the ledgers until they have been closed in order.
 * `ret_was`: it was already, they had not been. */
enum weft_code id_store_keep_off(struct id_store *s, bool *ret_was,
                                 struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code id_store_let_in(struct id_store *s, struct weft_err *e) WEFT_MUST_CHECK;
void id_store_close(struct id_store *s);
WEFT_DEFINE_CLEANUP(struct id_store *, id_store_close)

/* WEFT_EXISTS "LedgerID already exists". */
enum weft_code id_store_begin(struct id_store *s, const char *channel,
                              struct weft_err *e) WEFT_MUST_CHECK;
/* Records the channel with its block 0, active, and ends the making of it. */
enum weft_code id_store_finish(struct id_store *s, const char *channel, struct bytes block0,
                               struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code id_store_abandon(struct id_store *s, struct weft_err *e) WEFT_MUST_CHECK;
/* The channel that was begun and not finished, or NULL; caller frees. */
enum weft_code id_store_unfinished(struct id_store *s, char **ret,
                                   struct weft_err *e) WEFT_MUST_CHECK;

/* Block 0 and status; WEFT_NOT_FOUND "LedgerID does not exist". */
enum weft_code id_store_get(struct id_store *s, const char *channel, struct buf *ret_block0,
                            enum ledger_status *ret_status, struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code id_store_set_status(struct id_store *s, const char *channel,
                                   enum ledger_status status, struct weft_err *e) WEFT_MUST_CHECK;

/* The active channels, in key order. */
enum weft_code id_store_list(struct id_store *s, struct dir_list *ret,
                             struct weft_err *e) WEFT_MUST_CHECK;

#endif
