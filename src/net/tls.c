#include "net/tls.h"

#include "base/limits.h"
#include "net/tls13_records.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>

/* What Fabric 2.2 offers for TLS 1.2; 1.3 has none weaker.  The cheapest first:
 * a server takes the first that the client offers too, as Go's does; ChaCha20 if
 * that is the client's own first, because it has no AES in hardware. */
static const char ciphers_1_2[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                  "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                  "AES128-GCM-SHA256:AES256-GCM-SHA384";
static const char ciphers_1_3[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                                  "TLS_CHACHA20_POLY1305_SHA256";

struct tls_context {
    _Atomic uint32_t refs;
    enum tls_side side;
    SSL_CTX *ctx;
    BIO_METHOD *bio;
    int64_t time_shift_s;
    bool has_cert;
    struct digest cert_hash;
};

/* The secrets that records are encrypted with, as OpenSSL tells them. */
struct traffic_secret {
    uint8_t bytes[TLS13_SECRET_MAX];
    size_t len; /* 0: not told, as before TLS 1.3 */
};

struct tls_conn {
    SSL *ssl; /* NULL: hands are shaken, and `records` does the rest */
    struct tls13_records *records;
    struct tls_context *context;
    struct bytes in; /* fed and not yet read */
    struct buf *out;
    struct traffic_secret secrets[2]; /* by side; until hands are shaken */
    uint8_t *peer_cert;
    size_t peer_cert_len;
};

/* ---- errors ------------------------------------------------------------ */

/* The words of OpenSSL's last error, which is then forgotten. */
static enum weft_code fail_ssl(struct weft_err *e, enum weft_code code, const char *what)
{
    unsigned long err = ERR_peek_last_error();
    const char *reason = err != 0 ? ERR_reason_error_string(err) : NULL;
    ERR_clear_error();
    return WEFT_FAIL(e, code, "%s: %s", what, reason != NULL ? reason : "no reason given");
}

/* ---- the context --------------------------------------------------------- */

static int bio_read(BIO *b, char *out, size_t n, size_t *ret_n)
{
    struct tls_conn *t = BIO_get_data(b);
    BIO_clear_retry_flags(b);
    if (t->in.len == 0) {
        BIO_set_retry_read(b);
        return 0;
    }
    *ret_n = n < t->in.len ? n : t->in.len;
    memcpy(out, t->in.data, *ret_n);
    t->in = bytes_skip(t->in, *ret_n);
    return 1;
}

static int bio_write(BIO *b, const char *data, size_t n, size_t *ret_n)
{
    struct tls_conn *t = BIO_get_data(b);
    buf_put(t->out, bytes_of(data, n));
    *ret_n = n;
    return 1;
}

static long bio_ctrl(BIO *b, int cmd, long n, void *p)
{
    (void)b, (void)n, (void)p;
    return cmd == BIO_CTRL_FLUSH ? 1 : 0;
}

/* OpenSSL has a line of text for whoever wants to look into connections with an analyser:
 *     SERVER_TRAFFIC_SECRET_0 <client random> <secret> */
static void hear_secret(const SSL *ssl, const char *line)
{
    static const char *const names[] = {
        [TLS_SERVER] = "SERVER_TRAFFIC_SECRET_0 ", [TLS_CLIENT] = "CLIENT_TRAFFIC_SECRET_0 "
    };
    struct tls_conn *t = SSL_get_app_data(ssl);
    for (int side = TLS_SERVER; side <= TLS_CLIENT; side++) {
        if (strncmp(line, names[side], strlen(names[side])) != 0)
            continue;
        struct traffic_secret *secret = &t->secrets[side];
        struct bytes hex = bytes_of_str(strrchr(line, ' ') + 1);
        if (hex.len <= 2 * sizeof(secret->bytes) && bytes_from_hex(hex, secret->bytes))
            secret->len = hex.len / 2;
    }
}

static BIO_METHOD *new_bio_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK | 0x7e, "weft");
    WEFT_ASSERT(m != NULL && BIO_meth_set_read_ex(m, bio_read) == 1 &&
                BIO_meth_set_write_ex(m, bio_write) == 1 && BIO_meth_set_ctrl(m, bio_ctrl) == 1);
    return m;
}

