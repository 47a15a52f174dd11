#include "crypto/mod_inverse.h"

#include <string.h>

enum {
    LIMBS = 5,
    BITS = 62,   /* of a limb, and steps between two looks at whole numbers */
    ROUNDS = 12, /* 12 * 62 = 744 steps; 741 are always enough */
};
#define LIMB_MASK ((1ULL << BITS) - 1)

__extension__ typedef __int128 wide;

/* A number of either sign: limbs of 62 bits, the highest one signed. */
struct number {
    int64_t limb[LIMBS];
};

/* What 62 steps do: f, g <- (u*f + v*g) / 2^62, (q*f + r*g) / 2^62. */
struct matrix {
    int64_t u, v, q, r;
};

static uint64_t word_at(const uint8_t *in)
{
    uint64_t w = 0;
    for (size_t i = 0; i < sizeof(w); i++)
        w = w << 8 | in[i];
    return w;
}

static void put_word(uint64_t w, uint8_t *out)
{
    for (size_t i = sizeof(w); i > 0; i--, w >>= 8)
        out[i - 1] = (uint8_t)w;
}

/* Four words of 64 bits into five limbs of 62, and back. */
static struct number read_number(const uint8_t in[MOD_INVERSE_BYTES])
{
    uint64_t a = word_at(in + 24), b = word_at(in + 16), c = word_at(in + 8), d = word_at(in);
    return (struct number){ { (int64_t)(a & LIMB_MASK), (int64_t)((a >> 62 | b << 2) & LIMB_MASK),
                              (int64_t)((b >> 60 | c << 4) & LIMB_MASK),
                              (int64_t)((c >> 58 | d << 6) & LIMB_MASK), (int64_t)(d >> 56) } };
}

static void write_number(const struct number *n, uint8_t out[MOD_INVERSE_BYTES])
{
    uint64_t l[LIMBS];
    memcpy(l, n->limb, sizeof(l));
    put_word(l[0] | l[1] << 62, out + 24);
    put_word(l[1] >> 2 | l[2] << 60, out + 16);
    put_word(l[2] >> 4 | l[3] << 58, out + 8);
    put_word(l[3] >> 6 | l[4] << 56, out);
}

void modulus_init(struct modulus *m, const uint8_t n[MOD_INVERSE_BYTES])
{
    struct number number = read_number(n);
    memcpy(m->limbs, number.limb, sizeof(m->limbs));
    WEFT_ASSERT(m->limbs[0] & 1);
    /* Newton: each turn doubles the bits of x = 1/n that are right. */
    uint64_t low = (uint64_t)m->limbs[0], x = 1;
    for (int bits = 1; bits < BITS; bits *= 2)
        x *= 2 - low * x;
    m->minus_inverse = (0 - x) & LIMB_MASK;
}

/* 62 steps on the lowest words, in leaps over the zeros of g. */
static struct matrix steps(int *delta, uint64_t f, uint64_t g)
{
    struct matrix t = { .u = 1, .r = 1 };
    int d = *delta;
    for (int left = BITS;;) {
        int zeros = __builtin_ctzll(g | 1ULL << left);
        g >>= zeros;
        t.u *= 1LL << zeros;
        t.v *= 1LL << zeros;
        d += zeros;
        left -= zeros;
        if (left == 0)
            break;
        if (d > 0) {
            d = -d;
            uint64_t old_f = f;
            f = g;
            g = 0 - old_f;
            t = (struct matrix){ .u = t.q, .v = t.r, .q = -t.u, .r = -t.v };
        }
        g += f; /* even now: halved at the head of the loop */
        t.q += t.u;
        t.r += t.v;
    }
    *delta = d;
    return t;
}

/* The matrix on f, g, which it makes multiples of 2^62. */
static void apply(const struct matrix *t, struct number *f, struct number *g)
{
    wide cf = 0, cg = 0;
    for (int i = 0; i < LIMBS; i++) {
        int64_t fi = f->limb[i], gi = g->limb[i];
        cf += (wide)t->u * fi + (wide)t->v * gi;
        cg += (wide)t->q * fi + (wide)t->r * gi;
        if (i > 0) {
            f->limb[i - 1] = (int64_t)((uint64_t)cf & LIMB_MASK);
            g->limb[i - 1] = (int64_t)((uint64_t)cg & LIMB_MASK);
        }
        cf >>= BITS;
        cg >>= BITS;
    }
    f->limb[LIMBS - 1] = (int64_t)cf;
    g->limb[LIMBS - 1] = (int64_t)cg;
}

