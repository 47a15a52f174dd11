#include "base/id_filter.h"

#include "base/byte_map.h"

#include <stdlib.h>

enum {
    LINE_BITS = 512, /* a cache line */
    LINE_WORDS = LINE_BITS / 64,
    BITS_AN_ID = 7,
    BYTES_AN_ID = 2,
};

struct id_filter_part {
    size_t lines, ids, ids_max;
    uint64_t words[];
};

void id_filter_done(struct id_filter *f)
{
    for (size_t i = 0; i < f->count; i++)
        free(f->parts[i]);
    *f = (struct id_filter){ 0 };
}

/* Which bits of a line: nine bits of this for each. */
static uint64_t bits_of(uint64_t hash)
{
    hash *= 0x9e3779b97f4a7c15U;
    return hash ^ hash >> 32;
}

static size_t line_of(const struct id_filter_part *p, uint64_t hash)
{
    return (size_t)((hash >> 32) * p->lines >> 32) * LINE_WORDS;
}

static struct id_filter_part *add_part(struct id_filter *f)
{
    size_t bytes = (size_t)ID_FILTER_FIRST_BYTES << f->count;
    struct id_filter_part *p = weft_alloc(sizeof(*p) + bytes);
    p->lines = bytes * 8 / LINE_BITS;
    p->ids_max = bytes / BYTES_AN_ID;
    f->parts[f->count++] = p;
    return p;
}

void id_filter_add(struct id_filter *f, struct bytes id)
{
    struct id_filter_part *p = f->count > 0 ? f->parts[f->count - 1] : NULL;
    if (p == NULL || (p->ids == p->ids_max && f->count < ID_FILTER_PARTS))
        p = add_part(f);
    uint64_t hash = byte_map_hash(id), bits = bits_of(hash);
    uint64_t *line = p->words + line_of(p, hash);
    for (int i = 0; i < BITS_AN_ID; i++, bits >>= 9)
        line[(bits & 511) / 64] |= UINT64_C(1) << (bits & 63);
    if (p->ids < p->ids_max)
        p->ids++;
}

static bool part_may_have(const struct id_filter_part *p, uint64_t hash)
{
    const uint64_t *line = p->words + line_of(p, hash);
    uint64_t bits = bits_of(hash);
    for (int i = 0; i < BITS_AN_ID; i++, bits >>= 9)
        if ((line[(bits & 511) / 64] >> (bits & 63) & 1) == 0)
            return false;
    return true;
}

bool id_filter_may_have(const struct id_filter *f, struct bytes id)
{
    uint64_t hash = byte_map_hash(id);
    for (size_t i = f->count; i > 0; i--)
        if (part_may_have(f->parts[i - 1], hash))
            return true;
    return false;
}
