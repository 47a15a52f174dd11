/* genesis.h - what a network begins with: first blocks, and the first updates.
 *
 *     genesis_block(profile, "system-channel", now, out)       for an orderer's BootstrapFile
 *     genesis_channel_tx(profile, NULL, "mychannel", now, out) for `peer channel create`
 *     genesis_anchor_update(profile, "Org1MSP", ...)           for `peer channel update`
 *
 * Nothing of it is signed: the first block needs no signature, and who sends a
 * transaction signs it.
 *
 * Go origin   common/genesis/genesis.go
 *             internal/configtxgen/encoder/encoder.go cmd/configtxgen/main.go
 * Owner       any thread; reads files
 * Memory      appends to the caller's buffer
 */
#ifndef WEFT_GENESIS_GENESIS_H
#define WEFT_GENESIS_GENESIS_H

#include "genesis/configtx_profile.h"

/* A common.Block. */
enum weft_code genesis_block(const struct configtx_profile *p, const char *channel_id,
                             int64_t now_s, struct buf *out, struct weft_err *e) WEFT_MUST_CHECK;

/* An Envelope of type CONFIG_UPDATE.  `base` is the system channel's profile, for a
 * transaction that changes more than the application's part; or NULL. */
enum weft_code genesis_channel_tx(const struct configtx_profile *p,
                                  const struct configtx_profile *base, const char *channel_id,
                                  int64_t now_s, struct buf *out,
                                  struct weft_err *e) WEFT_MUST_CHECK;

/* The same, which gives an organisation its anchor peers on a channel that was
 * just made. */
enum weft_code genesis_anchor_update(const struct configtx_profile *p, const char *org,
                                     const char *channel_id, int64_t now_s, struct buf *out,
                                     struct weft_err *e) WEFT_MUST_CHECK;

/* An organisation's ConfigGroup, as it would stand under Orderer. */
enum weft_code genesis_org(const struct configtx_org *org, struct buf *out,
                           struct weft_err *e) WEFT_MUST_CHECK;

#endif
