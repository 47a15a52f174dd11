#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/p256_fast.h"

#include "crypto/mod_inverse.h"
#include "crypto/openssl_glue.h"
#include "crypto/p256_lanes8.h"

#include <openssl/ec.h>
#include <stdatomic.h>

/* Missing at build time: OpenSSL configured without deprecated functions, a
 * version after 3, or a build that does not want them. */
#if !defined(OPENSSL_NO_DEPRECATED_3_0) && OPENSSL_VERSION_MAJOR == 3 && !defined(WEFT_NO_P256_FAST)
#    define HAVE_TABLES 1
/* Missing at run time: then these are NULL. */
#    pragma weak EC_GROUP_precompute_mult
#    pragma weak EC_GROUP_have_precompute_mult
#    pragma weak EC_POINT_get_Jprojective_coordinates_GFp
#else
#    define HAVE_TABLES 0
#endif

#if HAVE_TABLES

enum {
    CHUNK = 128,   /* checks that share one inversion */
    IDLE_MAX = 16, /* scratches kept for the next callers: one a worker */
};

WEFT_DEFINE_CLEANUP(EC_POINT *, EC_POINT_free)

/* What the checks of one call need; kept from one call to the next. */
struct scratch {
    BN_CTX *ctx;
    EC_POINT *a, *b;
    BIGNUM *e, *w, *u1, *u2, *x, *z, *t, *inverse;
    BIGNUM *r[CHUNK], *s[CHUNK], *product[CHUNK];
};

struct p256_fast {
    EC_GROUP *group;
    const BIGNUM *n, *p;
    BIGNUM *p_minus_n; /* r+n is below p when r is below this */
    BN_MONT_CTX *mont_n, *mont_p;
    struct modulus modulus_n;
    struct p256_lanes8 *eight; /* NULL: this CPU has no such lanes */
    BIGNUM *one_by_r;          /* 1/R mod n: what montgomery(a, 1/a) gives */
    _Atomic(struct scratch *) idle[IDLE_MAX];
};

static void scratch_free(struct scratch *k)
{
    if (k == NULL)
        return;
    BIGNUM *numbers[] = { k->e, k->w, k->u1, k->u2, k->x, k->z, k->t, k->inverse };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(numbers); i++)
        BN_free(numbers[i]);
    for (size_t i = 0; i < CHUNK; i++) {
        BN_free(k->r[i]);
        BN_free(k->s[i]);
        BN_free(k->product[i]);
    }
    EC_POINT_free(k->a);
    EC_POINT_free(k->b);
    BN_CTX_free(k->ctx);
    free(k);
}

static BIGNUM *number_new(void)
{
    BIGNUM *n = BN_new();
    WEFT_ASSERT(n != NULL);
    return n;
}

static struct scratch *scratch_new(const EC_GROUP *group)
{
    struct scratch *k = weft_alloc(sizeof(*k));
    BIGNUM **numbers[] = { &k->e, &k->w, &k->u1, &k->u2, &k->x, &k->z, &k->t, &k->inverse };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(numbers); i++)
        *numbers[i] = number_new();
    k->ctx = BN_CTX_new();
    k->a = EC_POINT_new(group);
    k->b = EC_POINT_new(group);
    WEFT_ASSERT(k->ctx != NULL && k->a != NULL && k->b != NULL);
    return k;
}

void p256_fast_free(struct p256_fast *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < IDLE_MAX; i++)
        scratch_free(atomic_load(&f->idle[i]));
    p256_lanes8_free(f->eight);
    BN_free(f->p_minus_n);
    BN_free(f->one_by_r);
    BN_MONT_CTX_free(f->mont_n);
    BN_MONT_CTX_free(f->mont_p);
    EC_GROUP_free(f->group);
    free(f);
}

static bool cpu_has_eight_lanes(void)
{
#    ifdef __x86_64__
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512ifma");
#    else
    return false;
#    endif
}

