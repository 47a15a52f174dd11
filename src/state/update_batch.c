#include "state/update_batch.h"

struct update_batch *update_batch_new(void)
{
    return weft_alloc(sizeof(struct update_batch));
}

static void release_spaces(struct update_batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        byte_map_done(&b->spaces[i]->by_key);
        free(b->spaces[i]->updates);
    }
    b->count = b->bytes = 0;
    b->last = NULL;
}

void update_batch_free(struct update_batch *b)
{
    if (b == NULL)
        return;
    release_spaces(b);
    byte_map_done(&b->by_name);
    byte_map_done(&b->with_metadata);
    arena_done(&b->arena);
    free(b->spaces);
    free(b);
}

void update_batch_clear(struct update_batch *b)
{
    release_spaces(b);
    byte_map_clear(&b->by_name);
    byte_map_clear(&b->with_metadata);
    arena_reset(&b->arena);
}

static struct bytes keep(struct update_batch *b, struct bytes what)
{
    if (what.len == 0)
        return bytes_of(NULL, 0);
    uint8_t *copy = arena_alloc(&b->arena, what.len);
    memcpy(copy, what.data, what.len);
    b->bytes += what.len;
    return bytes_of(copy, what.len);
}

/* ---- spaces ------------------------------------------------------------------------------ */

/* No two spaces have the same one: 'kind' length-of-ns ns coll. */
static void put_space_name(struct buf *out, enum state_space space, struct bytes ns,
                           struct bytes coll)
{
    buf_put_u8(out, (uint8_t)space);
    buf_put_len_bytes(out, ns);
    buf_put(out, coll);
}

static bool is_space(const struct update_space *s, enum state_space space, struct bytes ns,
                     struct bytes coll)
{
    return s != NULL && s->space == space && bytes_eq(s->ns, ns) && bytes_eq(s->coll, coll);
}

struct update_space *update_batch_space(struct update_batch *b, enum state_space space,
                                        struct bytes ns, struct bytes coll)
{
    if (b->count == 0 || is_space(b->last, space, ns, coll))
        return b->last;
    WEFT_CLEANUP(buf_done) struct buf name = { 0 };
    put_space_name(&name, space, ns, coll);
    struct update_space *s = byte_map_find(&b->by_name, buf_bytes(&name));
    if (s != NULL)
        b->last = s;
    return s;
}

static struct update_space *space_for(struct update_batch *b, const struct state_key *key)
{
    struct update_space *s = update_batch_space(b, key->space, key->ns, key->coll);
    if (s != NULL)
        return s;
    WEFT_CLEANUP(buf_done) struct buf name = { 0 };
    put_space_name(&name, key->space, key->ns, key->coll);
    uint8_t *kept = arena_alloc(&b->arena, name.len);
    memcpy(kept, name.data, name.len);
    s = arena_alloc(&b->arena, sizeof(*s));
    s->space = key->space;
    s->ns = keep(b, key->ns);
    s->coll = keep(b, key->coll);
    s->is_sorted = true;
    if (b->count == b->cap) {
        b->cap = b->cap > 0 ? 2 * b->cap : 8;
        b->spaces = weft_realloc(b->spaces, b->cap * sizeof(struct update_space *));
    }
    b->spaces[b->count++] = s;
    b->is_sorted = false;
    *byte_map_at(&b->by_name, bytes_of(kept, name.len)) = s;
    b->last = s;
    return s;
}

/* ---- updates ----------------------------------------------------------------------------- */

/* The key's update, made if there is none. */
static struct update *update_for(struct update_batch *b, const struct state_key *key)
{
    struct update_space *s = space_for(b, key);
    struct update *u = byte_map_find(&s->by_key, key->key);
    if (u != NULL)
        return u;
    u = arena_alloc(&b->arena, sizeof(*u));
    u->key = keep(b, key->key);
    if (s->count == s->cap) {
        s->cap = s->cap > 0 ? 2 * s->cap : 32;
        s->updates = weft_realloc(s->updates, s->cap * sizeof(struct update *));
    }
    s->is_sorted =
        s->is_sorted && (s->count == 0 || bytes_cmp(s->updates[s->count - 1]->key, u->key) < 0);
    s->updates[s->count++] = u;
    *byte_map_at(&s->by_key, u->key) = u;
    return u;
}

void update_batch_put(struct update_batch *b, const struct state_key *key,
                      const struct state_value *value)
{
    struct update *u = update_for(b, key);
    u->is_delete = false;
    u->value.version = value->version;
    u->value.value = keep(b, value->value);
    u->value.metadata = keep(b, value->metadata);
    if (value->metadata.len > 0 && !b->last->has_metadata) {
        b->last->has_metadata = true;
        *byte_map_at(&b->with_metadata, b->last->ns) = b;
    }
}

void update_batch_delete(struct update_batch *b, const struct state_key *key,
                         struct state_version version)
{
    struct update *u = update_for(b, key);
    u->is_delete = true;
    u->value = (struct state_value){ .version = version };
}

const struct update *update_batch_find(struct update_batch *b, const struct state_key *key)
{
    const struct update_space *s = update_batch_space(b, key->space, key->ns, key->coll);
    return s != NULL ? byte_map_find(&s->by_key, key->key) : NULL;
}

bool update_batch_has_metadata(const struct update_batch *b, struct bytes ns)
{
    return byte_map_find(&b->with_metadata, ns) != NULL;
}

void update_batch_add_all(struct update_batch *b, const struct update_batch *from)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct update_space *s = from->spaces[i];
        struct state_key key = { s->space, s->ns, s->coll, { 0 } };
        for (size_t j = 0; j < s->count; j++) {
            const struct update *u = s->updates[j];
            key.key = u->key;
            if (u->is_delete)
                update_batch_delete(b, &key, u->value.version);
            else
                update_batch_put(b, &key, &u->value);
        }
    }
}

/* ---- order ------------------------------------------------------------------------------- */

static int compare_updates(const void *a, const void *b)
{
    const struct update *const *x = a, *const *y = b;
    return bytes_cmp((*x)->key, (*y)->key);
}

static int compare_spaces(const void *a, const void *b)
{
    const struct update_space *const *x = a, *const *y = b;
    int order = bytes_cmp((*x)->ns, (*y)->ns);
    if (order == 0)
        order = (int)(*x)->space - (int)(*y)->space;
    return order != 0 ? order : bytes_cmp((*x)->coll, (*y)->coll);
}

void update_space_sort(struct update_space *s)
{
    if (s->is_sorted)
        return;
    qsort(s->updates, s->count, sizeof(struct update *), compare_updates);
    s->is_sorted = true;
}

size_t update_space_seek(struct update_space *s, struct bytes key)
{
    size_t low = 0, high = s->count;
    update_space_sort(s);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (bytes_cmp(s->updates[middle]->key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void update_batch_sort(struct update_batch *b)
{
    if (b->count > 1 && !b->is_sorted)
        qsort(b->spaces, b->count, sizeof(struct update_space *), compare_spaces);
    if (!b->is_sorted)
        b->is_sorted = true;
    for (size_t i = 0; i < b->count; i++)
        update_space_sort(b->spaces[i]);
}
