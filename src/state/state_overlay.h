/* state_overlay.h - updates laid over a state: what it would be with them.
 *
 *     below        a=1   b=2   c=3
 *     updates            b gone      d=4
 *     the overlay  a=1         c=3   d=4
 *
 * A block's transactions are checked against the updates of those before them; blocks that
 * are not on the disk yet lie over those that are.
 *
 *     struct state_overlay o = { updates, below };
 *     struct state_reader r = state_overlay_reader(&o);
 *
 * Go origin   core/ledger/kvledger/txmgmt/validation/combined_iterator.go
 * Owner       whoever holds the updates; nothing is updated while a scan is open
 * Memory      borrows; values are the updates' or the caller's buffer's
 */
#ifndef WEFT_STATE_STATE_OVERLAY_H
#define WEFT_STATE_STATE_OVERLAY_H

#include "state/update_batch.h"

struct state_overlay {
    struct update_batch *updates;
    struct state_reader below;
};

struct state_reader state_overlay_reader(struct state_overlay *o);

#endif
