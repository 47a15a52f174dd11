/* chain.h - one channel's blocks: from accepted messages to a synced ledger.
 *
 *     order ---> consenter ---> block_cutter            turn 1: 3 messages come
 *                    |                                            block 7 is cut of two,
 *                    v  batches                                   one stays pending
 *              block_writer ---> append (later)
 *                                   |
 *     end of turn:              sync once                block 7 is durable and announced
 *                               journal, sync once       the pending one is durable
 *                               answer all               three times SUCCESS
 *
 * A turn is whatever came in one go; however many messages and blocks that are,
 * there is at most one sync of the ledger and one of the journal.
 *
 * A config message is alone in its block.  It is held against the configuration in
 * force and becomes the next one, which everybody is told of before its block is
 * announced.  A message that was filtered under an older configuration is filtered
 * again.  On the system channel, a message that makes a channel has it made
 * before its block is written.
 *
 * When the disk refuses a block (it is full), the chain takes nothing more and
 * says why, keeps what it has, and tries again every CHAIN_RETRY_MS; those whose
 * messages it holds wait.  When a sync fails nobody knows what is on disk: that is
 * chain_end_turn's error, and the process must end.
 *
 * Stepped: no thread, no clock, no socket; chain_thread.h drives it.
 *
 * Go origin   orderer/common/multichannel/chainsupport.go
 *             orderer/common/multichannel/blockwriter.go WriteConfigBlock
 * Differs     answers once it is durable; a config message that does not fit is
 *             refused where Go panics; what is pending at the end of the process
 *             becomes a block
 * Owner       chain:<id>
 * Memory      the pending messages, those of blocks that could not be written yet,
 *             and the requests of the turn
 * Limits      the mailbox that the requests come from
 */
#ifndef WEFT_ORDERER_CHAIN_H
#define WEFT_ORDERER_CHAIN_H

#include "orderer/block_writer.h"
#include "orderer/consenter.h"

struct bundle;
struct chain;
struct journal;

enum {
    CHAIN_RETRY_MS = 1000 /* after a block could not be written */
};

struct chain_deps {
    void *ctx;
    struct block_writer_deps writer; /* its append need not be durable */
    /* Makes what was appended durable and announces it. */
    enum weft_code (*sync)(void *ctx, struct weft_err *e);
    enum weft_code (*read_block)(void *ctx, uint64_t number, struct block **ret,
                                 struct weft_err *e);
    /* Makes the channel of this CONFIG envelope, and has it known everywhere. */
    enum weft_code (*create_channel)(void *ctx, struct bytes config_envelope, struct weft_err *e);
    /* Tells everybody who evaluates policies; returns when they know. */
    void (*configured)(void *ctx, struct bundle *bundle);
    void (*status)(void *ctx, const struct consenter_status *status); /* changed */
    /* Runs the filters again.  A config message becomes the one in *ret. */
    enum weft_code (*reprocess)(void *ctx, const struct bundle *bundle, enum order_kind kind,
                                struct bytes envelope, struct net_msg **ret, struct weft_err *e);
    void (*answer)(void *ctx, struct order_request *r); /* rc and why are set */
    void (*set_timer)(void *ctx, uint64_t at_ns);       /* chain_timer then; 0: never */
    void (*block_filled)(void *ctx, uint64_t fill_ns);  /* a batch was cut; may be NULL */
};

struct chain_config {
    const char *id;
    struct bundle *bundle;           /* in force */
    const struct block_view *last;   /* the newest block */
    struct journal *journal;         /* NULL: pending messages are not kept */
    bool journal_ends;               /* it is read, and then not written any more */
    const struct x509_cert *cluster; /* see consenter_config, twice */
    uint64_t raft_index;
};

/* Takes references of the bundle, and the journal. */
enum weft_code chain_new(const struct chain_config *config, const struct chain_deps *deps,
                         struct chain **ret, struct weft_err *e) WEFT_MUST_CHECK;
void chain_free(struct chain *c);
WEFT_DEFINE_CLEANUP(struct chain *, chain_free)

/* Begins, with what the journal says was accepted and is in no block. */
enum weft_code chain_start(struct chain *c, uint64_t now_ns, struct weft_err *e) WEFT_MUST_CHECK;

/* Events of a turn. */
void chain_order(struct chain *c, struct order_request *r, uint64_t now_ns);
void chain_timer(struct chain *c, uint64_t now_ns);
/* Not OK: the process must end. */
enum weft_code chain_end_turn(struct chain *c, uint64_t now_ns, struct weft_err *e) WEFT_MUST_CHECK;

/* What is pending becomes a block; who still waits is told no. */
enum weft_code chain_stop(struct chain *c, uint64_t now_ns, struct weft_err *e) WEFT_MUST_CHECK;

void chain_status(const struct chain *c, struct consenter_status *ret);
const struct bundle *chain_bundle(const struct chain *c);
/* For the report: messages that are in no block yet. */
size_t chain_pending(const struct chain *c);

#endif
