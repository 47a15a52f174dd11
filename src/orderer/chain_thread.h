/* chain_thread.h - the thread chain:<id>: a chain, its ledger, its mailbox and its timer.
 *
 *     net loops --order_request--> mailbox --> chain --> block_store
 *         ^                                      |  \-> journal
 *         +----------- answers, news ------------+
 *
 * What chain.h asks of the world outside is here: the clock, the disk, our
 * signature, and the other threads.
 *
 * Go origin   orderer/common/multichannel/chainsupport.go start
 * Owner       new, start, stop, free: main; the mailbox: any thread
 * Memory      the ledger is open as long as it lives
 * Limits      CHAIN_MAIL requests wait
 */
#ifndef WEFT_ORDERER_CHAIN_THREAD_H
#define WEFT_ORDERER_CHAIN_THREAD_H

#include "orderer/chain.h"
#include "orderer/orderer_channel.h"

struct block_store;
struct chain_thread;
struct metrics;
struct signing_identity;

enum {
    CHAIN_MAIL = 4096
};

/* What all channels of an orderer share.  Outlives the threads. */
struct chain_world {
    const struct signing_identity *signer;
    const struct x509_cert *cluster; /* see consenter_config; or NULL */
    struct channel_listeners listeners;
    struct metrics *metrics;        /* may be NULL */
    const char *journals;           /* the folder of the journals */
    bool journal;                   /* are they written? */
    const char *wal_dir, *snap_dir; /* see raft_files.h */
    void *ctx;
    /* As in chain_deps, on the chain's thread. */
    enum weft_code (*create_channel)(void *ctx, struct bytes config_envelope, struct weft_err *e);
    enum weft_code (*reprocess)(void *ctx, const struct bundle *bundle, enum order_kind kind,
                                struct bytes envelope, struct net_msg **ret, struct weft_err *e);
    /* A disk failed so that nobody knows what is on it: the process is to end. */
    void (*failed)(void *ctx, const char *channel, const struct weft_err *why);
};

/* Takes the store.  The chain is made, but does not run. */
enum weft_code chain_thread_new(const struct chain_world *world, const char *id,
                                struct bundle *bundle, struct block_store *store,
                                struct chain_thread **ret, struct weft_err *e) WEFT_MUST_CHECK;
/* Replays the journal, on the caller's thread, then starts. */
enum weft_code chain_thread_start(struct chain_thread *t, struct weft_err *e) WEFT_MUST_CHECK;
/* Takes nothing more, writes what is pending, and joins.  Two steps, so that many
 * can end at once. */
void chain_thread_ask_stop(struct chain_thread *t);
void chain_thread_join(struct chain_thread *t);
/* Before start, and after join where the channel goes for good: see raft_files.h. */
enum weft_code chain_thread_set_raft_aside(const struct chain_thread *t,
                                           struct weft_err *e) WEFT_MUST_CHECK;
/* After join; also if it was never started. */
void chain_thread_free(struct chain_thread *t);
WEFT_DEFINE_CLEANUP(struct chain_thread *, chain_thread_free)

const char *chain_thread_id(const struct chain_thread *t);
struct mailbox *chain_thread_mailbox(const struct chain_thread *t);
struct block_store *chain_thread_store(const struct chain_thread *t);
/* Before start only: what a channel begins as. */
void chain_thread_status(const struct chain_thread *t, struct consenter_status *ret);
/* Before start, and after join. */
const struct bundle *chain_thread_bundle(const struct chain_thread *t);
bool chain_thread_is_system(const struct chain_thread *t);
/* For people: consenter_status's words, any thread. */
const char *chain_thread_relation(const struct chain_thread *t);
const char *chain_thread_condition(const struct chain_thread *t);
/* Why it takes no messages any more, as text; NULL: nothing has happened to it.  A
 * reference; any thread. */
struct net_msg *chain_thread_trouble(const struct chain_thread *t);

#endif
