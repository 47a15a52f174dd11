/* store_story.h - what happens to a block store in the crash and fault tests,
 * and what must be true afterwards.
 *
 * The story: 30 blocks, single ones and groups that share a sync, files so
 * small that they roll over, a close and a second opening on the way.  Every
 * step is marked in the recording, so that a test knows at each operation how
 * many blocks were announced and how many were tried.
 *
 * Go origin   none
 * Owner       the test's main thread
 * Memory      the chain, which is made once
 */
#ifndef WEFT_TESTS_SIM_STORE_STORY_H
#define WEFT_TESTS_SIM_STORE_STORY_H

#include "chain.h"
#include "ledger/block_store.h"

enum {
    STORY_BLOCKS = 30,
    STORY_SPARE = 4, /* more blocks of the chain, to go on with */
    STORY_FILE_BYTES = 12000,
};

struct story {
    enum ledger_layout layout;
    struct chain chain;
    uint64_t announced, tried; /* where story_play has come to */
};

void story_init(struct story *s, enum ledger_layout layout, uint64_t seed);
void story_done(struct story *s);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct story, story_done)

/* The marks: blocks announced, and blocks that an append was called for. */
static inline uint64_t story_announced(uint64_t mark)
{
    return mark & UINT32_MAX;
}
static inline uint64_t story_tried(uint64_t mark)
{
    return mark >> 32;
}

/* Plays it in an empty folder; stops at the first error. */
enum weft_code story_play(struct story *s, const char *dir, struct weft_err *e) WEFT_MUST_CHECK;

/* Opens what is in the folder and holds every block, lookup and the iterator
 * against the chain; then appends one more and reads it.  The height before
 * that must lie between the two.  A broken promise is WEFT_INVALID. */
enum weft_code story_check(const struct story *s, const char *dir, uint64_t announced,
                           uint64_t tried, uint64_t *ret_height,
                           struct weft_err *e) WEFT_MUST_CHECK;

/* Opens what is in the folder, marks the recording there, and closes. */
enum weft_code story_reopen(const struct story *s, const char *dir, uint64_t *ret_height,
                            struct weft_err *e) WEFT_MUST_CHECK;

/* Every block below the height, by every key. */
enum weft_code story_check_blocks(const struct story *s, struct block_store *bs,
                                  struct weft_err *e) WEFT_MUST_CHECK;

#endif
