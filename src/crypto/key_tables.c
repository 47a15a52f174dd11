#include "crypto/key_tables.h"

#include "crypto/ecdsa.h"
#include "crypto/p256_fast.h"
#include "os/jobs.h"

enum {
    /* In thirty-seconds of a plain check. */
    EARNED_PLAIN = 1,
    EARNED_BY_TABLE = 16,
    PARTS = 32,
    TABLES_FREE = 16,
    CREDIT_TABLES_MAX = 64,

    /* "Lately" and "long unused", in checks of all keys: threshold * places
     * times this.  If every place is taken by a key that deserves it, each of
     * them comes four times as often as it must to stay. */
    WINDOW = 4,

    LOOK_AT = 8, /* sightings before it is looked for under another certificate */
    PLACES_MAX = 1 << 20,
};

/* A place's word: generation (32 bits), phase (2), users (30). */
enum phase {
    PLACE_FREE,
    PLACE_MAKING,
    PLACE_LIVE,
    PLACE_DYING,
};
#define PHASE_SHIFT 30
#define USERS_MASK  ((1U << PHASE_SHIFT) - 1)

struct place {
    _Atomic uint64_t word;
    _Atomic uint64_t last_used;   /* the clock then */
    _Atomic uint64_t fingerprint; /* of the point; 0 while free */
    /* Written while MAKING by its one maker, read while LIVE or DYING by users. */
    struct p256_table *table;
    uint8_t point[P256_POINT_BYTES];
};

struct key_tables {
    struct p256_fast *fast;
    struct jobs *pool;
    unsigned threshold;
    int64_t table_cost;
    bool unpaid;
    _Atomic uint64_t clock; /* checks so far */
    _Atomic int64_t credit;
    _Atomic uint64_t made, failed, evicted, by_table;
    size_t place_count;
    struct place places[];
};

static uint64_t word_of(uint32_t generation, enum phase phase, uint32_t users)
{
    return (uint64_t)generation << 32 | (uint64_t)phase << PHASE_SHIFT | users;
}

static uint32_t generation_of(uint64_t word)
{
    return (uint32_t)(word >> 32);
}

static enum phase phase_of(uint64_t word)
{
    return (enum phase)((word >> PHASE_SHIFT) & 3);
}

static uint32_t users_of(uint64_t word)
{
    return (uint32_t)word & USERS_MASK;
}

/* What a key remembers: its place and the generation it had; 0 is none. */
static uint64_t slot_value(size_t index, uint32_t generation)
{
    return (uint64_t)(index + 1) << 32 | generation;
}

static uint64_t fingerprint_of(struct bytes point)
{
    uint64_t f;
    memcpy(&f, point.data + 1, sizeof(f)); /* the head of x: as good as random */
    return f | 1;
}

static uint64_t window_of(const struct key_tables *kt)
{
    return (uint64_t)kt->threshold * kt->place_count * WINDOW;
}

struct key_tables *key_tables_new(const struct key_tables_config *config)
{
    enum p256_lanes lanes = config->one_lane ? P256_LANES_ONE : P256_LANES_MOST;
    size_t places = config->budget_bytes / p256_table_bytes(lanes);
    places = places < PLACES_MAX ? places : PLACES_MAX;
    struct key_tables *kt = weft_alloc(sizeof(*kt) + places * sizeof(struct place));
    kt->place_count = places;
    kt->pool = config->pool;
    kt->unpaid = config->unpaid;
    kt->threshold = config->threshold > 0 ? config->threshold : KEY_TABLES_THRESHOLD_DEFAULT;
    if (places > 0)
        kt->fast = p256_fast_new(lanes);
    if (kt->fast != NULL)
        kt->table_cost = (int64_t)p256_table_cost(kt->fast) * PARTS;
    atomic_init(&kt->credit, TABLES_FREE * kt->table_cost);
    return kt;
}

void key_tables_free(struct key_tables *kt)
{
    if (kt == NULL)
        return;
    for (size_t i = 0; i < kt->place_count; i++) {
        WEFT_ASSERT(users_of(atomic_load(&kt->places[i].word)) == 0);
        p256_table_free(kt->places[i].table);
    }
    p256_fast_free(kt->fast);
    free(kt);
}

struct p256_fast *key_tables_fast(const struct key_tables *kt)
{
    return kt != NULL ? kt->fast : NULL;
}

/* ---- users of a place --------------------------------------------------- */

/* Its last user is gone, or it never had one: nobody else can reach it now. */
static void clear_place(struct place *p, uint32_t generation)
{
    p256_table_free(p->table);
    p->table = NULL;
    atomic_store(&p->fingerprint, 0);
    atomic_store(&p->word, word_of(generation + 1, PLACE_FREE, 0));
}

