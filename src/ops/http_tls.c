#include "ops/http_tls.h"

#include "os/file.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

enum {
    PEM_MAX = 1 << 20
};

struct http_tls {
    gnutls_certificate_credentials_t credentials;
    struct buf cert, key; /* PEM, a zero behind */
    bool required;
};

/* A certificate that was shown is for clients and leads to one of the roots; when
 * one is required it was shown.  Anything else ends the handshake. */
static int verify(gnutls_session_t session)
{
    static unsigned char for_clients[] = GNUTLS_KP_TLS_WWW_CLIENT;
    gnutls_typed_vdata_st purpose = { .type = GNUTLS_DT_KEY_PURPOSE_OID, .data = for_clients };
    const struct http_tls *t = gnutls_session_get_ptr(session);
    unsigned count = 0, status = 0;
    if (gnutls_certificate_get_peers(session, &count) == NULL || count == 0)
        return t->required ? GNUTLS_E_NO_CERTIFICATE_FOUND : 0;
    if (gnutls_certificate_verify_peers(session, &purpose, 1, &status) != 0 || status != 0)
        return GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR;
    return 0;
}

static enum weft_code failed(int rc, const char *what, const char *file, struct weft_err *e)
{
    return WEFT_FAIL(e, WEFT_INVALID, "%s %.200s: %s", what, file, gnutls_strerror(rc));
}

static enum weft_code read_pem(const char *path, struct buf *ret, struct weft_err *e)
{
    WEFT_TRY(file_read_all(path, PEM_MAX, ret, e));
    buf_put_u8(ret, 0);
    return WEFT_OK;
}

static gnutls_datum_t datum(const struct buf *b)
{
    return (gnutls_datum_t){ .data = b->data, .size = (unsigned)b->len - 1 };
}

/* What is no certificate in a file of roots is passed over, as by Go. */
static enum weft_code add_roots(struct http_tls *t, const struct config_strings *files,
                                struct weft_err *e)
{
    for (size_t i = 0; i < files->count; i++) {
        WEFT_CLEANUP(buf_done) struct buf pem = { 0 };
        WEFT_TRY(read_pem(files->items[i], &pem, e));
        gnutls_datum_t d = datum(&pem);
        WEFT_IGNORE(gnutls_certificate_set_x509_trust_mem(t->credentials, &d, GNUTLS_X509_FMT_PEM));
    }
    return WEFT_OK;
}

enum weft_code http_tls_new(const struct config_tls *config, struct http_tls **ret,
                            struct weft_err *e)
{
    WEFT_CLEANUP(http_tls_free) struct http_tls *t = weft_alloc(sizeof(*t));
    t->required = config->client_auth_required;
    int rc = gnutls_certificate_allocate_credentials(&t->credentials);
    if (rc != 0)
        return failed(rc, "GnuTLS", "", e);
    WEFT_TRY(read_pem(config->certificate, &t->cert, e));
    WEFT_TRY(read_pem(config->private_key, &t->key, e));
    gnutls_datum_t cert = datum(&t->cert), key = datum(&t->key);
    rc = gnutls_certificate_set_x509_key_mem(t->credentials, &cert, &key, GNUTLS_X509_FMT_PEM);
    if (rc != 0)
        return failed(rc, "operations TLS certificate", config->certificate, e);
    WEFT_TRY(add_roots(t, &config->client_root_cas, e));
    gnutls_certificate_set_verify_function(t->credentials, verify);
    *ret = WEFT_TAKE(t);
    return WEFT_OK;
}

void http_tls_free(struct http_tls *t)
{
    if (t == NULL)
        return;
    if (t->credentials != NULL)
        gnutls_certificate_free_credentials(t->credentials);
    if (t->key.len > 0)
        explicit_bzero(t->key.data, t->key.len);
    buf_done(&t->key);
    buf_done(&t->cert);
    free(t);
}

char *http_tls_cert_pem(struct http_tls *t)
{
    return (char *)t->cert.data;
}

char *http_tls_key_pem(struct http_tls *t)
{
    return (char *)t->key.data;
}

void http_tls_apply(struct http_tls *t, struct gnutls_session_int *session)
{
    gnutls_session_set_ptr(session, t);
    WEFT_IGNORE(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, t->credentials));
    gnutls_certificate_server_set_request(session,
                                          t->required ? GNUTLS_CERT_REQUIRE : GNUTLS_CERT_REQUEST);
}

bool http_tls_has_cert(struct gnutls_session_int *session)
{
    unsigned count = 0; /* the handshake is over, so it was verified */
    return gnutls_certificate_get_peers(session, &count) != NULL && count > 0;
}
