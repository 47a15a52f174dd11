#include "peer/peer_tls.h"

#include "base/log.h"
#include "bundle/bundle.h"
#include "config/core_config.h"
#include "node/cert_monitor.h"
#include "os/file.h"

LOG_DEFINE(logger, "nodeCmd");

struct peer_tls {
    struct server_tls *server;
    struct buf cert, key; /* that we show orderers; empty: none */
};

static enum weft_code read_pem(const char *path, const char *what, struct buf *ret,
                               struct weft_err *e)
{
    struct weft_err why = { 0 };
    enum weft_code rc = file_read_all(path, SERVER_TLS_PEM_MAX, ret, &why);
    return rc == WEFT_OK ? rc : WEFT_FAIL(e, rc, "error loading %s (%s)", what, why.msg);
}

static enum weft_code add_roots(const char *path, const char *what, struct buf *all,
                                struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf one = { 0 };
    WEFT_TRY(read_pem(path, what, &one, e));
    buf_put(all, buf_bytes(&one));
    buf_put_u8(all, '\n');
    return WEFT_OK;
}

static bool is_set(const char *path)
{
    return path != NULL && path[0] != '\0';
}

static void parts_done(struct server_tls_parts *p)
{
    buf_done(&p->cert);
    buf_done(&p->key);
    buf_done(&p->client_roots);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct server_tls_parts, parts_done)

static enum weft_code load_server(const struct core_peer_config *c, struct server_tls **ret,
                                  struct weft_err *e)
{
    WEFT_CLEANUP(parts_done)
    struct server_tls_parts p = { .is_mutual = c->tls.client_auth_required };
    WEFT_TRY(read_pem(c->tls.private_key, "TLS key", &p.key, e));
    WEFT_TRY(read_pem(c->tls.certificate, "TLS certificate", &p.cert, e));
    for (size_t i = 0; p.is_mutual && i < c->tls.client_root_cas.count; i++)
        WEFT_TRY(add_roots(c->tls.client_root_cas.items[i], "client root CAs", &p.client_roots, e));
    WEFT_CLEANUP(buf_done) struct buf unused = { 0 };
    if (is_set(c->tls_root_cert))
        WEFT_TRY(add_roots(c->tls_root_cert, "TLS root certificate",
                           p.is_mutual ? &p.client_roots : &unused, e));
    *ret = server_tls_new(&p);
    return WEFT_OK;
}

/* As a client: the pair of its own, or the server's. */
static enum weft_code load_client(const struct core_peer_config *c, struct peer_tls *t,
                                  struct weft_err *e)
{
    bool has_own = is_set(c->tls_client_cert) || is_set(c->tls_client_key);
    const char *cert = has_own ? c->tls_client_cert : c->tls.certificate;
    const char *key = has_own ? c->tls_client_key : c->tls.private_key;
    WEFT_TRY(read_pem(key, "client TLS key", &t->key, e));
    return read_pem(cert, "client TLS certificate", &t->cert, e);
}

enum weft_code peer_tls_load(const struct core_peer_config *config, struct peer_tls **ret,
                             struct weft_err *e)
{
    WEFT_CLEANUP(peer_tls_free) struct peer_tls *t = NULL;
    struct weft_err why = { 0 };
    if (!config->tls.enabled) {
        *ret = NULL;
        return WEFT_OK;
    }
    t = weft_alloc(sizeof(*t));
    enum weft_code rc = load_server(config, &t->server, &why);
    if (rc != WEFT_OK)
        return WEFT_FAIL(e, rc, "Error loading secure config for peer (%s)", why.msg);
    if (config->tls.client_auth_required)
        rc = load_client(config, t, &why);
    if (rc != WEFT_OK)
        return WEFT_FAIL(e, rc, "Failed to set TLS client certificate (%s)", why.msg);
    LOG_INFO(&logger, "Starting peer with TLS enabled");
    *ret = WEFT_TAKE(t);
    return WEFT_OK;
}

void peer_tls_free(struct peer_tls *t)
{
    if (t == NULL)
        return;
    if (t->key.data != NULL)
        explicit_bzero(t->key.data, t->key.len);
    server_tls_free(t->server);
    buf_done(&t->cert);
    buf_done(&t->key);
    free(t);
}

void peer_tls_watch(const struct peer_tls *t, struct cert_monitor *m, int64_t now_s)
{
    if (t == NULL)
        return;
    cert_monitor_add(m, "server TLS", server_tls_cert(t->server), now_s);
    cert_monitor_add(m, "client TLS", buf_bytes(&t->cert), now_s);
}

bool peer_tls_is_mutual(const struct peer_tls *t)
{
    return t != NULL && server_tls_is_mutual(t->server);
}

void peer_tls_put_roots(struct buf *out, const struct bundle *b)
{
    const struct bundle_application *a = bundle_application(b);
    if (a != NULL)
        server_tls_put_orgs(out, a->orgs, a->org_count);
}

enum weft_code peer_tls_server_context(const struct peer_tls *t, struct bytes channels,
                                       struct tls_context **ret, struct weft_err *e)
{
    *ret = NULL;
    return t == NULL ? WEFT_OK : server_tls_context(t->server, channels, ret, e);
}

enum weft_code peer_tls_dial_context(const struct peer_tls *t, struct bytes roots,
                                     struct tls_context **ret, struct weft_err *e)
{
    *ret = NULL;
    if (t == NULL)
        return WEFT_OK;
    const struct tls_config config = {
        .cert_pem = buf_bytes(&t->cert),
        .key_pem = buf_bytes(&t->key),
        .roots_pem = &roots,
        .roots_count = 1,
    };
    return tls_context_new(TLS_CLIENT, &config, ret, e);
}
