#include "base/weft.h"

#ifdef __AVX512IFMA__

#    include "crypto/p256_digits8.h"
#    include "crypto/p256_table8.h"

enum {
    LINE = 64,
    AHEAD = 4, /* terms whose lines are asked for in advance */
};

/* R^2 mod p, and the curve's b times R. */
static struct num8 field8_r2(void)
{
    return (struct num8){ num8_all(0x300LL), num8_all(0xffffffff00000LL),
                          num8_all(0xffffefffffffbLL), num8_all(0xfdfffffffffffLL),
                          num8_all(0x4ffffffLL) };
}

static struct num8 curve8_b(void)
{
    return (struct num8){ num8_all(0xdf6229c4bddfdLL), num8_all(0xca8843090d89cLL),
                          num8_all(0x212ed6acf005cLL), num8_all(0x83415a220abf7LL),
                          num8_all(0xc30061dd4874LL) };
}

/* y^2 = x^3 - 3x + b */
static __mmask8 on_curve(const struct affine8 *p)
{
    struct num8 x3 = field8_mul(field8_sqr(p->x), p->x);
    struct num8 thrice = num8_plus(p->x, num8_plus(p->x, p->x));
    struct num8 right = num8_plus(num8_minus(x3, thrice), curve8_b());
    return field8_is_zero(field8_fold(num8_minus(field8_sqr(p->y), right)));
}

static __mmask8 is_below_p(struct num8 a)
{
    struct num8 d = num8_carried(num8_minus(a, field8_p()));
    return _mm512_cmplt_epi64_mask(d.l4, _mm512_setzero_si512());
}

/* Coordinate `at` of each point. */
static struct num8 read_coordinate(const uint8_t *const points[LANES], size_t at)
{
    enum {
        WORDS = 4
    };
    __m512i w[WORDS];
    for (size_t i = 0; i < WORDS; i++) {
        _Alignas(LINE) uint64_t lane[LANES];
        for (size_t j = 0; j < LANES; j++) {
            memcpy(&lane[j], points[j] + at + sizeof(uint64_t) * (WORDS - 1 - i), sizeof(lane[j]));
            lane[j] = __builtin_bswap64(lane[j]);
        }
        w[i] = _mm512_load_si512(lane);
    }
    return num8_of_words(w);
}

__mmask8 affine8_read(const uint8_t *const points[LANES], struct affine8 *ret)
{
    struct num8 x = read_coordinate(points, 1), y = read_coordinate(points, 33);
    __mmask8 good = is_below_p(x) & is_below_p(y);
    ret->x = field8_mul(x, field8_r2());
    ret->y = field8_mul(y, field8_r2());
    return good & on_curve(ret);
}

/* ---- making one --------------------------------------------------------------- */

/* Every eighth place has the same group, and lane i%8 of it. */
struct maker {
    unsigned groups;
    struct point8 *points; /* [group][multiple - 1] */
    struct num8 *prefixes; /* of the products of their z */
};

size_t table8_bytes(unsigned bits)
{
    return sizeof(struct table8) +
           ((size_t)digits8_places(bits) << (bits - 1)) * sizeof(struct table8_entry);
}

static void *alloc_lines(size_t bytes)
{
    void *p = aligned_alloc(LINE, (bytes + LINE - 1) / LINE * LINE);
    WEFT_ASSERT(p != NULL);
    return p;
}

/* 2^(bits*i) * Q for every place i: one lane's worth of work, done by all. */
static void make_bases(struct maker *m, const struct table8 *t, const struct affine8 *q)
{
    struct point8 p = { q->x, q->y, field8_one(), 0 };
    for (unsigned i = 0; i < m->groups * LANES; i++) {
        struct point8 *base = &m->points[(size_t)(i / LANES) * t->each];
        __mmask8 lane = (__mmask8)(1U << i % LANES);
        if (lane == 1)
            *base = p; /* in all lanes, for those that will get no other */
        point8_choose(base, lane, &p);
        for (unsigned k = 0; k < t->bits && i + 1 < t->places; k++)
            point8_double(&p);
    }
}

/* 2, 3, ... times each base. */
static void make_multiples(const struct maker *m, const struct table8 *t)
{
    for (unsigned g = 0; g < m->groups; g++) {
        struct point8 *p = m->points + (size_t)g * t->each;
        for (unsigned k = 2; k <= t->each; k++) {
            p[k - 1] = k % 2 == 0 ? p[k / 2 - 1] : p[k - 2];
            if (k % 2 == 0)
                point8_double(&p[k - 1]);
            else
                point8_add(&p[k - 1], &p[0], 0xff, 0);
        }
    }
}

