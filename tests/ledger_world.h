/* ledger_world.h - a node's ledger on disk, made of a signed chain, to be damaged.
 *
 *     struct world w;
 *     world_make(&w, LEDGER_PEER);      6 blocks in several files, index, inventory
 *     ... change something in w.channel_dir or w.index_dir ...
 *     EXPECT_CODE(world_verify(&w, &e), WEFT_CORRUPT);
 *
 * Go origin   none
 * Owner       the test
 */
#ifndef WEFT_TESTS_LEDGER_WORLD_H
#define WEFT_TESTS_LEDGER_WORLD_H

#include "chain.h"
#include "ledger/ledger_inventory.h"
#include "weft_test.h"

enum {
    WORLD_BLOCKS = 6,
    WORLD_TXS = 9,
    WORLD_FILE_BYTES = 2500, /* of a block file: the chain takes several */
    WORLD_NOTES_MAX = 1024,
};

struct world {
    enum ledger_layout layout;
    char *root, *channel_dir, *index_dir;
    struct chain chain;
    char notes[WORLD_NOTES_MAX]; /* of the last verify */
    struct ledger_verified found;
};

/* Configs are 0 and 3; the last block has four transactions, one of them not
 * valid, the others have one. */
void world_make(struct world *w, enum ledger_layout layout);
/* The same without anything on disk, and its parts. */
void world_start(struct world *w, enum ledger_layout layout);
void world_grow(struct world *w);
void world_store(struct world *w, const char *channel, size_t from, size_t to);
void world_list(const struct world *w, const char *channel);
void world_done(struct world *w);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct world, world_done)

/* All that `weft ledger verify DIR` does. */
enum weft_code world_verify(struct world *w, struct weft_err *e) WEFT_MUST_CHECK;
/* Its channel alone, in a folder that is open already. */
enum weft_code world_verify_open(struct world *w, struct ledger_dir *d,
                                 struct weft_err *e) WEFT_MUST_CHECK;

/* Caller frees. */
char *world_file(const struct world *w, uint64_t number);
uint64_t world_count_files(const struct world *w);
void world_drop_index(const struct world *w);
/* Where each block lies. */
void world_places(const struct world *w, struct block_place *ret);
/* Writes a file as a whole. */
void world_write(const char *path, struct bytes b);

#endif
