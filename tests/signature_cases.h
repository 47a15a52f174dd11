/* signature_cases.h - ECDSA inputs that are hard to get right, and an oracle.
 *
 * A seeded stream of (key, digest, r, s) over P-256: valid ones, bit flips,
 * values at every border, sums that double or vanish, coordinates above n.
 * Keys are made from known scalars, so that a signature of any wanted shape
 * is a few multiplications mod n; keys for a wanted coordinate are made from
 * the point: Q = (R - u1*G) / u2.
 *
 * The oracle is OpenSSL's ECDSA_do_verify, by its own EC_KEY.
 *
 * Include before anything of OpenSSL.
 *
 * Go origin   none
 * Owner       one thread: the scratch numbers are shared
 */
#ifndef WEFT_TESTS_SIGNATURE_CASES_H
#define WEFT_TESTS_SIGNATURE_CASES_H

#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/rand.h"
#include "crypto/ecdsa.h"
#include "crypto/p256_fast.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>

enum {
    CASE_SCALAR_KEYS = 8, /* keys with a known private scalar */
    CASE_POINT_KEYS = 16, /* keys made for one sum with a wanted coordinate */
    CASE_KEYS = CASE_SCALAR_KEYS + CASE_POINT_KEYS,
    CASE_NONCES = 64,
    CASE_BYTES = 32,
    CASE_BITS = 256,
    CASE_WORDS = 12, /* of 64 bits in digest, r and s */
};

struct signature_case {
    unsigned key; /* which of the world's */
    uint8_t digest[CASE_BYTES], r[CASE_BYTES], s[CASE_BYTES];
};

enum case_kind {
    CASE_VALID,
    CASE_VALID_OTHER_S, /* n-s */
    CASE_FLIPPED,       /* one bit of digest, r or s */
    CASE_OTHER_KEY,     /* valid, but of another key */
    CASE_BORDER_R,      /* a border value for r */
    CASE_BORDER_S,
    CASE_BORDER_BOTH,
    CASE_BORDER_DIGEST, /* valid over 0, 1, n-1, n, n+1, 2^256-1 */
    CASE_DOUBLING,      /* u1*G = u2*Q: valid */
    CASE_VANISHING,     /* u1*G = -u2*Q: the sum is infinity */
    CASE_NEAR_DOUBLING, /* as the two above, one bit away */
    CASE_SMALL_R,       /* r below p-n, x something else */
    CASE_WANTED_X,      /* a wanted x, see case_make_wanted() */
    CASE_WANTED_X_FLIPPED,
    CASE_RANDOM,
    CASE_CHOSEN_PARTS, /* u1 and u2 of few digits: valid, or the sum is infinity */
    CASE_KIND_NR,
};

struct case_world {
    BN_CTX *ctx;
    EC_GROUP *group;
    BIGNUM *n, *p, *t, *u, *d[CASE_SCALAR_KEYS];
    EC_POINT *points[CASE_KEYS];
    EC_KEY *oracle[CASE_KEYS];
    struct public_key *keys[CASE_KEYS];
    struct signature_case wanted[CASE_POINT_KEYS];
    enum p256_outcome wanted_outcome[CASE_POINT_KEYS];
    BIGNUM *nonce_inverse[CASE_NONCES], *nonce_r[CASE_NONCES];
};

static inline void case_put(const BIGNUM *n, uint8_t out[CASE_BYTES])
{
    WEFT_ASSERT(BN_bn2binpad(n, out, CASE_BYTES) == CASE_BYTES);
}

static inline BIGNUM *case_get(const uint8_t in[CASE_BYTES], BIGNUM *ret)
{
    WEFT_ASSERT(BN_bin2bn(in, CASE_BYTES, ret) != NULL);
    return ret;
}

/* 1 .. n-1 */
static inline BIGNUM *case_scalar(struct case_world *w, struct weft_rand *rand, BIGNUM *ret)
{
    uint64_t words[4];
    for (size_t i = 0; i < WEFT_ARRAY_LEN(words); i++)
        words[i] = weft_rand_next(rand);
    WEFT_ASSERT(BN_bin2bn((uint8_t *)words, sizeof(words), ret) != NULL);
    WEFT_ASSERT(BN_mod(ret, ret, w->n, w->ctx) == 1);
    if (BN_is_zero(ret))
        WEFT_ASSERT(BN_one(ret) == 1);
    return ret;
}

static inline void case_mul(struct case_world *w, BIGNUM *ret, const BIGNUM *a, const BIGNUM *b)
{
    WEFT_ASSERT(BN_mod_mul(ret, a, b, w->n, w->ctx) == 1);
}

