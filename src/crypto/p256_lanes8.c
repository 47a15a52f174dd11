#include "crypto/p256_lanes8.h"

#ifdef __AVX512IFMA__

#    include "crypto/p256_digits8.h"
#    include "crypto/p256_ladder8.h"
#    include "crypto/p256_table8.h"

enum {
    CHUNK = 64, /* checks that share one inversion */
    ROWS_MAX = CHUNK / LANES + 1,
    LADDER_LEAST = 2, /* in a row: one alone is quicker by OpenSSL */
    TERMS = TABLE8_PLACES_G + TABLE8_PLACES_KEY,
    WORDS = 4,
};

struct p256_lanes8 {
    struct modulus n;
    struct table8 *g;
};

static const uint8_t generator[P256_POINT_BYTES] = {
    0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5,
    0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4,
    0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a,
    0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33,
    0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
};

static const uint8_t order[P256_SCALAR_BYTES] = {
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
};

static struct table8 *table_of(struct bytes point, unsigned bits)
{
    const uint8_t *points[LANES];
    struct affine8 p;
    for (size_t i = 0; i < LANES; i++)
        points[i] = point.data;
    if (point.len != P256_POINT_BYTES || point.data[0] != 0x04 || affine8_read(points, &p) != 0xff)
        return NULL;
    return table8_new(&p, bits);
}

struct p256_lanes8 *p256_lanes8_new(void)
{
    struct p256_lanes8 *l = weft_alloc(sizeof(*l));
    modulus_init(&l->n, order);
    WEFT_ASSERT(table8_bytes(TABLE8_BITS_KEY) <= P256_TABLE8_BYTES);
    l->g = table_of(bytes_of(generator, sizeof(generator)), TABLE8_BITS_G);
    WEFT_ASSERT(l->g != NULL);
    return l;
}

void p256_lanes8_free(struct p256_lanes8 *l)
{
    if (l == NULL)
        return;
    table8_free(l->g);
    free(l);
}

struct table8 *p256_lanes8_g(const struct p256_lanes8 *l)
{
    return l->g;
}

struct table8 *p256_lanes8_table_new(struct bytes point)
{
    return table_of(point, TABLE8_BITS_KEY);
}

void p256_lanes8_table_free(struct table8 *t)
{
    table8_free(t);
}

/* ---- rows of eight ----------------------------------------------------------- */

struct row {
    struct p256_check *check[LANES]; /* NULL: nobody, behind the others */
    unsigned used;
    bool by_table;
    struct num8 r; /* as it came */
};

/* The lowest word first. */
struct scalar {
    uint64_t word[WORDS];
};

/* Of at most 32 bytes, most significant first. */
static struct scalar scalar_of(struct bytes b)
{
    uint8_t padded[P256_SCALAR_BYTES] = { 0 };
    struct scalar s;
    if (b.len > 0)
        memcpy(padded + sizeof(padded) - b.len, b.data, b.len);
    memcpy(s.word, padded, sizeof(padded));
    return (struct scalar){ { __builtin_bswap64(s.word[3]), __builtin_bswap64(s.word[2]),
                              __builtin_bswap64(s.word[1]), __builtin_bswap64(s.word[0]) } };
}

/* From 1 to n-1. */
static bool in_range(struct bytes b)
{
    static const uint8_t zero[P256_SCALAR_BYTES];
    uint8_t padded[P256_SCALAR_BYTES] = { 0 };
    if (b.len > P256_SCALAR_BYTES)
        return false;
    if (b.len > 0)
        memcpy(padded + sizeof(padded) - b.len, b.data, b.len);
    return memcmp(padded, order, sizeof(padded)) < 0 && memcmp(padded, zero, sizeof(padded)) != 0;
}

static struct num8 num8_of_scalars(const struct scalar s[LANES])
{
    __m512i w[WORDS];
    for (size_t i = 0; i < WORDS; i++)
        w[i] = _mm512_set_epi64((int64_t)s[7].word[i], (int64_t)s[6].word[i], (int64_t)s[5].word[i],
                                (int64_t)s[4].word[i], (int64_t)s[3].word[i], (int64_t)s[2].word[i],
                                (int64_t)s[1].word[i], (int64_t)s[0].word[i]);
    return num8_of_words(w);
}

static void read_row(struct row *row, struct order_row8 *numbers)
{
    struct scalar r[LANES] = { 0 }, s[LANES] = { 0 }, e[LANES] = { 0 };
    for (size_t i = 0; i < LANES; i++) {
        const struct p256_check *c = row->check[i];
        s[i].word[0] = 1; /* of nobody */
        if (c == NULL)
            continue;
        struct bytes digest = c->digest;
        if (digest.len > P256_SCALAR_BYTES)
            digest.len = P256_SCALAR_BYTES;
        r[i] = scalar_of(c->r);
        s[i] = scalar_of(c->s);
        e[i] = scalar_of(digest);
    }
    row->r = numbers->r = num8_of_scalars(r);
    numbers->s = num8_of_scalars(s);
    numbers->e = num8_of_scalars(e);
}

