/* lane_numbers.h - OpenSSL's numbers into eight lanes and out again.
 *
 * For the tests of crypto/p256_*8.h, which hold every result against BN_*.
 *
 * Go origin   none
 * Owner       one thread: the numbers of a lane_world are its scratch
 */
#ifndef WEFT_TESTS_LANE_NUMBERS_H
#define WEFT_TESTS_LANE_NUMBERS_H

#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/rand.h"
#include "crypto/p256_order8.h"
#include "weft_test.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

enum {
    LIMBS = 5,
    EDGES_MAX = 64,
};

struct lane_world {
    BN_CTX *ctx;
    EC_GROUP *group;
    BIGNUM *p, *n, *r, *t, *u; /* r = 2^260 */
    BIGNUM *edges[EDGES_MAX];  /* tidy ones: below 2p + 2^229 */
    size_t edge_count;
    struct weft_rand rand;
};

static inline bool cpu_has_lanes(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512ifma");
}

static inline void add_edge(struct lane_world *w, const BIGNUM *v)
{
    WEFT_ASSERT(w->edge_count < EDGES_MAX);
    w->edges[w->edge_count++] = BN_dup(v);
}

/* v-1, v, v+1 */
static inline void add_edges(struct lane_world *w, const BIGNUM *v)
{
    BIGNUM *x = BN_dup(v);
    WEFT_ASSERT(BN_sub_word(x, 1) == 1);
    for (int i = 0; i < 3; i++, WEFT_ASSERT(BN_add_word(x, 1) == 1))
        if (!BN_is_negative(x))
            add_edge(w, x);
    BN_free(x);
}

static inline void lane_world_init(struct lane_world *w, uint64_t seed)
{
    static const int bits[] = { 51, 52, 96, 104, 156, 192, 207, 208, 224, 255, 256 };
    if (!cpu_has_lanes()) {
        print_message("skipped: this CPU has no AVX512-IFMA\n");
        skip();
    }
    *w = (struct lane_world){ .ctx = BN_CTX_new(), .rand = weft_rand_of(seed) };
    w->group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    w->p = BN_dup(EC_GROUP_get0_field(w->group));
    w->n = BN_dup(EC_GROUP_get0_order(w->group));
    w->r = BN_new(), w->t = BN_new(), w->u = BN_new();
    WEFT_ASSERT(BN_set_bit(w->r, 260) == 1);

    BIGNUM *v = BN_new();
    add_edges(w, BN_value_one());
    add_edges(w, w->p);
    add_edges(w, w->n);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(bits); i++) {
        BN_zero(v);
        WEFT_ASSERT(BN_set_bit(v, bits[i]) == 1);
        add_edges(w, v);
    }
    WEFT_ASSERT(BN_lshift1(v, w->p) == 1);
    add_edges(w, v);
    BN_zero(w->t);
    WEFT_ASSERT(BN_set_bit(w->t, 229) == 1 && BN_add(v, v, w->t) == 1);
    WEFT_ASSERT(BN_sub_word(v, 1) == 1); /* the largest that is tidy */
    add_edge(w, v);
    BN_free(v);
}

static inline void lane_world_done(struct lane_world *w)
{
    for (size_t i = 0; i < w->edge_count; i++)
        BN_free(w->edges[i]);
    BN_free(w->p), BN_free(w->n), BN_free(w->r), BN_free(w->t), BN_free(w->u);
    EC_GROUP_free(w->group);
    BN_CTX_free(w->ctx);
}

/* Below 2^256, or one of the edges, or with long runs of ones. */
static inline void random_number(struct lane_world *w, BIGNUM *ret)
{
    uint64_t words[4];
    uint64_t kind = weft_rand_below(&w->rand, 8);
    if (kind == 0) {
        WEFT_ASSERT(BN_copy(ret, w->edges[weft_rand_below(&w->rand, w->edge_count)]) != NULL);
        return;
    }
    for (size_t i = 0; i < WEFT_ARRAY_LEN(words); i++) {
        words[i] = weft_rand_next(&w->rand);
        if (kind == 1)
            words[i] = words[i] % 3 == 0 ? 0 : words[i] % 3 == 1 ? UINT64_MAX : words[i];
    }
    WEFT_ASSERT(BN_bin2bn((const uint8_t *)words, sizeof(words), ret) != NULL);
}

