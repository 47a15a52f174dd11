/* orderer_tls.h - the orderer's TLS: its certificate, and whom it believes as clients.
 *
 * With client authentication a client's certificate must lead to a root of
 * General.TLS.ClientRootCAs, or of any organisation of any channel: so the set
 * grows with the channels' configurations, and new connections are judged by the
 * new set.
 *
 * Go origin   orderer/common/server/main.go initializeServerConfig caManager updateTrustedRoots
 * Owner       load and free: main; context: any thread, reads only
 * Memory      the PEM texts, the private key's too
 * Limits      1 MB of PEM a file
 */
#ifndef WEFT_ORDERER_ORDERER_TLS_H
#define WEFT_ORDERER_ORDERER_TLS_H

#include "base/bytes.h"
#include "net/tls.h"

struct config_tls;
struct orderer_channels;
struct orderer_tls;

/* NULL in *ret: TLS is off. */
enum weft_code orderer_tls_load(const struct config_tls *config, struct orderer_tls **ret,
                                struct weft_err *e) WEFT_MUST_CHECK;
void orderer_tls_free(struct orderer_tls *t);
WEFT_DEFINE_CLEANUP(struct orderer_tls *, orderer_tls_free)

/* Are clients asked for certificates that must be good? */
bool orderer_tls_is_mutual(const struct orderer_tls *t);

/* For connections from now on, given the channels there are. */
enum weft_code orderer_tls_context(const struct orderer_tls *t,
                                   const struct orderer_channels *channels,
                                   struct tls_context **ret, struct weft_err *e) WEFT_MUST_CHECK;

#endif