size_t p256_table_bytes(enum p256_lanes lanes)
{
    return lanes == P256_LANES_MOST && cpu_has_eight_lanes() ? P256_TABLE8_BYTES : P256_TABLE_BYTES;
}

unsigned p256_table_cost(const struct p256_fast *f)
{
    return f->eight != NULL ? P256_TABLE8_COST : P256_TABLE_COST;
}

/* ret = k*Q by the table. */
static bool multiply_by(const struct p256_fast *f, const struct p256_table *t, const BIGNUM *k,
                        EC_POINT *ret, BN_CTX *ctx)
{
    uint8_t scalar[P256_SCALAR_BYTES], point[P256_POINT_BYTES];
    if (t->eight == NULL)
        return EC_POINT_mul(t->group, ret, k, NULL, NULL, ctx) == 1;
    return BN_bn2binpad(k, scalar, sizeof(scalar)) == sizeof(scalar) &&
           p256_lanes8_multiply(t->eight, scalar, point) &&
           EC_POINT_oct2point(f->group, ret, point, sizeof(point), ctx) == 1;
}

/* Multiplies by a few scalars with the table and without.  The first two have
 * a digit other than zero in every window, so that every row is used. */
static bool table_works(const struct p256_fast *f, const struct p256_table *t, const EC_POINT *q,
                        BN_CTX *ctx)
{
    static const char *const scalars[] = {
        "5A3C96E1D28B47F0695AC3B71E8D246F9B70E5D31C8A6F42B95D08E7C3A16F25",
        "F7108E96F770C2263266AA3BB0CDE917F7F35634F0E3CD972E81D66D346C6E2B",
        "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632550",
        "1",
    };
    WEFT_CLEANUP(EC_POINT_free) EC_POINT *with = EC_POINT_new(f->group);
    WEFT_CLEANUP(EC_POINT_free) EC_POINT *without = EC_POINT_new(f->group);
    WEFT_CLEANUP(BN_free) BIGNUM *k = BN_new();
    bool works = with != NULL && without != NULL && k != NULL;
    for (size_t i = 0; works && i < WEFT_ARRAY_LEN(scalars); i++)
        works = BN_hex2bn(&k, scalars[i]) > 0 && multiply_by(f, t, k, with, ctx) &&
                EC_POINT_mul(f->group, without, NULL, q, k, ctx) == 1 &&
                EC_POINT_cmp(f->group, with, without, ctx) == 0;
    return works;
}

/* If the table of G is what it should be. */
static void use_eight_lanes(struct p256_fast *f, BN_CTX *ctx)
{
    f->eight = p256_lanes8_new();
    if (f->eight == NULL)
        return;
    struct p256_table g = { .eight = p256_lanes8_g(f->eight) };
    if (!table_works(f, &g, EC_GROUP_get0_generator(f->group), ctx)) {
        p256_lanes8_free(f->eight);
        f->eight = NULL;
    }
}

struct p256_fast *p256_fast_new(enum p256_lanes lanes)
{
    if (EC_GROUP_precompute_mult == NULL || EC_GROUP_have_precompute_mult == NULL ||
        EC_POINT_get_Jprojective_coordinates_GFp == NULL)
        return NULL;
    WEFT_CLEANUP(p256_fast_free) struct p256_fast *f = weft_alloc(sizeof(*f));
    WEFT_CLEANUP(BN_CTX_free) BN_CTX *ctx = BN_CTX_new();
    f->group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    f->p_minus_n = BN_new();
    f->one_by_r = BN_new();
    f->mont_n = BN_MONT_CTX_new();
    f->mont_p = BN_MONT_CTX_new();
    if (ctx == NULL || f->group == NULL || f->p_minus_n == NULL || f->one_by_r == NULL ||
        f->mont_n == NULL || f->mont_p == NULL)
        return NULL;
    f->n = EC_GROUP_get0_order(f->group);
    f->p = EC_GROUP_get0_field(f->group);
    if (BN_sub(f->p_minus_n, f->p, f->n) != 1 || BN_MONT_CTX_set(f->mont_n, f->n, ctx) != 1 ||
        BN_MONT_CTX_set(f->mont_p, f->p, ctx) != 1 ||
        BN_from_montgomery(f->one_by_r, BN_value_one(), f->mont_n, ctx) != 1)
        return NULL;
    uint8_t n[MOD_INVERSE_BYTES];
    WEFT_ASSERT(BN_bn2binpad(f->n, n, sizeof(n)) == sizeof(n));
    modulus_init(&f->modulus_n, n);
    if (lanes == P256_LANES_MOST && cpu_has_eight_lanes())
        use_eight_lanes(f, ctx);
    return WEFT_TAKE(f);
}

