/* p256_field8.h - numbers mod the p of P-256, eight at a time.
 *
 * A number is five limbs of 52 bits, and a vector register holds the same limb
 * of eight numbers: lane 3 of all of it is one number, whose neighbours it
 * never meets.  AVX512-IFMA multiplies 52 bits by 52 in every lane and adds
 * the lower or the upper 52 bits of the product to a lane of 64, so that
 * twelve bits are left over for carries that wait:
 *
 *     lane        0        1             7
 *     l0     [ a mod 2^52 | b mod 2^52 | ...        value: l0 + l1*2^52 + l2*2^104
 *     l1     [ next 52    | ...                            + l3*2^156 + l4*2^208
 *
 * Products are Montgomery's with R = 2^260: field8_mul(a, b) is a*b/R mod p.
 * p = 2^256 - 2^224 + 2^192 + 2^96 - 1 makes that cheap: -1/p mod 2^52 is 1, so
 * the multiple of p that clears a limb is the limb itself, and three shifted
 * copies of it (96, 192 and 224 to 256) are all there is to add.
 *
 * How large: "tidy" is limbs below 2^52 and a value below 2p + 2^229.  All that
 * these functions take and give is tidy, if nothing else is said.  Of tidy a, b
 * the product is below (2.001 * 2.001 / 16 + 1) p < 1.3p, as R > 16p; of the
 * sum of two products below 1.6p.  field8_fold() brings differences back.
 *
 * Nothing here is constant in time or meant for secrets.  Files that include
 * this are compiled for AVX512-IFMA, and run where crypto/p256_lanes8.h says so.
 *
 * Go origin   none
 * Owner       any thread
 * Memory      none
 */
#ifndef WEFT_CRYPTO_P256_FIELD8_H
#define WEFT_CRYPTO_P256_FIELD8_H

#include <immintrin.h>
#include <stdint.h>

enum {
    LANES = 8,
    LIMB_BITS = 52,
};
#define LIMB_MASK ((1LL << LIMB_BITS) - 1)

struct num8 {
    __m512i l0, l1, l2, l3, l4;
};

/* A product, its carries still in the limbs. */
struct wide8 {
    __m512i t0, t1, t2, t3, t4, t5, t6, t7, t8, t9;
};

/* acc + the lower or the upper 52 bits of a*b. */
#define NUM8_LO(acc, a, b) _mm512_madd52lo_epu64(acc, a, b)
#define NUM8_HI(acc, a, b) _mm512_madd52hi_epu64(acc, a, b)

static inline __m512i num8_all(int64_t v)
{
    return _mm512_set1_epi64(v);
}

static inline struct num8 num8_zero(void)
{
    __m512i z = _mm512_setzero_si512();
    return (struct num8){ z, z, z, z, z };
}

/* The number 1. */
static inline struct num8 num8_unit(void)
{
    struct num8 a = num8_zero();
    a.l0 = num8_all(1);
    return a;
}

/* p */
static inline struct num8 field8_p(void)
{
    return (struct num8){ num8_all(LIMB_MASK), num8_all(0xfffffffffffLL), num8_all(0),
                          num8_all(0x1000000000LL), num8_all(0xffffffff0000LL) };
}

/* R mod p, which stands for 1. */
static inline struct num8 field8_one(void)
{
    return (struct num8){ num8_all(0x10), num8_all(0xf000000000000LL), num8_all(LIMB_MASK),
                          num8_all(0xffeffffffffffLL), num8_all(0x00000fffffLL) };
}

/* b in the lanes of the mask, a in the others. */
static inline struct num8 num8_choose(__mmask8 mask, struct num8 a, struct num8 b)
{
    return (struct num8){ _mm512_mask_mov_epi64(a.l0, mask, b.l0),
                          _mm512_mask_mov_epi64(a.l1, mask, b.l1),
                          _mm512_mask_mov_epi64(a.l2, mask, b.l2),
                          _mm512_mask_mov_epi64(a.l3, mask, b.l3),
                          _mm512_mask_mov_epi64(a.l4, mask, b.l4) };
}

/* Lanes in which the limbs are the same. */
static inline __mmask8 num8_same(struct num8 a, struct num8 b)
{
    return _mm512_cmpeq_epi64_mask(a.l0, b.l0) & _mm512_cmpeq_epi64_mask(a.l1, b.l1) &
           _mm512_cmpeq_epi64_mask(a.l2, b.l2) & _mm512_cmpeq_epi64_mask(a.l3, b.l3) &
           _mm512_cmpeq_epi64_mask(a.l4, b.l4);
}

