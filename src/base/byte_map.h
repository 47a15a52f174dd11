/* byte_map.h - finds things by their bytes.
 *
 *     struct byte_map m = { 0 };
 *     void **at = byte_map_at(&m, bytes_of_str("mycc"));    makes room: *at is NULL
 *     *at = definition;
 *
 * Names and ids that clients choose are the keys, so the hash is SipHash-1-3 with a
 * secret of the process: nobody makes a slow map by choosing them.
 *
 * Go origin   none (map)
 * Owner       whoever holds it; not shared
 * Memory      borrows the keys; half of the places are free
 */
#ifndef WEFT_BASE_BYTE_MAP_H
#define WEFT_BASE_BYTE_MAP_H

#include "base/bytes.h"

struct byte_map {
    struct byte_map_place *places;
    size_t count, cap;
};

void byte_map_done(struct byte_map *m);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct byte_map, byte_map_done)
/* Empties it and keeps its places. */
void byte_map_clear(struct byte_map *m);

/* The value's place, good until the next call; a new one holds NULL.  Keeps the key. */
void **byte_map_at(struct byte_map *m, struct bytes key);
/* NULL: not there. */
void *byte_map_find(const struct byte_map *m, struct bytes key);

/* The hash itself. */
uint64_t byte_map_hash(struct bytes key);

#endif
