/* maintenance_filter.h - how the kind of consensus may be changed: in maintenance only.
 *
 *     NORMAL solo -> MAINTENANCE solo -> MAINTENANCE etcdraft -> NORMAL etcdraft
 *
 * Going in or out of maintenance changes the value ConsensusType and nothing else,
 * and of that only the state.
 *
 * Go origin   orderer/common/msgprocessor/maintenancefilter.go
 * Owner       any thread
 */
#ifndef WEFT_ORDERER_MAINTENANCE_FILTER_H
#define WEFT_ORDERER_MAINTENANCE_FILTER_H

#include "bundle/bundle.h"

/* From `now` to `next`, by this envelope of type CONFIG_UPDATE. */
enum weft_code maintenance_filter(const struct bundle *now, const struct bundle *next,
                                  struct bytes update_envelope, struct weft_err *e) WEFT_MUST_CHECK;

#endif
