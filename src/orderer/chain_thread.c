#include "orderer/chain_thread.h"

#include "base/log.h"
#include "base/snapshot.h"
#include "bundle/bundle.h"
#include "crypto/random.h"
#include "ledger/block_store.h"
#include "msp/signing_identity.h"
#include "net/net_msg.h"
#include "ops/metrics.h"
#include "orderer/journal.h"
#include "os/clock.h"
#include "os/dirs.h"
#include "os/loop.h"
#include "os/thread.h"

#include <stdatomic.h>

LOG_DEFINE(logger, "orderer.commmon.multichannel");

struct chain_thread {
    const struct chain_world *world;
    char *id, *name;
    bool is_system;
    struct block_store *store;
    struct chain *chain;
    struct mailbox *mb;
    struct loop *loop;
    struct loop_timer timer;
    struct loop_task end_turn;
    struct thread *thread;
    struct mail stop;
    _Atomic(const char *) relation, condition;
    struct snapshot *trouble; /* a net_msg, or NULL */
    struct {
        struct metric_cell *block_fill, *commit_time, *height;
        /* NULL: another consenter */
        struct metric_cell *raft_block, *raft_normal, *raft_config, *raft_failures, *raft_persist;
    } counts;
    bool failed; /* nothing more is done, and nobody answered */
};

/* ---- what is counted -------------------------------------------------------------------------- */

static void show_height(struct chain_thread *t)
{
    uint64_t height = block_store_height(t->store);
    metric_set(t->counts.height, (double)height);
    metric_set(t->counts.raft_block, (double)(height - 1));
}

static void begin_counting(struct chain_thread *t, const struct bundle *bundle)
{
    struct metrics_owner *o = metrics_owner_new(t->world->metrics);
    struct consenter_status status;
    chain_status(t->chain, &status);
    t->counts.block_fill = METRIC_OF(o, BLOCKCUTTER_BLOCK_FILL_DURATION, t->id);
    t->counts.commit_time = METRIC_OF(o, LEDGER_BLOCKSTORAGE_COMMIT_TIME, t->id);
    t->counts.height = METRIC_OF(o, LEDGER_BLOCKCHAIN_HEIGHT, t->id);
    if (strcmp(bundle_orderer(bundle)->consensus_type, "etcdraft") == 0 && status.refuses == NULL) {
        t->counts.raft_block = METRIC_OF(o, CONSENSUS_ETCDRAFT_COMMITTED_BLOCK_NUMBER, t->id);
        t->counts.raft_normal = METRIC_OF(o, CONSENSUS_ETCDRAFT_NORMAL_PROPOSALS_RECEIVED, t->id);
        t->counts.raft_config = METRIC_OF(o, CONSENSUS_ETCDRAFT_CONFIG_PROPOSALS_RECEIVED, t->id);
        t->counts.raft_failures = METRIC_OF(o, CONSENSUS_ETCDRAFT_PROPOSAL_FAILURES, t->id);
        t->counts.raft_persist = METRIC_OF(o, CONSENSUS_ETCDRAFT_DATA_PERSIST_DURATION, t->id);
        metric_show(t->counts.raft_persist);
        metric_set(METRIC_OF(o, CONSENSUS_ETCDRAFT_SNAPSHOT_BLOCK_NUMBER, t->id), 0); /* none */
        metric_set(METRIC_OF(o, CONSENSUS_ETCDRAFT_CLUSTER_SIZE, t->id), 1);
        metric_set(METRIC_OF(o, CONSENSUS_ETCDRAFT_IS_LEADER, t->id), 1);
        metric_set(METRIC_OF(o, CONSENSUS_ETCDRAFT_ACTIVE_NODES, t->id), 1);
        metric_add(METRIC_OF(o, CONSENSUS_ETCDRAFT_LEADER_CHANGES, t->id), 1);
    }
    show_height(t);
}

/* ---- what the chain needs ------------------------------------------------------------------- */

static enum weft_code dep_nonce(void *ctx, uint8_t ret[BLOCK_WRITER_NONCE], struct weft_err *e)
{
    (void)ctx;
    return random_bytes(ret, BLOCK_WRITER_NONCE, e);
}

static enum weft_code dep_sign(void *ctx, struct bytes message, struct buf *out, struct weft_err *e)
{
    const struct chain_thread *t = ctx;
    return signing_identity_sign(t->world->signer, message, out, e);
}

static enum weft_code dep_append(void *ctx, const struct block_view *v, struct weft_err *e)
{
    struct chain_thread *t = ctx;
    return block_store_append(t->store, v, BLOCK_APPEND_LATER, e);
}

