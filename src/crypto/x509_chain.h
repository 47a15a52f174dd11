/* x509_chain.h - from a certificate up to a root that is trusted.
 *
 *     leaf "peer0"  ---issuer---> "ca.org1" in `intermediates` ---issuer---> "root" in `roots`
 *
 *     x509_chain_find(leaf, &roots, &intermediates, leaf->cert->not_before + 1, &chain, e)
 *     chain.links   leaf, intermediate, root
 *     chain.found   how many different chains there are: two are one too many for an MSP
 *
 * Go's algorithm: depth first, candidates whose subject is the issuer's name,
 * those first whose key identifiers fit; of each candidate the signature, the
 * validity at that moment, path length, name constraints, critical extensions.
 * A certificate that is itself a root is a chain of one.  An extended key usage
 * anywhere in the chain must include serverAuth or any.
 *
 * Go origin   none (crypto/x509 Verify)
 * Owner       any thread; a pool does not change once filled
 * Memory      a pool holds references; a chain borrows from pools and leaf
 * Limits      LIMIT_CHAIN_SIGNATURES checks of signatures a search, as in Go
 */
#ifndef WEFT_CRYPTO_X509_CHAIN_H
#define WEFT_CRYPTO_X509_CHAIN_H

#include "crypto/x509_link.h"

struct x509_pool {
    struct x509_link **links;
    size_t count;
};

void x509_pool_done(struct x509_pool *p);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct x509_pool, x509_pool_done)
/* Takes a reference; the same certificate twice counts once. */
void x509_pool_add(struct x509_pool *p, struct x509_link *link);
bool x509_pool_has(const struct x509_pool *p, const struct x509_link *link);

struct x509_chain {
    const struct x509_link **links; /* the first chain found */
    size_t count;
    size_t found;
};

void x509_chain_done(struct x509_chain *c);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct x509_chain, x509_chain_done)

/* WEFT_FORBIDDEN with Go's words when there is none. */
enum weft_code x509_chain_find(const struct x509_link *leaf, const struct x509_pool *roots,
                               const struct x509_pool *intermediates, int64_t at_s,
                               struct x509_chain *ret, struct weft_err *e) WEFT_MUST_CHECK;

/* Is there one, for a TLS server's or a TLS client's certificate? */
enum weft_code x509_chain_check_tls(const struct x509_link *leaf, const struct x509_pool *roots,
                                    const struct x509_pool *intermediates, int64_t at_s,
                                    struct weft_err *e) WEFT_MUST_CHECK;

#endif
