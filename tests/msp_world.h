/* msp_world.h - the certificates and MSPs that msp_cases.h asks about.
 *
 * Go origin   none
 * Owner       the test
 */
#ifndef WEFT_TESTS_MSP_WORLD_H
#define WEFT_TESTS_MSP_WORLD_H

#include "cert_maker.h"
#include "msp/msp.h"

/* order.name is `name` where it is NULL. */
struct world_cert {
    const char *name, *issuer, *same_key;
    struct cert_order order;
};

/* Lists of names, separated by spaces. */
struct world_msp {
    const char *name;
    enum msp_version version;
    const char *roots, *intermediates, *admins;
    const char *crls;     /* "ca:signer:revoked[:noaki|high|der]" */
    const char *units;    /* "dev@inter" */
    const char *node_ous; /* "on client=client peer=peer@root" */
    const char *tls_roots, *tls_intermediates;
    const char *hash_family, *identity_hash;
};

extern const struct world_cert msp_world_certs[];
extern const size_t msp_world_cert_count;
extern const struct world_msp msp_world_msps[];
extern const size_t msp_world_msp_count;

#endif
