/* config_apply.h - from one configuration of a channel to the next, as a config block says.
 *
 *     config_apply(bundle now, envelope, &next, e)      the peer installs `next`
 *
 * Go origin   core/peer/channel.go Apply
 * Owner       the thread that decides (commit:<id>)
 * Memory      the caller's reference of the new bundle
 * Limits      those of bundle.h
 */
#ifndef WEFT_VALIDATION_CONFIG_APPLY_H
#define WEFT_VALIDATION_CONFIG_APPLY_H

#include "base/bytes.h"

struct bundle;

/* Of a CONFIG envelope.  Every failure is fatal for who commits it. */
enum weft_code config_apply(const struct bundle *now, struct bytes envelope, struct bundle **ret,
                            struct weft_err *e) WEFT_MUST_CHECK;

#endif