static enum weft_code dep_sync(void *ctx, struct weft_err *e)
{
    struct chain_thread *t = ctx;
    uint64_t begin = clock_monotonic_ns();
    WEFT_TRY(block_store_sync(t->store, e));
    uint64_t took = clock_monotonic_ns() - begin;
    metric_observe_ns(t->counts.commit_time, took);
    metric_observe_ns(t->counts.raft_persist, took); /* the blocks are all that is kept of Raft's */
    show_height(t);
    return WEFT_OK;
}

static enum weft_code dep_read(void *ctx, uint64_t number, struct block **ret, struct weft_err *e)
{
    struct chain_thread *t = ctx;
    return block_store_read(t->store, number, ret, e);
}

static enum weft_code dep_create_channel(void *ctx, struct bytes config_envelope,
                                         struct weft_err *e)
{
    const struct chain_thread *t = ctx;
    return t->world->create_channel(t->world->ctx, config_envelope, e);
}

static void dep_configured(void *ctx, struct bundle *bundle)
{
    const struct chain_thread *t = ctx;
    channel_news_send(&t->world->listeners,
                      &(struct channel_event){ .what = CHANNEL_CONFIGURED,
                                               .start = { .id = t->id, .bundle = bundle } });
}

static void *trouble_ref(void *text)
{
    return text != NULL ? net_msg_ref(text) : NULL;
}

static void trouble_unref(void *text)
{
    net_msg_unref(text);
}

static const struct snapshot_ops trouble_counting = { trouble_ref, trouble_unref };

static void keep_words(struct chain_thread *t, const struct consenter_status *status)
{
    atomic_store(&t->relation, status->relation);
    atomic_store(&t->condition, status->status);
}

static void dep_status(void *ctx, const struct consenter_status *status)
{
    struct chain_thread *t = ctx;
    const char *why = status->refuses;
    keep_words(t, status);
    snapshot_set(t->trouble, why != NULL ? net_msg_copy(bytes_of_str(why)) : NULL);
    channel_news_send(&t->world->listeners,
                      &(struct channel_event){ .what = CHANNEL_CONSENTER,
                                               .start = { .id = t->id,
                                                          .is_errored = status->is_errored,
                                                          .refuses = status->refuses } });
}

static enum weft_code dep_reprocess(void *ctx, const struct bundle *bundle, enum order_kind kind,
                                    struct bytes envelope, struct net_msg **ret, struct weft_err *e)
{
    const struct chain_thread *t = ctx;
    return t->world->reprocess(t->world->ctx, bundle, kind, envelope, ret, e);
}

static void dep_block_filled(void *ctx, uint64_t fill_ns)
{
    metric_observe_ns(((struct chain_thread *)ctx)->counts.block_fill, fill_ns);
}

static void dep_set_timer(void *ctx, uint64_t at_ns)
{
    struct chain_thread *t = ctx;
    if (at_ns == 0)
        loop_timer_clear(t->loop, &t->timer);
    else
        loop_timer_set(t->loop, &t->timer, (at_ns + 999999) / 1000000);
}

/* ---- requests ---------------------------------------------------------------------------------- */

static void request_done(struct mail *m, void *owner)
{
    struct order_request *r = WEFT_CONTAINER_OF(m, struct order_request, mail);
    r->done(r, owner);
}

static void request_dropped(struct mail *m)
{
    struct order_request *r = WEFT_CONTAINER_OF(m, struct order_request, mail);
    r->drop(r);
}

static void dep_answer(void *ctx, struct order_request *r)
{
    const struct chain_thread *t = ctx;
    if (r->rc == WEFT_UNAVAILABLE)
        metric_add(t->counts.raft_failures, 1);
    r->mail = (struct mail){ .handle = request_done, .drop = request_dropped };
    if (!mailbox_put_waiting(r->back, &r->mail))
        r->drop(r);
}

static void fail(struct chain_thread *t, const struct weft_err *why)
{
    t->failed = true;
    loop_timer_clear(t->loop, &t->timer);
    t->world->failed(t->world->ctx, t->id, why);
}

static void end_turn(struct loop_task *task)
{
    struct chain_thread *t = WEFT_CONTAINER_OF(task, struct chain_thread, end_turn);
    struct weft_err e = { 0 };
    if (!t->failed && chain_end_turn(t->chain, clock_monotonic_ns(), &e) != WEFT_OK)
        fail(t, &e);
}

