#include "base/weft.h"

#ifdef __AVX512IFMA__

#    include "crypto/p256_order8.h"

/* -1/n mod 2^52 */
#    define MINUS_INVERSE 0x1c8aaee00bc4fLL

struct num8 order8_n(void)
{
    return (struct num8){ num8_all(0x9cac2fc632551LL), num8_all(0xada7179e84f3bLL),
                          num8_all(0xfffffffbce6faLL), num8_all(0xfffffffffLL),
                          num8_all(0xffffffff0000LL) };
}

/* R, R^2 and R^3 mod n */
static struct num8 order8_r1(void)
{
    return (struct num8){ num8_all(0x353d039cdaaf0LL), num8_all(0x258e8617b0c46LL),
                          num8_all(0x4319055LL), num8_all(0xfff0000000000LL), num8_all(0xfffffLL) };
}

static struct num8 order8_r2(void)
{
    return (struct num8){ num8_all(0x5cc0dea6dc3baLL), num8_all(0x192a067d8a084LL),
                          num8_all(0xbec59615571bbLL), num8_all(0x1fc245b2392b6LL),
                          num8_all(0xe12d9559d956LL) };
}

static struct num8 order8_r3(void)
{
    return (struct num8){ num8_all(0x9617f757e3b0dLL), num8_all(0x73e9fd26776fcLL),
                          num8_all(0xe93f26238f08cLL), num8_all(0x4d513b9246ba5LL),
                          num8_all(0xa54e7b437be6LL) };
}

/* Adds the multiple of n that clears c0, and carries the rest of c0 on. */
#    define ORDER8_CLEAR(t, c0, c1, c2, c3, c4, c5)                                  \
        do {                                                                         \
            __m512i m = NUM8_LO(_mm512_setzero_si512(), (t).c0, minus_inverse);      \
            WIDE8_ROW(t, m, n, c0, c1, c2, c3, c4, c5);                              \
            (t).c1 = _mm512_add_epi64((t).c1, _mm512_srli_epi64((t).c0, LIMB_BITS)); \
        } while (0)

struct num8 order8_mul(struct num8 a, struct num8 b)
{
    struct num8 n = order8_n();
    __m512i minus_inverse = num8_all(MINUS_INVERSE);
    struct wide8 t = wide8_add_mul(wide8_zero(), a, b);
    ORDER8_CLEAR(t, t0, t1, t2, t3, t4, t5);
    ORDER8_CLEAR(t, t1, t2, t3, t4, t5, t6);
    ORDER8_CLEAR(t, t2, t3, t4, t5, t6, t7);
    ORDER8_CLEAR(t, t3, t4, t5, t6, t7, t8);
    ORDER8_CLEAR(t, t4, t5, t6, t7, t8, t9);
    return num8_carried((struct num8){ t.t5, t.t6, t.t7, t.t8, t.t9 });
}

struct num8 order8_canonical(struct num8 a)
{
    return num8_less_once(a, order8_n());
}

void num8_put_first(struct num8 a, uint8_t out[NUM8_BYTES])
{
    __m512i w[4];
    num8_to_words(a, w);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(w); i++) {
        uint64_t v = (uint64_t)_mm_cvtsi128_si64(_mm512_castsi512_si128(w[3 - i]));
        v = __builtin_bswap64(v);
        memcpy(out + 8 * i, &v, sizeof(v));
    }
}

/* The same number in all lanes. */
static struct num8 get_bytes(const uint8_t in[MOD_INVERSE_BYTES])
{
    __m512i w[4];
    for (size_t i = 0; i < WEFT_ARRAY_LEN(w); i++) {
        uint64_t v;
        memcpy(&v, in + 8 * i, sizeof(v));
        w[3 - i] = num8_all((int64_t)__builtin_bswap64(v));
    }
    return num8_of_words(w);
}

/* R/a in every lane, of an a = value*R; the inverse is believed only when it
 * has been multiplied back. */
static bool invert(const struct modulus *n, struct num8 a, struct num8 *ret)
{
    /* lanes:  a0 .. a7;  a0*a4, a1*a5, ..;  all but every other;  all */
    struct num8 pairs = order8_mul(a, num8_turned(a, 4));
    struct num8 fours = order8_mul(pairs, num8_turned(pairs, 2));
    struct num8 all = order8_canonical(order8_mul(fours, num8_turned(fours, 1)));
    uint8_t raw[MOD_INVERSE_BYTES];
    num8_put_first(all, raw);
    if (!mod_inverse(n, raw, raw))
        return false;
    /* raw is 1/(all*R); times R^3 and through a product it is R/all. */
    struct num8 inverse = order8_mul(get_bytes(raw), order8_r3());
    if (num8_same(order8_canonical(order8_mul(inverse, all)), order8_r1()) != 0xff)
        return false;
    struct num8 others =
        order8_mul(order8_mul(num8_turned(a, 4), num8_turned(pairs, 2)), num8_turned(fours, 1));
    *ret = order8_mul(inverse, others);
    return true;
}

bool order8_divide(const struct modulus *n, struct order_row8 *rows, size_t count)
{
    struct num8 inverse;
    for (size_t i = 0; i < count; i++) {
        rows[i].s = order8_mul(rows[i].s, order8_r2());
        rows[i].prefix = i == 0 ? rows[0].s : order8_mul(rows[i - 1].prefix, rows[i].s);
    }
    if (!invert(n, rows[count - 1].prefix, &inverse))
        return false;
    for (size_t i = count; i > 0; i--) {
        struct order_row8 *row = &rows[i - 1];
        struct num8 w = inverse;
        if (i > 1) {
            w = order8_mul(inverse, rows[i - 2].prefix);
            inverse = order8_mul(inverse, row->s);
        }
        row->r = order8_canonical(order8_mul(row->r, w));
        row->e = order8_canonical(order8_mul(row->e, w));
    }
    return true;
}

#endif