/* A table by OpenSSL: of a group whose generator the point is. */
static bool make_group(const struct p256_fast *f, struct p256_table *t, const EC_POINT *q,
                       BN_CTX *ctx)
{
    t->group = EC_GROUP_dup(f->group);
    return t->group != NULL && EC_GROUP_set_generator(t->group, q, f->n, BN_value_one()) == 1 &&
           EC_GROUP_precompute_mult(t->group, ctx) == 1 &&
           EC_GROUP_have_precompute_mult(t->group) == 1;
}

struct p256_table *p256_table_new(const struct p256_fast *f, struct bytes point)
{
    WEFT_CLEANUP(p256_table_free) struct p256_table *t = weft_alloc(sizeof(*t));
    WEFT_CLEANUP(BN_CTX_free) BN_CTX *ctx = BN_CTX_new();
    WEFT_CLEANUP(EC_POINT_free) EC_POINT *q = EC_POINT_new(f->group);
    bool made = ctx != NULL && q != NULL && point.len == P256_POINT_BYTES &&
                EC_POINT_oct2point(f->group, q, point.data, point.len, ctx) == 1 &&
                EC_POINT_is_at_infinity(f->group, q) == 0;
    if (made && f->eight != NULL)
        made = (t->eight = p256_lanes8_table_new(point)) != NULL;
    else if (made)
        made = make_group(f, t, q, ctx);
    if (!made || !table_works(f, t, q, ctx)) {
        ERR_clear_error();
        return NULL;
    }
    return WEFT_TAKE(t);
}

void p256_table_free(struct p256_table *t)
{
    if (t == NULL)
        return;
    EC_GROUP_free(t->group);
    p256_lanes8_table_free(t->eight);
    free(t);
}

/* A number from 1 to n-1, or not. */
static bool read_scalar(const struct p256_fast *f, struct bytes b, BIGNUM **ret)
{
    enum {
        SCALAR_BYTES = 32
    };
    if (b.len > SCALAR_BYTES)
        return false;
    if (*ret == NULL)
        *ret = number_new();
    WEFT_ASSERT(BN_bin2bn(b.data, (int)b.len, *ret) != NULL);
    return !BN_is_zero(*ret) && BN_cmp(*ret, f->n) < 0;
}

/* The first 256 bits of the digest, below n.  n has 256 bits, so that one
 * subtraction is enough. */
static bool read_digest(const struct p256_fast *f, struct bytes digest, BIGNUM *e)
{
    enum {
        DIGEST_BYTES = 32
    };
    int len = digest.len < DIGEST_BYTES ? (int)digest.len : DIGEST_BYTES;
    return BN_bin2bn(digest.data, len, e) != NULL &&
           (BN_cmp(e, f->n) < 0 || BN_sub(e, e, f->n) == 1);
}

/* x = X/Z^2 is a number below p; it has to be r mod n, and n < p < 2n.  So it
 * is r, or r+n if that is below p.  Both sides are multiplied by Z^2. */