/* ---- sums --------------------------------------------------------------------- */

/* Spreads the terms of a few checks over all lanes: lane i of n checks is for
 * check i%n, and takes its share of that one's terms. */
static size_t spread(struct term8 *terms, size_t count, unsigned checks)
{
    size_t shares = LANES / checks, steps = (count + shares - 1) / shares;
    for (size_t t = 0; t < steps; t++) {
        struct term8 step;
        for (size_t i = 0; i < LANES; i++) {
            size_t from = t * shares + i / checks;
            step.lane[i] =
                from < count ? terms[from].lane[i % checks] : terms[0].lane[0] | TERM8_ABSENT;
        }
        terms[t] = step;
    }
    return steps;
}

/* The lanes of each check together again, in the first ones. */
static void gather_shares(struct point8 *sum, unsigned checks)
{
    for (unsigned half = LANES / 2; half >= checks; half /= 2) {
        struct point8 other = { num8_turned(sum->x, (int)half), num8_turned(sum->y, (int)half),
                                num8_turned(sum->z, (int)half), 0 };
        __mmask8 present = (__mmask8) ~(sum->empty >> half) & (__mmask8)((1U << half) - 1);
        point8_add(sum, &other, present, 0);
    }
}

/* How many checks the lanes are shared between. */
static unsigned sharers(unsigned used)
{
    unsigned n = 1;
    while (n < used)
        n *= 2;
    return n;
}

static void sum_by_table(const struct p256_lanes8 *l, const struct row *row,
                         const struct order_row8 *numbers, struct point8 *sum)
{
    struct term8 terms[TERMS];
    const struct table8 *g[LANES], *keys[LANES];
    unsigned checks = sharers(row->used);
    size_t count = TERMS;
    for (size_t i = 0; i < LANES; i++) {
        g[i] = l->g;
        keys[i] = row->check[i < row->used ? i : 0]->table->eight;
    }
    table8_terms(g, numbers->e, terms);
    table8_terms(keys, numbers->r, terms + TABLE8_PLACES_G);
    if (checks < LANES)
        count = spread(terms, count, checks);
    table8_sum(sum, terms, count);
    gather_shares(sum, checks);
}

/* Lanes whose key is no point are FAILED, like those of nobody. */
static __mmask8 sum_by_ladder(const struct p256_lanes8 *l, const struct row *row,
                              const struct order_row8 *numbers, struct point8 *sum)
{
    struct term8 terms[TABLE8_PLACES_G];
    const struct table8 *g[LANES];
    const uint8_t *points[LANES];
    __mmask8 formed = 0;
    for (size_t i = 0; i < LANES; i++) {
        struct bytes point = row->check[i < row->used ? i : 0]->point;
        bool well_formed = point.len == P256_POINT_BYTES && point.data[0] == 0x04;
        points[i] = well_formed ? point.data : generator;
        formed |= (__mmask8)((unsigned)well_formed << i);
        g[i] = l->g;
    }
    struct affine8 q;
    formed &= affine8_read(points, &q);
    ladder8_multiply(&q, numbers->r, sum);
    table8_terms(g, numbers->e, terms);
    table8_sum(sum, terms, TABLE8_PLACES_G);
    return formed;
}

bool p256_lanes8_multiply(const struct table8 *t, const uint8_t k[P256_SCALAR_BYTES],
                          uint8_t ret[P256_POINT_BYTES])
{
    struct scalar scalars[LANES];
    struct term8 terms[TABLE8_PLACES_KEY];
    struct point8 sum = point8_nothing();
    const struct table8 *tables[LANES];
    for (size_t i = 0; i < LANES; i++) {
        scalars[i] = scalar_of(bytes_of(k, P256_SCALAR_BYTES));
        tables[i] = t;
    }
    table8_terms(tables, num8_of_scalars(scalars), terms);
    table8_sum(&sum, terms, spread(terms, t->places, 1));
    gather_shares(&sum, 1);
    if (((sum.empty | field8_is_zero(sum.z)) & 1) != 0)
        return false;
    struct num8 z = field8_inverse(sum.z), zz = field8_sqr(z);
    ret[0] = 0x04;
    num8_put_first(field8_plain(field8_mul(sum.x, zz)), ret + 1);
    num8_put_first(field8_plain(field8_mul(sum.y, field8_mul(zz, z))), ret + 33);
    return true;
}

/* ---- verdicts ----------------------------------------------------------------- */

