#include "crypto/hash.h"

#include "crypto/openssl_glue.h"
#include "crypto/sha256.h"

static void hash_sha256(const struct bytes *parts, size_t count, struct hash_value *ret)
{
    struct sha256 h;
    sha256_init(&h);
    for (size_t i = 0; i < count; i++)
        sha256_add(&h, parts[i]);
    struct digest d = sha256_end(&h);
    memcpy(ret->b, d.b, sizeof(d.b));
    ret->len = sizeof(d.b);
}

enum weft_code hash_of(const char *function, const struct bytes *parts, size_t count,
                       struct hash_value *ret, struct weft_err *e)
{
    static const struct {
        const char *name;
        const EVP_MD *(*md)(void);
    } others[] = { { "SHA384", EVP_sha384 },
                   { "SHA3_256", EVP_sha3_256 },
                   { "SHA3_384", EVP_sha3_384 } };
    if (strcmp(function, "SHA256") == 0) {
        hash_sha256(parts, count, ret);
        return WEFT_OK;
    }
    for (size_t i = 0; i < WEFT_ARRAY_LEN(others); i++) {
        if (strcmp(function, others[i].name) != 0)
            continue;
        unsigned len = 0;
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        WEFT_ASSERT(ctx != NULL && EVP_DigestInit_ex(ctx, others[i].md(), NULL) == 1);
        for (size_t k = 0; k < count; k++)
            WEFT_ASSERT(EVP_DigestUpdate(ctx, parts[k].data, parts[k].len) == 1);
        WEFT_ASSERT(EVP_DigestFinal_ex(ctx, ret->b, &len) == 1);
        EVP_MD_CTX_free(ctx);
        ret->len = len;
        return WEFT_OK;
    }
    return WEFT_FAIL(e, WEFT_INVALID, "hash function not recognized [%s]", function);
}