/* Makes points[i] a key of ours and of the oracle's. */
static inline void case_use_point(struct case_world *w, unsigned i)
{
    static const uint8_t head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };
    uint8_t spki[sizeof(head) + P256_POINT_BYTES];
    memcpy(spki, head, sizeof(head));
    WEFT_ASSERT(EC_POINT_point2oct(w->group, w->points[i], POINT_CONVERSION_UNCOMPRESSED,
                                   spki + sizeof(head), P256_POINT_BYTES,
                                   w->ctx) == P256_POINT_BYTES);
    WEFT_ASSERT(public_key_parse(bytes_of(spki, sizeof(spki)), &w->keys[i], NULL) == WEFT_OK);
    w->oracle[i] = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
    WEFT_ASSERT(w->oracle[i] != NULL && EC_KEY_set_public_key(w->oracle[i], w->points[i]) == 1);
}

/* Key i is made so that (digest, r, s) of its case sums up to a point with
 * this x.  False when there is none. */
static inline bool case_make_key(struct case_world *w, struct weft_rand *rand, unsigned i,
                                 const BIGNUM *x, const BIGNUM *r)
{
    struct signature_case *c = &w->wanted[i];
    EC_POINT *sum = EC_POINT_new(w->group), *part = EC_POINT_new(w->group);
    BIGNUM *u1 = BN_new(), *u2 = BN_new();
    WEFT_ASSERT(sum != NULL && part != NULL && u1 != NULL && u2 != NULL);
    bool found = EC_POINT_set_compressed_coordinates(w->group, sum, x, (int)(i & 1), w->ctx) == 1;
    if (found) {
        c->key = CASE_SCALAR_KEYS + i;
        case_scalar(w, rand, u1);
        case_scalar(w, rand, u2);
        WEFT_ASSERT(BN_mod_inverse(w->t, u2, w->n, w->ctx) != NULL);
        WEFT_ASSERT(EC_POINT_mul(w->group, part, u1, NULL, NULL, w->ctx) == 1);
        WEFT_ASSERT(EC_POINT_invert(w->group, part, w->ctx) == 1);
        WEFT_ASSERT(EC_POINT_add(w->group, part, part, sum, w->ctx) == 1);
        WEFT_ASSERT(EC_POINT_mul(w->group, w->points[c->key], NULL, part, w->t, w->ctx) == 1);
        case_mul(w, w->u, r, w->t); /* s = r/u2, e = u1*s */
        case_put(r, c->r);
        case_put(w->u, c->s);
        case_mul(w, w->u, w->u, u1);
        case_put(w->u, c->digest);
    }
    ERR_clear_error();
    BN_free(u1), BN_free(u2);
    EC_POINT_free(sum), EC_POINT_free(part);
    return found;
}

/* Half of the keys have x = r+n, which takes an r below p-n, and half x = r
 * with an r as small.  Of the last key x is 0 and r is p-n, so that r+n is p:
 * no coordinate, though equal to x mod p. */
static inline void case_make_wanted(struct case_world *w, struct weft_rand *rand, unsigned i)
{
    bool above_n = i < CASE_POINT_KEYS / 2;
    BIGNUM *r = BN_new(), *x = BN_new();
    WEFT_ASSERT(r != NULL && x != NULL);
    w->wanted_outcome[i] = above_n ? P256_GOOD_R_PLUS_N : P256_GOOD_R;
    if (i == CASE_POINT_KEYS - 1) {
        w->wanted_outcome[i] = P256_OTHER_X;
        WEFT_ASSERT(BN_sub(r, w->p, w->n) == 1);
        WEFT_ASSERT(case_make_key(w, rand, i, x, r));
    } else {
        WEFT_ASSERT(BN_set_word(r, i % 4) == 1);
        if (i % 4 == 3)
            WEFT_ASSERT(BN_rshift(r, case_scalar(w, rand, r), 130) == 1);
        do {
            WEFT_ASSERT(BN_add_word(r, 1) == 1);
            WEFT_ASSERT(above_n ? BN_add(x, r, w->n) == 1 : BN_copy(x, r) != NULL);
        } while (!case_make_key(w, rand, i, x, r));
    }
    BN_free(r), BN_free(x);
}

