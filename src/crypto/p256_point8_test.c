/* Points in eight lanes against OpenSSL's. */
#include "weft_test.h"

#ifdef __AVX512IFMA__

#    include "crypto/p256_digits8.h"
#    include "crypto/p256_ladder8.h"
#    include "crypto/p256_table8.h"
#    include "lane_numbers.h"

enum {
    ROUNDS = 40,
    POINT_BYTES = 65,
};

struct points {
    EC_POINT *at[LANES];
};

static struct points points_new(struct lane_world *w)
{
    struct points p;
    for (size_t i = 0; i < LANES; i++)
        p.at[i] = EC_POINT_new(w->group);
    return p;
}

static void points_free(struct points p)
{
    for (size_t i = 0; i < LANES; i++)
        EC_POINT_free(p.at[i]);
}

/* Multiples of G by scalars of any size. */
static void random_points(struct lane_world *w, struct points *p)
{
    for (size_t i = 0; i < LANES; i++) {
        do {
            random_number(w, w->t);
            WEFT_ASSERT(BN_nnmod(w->t, w->t, w->n, w->ctx) == 1);
        } while (BN_is_zero(w->t));
        WEFT_ASSERT(EC_POINT_mul(w->group, p->at[i], w->t, NULL, NULL, w->ctx) == 1);
    }
}

static bool have_same_x(struct lane_world *w, const EC_POINT *a, const EC_POINT *b)
{
    WEFT_ASSERT(EC_POINT_get_affine_coordinates(w->group, a, w->t, NULL, w->ctx) == 1);
    WEFT_ASSERT(EC_POINT_get_affine_coordinates(w->group, b, w->u, NULL, w->ctx) == 1);
    return BN_cmp(w->t, w->u) == 0;
}

/* None of them in its lane what p has there, or the opposite. */
static void random_others(struct lane_world *w, const struct points *p, struct points *ret)
{
    bool others = false;
    while (!others) {
        random_points(w, ret);
        others = true;
        for (size_t i = 0; i < LANES; i++)
            others = others && !have_same_x(w, p->at[i], ret->at[i]);
    }
}

static struct affine8 affine_of(struct lane_world *w, const struct points *p)
{
    static uint8_t raw[LANES][POINT_BYTES];
    const uint8_t *at[LANES];
    struct affine8 a;
    for (size_t i = 0; i < LANES; i++) {
        WEFT_ASSERT(EC_POINT_point2oct(w->group, p->at[i], POINT_CONVERSION_UNCOMPRESSED, raw[i],
                                       POINT_BYTES, w->ctx) == POINT_BYTES);
        at[i] = raw[i];
    }
    EXPECT_EQ(affine8_read(at, &a), 0xff);
    return a;
}

/* The same points with other Z. */
static struct point8 jacobian_of(struct lane_world *w, const struct points *p)
{
    struct affine8 a = affine_of(w, p);
    struct eight e = eight_new();
    struct num8 z = random_eight(w, &e);
    z = num8_choose(field8_is_zero(z), z, field8_one());
    eight_free(e);
    z = field8_mul(z, field8_one()); /* tidy, whatever it was */
    struct num8 zz = field8_sqr(z);
    return (struct point8){ field8_mul(a.x, zz), field8_mul(a.y, field8_mul(zz, z)), z, 0 };
}

/* The lane is this point; infinity is one whose Z is 0, or none at all. */
static void expect_point(struct lane_world *w, const struct point8 *got, size_t lane,
                         const EC_POINT *want)
{
    uint8_t raw[POINT_BYTES] = { 0x04 };
    EC_POINT *p = EC_POINT_new(w->group);
    struct num8 z = field8_inverse(got->z), zz = field8_sqr(z);
    struct num8 x = field8_plain(field8_mul(got->x, zz));
    struct num8 y = field8_plain(field8_mul(got->y, field8_mul(zz, z)));
    EXPECT_EQ((got->empty | field8_is_zero(got->z)) >> lane & 1, 0);
    num8_put_first(num8_turned(x, (int)lane), raw + 1);
    num8_put_first(num8_turned(y, (int)lane), raw + 33);
    EXPECT(EC_POINT_oct2point(w->group, p, raw, sizeof(raw), w->ctx) == 1);
    EXPECT_EQ(EC_POINT_cmp(w->group, p, want, w->ctx), 0);
    EC_POINT_free(p);
}

/* a + b, or a - b, by OpenSSL. */
static void add(struct lane_world *w, EC_POINT *ret, const EC_POINT *a, const EC_POINT *b,
                bool minus)
{
    EC_POINT *other = EC_POINT_dup(b, w->group);
    if (minus)
        WEFT_ASSERT(EC_POINT_invert(w->group, other, w->ctx) == 1);
    WEFT_ASSERT(EC_POINT_add(w->group, ret, a, other, w->ctx) == 1);
    EC_POINT_free(other);
}

