/* p256_table8.h - the multiples of one point that make multiplying it a sum.
 *
 * A scalar is written in signed digits of a few bits, u = d0 + d1*2^b + d2*2^2b
 * + ..., and the table has d * 2^ib * Q for every place i and every d from 1 to
 * 2^(b-1), as affine points.  u*Q is then the sum of one entry a place, taken
 * away instead of added where the digit is negative, and no doubling:
 *
 *     6 bits:  43 places of  32 points    86 KB a key
 *     8 bits:  32 places of 128 points   256 KB, for G, which all checks share
 *
 * An entry is x and y times R mod p, each in four words of 64 bits, below p, the
 * lowest first: a line of the cache.
 *
 * Go origin   none
 * Owner       any thread: a table does not change once made
 * Memory      table8_bytes() each; while one is made, 260 KB more (700 KB for G)
 */
#ifndef WEFT_CRYPTO_P256_TABLE8_H
#define WEFT_CRYPTO_P256_TABLE8_H

#include "base/bytes.h"
#include "crypto/p256_point8.h"

enum {
    TABLE8_BITS_KEY = 6,
    TABLE8_BITS_G = 8,
    TABLE8_PLACES_KEY = 43,
    TABLE8_PLACES_G = 32,
};

struct table8_entry {
    uint64_t x[4], y[4];
};

struct table8 {
    unsigned bits, places, each; /* each = 2^(bits-1) entries a place */
    struct num8 offset;          /* what makes the digits positive */
    struct table8_entry entry[]; /* of place 0, of place 1, ... */
};

/* Which entry a lane adds next: its address, and in the bits below it how. */
enum {
    TERM8_MINUS = 1,
    TERM8_ABSENT = 2,
    TERM8_HOW = TERM8_MINUS | TERM8_ABSENT,
};
struct term8 {
    _Alignas(64) uint64_t lane[LANES];
};

size_t table8_bytes(unsigned bits);

/* Points as X9.62 writes them, 04, x, y; the coordinates times R.  Lanes that
 * are on the curve, with coordinates below p. */
__mmask8 affine8_read(const uint8_t *const points[LANES], struct affine8 *ret);

/* Of a point in all lanes. */
struct table8 *table8_new(const struct affine8 *point, unsigned bits);
void table8_free(struct table8 *t);

/* The entries that add up to u*Q, a place a term, with a table for each lane;
 * all are of the same bits.  u is below n. */
void table8_terms(const struct table8 *const tables[LANES], struct num8 u, struct term8 *terms);

/* Adds the terms up. */
void table8_sum(struct point8 *sum, const struct term8 *terms, size_t count);

#endif
