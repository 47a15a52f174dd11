/* peer_fixture.h - the ledger of a real peer, copied, and the blocks that made it.
 *
 *     char *dir = peer_fixture_copy();              its ledgersData; skips where there is none
 *     ... reset, roll back ...
 *     peer_fixture_take(&w, 41, 79);                the orderer's blocks come again
 *     peer_fixture_expect_databases(dir);           key by key as they were
 *
 * Go origin   none
 * Owner       the test
 */
#ifndef WEFT_TESTS_PEER_FIXTURE_H
#define WEFT_TESTS_PEER_FIXTURE_H

#include "base/arena.h"
#include "peer_world.h"

#define PEER_FIXTURE_CHANNEL "mychannel"

enum {
    PEER_FIXTURE_BLOCKS = 79
};

/* Caller frees the name. */
char *peer_fixture_copy(void);
/* All below a folder into another, which may be there. */
void copy_tree(const char *from, const char *to);
/* As the orderer sent it; caller unrefs. */
struct block *peer_fixture_block(uint64_t number);
/* The private data that the peer had, by block. */
struct peer_fixture_pvt {
    struct arena arena;
    struct {
        struct kv_pvt_data txs[16];
        size_t count;
    } blocks[PEER_FIXTURE_BLOCKS];
};
void peer_fixture_pvt_read(struct peer_fixture_pvt *p);
void peer_fixture_pvt_done(struct peer_fixture_pvt *p);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct peer_fixture_pvt, peer_fixture_pvt_done)

/* Blocks from..to-1 into the peer, without private data, synced. */
void peer_fixture_take(struct peer_world *w, uint64_t from, uint64_t to);
/* The peer's newest block is the last, and each is as the real one stored it. */
void peer_fixture_expect_blocks(struct peer_world *w);
/* Of a closed ledger: state, history, private data, collections, bookkeeper, index, inventory. */
void peer_fixture_expect_databases(const char *dir);

#endif