TEST(sums_and_doubles_are_those_of_openssl)
{
    struct lane_world w;
    lane_world_init(&w, 1);
    struct points p = points_new(&w), q = points_new(&w);
    EC_POINT *want = EC_POINT_new(w.group);
    for (int round = 0; round < ROUNDS; round++) {
        random_points(&w, &p);
        random_others(&w, &p, &q);
        __mmask8 minus = (__mmask8)weft_rand_below(&w.rand, 256);
        __mmask8 present = (__mmask8)weft_rand_below(&w.rand, 256);
        __mmask8 empty = (__mmask8)weft_rand_below(&w.rand, 256);
        struct affine8 q_affine = affine_of(&w, &q);
        struct point8 q_jacobian = jacobian_of(&w, &q), sums[2], twice = jacobian_of(&w, &p);
        for (int way = 0; way < 2; way++) {
            sums[way] = jacobian_of(&w, &p);
            sums[way].empty = empty;
        }
        point8_add_affine(&sums[0], &q_affine, present, minus);
        point8_add(&sums[1], &q_jacobian, present, minus);
        point8_double(&twice);
        for (size_t i = 0; i < LANES; i++) {
            EC_POINT *none = EC_POINT_new(w.group);
            bool is_empty = empty >> i & 1, is_present = present >> i & 1;
            add(&w, want, p.at[i], p.at[i], false);
            expect_point(&w, &twice, i, want);
            add(&w, want, is_empty ? none : p.at[i], is_present ? q.at[i] : none, minus >> i & 1);
            EC_POINT_free(none);
            for (int way = 0; way < 2; way++) {
                EXPECT_EQ(sums[way].empty >> i & 1, is_empty && !is_present);
                if (!is_empty || is_present)
                    expect_point(&w, &sums[way], i, want);
            }
        }
    }
    EC_POINT_free(want);
    points_free(p), points_free(q);
    lane_world_done(&w);
}

/* Equal and opposite points: the sum is not known, and stays so. */
TEST(what_cannot_be_added_has_a_z_of_zero_from_then_on)
{
    struct lane_world w;
    lane_world_init(&w, 2);
    struct points p = points_new(&w), q = points_new(&w);
    for (int round = 0; round < ROUNDS; round++) {
        random_points(&w, &p);
        random_others(&w, &p, &q);
        __mmask8 minus = (__mmask8)weft_rand_below(&w.rand, 256);
        __mmask8 same = (__mmask8)weft_rand_below(&w.rand, 256);
        for (size_t i = 0; i < LANES; i++)
            if (same >> i & 1)
                WEFT_ASSERT(EC_POINT_copy(q.at[i], p.at[i]) == 1);
        struct affine8 q_affine = affine_of(&w, &q);
        struct point8 q_jacobian = jacobian_of(&w, &q);
        struct point8 a = jacobian_of(&w, &p), b = jacobian_of(&w, &p);
        point8_add_affine(&a, &q_affine, 0xff, minus);
        point8_add(&b, &q_jacobian, 0xff, minus);
        EXPECT_EQ(field8_is_zero(a.z), same);
        EXPECT_EQ(field8_is_zero(b.z), same);
        random_points(&w, &q);
        struct affine8 more = affine_of(&w, &q);
        struct point8 c = a, d = b;
        point8_add_affine(&a, &more, 0xff, 0);
        point8_add(&c, &b, 0x0f, 0); /* of two that are not known, too */
        point8_double(&d);
        EXPECT_EQ(field8_is_zero(a.z) & same, same);
        EXPECT_EQ(field8_is_zero(c.z) & same, same);
        EXPECT_EQ(field8_is_zero(d.z), same);
    }
    points_free(p), points_free(q);
    lane_world_done(&w);
}

TEST(a_point_off_the_curve_is_not_read)
{
    struct lane_world w;
    lane_world_init(&w, 3);
    static uint8_t raw[LANES][POINT_BYTES];
    const uint8_t *at[LANES];
    struct affine8 a;
    for (size_t i = 0; i < LANES; i++) {
        WEFT_ASSERT(EC_POINT_point2oct(w.group, EC_GROUP_get0_generator(w.group),
                                       POINT_CONVERSION_UNCOMPRESSED, raw[i], POINT_BYTES,
                                       w.ctx) == POINT_BYTES);
        at[i] = raw[i];
    }
    EXPECT_EQ(affine8_read(at, &a), 0xff);
    raw[1][1 + 31] ^= 1;
    raw[2][33 + 31] ^= 1;
    memset(raw[3] + 1, 0, 64);
    memset(raw[4] + 1, 0xff, 32);
    memset(raw[5] + 33, 0xff, 32);
    /* x = 5 is on the curve, and so is no x = 5 + p, though it is 5 mod p. */
    EC_POINT *p = EC_POINT_new(w.group);
    WEFT_ASSERT(BN_set_word(w.t, 5) == 1);
    WEFT_ASSERT(EC_POINT_set_compressed_coordinates(w.group, p, w.t, 0, w.ctx) == 1);
    for (size_t i = 6; i < 8; i++)
        WEFT_ASSERT(EC_POINT_point2oct(w.group, p, POINT_CONVERSION_UNCOMPRESSED, raw[i],
                                       POINT_BYTES, w.ctx) == POINT_BYTES);
    WEFT_ASSERT(BN_add(w.t, w.t, w.p) == 1 && BN_bn2binpad(w.t, raw[7] + 1, 32) == 32);
    EXPECT_EQ(affine8_read(at, &a), 0x41);
    EC_POINT_free(p);
    lane_world_done(&w);
}

