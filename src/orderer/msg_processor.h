/* msg_processor.h - what becomes of a message: classified, filtered, and if it is a
 * wish for another configuration, turned into the message that brings it.
 *
 *     any other type   normal            filters (msg_filter.h)
 *     CONFIG_UPDATE    config update     -> CONFIG { config + 1, the update }, signed by us
 *       of a new name  channel creation  -> ORDERER_TRANSACTION { CONFIG of the new channel }
 *     CONFIG, ORDERER_TRANSACTION        cannot be sent by clients
 *
 * A config update is checked, applied to the configuration in force, wrapped and
 * signed by this orderer, and passes the filters again as such: the orderer
 * must be a writer of the channel itself.
 *
 * Codes say the status: WEFT_INVALID 400, WEFT_FORBIDDEN 403, WEFT_NOT_FOUND 404,
 * WEFT_UNAVAILABLE 503.
 *
 * Go origin   orderer/common/msgprocessor/standardchannel.go systemchannel.go
 *             systemchannelfilter.go maintenancefilter.go
 *             orderer/common/multichannel/chainsupport.go ProposeConfigUpdate
 * Owner       any thread: checks signatures on the caller's
 * Memory      what it makes is the caller's
 */
#ifndef WEFT_ORDERER_MSG_PROCESSOR_H
#define WEFT_ORDERER_MSG_PROCESSOR_H

#include "bundle/bundle.h"
#include "orderer/order_request.h"

struct signing_identity;

enum msg_class {
    MSG_NORMAL,
    MSG_CONFIG_UPDATE,
    MSG_CONFIG,
};
enum msg_class msg_classify(int32_t header_type);

/* Of the process; read only. */
struct msg_processor {
    const struct signing_identity *signer;
    bool no_expiration_checks; /* General.Authentication.NoExpirationChecks */
};

/* A message of type CONFIG_UPDATE, and where it is looked at.  `now` is the
 * configuration of its channel, or of the system channel when it is for a new one. */
struct msg_update {
    const struct bundle *now;
    struct bytes envelope;
    size_t channels; /* how many there are, the system channel included */
    int64_t now_ns;
};
/* The CONFIG or ORDERER_TRANSACTION envelope for the consenter. */
enum weft_code msg_process_update(const struct msg_processor *p, const struct msg_update *u,
                                  struct buf *ret, struct weft_err *e) WEFT_MUST_CHECK;

/* A message that was processed under an older configuration, once more under
 * `u->now`.  ORDER_CONFIG: what it becomes is put into ret. */
enum weft_code msg_reprocess(const struct msg_processor *p, enum order_kind kind,
                             const struct msg_update *u, struct buf *ret,
                             struct weft_err *e) WEFT_MUST_CHECK;

#endif
