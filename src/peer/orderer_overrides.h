/* orderer_overrides.h - peer.deliveryclient.addressOverrides, with the certificates they name.
 *
 * One whose file cannot be read, or has no certificate in it, is left out with a warning.
 *
 * Go origin   core/deliverservice/config.go LoadOverridesMap
 * Owner       main
 * Memory      the texts are the configuration's, the certificates its own
 * Limits      SERVER_TLS_PEM_MAX of PEM a file
 */
#ifndef WEFT_PEER_ORDERER_OVERRIDES_H
#define WEFT_PEER_ORDERER_OVERRIDES_H

#include "peer/orderer_source.h"

struct core_deliver_client_config;

struct orderer_overrides {
    struct orderer_override *at;
    size_t count;
};

void orderer_overrides_load(const struct core_deliver_client_config *config,
                            struct orderer_overrides *ret);
void orderer_overrides_done(struct orderer_overrides *o);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct orderer_overrides, orderer_overrides_done)

#endif
