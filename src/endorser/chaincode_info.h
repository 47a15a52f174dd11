/* chaincode_info.h - why this peer does not endorse a user's chaincode.
 *
 *     chaincode_info_refusal(bundle, simulator, "asset", &e)
 *         "chaincode definition for 'asset' exists, but chaincode is not installed"
 *         "chaincode nocc not found"
 *
 * Go origin   core/chaincode/lifecycle/endorsement_info.go
 *             core/chaincode/lifecycle/lifecycle.go ChaincodeDefinitionIfDefined
 *             core/scc/lscc/lscc.go ChaincodeEndorsementInfo
 * Owner       the simulator's thread
 */
#ifndef WEFT_ENDORSER_CHAINCODE_INFO_H
#define WEFT_ENDORSER_CHAINCODE_INFO_H

#include "base/bytes.h"

struct bundle;
struct tx_simulator;

/* Bundle and simulator are NULL where the proposal names no channel. */
void chaincode_info_refusal(const struct bundle *b, struct tx_simulator *s, struct bytes name,
                            struct weft_err *e);

#endif