/* Limb i of lane j is limbs[i][j]. */
struct lane_limbs {
    _Alignas(64) int64_t limbs[LIMBS][LANES];
};

static inline struct lane_limbs limbs_of(struct num8 a)
{
    struct lane_limbs l;
    _mm512_store_si512(l.limbs[0], a.l0);
    _mm512_store_si512(l.limbs[1], a.l1);
    _mm512_store_si512(l.limbs[2], a.l2);
    _mm512_store_si512(l.limbs[3], a.l3);
    _mm512_store_si512(l.limbs[4], a.l4);
    return l;
}

static inline struct num8 num8_of_limbs(const struct lane_limbs *l)
{
    return (struct num8){ _mm512_load_si512(l->limbs[0]), _mm512_load_si512(l->limbs[1]),
                          _mm512_load_si512(l->limbs[2]), _mm512_load_si512(l->limbs[3]),
                          _mm512_load_si512(l->limbs[4]) };
}

/* Numbers below 2^260. */
static inline struct num8 num8_of_bns(BIGNUM *const v[LANES])
{
    struct lane_limbs l = { 0 };
    for (size_t j = 0; j < LANES; j++)
        for (int bit = 0; bit < LIMBS * LIMB_BITS; bit++)
            if (BN_is_bit_set(v[j], bit))
                l.limbs[bit / LIMB_BITS][j] |= 1LL << bit % LIMB_BITS;
    return num8_of_limbs(&l);
}

/* Whatever the limbs are, of either sign. */
static inline void bn_of_lane(struct num8 a, size_t lane, BIGNUM *ret)
{
    struct lane_limbs l = limbs_of(a);
    BIGNUM *limb = BN_new();
    BN_zero(ret);
    for (size_t i = LIMBS; i > 0; i--) {
        int64_t v = l.limbs[i - 1][lane];
        uint64_t magnitude = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
        WEFT_ASSERT(BN_lshift(ret, ret, LIMB_BITS) == 1 && BN_set_word(limb, magnitude) == 1);
        WEFT_ASSERT((v < 0 ? BN_sub(ret, ret, limb) : BN_add(ret, ret, limb)) == 1);
    }
    BN_free(limb);
}

static inline bool limbs_are_short(struct num8 a)
{
    struct lane_limbs l = limbs_of(a);
    for (size_t i = 0; i < LIMBS; i++)
        for (size_t j = 0; j < LANES; j++)
            if (l.limbs[i][j] < 0 || l.limbs[i][j] > LIMB_MASK)
                return false;
    return true;
}

/* Eight numbers, and a place for the eight that are expected. */
struct eight {
    BIGNUM *v[LANES];
};

static inline struct eight eight_new(void)
{
    struct eight e;
    for (size_t i = 0; i < LANES; i++)
        e.v[i] = BN_new();
    return e;
}

static inline void eight_free(struct eight e)
{
    for (size_t i = 0; i < LANES; i++)
        BN_free(e.v[i]);
}

static inline struct num8 random_eight(struct lane_world *w, struct eight *e)
{
    for (size_t i = 0; i < LANES; i++)
        random_number(w, e->v[i]);
    return num8_of_bns(e->v);
}

static inline uint64_t rounds_wanted(uint64_t otherwise)
{
    const char *text = getenv("WEFT_COMPARISONS"); /* NOLINT(concurrency-mt-unsafe): one thread */
    return text != NULL ? strtoull(text, NULL, 10) / LANES : otherwise;
}

#endif
