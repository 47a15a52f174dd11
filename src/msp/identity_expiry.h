/* identity_expiry.h - until when somebody's certificate says it is good.
 *
 * The MSP does not know that time passes; who talks to a node now, and not to
 * the ledger for ever, may be asked for more.
 *
 *     identity_expires_s(cache, creator)      1956528000; 0: never
 *
 * Who can't be read never expires: he is refused for that, not for this.
 *
 * Go origin   common/crypto/expiration.go ExpiresAt
 * Owner       the cache's thread
 */
#ifndef WEFT_MSP_IDENTITY_EXPIRY_H
#define WEFT_MSP_IDENTITY_EXPIRY_H

#include "msp/identity_cache.h"

/* Seconds since 1970, of a SerializedIdentity's certificate.  The cache spares
 * parsing it again; it may be NULL. */
int64_t identity_expires_s(struct identity_cache *cache, struct bytes serialized);

#endif