/* One more user, if this generation of it is live. */
static bool enter(struct place *p, uint32_t generation)
{
    uint64_t word = atomic_load(&p->word);
    while (generation_of(word) == generation && phase_of(word) == PLACE_LIVE &&
           users_of(word) < USERS_MASK)
        if (atomic_compare_exchange_weak(&p->word, &word, word + 1))
            return true;
    return false;
}

static void leave(struct place *p)
{
    uint64_t word = atomic_fetch_sub(&p->word, 1) - 1;
    if (phase_of(word) == PLACE_DYING && users_of(word) == 0)
        clear_place(p, generation_of(word));
}

/* Enters the place that holds this point's table, or says how it is. */
enum search {
    SEARCH_NONE,
    SEARCH_MAKING,
    SEARCH_FOUND,
};

static enum search find_place(struct key_tables *kt, struct bytes point, uint64_t *ret_slot)
{
    uint64_t fingerprint = fingerprint_of(point);
    for (size_t i = 0; i < kt->place_count; i++) {
        struct place *p = &kt->places[i];
        if (atomic_load_explicit(&p->fingerprint, memory_order_relaxed) != fingerprint)
            continue;
        uint64_t word = atomic_load(&p->word);
        if (phase_of(word) == PLACE_MAKING)
            return SEARCH_MAKING;
        if (!enter(p, generation_of(word)))
            continue;
        bool same = memcmp(p->point, point.data, sizeof(p->point)) == 0;
        leave(p);
        if (same) {
            *ret_slot = slot_value(i, generation_of(word));
            return SEARCH_FOUND;
        }
    }
    return SEARCH_NONE;
}

/* ---- making tables ------------------------------------------------------ */

struct making {
    struct job job;
    struct key_tables *kt;
    struct public_key *key;
    size_t index;
};

static void make_table(struct job *j)
{
    struct making *m = WEFT_CONTAINER_OF(j, struct making, job);
    struct place *p = &m->kt->places[m->index];
    struct bytes point = public_key_point(m->key);
    uint32_t generation = generation_of(atomic_load(&p->word));
    p->table = p256_table_new(m->kt->fast, point);
    if (p->table != NULL) {
        memcpy(p->point, point.data, sizeof(p->point));
        atomic_store(&p->last_used, atomic_load(&m->kt->clock));
        atomic_store(&p->word, word_of(generation, PLACE_LIVE, 0));
        atomic_store(&public_key_heat(m->key)->slot, slot_value(m->index, generation));
        (void)atomic_fetch_add(&m->kt->made, 1);
    } else {
        clear_place(p, generation);
        (void)atomic_fetch_add(&m->kt->failed, 1);
    }
    public_key_unref(m->key);
    free(m);
}

static bool pay(struct key_tables *kt)
{
    int64_t credit = atomic_load(&kt->credit);
    if (kt->unpaid)
        return true;
    while (credit >= kt->table_cost)
        if (atomic_compare_exchange_weak(&kt->credit, &credit, credit - kt->table_cost))
            return true;
    return false;
}

