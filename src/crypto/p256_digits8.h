/* p256_digits8.h - scalars in signed digits, eight at a time.
 *
 * u = d0 + d1*2^b + d2*2^2b + ..., each digit from -(2^(b-1) - 1) to 2^(b-1).  A
 * digit is found without looking at the others: 2^(b-1) - 1 is added at every
 * place but the last, which makes all of them positive, and taken away again
 * from each by itself.  With b = 4 and two places, u = 13:
 *
 *     13 + 7 = 20 = 0x14     d0 = 4 - 7 = -3     d1 = 1     -3 + 1*16 = 13
 *
 * For the last digit to fit, u must be below 2^255.  Of a u above n/2 it is n-u
 * that is written, and all signs are turned: n times any point is infinity.
 *
 * Go origin   none
 * Owner       any thread
 * Memory      none
 */
#ifndef WEFT_CRYPTO_P256_DIGITS8_H
#define WEFT_CRYPTO_P256_DIGITS8_H

#include "crypto/p256_order8.h"

enum {
    DIGITS8_SCALAR_BITS = 256,
    DIGITS8_WORDS = 4,
};

struct digits8 {
    __m512i words[DIGITS8_WORDS]; /* u, or n-u, and what is added */
    __mmask8 turned;
    unsigned bits, places;
};

struct digit8 {
    __m512i magnitude; /* 0 .. 2^(bits-1) */
    __mmask8 minus, zero;
};

static inline unsigned digits8_places(unsigned bits)
{
    return (DIGITS8_SCALAR_BITS + bits - 1) / bits;
}

/* 2^(bits-1) - 1 at every place but the last. */
static inline struct num8 digits8_offset(unsigned bits)
{
    uint64_t w[DIGITS8_WORDS] = { 0 };
    __m512i words[DIGITS8_WORDS];
    for (unsigned at = 0; at < (digits8_places(bits) - 1) * bits; at++)
        if (at % bits != bits - 1)
            w[at / 64] |= 1ULL << at % 64;
    for (size_t i = 0; i < DIGITS8_WORDS; i++)
        words[i] = num8_all((int64_t)w[i]);
    return num8_of_words(words);
}

/* u is below n; 4 <= bits <= 8, but not 5, whose last digit may be too large. */
static inline struct digits8 digits8_of(struct num8 u, unsigned bits, struct num8 offset)
{
    struct digits8 d = { .bits = bits, .places = digits8_places(bits) };
    struct num8 other = num8_carried(num8_minus(order8_n(), u));
    struct num8 difference = num8_carried(num8_minus(other, u));
    d.turned = _mm512_cmplt_epi64_mask(difference.l4, _mm512_setzero_si512()); /* n-u < u */
    u = num8_choose(d.turned, u, other);
    num8_to_words(num8_carried(num8_plus(u, offset)), d.words);
    return d;
}

static inline struct digit8 digits8_at(const struct digits8 *d, unsigned place)
{
    __m512i none = _mm512_setzero_si512();
    unsigned at = place * d->bits, word = at / 64, shift = at % 64;
    __m512i v = _mm512_srl_epi64(d->words[word], _mm_cvtsi32_si128((int)shift));
    if (shift + d->bits > 64 && word + 1 < DIGITS8_WORDS)
        v = _mm512_or_si512(
            v, _mm512_sll_epi64(d->words[word + 1], _mm_cvtsi32_si128((int)(64 - shift))));
    v = _mm512_and_si512(v, num8_all((INT64_C(1) << d->bits) - 1));
    if (place + 1 < d->places)
        v = _mm512_sub_epi64(v, num8_all((INT64_C(1) << (d->bits - 1)) - 1));
    return (struct digit8){
        .magnitude = _mm512_abs_epi64(v),
        .minus = _mm512_cmplt_epi64_mask(v, none) ^ d->turned,
        .zero = _mm512_cmpeq_epi64_mask(v, none),
    };
}

#endif
