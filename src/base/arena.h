/* arena.h - memory that is freed all at once.
 *
 * One arena holds everything that is decoded from one message; nothing in it
 * is freed singly, and no pointer into it outlives it.
 *
 *     WEFT_CLEANUP(arena_done) struct arena a = { 0 };
 *     struct thing *t = arena_alloc(&a, sizeof(*t));
 *
 * Go origin   none
 * Owner       whoever holds it; not shared
 * Memory      chunks of 4 KB and more; arena_reset keeps the first
 * Limits      none of its own: sizes are checked by who asks
 */
#ifndef WEFT_BASE_ARENA_H
#define WEFT_BASE_ARENA_H

#include "base/bytes.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *first, *current;
};

void arena_done(struct arena *a);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct arena, arena_done)

/* Forgets everything in it, for the next message. */
void arena_reset(struct arena *a);

/* Zeroed, aligned for anything. */
void *arena_alloc(struct arena *a, size_t n) __attribute__((returns_nonnull));
char *arena_dup_str(struct arena *a, struct bytes b);

#endif
