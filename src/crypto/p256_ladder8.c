#include "base/weft.h"

#ifdef __AVX512IFMA__

#    include "crypto/p256_digits8.h"
#    include "crypto/p256_ladder8.h"

enum {
    BITS = 4,
    MULTIPLES = 1 << (BITS - 1),
};

static void make_multiples(const struct affine8 *q, struct point8 m[MULTIPLES])
{
    m[0] = (struct point8){ q->x, q->y, field8_one(), 0 };
    for (size_t k = 2; k <= MULTIPLES; k++) {
        m[k - 1] = k % 2 == 0 ? m[k / 2 - 1] : m[k - 2];
        if (k % 2 == 0)
            point8_double(&m[k - 1]);
        else
            point8_add_affine(&m[k - 1], q, 0xff, 0);
    }
}

/* Lane j of the limb that lies at `first` in the first multiple, of the
 * multiple that is so many bytes on. */
static inline __m512i gather_limb(const __m512i *first, __m512i bytes)
{
    return _mm512_i64gather_epi64(bytes, first, 1);
}

static inline struct num8 gather(const struct num8 *first, __m512i bytes)
{
    return (struct num8){ gather_limb(&first->l0, bytes), gather_limb(&first->l1, bytes),
                          gather_limb(&first->l2, bytes), gather_limb(&first->l3, bytes),
                          gather_limb(&first->l4, bytes) };
}

void ladder8_multiply(const struct affine8 *q, struct num8 u, struct point8 *ret)
{
    const __m512i lanes = _mm512_set_epi64(56, 48, 40, 32, 24, 16, 8, 0);
    struct point8 m[MULTIPLES], sum = point8_nothing();
    struct digits8 digits = digits8_of(u, BITS, digits8_offset(BITS));
    make_multiples(q, m);
    for (unsigned i = digits.places; i > 0; i--) {
        struct digit8 d = digits8_at(&digits, i - 1);
        __m512i index =
            _mm512_max_epi64(_mm512_sub_epi64(d.magnitude, num8_all(1)), _mm512_setzero_si512());
        __m512i bytes = _mm512_add_epi64(
            lanes, _mm512_mullo_epi64(index, num8_all((int64_t)sizeof(struct point8))));
        struct point8 p = { gather(&m->x, bytes), gather(&m->y, bytes), gather(&m->z, bytes), 0 };
        for (int k = 0; k < BITS && i < digits.places; k++)
            point8_double(&sum);
        point8_add(&sum, &p, (__mmask8)~d.zero, d.minus);
    }
    *ret = sum;
}

#endif
