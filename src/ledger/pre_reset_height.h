/* pre_reset_height.h - how high a channel was before it was reset or rolled back.
 *
 *     chains/mychannel/__preResetHeight     "79"
 *
 * While a channel's blocks come back, its peer endorses nothing: the file says up to which
 * height that goes.  Resetting again on the way does not lower it.
 *
 * Go origin   common/ledger/blkstorage/reset.go recordHeightIfGreaterThanPreviousRecording
 *             common/ledger/blkstorage/reset.go LoadPreResetHeight
 * Owner       one thread
 * Memory      none kept
 */
#ifndef WEFT_LEDGER_PRE_RESET_HEIGHT_H
#define WEFT_LEDGER_PRE_RESET_HEIGHT_H

#include "base/weft.h"

/* `dir` is the channel's folder. */
enum weft_code pre_reset_height_record(const char *dir, uint64_t height,
                                       struct weft_err *e) WEFT_MUST_CHECK;
/* found = false: there is none. */
enum weft_code pre_reset_height_load(const char *dir, bool *ret_found, uint64_t *ret_height,
                                     struct weft_err *e) WEFT_MUST_CHECK;
/* Fine when there is none. */
enum weft_code pre_reset_height_clear(const char *dir, struct weft_err *e) WEFT_MUST_CHECK;

#endif