/* A point of each of eight places; there may be fewer left. */
static void put_entries(struct table8 *t, size_t group, size_t k, struct num8 x, struct num8 y)
{
    __m512i r[LANES];
    num8_to_words(field8_canonical(x), r);
    num8_to_words(field8_canonical(y), r + 4);
    words8_transpose(r);
    for (size_t i = 0; i < LANES && group * LANES + i < t->places; i++)
        _mm512_store_si512(&t->entry[(group * LANES + i) * t->each + k], r[i]);
}

/* x = X/Z^2, y = Y/Z^3, with one inversion for all. */
static void make_affine(const struct maker *m, struct table8 *t)
{
    size_t count = (size_t)m->groups * t->each;
    m->prefixes[0] = m->points[0].z;
    for (size_t i = 1; i < count; i++)
        m->prefixes[i] = field8_mul(m->prefixes[i - 1], m->points[i].z);
    struct num8 inverse = field8_inverse(m->prefixes[count - 1]);
    for (size_t i = count; i > 0; i--) {
        const struct point8 *p = &m->points[i - 1];
        struct num8 z = i > 1 ? field8_mul(inverse, m->prefixes[i - 2]) : inverse;
        inverse = field8_mul(inverse, p->z);
        struct num8 zz = field8_sqr(z);
        put_entries(t, (i - 1) / t->each, (i - 1) % t->each, field8_mul(p->x, zz),
                    field8_mul(p->y, field8_mul(zz, z)));
    }
}

struct table8 *table8_new(const struct affine8 *point, unsigned bits)
{
    struct table8 *t = alloc_lines(table8_bytes(bits));
    t->bits = bits;
    t->places = digits8_places(bits);
    t->each = 1U << (bits - 1);
    t->offset = digits8_offset(bits);
    struct maker m = { .groups = (t->places + LANES - 1) / LANES };
    m.points = alloc_lines((size_t)m.groups * t->each * sizeof(*m.points));
    m.prefixes = alloc_lines((size_t)m.groups * t->each * sizeof(*m.prefixes));
    make_bases(&m, t, point);
    make_multiples(&m, t);
    make_affine(&m, t);
    free(m.points);
    free(m.prefixes);
    return t;
}

void table8_free(struct table8 *t)
{
    free(t);
}

/* ---- using it ------------------------------------------------------------------- */

void table8_terms(const struct table8 *const tables[LANES], struct num8 u, struct term8 *terms)
{
    const struct table8 *t = tables[0];
    _Alignas(LINE) uint64_t bases[LANES];
    for (size_t i = 0; i < LANES; i++)
        bases[i] = (uint64_t)(uintptr_t)tables[i]->entry;
    __m512i base = _mm512_load_si512(bases);
    struct digits8 digits = digits8_of(u, t->bits, t->offset);
    for (unsigned i = 0; i < t->places; i++) {
        struct digit8 d = digits8_at(&digits, i);
        __m512i index = _mm512_sub_epi64(d.magnitude, num8_all(1));
        index = _mm512_max_epi64(index, _mm512_setzero_si512());
        index = _mm512_add_epi64(index, num8_all((int64_t)i * t->each));
        __m512i at = _mm512_add_epi64(base, _mm512_slli_epi64(index, 6));
        at = _mm512_mask_or_epi64(at, d.minus, at, num8_all(TERM8_MINUS));
        at = _mm512_mask_or_epi64(at, d.zero, at, num8_all(TERM8_ABSENT));
        _mm512_store_si512(terms[i].lane, at);
    }
}

static inline const char *entry_of(uint64_t lane)
{
    uintptr_t at = lane & ~(uint64_t)TERM8_HOW;
    return (const char *)at; /* NOLINT(performance-no-int-to-ptr) */
}

void table8_sum(struct point8 *sum, const struct term8 *terms, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i + AHEAD < count)
            for (size_t j = 0; j < LANES; j++)
                _mm_prefetch(entry_of(terms[i + AHEAD].lane[j]), _MM_HINT_T0);
        __m512i r[LANES], how = _mm512_load_si512(terms[i].lane);
        for (size_t j = 0; j < LANES; j++)
            r[j] = _mm512_load_si512(entry_of(terms[i].lane[j]));
        words8_transpose(r);
        struct affine8 point = { num8_of_words(r), num8_of_words(r + 4) };
        point8_add_affine(sum, &point, _mm512_testn_epi64_mask(how, num8_all(TERM8_ABSENT)),
                          _mm512_test_epi64_mask(how, num8_all(TERM8_MINUS)));
    }
}

#endif