/* The matrix on d, e: a multiple of n below 2^62*n makes them multiples of
 * 2^62.  Each round adds at most n to what is the larger of |d|, |e|. */
static void apply_mod(const struct modulus *m, const struct matrix *t, struct number *d,
                      struct number *e)
{
    uint64_t d0 = (uint64_t)d->limb[0], e0 = (uint64_t)e->limb[0];
    uint64_t kd = ((uint64_t)t->u * d0 + (uint64_t)t->v * e0) * m->minus_inverse & LIMB_MASK;
    uint64_t ke = ((uint64_t)t->q * d0 + (uint64_t)t->r * e0) * m->minus_inverse & LIMB_MASK;
    wide cd = 0, ce = 0;
    for (int i = 0; i < LIMBS; i++) {
        int64_t di = d->limb[i], ei = e->limb[i], ni = m->limbs[i];
        cd += (wide)t->u * di + (wide)t->v * ei + (wide)kd * ni;
        ce += (wide)t->q * di + (wide)t->r * ei + (wide)ke * ni;
        if (i > 0) {
            d->limb[i - 1] = (int64_t)((uint64_t)cd & LIMB_MASK);
            e->limb[i - 1] = (int64_t)((uint64_t)ce & LIMB_MASK);
        }
        cd >>= BITS;
        ce >>= BITS;
    }
    d->limb[LIMBS - 1] = (int64_t)cd;
    e->limb[LIMBS - 1] = (int64_t)ce;
}

/* a <- sign*a + times*n */
static void add_multiple(const struct modulus *m, int sign, int times, struct number *a)
{
    wide c = 0;
    for (int i = 0; i < LIMBS; i++) {
        c += (wide)sign * a->limb[i] + (wide)times * m->limbs[i];
        a->limb[i] = i < LIMBS - 1 ? (int64_t)((uint64_t)c & LIMB_MASK) : (int64_t)c;
        c >>= BITS;
    }
}

/* Into 0 .. n-1; apply_mod has not moved it farther than a round's n each. */
static bool reduce(const struct modulus *m, struct number *a)
{
    for (int i = 0; i <= ROUNDS && a->limb[LIMBS - 1] < 0; i++)
        add_multiple(m, 1, 1, a);
    struct number less = *a;
    for (int i = 0; i <= ROUNDS && less.limb[LIMBS - 1] >= 0; i++) {
        *a = less;
        add_multiple(m, 1, -1, &less);
    }
    return a->limb[LIMBS - 1] >= 0 && less.limb[LIMBS - 1] < 0;
}

static bool is_small(const struct number *a, int64_t value)
{
    struct number small = { { value & (int64_t)LIMB_MASK } };
    for (int i = 1; i < LIMBS; i++)
        small.limb[i] = value < 0 ? (int64_t)LIMB_MASK : 0;
    small.limb[LIMBS - 1] = value < 0 ? -1 : 0;
    return memcmp(a, &small, sizeof(small)) == 0;
}

bool mod_inverse(const struct modulus *m, const uint8_t a[MOD_INVERSE_BYTES],
                 uint8_t ret[MOD_INVERSE_BYTES])
{
    struct number f, g = read_number(a), d = { { 0 } }, e = { { 1 } };
    memcpy(f.limb, m->limbs, sizeof(f.limb));
    int delta = 1;
    for (int round = 0; round < ROUNDS && !is_small(&g, 0); round++) {
        struct matrix t = steps(&delta, (uint64_t)f.limb[0] | (uint64_t)f.limb[1] << BITS,
                                (uint64_t)g.limb[0] | (uint64_t)g.limb[1] << BITS);
        apply(&t, &f, &g);
        apply_mod(m, &t, &d, &e);
    }
    bool plus = is_small(&f, 1);
    if (!is_small(&g, 0) || !(plus || is_small(&f, -1)))
        return false;
    add_multiple(m, plus ? 1 : -1, 0, &d);
    if (!reduce(m, &d))
        return false;
    write_number(&d, ret);
    return true;
}
