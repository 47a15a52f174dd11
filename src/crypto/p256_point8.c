#include "base/weft.h"

#ifdef __AVX512IFMA__

#    include "crypto/p256_point8.h"

/* What a sum is when H and r are the differences of the x and of the y, both
 * times the same powers of Z; x1, y1 those of the first. */
static inline void sum_up(struct point8 *s, struct num8 x1, struct num8 y1, struct num8 h,
                          struct num8 r)
{
    struct num8 hh = field8_sqr(h);
    struct num8 rr = field8_sqr(r);
    struct num8 hhh = field8_mul(hh, h);
    struct num8 v = field8_mul(x1, hh);
    s->x = field8_fold(num8_minus(num8_minus(rr, hhh), num8_plus(v, v)));
    s->y = field8_mul_add(r, field8_sub(v, s->x), y1, field8_sub(num8_zero(), hhh));
}

void point8_add_affine(struct point8 *a, const struct affine8 *b, __mmask8 present, __mmask8 minus)
{
    struct point8 s;
    struct num8 zz = field8_sqr(a->z);
    struct num8 zzz = field8_mul(a->z, zz);
    struct num8 x2 = field8_mul(b->x, zz);
    struct num8 y2 = num8_negated(minus, field8_mul(b->y, zzz));
    struct num8 h = field8_sub(x2, a->x);
    s.z = field8_mul(a->z, h);
    sum_up(&s, a->x, a->y, h, field8_sub(y2, a->y));

    __mmask8 first = a->empty & present;
    if (first != 0) {
        struct point8 alone = { b->x, field8_fold(num8_negated(minus, b->y)), field8_one(), 0 };
        point8_choose(&s, first, &alone);
        a->empty &= (__mmask8)~first;
    }
    if (present == 0xff)
        a->x = s.x, a->y = s.y, a->z = s.z;
    else
        point8_choose(a, present, &s);
}

void point8_add(struct point8 *a, const struct point8 *b, __mmask8 present, __mmask8 minus)
{
    struct point8 s;
    struct num8 zz1 = field8_sqr(a->z), zz2 = field8_sqr(b->z);
    struct num8 x1 = field8_mul(a->x, zz2), x2 = field8_mul(b->x, zz1);
    struct num8 zzz1 = field8_mul(a->z, zz1), zzz2 = field8_mul(b->z, zz2);
    struct num8 h = field8_sub(x2, x1);
    struct num8 y1 = field8_mul(a->y, zzz2);
    struct num8 y2 = num8_negated(minus, field8_mul(b->y, zzz1));
    s.z = field8_mul(field8_mul(a->z, b->z), h);
    sum_up(&s, x1, y1, h, field8_sub(y2, y1));

    __mmask8 first = a->empty & present;
    if (first != 0) {
        struct point8 alone = { b->x, field8_fold(num8_negated(minus, b->y)), b->z, 0 };
        point8_choose(&s, first, &alone);
        a->empty &= (__mmask8)~first;
    }
    point8_choose(a, present, &s);
}

/* a is -3, so that the slope's 3x^2 + a*Z^4 is 3 (x - Z^2) (x + Z^2). */
void point8_double(struct point8 *a)
{
    struct num8 delta = field8_sqr(a->z);
    struct num8 gamma = field8_sqr(a->y);
    struct num8 sum = num8_plus(a->x, delta);
    struct num8 z3 = field8_mul(a->y, a->z);
    struct num8 alpha =
        field8_mul(field8_sub(a->x, delta), field8_fold(num8_plus(sum, num8_plus(sum, sum))));
    struct num8 beta2 = field8_mul(a->x, num8_carried(num8_plus(gamma, gamma)));
    struct num8 beta4 = num8_plus(beta2, beta2), gamma2 = num8_plus(gamma, gamma);
    struct num8 alpha2 = field8_sqr(alpha);
    a->x = field8_fold(num8_minus(alpha2, num8_plus(beta4, beta4)));
    struct num8 gamma8 = num8_plus(num8_plus(gamma2, gamma2), num8_plus(gamma2, gamma2));
    a->y = field8_mul_add(alpha, field8_sub(beta4, a->x), gamma, field8_sub(num8_zero(), gamma8));
    a->z = field8_add(z3, z3);
}

struct num8 field8_inverse(struct num8 a)
{
    static const uint32_t p_minus_2[] = { 0xffffffff, 0x00000001, 0,          0,
                                          0,          0xffffffff, 0xffffffff, 0xfffffffd };
    enum {
        BITS = 256
    };
    struct num8 v = a;
    for (int i = 1; i < BITS; i++) {
        v = field8_sqr(v);
        if (p_minus_2[i / 32] >> (31 - i % 32) & 1)
            v = field8_mul(v, a);
    }
    return v;
}

#endif
