/* ledger_rebuild.h - channels that were reset or rolled back, until they are as high as before.
 *
 *     ledger_rebuild_load(r, "ledgersData/chains/chains", "mychannel", e)
 *         Ledger rebuild: channel [mychannel]: preresetHeight: [79]
 *     ledger_rebuild_check(r, height_of, ctx)      now and then
 *         Ledger rebuild: Complete, all ledgers surpass prereset heights. ...
 *
 * As long as one of them is not, the peer endorses nothing.
 *
 * Go origin   internal/peer/node/start.go resetLoop
 * Differs     a channel's mark goes when it is there (there: all of them at the end)
 * Owner       main; is_on: any thread
 * Memory      the channels' names
 * Limits      LIMIT_CHANNELS
 */
#ifndef WEFT_PEER_LEDGER_REBUILD_H
#define WEFT_PEER_LEDGER_REBUILD_H

#include "base/weft.h"

struct ledger_rebuild;

enum {
    LEDGER_REBUILD_MS = 10000, /* from check to check */
};

struct ledger_rebuild *ledger_rebuild_new(void);
void ledger_rebuild_free(struct ledger_rebuild *r);
WEFT_DEFINE_CLEANUP(struct ledger_rebuild *, ledger_rebuild_free)

/* `chains`: the folder that has the channels' folders.  Fine when it was not reset. */
enum weft_code ledger_rebuild_load(struct ledger_rebuild *r, const char *chains,
                                   const char *channel, struct weft_err *e) WEFT_MUST_CHECK;
/* Asks for each channel's height; false: it is not open. */
void ledger_rebuild_check(struct ledger_rebuild *r,
                          bool (*height)(void *ctx, const char *channel, uint64_t *ret), void *ctx);
bool ledger_rebuild_is_on(const struct ledger_rebuild *r);

#endif