/* ---- tables ------------------------------------------------------------------ */

/* Every entry, d * 2^(bits*i) * Q. */
static void expect_entries(struct lane_world *w, const struct table8 *t, const EC_POINT *q)
{
    EC_POINT *base = EC_POINT_dup(q, w->group), *want = EC_POINT_new(w->group);
    for (size_t i = 0; i < t->places; i++) {
        EC_POINT_set_to_infinity(w->group, want);
        for (size_t d = 0; d < t->each; d++) {
            const struct table8_entry *e = &t->entry[i * t->each + d];
            __m512i x[4], y[4];
            for (size_t k = 0; k < 4; k++) {
                x[k] = num8_all((int64_t)e->x[k]);
                y[k] = num8_all((int64_t)e->y[k]);
            }
            struct point8 got = { num8_of_words(x), num8_of_words(y), field8_one(), 0 };
            EXPECT_EQ(num8_same(field8_canonical(got.x), got.x), 0xff);
            EXPECT_EQ(num8_same(field8_canonical(got.y), got.y), 0xff);
            WEFT_ASSERT(EC_POINT_add(w->group, want, want, base, w->ctx) == 1);
            expect_point(w, &got, 0, want);
        }
        for (unsigned k = 0; k < t->bits; k++)
            WEFT_ASSERT(EC_POINT_dbl(w->group, base, base, w->ctx) == 1);
    }
    EC_POINT_free(base);
    EC_POINT_free(want);
}

/* By the table and by the ladder; 0 is no point. */
static void expect_multiples(struct lane_world *w, const struct table8 *const tables[LANES],
                             const struct points *q, unsigned places)
{
    struct term8 terms[TABLE8_PLACES_KEY];
    struct eight u = eight_new();
    struct affine8 q_affine = affine_of(w, q);
    EC_POINT *want = EC_POINT_new(w->group);
    for (size_t i = 0; i < LANES; i++) {
        random_number(w, u.v[i]);
        WEFT_ASSERT(BN_nnmod(u.v[i], u.v[i], w->n, w->ctx) == 1);
        if (weft_rand_below(&w->rand, 8) == 0)
            BN_zero(u.v[i]);
    }
    struct point8 sums[2] = { point8_nothing(), point8_nothing() };
    table8_terms(tables, num8_of_bns(u.v), terms);
    table8_sum(&sums[0], terms, places);
    ladder8_multiply(&q_affine, num8_of_bns(u.v), &sums[1]);
    for (size_t i = 0; i < LANES; i++)
        for (int way = 0; way < 2; way++) {
            EXPECT_EQ(sums[way].empty >> i & 1, BN_is_zero(u.v[i]));
            if (BN_is_zero(u.v[i]))
                continue;
            WEFT_ASSERT(EC_POINT_mul(w->group, want, NULL, q->at[i], u.v[i], w->ctx) == 1);
            expect_point(w, &sums[way], i, want);
        }
    EC_POINT_free(want);
    eight_free(u);
}

TEST(a_table_is_what_it_should_be_and_so_are_its_sums)
{
    static const unsigned widths[] = { TABLE8_BITS_KEY, TABLE8_BITS_G };
    struct lane_world w;
    lane_world_init(&w, 4);
    struct points q = points_new(&w), same = points_new(&w);
    for (size_t b = 0; b < WEFT_ARRAY_LEN(widths); b++) {
        const struct table8 *tables[LANES];
        struct table8 *made[LANES];
        random_points(&w, &q);
        WEFT_ASSERT(EC_POINT_copy(q.at[0], EC_GROUP_get0_generator(w.group)) == 1);
        for (size_t i = 0; i < LANES; i++) {
            for (size_t k = 0; k < LANES; k++)
                WEFT_ASSERT(EC_POINT_copy(same.at[k], q.at[i]) == 1);
            struct affine8 one = affine_of(&w, &same);
            tables[i] = made[i] = table8_new(&one, widths[b]);
        }
        EXPECT(tables[0]->places <= TABLE8_PLACES_KEY);
        expect_entries(&w, tables[0], q.at[0]);
        expect_entries(&w, tables[5], q.at[5]);
        for (int round = 0; round < ROUNDS; round++)
            expect_multiples(&w, tables, &q, tables[0]->places);
        for (size_t i = 0; i < LANES; i++)
            table8_free(made[i]);
    }
    points_free(q), points_free(same);
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
