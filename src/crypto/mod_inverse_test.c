#include "crypto/mod_inverse.h"

#include "base/rand.h"
#include "crypto/openssl_glue.h"
#include "weft_test.h"

/* The order of P-256, its field, and odd numbers that are no primes. */
static const char *const moduli[] = {
    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
    "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "0000000000000000000000000000000000000000000000000000000000000003",
    "00000000000000000000000000000000000000000000000000000000000000ff",
    "8000000000000000000000000000000000000000000000000000000000000001",
};

/* Ours, OpenSSL's, and whether there is one at all. */
static void expect_as_openssl(const BIGNUM *n, const BIGNUM *a)
{
    uint8_t n_raw[MOD_INVERSE_BYTES], a_raw[MOD_INVERSE_BYTES], got[MOD_INVERSE_BYTES],
        want[MOD_INVERSE_BYTES];
    WEFT_CLEANUP(BN_CTX_free) BN_CTX *ctx = BN_CTX_new();
    EXPECT(BN_bn2binpad(n, n_raw, sizeof(n_raw)) > 0 && BN_bn2binpad(a, a_raw, sizeof(a_raw)) >= 0);
    struct modulus m;
    modulus_init(&m, n_raw);
    WEFT_CLEANUP(BN_free) BIGNUM *theirs = BN_mod_inverse(NULL, a, n, ctx);
    ERR_clear_error();
    EXPECT_EQ(mod_inverse(&m, a_raw, got), theirs != NULL);
    if (theirs == NULL)
        return;
    EXPECT(BN_bn2binpad(theirs, want, sizeof(want)) > 0);
    EXPECT_BYTES(bytes_of(got, sizeof(got)), bytes_of(want, sizeof(want)));
}

TEST(gives_openssls_inverse_of_random_numbers)
{
    struct weft_rand rand = weft_rand_of(7);
    WEFT_CLEANUP(BN_CTX_free) BN_CTX *ctx = BN_CTX_new();
    for (size_t i = 0; i < WEFT_ARRAY_LEN(moduli); i++) {
        WEFT_CLEANUP(BN_free) BIGNUM *n = NULL;
        EXPECT(BN_hex2bn(&n, moduli[i]) > 0);
        for (int k = 0; k < 5000; k++) {
            uint64_t words[4];
            for (size_t j = 0; j < 4; j++)
                words[j] = weft_rand_next(&rand) >> weft_rand_below(&rand, 64);
            WEFT_CLEANUP(BN_free) BIGNUM *a = BN_bin2bn((uint8_t *)words, sizeof(words), NULL);
            EXPECT(BN_mod(a, a, n, ctx) == 1);
            expect_as_openssl(n, a);
        }
    }
}

/* 0, 1, 2, n-2, n-1, powers of two and their neighbours. */
TEST(gives_openssls_inverse_at_the_borders)
{
    for (size_t i = 0; i < WEFT_ARRAY_LEN(moduli); i++) {
        WEFT_CLEANUP(BN_free) BIGNUM *n = NULL;
        EXPECT(BN_hex2bn(&n, moduli[i]) > 0);
        for (int bit = 0; bit < 256; bit++) {
            for (unsigned add = 0; add < 3; add++) {
                WEFT_CLEANUP(BN_free) BIGNUM *a = BN_new();
                EXPECT(BN_set_bit(a, bit) == 1 && BN_add_word(a, add) == 1);
                EXPECT(BN_sub_word(a, 1) == 1);
                if (BN_cmp(a, n) >= 0)
                    continue;
                expect_as_openssl(n, a);
                EXPECT(BN_sub(a, n, a) == 1);
                if (BN_cmp(a, n) < 0)
                    expect_as_openssl(n, a);
            }
        }
    }
}