/* Takes a free place for making a table in it. */
static bool claim_free(struct key_tables *kt, size_t *ret_index)
{
    for (size_t i = 0; i < kt->place_count; i++) {
        uint64_t word = atomic_load(&kt->places[i].word);
        if (phase_of(word) == PLACE_FREE &&
            atomic_compare_exchange_strong(&kt->places[i].word, &word,
                                           word_of(generation_of(word), PLACE_MAKING, 0))) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

/* The table unused for longest goes, if it was unused for long.  Its place is
 * free when its last user has left, which may be at once. */
static bool evict(struct key_tables *kt)
{
    uint64_t oldest = UINT64_MAX;
    struct place *victim = NULL;
    for (size_t i = 0; i < kt->place_count; i++) {
        struct place *p = &kt->places[i];
        uint64_t used = atomic_load(&p->last_used);
        if (phase_of(atomic_load(&p->word)) == PLACE_LIVE && used < oldest) {
            oldest = used;
            victim = p;
        }
    }
    uint64_t now = atomic_load(&kt->clock);
    if (victim == NULL || oldest > now || now - oldest < window_of(kt))
        return false;

    uint64_t word = atomic_load(&victim->word);
    while (phase_of(word) == PLACE_LIVE) {
        uint64_t dying = word_of(generation_of(word), PLACE_DYING, users_of(word));
        if (atomic_compare_exchange_weak(&victim->word, &word, dying)) {
            (void)atomic_fetch_add(&kt->evicted, 1);
            if (users_of(word) == 0)
                clear_place(victim, generation_of(word));
            return true;
        }
    }
    return false;
}

static bool start_making(struct key_tables *kt, struct public_key *key)
{
    size_t index;
    if (!claim_free(kt, &index) && !(evict(kt) && claim_free(kt, &index)))
        return false;
    struct place *p = &kt->places[index];
    atomic_store(&p->fingerprint, fingerprint_of(public_key_point(key)));

    struct making *m = weft_alloc(sizeof(*m));
    m->job = (struct job){ .run = make_table };
    m->kt = kt;
    m->key = public_key_ref(key);
    m->index = index;
    if (kt->pool == NULL) {
        make_table(&m->job);
        return true;
    }
    if (jobs_submit(kt->pool, &m->job))
        return true;
    public_key_unref(key);
    free(m);
    clear_place(p, generation_of(atomic_load(&p->word)));
    return false;
}

/* The key is hot: a table under another certificate will do, else one is
 * made, if that is paid for and there is a place. */
static void want_table(struct key_tables *kt, struct public_key *key)
{
    uint64_t slot;
    switch (find_place(kt, public_key_point(key), &slot)) {
    case SEARCH_FOUND:
        atomic_store(&public_key_heat(key)->slot, slot);
        break;
    case SEARCH_MAKING:
        break;
    case SEARCH_NONE:
        if (pay(kt) && !start_making(kt, key))
            (void)atomic_fetch_add(&kt->credit, kt->table_cost);
        break;
    }
}

/* ---- one check, or several of one key ------------------------------------ */

static void count_plain(struct key_tables *kt, struct public_key *key, uint64_t now, unsigned uses)
{
    struct key_heat *heat = public_key_heat(key);
    uint64_t start = atomic_load_explicit(&heat->window_start, memory_order_relaxed);
    if (now - start > window_of(kt)) {
        atomic_store_explicit(&heat->window_start, now, memory_order_relaxed);
        atomic_store_explicit(&heat->seen, 0, memory_order_relaxed);
    }
    uint32_t before = atomic_fetch_add_explicit(&heat->seen, uses, memory_order_relaxed);
    uint32_t after = before + uses;
    uint64_t slot;
    if (before < kt->threshold && after >= kt->threshold) {
        want_table(kt, key);
        /* Asks again after as many sightings, if nothing came of it. */
        atomic_store_explicit(&heat->seen, 0, memory_order_relaxed);
    } else if (before < LOOK_AT && after >= LOOK_AT &&
               find_place(kt, public_key_point(key), &slot) == SEARCH_FOUND) {
        atomic_store(&heat->slot, slot);
    }
}

static struct key_lease enter_slot(struct key_tables *kt, struct public_key *key, uint64_t slot,
                                   uint64_t now)
{
    size_t index = (size_t)(slot >> 32) - 1;
    if (index >= kt->place_count)
        return (struct key_lease){ 0 };
    struct place *p = &kt->places[index];
    if (!enter(p, (uint32_t)slot))
        return (struct key_lease){ 0 };
    /* A key that also lives in other key_tables may remember theirs. */
    if (memcmp(p->point, public_key_point(key).data, sizeof(p->point)) != 0) {
        leave(p);
        return (struct key_lease){ 0 };
    }
    atomic_store_explicit(&p->last_used, now, memory_order_relaxed);
    return (struct key_lease){ .table = p->table, .slot = (uint32_t)index };
}

static void earn(struct key_tables *kt, unsigned uses, int64_t each)
{
    int64_t most = CREDIT_TABLES_MAX * kt->table_cost;
    if (atomic_load_explicit(&kt->credit, memory_order_relaxed) < most)
        (void)atomic_fetch_add_explicit(&kt->credit, uses * each, memory_order_relaxed);
}

struct key_lease key_tables_borrow(struct key_tables *kt, struct public_key *key, unsigned uses)
{
    struct key_lease lease = { 0 };
    if (kt == NULL || kt->fast == NULL || public_key_curve(key) != EC_CURVE_P256)
        return lease;
    uint64_t now = atomic_fetch_add_explicit(&kt->clock, uses, memory_order_relaxed) + uses;
    uint64_t slot = atomic_load_explicit(&public_key_heat(key)->slot, memory_order_relaxed);
    if (slot != 0)
        lease = enter_slot(kt, key, slot, now);
    if (lease.table != NULL) {
        earn(kt, uses, EARNED_BY_TABLE);
        (void)atomic_fetch_add_explicit(&kt->by_table, uses, memory_order_relaxed);
        return lease;
    }
    earn(kt, uses, EARNED_PLAIN);
    count_plain(kt, key, now, uses);
    return lease;
}

void key_tables_return(struct key_tables *kt, struct key_lease lease)
{
    if (lease.table != NULL)
        leave(&kt->places[lease.slot]);
}

struct key_tables_stats key_tables_stats(const struct key_tables *kt)
{
    struct key_tables_stats s = {
        .made = atomic_load(&kt->made),
        .failed = atomic_load(&kt->failed),
        .evicted = atomic_load(&kt->evicted),
        .by_table = atomic_load(&kt->by_table),
        .places = kt->place_count,
    };
    s.plain = atomic_load(&kt->clock) - s.by_table;
    for (size_t i = 0; i < kt->place_count; i++)
        s.live += phase_of(atomic_load(&kt->places[i].word)) == PLACE_LIVE;
    return s;
}
