/* cert_maker.h - certificates and CRLs made to order, good ones and bad ones.
 *
 *     struct made_cert *root = cert_make(&(struct cert_order){ .name = "root", .is_ca = true });
 *     struct made_cert *peer =
 *         cert_make(&(struct cert_order){ .name = "peer0", .issuer = root, .units = "peer" });
 *     made_cert_pem(peer)
 *
 * An order that says nothing else gives a P-256 key, ten years from 2020 on, key
 * identifiers, and a signature with a low s.
 *
 * Go origin   none
 * Owner       the test
 */
#ifndef WEFT_TESTS_CERT_MAKER_H
#define WEFT_TESTS_CERT_MAKER_H

#include "base/bytes.h"

enum cert_key {
    CERT_KEY_P256,
    CERT_KEY_P384,
    CERT_KEY_RSA,
    CERT_KEY_ED25519,
};

enum cert_oddity {
    CERT_HIGH_S = 1 << 0,
    CERT_NO_SKI = 1 << 1,
    CERT_NO_AKI = 1 << 2,
    CERT_BAD_SIGNATURE = 1 << 3,
    CERT_NO_CONSTRAINTS = 1 << 4, /* no basic constraints at all */
    CERT_MAY_NOT_SIGN = 1 << 5,   /* key usage without certSign */
    CERT_UNKNOWN_CRITICAL = 1 << 6,
    CERT_SHA1 = 1 << 7,
    CERT_PSS = 1 << 8,
    CERT_VERSION_1 = 1 << 9,
    CERT_OTHER_AKI = 1 << 10,     /* a key identifier that is nobody's */
    CERT_LONG_INTEGER = 1 << 11,  /* r in the signature with a superfluous zero */
    CERT_EXTRA_ELEMENT = 1 << 12, /* a NULL after r and s */
};

struct made_cert;

struct cert_order {
    const char *name;
    const char *units;                /* "peer,dev" */
    const struct made_cert *issuer;   /* NULL: itself */
    const struct made_cert *same_key; /* NULL: a fresh one */
    enum cert_key key;
    bool is_ca;
    int path_len_plus_1; /* 0: no bound */
    unsigned odd;
    int64_t not_before, not_after;            /* 0: 2020-01-01, 2030-01-01 */
    const char *eku, *san, *name_constraints; /* as OpenSSL's configuration writes them */
    long serial;                              /* 0: the next one */
};

struct made_cert *cert_make(const struct cert_order *order);
void made_cert_free(struct made_cert *c);
WEFT_DEFINE_CLEANUP(struct made_cert *, made_cert_free)

struct bytes made_cert_pem(const struct made_cert *c);
struct bytes made_cert_der(const struct made_cert *c);
/* The private key, DER. */
void made_cert_key(const struct made_cert *c, struct buf *out);
long made_cert_serial(const struct made_cert *c);

/* Signs with the certificate's key, s as wanted. */
void made_cert_sign(const struct made_cert *c, struct bytes message, bool high_s, struct buf *out);

enum crl_oddity {
    CRL_NO_AKI = 1 << 0,
    CRL_HIGH_S = 1 << 1,
    CRL_DER = 1 << 2,
};

/* A CRL that says it is of `ca`, signed by `signer`. */
void crl_make(const struct made_cert *ca, const struct made_cert *signer, const long *serials,
              size_t count, unsigned odd, struct buf *out);

#endif