static inline void case_make_nonces(struct case_world *w, struct weft_rand *rand)
{
    EC_POINT *sum = EC_POINT_new(w->group);
    for (unsigned i = 0; i < CASE_NONCES; i++) {
        w->nonce_inverse[i] = BN_new();
        w->nonce_r[i] = BN_new();
        case_scalar(w, rand, w->t);
        WEFT_ASSERT(BN_mod_inverse(w->nonce_inverse[i], w->t, w->n, w->ctx) != NULL);
        WEFT_ASSERT(EC_POINT_mul(w->group, sum, w->t, NULL, NULL, w->ctx) == 1);
        WEFT_ASSERT(EC_POINT_get_affine_coordinates(w->group, sum, w->u, NULL, w->ctx) == 1);
        WEFT_ASSERT(BN_mod(w->nonce_r[i], w->u, w->n, w->ctx) == 1);
    }
    EC_POINT_free(sum);
}

/* The first keys are G, -G and 2G; the same seed makes the same world. */
static inline struct case_world *case_world_new(uint64_t seed)
{
    struct case_world *w = weft_alloc(sizeof(*w));
    struct weft_rand rand = weft_rand_of(seed);
    w->ctx = BN_CTX_new();
    w->group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    WEFT_ASSERT(w->ctx != NULL && w->group != NULL);
    w->n = BN_dup(EC_GROUP_get0_order(w->group));
    w->p = BN_dup(EC_GROUP_get0_field(w->group));
    w->t = BN_new();
    w->u = BN_new();
    for (unsigned i = 0; i < CASE_KEYS; i++)
        w->points[i] = EC_POINT_new(w->group);
    for (unsigned i = 0; i < CASE_SCALAR_KEYS; i++) {
        w->d[i] = BN_new();
        case_scalar(w, &rand, w->d[i]);
        if (i == 0 || i == 2)
            WEFT_ASSERT(BN_set_word(w->d[i], i == 0 ? 1 : 2) == 1);
        if (i == 1)
            WEFT_ASSERT(BN_sub(w->d[i], w->n, BN_value_one()) == 1);
        WEFT_ASSERT(EC_POINT_mul(w->group, w->points[i], w->d[i], NULL, NULL, w->ctx) == 1);
    }
    for (unsigned i = 0; i < CASE_POINT_KEYS; i++)
        case_make_wanted(w, &rand, i);
    for (unsigned i = 0; i < CASE_KEYS; i++)
        case_use_point(w, i);
    case_make_nonces(w, &rand);
    return w;
}

static inline void case_world_free(struct case_world *w)
{
    for (unsigned i = 0; i < CASE_KEYS; i++) {
        EC_POINT_free(w->points[i]);
        EC_KEY_free(w->oracle[i]);
        public_key_unref(w->keys[i]);
    }
    for (unsigned i = 0; i < CASE_SCALAR_KEYS; i++)
        BN_free(w->d[i]);
    for (unsigned i = 0; i < CASE_NONCES; i++)
        BN_free(w->nonce_inverse[i]), BN_free(w->nonce_r[i]);
    BN_free(w->n), BN_free(w->p), BN_free(w->t), BN_free(w->u);
    EC_GROUP_free(w->group);
    BN_CTX_free(w->ctx);
    free(w);
}
WEFT_DEFINE_CLEANUP(struct case_world *, case_world_free)

/* s = (digest + r*d) / k for the digest in c. */
static inline void case_sign(struct case_world *w, struct signature_case *c, unsigned nonce)
{
    case_mul(w, w->t, w->nonce_r[nonce], w->d[c->key]);
    WEFT_ASSERT(BN_mod_add(w->t, w->t, case_get(c->digest, w->u), w->n, w->ctx) == 1);
    case_mul(w, w->t, w->t, w->nonce_inverse[nonce]);
    case_put(w->nonce_r[nonce], c->r);
    case_put(w->t, c->s);
}

/* A value at a border, of n (0..5), of p-n (6..8) or of p and 2^256. */
static inline void case_border(struct case_world *w, struct weft_rand *rand,
                               uint8_t out[CASE_BYTES])
{
    uint64_t which = weft_rand_below(rand, 16);
    BIGNUM *v = w->t;
    if (which < 3) {
        WEFT_ASSERT(BN_set_word(v, which) == 1);
    } else if (which < 6) {
        WEFT_ASSERT(BN_copy(v, w->n) != NULL && BN_add_word(v, which - 3) == 1);
        WEFT_ASSERT(BN_sub_word(v, 1) == 1);
    } else if (which < 9) {
        WEFT_ASSERT(BN_sub(v, w->p, w->n) == 1 && BN_add_word(v, which - 6) == 1);
        WEFT_ASSERT(BN_sub_word(v, 1) == 1);
    } else if (which < 12) {
        WEFT_ASSERT(BN_copy(v, w->p) != NULL && BN_add_word(v, which - 9) == 1);
        WEFT_ASSERT(BN_sub_word(v, 1) == 1);
    } else if (which < 14) {
        WEFT_ASSERT(BN_rshift1(v, w->n) == 1 && BN_add_word(v, which - 12) == 1);
    } else {
        memset(out, which == 14 ? 0xff : 0x80, CASE_BYTES);
        return;
    }
    case_put(v, out);
}

