/* openssl_glue.h - what crypto/ needs to hold OpenSSL's objects in our way.
 *
 * Why OpenSSL said no, in its words:
 *
 *     return WEFT_FAIL(e, WEFT_INVALID, "bad key: %s", openssl_reason());
 *
 * and cleanups for its types.  Included by the files of crypto/ only, never
 * by their headers.
 *
 * Go origin   none
 * Owner       any thread; the error queue is the thread's own
 */
#ifndef WEFT_CRYPTO_OPENSSL_GLUE_H
#define WEFT_CRYPTO_OPENSSL_GLUE_H

#include "base/weft.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

/* Reading empties the thread's error queue, so that a refused certificate
 * leaves nothing behind for a TLS call on this thread to trip over. */
static inline const char *openssl_reason(void)
{
    const char *words = ERR_reason_error_string(ERR_peek_error());
    ERR_clear_error();
    return words != NULL ? words : "no reason given";
}

WEFT_DEFINE_CLEANUP(BIGNUM *, BN_free)
WEFT_DEFINE_CLEANUP(BN_CTX *, BN_CTX_free)
WEFT_DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)
WEFT_DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
WEFT_DEFINE_CLEANUP(X509 *, X509_free)
WEFT_DEFINE_CLEANUP(X509_NAME *, X509_NAME_free)
WEFT_DEFINE_CLEANUP(ASN1_INTEGER *, ASN1_INTEGER_free)
WEFT_DEFINE_CLEANUP(ASN1_TIME *, ASN1_TIME_free)
WEFT_DEFINE_CLEANUP(X509_PUBKEY *, X509_PUBKEY_free)

#endif
