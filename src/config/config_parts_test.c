#include "config/config_parts.h"

#include "weft_test.h"

TEST(a_provider_of_keys_that_is_not_there_is_refused_in_fabrics_words_and_by_key)
{
    static const struct {
        struct config_bccsp b;
        const char *words;
    } rows[] = {
        { { .provider = "PKCS11", .hash = "SHA2", .security = 256 },
          "could not initialize BCCSP Factories: Could not find default `PKCS11` BCCSP "
          "(peer.BCCSP.Default: want SW)" },
        { { .provider = "SW", .hash = "MD5", .security = 256 },
          "[Failed initializing configuration at [256,MD5]: Hash Family not supported [MD5]] "
          "(peer.BCCSP.SW.Hash: want SHA2 or SHA3)" },
        { { .provider = "SW", .hash = "SHA2", .security = 100 },
          "[Failed initializing configuration at [100,SHA2]: Security level not supported [100]] "
          "(peer.BCCSP.SW.Security: want 256 or 384)" },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++) {
        struct weft_err e = { 0 };
        EXPECT_CODE(config_bccsp_check(&rows[i].b, "peer.BCCSP", &e), WEFT_INVALID);
        EXPECT_WORDS(e, rows[i].words);
    }
}

TEST(fabrics_own_provider_is_there_with_both_hashes_and_sizes)
{
    static const char *const hashes[] = { "SHA2", "SHA3" };
    for (size_t i = 0; i < 4; i++) {
        struct weft_err e = { 0 };
        const struct config_bccsp b = { .provider = "SW",
                                        .hash = hashes[i % 2],
                                        .security = i < 2 ? 256 : 384 };
        EXPECT_OK(config_bccsp_check(&b, "General.BCCSP", &e));
    }
}
