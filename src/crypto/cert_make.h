/* cert_make.h - makes certificates: a CA's own, and those that it signs.
 *
 *     struct cert_plan ca = { .subject = { .organization = "org1", .common_name = "ca.org1" },
 *                             .is_ca = true, .usage = ..., .not_before_s = now };
 *     cert_make(&ca, key, NULL, key, &der, e)             signs itself
 *     cert_make(&peer, private_key_public(k), ca_cert, ca_key, &der, e)
 *
 * ECDSA with SHA-256, low s; the layout (order of names and extensions) is Go's.
 *
 * Go origin   none (crypto/x509 CreateCertificate)
 * Owner       any thread
 * Memory      appends to the caller's buffer
 */
#ifndef WEFT_CRYPTO_CERT_MAKE_H
#define WEFT_CRYPTO_CERT_MAKE_H

#include "crypto/ecdsa.h"

struct x509_cert;

/* KeyUsage's bits. */
enum cert_usage {
    CERT_DIGITAL_SIGNATURE = 1 << 0,
    CERT_KEY_ENCIPHERMENT = 1 << 1,
    CERT_SIGN = 1 << 2,
    CERT_CRL_SIGN = 1 << 3,
};

struct cert_texts {
    const char *const *at;
    size_t count;
};

/* NULL or "": not there. */
struct cert_subject {
    const char *country, *organization;
    struct cert_texts units;
    const char *locality, *province, *street, *postal_code, *common_name;
};

struct cert_plan {
    struct cert_subject subject;
    bool is_ca;
    unsigned usage;
    bool client_auth, server_auth; /* ExtendedKeyUsage; */
    bool server_first;             /* in this order */
    struct cert_texts names;       /* subject alternative names: IP addresses, or host names */
    int64_t not_before_s, not_after_s;
};

/* issuer NULL: `key` is signer's own, the certificate signs itself.  The serial
 * number is 128 random bits. */
enum weft_code cert_make(const struct cert_plan *plan, const struct public_key *key,
                         const struct x509_cert *issuer, const struct private_key *signer,
                         struct buf *ret_der, struct weft_err *e) WEFT_MUST_CHECK;

#endif