static inline void case_flip(struct weft_rand *rand, struct signature_case *c)
{
    uint8_t *parts[] = { c->digest, c->r, c->s };
    uint64_t bit = weft_rand_below(rand, CASE_BITS);
    parts[weft_rand_below(rand, 3)][bit / 8] ^= (uint8_t)(1U << bit % 8);
}

/* e = r*d makes u1*G and u2*Q equal, e = -r*d makes them opposite. */
static inline void case_equal_parts(struct case_world *w, struct signature_case *c, unsigned nonce,
                                    bool opposite)
{
    case_mul(w, w->t, w->nonce_r[nonce], w->d[c->key]);
    if (opposite)
        WEFT_ASSERT(BN_sub(w->t, w->n, w->t) == 1);
    case_put(w->t, c->digest);
    case_put(w->nonce_r[nonce], c->r);
    WEFT_ASSERT(BN_mod_lshift1(w->t, w->t, w->n, w->ctx) == 1);
    case_mul(w, w->t, w->t, w->nonce_inverse[nonce]); /* s = 2e/k */
    case_put(w->t, c->s);
}

/* A number of one digit somewhere, or the opposite. */
static inline void case_digit(struct case_world *w, struct weft_rand *rand, BIGNUM *ret)
{
    uint64_t most = weft_rand_below(rand, 2) == 0 ? 6 : 300;
    int shift = weft_rand_below(rand, 2) == 0 ? 0 : 2 * (int)weft_rand_below(rand, 128);
    WEFT_ASSERT(BN_set_word(ret, weft_rand_below(rand, most)) == 1);
    WEFT_ASSERT(BN_mod_lshift(ret, ret, shift, w->n, w->ctx) == 1);
    if (weft_rand_below(rand, 2) == 0)
        WEFT_ASSERT(BN_mod_sub(ret, w->n, ret, w->n, w->ctx) == 1);
}

/* A valid signature with u1 and u2 of a digit or two, so that whoever adds up
 * multiples of G and of a key that is one itself meets equal and opposite ones
 * on the way.  Where the sum is infinity r is 1. */
static inline void case_chosen_parts(struct case_world *w, struct weft_rand *rand,
                                     struct signature_case *c)
{
    BIGNUM *u1 = BN_new(), *u2 = BN_new(), *r = BN_new();
    EC_POINT *sum = EC_POINT_new(w->group);
    WEFT_ASSERT(u1 != NULL && u2 != NULL && r != NULL && sum != NULL);
    if (weft_rand_below(rand, 4) != 0)
        c->key = (unsigned)weft_rand_below(rand, 3); /* G, -G, 2G */
    do {
        BIGNUM *parts[] = { u1, u2 };
        for (size_t i = 0; i < WEFT_ARRAY_LEN(parts); i++) {
            case_digit(w, rand, parts[i]);
            case_digit(w, rand, w->t);
            if (weft_rand_below(rand, 2) == 0)
                WEFT_ASSERT(BN_mod_add(parts[i], parts[i], w->t, w->n, w->ctx) == 1);
        }
    } while (BN_is_zero(u2));
    WEFT_ASSERT(EC_POINT_mul(w->group, sum, u1, w->points[c->key], u2, w->ctx) == 1);
    WEFT_ASSERT(BN_one(r) == 1);
    if (!EC_POINT_is_at_infinity(w->group, sum)) {
        WEFT_ASSERT(EC_POINT_get_affine_coordinates(w->group, sum, w->t, NULL, w->ctx) == 1);
        WEFT_ASSERT(BN_mod(r, w->t, w->n, w->ctx) == 1);
    }
    WEFT_ASSERT(BN_mod_inverse(w->t, u2, w->n, w->ctx) != NULL);
    case_mul(w, w->t, w->t, r); /* s = r/u2, e = u1*s */
    case_put(r, c->r);
    case_put(w->t, c->s);
    case_mul(w, w->t, w->t, u1);
    case_put(w->t, c->digest);
    BN_free(u1), BN_free(u2), BN_free(r);
    EC_POINT_free(sum);
}

