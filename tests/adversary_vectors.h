/* adversary_vectors.h - a file of answers to an adversary's chain: its head, and numbers in it.
 *
 *     chain SEED KIND BLOCKS
 *     ...                     as tests/vectors/adversary and adversary-private say
 *
 * Go origin   none
 * Owner       the test
 * Memory      the caller's; the file stays open until the caller closes it
 */
#ifndef WEFT_TESTS_ADVERSARY_VECTORS_H
#define WEFT_TESTS_ADVERSARY_VECTORS_H

#include <stdint.h>
#include <stdio.h>

struct adversary_vectors {
    FILE *f; /* the opener's to close */
    uint64_t seed, kind, blocks;
};

struct adversary_vectors adversary_vectors_open(const char *path);
/* The next word, which has to be a number. */
uint64_t adversary_vectors_number(struct adversary_vectors *v);

#endif
