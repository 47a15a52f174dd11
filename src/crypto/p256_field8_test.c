/* Numbers in eight lanes against OpenSSL's BN.  Some thousands by default,
 *     WEFT_COMPARISONS=10000000 p256_field8_test
 * for more. */
#include "weft_test.h"

#ifdef __AVX512IFMA__

#    include "crypto/p256_digits8.h"
#    include "lane_numbers.h"

enum {
    ROUNDS = 1000
};

/* The lanes of `got` are `want` times 1/R mod m, or, if not a product, as they
 * are; limbs are below 2^52 and values below `parts` sixteenths of m. */
static void expect_product(struct lane_world *w, struct num8 got, const struct eight *want,
                           const BIGNUM *m, unsigned parts)
{
    EXPECT(limbs_are_short(got));
    for (size_t i = 0; i < LANES; i++) {
        bn_of_lane(got, i, w->t);
        WEFT_ASSERT(BN_copy(w->u, m) != NULL && BN_mul_word(w->u, parts) == 1);
        WEFT_ASSERT(BN_rshift(w->u, w->u, 4) == 1);
        EXPECT(BN_cmp(w->t, w->u) < 0);
        WEFT_ASSERT(BN_mod_mul(w->t, w->t, w->r, m, w->ctx) == 1);
        WEFT_ASSERT(BN_nnmod(w->u, want->v[i], m, w->ctx) == 1);
        EXPECT_EQ(BN_cmp(w->t, w->u), 0);
    }
}

static void expect_products(struct lane_world *w, const struct eight *a, const struct eight *b,
                            struct eight *want)
{
    struct num8 x = num8_of_bns(a->v), y = num8_of_bns(b->v);
    for (size_t i = 0; i < LANES; i++)
        WEFT_ASSERT(BN_mul(want->v[i], a->v[i], b->v[i], w->ctx) == 1);
    expect_product(w, field8_mul(x, y), want, w->p, 21);
    expect_product(w, field8_mul(y, x), want, w->p, 21);
    expect_product(w, order8_mul(x, y), want, w->n, 32);
    for (size_t i = 0; i < LANES; i++) {
        WEFT_ASSERT(BN_sqr(w->t, b->v[i], w->ctx) == 1);
        WEFT_ASSERT(BN_add(want->v[i], want->v[i], w->t) == 1);
    }
    expect_product(w, field8_mul_add(x, y, y, y), want, w->p, 26);
    for (size_t i = 0; i < LANES; i++)
        WEFT_ASSERT(BN_sqr(want->v[i], a->v[i], w->ctx) == 1);
    expect_product(w, field8_sqr(x), want, w->p, 21);
}

TEST(products_of_borders_are_those_of_bn)
{
    struct lane_world w;
    lane_world_init(&w, 1);
    struct eight a = eight_new(), b = eight_new(), want = eight_new();
    for (size_t i = 0; i < w.edge_count; i++)
        for (size_t j = 0; j < w.edge_count; j += LANES) {
            for (size_t k = 0; k < LANES; k++) {
                WEFT_ASSERT(BN_copy(a.v[k], w.edges[i]) != NULL);
                WEFT_ASSERT(BN_copy(b.v[k], w.edges[(j + k) % w.edge_count]) != NULL);
            }
            expect_products(&w, &a, &b, &want);
        }
    eight_free(a), eight_free(b), eight_free(want);
    lane_world_done(&w);
}

TEST(products_are_those_of_bn)
{
    struct lane_world w;
    lane_world_init(&w, 2);
    struct eight a = eight_new(), b = eight_new(), want = eight_new();
    for (uint64_t i = 0, n = rounds_wanted(ROUNDS); i < n; i++) {
        (void)random_eight(&w, &a);
        (void)random_eight(&w, &b);
        expect_products(&w, &a, &b, &want);
    }
    eight_free(a), eight_free(b), eight_free(want);
    lane_world_done(&w);
}

/* ---- sums and differences -------------------------------------------------- */

