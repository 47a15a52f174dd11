/* x509.h - what a certificate says, read once and never changed.
 *
 *     WEFT_CLEANUP(x509_cert_unref) struct x509_cert *cert = NULL;
 *     WEFT_TRY(x509_cert_parse_pem(text, &cert, e));
 *     cert->subject        "CN=peer0.org1.example.com,OU=peer,L=San Francisco,..."
 *     cert->ous[0]         "peer"
 *     cert->key            for signature_batch_add()
 *
 * Reading only: whether a certificate is to be believed - chain, validity,
 * revocation, roles - is the MSP's business.
 *
 * Go origin   none (crypto/x509)
 * Differs     the certificate's key may be missing where Go reads it too (RSA,
 *             Ed25519): Fabric 2.2 verifies ECDSA only
 * Owner       any thread: does not change once made
 * Memory      counted; every pointer in it lives as long as it does
 * Limits      LIMIT_CERT_BYTES, LIMIT_CERT_NAMES
 */
#ifndef WEFT_CRYPTO_X509_H
#define WEFT_CRYPTO_X509_H

#include "base/arena.h"
#include "crypto/ecdsa.h"

/* Bits of key_usage, as X.509 numbers them from the left. */
enum x509_key_usage {
    X509_USE_DIGITAL_SIGNATURE = 0x80,
    X509_USE_CERT_SIGN = 0x04,
    X509_USE_CRL_SIGN = 0x02,
};

struct x509_cert {
    struct bytes der;
    struct bytes subject_der, issuer_der; /* the names' own encoding */
    const char *subject, *issuer;         /* as RFC 2253 writes them */
    const char *common_name;              /* the last CN; "" when there is none */
    const char *const *ous;               /* organisational units, in their order */
    size_t ou_count;
    struct bytes serial;           /* magnitude, without leading zeros */
    const char *serial_text;       /* decimal */
    int64_t not_before, not_after; /* seconds since 1970; both are inside */
    struct public_key *key;        /* NULL: not a key that Fabric can verify with */
    struct bytes ski, aki;         /* key identifiers; empty when there is none */
    bool has_basic_constraints, is_ca;
    int path_len; /* -1: no bound */
    bool has_key_usage;
    uint32_t key_usage;

    /* Private. */
    struct arena arena;
    _Atomic uint32_t refs;
};

/* Exactly one certificate: WEFT_INVALID when it is none or bytes follow. */
enum weft_code x509_cert_parse(struct bytes der, struct x509_cert **ret,
                               struct weft_err *e) WEFT_MUST_CHECK;
/* The first block of a PEM text, whatever its type says, as Fabric's MSP. */
enum weft_code x509_cert_parse_pem(struct bytes text, struct x509_cert **ret,
                                   struct weft_err *e) WEFT_MUST_CHECK;
struct x509_cert *x509_cert_ref(struct x509_cert *cert);
void x509_cert_unref(struct x509_cert *cert);
WEFT_DEFINE_CLEANUP(struct x509_cert *, x509_cert_unref)

/* Issued by itself, as far as names and key identifiers say. */
bool x509_cert_is_self_issued(const struct x509_cert *cert);

/* Several lines for people: names, serial, validity, key, identifiers. */
void x509_cert_print(const struct x509_cert *cert, struct buf *out);

#endif
