/* config_tx.h - somebody's update of a channel's configuration, checked and
 * signed by us.
 *
 * The file is an Envelope of type CONFIG_UPDATE, from configtxgen or from an
 * administrator before us.  Our signature is added to those on the update, and
 * all of it gets a new envelope around it, signed by us.
 *
 *     config_tx_read("mychannel.tx", &text, e)
 *     config_tx_sign(me, text, "mychannel", now, &signed, &id, e)
 *                    "Invalid channel create transaction : mismatched channel ID a != b"
 *
 * Go origin   internal/peer/channel/create.go internal/peer/channel/signconfigtx.go
 * Owner       the main thread
 * Memory      the caller's buffers
 * Limits      CONFIG_TX_BYTES a file
 */
#ifndef WEFT_CLI_CONFIG_TX_H
#define WEFT_CLI_CONFIG_TX_H

#include "base/bytes.h"

struct signing_identity;

enum {
    CONFIG_TX_BYTES = 100 << 20
};

enum weft_code config_tx_read(const char *path, struct buf *ret,
                              struct weft_err *e) WEFT_MUST_CHECK;

/* channel NULL: the update's own, whichever that is. */
enum weft_code config_tx_sign(const struct signing_identity *me, struct bytes envelope,
                              const char *channel, int64_t now_ns, struct buf *out,
                              struct weft_err *e) WEFT_MUST_CHECK;

#endif