static enum p256_outcome compare(const struct p256_fast *f, struct scratch *k, const BIGNUM *r)
{
    if (EC_POINT_is_at_infinity(f->group, k->a))
        return P256_INFINITY;
    /* montgomery(a, b*R) is a*b: z becomes Z^2*R, and t the right-hand side. */
    if (EC_POINT_get_Jprojective_coordinates_GFp(f->group, k->a, k->x, NULL, k->z, k->ctx) != 1 ||
        BN_to_montgomery(k->t, k->z, f->mont_p, k->ctx) != 1 ||
        BN_mod_mul_montgomery(k->t, k->t, k->z, f->mont_p, k->ctx) != 1 ||
        BN_to_montgomery(k->z, k->t, f->mont_p, k->ctx) != 1 ||
        BN_mod_mul_montgomery(k->t, k->z, r, f->mont_p, k->ctx) != 1)
        return P256_FAILED;
    if (BN_cmp(k->x, k->t) == 0)
        return P256_GOOD_R;
    if (BN_cmp(r, f->p_minus_n) >= 0)
        return P256_OTHER_X;
    if (BN_add(k->w, r, f->n) != 1 ||
        BN_mod_mul_montgomery(k->t, k->z, k->w, f->mont_p, k->ctx) != 1)
        return P256_FAILED;
    return BN_cmp(k->x, k->t) == 0 ? P256_GOOD_R_PLUS_N : P256_OTHER_X_TWICE;
}

/* k->a = u1*G + u2*Q */
static bool sum_up(const struct p256_fast *f, struct scratch *k, const struct p256_check *c)
{
    if (c->table == NULL || c->table->group == NULL)
        return EC_POINT_oct2point(f->group, k->b, c->point.data, c->point.len, k->ctx) == 1 &&
               EC_POINT_mul(f->group, k->a, k->u1, k->b, k->u2, k->ctx) == 1;
    return EC_POINT_mul(f->group, k->a, k->u1, NULL, NULL, k->ctx) == 1 &&
           EC_POINT_mul(c->table->group, k->b, k->u2, NULL, NULL, k->ctx) == 1 &&
           EC_POINT_add(f->group, k->a, k->a, k->b, k->ctx) == 1;
}

/* One check whose 1/s mod n is in k->w. */
static enum p256_outcome finish(const struct p256_fast *f, struct scratch *k,
                                const struct p256_check *c, const BIGNUM *r)
{
    if (!read_digest(f, c->digest, k->e) || BN_to_montgomery(k->w, k->w, f->mont_n, k->ctx) != 1 ||
        BN_mod_mul_montgomery(k->u1, k->e, k->w, f->mont_n, k->ctx) != 1 ||
        BN_mod_mul_montgomery(k->u2, r, k->w, f->mont_n, k->ctx) != 1 || !sum_up(f, k, c))
        return P256_FAILED;
    return compare(f, k, r);
}

/* k->inverse = 1/a mod n.  Our own is quick and believed only when OpenSSL has
 * multiplied it with a and found 1. */
static bool invert(const struct p256_fast *f, struct scratch *k, const BIGNUM *a)
{
    uint8_t raw[MOD_INVERSE_BYTES];
    if (BN_bn2binpad(a, raw, sizeof(raw)) == sizeof(raw) && mod_inverse(&f->modulus_n, raw, raw) &&
        BN_bin2bn(raw, sizeof(raw), k->inverse) != NULL && BN_cmp(k->inverse, f->n) < 0 &&
        BN_mod_mul_montgomery(k->t, a, k->inverse, f->mont_n, k->ctx) == 1 &&
        BN_cmp(k->t, f->one_by_r) == 0)
        return true;
    return BN_mod_inverse(k->inverse, a, f->n, k->ctx) != NULL;
}

/* Decides those that are not decided yet.
 *
 * Montgomery's trick.  With M(a, b) = a*b/R the products are
 *     product[0] = s0, product[i] = M(product[i-1], si) = s0...si / R^i
 * so that inverse = 1/product[i] gives, from the last to the first,
 *     1/si = M(inverse, product[i-1])    and    M(inverse, si) = 1/product[i-1]
 * without a factor R anywhere. */
