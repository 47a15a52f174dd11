/* server_tls.h - a daemon's TLS as a server: its certificate, and whom it believes as clients.
 *
 * With client authentication a client's certificate must lead to a root that the
 * configuration file names, or to one of an organisation of a channel: so the set
 * grows with the channels' configurations, and new connections are judged by the
 * new set.
 *
 *     server_tls_put_orgs(&roots, app->orgs, app->org_count)        of each channel
 *     server_tls_context(t, buf_bytes(&roots), &context, e)
 *
 * Go origin   orderer/common/server/main.go initializeServerConfig caManager updateTrustedRoots
 *             core/peer/config.go GetServerConfig core/peer/peer.go updateTrustedRoots
 * Owner       new and free: main; context: any thread, reads only
 * Memory      the PEM texts, the private key's too; wiped when freed
 * Limits      SERVER_TLS_PEM_MAX of PEM a file
 */
#ifndef WEFT_NODE_SERVER_TLS_H
#define WEFT_NODE_SERVER_TLS_H

#include "base/bytes.h"
#include "net/tls.h"

struct bundle_org;
struct config_strings;
struct server_tls;

enum {
    SERVER_TLS_PEM_MAX = 1 << 20,
};

/* What the files hold; the buffers are taken, and left empty. */
struct server_tls_parts {
    struct buf cert, key, client_roots;
    bool is_mutual; /* clients must show a certificate that leads to a root */
    int64_t time_shift_s;
};

struct server_tls *server_tls_new(struct server_tls_parts *parts);
void server_tls_free(struct server_tls *t);
WEFT_DEFINE_CLEANUP(struct server_tls *, server_tls_free)

/* Our certificate, PEM. */
struct bytes server_tls_cert(const struct server_tls *t);
/* NULL, TLS is off: no. */
bool server_tls_is_mutual(const struct server_tls *t);

/* Appends the TLS roots and intermediates of organisations. */
void server_tls_put_orgs(struct buf *out, const struct bundle_org *orgs, size_t count);
/* For connections from now on; `channels`: roots beside the configuration file's, PEM. */
enum weft_code server_tls_context(const struct server_tls *t, struct bytes channels,
                                  struct tls_context **ret, struct weft_err *e) WEFT_MUST_CHECK;

#endif