/* The same number mod p, above 0 and below 2p + 2^229, limbs below 2^52. */
static void expect_folded(struct lane_world *w, struct num8 before)
{
    struct num8 after = field8_fold(before);
    EXPECT(limbs_are_short(after));
    for (size_t i = 0; i < LANES; i++) {
        bn_of_lane(after, i, w->t);
        EXPECT(BN_cmp(w->t, w->edges[w->edge_count - 1]) <= 0 && !BN_is_zero(w->t));
        bn_of_lane(before, i, w->u);
        WEFT_ASSERT(BN_sub(w->t, w->t, w->u) == 1);
        WEFT_ASSERT(BN_nnmod(w->t, w->t, w->p, w->ctx) == 1);
        EXPECT(BN_is_zero(w->t));
    }
}

TEST(a_fold_is_the_same_number_and_tidy)
{
    struct lane_world w;
    lane_world_init(&w, 3);
    for (uint64_t round = 0, n = rounds_wanted(ROUNDS); round < n; round++) {
        struct lane_limbs l;
        for (size_t i = 0; i < LIMBS; i++)
            for (size_t j = 0; j < LANES; j++) {
                /* the lower limbs to the brim now and then; the highest to +-15 * 2^48 */
                int64_t most = i < LIMBS - 1 ? 1LL << 55 : 15LL << 48;
                uint64_t kind = weft_rand_below(&w.rand, 8);
                int64_t v = (int64_t)weft_rand_below(&w.rand, 2 * (uint64_t)most) - most;
                int64_t step = (v >> 48) * (1LL << 48); /* a whole number of 2^256 */
                l.limbs[i][j] = kind == 0   ? -most + 1
                                : kind == 1 ? most - 1
                                : kind == 2 ? step
                                : kind == 3 ? step - 1
                                            : v;
            }
        expect_folded(&w, num8_of_limbs(&l));
    }
    struct eight a = eight_new(), b = eight_new();
    for (uint64_t i = 0; i < ROUNDS; i++) {
        struct num8 x = random_eight(&w, &a), y = random_eight(&w, &b);
        expect_folded(&w, num8_minus(x, y));
        expect_folded(&w, num8_plus(x, y));
        expect_folded(&w, num8_minus(num8_zero(), num8_plus(num8_plus(x, x), num8_plus(y, y))));
        EXPECT_EQ(num8_same(field8_sub(x, y), field8_fold(num8_minus(x, y))), 0xff);
        EXPECT_EQ(num8_same(field8_add(x, y), field8_fold(num8_plus(x, y))), 0xff);
        EXPECT_EQ(
            num8_same(num8_negated(0x5a, x), num8_choose(0x5a, x, num8_minus(num8_zero(), x))),
            0xff);
    }
    eight_free(a), eight_free(b);
    lane_world_done(&w);
}

TEST(a_multiple_of_p_is_zero_and_nothing_else_is)
{
    struct lane_world w;
    lane_world_init(&w, 4);
    struct eight a = eight_new(), want = eight_new();
    for (size_t i = 0; i < w.edge_count + ROUNDS; i++) {
        if (i < w.edge_count)
            for (size_t k = 0; k < LANES; k++)
                WEFT_ASSERT(BN_copy(a.v[k], w.edges[(i + k) % w.edge_count]) != NULL);
        struct num8 x = i < w.edge_count ? num8_of_bns(a.v) : random_eight(&w, &a);
        __mmask8 zero = field8_is_zero(x);
        struct num8 plain = field8_plain(x);
        for (size_t k = 0; k < LANES; k++) {
            WEFT_ASSERT(BN_nnmod(w.t, a.v[k], w.p, w.ctx) == 1);
            EXPECT_EQ(zero >> k & 1, BN_is_zero(w.t));
            WEFT_ASSERT(BN_copy(want.v[k], a.v[k]) != NULL);
        }
        expect_product(&w, plain, &want, w.p, 16);
        struct num8 product = field8_mul(x, field8_p());
        EXPECT_EQ(field8_is_zero(product), 0xff);
        expect_product(&w, field8_canonical(field8_mul(x, num8_unit())), &want, w.p, 16);
        EXPECT_EQ(num8_same(field8_canonical(product), num8_zero()), 0xff);
    }
    EXPECT_EQ(num8_same(field8_plain(field8_one()), num8_unit()), 0xff);
    eight_free(a), eight_free(want);
    lane_world_done(&w);
}

