/* p256_point8.h - points of P-256, eight at a time.
 *
 * A point is X, Y, Z with x = X/Z^2, y = Y/Z^3; all coordinates tidy
 * (p256_field8.h) and times R.  Affine ones are x and y alone.  Which lanes
 * hold no point yet (infinity, the sum of nothing) is a mask beside it.
 *
 * The formulas for a sum are wrong where both points have the same x: it is the
 * double then, or infinity.  Nothing looks out for that on the way.  Both of
 * them multiply the old Z by the difference of the two x, so Z becomes 0 mod p
 * there, and whatever is added afterwards it stays 0:
 *
 *     Z3 = Z1 * H        Z3 = Z1 * Z2 * H        H = 0 where the x are the same
 *
 * So a lane whose Z is 0 at the end is one whose sum is not known here, and is
 * asked elsewhere; a lane whose Z is not 0 never met such a case.  Doubling
 * has no exception: Z3 = 2*Y*Z, and no point of P-256 has y = 0.
 *
 * Go origin   none
 * Owner       any thread
 * Memory      none
 */
#ifndef WEFT_CRYPTO_P256_POINT8_H
#define WEFT_CRYPTO_P256_POINT8_H

#include "crypto/p256_field8.h"

struct point8 {
    struct num8 x, y, z;
    __mmask8 empty; /* lanes of no point; their coordinates mean nothing */
};

struct affine8 {
    struct num8 x, y;
};

static inline struct point8 point8_nothing(void)
{
    return (struct point8){ field8_one(), field8_one(), field8_one(), 0xff };
}

/* b in the lanes of the mask; `empty` is a's. */
static inline void point8_choose(struct point8 *a, __mmask8 mask, const struct point8 *b)
{
    a->x = num8_choose(mask, a->x, b->x);
    a->y = num8_choose(mask, a->y, b->y);
    a->z = num8_choose(mask, a->z, b->z);
}

/* a + b in the lanes of `present`, a - b where `minus` says so, too. */
void point8_add_affine(struct point8 *a, const struct affine8 *b, __mmask8 present, __mmask8 minus);
/* a + b in the lanes of `present`, a - b where `minus` says so, too; b is empty nowhere there. */
void point8_add(struct point8 *a, const struct point8 *b, __mmask8 present, __mmask8 minus);
void point8_double(struct point8 *a);
/* R^2/a, that is 1/a times R of an a times R, by a^(p-2); 0 of 0. */
struct num8 field8_inverse(struct num8 a);

#endif
