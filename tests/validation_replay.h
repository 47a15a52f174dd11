/* validation_replay.h - a peer's validator over a chain, with its state in memory.
 *
 *     struct replay *r = replay_new(genesis, 4);       four workers look ahead at each block
 *     replay_validate(r, block, codes, &e)             codes before reads are checked
 *     replay_commit(r, codes, &hash, &e)               the final ones, and the commit hash
 *
 * Go origin   none
 * Owner       the test
 */
#ifndef WEFT_TESTS_VALIDATION_REPLAY_H
#define WEFT_TESTS_VALIDATION_REPLAY_H

#include "map_state.h"

struct block;
struct bundle;
struct replay;

/* 0 workers: the caller does it. */
struct replay *replay_new(struct block *genesis, unsigned workers);
void replay_free(struct replay *r);
WEFT_DEFINE_CLEANUP(struct replay *, replay_free)

struct map_state *replay_state(struct replay *r);
struct bundle *replay_bundle(struct replay *r);
enum weft_code replay_validate(struct replay *r, struct block *b, uint8_t *codes,
                               struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code replay_commit(struct replay *r, uint8_t *codes, struct digest *ret_hash,
                             struct weft_err *e) WEFT_MUST_CHECK;

#endif