/* ---- mod n -------------------------------------------------------------------- */

/* 1 .. n-1, often at a border. */
static void random_scalar(struct lane_world *w, BIGNUM *ret)
{
    random_number(w, ret);
    WEFT_ASSERT(BN_nnmod(ret, ret, w->n, w->ctx) == 1);
    if (BN_is_zero(ret))
        WEFT_ASSERT(BN_one(ret) == 1);
}

static void expect_quotient(struct lane_world *w, struct num8 got, size_t lane, const BIGNUM *a,
                            const BIGNUM *s)
{
    bn_of_lane(got, lane, w->t);
    EXPECT(BN_cmp(w->t, w->n) < 0);
    WEFT_ASSERT(BN_mod_mul(w->t, w->t, s, w->n, w->ctx) == 1);
    WEFT_ASSERT(BN_nnmod(w->u, a, w->n, w->ctx) == 1);
    EXPECT_EQ(BN_cmp(w->t, w->u), 0);
}

TEST(a_batch_is_divided_as_one_by_one)
{
    enum {
        ROWS_MAX = 5
    };
    struct lane_world w;
    lane_world_init(&w, 5);
    struct modulus modulus;
    uint8_t raw[NUM8_BYTES];
    WEFT_ASSERT(BN_bn2binpad(w.n, raw, sizeof(raw)) == sizeof(raw));
    modulus_init(&modulus, raw);
    struct eight s[ROWS_MAX], r[ROWS_MAX], e[ROWS_MAX];
    for (size_t i = 0; i < ROWS_MAX; i++)
        s[i] = eight_new(), r[i] = eight_new(), e[i] = eight_new();
    for (uint64_t round = 0, n = rounds_wanted(ROUNDS) / 4; round < n; round++) {
        struct order_row8 rows[ROWS_MAX];
        size_t count = 1 + (size_t)weft_rand_below(&w.rand, ROWS_MAX);
        for (size_t i = 0; i < count; i++) {
            for (size_t k = 0; k < LANES; k++) {
                random_scalar(&w, s[i].v[k]);
                do
                    random_number(&w, e[i].v[k]);
                while (BN_num_bits(e[i].v[k]) > 256);
                random_scalar(&w, r[i].v[k]);
            }
            rows[i] = (struct order_row8){ .s = num8_of_bns(s[i].v),
                                           .r = num8_of_bns(r[i].v),
                                           .e = num8_of_bns(e[i].v) };
        }
        EXPECT(order8_divide(&modulus, rows, count));
        for (size_t i = 0; i < count; i++)
            for (size_t k = 0; k < LANES; k++) {
                expect_quotient(&w, rows[i].r, k, r[i].v[k], s[i].v[k]);
                expect_quotient(&w, rows[i].e, k, e[i].v[k], s[i].v[k]);
            }
    }
    for (size_t i = 0; i < ROWS_MAX; i++)
        eight_free(s[i]), eight_free(r[i]), eight_free(e[i]);
    lane_world_done(&w);
}

/* No check gets there, and if one did it would get no quotient. */
TEST(a_zero_is_not_divided_by)
{
    struct lane_world w;
    lane_world_init(&w, 6);
    struct modulus modulus;
    uint8_t raw[NUM8_BYTES];
    WEFT_ASSERT(BN_bn2binpad(w.n, raw, sizeof(raw)) == sizeof(raw));
    modulus_init(&modulus, raw);
    struct order_row8 row = { .s = num8_choose(0x10, num8_unit(), num8_zero()),
                              .r = num8_unit(),
                              .e = num8_unit() };
    EXPECT(!order8_divide(&modulus, &row, 1));
    lane_world_done(&w);
}

/* ---- digits, words ------------------------------------------------------------- */

