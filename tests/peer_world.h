/* peer_world.h - a peer's ledger of one channel, fed block by block: validated and committed.
 *
 *     peer_world_open(&w, dir, "Org1MSP", "mychannel", e)      what is there goes on
 *     peer_world_open_purging(&w, ..., 7, e)                   private data goes every 7 blocks (0: 100)
 *     peer_world_take(&w, block, pvt, count, e)                the first one makes the channel
 *     peer_world_sync_some(&w, next, e)                        a step of a sync, between two blocks
 *     peer_world_sync(&w, e)                                   the rest of it, and of what came since
 *     w.codes[i]                                               of the newest block
 *
 * Go origin   none
 * Owner       the test
 */
#ifndef WEFT_TESTS_PEER_WORLD_H
#define WEFT_TESTS_PEER_WORLD_H

#include "kvledger/kv_ledger.h"

struct bundle;
struct key_tables;
struct tx_validator;
struct validation_lane;

struct peer_world {
    struct kv_ledgers *all;
    struct kv_ledger *ledger; /* NULL: no block yet */
    struct bundle *bundle;
    struct key_tables *tables;
    struct validation_lane *lane;
    struct tx_validator *validator;
    uint8_t *codes;
    struct kv_sync *sync; /* that is out */
};

/* Of block files, for ledgers that are opened from now on; 0: Fabric's. */
extern uint64_t peer_world_file_bytes;

enum weft_code peer_world_open(struct peer_world *w, const char *dir, const char *mspid,
                               const char *channel, struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code peer_world_open_purging(struct peer_world *w, const char *dir, const char *mspid,
                                       const char *channel, uint64_t interval,
                                       struct weft_err *e) WEFT_MUST_CHECK;
void peer_world_close(struct peer_world *w);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct peer_world, peer_world_close)

enum weft_code peer_world_take(struct peer_world *w, struct block *b, const struct kv_pvt_data *pvt,
                               size_t count, struct weft_err *e) WEFT_MUST_CHECK;

/* Begins a sync, with the next block at hand (kv_ledger.h), if none is out; takes a step of that which is, or ends it. */
enum weft_code peer_world_sync_some(struct peer_world *w, const struct block *next,
                                    struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code peer_world_sync(struct peer_world *w, struct weft_err *e) WEFT_MUST_CHECK;

#endif