static void take_request(struct mail *m, void *owner)
{
    struct order_request *r = WEFT_CONTAINER_OF(m, struct order_request, mail);
    struct chain_thread *t = owner;
    if (t->failed) {
        r->rc = WEFT_FAIL(&r->why, WEFT_UNAVAILABLE, "chain is stopped");
        dep_answer(t, r);
        return;
    }
    metric_add(r->kind == ORDER_CONFIG ? t->counts.raft_config : t->counts.raft_normal, 1);
    chain_order(t->chain, r, clock_monotonic_ns());
    loop_defer(t->loop, &t->end_turn);
}

bool order_request_send(struct order_request *r, struct mailbox *chain)
{
    r->mail = (struct mail){ .handle = take_request, .drop = request_dropped };
    return mailbox_put(chain, &r->mail);
}

static void timer_fired(struct loop_timer *timer)
{
    struct chain_thread *t = WEFT_CONTAINER_OF(timer, struct chain_thread, timer);
    if (t->failed)
        return;
    chain_timer(t->chain, clock_monotonic_ns());
    loop_defer(t->loop, &t->end_turn);
}

/* ---- the thread ------------------------------------------------------------------------------------ */

static void run(void *arg)
{
    loop_run(((struct chain_thread *)arg)->loop);
}

/* ---- Raft's files ------------------------------------------------------------------------------- */

static struct raft_files raft_files_of(const struct chain_thread *t)
{
    return (struct raft_files){ t->world->wal_dir, t->world->snap_dir, t->id };
}

/* False: there is no Raft, and nothing to be done about its files. */
static bool is_raft(const struct chain_thread *t, struct raft_place *ret)
{
    struct consenter_status status;
    chain_status(t->chain, &status);
    *ret = status.raft;
    return ret->node != 0 && t->world->wal_dir[0] != '\0' && t->world->snap_dir[0] != '\0';
}

static enum weft_code hand_over(const struct chain_thread *t, const struct raft_place *place,
                                struct weft_err *e)
{
    WEFT_CLEANUP(block_unref) struct block *last = NULL;
    WEFT_CLEANUP(buf_done) struct buf encoded = { 0 };
    struct raft_files files = raft_files_of(t);
    WEFT_TRY(block_store_read(t->store, UINT64_MAX, &last, e));
    block_encode(&last->v, &encoded);
    return raft_files_write(&files, place, buf_bytes(&encoded), e);
}

static void write_raft_files(const struct chain_thread *t)
{
    struct raft_place place;
    struct weft_err e = { 0 };
    if (is_raft(t, &place) && hand_over(t, &place, &e) != WEFT_OK)
        LOG_WARN(&logger, "A Go orderer will not go on with this channel: %s" LOG_KV "channel=%s",
                 e.msg, t->id);
}

enum weft_code chain_thread_set_raft_aside(const struct chain_thread *t, struct weft_err *e)
{
    struct raft_place place;
    struct raft_files files = raft_files_of(t);
    if (!is_raft(t, &place))
        return WEFT_OK;
    enum weft_code rc = raft_files_set_aside(&files, e);
    return rc == WEFT_OK ? rc : weft_err_wrap(e, rc, "[channel: %s] Raft's files", t->id);
}

/* A start that ends before there is a block: nothing else would tell of it. */
static void note_raft_place(const struct chain_thread *t)
{
    struct raft_place place;
    struct raft_files files = raft_files_of(t);
    struct weft_err e = { 0 };
    if (is_raft(t, &place) && raft_files_note(&files, place.index, &e) != WEFT_OK)
        LOG_WARN(&logger,
                 "A start after a crash will not know how often this one was started: %s" LOG_KV
                 "channel=%s",
                 e.msg, t->id);
}

/* ---- the end -------------------------------------------------------------------------------------- */

static void take_stop(struct mail *m, void *owner)
{
    struct chain_thread *t = owner;
    struct weft_err e = { 0 };
    (void)m;
    if (!t->failed && chain_stop(t->chain, clock_monotonic_ns(), &e) != WEFT_OK)
        fail(t, &e);
    if (!t->failed)
        write_raft_files(t);
    loop_stop(t->loop);
}

static void stop_dropped(struct mail *m)
{
    (void)m; /* it lies in the thread's struct */
}

static enum weft_code open_journal(const struct chain_thread *t, struct journal **ret,
                                   struct weft_err *e)
{
    WEFT_FREE char *path = weft_asprintf("%s/%s", t->world->journals, t->id);
    WEFT_CLEANUP(block_unref) struct block *first = NULL;
    if (!t->world->journal && !path_exists(path))
        return WEFT_OK;
    WEFT_TRY(dir_make(t->world->journals, e));
    WEFT_TRY(block_store_read(t->store, 0, &first, e));
    struct digest hash = block_header_hash(&first->v);
    return journal_open(path, &hash, ret, e);
}

