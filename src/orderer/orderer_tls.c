#include "orderer/orderer_tls.h"

#include "base/log.h"
#include "bundle/bundle.h"
#include "config/config_parts.h"
#include "orderer/orderer_channel.h"
#include "os/file.h"

LOG_DEFINE(logger, "orderer.common.server");

enum {
    PEM_MAX = 1 << 20,
};

struct orderer_tls {
    struct buf cert, key, roots;
    bool is_mutual;
    int64_t time_shift_s;
};

static enum weft_code read_pem(const char *path, const char *what, struct buf *ret,
                               struct weft_err *e)
{
    enum weft_code rc = file_read_all(path, PEM_MAX, ret, e);
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

enum weft_code orderer_tls_load(const struct config_tls *config, struct orderer_tls **ret,
                                struct weft_err *e)
{
    WEFT_CLEANUP(orderer_tls_free) struct orderer_tls *t = NULL;
    if (!config->enabled) {
        *ret = NULL;
        return WEFT_OK;
    }
    t = weft_alloc(sizeof(*t));
    t->is_mutual = config->client_auth_required;
    t->time_shift_s = config->handshake_time_shift_ns / 1000000000;
    WEFT_TRY(read_pem(config->certificate, "server Certificate", &t->cert, e));
    WEFT_TRY(read_pem(config->private_key, "PrivateKey", &t->key, e));
    if (t->is_mutual)
        WEFT_TRY(read_roots(&config->client_root_cas, &t->roots, e));
    LOG_INFO(&logger, "Starting orderer with %s enabled", t->is_mutual ? "mutual TLS" : "TLS");
    *ret = WEFT_TAKE(t);
    return WEFT_OK;
}

void orderer_tls_free(struct orderer_tls *t)
{
    if (t == NULL)
        return;
    if (t->key.data != NULL)
        explicit_bzero(t->key.data, t->key.len);
    buf_done(&t->cert);
    buf_done(&t->key);
    buf_done(&t->roots);
    free(t);
}

bool orderer_tls_is_mutual(const struct orderer_tls *t)
{
    return t != NULL && t->is_mutual;
}

/* ---- roots of the channels ------------------------------------------------------------------ */

static void put_pems(struct buf *out, const struct msp_items *pems)
{
    for (size_t i = 0; i < pems->count; i++) {
        buf_put(out, pems->at[i]);
        buf_put_u8(out, '\n');
    }
}

static void put_orgs(struct buf *out, const struct bundle_org *orgs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put_pems(out, msp_tls_roots(orgs[i].msp));
        put_pems(out, msp_tls_intermediates(orgs[i].msp));
    }
}

static void put_roots_of(struct buf *out, const struct bundle *b)
{
    const struct bundle_application *app = bundle_application(b);
    const struct bundle_orderer *orderer = bundle_orderer(b);
    const struct bundle_consortiums *consortiums = bundle_consortiums(b);
    if (app != NULL)
        put_orgs(out, app->orgs, app->org_count);
    if (orderer != NULL)
        put_orgs(out, orderer->orgs, orderer->org_count);
    for (size_t i = 0; consortiums != NULL && i < consortiums->count; i++)
        put_orgs(out, consortiums->at[i].orgs, consortiums->at[i].org_count);
}

enum weft_code orderer_tls_context(const struct orderer_tls *t,
                                   const struct orderer_channels *channels,
                                   struct tls_context **ret, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf roots = { 0 };
    buf_put(&roots, buf_bytes(&t->roots));
    for (size_t i = 0; t->is_mutual && i < orderer_channels_count(channels); i++)
        put_roots_of(&roots, orderer_channels_at(channels, i)->bundle);
    struct bytes all = buf_bytes(&roots);
    const struct tls_config config = {
        .cert_pem = buf_bytes(&t->cert),
        .key_pem = buf_bytes(&t->key),
        .roots_pem = &all,
        .roots_count = roots.len > 0 ? 1 : 0,
        .client_auth = t->is_mutual ? TLS_CLIENT_REQUIRE : TLS_CLIENT_REQUEST,
        .time_shift_s = t->time_shift_s,
    };
    return tls_context_new(TLS_SERVER, &config, ret, e);
}
