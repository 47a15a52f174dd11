#include "msp/identity_expiry.h"

#include "crypto/pem.h"
#include "crypto/x509.h"
#include "proto/identity.h"

/* Of the certificate itself, whoever's it is. */
static int64_t read_expiry(struct bytes serialized)
{
    struct serialized_identity id = { 0 };
    WEFT_CLEANUP(x509_cert_unref) struct x509_cert *cert = NULL;
    if (serialized_identity_parse(serialized, &id, NULL) != WEFT_OK ||
        x509_cert_parse_pem(id.id_bytes, &cert, NULL) != WEFT_OK)
        return 0;
    return cert->not_after;
}

int64_t identity_expires_s(struct identity_cache *cache, struct bytes serialized)
{
    WEFT_CLEANUP(msp_identity_unref) struct msp_identity *id = NULL;
    if (cache != NULL && identity_cache_get(cache, serialized, &id, NULL) == WEFT_OK)
        return msp_identity_expires_s(id);
    return read_expiry(serialized);
}
