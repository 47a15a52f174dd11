/* ordering_world.h - a chain with a ledger in memory, a journal on disk, and a clock of ours.
 *
 *     struct world w;
 *     world_init(&w);                    three messages a block, 1000 bytes, two seconds
 *     world_open(&w);
 *     world_message(&w, "a");
 *     world_end_turn(&w);
 *     EXPECT_LOG(&w, "0:ok ");           what happened, in order
 *     world_crash(&w);                   what was not synced is gone
 *
 * In the log "1[ab]" is block 1 of the messages a and b, "sync" the ledger's, "2:ok"
 * the answer to the third request.
 *
 * Go origin   none
 * Owner       the test
 */
#ifndef WEFT_TESTS_ORDERING_WORLD_H
#define WEFT_TESTS_ORDERING_WORLD_H

#include "orderer/chain.h"
#include "test_channel.h"

#define SECOND UINT64_C(1000000000)

enum {
    WORLD_BLOCKS_MAX = 64
};

struct world {
    struct test_channel *config;
    struct bundle *bundle;
    struct chain *chain;
    struct x509_cert *cluster;
    char *journal_path; /* NULL: no journal */
    bool journal_ends;
    struct block *blocks[WORLD_BLOCKS_MAX]; /* [0] is there from the start */
    size_t appended, synced;
    size_t syncs, reads;
    uint64_t now, timer_at;
    char log[4096]; /* what happened, in order */
    enum weft_code append_says, create_says, reprocess_says;
    bool refuses;
    struct order_request requests[WORLD_BLOCKS_MAX];
    size_t request_count;
};

/* What happened since the last time. */
#define EXPECT_LOG(w, want)         \
    do {                            \
        EXPECT_STR((w)->log, want); \
        (w)->log[0] = '\0';         \
    } while (0)

void world_init(struct world *w);
void world_done(struct world *w);

/* The configuration in force, of w->config, under this number. */
void world_make_bundle(struct world *w, uint64_t sequence);
void world_keep_journal(struct world *w);

/* The process starts, goes through a turn, and is killed. */
void world_open(struct world *w);
void world_end_turn(struct world *w);
void world_crash(struct world *w);
/* Time goes on; the timer fires if it is due. */
void world_pass(struct world *w, uint64_t ns);

/* What clients send; filtered under the configuration in force, or that of `sequence`. */
void world_message(struct world *w, const char *text);
void world_message_of(struct world *w, const char *text, uint64_t sequence);
/* So many messages a block. */
void world_config_message(struct world *w, uint64_t max_messages);
void world_send(struct world *w, enum order_kind kind, uint64_t sequence, struct bytes envelope);
void world_put_envelope(int type, struct bytes data, struct buf *out);

/* What the newest block says. */
uint64_t world_last_config(const struct world *w);

#endif