static void check_chunk(const struct p256_fast *f, struct scratch *k, struct p256_check *checks,
                        size_t count)
{
    struct p256_check *live[CHUNK];
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (checks[i].outcome != P256_FAILED)
            continue;
        bool r_good = read_scalar(f, checks[i].r, &k->r[n]);
        bool s_good = read_scalar(f, checks[i].s, &k->s[n]);
        checks[i].outcome = r_good && s_good ? P256_FAILED : P256_OUT_OF_RANGE;
        if (r_good && s_good)
            live[n++] = &checks[i];
    }
    if (n == 0)
        return;

    for (size_t i = 0; i < n; i++) {
        if (k->product[i] == NULL)
            k->product[i] = number_new();
        bool done = i == 0 ? BN_copy(k->product[0], k->s[0]) != NULL
                           : BN_mod_mul_montgomery(k->product[i], k->product[i - 1], k->s[i],
                                                   f->mont_n, k->ctx) == 1;
        if (!done)
            return;
    }
    if (!invert(f, k, k->product[n - 1]))
        return;
    for (size_t i = n - 1; i > 0; i--) {
        if (BN_mod_mul_montgomery(k->w, k->inverse, k->product[i - 1], f->mont_n, k->ctx) != 1 ||
            BN_mod_mul_montgomery(k->inverse, k->inverse, k->s[i], f->mont_n, k->ctx) != 1)
            return;
        live[i]->outcome = finish(f, k, live[i], k->r[i]);
    }
    if (BN_copy(k->w, k->inverse) != NULL)
        live[0]->outcome = finish(f, k, live[0], k->r[0]);
}

static struct scratch *scratch_take(struct p256_fast *f)
{
    for (size_t i = 0; i < IDLE_MAX; i++) {
        struct scratch *k = atomic_exchange(&f->idle[i], NULL);
        if (k != NULL)
            return k;
    }
    return scratch_new(f->group);
}

static void scratch_put(struct p256_fast *f, struct scratch *k)
{
    for (size_t i = 0; i < IDLE_MAX; i++) {
        struct scratch *nobody = NULL;
        if (atomic_compare_exchange_strong(&f->idle[i], &nobody, k))
            return;
    }
    scratch_free(k);
}

void p256_fast_check(struct p256_fast *f, struct p256_check *checks, size_t count)
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++)
        checks[i].outcome = P256_FAILED;
    if (f->eight != NULL)
        p256_lanes8_check(f->eight, checks, count);
    for (size_t i = 0; i < count; i++)
        left += checks[i].outcome == P256_FAILED;
    if (left == 0)
        return;
    struct scratch *k = scratch_take(f);
    for (size_t i = 0; i < count; i += CHUNK)
        check_chunk(f, k, checks + i, count - i < CHUNK ? count - i : CHUNK);
    scratch_put(f, k);
}

#else /* plain verification for everybody */

size_t p256_table_bytes(enum p256_lanes lanes)
{
    (void)lanes;
    return P256_TABLE_BYTES;
}

unsigned p256_table_cost(const struct p256_fast *f)
{
    (void)f;
    return P256_TABLE_COST;
}

struct p256_fast *p256_fast_new(enum p256_lanes lanes)
{
    (void)lanes;
    return NULL;
}

void p256_fast_free(struct p256_fast *f)
{
    WEFT_ASSERT(f == NULL);
}

struct p256_table *p256_table_new(const struct p256_fast *f, struct bytes point)
{
    (void)f, (void)point;
    return NULL;
}

void p256_table_free(struct p256_table *t)
{
    WEFT_ASSERT(t == NULL);
}

void p256_fast_check(struct p256_fast *f, struct p256_check *checks, size_t count)
{
    (void)f;
    for (size_t i = 0; i < count; i++)
        checks[i].outcome = P256_FAILED;
}

#endif
