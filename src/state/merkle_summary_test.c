#include "state/merkle_summary.h"

#include "weft_test.h"

/* What the original makes of keys k000000, k000001 ... at versions 0:0, 0:1 ... 0:9, 1:0 ...: the
 * level, the number of hashes, and the first bytes of the SHA-256 of them all. */
static const struct {
    uint32_t degree, results, level, hashes;
    const char *sum;
} answers[] = {
    { 2, 0, 0, 0, "" },
    { 2, 1, 0, 0, "" },
    { 2, 2, 0, 0, "" },
    { 2, 3, 1, 1, "237840bbdcbd2538" },
    { 2, 4, 1, 2, "3a572c55cedcf258" },
    { 2, 6, 1, 2, "d218a8f921ecff97" },
    { 2, 7, 2, 1, "c4f19ce40c7eceff" },
    { 2, 9, 2, 1, "1dc98787adbc73b6" },
    { 2, 10, 2, 2, "ea4ef9a8924993fb" },
    { 2, 12, 2, 2, "c412fcdd5970f1d5" },
    { 2, 13, 2, 2, "901f36c3201f90ca" },
    { 2, 27, 3, 1, "637c2bbdf10c64ba" },
    { 2, 28, 3, 2, "d49ea47b0edbb4ca" },
    { 2, 50, 3, 2, "cc9260ebf34dba39" },
    { 2, 51, 3, 2, "7c2e2f3fc37fc062" },
    { 2, 52, 3, 2, "aed824483288d25b" },
    { 2, 81, 4, 1, "8fd65f7d12023677" },
    { 2, 102, 4, 2, "2e9c8f7dda9becb9" },
    { 2, 103, 4, 2, "b98d3a02cee5e1c6" },
    { 2, 500, 6, 1, "ab787d1b8431ed0a" },
    { 2, 2550, 7, 2, "7e81717e283f7fe1" },
    { 2, 2551, 7, 2, "e3f2f7303725cffb" },
    { 2, 2601, 7, 2, "bad0642f17e31ce1" },
    { 2, 2602, 7, 2, "c024cfe3f7489afd" },
    { 2, 3000, 7, 2, "ca15c0a98d86bb32" },
    { 3, 0, 0, 0, "" },
    { 3, 1, 0, 0, "" },
    { 3, 2, 0, 0, "" },
    { 3, 3, 0, 0, "" },
    { 3, 4, 1, 1, "7e15dc4c6409dc6e" },
    { 3, 6, 1, 2, "406548e814b41d05" },
    { 3, 7, 1, 2, "2f789c950b6ad0cb" },
    { 3, 9, 1, 3, "1189728643f0f1cd" },
    { 3, 10, 1, 3, "c461bba8d507cb82" },
    { 3, 12, 1, 3, "b62824c2e88874a5" },
    { 3, 13, 2, 1, "6c7ef12d0b49fbef" },
    { 3, 27, 2, 2, "4761551fd70ce5b7" },
    { 3, 28, 2, 2, "cfd6ab4da6185383" },
    { 3, 50, 3, 1, "543a51e41480676e" },
    { 3, 51, 3, 1, "291c9a8fbe1df102" },
    { 3, 52, 3, 1, "97225b6e80b89ad2" },
    { 3, 81, 3, 2, "060f8f6abe481313" },
    { 3, 102, 3, 2, "46ff2fbe426c52bf" },
    { 3, 103, 3, 2, "f5f020929466f691" },
    { 3, 500, 4, 2, "aa0e8c29911d2acd" },
    { 3, 2550, 5, 3, "8d7bfd99b5911a01" },
    { 3, 2551, 5, 3, "db9361d87ab4e0cf" },
    { 3, 2601, 5, 3, "8b68fb659c8695cd" },
    { 3, 2602, 5, 3, "51751e7425145211" },
    { 3, 3000, 5, 3, "83a73665b4e4b99a" },
};

static void fill(struct merkle_summary *m, uint32_t degree, uint32_t results)
{
    char key[16];
    merkle_summary_init(m, degree);
    for (uint32_t i = 0; i < results; i++) {
        (void)snprintf(key, sizeof(key), "k%06u", (unsigned)i);
        merkle_summary_add(m, bytes_of_str(key), (struct state_version){ i / 10, i % 10 });
    }
    merkle_summary_end(m);
}

TEST(is_what_the_original_makes_of_the_same_results)
{
    for (size_t i = 0; i < WEFT_ARRAY_LEN(answers); i++) {
        WEFT_CLEANUP(merkle_summary_done) struct merkle_summary m;
        fill(&m, answers[i].degree, answers[i].results);
        struct bytes hashes = merkle_summary_hashes(&m);
        EXPECT_EQ(hashes.len, answers[i].hashes * SHA256_BYTES);
        if (hashes.len == 0)
            continue;
        struct digest sum = sha256_of(hashes);
        WEFT_FREE char *hex = bytes_to_hex(bytes_of(sum.b, 8));
        EXPECT_EQ(m.max_level, answers[i].level);
        EXPECT_STR(hex, answers[i].sum);
    }
}

TEST(few_results_have_none)
{
    WEFT_CLEANUP(merkle_summary_done) struct merkle_summary m;
    fill(&m, UINT32_MAX, 100);
    EXPECT_EQ(merkle_summary_hashes(&m).len, 0);
}
