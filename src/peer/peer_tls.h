/* peer_tls.h - the peer's TLS: as a server, and when it calls orderers.
 *
 *     server      peer.tls.cert.file, key.file; with clientAuthRequired clients must lead to
 *                 clientRootCAs.files, rootcert.file, or a TLS CA of an application organisation
 *     to orderers the roots of the endpoint, and nobody else's; with clientAuthRequired we show
 *                 clientCert.file, clientKey.file, or without them the server's pair
 *
 * Go origin   core/peer/config.go GetServerConfig GetClientCertificate
 *             core/peer/peer.go updateTrustedRoots
 *             core/deliverservice/config.go loadDeliverServiceConfig
 * Owner       load and free: main; contexts: any thread, reads only
 * Memory      the PEM texts, the private keys' too; wiped when freed
 * Limits      SERVER_TLS_PEM_MAX of PEM a file
 */
#ifndef WEFT_PEER_PEER_TLS_H
#define WEFT_PEER_PEER_TLS_H

#include "node/server_tls.h"

struct bundle;
struct cert_monitor;
struct core_peer_config;
struct peer_tls;

/* NULL in *ret: TLS is off. */
enum weft_code peer_tls_load(const struct core_peer_config *config, struct peer_tls **ret,
                             struct weft_err *e) WEFT_MUST_CHECK;
void peer_tls_free(struct peer_tls *t);
WEFT_DEFINE_CLEANUP(struct peer_tls *, peer_tls_free)

/* When our certificates expire: as a server's and, if we have one, a client's. */
void peer_tls_watch(const struct peer_tls *t, struct cert_monitor *m, int64_t now_s);

/* Must clients show a good certificate, and do we?  NULL: no. */
bool peer_tls_is_mutual(const struct peer_tls *t);

/* Appends the roots that a channel's configuration brings. */
void peer_tls_put_roots(struct buf *out, const struct bundle *b);
/* `channels`: those of all channels.  NULL in *ret: TLS is off. */
enum weft_code peer_tls_server_context(const struct peer_tls *t, struct bytes channels,
                                       struct tls_context **ret,
                                       struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code peer_tls_dial_context(const struct peer_tls *t, struct bytes roots,
                                     struct tls_context **ret, struct weft_err *e) WEFT_MUST_CHECK;

#endif
