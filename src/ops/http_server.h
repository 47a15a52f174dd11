/* http_server.h - HTTP/1.1 for few, small, trusted requests: libmicrohttpd on a
 * thread of its own.
 *
 * The thread runs a loop with a mailbox; libmicrohttpd's descriptor is one of
 * the things that the loop watches.  A request is read whole, given to `handle`
 * on that thread, and its answer is sent.
 *
 *     clients <==TCP, TLS==> libmicrohttpd --request--> handle
 *                            `--- thread "operations" ---------'
 *
 * TLS as Go's: a client certificate is asked for always and must lead to one of
 * the client roots if one is shown; with client_auth_required it must be shown.
 * Anything else ends the handshake.
 *
 * Go origin   core/operations/system.go core/operations/tls.go
 * Differs     TLS by GnuTLS, 1.2 and 1.3 only; a request without a byte for 10 s
 *             ends (Go: one that takes longer than 10 s)
 * Owner       start and stop: main; the rest is the operations thread's
 * Memory      start copies what it is given; stop frees all
 * Limits      LIMIT_HTTP_CONNECTIONS, LIMIT_HTTP_HEADER_BYTES; bodies: body_most
 */
#ifndef WEFT_OPS_HTTP_SERVER_H
#define WEFT_OPS_HTTP_SERVER_H

#include "config/config_parts.h"
#include "ops/http.h"

struct http_server;

struct http_server_config {
    const char *address; /* "127.0.0.1:8443"; port 0: any; "": any port everywhere, as Go */
    const struct config_tls *tls; /* NULL or not enabled: plain text */
    http_handler_fn *handle;
    /* How long a body may be, asked before one is read. */
    size_t (*body_most)(void *ctx, const struct http_request *rq);
    void *ctx;
};

/* Listens before it returns: "address already in use" is WEFT_EXISTS. */
enum weft_code http_server_start(const struct http_server_config *config, struct http_server **ret,
                                 struct weft_err *e) WEFT_MUST_CHECK;
/* Cuts off what is open. */
void http_server_stop(struct http_server *s);
WEFT_DEFINE_CLEANUP(struct http_server *, http_server_stop)

/* "127.0.0.1:40123" */
const char *http_server_address(const struct http_server *s);

#endif
