/* p256_fast.h - checks ECDSA signatures over P-256, many at once and with a
 * table for keys that have one.
 *
 * A check computes u1*G + u2*Q and looks at one coordinate of the sum.  G is
 * the same for everybody, and OpenSSL has a table of its multiples: u1*G costs
 * 6 us.  Q, the key, costs 33 us without a table and 6 us with one.  So a key
 * that is seen often gets a table too: a curve group of its own, the same
 * curve with Q in the place of G, for which OpenSSL makes the table.
 *
 * Two costs are left, an inversion mod n and one mod p, 9 us together.  The
 * first is shared by a batch, the second is not needed: the comparison is made
 * in projective coordinates.  Keys without a table gain by that too; their
 * u1*G + u2*Q is the one call that OpenSSL's own verification makes.
 *
 * On a CPU with AVX512-IFMA all of this is done in eight lanes instead, by
 * crypto/p256_lanes8.h, and what that leaves undecided is done as above.
 *
 * docs/signatures.md derives that this is ECDSA verification and nothing else.
 *
 *     struct p256_fast *f = p256_fast_new(P256_LANES_MOST);   NULL: do without
 *     struct p256_table *t = p256_table_new(f, point);         20 ms, or 0.5
 *     struct p256_check c[] = { { t, point, digest, r, s } };
 *     p256_fast_check(f, c, 1);                          c[0].outcome
 *
 * All functions that OpenSSL 3 marks deprecated are in this module (SHA-256
 * apart, crypto/sha256.c).  Where they are missing at build time or at run
 * time p256_fast_new() gives NULL.
 *
 * Go origin   none
 * Owner       any thread: f and the tables do not change once made
 * Memory      a table owns p256_table_bytes()
 * Limits      none of its own: crypto/key_tables.h keeps the budget
 */
#ifndef WEFT_CRYPTO_P256_FAST_H
#define WEFT_CRYPTO_P256_FAST_H

#include "base/bytes.h"

enum {
    P256_POINT_BYTES = 65, /* 04, x, y */
    P256_SCALAR_BYTES = 32,
    P256_TABLE_BYTES = 160 << 10, /* OpenSSL's: 37 windows of 64 points, and the group */
    P256_TABLE8_BYTES = 87 << 10, /* in eight lanes: 43 of 32 points */
    P256_TABLE_COST = 512,        /* what making one costs, in checks without */
    P256_TABLE8_COST = 40,        /* of a batch */
};

/* How many checks at a time. */
enum p256_lanes {
    P256_LANES_MOST, /* what the CPU has */
    P256_LANES_ONE,  /* for comparisons: by OpenSSL's functions alone */
};

struct p256_fast;
struct p256_table;

/* What decided.  All but the two P256_GOOD are refusals; P256_FAILED is none:
 * OpenSSL could not compute (no memory), ask another way. */
enum p256_outcome {
    P256_FAILED,
    P256_GOOD_R,        /* x is r */
    P256_GOOD_R_PLUS_N, /* x is r+n, which is below p */
    P256_OUT_OF_RANGE,  /* r or s is not in 1..n-1 */
    P256_INFINITY,      /* the sum is the point at infinity */
    P256_OTHER_X,       /* x is not r, and r+n is no coordinate */
    P256_OTHER_X_TWICE, /* x is neither r nor r+n */
    P256_OUTCOME_NR,
};

struct p256_check {
    const struct p256_table *table; /* NULL: it has none */
    struct bytes point;             /* the key: 04, x, y; read when there is no table */
    struct bytes digest;            /* of any length; its first 256 bits count */
    struct bytes r, s;              /* magnitudes, most significant byte first */
    enum p256_outcome outcome;
};

static inline bool p256_outcome_is_good(enum p256_outcome outcome)
{
    return outcome == P256_GOOD_R || outcome == P256_GOOD_R_PLUS_N;
}

/* NULL when this OpenSSL does not have what it takes. */
struct p256_fast *p256_fast_new(enum p256_lanes lanes);
void p256_fast_free(struct p256_fast *f);
WEFT_DEFINE_CLEANUP(struct p256_fast *, p256_fast_free)

/* What a table takes of a budget, and what it costs to make, in checks without one. */
size_t p256_table_bytes(enum p256_lanes lanes);
unsigned p256_table_cost(const struct p256_fast *f);

/* The table of a point on the curve, tried out against OpenSSL's own
 * multiplication before it is given out.  NULL when that did not work. */
struct p256_table *p256_table_new(const struct p256_fast *f, struct bytes point);
void p256_table_free(struct p256_table *t);
WEFT_DEFINE_CLEANUP(struct p256_table *, p256_table_free)

/* Decides every check; the keys may differ. */
void p256_fast_check(struct p256_fast *f, struct p256_check *checks, size_t count);

#endif
