/* p256_lanes8.h - checks ECDSA signatures over P-256, eight at a time.
 *
 * What crypto/p256_fast.h has done where the CPU has AVX512-IFMA: a check of
 * a key with a table takes a seventh of what it takes by OpenSSL's functions.
 *
 *     checks      r, s in range?       p256_order8   u1 = e/s, u2 = r/s
 *        |                                  |
 *        |  rows of eight                   v
 *        |                             p256_digits8  signed digits
 *        |                                  |
 *        |    with a table: p256_table8     |     without: p256_ladder8
 *        |    u1*G + u2*Q is 75 entries     |     u2*Q by doubling and adding,
 *        |    added up                      |     then u1*G's 32 entries
 *        v                                  v
 *     outcome     X = r*Z^2 or (r+n)*Z^2?   p256_field8, p256_point8
 *
 * A row with one to four checks in it gives each of them eight, four or two
 * lanes, each of which adds up a part of the entries.
 *
 * What the formulas cannot add (equal or opposite points on the way, infinity)
 * is found out afterwards and left P256_FAILED: OpenSSL's functions decide it.
 * Everything is public, so nothing is constant in time.
 *
 * docs/signatures.md derives it, docs/decisions/0008 says why it is here.
 *
 * Go origin   none
 * Owner       any thread: nothing changes once made
 * Memory      the table of G; 86 KB for each table of a key
 * Limits      none of its own
 */
#ifndef WEFT_CRYPTO_P256_LANES8_H
#define WEFT_CRYPTO_P256_LANES8_H

#include "crypto/p256_fast.h"

struct p256_lanes8;
struct table8;

/* What p256_fast.h calls a table: one of the two. */
struct p256_table {
    struct ec_group_st *group; /* the same curve, the key as its generator */
    struct table8 *eight;
};

/* Only on a CPU that has AVX512-IFMA.  NULL when this was built without. */
struct p256_lanes8 *p256_lanes8_new(void);
void p256_lanes8_free(struct p256_lanes8 *l);

/* The table of the generator. */
struct table8 *p256_lanes8_g(const struct p256_lanes8 *l);
/* The table of a point; NULL when it is not on the curve. */
struct table8 *p256_lanes8_table_new(struct bytes point);
void p256_lanes8_table_free(struct table8 *t);

/* k*point by the table, k below n, most significant byte first.  False when it
 * is not known here. */
bool p256_lanes8_multiply(const struct table8 *t, const uint8_t k[P256_SCALAR_BYTES],
                          uint8_t ret[P256_POINT_BYTES]) WEFT_MUST_CHECK;

/* Decides those that it can; the others are P256_FAILED. */
void p256_lanes8_check(const struct p256_lanes8 *l, struct p256_check *checks, size_t count);

#endif
