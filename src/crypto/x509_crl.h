/* x509_crl.h - which serial numbers a CA has revoked.
 *
 *     x509_crl_parse(pem_or_der, &crl, e)
 *     x509_crl_lists(crl, cert)                    its number is in the list
 *     x509_crl_check_signature(crl, ca, e)         and the CA has signed the list
 *
 * The list's dates, its issuer's name and the reasons do not count: an MSP
 * takes a list as valid for as long as it is in its configuration.
 *
 * Go origin   msp/mspimplsetup.go setupCRLs
 * Owner       any thread: does not change once made
 * Memory      a copy of the bytes, and 16 bytes for each number
 * Limits      LIMIT_PEM_TEXT as PEM, LIMIT_CRL_BYTES as DER
 */
#ifndef WEFT_CRYPTO_X509_CRL_H
#define WEFT_CRYPTO_X509_CRL_H

#include "crypto/x509_link.h"

struct x509_crl;

/* WEFT_INVALID when it is none. */
enum weft_code x509_crl_parse(struct bytes pem_or_der, struct x509_crl **ret,
                              struct weft_err *e) WEFT_MUST_CHECK;
void x509_crl_free(struct x509_crl *crl);
WEFT_DEFINE_CLEANUP(struct x509_crl *, x509_crl_free)

/* Whose list it is; WEFT_INVALID without an authority key identifier. */
enum weft_code x509_crl_issuer_key(const struct x509_crl *crl, struct bytes *ret,
                                   struct weft_err *e) WEFT_MUST_CHECK;
bool x509_crl_lists(const struct x509_crl *crl, const struct x509_link *cert);
/* WEFT_FORBIDDEN with Go's words. */
enum weft_code x509_crl_check_signature(const struct x509_crl *crl, const struct x509_link *issuer,
                                        struct weft_err *e) WEFT_MUST_CHECK;

#endif
