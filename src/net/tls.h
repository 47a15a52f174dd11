/* tls.h - TLS 1.2 and 1.3 as a filter: bytes in, bytes out, no socket.
 *
 * A tls_context is a snapshot of everything configured: our certificate and
 * key, whom we trust, whether clients must show a certificate.  It never
 * changes; new trusted roots are a new context, which later handshakes use.
 * A tls_conn is one connection's state:
 *
 *      socket --> tls_conn_feed --> tls_conn_handshake, tls_conn_read --> HTTP/2
 *      socket <-- the `out` buffer <-- tls_conn_write <-- HTTP/2
 *
 * OpenSSL shakes hands.  The records of TLS 1.3 with AES-GCM are ours from there on
 * (tls13_records.h), and OpenSSL's state is freed; all others stay OpenSSL's.
 *
 * `out` is the loop's, shared by all its connections: an idle connection has
 * no buffers of its own.
 *
 * Go origin   internal/pkg/comm/creds.go internal/pkg/comm/config.go
 * Differs     TLS_CLIENT_REQUEST takes any certificate unseen, as Go's tls.RequestClientCert
 * Owner       a context: any thread (counted, immutable); a tls_conn: its loop's thread
 * Memory      feed borrows its bytes until the next feed; all else is copied
 * Limits      certificates of ours and the roots: 1 MB of PEM each
 */
#ifndef WEFT_NET_TLS_H
#define WEFT_NET_TLS_H

#include "base/bytes.h"
#include "crypto/sha256.h"

struct tls_context;
struct tls_conn;

enum tls_client_auth {
    TLS_CLIENT_NONE,    /* clients are not asked for a certificate */
    TLS_CLIENT_REQUEST, /* asked, and taken as it is */
    TLS_CLIENT_REQUIRE, /* asked, and it must lead to one of the roots */
};

/* PEM texts; an empty one is not there.  A server needs certificate and key;
 * a client needs roots, and a pair if the server asks for it. */
struct tls_config {
    struct bytes cert_pem, key_pem;
    const struct bytes *roots_pem; /* each any number of certificates, all of them trusted */
    size_t roots_count;
    enum tls_client_auth client_auth;
    int64_t time_shift_s; /* certificates are judged as of now - shift */
};

enum tls_side {
    TLS_SERVER,
    TLS_CLIENT,
};

/* WEFT_INVALID, with the reason, for what cannot be parsed or does not fit. */
enum weft_code tls_context_new(enum tls_side side, const struct tls_config *config,
                               struct tls_context **ret_context,
                               struct weft_err *e) WEFT_MUST_CHECK;
struct tls_context *tls_context_ref(struct tls_context *c);
void tls_context_unref(struct tls_context *c);
WEFT_DEFINE_CLEANUP(struct tls_context *, tls_context_unref)

/* SHA-256 of our own certificate's DER; NULL when we have none. */
const struct digest *tls_context_cert_hash(const struct tls_context *c);

/* now_s: wall clock, for the certificates.  host: a client's idea of the
 * server's name or IP address, for SNI and verification; NULL for a server.
 * Keeps `out`, and puts there whatever is to be sent, whenever. */
struct tls_conn *tls_conn_new(struct tls_context *c, const char *host, int64_t now_s,
                              struct buf *out);
void tls_conn_free(struct tls_conn *t);
WEFT_DEFINE_CLEANUP(struct tls_conn *, tls_conn_free)

/* What came from the socket; borrowed until all of it was read. */
void tls_conn_feed(struct tls_conn *t, struct bytes cipher);

/* WEFT_OK with done = false: more bytes from the peer are needed. */
enum weft_code tls_conn_handshake(struct tls_conn *t, bool *ret_done,
                                  struct weft_err *e) WEFT_MUST_CHECK;

enum {
    TLS_READ_LEAST = 17 << 10 /* a record finds room */
};

/* Up to cap bytes, which is TLS_READ_LEAST or more; 0: feed more.  WEFT_CANCELLED: the peer said
 * goodbye. */
enum weft_code tls_conn_read(struct tls_conn *t, uint8_t *out, size_t cap, size_t *ret_n,
                             struct weft_err *e) WEFT_MUST_CHECK;
/* All of it, in as many records as that takes. */
enum weft_code tls_conn_write(struct tls_conn *t, struct bytes plain,
                              struct weft_err *e) WEFT_MUST_CHECK;
/* Says goodbye. */
void tls_conn_shutdown(struct tls_conn *t);

/* The peer's certificate, DER, as long as the connection lives; empty: none. */
struct bytes tls_conn_peer_cert(const struct tls_conn *t);

#endif
