#include "node/server_tls.h"

#include "bundle/bundle.h"

struct server_tls {
    struct server_tls_parts parts;
};

struct server_tls *server_tls_new(struct server_tls_parts *parts)
{
    struct server_tls *t = weft_alloc(sizeof(*t));
    t->parts = *parts;
    parts->cert = parts->key = parts->client_roots = (struct buf){ 0 };
    return t;
}

void server_tls_free(struct server_tls *t)
{
    if (t == NULL)
        return;
    if (t->parts.key.data != NULL)
        explicit_bzero(t->parts.key.data, t->parts.key.len);
    buf_done(&t->parts.cert);
    buf_done(&t->parts.key);
    buf_done(&t->parts.client_roots);
    free(t);
}

struct bytes server_tls_cert(const struct server_tls *t)
{
    return buf_bytes(&t->parts.cert);
}

bool server_tls_is_mutual(const struct server_tls *t)
{
    return t != NULL && t->parts.is_mutual;
}

static void put_pems(struct buf *out, const struct msp_items *pems)
{
    for (size_t i = 0; i < pems->count; i++) {
        buf_put(out, pems->at[i]);
        buf_put_u8(out, '\n');
    }
}

void server_tls_put_orgs(struct buf *out, const struct bundle_org *orgs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put_pems(out, msp_tls_roots(orgs[i].msp));
        put_pems(out, msp_tls_intermediates(orgs[i].msp));
    }
}

enum weft_code server_tls_context(const struct server_tls *t, struct bytes channels,
                                  struct tls_context **ret, struct weft_err *e)
{
    const struct server_tls_parts *p = &t->parts;
    struct bytes roots[2];
    size_t count = 0;
    if (p->client_roots.len > 0)
        roots[count++] = buf_bytes(&p->client_roots);
    if (p->is_mutual && channels.len > 0)
        roots[count++] = channels;
    const struct tls_config config = {
        .cert_pem = buf_bytes(&p->cert),
        .key_pem = buf_bytes(&p->key),
        .roots_pem = roots,
        .roots_count = count,
        .client_auth = p->is_mutual ? TLS_CLIENT_REQUIRE : TLS_CLIENT_REQUEST,
        .time_shift_s = p->time_shift_s,
    };
    return tls_context_new(TLS_SERVER, &config, ret, e);
}
