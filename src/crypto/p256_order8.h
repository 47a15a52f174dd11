/* p256_order8.h - numbers mod n, the order of P-256, eight at a time.
 *
 * What an ECDSA check wants of them is two quotients, e/s and r/s, and a
 * division is as dear as a hundred products.  So all s of a batch share one
 * inversion (Montgomery's trick).  Rows are multiplied up lane by lane, the
 * eight products of the last row into one, and that one is inverted:
 *
 *     row 0     s0  s1  ..  s7
 *     row 1     s8  s9  .. s15
 *                v   v       v      prefix of row 1: s0*s8, s1*s9, ...
 *                 \  |      /
 *                  product          1/product, then all the way back
 *
 * Numbers are as in p256_field8.h, R = 2^260 here too, but n has no shape that
 * would make the reduction cheap.  Of numbers below 2n a product is below 2n.
 *
 * Go origin   none
 * Owner       any thread
 * Memory      none
 */
#ifndef WEFT_CRYPTO_P256_ORDER8_H
#define WEFT_CRYPTO_P256_ORDER8_H

#include "base/weft.h"
#include "crypto/mod_inverse.h"
#include "crypto/p256_field8.h"

enum {
    NUM8_BYTES = 32
};
/* Lane 0, the most significant byte first. */
void num8_put_first(struct num8 a, uint8_t out[NUM8_BYTES]);

/* Eight checks' numbers. */
struct order_row8 {
    struct num8 s; /* 1 .. n-1, also in lanes that are not used */
    struct num8 r; /* in: below 2^256.  out: r/s mod n, below n */
    struct num8 e; /* the same */
    struct num8 prefix;
};

struct num8 order8_n(void);
/* a*b/R mod n, below 2n when a and b are below 2^256 or products themselves. */
struct num8 order8_mul(struct num8 a, struct num8 b);
/* Below n, of what is below 2n. */
struct num8 order8_canonical(struct num8 a);

/* Divides by s in all rows.  False: the inverse was not one, which was found
 * out by multiplying it back; nothing may be done with the rows then. */
bool order8_divide(const struct modulus *n, struct order_row8 *rows, size_t count) WEFT_MUST_CHECK;

#endif
