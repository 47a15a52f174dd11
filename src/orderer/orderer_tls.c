#include "orderer/orderer_tls.h"

#include "base/log.h"
#include "bundle/bundle.h"
#include "config/config_parts.h"
#include "orderer/orderer_channel.h"
#include "os/file.h"

LOG_DEFINE(logger, "orderer.common.server");

static enum weft_code read_pem(const char *path, const char *what, struct buf *ret,
                               struct weft_err *e)
{
    enum weft_code rc = file_read_all(path, SERVER_TLS_PEM_MAX, ret, e);
    return rc == WEFT_OK ? rc : weft_err_wrap(e, rc, "Failed to load %s file '%s'", what, path);
}

static enum weft_code read_roots(const struct config_strings *paths, struct buf *all,
                                 struct weft_err *e)
{
    for (size_t i = 0; i < paths->count; i++) {
        WEFT_CLEANUP(buf_done) struct buf one = { 0 };
        WEFT_TRY(read_pem(paths->items[i], "ClientRootCAs", &one, e));
        buf_put(all, buf_bytes(&one));
        buf_put_u8(all, '\n');
    }
    return WEFT_OK;
}

static void parts_done(struct server_tls_parts *p)
{
    buf_done(&p->cert);
    buf_done(&p->key);
    buf_done(&p->client_roots);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct server_tls_parts, parts_done)

enum weft_code orderer_tls_load(const struct config_tls *config, struct server_tls **ret,
                                struct weft_err *e)
{
    WEFT_CLEANUP(parts_done) struct server_tls_parts p = { 0 };
    if (!config->enabled) {
        *ret = NULL;
        return WEFT_OK;
    }
    p.is_mutual = config->client_auth_required;
    p.time_shift_s = config->handshake_time_shift_ns / 1000000000;
    WEFT_TRY(read_pem(config->certificate, "server Certificate", &p.cert, e));
    WEFT_TRY(read_pem(config->private_key, "PrivateKey", &p.key, e));
    if (p.is_mutual)
        WEFT_TRY(read_roots(&config->client_root_cas, &p.client_roots, e));
    LOG_INFO(&logger, "Starting orderer with %s enabled", p.is_mutual ? "mutual TLS" : "TLS");
    *ret = server_tls_new(&p);
    return WEFT_OK;
}

/* ---- roots of the channels ------------------------------------------------------------------ */

static void put_roots_of(struct buf *out, const struct bundle *b)
{
    const struct bundle_application *app = bundle_application(b);
    const struct bundle_orderer *orderer = bundle_orderer(b);
    const struct bundle_consortiums *consortiums = bundle_consortiums(b);
    if (app != NULL)
        server_tls_put_orgs(out, app->orgs, app->org_count);
    if (orderer != NULL)
        server_tls_put_orgs(out, orderer->orgs, orderer->org_count);
    for (size_t i = 0; consortiums != NULL && i < consortiums->count; i++)
        server_tls_put_orgs(out, consortiums->at[i].orgs, consortiums->at[i].org_count);
}

enum weft_code orderer_tls_context(const struct server_tls *t,
                                   const struct orderer_channels *channels,
                                   struct tls_context **ret, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf roots = { 0 };
    for (size_t i = 0; server_tls_is_mutual(t) && i < orderer_channels_count(channels); i++)
        put_roots_of(&roots, orderer_channels_at(channels, i)->bundle);
    return server_tls_context(t, buf_bytes(&roots), ret, e);
}
