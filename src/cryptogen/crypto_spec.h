/* crypto_spec.h - crypto-config.yaml: which organisations, nodes and users to make.
 *
 *     PeerOrgs:
 *       - Name: Org1
 *         Domain: org1.example.com
 *         EnableNodeOUs: true
 *         Template: { Count: 2, SANS: [localhost] }      peer0, peer1
 *         Users: { Count: 1 }                            User1, besides Admin
 *
 * Names are templates: {{.Hostname}}, {{.Domain}}, {{.CommonName}}, and for the
 * nodes that Template makes {{.Prefix}} and {{.Index}}.
 *
 * Go origin   cmd/cryptogen/main.go
 * Differs     of Go's text/template the plain {{.Field}} is understood, nothing else;
 *             upper and lower case of keys are alike; "2" and "true" in quotes are taken,
 *             negative numbers are not
 * Owner       any thread: does not change once read
 * Memory      one arena
 * Limits      those of config_tree.h; CRYPTO_NODES_MAX nodes an organisation, LIMIT_CRYPTO_SPEC
 */
#ifndef WEFT_CRYPTOGEN_CRYPTO_SPEC_H
#define WEFT_CRYPTOGEN_CRYPTO_SPEC_H

#include "base/arena.h"
#include "crypto/cert_make.h"

enum {
    CRYPTO_NODES_MAX = 10000,
    CRYPTO_START_MAX = 1000000000, /* the number of the first one */
};

struct crypto_node {
    const char *hostname, *common_name;
    const char *country, *province, *locality, *unit, *street, *postal_code;
    struct cert_texts sans;
};

struct crypto_org {
    const char *name, *domain;
    bool node_ous;
    struct crypto_node ca;
    const struct crypto_node *nodes;
    size_t node_count;
    uint32_t users;
};

struct crypto_spec {
    const struct crypto_org *peer_orgs, *orderer_orgs;
    size_t peer_org_count, orderer_org_count;
};

/* `name` is for messages. */
enum weft_code crypto_spec_read(struct bytes yaml, const char *name, struct arena *arena,
                                struct crypto_spec *ret, struct weft_err *e) WEFT_MUST_CHECK;

/* What is made without a file, and what `showtemplate` prints. */
extern const char crypto_spec_default[];

#endif