static enum weft_code make_chain(struct chain_thread *t, struct bundle *bundle, struct weft_err *e)
{
    WEFT_CLEANUP(block_unref) struct block *last = NULL;
    WEFT_CLEANUP(journal_close) struct journal *journal = NULL;
    const struct raft_files files = raft_files_of(t);
    WEFT_TRY(block_store_read(t->store, UINT64_MAX, &last, e));
    WEFT_TRY(open_journal(t, &journal, e));
    const struct chain_deps deps = {
        .ctx = t,
        .writer = { .ctx = t,
                    .creator = signing_identity_bytes(t->world->signer),
                    .nonce = dep_nonce,
                    .sign = dep_sign,
                    .append = dep_append },
        .sync = dep_sync,
        .read_block = dep_read,
        .create_channel = dep_create_channel,
        .configured = dep_configured,
        .status = dep_status,
        .reprocess = dep_reprocess,
        .answer = dep_answer,
        .set_timer = dep_set_timer,
        .block_filled = dep_block_filled,
    };
    const struct chain_config config = { .id = t->id,
                                         .bundle = bundle,
                                         .last = &last->v,
                                         .journal = journal,
                                         .journal_ends = !t->world->journal,
                                         .cluster = t->world->cluster,
                                         .raft_index = raft_files_index(&files) };
    WEFT_TRY(chain_new(&config, &deps, &t->chain, e));
    journal = NULL; /* the chain's now */
    return WEFT_OK;
}

enum weft_code chain_thread_new(const struct chain_world *world, const char *id,
                                struct bundle *bundle, struct block_store *store,
                                struct chain_thread **ret, struct weft_err *e)
{
    WEFT_CLEANUP(chain_thread_free) struct chain_thread *t = weft_alloc(sizeof(*t));
    t->world = world;
    t->id = weft_strdup(id);
    t->name = weft_asprintf("chain:%s", id);
    t->store = store;
    t->is_system = bundle_consortiums(bundle) != NULL;
    t->mb = mailbox_new(t->name, CHAIN_MAIL);
    t->loop = loop_new(t->mb, t);
    t->timer.fire = timer_fired;
    t->end_turn.run = end_turn;
    t->stop = (struct mail){ .handle = take_stop, .drop = stop_dropped };
    t->trouble = snapshot_new(NULL, &trouble_counting);
    WEFT_TRY(make_chain(t, bundle, e));
    begin_counting(t, bundle);
    struct consenter_status status;
    chain_status(t->chain, &status);
    keep_words(t, &status);
    *ret = WEFT_TAKE(t);
    return WEFT_OK;
}

enum weft_code chain_thread_start(struct chain_thread *t, struct weft_err *e)
{
    WEFT_TRY(chain_thread_set_raft_aside(t, e)); /* before there is a block that they don't know */
    WEFT_TRY(chain_start(t->chain, clock_monotonic_ns(), e));
    note_raft_place(t);
    LOG_DEBUG(&logger, "Starting channel: %s", t->id);
    return thread_start(t->name, run, t, &t->thread, e);
}

void chain_thread_ask_stop(struct chain_thread *t)
{
    /* Requests that are there already come first. */
    if (t->thread != NULL)
        WEFT_ASSERT(mailbox_put_waiting(t->mb, &t->stop));
    mailbox_close(t->mb);
}

void chain_thread_join(struct chain_thread *t)
{
    thread_join(WEFT_TAKE(t->thread));
}

void chain_thread_free(struct chain_thread *t)
{
    if (t == NULL)
        return;
    chain_free(t->chain);
    loop_free(t->loop);
    mailbox_free(t->mb);
    block_store_close(t->store);
    snapshot_free(t->trouble);
    free(t->name);
    free(t->id);
    free(t);
}

const char *chain_thread_id(const struct chain_thread *t)
{
    return t->id;
}

struct mailbox *chain_thread_mailbox(const struct chain_thread *t)
{
    return t->mb;
}

struct block_store *chain_thread_store(const struct chain_thread *t)
{
    return t->store;
}

void chain_thread_status(const struct chain_thread *t, struct consenter_status *ret)
{
    chain_status(t->chain, ret);
}

const struct bundle *chain_thread_bundle(const struct chain_thread *t)
{
    return chain_bundle(t->chain);
}

bool chain_thread_is_system(const struct chain_thread *t)
{
    return t->is_system;
}

const char *chain_thread_relation(const struct chain_thread *t)
{
    return atomic_load(&t->relation);
}

const char *chain_thread_condition(const struct chain_thread *t)
{
    return atomic_load(&t->condition);
}

struct net_msg *chain_thread_trouble(const struct chain_thread *t)
{
    return snapshot_get(t->trouble);
}
