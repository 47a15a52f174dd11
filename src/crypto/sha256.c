/* The low-level functions are marked deprecated in OpenSSL 3 but kept; EVP
 * costs an allocation and a provider look-up a hash, which for the 70 bytes of
 * a block header is several times the hash itself. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/sha256.h"

#include <assert.h>
#include <openssl/sha.h>

static_assert(sizeof(SHA256_CTX) <= sizeof(struct sha256), "struct sha256 is too small");

static SHA256_CTX *ctx_of(struct sha256 *h)
{
    return (SHA256_CTX *)(void *)h->state;
}

void sha256_init(struct sha256 *h)
{
    WEFT_ASSERT(SHA256_Init(ctx_of(h)) == 1);
}

void sha256_add(struct sha256 *h, struct bytes what)
{
    if (what.len > 0)
        WEFT_ASSERT(SHA256_Update(ctx_of(h), what.data, what.len) == 1);
}

struct digest sha256_end(struct sha256 *h)
{
    struct digest d;
    WEFT_ASSERT(SHA256_Final(d.b, ctx_of(h)) == 1);
    return d;
}

struct digest sha256_of(struct bytes what)
{
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, what);
    return sha256_end(&h);
}
