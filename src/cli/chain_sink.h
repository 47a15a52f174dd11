/* chain_sink.h - where the transactions of a chain that is made go: into an orderer's
 * ledger on disk, or to an orderer.
 *
 *     chain_sink_to_ledger("ledger", "mychannel", genesis, &s, e)
 *     chain_sink_begin(s, &plan, e)                     who signs, how blocks are cut
 *     chain_sink_put(s, envelope, e) ...                in this order
 *     chain_sink_settle(s, tx_id, &place, e)            all are in blocks; the last one is there
 *
 * A ledger's blocks are made as an orderer makes them, by its own block cutter and writer.
 * To an orderer, so many envelopes are on their way at once; when it is away or busy, what
 * it has not acknowledged is sent again.
 *
 * Go origin   none
 * Owner       the main thread
 * Memory      what is on its way
 * Limits      CHAIN_SINK_WINDOW envelopes on their way
 */
#ifndef WEFT_CLI_CHAIN_SINK_H
#define WEFT_CLI_CHAIN_SINK_H

#include "base/bytes.h"

struct bundle;
struct node_target;
struct signing_identity;
struct chain_sink;

enum {
    CHAIN_SINK_WINDOW = 256
};

/* A ledger folder, made if it is not there; the channel's block 0 (NULL: the channel is
 * there already). */
enum weft_code chain_sink_to_ledger(const char *dir, const char *channel, const char *genesis,
                                    struct chain_sink **ret, struct weft_err *e) WEFT_MUST_CHECK;
/* `me` may be NULL when the block is given: it is needed before chain_sink_begin then. */
enum weft_code chain_sink_to_orderer(const struct node_target *orderer, const char *channel,
                                     const char *genesis, const struct signing_identity *me,
                                     struct chain_sink **ret, struct weft_err *e) WEFT_MUST_CHECK;
void chain_sink_free(struct chain_sink *s);
WEFT_DEFINE_CLEANUP(struct chain_sink *, chain_sink_free)

/* The channel's configuration, and the time in its header. */
struct bundle *chain_sink_bundle(const struct chain_sink *s);
int64_t chain_sink_config_ns(const struct chain_sink *s);

struct chain_sink_plan {
    const struct signing_identity *orderer; /* a ledger's blocks are signed with it */
    const struct signing_identity *client;  /* who asks an orderer for blocks */
    uint32_t block_txs;                     /* a ledger's; 0: as the channel is configured */
    uint64_t seed;                          /* of the nonces in a ledger's blocks */
    uint64_t give_up_s;                     /* an orderer that takes nothing for so long */
};
enum weft_code chain_sink_begin(struct chain_sink *s, const struct chain_sink_plan *plan,
                                struct weft_err *e) WEFT_MUST_CHECK;

enum weft_code chain_sink_put(struct chain_sink *s, struct bytes envelope,
                              struct weft_err *e) WEFT_MUST_CHECK;

struct chain_place {
    uint64_t block, tx;
};
enum weft_code chain_sink_settle(struct chain_sink *s, const char *tx_id,
                                 struct chain_place *ret_place, struct weft_err *e) WEFT_MUST_CHECK;

/* So far: blocks since the beginning, the chain's height, the last header's hash;
 * how often envelopes were sent again. */
struct chain_sink_seen {
    uint64_t blocks, height, sent_again;
    uint8_t hash[32];
};
struct chain_sink_seen chain_sink_seen(const struct chain_sink *s);

/* ---- for the two kinds ------------------------------------------------------------------- */

struct chain_sink_ops {
    enum weft_code (*begin)(struct chain_sink *s, const struct chain_sink_plan *plan,
                            struct weft_err *e);
    enum weft_code (*put)(struct chain_sink *s, struct bytes envelope, struct weft_err *e);
    enum weft_code (*settle)(struct chain_sink *s, const char *tx_id, struct chain_place *ret_place,
                             struct weft_err *e);
    void (*free)(struct chain_sink *s);
};

struct chain_sink {
    const struct chain_sink_ops *ops;
    char *channel;
    struct bundle *bundle;
    int64_t config_ns;
    struct chain_sink_seen seen;
};

struct block_view;
/* Takes the configuration from a config block.  WEFT_INVALID: of another channel. */
enum weft_code chain_sink_configure(struct chain_sink *s, const struct block_view *v,
                                    struct weft_err *e) WEFT_MUST_CHECK;
/* A block from a file. */
struct block;
enum weft_code chain_sink_read_block(const char *path, struct block **ret,
                                     struct weft_err *e) WEFT_MUST_CHECK;

#endif
