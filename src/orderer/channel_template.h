/* channel_template.h - what a new channel starts from, before its creator's wishes.
 *
 * A creation transaction is an update; this is what it updates: the system
 * channel's settings and orderers, and the organisations of the consortium that
 * it asks for.
 *
 *     write set  Application v1 { Org1MSP, Org2MSP }, Consortium "SampleConsortium"
 *     template   the system channel's values, policies and Orderer
 *                Application v0 { Org1MSP, Org2MSP as the consortium has them,
 *                                 Admins = the consortium's creation policy }
 *
 * Go origin   orderer/common/msgprocessor/systemchannel.go DefaultTemplator NewChannelConfig
 * Owner       any thread
 * Memory      a bundle, the caller's
 * Limits      those of a configuration
 */
#ifndef WEFT_ORDERER_CHANNEL_TEMPLATE_H
#define WEFT_ORDERER_CHANNEL_TEMPLATE_H

#include "bundle/bundle.h"

/* `system` is the system channel's configuration; the envelope's type is not
 * looked at.  WEFT_INVALID with Fabric's words. */
enum weft_code channel_template(const struct bundle *system, struct bytes update_envelope,
                                struct bundle **ret, struct weft_err *e) WEFT_MUST_CHECK;

#endif