/* The kinds that begin with a valid signature of a known scalar. */
static inline void case_from_valid(struct case_world *w, struct weft_rand *rand,
                                   enum case_kind kind, struct signature_case *c)
{
    unsigned nonce = (unsigned)weft_rand_below(rand, CASE_NONCES);
    if (kind == CASE_BORDER_DIGEST)
        case_border(w, rand, c->digest);
    case_sign(w, c, nonce);
    if (kind == CASE_VALID_OTHER_S) {
        WEFT_ASSERT(BN_sub(w->t, w->n, case_get(c->s, w->u)) == 1);
        case_put(w->t, c->s);
    } else if (kind == CASE_FLIPPED) {
        case_flip(rand, c);
    } else if (kind == CASE_OTHER_KEY) {
        c->key = (c->key + 1) % CASE_SCALAR_KEYS;
    }
    if (kind == CASE_BORDER_R || kind == CASE_BORDER_BOTH)
        case_border(w, rand, c->r);
    if (kind == CASE_BORDER_S || kind == CASE_BORDER_BOTH)
        case_border(w, rand, c->s);
    if (kind == CASE_SMALL_R)
        memset(c->r, 0, CASE_BYTES / 2 + 1);
    if (kind == CASE_DOUBLING || kind == CASE_VANISHING || kind == CASE_NEAR_DOUBLING)
        case_equal_parts(w, c, nonce,
                         kind == CASE_VANISHING ||
                             (kind == CASE_NEAR_DOUBLING && weft_rand_below(rand, 2) == 0));
    if (kind == CASE_NEAR_DOUBLING)
        case_flip(rand, c);
}

/* The next input of the stream. */
static inline void case_make(struct case_world *w, struct weft_rand *rand, enum case_kind kind,
                             struct signature_case *c)
{
    if (kind == CASE_WANTED_X || kind == CASE_WANTED_X_FLIPPED) {
        *c = w->wanted[weft_rand_below(rand, CASE_POINT_KEYS)];
        if (kind == CASE_WANTED_X_FLIPPED)
            case_flip(rand, c);
        return;
    }
    uint64_t words[CASE_WORDS];
    for (size_t i = 0; i < WEFT_ARRAY_LEN(words); i++)
        words[i] = weft_rand_next(rand);
    memcpy(c->digest, words, sizeof(c->digest));
    memcpy(c->r, words + 4, sizeof(c->r));
    memcpy(c->s, words + 8, sizeof(c->s));
    c->key = (unsigned)weft_rand_below(rand, kind == CASE_RANDOM ? CASE_KEYS : CASE_SCALAR_KEYS);
    if (kind == CASE_CHOSEN_PARTS)
        case_chosen_parts(w, rand, c);
    else if (kind != CASE_RANDOM)
        case_from_valid(w, rand, kind, c);
}

/* OpenSSL's own word on it. */
static inline bool case_oracle(struct case_world *w, const struct signature_case *c)
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(c->r, CASE_BYTES, NULL), *s = BN_bin2bn(c->s, CASE_BYTES, NULL);
    WEFT_ASSERT(sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1);
    int said = ECDSA_do_verify(c->digest, CASE_BYTES, sig, w->oracle[c->key]);
    ECDSA_SIG_free(sig);
    return said == 1;
}

static inline struct bytes case_magnitude(const uint8_t v[CASE_BYTES])
{
    struct bytes b = bytes_of(v, CASE_BYTES);
    while (b.len > 0 && b.data[0] == 0)
        b = bytes_skip(b, 1);
    return b;
}

/* By plain verification.  A zero has no encoding that gets there. */
static inline bool case_plain(struct case_world *w, const struct signature_case *c)
{
    struct ecdsa_signature sig = { case_magnitude(c->r), case_magnitude(c->s) };
    return sig.r.len > 0 && sig.s.len > 0 &&
           ecdsa_verify_plain(w->keys[c->key], bytes_of(c->digest, CASE_BYTES), &sig);
}

/* For the table path, or without tables (NULL). */
static inline struct p256_check case_check(const struct case_world *w,
                                           const struct signature_case *c,
                                           struct p256_table *const tables[CASE_KEYS])
{
    return (struct p256_check){ .table = tables != NULL ? tables[c->key] : NULL,
                                .point = public_key_point(w->keys[c->key]),
                                .digest = bytes_of(c->digest, CASE_BYTES),
                                .r = bytes_of(c->r, CASE_BYTES),
                                .s = bytes_of(c->s, CASE_BYTES) };
}

#endif
