/* What eight lanes decide by themselves, and what they leave to OpenSSL. */
#include "signature_cases.h"
#include "weft_test.h"

#ifdef __AVX512IFMA__

#    include "crypto/p256_lanes8.h"
#    include "lane_numbers.h"

struct lanes {
    struct case_world *w;
    struct p256_lanes8 *eight;
    struct p256_table tables[CASE_KEYS], *at[CASE_KEYS];
};

static void lanes_init(struct lanes *l)
{
    if (!cpu_has_lanes()) {
        print_message("skipped: this CPU has no AVX512-IFMA\n");
        skip();
    }
    *l = (struct lanes){ .w = case_world_new(1), .eight = p256_lanes8_new() };
    for (unsigned i = 0; i < CASE_KEYS; i++) {
        l->tables[i].eight = p256_lanes8_table_new(public_key_point(l->w->keys[i]));
        l->at[i] = &l->tables[i];
        EXPECT(l->tables[i].eight != NULL);
    }
}

static void lanes_done(struct lanes *l)
{
    for (unsigned i = 0; i < CASE_KEYS; i++)
        p256_lanes8_table_free(l->tables[i].eight);
    p256_lanes8_free(l->eight);
    case_world_free(l->w);
}

/* Checks of a kind, `count` together; how many are left to OpenSSL.  The
 * others have the verdict that they must have. */
static size_t left_of(struct lanes *l, enum case_kind kind, size_t count, bool by_table)
{
    enum {
        MOST = 200
    };
    struct weft_rand rand = weft_rand_of(kind);
    struct signature_case cases[MOST];
    struct p256_check checks[MOST];
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        case_make(l->w, &rand, kind, &cases[i]);
        checks[i] = case_check(l->w, &cases[i], by_table ? l->at : NULL);
    }
    p256_lanes8_check(l->eight, checks, count);
    for (size_t i = 0; i < count; i++) {
        left += checks[i].outcome == P256_FAILED;
        if (checks[i].outcome != P256_FAILED)
            EXPECT_EQ(p256_outcome_is_good(checks[i].outcome), case_oracle(l->w, &cases[i]));
    }
    return left;
}

TEST(only_what_cannot_be_added_is_left_to_openssl)
{
    struct lanes l;
    lanes_init(&l);
    for (size_t n = 1; n <= 200; n += n < 20 ? 1 : 45) {
        for (int kind = 0; kind < CASE_KIND_NR; kind++) {
            if (kind == CASE_VANISHING || kind == CASE_NEAR_DOUBLING || kind == CASE_CHOSEN_PARTS)
                continue;
            EXPECT_EQ(left_of(&l, (enum case_kind)kind, n, true), 0);
        }
        /* Infinity is nothing that they could tell. */
        EXPECT_EQ(left_of(&l, CASE_VANISHING, n, true), n);
        EXPECT_EQ(left_of(&l, CASE_VANISHING, n, false), n);
    }
    EXPECT(left_of(&l, CASE_CHOSEN_PARTS, 200, true) > 0);
    EXPECT(left_of(&l, CASE_CHOSEN_PARTS, 200, true) < 150);
    lanes_done(&l);
}

/* One alone is not worth eight lanes, nor is one that is left over. */
TEST(a_key_without_a_table_goes_by_the_ladder_in_company_only)
{
    struct lanes l;
    lanes_init(&l);
    EXPECT_EQ(left_of(&l, CASE_VALID, 1, false), 1);
    for (size_t n = 2; n < 60; n++)
        EXPECT_EQ(left_of(&l, CASE_VALID, n, false), n % LANES == 1 ? 1 : 0);
    lanes_done(&l);
}

TEST(what_is_no_point_is_left_to_openssl)
{
    struct lanes l;
    lanes_init(&l);
    struct weft_rand rand = weft_rand_of(3);
    struct signature_case c;
    case_make(l.w, &rand, CASE_VALID, &c);
    struct p256_check checks[4];
    uint8_t off[P256_POINT_BYTES];
    memcpy(off, public_key_point(l.w->keys[c.key]).data, sizeof(off));
    off[P256_POINT_BYTES - 1] ^= 1;
    for (size_t i = 0; i < WEFT_ARRAY_LEN(checks); i++)
        checks[i] = case_check(l.w, &c, NULL);
    checks[1].point = bytes_of(off, sizeof(off));
    checks[2].point = bytes_of(off, 33);
    EXPECT(p256_lanes8_table_new(checks[1].point) == NULL);
    EXPECT(p256_lanes8_table_new(checks[2].point) == NULL);
    p256_lanes8_check(l.eight, checks, WEFT_ARRAY_LEN(checks));
    EXPECT_EQ(checks[0].outcome, P256_GOOD_R);
    EXPECT_EQ(checks[1].outcome, P256_FAILED);
    EXPECT_EQ(checks[2].outcome, P256_FAILED);
    EXPECT_EQ(checks[3].outcome, P256_GOOD_R);
    lanes_done(&l);
}

#endif

TEST(is_for_a_cpu_with_eight_lanes)
{
#ifndef __AVX512IFMA__
    print_message("skipped: built for another machine\n");
    skip();
#endif
}
