#include "peer/orderer_overrides.h"

#include "base/log.h"
#include "config/core_config.h"
#include "crypto/x509.h"
#include "node/server_tls.h"
#include "os/file.h"

LOG_DEFINE(logger, "deliverservice");

static bool has_certificate(struct bytes pem)
{
    struct x509_cert *cert = NULL;
    if (x509_cert_parse_pem(pem, &cert, NULL) != WEFT_OK)
        return false;
    x509_cert_unref(cert);
    return true;
}

/* False: it does not count. */
static bool load_roots(const struct core_address_override *o, struct bytes *ret)
{
    WEFT_CLEANUP(buf_done) struct buf pem = { 0 };
    struct weft_err e = { 0 };
    *ret = bytes_of(NULL, 0);
    if (o->ca_certs_file == NULL || o->ca_certs_file[0] == '\0')
        return true;
    if (file_read_all(o->ca_certs_file, SERVER_TLS_PEM_MAX, &pem, &e) != WEFT_OK) {
        LOG_WARN(&logger,
                 "could not read file '%s' specified for caCertsFile of orderer endpoint override "
                 "from '%s' to '%s': %s",
                 o->ca_certs_file, o->from, o->to, e.msg);
        return false;
    }
    if (!has_certificate(buf_bytes(&pem))) {
        LOG_WARN(&logger,
                 "Attempted to create a cert pool for override of orderer address '%s' to '%s' but "
                 "did not find any valid certs in '%s'",
                 o->from, o->to, o->ca_certs_file);
        return false;
    }
    *ret = buf_bytes(&pem);
    pem = (struct buf){ 0 };
    return true;
}

void orderer_overrides_load(const struct core_deliver_client_config *config,
                            struct orderer_overrides *ret)
{
    ret->at = weft_alloc((config->override_count + 1) * sizeof(*ret->at));
    ret->count = 0;
    for (size_t i = 0; i < config->override_count; i++) {
        const struct core_address_override *o = &config->overrides[i];
        struct bytes roots;
        if (load_roots(o, &roots))
            ret->at[ret->count++] = (struct orderer_override){ o->from, o->to, roots };
    }
}

void orderer_overrides_done(struct orderer_overrides *o)
{
    for (size_t i = 0; i < o->count; i++)
        free((uint8_t *)o->at[i].roots.data);
    free(o->at);
    *o = (struct orderer_overrides){ 0 };
}
