/* id_filter.h - has this id ever been added?  "No" is certain, "maybe" is to be looked up.
 *
 * Ids that are new nearly always, as those of transactions: looking each up on the disk
 * would find nothing at great cost.  Two bytes of memory an id answer instead, wrongly for
 * one new id in a hundred:
 *
 *     part 0   16 KB  [ 64 bytes | 64 bytes | ... ]     an id sets 7 bits of one of these lines
 *     part 1   32 KB                                    once part 0 has 8192 ids
 *     ...
 *     part 8    4 MB                                    takes all that comes: with ever more of
 *                                                       them, "maybe" is said more often
 *
 * Where an id lies depends on a secret of the process (byte_map.h): nobody can choose ids
 * that fill one line.
 *
 * Go origin   none
 * Owner       whoever holds it; not shared
 * Memory      two bytes an id, 8 MB at most
 * Limits      none
 */
#ifndef WEFT_BASE_ID_FILTER_H
#define WEFT_BASE_ID_FILTER_H

#include "base/bytes.h"

enum {
    ID_FILTER_PARTS = 9,
    ID_FILTER_FIRST_BYTES = 16 << 10,
    ID_FILTER_BYTES_MAX = ID_FILTER_FIRST_BYTES * ((1 << ID_FILTER_PARTS) - 1),
};

struct id_filter_part;

/* { 0 } is an empty one. */
struct id_filter {
    struct id_filter_part *parts[ID_FILTER_PARTS];
    size_t count;
};

void id_filter_done(struct id_filter *f);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct id_filter, id_filter_done)

void id_filter_add(struct id_filter *f, struct bytes id);
bool id_filter_may_have(const struct id_filter *f, struct bytes id);

#endif