/* Lane i gets lane i+by, round the end. */
static inline struct num8 num8_turned(struct num8 a, int by)
{
    const __m512i lanes = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
    __m512i from = _mm512_add_epi64(lanes, num8_all(by)); /* counts mod 8 */
    return (
        struct num8){ _mm512_permutexvar_epi64(from, a.l0), _mm512_permutexvar_epi64(from, a.l1),
                      _mm512_permutexvar_epi64(from, a.l2), _mm512_permutexvar_epi64(from, a.l3),
                      _mm512_permutexvar_epi64(from, a.l4) };
}

/* Limb by limb, no carries. */
static inline struct num8 num8_plus(struct num8 a, struct num8 b)
{
    return (struct num8){ _mm512_add_epi64(a.l0, b.l0), _mm512_add_epi64(a.l1, b.l1),
                          _mm512_add_epi64(a.l2, b.l2), _mm512_add_epi64(a.l3, b.l3),
                          _mm512_add_epi64(a.l4, b.l4) };
}

static inline struct num8 num8_minus(struct num8 a, struct num8 b)
{
    return (struct num8){ _mm512_sub_epi64(a.l0, b.l0), _mm512_sub_epi64(a.l1, b.l1),
                          _mm512_sub_epi64(a.l2, b.l2), _mm512_sub_epi64(a.l3, b.l3),
                          _mm512_sub_epi64(a.l4, b.l4) };
}

/* a in the lanes of the mask becomes -a. */
static inline struct num8 num8_negated(__mmask8 mask, struct num8 a)
{
    __m512i z = _mm512_setzero_si512();
    return (struct num8){ _mm512_mask_sub_epi64(a.l0, mask, z, a.l0),
                          _mm512_mask_sub_epi64(a.l1, mask, z, a.l1),
                          _mm512_mask_sub_epi64(a.l2, mask, z, a.l2),
                          _mm512_mask_sub_epi64(a.l3, mask, z, a.l3),
                          _mm512_mask_sub_epi64(a.l4, mask, z, a.l4) };
}

/* Carries what is above 52 bits, or below 0, into the next limb; the highest
 * keeps what it gets. */
static inline struct num8 num8_carried(struct num8 a)
{
    __m512i m = num8_all(LIMB_MASK);
    a.l1 = _mm512_add_epi64(a.l1, _mm512_srai_epi64(a.l0, LIMB_BITS));
    a.l0 = _mm512_and_si512(a.l0, m);
    a.l2 = _mm512_add_epi64(a.l2, _mm512_srai_epi64(a.l1, LIMB_BITS));
    a.l1 = _mm512_and_si512(a.l1, m);
    a.l3 = _mm512_add_epi64(a.l3, _mm512_srai_epi64(a.l2, LIMB_BITS));
    a.l2 = _mm512_and_si512(a.l2, m);
    a.l4 = _mm512_add_epi64(a.l4, _mm512_srai_epi64(a.l3, LIMB_BITS));
    a.l3 = _mm512_and_si512(a.l3, m);
    return a;
}

/* a-b where that is not below 0; limbs below 2^52. */
static inline struct num8 num8_less_once(struct num8 a, struct num8 b)
{
    struct num8 d = num8_carried(num8_minus(a, b));
    __mmask8 below = _mm512_cmplt_epi64_mask(d.l4, _mm512_setzero_si512());
    return num8_choose(below, d, a);
}

/* Limbs between -2^55 and 2^55, a value between -15*2^256 and 15*2^256: tidy.
 *
 * With q = l4 / 2^48, rounded down, the value is q*2^256 + rest, where rest is
 * from -2^212 to 2^256 + 2^212.  Taking away (q-1)p leaves
 *     p + q*(2^256 - p) + rest,   and   |q*(2^256 - p)| < 16*2^224 = 2^228,
 * so that it is above 0 and below 2p + 2^229. */
static inline struct num8 field8_fold(struct num8 a)
{
    __m512i k = _mm512_sub_epi64(num8_all(1), _mm512_srai_epi64(a.l4, 48));
    a.l0 = _mm512_sub_epi64(a.l0, k);
    a.l1 = _mm512_add_epi64(a.l1, _mm512_slli_epi64(k, 44));
    a.l3 = _mm512_add_epi64(a.l3, _mm512_slli_epi64(k, 36));
    a.l4 = _mm512_add_epi64(a.l4,
                            _mm512_sub_epi64(_mm512_slli_epi64(k, 48), _mm512_slli_epi64(k, 16)));
    return num8_carried(a);
}

static inline struct num8 field8_sub(struct num8 a, struct num8 b)
{
    return field8_fold(num8_minus(a, b));
}

static inline struct num8 field8_add(struct num8 a, struct num8 b)
{
    return field8_fold(num8_plus(a, b));
}

/* ---- products ------------------------------------------------------------ */

