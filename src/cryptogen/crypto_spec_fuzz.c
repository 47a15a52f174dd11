/* crypto-config.yaml from anywhere: refused in words, or every organisation and
 * node has a name, and a domain is a folder's name. */
#include "base/limits.h"
#include "cryptogen/crypto_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_node(const struct crypto_node *n)
{
    WEFT_ASSERT(n->hostname != NULL && n->common_name != NULL && n->country != NULL);
    WEFT_ASSERT(n->street != NULL && n->postal_code != NULL && n->unit != NULL);
    WEFT_ASSERT(n->sans.count >= 2 && strcmp(n->sans.at[0], n->common_name) == 0);
    for (size_t i = 0; i < n->sans.count; i++)
        WEFT_ASSERT(n->sans.at[i] != NULL);
}

static void check_orgs(const struct crypto_org *orgs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        WEFT_ASSERT(orgs[i].domain[0] != '\0' && strchr(orgs[i].domain, '/') == NULL);
        WEFT_ASSERT(orgs[i].users <= CRYPTO_NODES_MAX);
        check_node(&orgs[i].ca);
        for (size_t j = 0; j < orgs[i].node_count; j++)
            check_node(&orgs[i].nodes[j]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    struct crypto_spec spec = { 0 };
    struct weft_err e = { 0 };
    enum weft_code rc = crypto_spec_read(bytes_of(data, size), "c.yaml", &arena, &spec, &e);
    if (rc != WEFT_OK) {
        WEFT_ASSERT(e.code == rc && e.msg[0] != '\0');
        return 0;
    }
    check_orgs(spec.peer_orgs, spec.peer_org_count);
    check_orgs(spec.orderer_orgs, spec.orderer_org_count);
    return 0;
}