static BIO *open_pem(struct bytes pem)
{
    BIO *b = BIO_new_mem_buf(pem.data, (int)pem.len);
    WEFT_ASSERT(b != NULL);
    return b;
}

/* OpenSSL works out a certificate's extensions when it first looks at them;
 * done here, before loops share it. */
static void look_at(X509 *x)
{
    (void)X509_check_purpose(x, -1, 0); /* what is wrong with it shows when it is used */
}

/* The first certificate is ours, the others go with it. */
static enum weft_code use_certificate(struct tls_context *c, struct bytes pem, struct weft_err *e)
{
    BIO *in = open_pem(pem);
    X509 *x = PEM_read_bio_X509_AUX(in, NULL, NULL, NULL);
    bool ok = x != NULL && SSL_CTX_use_certificate(c->ctx, x) == 1;
    if (ok) {
        unsigned n = 0;
        look_at(x);
        c->has_cert = X509_digest(x, EVP_sha256(), c->cert_hash.b, &n) == 1;
        ok = c->has_cert;
    }
    X509_free(x);
    while (ok && (x = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
        look_at(x);
        if (SSL_CTX_add0_chain_cert(c->ctx, x) != 1) {
            X509_free(x);
            ok = false;
        }
    }
    BIO_free(in);
    if (!ok)
        return fail_ssl(e, WEFT_INVALID, "failed to parse TLS certificate");
    ERR_clear_error(); /* the end of the PEM text is an "error" too */
    return WEFT_OK;
}

static enum weft_code use_key(struct tls_context *c, struct bytes pem, struct weft_err *e)
{
    BIO *in = open_pem(pem);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
    bool ok = key != NULL && SSL_CTX_use_PrivateKey(c->ctx, key) == 1 &&
              SSL_CTX_check_private_key(c->ctx) == 1;
    EVP_PKEY_free(key);
    BIO_free(in);
    return ok ? WEFT_OK : fail_ssl(e, WEFT_INVALID, "failed to load TLS key pair");
}

static enum weft_code trust_all(struct tls_context *c, struct bytes pem, struct weft_err *e)
{
    X509_STORE *store = SSL_CTX_get_cert_store(c->ctx);
    BIO *in = open_pem(pem);
    X509 *x;
    size_t count = 0;
    for (; (x = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL; count++) {
        look_at(x);
        (void)X509_STORE_add_cert(store, x); /* fails for one that is there already */
        X509_free(x);
    }
    BIO_free(in);
    if (count == 0)
        return fail_ssl(e, WEFT_INVALID, "failed to parse trusted root certificate");
    ERR_clear_error();
    return WEFT_OK;
}

/* Takes whatever certificate the client shows: Go's tls.RequestClientCert. */
static int verify_nothing(X509_STORE_CTX *store, void *arg)
{
    (void)store, (void)arg;
    return 1;
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                       const unsigned char *in, unsigned in_len, void *arg)
{
    static const unsigned char h2[] = { 2, 'h', '2' };
    unsigned char *picked = NULL;
    (void)ssl, (void)arg;
    if (SSL_select_next_proto(&picked, out_len, h2, sizeof(h2), in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = picked;
    return SSL_TLSEXT_ERR_OK;
}

static void set_fixed_options(SSL_CTX *ctx)
{
    WEFT_ASSERT(SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1);
    WEFT_ASSERT(SSL_CTX_set_cipher_list(ctx, ciphers_1_2) == 1);
    WEFT_ASSERT(SSL_CTX_set_ciphersuites(ctx, ciphers_1_3) == 1);
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                       SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF |
                                       SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    /* The chain is what the PEM text says, as in Go; roots are not added to it. */
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_num_tickets(ctx, 0);
    /* Any trusted certificate ends a chain, as in a Go CertPool. */
    (void)X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN);
}

static void set_verification(struct tls_context *c, enum tls_client_auth auth)
{
    static const unsigned char h2[] = { 2, 'h', '2' };
    if (c->side == TLS_CLIENT) {
        SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, NULL);
        WEFT_ASSERT(SSL_CTX_set_alpn_protos(c->ctx, h2, sizeof(h2)) == 0);
        return;
    }
    SSL_CTX_set_alpn_select_cb(c->ctx, choose_alpn, NULL);
    switch (auth) {
    case TLS_CLIENT_NONE:
        return;
    case TLS_CLIENT_REQUEST:
        SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_cert_verify_callback(c->ctx, verify_nothing, NULL);
        return;
    case TLS_CLIENT_REQUIRE:
        SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
}

static enum weft_code check_sizes(const struct tls_config *config, struct weft_err *e)
{
    bool ok = config->cert_pem.len <= LIMIT_PEM_TEXT && config->key_pem.len <= LIMIT_PEM_TEXT;
    for (size_t i = 0; i < config->roots_count; i++)
        ok = ok && config->roots_pem[i].len <= LIMIT_PEM_TEXT;
    return ok ? WEFT_OK
              : WEFT_FAIL(e, WEFT_LIMIT, "a PEM text is larger than %d bytes", LIMIT_PEM_TEXT);
}

enum weft_code tls_context_new(enum tls_side side, const struct tls_config *config,
                               struct tls_context **ret_context, struct weft_err *e)
{
    WEFT_TRY(check_sizes(config, e));
    WEFT_CLEANUP(tls_context_unref) struct tls_context *c = weft_alloc(sizeof(*c));
    c->refs = 1;
    c->side = side;
    c->time_shift_s = config->time_shift_s;
    c->bio = new_bio_method();
    c->ctx = SSL_CTX_new(side == TLS_SERVER ? TLS_server_method() : TLS_client_method());
    WEFT_ASSERT(c->ctx != NULL);
    set_fixed_options(c->ctx);
    SSL_CTX_set_keylog_callback(c->ctx, hear_secret);
    set_verification(c, config->client_auth);
    if (side == TLS_SERVER && (config->cert_pem.len == 0 || config->key_pem.len == 0))
        return WEFT_FAIL(e, WEFT_INVALID, "Key, Certificate are required when UseTLS is true");
    if (config->cert_pem.len > 0) {
        WEFT_TRY(use_certificate(c, config->cert_pem, e));
        WEFT_TRY(use_key(c, config->key_pem, e));
    }
    for (size_t i = 0; i < config->roots_count; i++)
        WEFT_TRY(trust_all(c, config->roots_pem[i], e));
    *ret_context = WEFT_TAKE(c);
    return WEFT_OK;
}

struct tls_context *tls_context_ref(struct tls_context *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void tls_context_unref(struct tls_context *c)
{
    if (c == NULL || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    SSL_CTX_free(c->ctx);
    BIO_meth_free(c->bio);
    free(c);
}

const struct digest *tls_context_cert_hash(const struct tls_context *c)
{
    return c->has_cert ? &c->cert_hash : NULL;
}

/* ---- one connection ------------------------------------------------------ */

/* The name that the server's certificate must carry. */
static void expect_host(SSL *ssl, const char *host)
{
    struct in6_addr address;
    if (inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1) {
        WEFT_ASSERT(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1);
        return;
    }
    (void)SSL_set_tlsext_host_name(ssl, host); /* too long for SNI: verification will say no */
    (void)SSL_set1_host(ssl, host);
}

struct tls_conn *tls_conn_new(struct tls_context *c, const char *host, int64_t now_s,
                              struct buf *out)
{
    struct tls_conn *t = weft_alloc(sizeof(*t));
    BIO *bio = BIO_new(c->bio);
    t->context = tls_context_ref(c);
    t->out = out;
    t->ssl = SSL_new(c->ctx);
    WEFT_ASSERT(t->ssl != NULL && bio != NULL);
    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    SSL_set_bio(t->ssl, bio, bio);
    SSL_set_app_data(t->ssl, t);
    X509_VERIFY_PARAM_set_time(SSL_get0_param(t->ssl), now_s - c->time_shift_s);
    if (c->side == TLS_SERVER) {
        SSL_set_accept_state(t->ssl);
    } else {
        SSL_set_connect_state(t->ssl);
        expect_host(t->ssl, host);
    }
    return t;
}

void tls_conn_free(struct tls_conn *t)
{
    if (t == NULL)
        return;
    SSL_free(t->ssl);
    tls13_records_free(t->records);
    OPENSSL_cleanse(t->secrets, sizeof(t->secrets));
    tls_context_unref(t->context);
    free(t->peer_cert);
    free(t);
}

void tls_conn_feed(struct tls_conn *t, struct bytes cipher)
{
    WEFT_ASSERT(t->in.len == 0);
    t->in = cipher;
}

static void keep_peer_cert(struct tls_conn *t)
{
    X509 *x = SSL_get0_peer_certificate(t->ssl);
    unsigned char *der = NULL;
    int n = x != NULL ? i2d_X509(x, &der) : 0;
    if (n <= 0)
        return;
    t->peer_cert = weft_alloc((size_t)n);
    t->peer_cert_len = (size_t)n;
    memcpy(t->peer_cert, der, (size_t)n);
    OPENSSL_free(der);
}

/* OpenSSL's part is over where the records are of a kind that we make and read by ourselves. */
static void take_over(struct tls_conn *t)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(t->ssl);
    uint32_t id = cipher != NULL ? SSL_CIPHER_get_id(cipher) : 0;
    const struct traffic_secret *client = &t->secrets[TLS_CLIENT],
                                *server = &t->secrets[TLS_SERVER];
    bool is_ours = id == TLS1_3_CK_AES_128_GCM_SHA256 || id == TLS1_3_CK_AES_256_GCM_SHA384;
    if (is_ours && client->len > 0 && server->len > 0 && SSL_has_pending(t->ssl) == 0) {
        t->records =
            tls13_records_new(t->context->side == TLS_CLIENT, bytes_of(client->bytes, client->len),
                              bytes_of(server->bytes, server->len), t->out);
        SSL_free(t->ssl);
        t->ssl = NULL;
    }
    OPENSSL_cleanse(t->secrets, sizeof(t->secrets));
}

enum weft_code tls_conn_handshake(struct tls_conn *t, bool *ret_done, struct weft_err *e)
{
    ERR_clear_error();
    int rc = SSL_do_handshake(t->ssl);
    if (rc == 1) {
        keep_peer_cert(t);
        take_over(t);
        *ret_done = true;
        return WEFT_OK;
    }
    if (SSL_get_error(t->ssl, rc) == SSL_ERROR_WANT_READ) {
        *ret_done = false;
        return WEFT_OK;
    }
    long verdict = SSL_get_verify_result(t->ssl);
    if (verdict != X509_V_OK) {
        ERR_clear_error();
        return WEFT_FAIL(e, WEFT_FORBIDDEN, "the peer's certificate: %s",
                         X509_verify_cert_error_string(verdict));
    }
    return fail_ssl(e, WEFT_FORBIDDEN, "TLS handshake");
}

enum weft_code tls_conn_read(struct tls_conn *t, uint8_t *out, size_t cap, size_t *ret_n,
                             struct weft_err *e)
{
    *ret_n = 0;
    if (t->records != NULL)
        return tls13_records_read(t->records, &t->in, out, cap, ret_n, e);
    ERR_clear_error();
    int rc = 1;
    while (rc == 1 && *ret_n < cap) {
        size_t some = 0;
        rc = SSL_read_ex(t->ssl, out + *ret_n, cap - *ret_n, &some);
        *ret_n += some;
    }
    if (*ret_n > 0) /* and what is wrong, if something is, the next call says */
        return WEFT_OK;
    switch (SSL_get_error(t->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
        return WEFT_OK;
    case SSL_ERROR_ZERO_RETURN:
        return WEFT_FAIL(e, WEFT_CANCELLED, "the peer closed the connection");
    default:
        return fail_ssl(e, WEFT_IO, "TLS read");
    }
}

enum weft_code tls_conn_write(struct tls_conn *t, struct bytes plain, struct weft_err *e)
{
    size_t n = 0;
    if (t->records != NULL) {
        tls13_records_write(t->records, plain);
        return WEFT_OK;
    }
    ERR_clear_error();
    if (SSL_write_ex(t->ssl, plain.data, plain.len, &n) != 1)
        return fail_ssl(e, WEFT_IO, "TLS write");
    return WEFT_OK;
}

void tls_conn_shutdown(struct tls_conn *t)
{
    if (t->records != NULL) {
        tls13_records_close(t->records);
        return;
    }
    ERR_clear_error();
    (void)SSL_shutdown(t->ssl); /* nobody waits for the answer */
    ERR_clear_error();
}

struct bytes tls_conn_peer_cert(const struct tls_conn *t)
{
    return bytes_of(t->peer_cert, t->peer_cert_len);
}
