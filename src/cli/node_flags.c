#include "cli/node_flags.h"

#include "config/config_value.h"
#include "config/core_config.h"
#include "os/file.h"

enum {
    PEM_MAX = 1 << 20,
    CONNECT_MS = 3000, /* Fabric's */
};

void orderer_flags_add(struct orderer_flags *f, struct cli_opt *opts, size_t *count)
{
    const struct cli_opt mine[] = {
        { "--orderer", "ADDRESS", "ordering service endpoint", &f->address, NULL, "-o" },
        { "--tls", NULL, "use TLS with the orderer", NULL, &f->tls, NULL },
        { "--cafile", "FILE", "certificates (PEM) to trust the orderer by", &f->ca_file, NULL,
          NULL },
        { "--clientauth", NULL, "use mutual TLS with the orderer", NULL, &f->client_auth, NULL },
        { "--certfile", "FILE", "our certificate (PEM) for mutual TLS", &f->cert_file, NULL, NULL },
        { "--keyfile", "FILE", "our private key (PEM) for mutual TLS", &f->key_file, NULL, NULL },
        { "--ordererTLSHostnameOverride", "NAME",
          "host name to expect in the orderer's certificate", &f->host_override, NULL, NULL },
        { "--connTimeout", "DURATION", "how long connecting may take (3s)", &f->conn_timeout, NULL,
          NULL },
        { "--tlsHandshakeTimeShift", "DURATION",
          "judge certificates as of so long ago, for expired ones", &f->time_shift, NULL, NULL },
        { "--logging-level", "LEVEL", "taken and passed over: see FABRIC_LOGGING_SPEC",
          &f->logging_level, NULL, NULL },
    };
    memcpy(opts + *count, mine, sizeof(mine));
    *count += WEFT_ARRAY_LEN(mine);
}

static enum weft_code duration_of(const char *text, const char *flag, int64_t otherwise_ns,
                                  int64_t *ret_ns, struct weft_err *e)
{
    *ret_ns = otherwise_ns;
    if (text == NULL || config_parse_duration(text, true, ret_ns))
        return WEFT_OK;
    return WEFT_FAIL(e, WEFT_INVALID, "%s takes a duration such as 3s or 1h30m, not %s", flag,
                     text);
}

static enum weft_code read_pem(const char *path, const char *what, struct buf *ret,
                               struct weft_err *e)
{
    enum weft_code rc = file_read_all(path, PEM_MAX, ret, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "unable to load %s", what);
    return WEFT_OK;
}

/* Files of the client's side of TLS, and where they were named. */
struct tls_files {
    const char *ca, *ca_key, *cert, *cert_key, *key, *key_key; /* cert NULL: none of our own */
    int64_t time_shift_ns;
};

static enum weft_code make_tls(const struct tls_files *f, struct tls_context **ret,
                               struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf roots = { 0 };
    WEFT_CLEANUP(buf_done) struct buf cert_pem = { 0 };
    WEFT_CLEANUP(buf_done) struct buf key_pem = { 0 };
    WEFT_TRY(read_pem(f->ca, f->ca_key, &roots, e));
    if (f->cert != NULL) {
        WEFT_TRY(read_pem(f->key, f->key_key, &key_pem, e));
        WEFT_TRY(read_pem(f->cert, f->cert_key, &cert_pem, e));
    }
    struct bytes all = buf_bytes(&roots);
    struct tls_config config = { .cert_pem = buf_bytes(&cert_pem),
                                 .key_pem = buf_bytes(&key_pem),
                                 .roots_pem = &all,
                                 .roots_count = 1,
                                 .time_shift_s = f->time_shift_ns / 1000000000 };
    enum weft_code rc = tls_context_new(TLS_CLIENT, &config, ret, e);
    if (key_pem.len > 0)
        explicit_bzero(key_pem.data, key_pem.len);
    return rc;
}

enum weft_code orderer_flags_target(const struct orderer_flags *f, struct node_target *ret,
                                    struct weft_err *e)
{
    int64_t timeout = 0, shift = 0;
    struct node_target t = { .address = f->address, .host_override = f->host_override };
    WEFT_TRY(duration_of(f->conn_timeout, "--connTimeout", CONNECT_MS * 1000000LL, &timeout, e));
    WEFT_TRY(duration_of(f->time_shift, "--tlsHandshakeTimeShift", 0, &shift, e));
    t.connect_timeout_ms = (uint32_t)(timeout / 1000000);
    if (f->tls && f->ca_file == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "--tls needs --cafile");
    if (f->tls && f->client_auth && (f->cert_file == NULL || f->key_file == NULL))
        return WEFT_FAIL(e, WEFT_INVALID, "--clientauth needs --certfile and --keyfile");
    const struct tls_files files = {
        f->ca_file,
        "orderer.tls.rootcert.file",
        f->client_auth ? f->cert_file : NULL,
        "orderer.tls.clientCert.file",
        f->key_file,
        "orderer.tls.clientKey.file",
        shift,
    };
    if (f->tls)
        WEFT_TRY(make_tls(&files, &t.tls, e));
    *ret = t;
    return WEFT_OK;
}

static const char *or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

enum weft_code peer_target(const struct core_config *c, struct node_target *ret, struct weft_err *e)
{
    const struct core_peer_config *p = &c->peer;
    struct node_target t = { .address = p->address,
                             .host_override = or_null(p->tls_server_host_override),
                             .connect_timeout_ms =
                                 (uint32_t)(p->client_conn_timeout_ns / 1000000) };
    if (t.connect_timeout_ms == 0)
        t.connect_timeout_ms = CONNECT_MS;
    const struct tls_files files = {
        p->tls_root_cert,
        "peer.tls.rootcert.file",
        p->tls.client_auth_required ? p->tls_client_cert : NULL,
        "peer.tls.clientCert.file",
        p->tls_client_key,
        "peer.tls.clientKey.file",
        p->tls.handshake_time_shift_ns,
    };
    if (p->tls.enabled)
        WEFT_TRY(make_tls(&files, &t.tls, e));
    *ret = t;
    return WEFT_OK;
}

void node_target_done(struct node_target *t)
{
    tls_context_unref(t->tls);
    *t = (struct node_target){ 0 };
}
