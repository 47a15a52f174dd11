/* mod_inverse.h - one over a number, modulo an odd one of 256 bits.
 *
 * OpenSSL's BN_mod_inverse takes 15 us for it, more than two multiplications
 * by a table; this takes 2.  Whoever asks multiplies the answer with what was
 * asked, by OpenSSL, and sees whether that is 1: there is only one such number
 * below a prime modulus, so a mistake here could cost time but no verdict.
 *
 * The method is that of D. Bernstein and B.-Y. Yang ("Fast constant-time gcd
 * computation and modular inversion", 2019): a step on (f, g), f odd, is
 *
 *     g odd and delta > 0:   delta, f, g  <-  1-delta, g, (g-f)/2
 *     else:                  delta, f, g  <-  1+delta, f, (g + (g mod 2)*f)/2
 *
 * Which way it goes depends on the lowest bits alone, so 62 steps are done on
 * the lowest words, remembered as a matrix, and then applied to the whole
 * numbers at once, and to d, e with d*a = f, e*a = g mod n.  From f = n, g = a
 * at most 741 steps lead to g = 0, f = +-1, so d = +-1/a.
 *
 * Not constant in time: for what everybody may know, such as signatures.
 *
 * Go origin   none
 * Owner       any thread
 * Memory      none
 */
#ifndef WEFT_CRYPTO_MOD_INVERSE_H
#define WEFT_CRYPTO_MOD_INVERSE_H

#include "base/weft.h"

enum {
    MOD_INVERSE_BYTES = 32
};

struct modulus {
    int64_t limbs[5];       /* of 62 bits, the lowest first */
    uint64_t minus_inverse; /* -1/n mod 2^62 */
};

/* An odd number above 1, most significant byte first. */
void modulus_init(struct modulus *m, const uint8_t n[MOD_INVERSE_BYTES]);

/* a must be below n.  False when it has no inverse (it is 0, or shares a
 * factor with n). */
bool mod_inverse(const struct modulus *m, const uint8_t a[MOD_INVERSE_BYTES],
                 uint8_t ret[MOD_INVERSE_BYTES]) WEFT_MUST_CHECK;

#endif
