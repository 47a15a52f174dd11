#include "base/arena.h"

#include <stdalign.h>

enum {
    CHUNK_BYTES = 4096
};

struct arena_chunk {
    struct arena_chunk *next;
    size_t used, size;
    alignas(max_align_t) uint8_t room[];
};

static void add_chunk(struct arena *a, size_t n)
{
    size_t size = a->current != NULL ? 2 * a->current->size : CHUNK_BYTES;
    if (size > (1U << 20))
        size = 1U << 20;
    if (size < n)
        size = n;
    struct arena_chunk *c = weft_alloc(sizeof(*c) + size);
    c->size = size;
    if (a->current != NULL)
        a->current->next = c;
    else
        a->first = c;
    a->current = c;
}

static void free_from(struct arena_chunk *c)
{
    while (c != NULL) {
        struct arena_chunk *next = c->next;
        free(c);
        c = next;
    }
}

void arena_done(struct arena *a)
{
    free_from(a->first);
    *a = (struct arena){ 0 };
}

void arena_reset(struct arena *a)
{
    if (a->first == NULL)
        return;
    free_from(a->first->next);
    a->first->next = NULL;
    memset(a->first->room, 0, a->first->used);
    a->first->used = 0;
    a->current = a->first;
}

void *arena_alloc(struct arena *a, size_t n)
{
    size_t rounded = (n + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    WEFT_ASSERT(rounded >= n);
    if (a->current == NULL || a->current->size - a->current->used < rounded)
        add_chunk(a, rounded);
    void *p = a->current->room + a->current->used;
    a->current->used += rounded;
    return p;
}

char *arena_dup_str(struct arena *a, struct bytes b)
{
    char *s = arena_alloc(a, b.len + 1);
    if (b.len > 0)
        memcpy(s, b.data, b.len);
    return s;
}
