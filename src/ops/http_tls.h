/* http_tls.h - the operations endpoint's side of TLS.
 *
 *     http_tls_new(config, &tls, e)            reads the files
 *     http_tls_cert_pem, http_tls_key_pem      for libmicrohttpd
 *     http_tls_apply(tls, session)             a new connection's session
 *     http_tls_has_cert(session)               it showed one that was verified
 *
 * Go origin   core/operations/tls.go
 * Differs     by GnuTLS, which libmicrohttpd has inside
 * Owner       made by main, used by the operations thread
 * Memory      outlives the sessions
 * Limits      1 MB a file
 */
#ifndef WEFT_OPS_HTTP_TLS_H
#define WEFT_OPS_HTTP_TLS_H

#include "config/config_parts.h"

struct http_tls;
struct gnutls_session_int;

enum weft_code http_tls_new(const struct config_tls *config, struct http_tls **ret,
                            struct weft_err *e) WEFT_MUST_CHECK;
void http_tls_free(struct http_tls *t);
WEFT_DEFINE_CLEANUP(struct http_tls *, http_tls_free)

/* Not to be changed; the library takes them so. */
char *http_tls_cert_pem(struct http_tls *t);
char *http_tls_key_pem(struct http_tls *t);

void http_tls_apply(struct http_tls *t, struct gnutls_session_int *session);
bool http_tls_has_cert(struct gnutls_session_int *session);

#endif