/* x times the five limbs of b, from limb k0 on. */
#define WIDE8_ROW(t, x, b, k0, k1, k2, k3, k4, k5) \
    do {                                           \
        (t).k0 = NUM8_LO((t).k0, x, (b).l0);       \
        (t).k1 = NUM8_LO((t).k1, x, (b).l1);       \
        (t).k2 = NUM8_LO((t).k2, x, (b).l2);       \
        (t).k3 = NUM8_LO((t).k3, x, (b).l3);       \
        (t).k4 = NUM8_LO((t).k4, x, (b).l4);       \
        (t).k1 = NUM8_HI((t).k1, x, (b).l0);       \
        (t).k2 = NUM8_HI((t).k2, x, (b).l1);       \
        (t).k3 = NUM8_HI((t).k3, x, (b).l2);       \
        (t).k4 = NUM8_HI((t).k4, x, (b).l3);       \
        (t).k5 = NUM8_HI((t).k5, x, (b).l4);       \
    } while (0)

static inline struct wide8 wide8_zero(void)
{
    __m512i z = _mm512_setzero_si512();
    return (struct wide8){ z, z, z, z, z, z, z, z, z, z };
}

/* t + a*b; limbs below 2^52. */
static inline struct wide8 wide8_add_mul(struct wide8 t, struct num8 a, struct num8 b)
{
    WIDE8_ROW(t, a.l0, b, t0, t1, t2, t3, t4, t5);
    WIDE8_ROW(t, a.l1, b, t1, t2, t3, t4, t5, t6);
    WIDE8_ROW(t, a.l2, b, t2, t3, t4, t5, t6, t7);
    WIDE8_ROW(t, a.l3, b, t3, t4, t5, t6, t7, t8);
    WIDE8_ROW(t, a.l4, b, t4, t5, t6, t7, t8, t9);
    return t;
}

/* One product of two different limbs. */
#define WIDE8_PAIR(t, x, y, k0, k1)     \
    do {                                \
        (t).k0 = NUM8_LO((t).k0, x, y); \
        (t).k1 = NUM8_HI((t).k1, x, y); \
    } while (0)

/* a*a: the products of different limbs come twice. */
static inline struct wide8 wide8_sqr(struct num8 a)
{
    struct wide8 t = wide8_zero();
    WIDE8_PAIR(t, a.l0, a.l1, t1, t2);
    WIDE8_PAIR(t, a.l0, a.l3, t3, t4);
    WIDE8_PAIR(t, a.l1, a.l4, t5, t6);
    WIDE8_PAIR(t, a.l3, a.l4, t7, t8);
    WIDE8_PAIR(t, a.l0, a.l2, t2, t3);
    WIDE8_PAIR(t, a.l0, a.l4, t4, t5);
    WIDE8_PAIR(t, a.l2, a.l4, t6, t7);
    WIDE8_PAIR(t, a.l1, a.l2, t3, t4);
    WIDE8_PAIR(t, a.l2, a.l3, t5, t6);
    WIDE8_PAIR(t, a.l1, a.l3, t4, t5);
    t.t1 = _mm512_add_epi64(t.t1, t.t1);
    t.t2 = _mm512_add_epi64(t.t2, t.t2);
    t.t3 = _mm512_add_epi64(t.t3, t.t3);
    t.t4 = _mm512_add_epi64(t.t4, t.t4);
    t.t5 = _mm512_add_epi64(t.t5, t.t5);
    t.t6 = _mm512_add_epi64(t.t6, t.t6);
    t.t7 = _mm512_add_epi64(t.t7, t.t7);
    t.t8 = _mm512_add_epi64(t.t8, t.t8);
    WIDE8_PAIR(t, a.l0, a.l0, t0, t1);
    WIDE8_PAIR(t, a.l1, a.l1, t2, t3);
    WIDE8_PAIR(t, a.l2, a.l2, t4, t5);
    WIDE8_PAIR(t, a.l3, a.l3, t6, t7);
    WIDE8_PAIR(t, a.l4, a.l4, t8, t9);
    return t;
}

/* Adds m*p, m = the lower 52 bits of c0, and carries the rest of c0 on: in
 * limbs, m*p is -m, m*2^44, nothing, m*2^36, m*(2^48 - 2^16), since the m of
 * p's 2^52 and the -m of its next limb cancel. */
