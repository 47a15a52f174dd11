#include "msp/identity_cache.h"

/* Places have numbers; `nowhere` ends a list. */
static const uint32_t nowhere = UINT32_MAX;

struct place {
    struct msp_identity *id;
    struct buf key;
    uint64_t hash;
    uint32_t newer, older; /* by use */
    uint32_t next;         /* in the bucket */
};

struct identity_cache {
    struct msp_manager *manager;
    struct place *places;
    uint32_t *buckets;
    uint32_t limit, used, newest, oldest;
    uint64_t hits, misses;
};

struct identity_cache *identity_cache_new(struct msp_manager *m, size_t limit)
{
    struct identity_cache *c = weft_alloc(sizeof(*c));
    WEFT_ASSERT(limit > 0 && limit < nowhere);
    c->manager = msp_manager_ref(m);
    c->limit = (uint32_t)limit;
    c->places = weft_alloc(limit * sizeof(*c->places));
    c->buckets = weft_alloc(limit * sizeof(*c->buckets));
    for (uint32_t i = 0; i < c->limit; i++)
        c->buckets[i] = nowhere;
    c->newest = c->oldest = nowhere;
    return c;
}

void identity_cache_free(struct identity_cache *c)
{
    if (c == NULL)
        return;
    for (uint32_t i = 0; i < c->used; i++) {
        msp_identity_unref(c->places[i].id);
        buf_done(&c->places[i].key);
    }
    free(c->places);
    free(c->buckets);
    msp_manager_unref(c->manager);
    free(c);
}

/* Eight bytes at a time; who could choose colliding bytes has a certificate
 * of the channel for each. */
static uint64_t hash_of_bytes(struct bytes b)
{
    uint64_t h = 0x9e3779b97f4a7c15U ^ b.len;
    for (; b.len >= 8; b = bytes_skip(b, 8)) {
        uint64_t word;
        memcpy(&word, b.data, sizeof(word));
        h = (h ^ word) * 0xff51afd7ed558ccdU;
        h ^= h >> 32;
    }
    for (size_t i = 0; i < b.len; i++)
        h = (h ^ b.data[i]) * 0x100000001b3U;
    return h ^ h >> 29;
}

static void unlink_use(struct identity_cache *c, uint32_t i)
{
    struct place *p = &c->places[i];
    if (p->newer != nowhere)
        c->places[p->newer].older = p->older;
    else
        c->newest = p->older;
    if (p->older != nowhere)
        c->places[p->older].newer = p->newer;
    else
        c->oldest = p->newer;
}

static void link_newest(struct identity_cache *c, uint32_t i)
{
    struct place *p = &c->places[i];
    p->newer = nowhere;
    p->older = c->newest;
    if (c->newest != nowhere)
        c->places[c->newest].newer = i;
    else
        c->oldest = i;
    c->newest = i;
}

static uint32_t find(const struct identity_cache *c, struct bytes key, uint64_t hash)
{
    uint32_t i = c->buckets[hash % c->limit];
    while (i != nowhere &&
           (c->places[i].hash != hash || !bytes_eq(buf_bytes(&c->places[i].key), key)))
        i = c->places[i].next;
    return i;
}

static void leave_bucket(struct identity_cache *c, uint32_t i)
{
    uint32_t *at = &c->buckets[c->places[i].hash % c->limit];
    while (*at != i)
        at = &c->places[*at].next;
    *at = c->places[i].next;
}

/* A place: a free one, or that of the least recently used. */
static uint32_t make_room(struct identity_cache *c)
{
    if (c->used < c->limit)
        return c->used++;
    uint32_t i = c->oldest;
    unlink_use(c, i);
    leave_bucket(c, i);
    msp_identity_unref(c->places[i].id);
    buf_clear(&c->places[i].key);
    return i;
}

static void keep(struct identity_cache *c, struct bytes key, uint64_t hash, struct msp_identity *id)
{
    uint32_t i = make_room(c);
    struct place *p = &c->places[i];
    p->id = msp_identity_ref(id);
    p->hash = hash;
    buf_put(&p->key, key);
    p->next = c->buckets[hash % c->limit];
    c->buckets[hash % c->limit] = i;
    link_newest(c, i);
}

enum weft_code identity_cache_get(struct identity_cache *c, struct bytes serialized,
                                  struct msp_identity **ret, struct weft_err *e)
{
    uint64_t hash = hash_of_bytes(serialized);
    uint32_t i = find(c, serialized, hash);
    if (i != nowhere) {
        c->hits++;
        unlink_use(c, i);
        link_newest(c, i);
        *ret = msp_identity_ref(c->places[i].id);
        return WEFT_OK;
    }
    c->misses++;
    struct msp_identity *id = NULL;
    WEFT_TRY(msp_manager_deserialize(c->manager, serialized, &id, e));
    if (msp_identity_certifiers(id).len > 0 && serialized.len <= IDENTITY_CACHE_BYTES_MAX)
        keep(c, serialized, hash, id);
    *ret = id;
    return WEFT_OK;
}

struct identity_cache_stats identity_cache_stats(const struct identity_cache *c)
{
    return (struct identity_cache_stats){ c->hits, c->misses, c->used };
}
