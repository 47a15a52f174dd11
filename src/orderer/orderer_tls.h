/* orderer_tls.h - the orderer's TLS (server_tls.h): General.TLS, and the roots of all channels.
 *
 * Believed as clients are, beside General.TLS.ClientRootCAs, the TLS CAs of every
 * organisation of every channel: application, orderer and consortium.
 *
 * Go origin   orderer/common/server/main.go initializeServerConfig caManager updateTrustedRoots
 * Owner       load: main; context: any thread, reads only
 * Memory      the caller's
 * Limits      those of server_tls.h
 */
#ifndef WEFT_ORDERER_ORDERER_TLS_H
#define WEFT_ORDERER_ORDERER_TLS_H

#include "node/server_tls.h"

struct config_tls;
struct orderer_channels;

/* NULL in *ret: TLS is off. */
enum weft_code orderer_tls_load(const struct config_tls *config, struct server_tls **ret,
                                struct weft_err *e) WEFT_MUST_CHECK;
/* For connections from now on, given the channels there are. */
enum weft_code orderer_tls_context(const struct server_tls *t,
                                   const struct orderer_channels *channels,
                                   struct tls_context **ret, struct weft_err *e) WEFT_MUST_CHECK;

#endif
