/* msp_config.h - what an organisation says about itself: its CAs, its admins,
 * its revoked certificates, its organisational units.
 *
 *     MSPConfig { type 0, config = FabricMSPConfig {
 *         name "Org1MSP", root_certs [pem], admins [pem], ...
 *         fabric_node_ous { enable, client "client", admin "admin", ... } } }
 *
 * This is a channel's configuration value "MSP", and what msp_dir.h reads from
 * an MSP folder.  Whether any of it is sound is msp.h's question.
 *
 * Go origin   vendor/github.com/hyperledger/fabric-protos-go/msp/msp_config.pb.go FabricMSPConfig
 * Owner       any thread: does not change once parsed
 * Memory      lists lie in an arena; bytes are borrowed from the message
 * Limits      LIMIT_MSP_BYTES, LIMIT_MSP_ITEMS a list
 */
#ifndef WEFT_MSP_MSP_CONFIG_H
#define WEFT_MSP_MSP_CONFIG_H

#include "base/arena.h"

/* MSPRole.MSPRoleType */
enum msp_role {
    MSP_ROLE_MEMBER = 0,
    MSP_ROLE_ADMIN = 1,
    MSP_ROLE_CLIENT = 2,
    MSP_ROLE_PEER = 3,
    MSP_ROLE_ORDERER = 4,
    MSP_ROLE_NR,
};

enum msp_type {
    MSP_TYPE_FABRIC = 0,
    MSP_TYPE_IDEMIX = 1,
};

struct msp_items {
    const struct bytes *at;
    size_t count;
};

/* FabricOUIdentifier */
struct msp_unit {
    bool present;
    struct bytes certificate; /* PEM; empty: of any CA */
    struct bytes name;
};

struct msp_config {
    int32_t type;
    struct bytes name;
    struct msp_items roots, intermediates, admins, crls, tls_roots, tls_intermediates; /* PEM */
    bool has_signer;
    struct bytes signer; /* our own certificate, in a node's own MSP */
    const struct msp_unit *units;
    size_t unit_count;
    struct bytes hash_family, identity_hash; /* empty: SHA2, SHA256 */
    bool has_node_ous, node_ous_enabled;
    struct msp_unit node_ous[MSP_ROLE_NR]; /* of client, peer, admin, orderer */
};

/* A MSPConfig.  WEFT_INVALID: malformed; another type than Fabric's is parsed
 * no further. */
enum weft_code msp_config_parse(struct bytes b, struct arena *arena, struct msp_config *ret,
                                struct weft_err *e) WEFT_MUST_CHECK;
/* Appends the MSPConfig. */
void msp_config_encode(const struct msp_config *c, struct buf *out);

#endif