static struct num8 p_minus_n(void)
{
    return num8_carried(num8_minus(field8_p(), order8_n()));
}

/* x = X/Z^2 is a number below p; it has to be r mod n, and n < p < 2n.  So it
 * is r, or r+n if that is below p.  Both sides are multiplied by Z^2. */
static void conclude(const struct row *row, const struct point8 *sum, __mmask8 known)
{
    struct num8 zz = field8_sqr(sum->z), x = field8_plain(sum->x);
    struct num8 more = num8_carried(num8_plus(row->r, order8_n()));
    __mmask8 is_r = num8_same(x, field8_canonical(field8_mul(row->r, zz)));
    __mmask8 is_more = num8_same(x, field8_canonical(field8_mul(more, zz)));
    struct num8 room = num8_carried(num8_minus(row->r, p_minus_n()));
    __mmask8 has_more = _mm512_cmplt_epi64_mask(room.l4, _mm512_setzero_si512());
    known &= (__mmask8)(~sum->empty & ~field8_is_zero(sum->z));
    for (unsigned i = 0; i < row->used; i++) {
        __mmask8 lane = (__mmask8)(1U << i);
        if (known & lane)
            row->check[i]->outcome = is_r & lane             ? P256_GOOD_R
                                     : !(has_more & lane)    ? P256_OTHER_X
                                     : (is_more & lane) != 0 ? P256_GOOD_R_PLUS_N
                                                             : P256_OTHER_X_TWICE;
    }
}

static void check_rows(const struct p256_lanes8 *l, struct row *rows, size_t count)
{
    struct order_row8 numbers[ROWS_MAX];
    for (size_t i = 0; i < count; i++)
        read_row(&rows[i], &numbers[i]);
    if (!order8_divide(&l->n, numbers, count))
        return;
    for (size_t i = 0; i < count; i++) {
        struct point8 sum = point8_nothing();
        __mmask8 known = 0xff;
        if (rows[i].by_table)
            sum_by_table(l, &rows[i], &numbers[i], &sum);
        else
            known = sum_by_ladder(l, &rows[i], &numbers[i], &sum);
        conclude(&rows[i], &sum, known);
    }
}

/* ---- a chunk ------------------------------------------------------------------- */

static size_t fill_rows(struct row *rows, struct p256_check *const *checks, size_t count,
                        bool by_table)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i += LANES) {
        struct row *row = &rows[n++];
        row->used = (unsigned)(count - i < LANES ? count - i : LANES);
        row->by_table = by_table;
        for (size_t j = 0; j < LANES; j++)
            row->check[j] = j < row->used ? checks[i + j] : NULL;
    }
    return n;
}

static void check_chunk(const struct p256_lanes8 *l, struct p256_check *checks, size_t count)
{
    struct p256_check *with[CHUNK], *without[CHUNK];
    struct row rows[ROWS_MAX];
    size_t n_with = 0, n_without = 0;
    for (size_t i = 0; i < count; i++) {
        struct p256_check *c = &checks[i];
        c->outcome = P256_FAILED;
        if (!in_range(c->r) || !in_range(c->s))
            c->outcome = P256_OUT_OF_RANGE;
        else if (c->table != NULL)
            with[n_with++] = c;
        else
            without[n_without++] = c;
    }
    if (n_without % LANES < LADDER_LEAST)
        n_without -= n_without % LANES;
    size_t n = fill_rows(rows, with, n_with, true);
    n += fill_rows(rows + n, without, n_without, false);
    if (n > 0)
        check_rows(l, rows, n);
}

void p256_lanes8_check(const struct p256_lanes8 *l, struct p256_check *checks, size_t count)
{
    for (size_t i = 0; i < count; i += CHUNK)
        check_chunk(l, checks + i, count - i < CHUNK ? count - i : CHUNK);
}

#else /* built for another machine */

struct p256_lanes8 *p256_lanes8_new(void)
{
    return NULL;
}

void p256_lanes8_free(struct p256_lanes8 *l)
{
    WEFT_ASSERT(l == NULL);
}

struct table8 *p256_lanes8_g(const struct p256_lanes8 *l)
{
    (void)l;
    return NULL;
}

struct table8 *p256_lanes8_table_new(struct bytes point)
{
    (void)point;
    return NULL;
}

void p256_lanes8_table_free(struct table8 *t)
{
    WEFT_ASSERT(t == NULL);
}

bool p256_lanes8_multiply(const struct table8 *t, const uint8_t k[P256_SCALAR_BYTES],
                          uint8_t ret[P256_POINT_BYTES])
{
    (void)t, (void)k, (void)ret;
    return false;
}

void p256_lanes8_check(const struct p256_lanes8 *l, struct p256_check *checks, size_t count)
{
    (void)l, (void)checks, (void)count;
}

#endif