#define FIELD8_CLEAR(t, c0, c1, c2, c3, c4, c5)                                  \
    do {                                                                         \
        __m512i m = _mm512_and_si512((t).c0, mask);                              \
        (t).c1 = _mm512_add_epi64((t).c1, _mm512_srli_epi64((t).c0, LIMB_BITS)); \
        (t).c1 = NUM8_LO((t).c1, m, at44);                                       \
        (t).c2 = NUM8_HI((t).c2, m, at44);                                       \
        (t).c3 = NUM8_LO((t).c3, m, at36);                                       \
        (t).c4 = NUM8_HI((t).c4, m, at36);                                       \
        (t).c4 = NUM8_LO((t).c4, m, top);                                        \
        (t).c5 = NUM8_HI((t).c5, m, top);                                        \
    } while (0)

/* t/R mod p; a limb of t is below 2^58. */
static inline struct num8 field8_reduce(struct wide8 t)
{
    __m512i mask = num8_all(LIMB_MASK), at44 = num8_all(1LL << 44);
    __m512i at36 = num8_all(1LL << 36), top = num8_all(0xffffffff0000LL);
    FIELD8_CLEAR(t, t0, t1, t2, t3, t4, t5);
    FIELD8_CLEAR(t, t1, t2, t3, t4, t5, t6);
    FIELD8_CLEAR(t, t2, t3, t4, t5, t6, t7);
    FIELD8_CLEAR(t, t3, t4, t5, t6, t7, t8);
    FIELD8_CLEAR(t, t4, t5, t6, t7, t8, t9);
    return num8_carried((struct num8){ t.t5, t.t6, t.t7, t.t8, t.t9 });
}

static inline struct num8 field8_mul(struct num8 a, struct num8 b)
{
    return field8_reduce(wide8_add_mul(wide8_zero(), a, b));
}

static inline struct num8 field8_sqr(struct num8 a)
{
    return field8_reduce(wide8_sqr(a));
}

/* a*b + c*d */
static inline struct num8 field8_mul_add(struct num8 a, struct num8 b, struct num8 c, struct num8 d)
{
    return field8_reduce(wide8_add_mul(wide8_add_mul(wide8_zero(), a, b), c, d));
}

/* a/R, below p.  (a + m*p)/R is at most p, and p only for multiples of p. */
static inline struct num8 field8_plain(struct num8 a)
{
    struct num8 v = field8_mul(a, num8_unit());
    return num8_choose(num8_same(v, field8_p()), v, num8_zero());
}

static inline __mmask8 field8_is_zero(struct num8 a)
{
    return num8_same(field8_plain(a), num8_zero());
}

/* Below p, of what is below 2p: any product. */
static inline struct num8 field8_canonical(struct num8 a)
{
    return num8_less_once(a, field8_p());
}

/* ---- words of 64 bits ------------------------------------------------------ */

/* Four words a lane, the lowest first, into limbs and back. */
static inline struct num8 num8_of_words(const __m512i w[4])
{
    __m512i m = num8_all(LIMB_MASK);
    return (struct num8){
        _mm512_and_si512(w[0], m),
        _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(w[0], 52), _mm512_slli_epi64(w[1], 12)),
                         m),
        _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(w[1], 40), _mm512_slli_epi64(w[2], 24)),
                         m),
        _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(w[2], 28), _mm512_slli_epi64(w[3], 36)),
                         m),
        _mm512_srli_epi64(w[3], 16),
    };
}

static inline void num8_to_words(struct num8 a, __m512i ret[4])
{
    ret[0] = _mm512_or_si512(a.l0, _mm512_slli_epi64(a.l1, 52));
    ret[1] = _mm512_or_si512(_mm512_srli_epi64(a.l1, 12), _mm512_slli_epi64(a.l2, 40));
    ret[2] = _mm512_or_si512(_mm512_srli_epi64(a.l2, 24), _mm512_slli_epi64(a.l3, 28));
    ret[3] = _mm512_or_si512(_mm512_srli_epi64(a.l3, 36), _mm512_slli_epi64(a.l4, 16));
}

/* Rows become columns: word i of register j goes to word j of register i. */
static inline void words8_transpose(__m512i r[LANES])
{
    __m512i a[LANES], b[LANES];
    for (int i = 0; i < LANES; i += 2) {
        a[i] = _mm512_unpacklo_epi64(r[i], r[i + 1]);
        a[i + 1] = _mm512_unpackhi_epi64(r[i], r[i + 1]);
    }
    for (int i = 0; i < LANES; i += 4)
        for (int j = 0; j < 2; j++) {
            b[i + j] = _mm512_shuffle_i64x2(a[i + j], a[i + j + 2], 0x88);
            b[i + j + 2] = _mm512_shuffle_i64x2(a[i + j], a[i + j + 2], 0xdd);
        }
    for (int i = 0; i < 4; i++) {
        r[i] = _mm512_shuffle_i64x2(b[i], b[i + 4], 0x88);
        r[i + 4] = _mm512_shuffle_i64x2(b[i], b[i + 4], 0xdd);
    }
}

#endif
