/* x509_link.h - a certificate with what it takes to put it into a chain.
 *
 * x509.h says what a certificate means to us; a link adds what its issuer
 * signed and how, and the extensions that chain building asks for.  It is read
 * as Go's crypto/x509 reads it, since that decides which certificates a Fabric
 * channel knows.
 *
 *     x509_link_parse_pem(text, &link, e)
 *     x509_link_check_signature(link, issuer, e)      did the issuer sign it?
 *     x509_link_low_s(link, issuer, &better, e)       the same, s at most n/2
 *
 * An ECDSA signature has a twin: s and n-s are both good, so anybody can make a
 * second encoding of a certificate.  Fabric therefore replaces a high s by the
 * low one, in the certificate's own bytes, before it compares or hashes them.
 *
 * Go origin   msp/cert.go sanitizeECDSASignedCert
 * Differs     stricter: OpenSSL must be able to read the certificate as well;
 *             laxer: policies, CRL distribution points, AIA and the syntax of
 *             URIs are not looked into
 * Owner       any thread: does not change once made
 * Memory      counted; bytes lie in the certificate, of which it has a reference
 * Limits      those of x509.h; LIMIT_CERT_NAMES extensions
 */
#ifndef WEFT_CRYPTO_X509_LINK_H
#define WEFT_CRYPTO_X509_LINK_H

#include "crypto/x509.h"

enum x509_key_kind {
    X509_KEY_OTHER,
    X509_KEY_EC,
    X509_KEY_RSA,
    X509_KEY_ED25519,
};

struct x509_algorithm; /* how something is signed */

/* Bytes: tbs and algorithm with tag and length, the others content only. */
struct x509_link {
    struct x509_cert *cert;
    struct bytes tbs, algorithm_der, signature;
    struct bytes serial; /* with its sign */
    struct bytes spki;
    const struct x509_algorithm *algorithm; /* NULL: one that Go does not know */
    enum x509_key_kind key_kind;
    int version;
    bool has_basic_constraints, is_ca;
    int path_len; /* -1: no bound */
    bool has_key_usage, may_sign_certs;
    bool has_ski, has_san, has_name_constraints, has_eku;
    bool eku_any, eku_server_auth, eku_client_auth;
    bool unknown_critical;
    struct bytes ski, aki;
    struct bytes san, name_constraints; /* the extensions' values */

    /* Private. */
    void *pkey; /* EVP_PKEY: an RSA or Ed25519 key */
    _Atomic uint32_t refs;
};

/* WEFT_INVALID with Go's words. */
enum weft_code x509_link_parse(struct bytes der, struct x509_link **ret,
                               struct weft_err *e) WEFT_MUST_CHECK;
struct x509_link *x509_link_ref(struct x509_link *link);
void x509_link_unref(struct x509_link *link);
WEFT_DEFINE_CLEANUP(struct x509_link *, x509_link_unref)

/* Signed with one of the ECDSA algorithms. */
bool x509_link_is_ecdsa_signed(const struct x509_link *link);

/* May the parent sign certificates, and did it sign this one?  Not whether the
 * names fit.  WEFT_FORBIDDEN with Go's words. */
enum weft_code x509_link_check_signature(const struct x509_link *child,
                                         const struct x509_link *parent,
                                         struct weft_err *e) WEFT_MUST_CHECK;

/* For an ECDSA-signed certificate whose parent has signed it: a reference of
 * the same, or a new one with the low s. */
enum weft_code x509_link_low_s(struct x509_link *child, const struct x509_link *parent,
                               struct x509_link **ret, struct weft_err *e) WEFT_MUST_CHECK;

/* The content of an AlgorithmIdentifier; NULL: unknown. */
const struct x509_algorithm *x509_algorithm_find(struct bytes identifier);
bool x509_algorithm_is_ecdsa(const struct x509_algorithm *a);
/* Did the parent's key sign this?  An ECDSA signature must be strict DER. */
enum weft_code x509_algorithm_check(const struct x509_algorithm *a, struct bytes what,
                                    struct bytes signature, const struct x509_link *parent,
                                    bool allow_sha1, struct weft_err *e) WEFT_MUST_CHECK;

/* RFC 3339, as Go prints a time. */
char *x509_time_text(int64_t seconds);

#endif