TEST(digits_add_up_to_the_scalar)
{
    static const unsigned widths[] = { 4, 6, 8 };
    struct lane_world w;
    lane_world_init(&w, 7);
    struct eight a = eight_new(), got = eight_new();
    for (uint64_t round = 0; round < ROUNDS; round++)
        for (size_t b = 0; b < WEFT_ARRAY_LEN(widths); b++) {
            unsigned bits = widths[b];
            for (size_t k = 0; k < LANES; k++) {
                random_scalar(&w, a.v[k]);
                BN_zero(got.v[k]);
            }
            if (round == 0) { /* the halves of n, and 0 */
                WEFT_ASSERT(BN_rshift1(a.v[0], w.n) == 1);
                WEFT_ASSERT(BN_copy(a.v[1], a.v[0]) != NULL && BN_add_word(a.v[1], 1) == 1);
                BN_zero(a.v[2]);
            }
            struct digits8 d = digits8_of(num8_of_bns(a.v), bits, digits8_offset(bits));
            EXPECT(d.places * bits >= DIGITS8_SCALAR_BITS);
            for (unsigned i = d.places; i > 0; i--) {
                struct digit8 digit = digits8_at(&d, i - 1);
                _Alignas(64) uint64_t magnitude[LANES];
                _mm512_store_si512(magnitude, digit.magnitude);
                for (size_t k = 0; k < LANES; k++) {
                    EXPECT(magnitude[k] <= 1ULL << (bits - 1));
                    EXPECT_EQ(magnitude[k] == 0, digit.zero >> k & 1);
                    WEFT_ASSERT(BN_lshift(got.v[k], got.v[k], (int)bits) == 1);
                    WEFT_ASSERT((digit.minus >> k & 1 ? BN_sub_word(got.v[k], magnitude[k])
                                                      : BN_add_word(got.v[k], magnitude[k])) == 1);
                }
            }
            for (size_t k = 0; k < LANES; k++) {
                WEFT_ASSERT(BN_nnmod(w.t, got.v[k], w.n, w.ctx) == 1);
                EXPECT_EQ(BN_cmp(w.t, a.v[k]), 0);
            }
        }
    eight_free(a), eight_free(got);
    lane_world_done(&w);
}

TEST(rows_become_columns_and_limbs_words)
{
    struct lane_world w;
    lane_world_init(&w, 8);
    _Alignas(64) uint64_t in[LANES][LANES], out[LANES][LANES];
    __m512i r[LANES], words[4];
    for (size_t i = 0; i < LANES; i++) {
        for (size_t j = 0; j < LANES; j++)
            in[i][j] = 10 * i + j;
        r[i] = _mm512_load_si512(in[i]);
    }
    words8_transpose(r);
    for (size_t i = 0; i < LANES; i++)
        _mm512_store_si512(out[i], r[i]);
    for (size_t i = 0; i < LANES; i++)
        for (size_t j = 0; j < LANES; j++)
            EXPECT_EQ(out[j][i], in[i][j]);

    struct eight a = eight_new();
    for (int round = 0; round < ROUNDS; round++) {
        struct num8 x = random_eight(&w, &a);
        uint8_t first[NUM8_BYTES], want[NUM8_BYTES];
        x = num8_choose(0xff, x, field8_plain(x)); /* below 2^256 */
        num8_to_words(x, words);
        EXPECT_EQ(num8_same(num8_of_words(words), x), 0xff);
        num8_put_first(x, first);
        bn_of_lane(x, 0, w.t);
        WEFT_ASSERT(BN_bn2binpad(w.t, want, sizeof(want)) == sizeof(want));
        EXPECT(memcmp(first, want, sizeof(want)) == 0);
        bn_of_lane(num8_turned(x, 3), 6, w.t);
        bn_of_lane(x, 1, w.u);
        EXPECT_EQ(BN_cmp(w.t, w.u), 0);
    }
    eight_free(a);
    lane_world_done(&w);
}

#endif

TEST(is_for_a_cpu_with_eight_lanes)
{
#ifndef __AVX512IFMA__
    print_message("skipped: built for another machine\n");
    skip();
#endif
}
