/* A leaf, and others that may be roots or intermediates of it; each with a byte
 * for its part and two for its length.  A chain that is found begins with the
 * leaf, ends with a root, and each link has signed the one before. */
#include "crypto/x509_chain.h"
#include "crypto/x509_crl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool take(struct bytes *in, uint8_t *ret_part, struct bytes *ret)
{
    if (in->len < 3)
        return false;
    size_t len = (size_t)in->data[1] << 8 | in->data[2];
    *ret_part = in->data[0];
    *in = bytes_skip(*in, 3);
    *ret = bytes_of(in->data, len < in->len ? len : in->len);
    *in = bytes_skip(*in, ret->len);
    return true;
}

static void check(const struct x509_link *leaf, const struct x509_chain *c,
                  const struct x509_pool *roots)
{
    WEFT_ASSERT(c->found > 0 && c->count > 0 && c->links[0] == leaf);
    WEFT_ASSERT(x509_pool_has(roots, c->links[c->count - 1]));
    for (size_t i = 1; i < c->count; i++)
        WEFT_ASSERT(x509_link_check_signature(c->links[i - 1], c->links[i], NULL) == WEFT_OK);
}

static void check_low_s(struct x509_link *leaf, const struct x509_chain *c)
{
    WEFT_CLEANUP(x509_link_unref) struct x509_link *low = NULL;
    WEFT_CLEANUP(x509_link_unref) struct x509_link *lower = NULL;
    if (c->count < 2 || !x509_link_is_ecdsa_signed(leaf))
        return;
    WEFT_ASSERT(x509_link_low_s(leaf, c->links[1], &low, NULL) == WEFT_OK);
    WEFT_ASSERT(x509_link_check_signature(low, c->links[1], NULL) == WEFT_OK);
    WEFT_ASSERT(x509_link_low_s(low, c->links[1], &lower, NULL) == WEFT_OK && low == lower);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    WEFT_CLEANUP(x509_pool_done) struct x509_pool roots = { 0 };
    WEFT_CLEANUP(x509_pool_done) struct x509_pool intermediates = { 0 };
    WEFT_CLEANUP(x509_link_unref) struct x509_link *leaf = NULL;
    WEFT_CLEANUP(x509_chain_done) struct x509_chain chain = { 0 };
    WEFT_CLEANUP(x509_crl_free) struct x509_crl *crl = NULL;
    struct bytes in = bytes_of(data, size), der;
    uint8_t part;
    if (x509_crl_parse(in, &crl, NULL) == WEFT_OK)
        return 0;
    while (take(&in, &part, &der)) {
        WEFT_CLEANUP(x509_link_unref) struct x509_link *link = NULL;
        if (x509_link_parse(der, &link, NULL) != WEFT_OK)
            continue;
        if (leaf == NULL)
            leaf = x509_link_ref(link);
        else
            x509_pool_add(part & 1 ? &intermediates : &roots, link);
    }
    if (leaf == NULL || x509_chain_find(leaf, &roots, &intermediates, leaf->cert->not_before + 1,
                                        &chain, NULL) != WEFT_OK)
        return 0;
    check(leaf, &chain, &roots);
    check_low_s(leaf, &chain);
    return 0;
}
