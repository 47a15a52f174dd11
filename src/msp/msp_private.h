/* msp_private.h - what the files of an MSP share: its inside, and chains in it.
 *
 * Go origin   msp/mspimpl.go bccspmsp
 * Owner       as msp.h
 */
#ifndef WEFT_MSP_MSP_PRIVATE_H
#define WEFT_MSP_MSP_PRIVATE_H

#include "crypto/hash.h"
#include "crypto/x509_chain.h"
#include "msp/msp.h"

#include <stdatomic.h>

struct x509_crl;

/* An organisational unit, and which CAs may certify it. */
struct msp_ou {
    bool present;
    struct bytes name;
    struct hash_value certifiers; /* len 0: any */
};

/* A CA's certificate as it came, and with a low s. */
struct msp_form {
    const struct msp_form *next;
    struct bytes der;
    struct x509_link *low; /* one of the pools has it */
};

struct msp {
    _Atomic uint32_t refs;
    struct arena arena;
    enum msp_version version;
    struct bytes name;
    const char *hash_family, *identity_hash;
    struct x509_pool roots, intermediates;
    struct x509_pool admins;
    const struct msp_form *forms;      /* of roots and intermediates */
    const struct x509_link **internal; /* CAs that have an intermediate below them */
    size_t internal_count;
    struct x509_crl **crls;
    size_t crl_count;
    struct msp_ou *units;
    size_t unit_count;
    bool enforces_node_ous;
    struct msp_ou node_ous[MSP_ROLE_NR];
    struct msp_items tls_roots, tls_intermediates;
};

/* The one chain of a certificate, a second after it became valid. */
enum weft_code msp_unique_chain(const struct x509_link *cert, const struct x509_pool *roots,
                                const struct x509_pool *intermediates, struct x509_chain *ret,
                                struct weft_err *e) WEFT_MUST_CHECK;

/* The certificate with a low s.  If a chain had to be found for this, it is in
 * *ret_chain (starting with the certificate as it came), else that is empty. */
enum weft_code msp_sanitize(const struct msp *msp, struct x509_link *cert, struct x509_link **ret,
                            struct x509_chain *ret_chain, struct weft_err *e) WEFT_MUST_CHECK;

/* Has the issuer of links[0] revoked it?  WEFT_FORBIDDEN. */
enum weft_code msp_check_revocation(const struct msp *msp, const struct x509_chain *chain,
                                    struct weft_err *e) WEFT_MUST_CHECK;

/* Has this CA an intermediate below it? */
bool msp_is_internal(const struct msp *msp, const struct x509_link *ca);

/* Is what comes above the identity a chain that may issue identities? */
enum weft_code msp_check_issuer(const struct msp *msp, const struct x509_chain *chain,
                                size_t parent, struct weft_err *e) WEFT_MUST_CHECK;

/* Hash of the certificates from `first` on, up to the root. */
enum weft_code msp_certifiers(const struct msp *msp, const struct x509_link *const *links,
                              size_t count, struct hash_value *ret,
                              struct weft_err *e) WEFT_MUST_CHECK;

/* A certificate whose key is of a kind that Fabric takes: ECDSA, RSA. */
enum weft_code msp_check_key(const struct x509_link *cert, struct weft_err *e) WEFT_MUST_CHECK;

#endif
