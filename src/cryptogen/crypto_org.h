/* crypto_org.h - an organisation's keys and certificates, in Fabric's folders.
 *
 *     peerOrganizations/org1.example.com/
 *         ca/      ca.org1.example.com-cert.pem     priv_sk
 *         tlsca/   tlsca.org1.example.com-cert.pem  priv_sk
 *         msp/     cacerts tlscacerts admincerts config.yaml
 *         peers/peer0.org1.example.com/{msp,tls}    tls: ca.crt server.crt server.key
 *         users/Admin@org1.example.com/{msp,tls}    tls: ca.crt client.crt client.key
 *
 * Nothing that is there is made again: crypto_org_extend adds what is missing.
 *
 * Go origin   cmd/cryptogen/main.go
 *             internal/cryptogen/msp/msp.go internal/cryptogen/ca/ca.go
 * Owner       any thread; writes files
 * Memory      none that stays
 */
#ifndef WEFT_CRYPTOGEN_CRYPTO_ORG_H
#define WEFT_CRYPTOGEN_CRYPTO_ORG_H

#include "cryptogen/crypto_spec.h"

enum crypto_org_kind {
    CRYPTO_PEERS,
    CRYPTO_ORDERERS,
};

struct crypto_place {
    const char *dir; /* "crypto-config" */
    enum crypto_org_kind kind;
    int64_t now_s;
};

enum weft_code crypto_org_generate(const struct crypto_place *place, const struct crypto_org *spec,
                                   struct weft_err *e) WEFT_MUST_CHECK;
/* An organisation that is not there is generated; *ret_new says so. */
enum weft_code crypto_org_extend(const struct crypto_place *place, const struct crypto_org *spec,
                                 bool *ret_new, struct weft_err *e) WEFT_MUST_CHECK;

#endif
