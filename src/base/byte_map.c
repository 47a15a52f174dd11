#include "base/byte_map.h"

#include <stdlib.h>
#include <sys/random.h>

struct byte_map_place {
    struct bytes key;
    uint64_t hash;
    void *value;
    bool taken;
};

enum {
    FIRST_PLACES = 64
};

/* Another in each process: who does not know it can't choose keys that collide. */
static uint64_t secret[2];

__attribute__((constructor)) static void choose_secret(void)
{
    if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
        abort();
}

struct sip {
    uint64_t a, b, c, d;
};

static uint64_t turn(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static void sip_round(struct sip *s)
{
    s->a += s->b;
    s->b = turn(s->b, 13) ^ s->a;
    s->a = turn(s->a, 32);
    s->c += s->d;
    s->d = turn(s->d, 16) ^ s->c;
    s->a += s->d;
    s->d = turn(s->d, 21) ^ s->a;
    s->c += s->b;
    s->b = turn(s->b, 17) ^ s->c;
    s->c = turn(s->c, 32);
}

uint64_t byte_map_hash(struct bytes key)
{
    struct sip s = { 0x736f6d6570736575U ^ secret[0], 0x646f72616e646f6dU ^ secret[1],
                     0x6c7967656e657261U ^ secret[0], 0x7465646279746573U ^ secret[1] };
    uint64_t last = (uint64_t)key.len << 56;
    for (; key.len >= 8; key = bytes_skip(key, 8)) {
        uint64_t word;
        memcpy(&word, key.data, sizeof(word));
        s.d ^= word;
        sip_round(&s);
        s.a ^= word;
    }
    for (size_t i = 0; i < key.len; i++)
        last |= (uint64_t)key.data[i] << (8 * i);
    s.d ^= last;
    sip_round(&s);
    s.a ^= last;
    s.c ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(&s);
    return s.a ^ s.b ^ s.c ^ s.d;
}

void byte_map_done(struct byte_map *m)
{
    free(m->places);
    *m = (struct byte_map){ 0 };
}

void byte_map_clear(struct byte_map *m)
{
    if (m->count > 0)
        memset(m->places, 0, m->cap * sizeof(*m->places));
    m->count = 0;
}

/* The key's place, or the free one where it would be. */
static struct byte_map_place *place_of(const struct byte_map *m, struct bytes key, uint64_t hash)
{
    for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
        struct byte_map_place *p = &m->places[i];
        if (!p->taken || (p->hash == hash && bytes_eq(p->key, key)))
            return p;
    }
}

static void grow(struct byte_map *m)
{
    struct byte_map old = *m;
    m->cap = old.cap > 0 ? 2 * old.cap : FIRST_PLACES;
    m->places = weft_alloc(m->cap * sizeof(*m->places));
    for (size_t i = 0; i < old.cap; i++)
        if (old.places[i].taken)
            *place_of(m, old.places[i].key, old.places[i].hash) = old.places[i];
    free(old.places);
}

void **byte_map_at(struct byte_map *m, struct bytes key)
{
    if (2 * (m->count + 1) > m->cap)
        grow(m);
    uint64_t hash = byte_map_hash(key);
    struct byte_map_place *p = place_of(m, key, hash);
    if (!p->taken) {
        *p = (struct byte_map_place){ .key = key, .hash = hash, .taken = true };
        m->count++;
    }
    return &p->value;
}

void *byte_map_find(const struct byte_map *m, struct bytes key)
{
    if (m->count == 0)
        return NULL;
    const struct byte_map_place *p = place_of(m, key, byte_map_hash(key));
    return p->taken ? p->value : NULL;
}
