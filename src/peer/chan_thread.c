#include "peer/chan_thread.h"

#include "base/log.h"
#include "base/snapshot.h"
#include "bundle/bundle.h"
#include "config/core_config.h"
#include "gossip/leader_election.h"
#include "gossip/payload_buffer.h"
#include "kvledger/kv_ledger.h"
#include "msp/signing_identity.h"
#include "node/net_loop.h"
#include "ops/metrics.h"
#include "os/clock.h"
#include "os/loop.h"
#include "os/thread.h"
#include "peer/block_verifier.h"
#include "peer/blocks_out.h"
#include "peer/channel_anchors.h"
#include "peer/commit_thread.h"
#include "proto/identity.h"

#include <inttypes.h>

LOG_DEFINE(state_log, "gossip.state");
LOG_DEFINE(service_log, "gossip.service");
LOG_DEFINE(blocks_log, "peer.blocksprovider");

struct chan_thread {
    const struct chan_world *world;
    struct chan_place place;
    char *id, *name;
    struct mailbox *mb;
    struct loop *loop;
    struct thread *thread;
    struct mail stop;
    struct bundle *bundle; /* as this thread knows it */
    struct channel_anchors anchors;
    struct block_puller *puller;
    struct block_verifier *verifier;
    struct payload_buffer buffer;
    struct digest last_hash; /* of the block before buffer.next */
    struct blocks_out out;
    struct commit_watch watch;
    struct leader_election_config election_config;
    struct leader_election election;
    struct loop_timer election_timer;
    struct digest pki_id;
    char *pki_name;
    struct metric_cell *buffer_size, *leader;
    _Atomic uint64_t behind_ms; /* since when more is here than can be handed on; 0: it is not */
};

/* ---- blocks on their way ------------------------------------------------------------------------ */

/* What was committed meanwhile.  Many blocks take memory that is not needed any more when the last
 * of them is; it is mostly that of the loop which read them. */
static void note_done(struct chan_thread *t)
{
    const struct puller_world *w = &t->world->puller;
    if (!blocks_out_done(&t->out, commit_thread_done(t->place.commit),
                         commit_thread_done_bytes(t->place.commit)))
        return;
    for (size_t i = 0; i < w->loop_count; i++)
        net_loop_rest_soon(w->loops[i]);
}

static void refuse_next(struct chan_thread *t, const struct block *b)
{
    WEFT_FREE char *ours = bytes_to_hex(digest_bytes(&t->last_hash));
    WEFT_FREE char *theirs = bytes_to_hex(b->v.previous_hash);
    WEFT_FREE char *why =
        weft_asprintf("unexpected Previous block hash. Expected PreviousHash = [%s], PreviousHash "
                      "referred in the latest block= [%.128s]",
                      ours, theirs);
    payload_buffer_discard(&t->buffer);
    LOG_ERROR(&state_log, "Block [%" PRIu64 "] is not of this chain: %s" LOG_KV "channel=%s",
              t->buffer.next, why, t->id);
    block_puller_refuse(t->puller, why);
}

static void note_buffer(struct chan_thread *t)
{
    bool is_behind = t->buffer.count > 0;
    if (!is_behind || atomic_load(&t->behind_ms) == 0)
        atomic_store(&t->behind_ms, is_behind ? clock_monotonic_ms() : 0);
    metric_set(t->buffer_size, (double)t->buffer.count);
}

static void hand_on(struct chan_thread *t)
{
    struct block *b;
    note_done(t);
    while ((b = payload_buffer_peek(&t->buffer)) != NULL && blocks_out_has_room(&t->out)) {
        if (!bytes_eq(b->v.previous_hash, digest_bytes(&t->last_hash))) {
            refuse_next(t, b);
            break;
        }
        if (!commit_thread_put(t->place.commit, b))
            break;
        t->last_hash = block_header_hash(&b->v);
        blocks_out_put(&t->out, b->raw.len);
        block_unref(payload_buffer_pop(&t->buffer));
    }
    note_buffer(t);
}

/* ---- what the puller asks ----------------------------------------------------------------------- */

static uint64_t dep_height(void *ctx)
{
    const struct chan_thread *t = ctx;
    return commit_thread_next(t->place.commit);
}

/* The next block is taken even by a full buffer: nothing would leave it otherwise. */
static bool dep_has_room(void *ctx)
{
    struct chan_thread *t = ctx;
    return !payload_buffer_is_full(&t->buffer) || payload_buffer_peek(&t->buffer) == NULL;
}

static bool dep_is_busy(void *ctx)
{
    struct chan_thread *t = ctx;
    note_done(t);
    return blocks_out_is_busy(&t->out);
}

static enum weft_code dep_take(void *ctx, struct block *b, struct weft_err *e)
{
    struct chan_thread *t = ctx;
    enum weft_code rc = block_verify(t->verifier, t->bundle, b->v.number, b, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "block from orderer could not be verified");
    LOG_DEBUG(&blocks_log, "Adding payload to local buffer, blockNum = [%" PRIu64 "]", b->v.number);
    if (payload_buffer_put(&t->buffer, b) == PAYLOAD_AHEAD) {
        LOG_WARN(&blocks_log,
                 "Block [%" PRIu64 "] received from ordering service wasn't added to payload "
                 "buffer: it is too far ahead" LOG_KV "channel=%s",
                 b->v.number, t->id);
        return WEFT_FAIL(e, WEFT_LIMIT, "could not add block as payload: it is too far ahead");
    }
    hand_on(t);
    return WEFT_OK;
}

static void dep_gave_up(void *ctx)
{
    struct chan_thread *t = ctx;
    leader_election_yield(&t->election, (int64_t)clock_monotonic_ns());
}

static const struct block_puller_deps puller_deps = {
    .height = dep_height,
    .has_room = dep_has_room,
    .is_busy = dep_is_busy,
    .take = dep_take,
    .gave_up = dep_gave_up,
};

/* ---- who leads -------------------------------------------------------------------------------------- */

/* Peers of our organisation in the channel: nobody is known as long as we don't gossip. */
static size_t dep_peers(void *ctx)
{
    (void)ctx;
    return 0;
}

static void dep_send(void *ctx, bool is_declaration)
{
    (void)ctx;
    (void)is_declaration; /* to nobody */
}

static void dep_leads(void *ctx, bool yes)
{
    struct chan_thread *t = ctx;
    if (yes) {
        LOG_INFO(&service_log, "Elected as a leader, starting delivery service for channel %s",
                 t->id);
        block_puller_start(t->puller);
    } else {
        LOG_INFO(&service_log, "Renounced leadership, stopping delivery service for channel %s",
                 t->id);
        block_puller_stop(t->puller);
    }
}

static void dep_wait(void *ctx, int64_t ns)
{
    struct chan_thread *t = ctx;
    loop_timer_set(t->loop, &t->election_timer,
                   clock_monotonic_ms() + (uint64_t)(ns + 999999) / 1000000);
}

static void dep_report(void *ctx, bool leads)
{
    metric_set(((struct chan_thread *)ctx)->leader, leads ? 1 : 0);
}

static const struct leader_election_deps election_deps = {
    .peers = dep_peers,
    .send = dep_send,
    .leads = dep_leads,
    .wait = dep_wait,
    .report = dep_report,
};

static void election_timer_fired(struct loop_timer *timer)
{
    struct chan_thread *t = WEFT_CONTAINER_OF(timer, struct chan_thread, election_timer);
    leader_election_timer(&t->election, (int64_t)clock_monotonic_ns());
}

/* A peer's name among peers: SHA-256 of its MSP's id and its certificate. */
static struct digest pki_id_of(const struct signing_identity *who)
{
    struct serialized_identity v = { 0 };
    struct sha256 h;
    WEFT_IGNORE(serialized_identity_parse(signing_identity_bytes(who), &v, NULL)); /* our own */
    sha256_init(&h);
    sha256_add(&h, v.mspid);
    sha256_add(&h, v.id_bytes);
    return sha256_end(&h);
}

/* ---- configuration ------------------------------------------------------------------------------------- */

static void commit_moved(struct commit_watch *w, void *owner)
{
    struct chan_thread *t = owner;
    struct bundle *now = snapshot_get(t->place.bundle);
    bool is_new = now != t->bundle;
    (void)w;
    bundle_unref(t->bundle);
    t->bundle = now;
    if (is_new) {
        channel_anchors_tell(&t->anchors, now);
        block_puller_configure(t->puller, now);
    }
    hand_on(t);
    block_puller_work(t->puller);
}

/* ---- life ---------------------------------------------------------------------------------------------- */

static void run(void *arg)
{
    struct chan_thread *t = arg;
    const struct core_gossip_config *g = &t->world->puller.config->gossip;
    channel_anchors_tell(&t->anchors, t->bundle);
    LOG_INFO(
        &state_log,
        "Updating metadata information for channel %s, current ledger sequence is at = %" PRIu64
        ", next expected block is = %" PRIu64,
        t->id, t->buffer.next - 1, t->buffer.next);
    if (g->use_leader_election)
        leader_election_start(&t->election, (int64_t)clock_monotonic_ns());
    else if (g->org_leader)
        block_puller_start(t->puller);
    loop_run(t->loop);
}

static void take_stop(struct mail *m, void *owner)
{
    struct chan_thread *t = owner;
    (void)m;
    LOG_INFO(&service_log, "Stopping chain %s", t->id);
    if (t->world->puller.config->gossip.use_leader_election)
        LOG_INFO(&service_log, "Stopping leader election for %s", t->id);
    block_puller_stop(t->puller);
    loop_stop(t->loop);
}

static void stop_dropped(struct mail *m)
{
    (void)m; /* it lies in the thread's struct */
}

static void init_election(struct chan_thread *t)
{
    const struct core_gossip_config *g = &t->world->puller.config->gossip;
    struct metrics_owner *o = metrics_owner_new(t->world->metrics);
    t->buffer_size = METRIC_OF(o, GOSSIP_PAYLOAD_BUFFER_SIZE, t->id);
    t->leader = METRIC_OF(o, GOSSIP_LEADER_ELECTION_LEADER, t->id);
    metric_set(METRIC_OF(o, GOSSIP_MEMBERSHIP_TOTAL_PEERS_KNOWN, t->id), 0); /* we know of none */
    t->pki_id = pki_id_of(t->world->puller.signer);
    t->pki_name = bytes_to_hex(digest_bytes(&t->pki_id));
    t->election_config = (struct leader_election_config){
        .name = t->pki_name,
        .id = digest_bytes(&t->pki_id),
        .grace_ns = g->election_startup_grace_ns,
        .sample_ns = g->election_membership_sample_ns,
        .alive_ns = g->election_leader_alive_ns,
        .election_ns = g->election_duration_ns,
    };
    t->election_timer.fire = election_timer_fired;
    leader_election_init(&t->election, &t->election_config, &election_deps, t);
}

struct chan_thread *chan_thread_new(const struct chan_world *world, const struct chan_place *place)
{
    struct chan_thread *t = weft_alloc(sizeof(*t));
    struct block_store_info info;
    t->world = world;
    t->place = *place;
    t->id = weft_strdup(place->id);
    t->place.id = t->id;
    t->name = weft_asprintf("chan:%s", place->id);
    t->mb = mailbox_new(t->name, CHAN_MAIL);
    t->loop = loop_new(t->mb, t);
    t->stop = (struct mail){ .handle = take_stop, .drop = stop_dropped };
    t->verifier = block_verifier_new(t->id, world->tables);
    block_store_info(kv_ledger_blocks(place->ledger), &info);
    t->last_hash = info.current_hash;
    payload_buffer_init(&t->buffer, info.height, CHAN_BUFFER_BYTES);
    t->anchors = (struct channel_anchors){
        .mspid = world->puller.config->peer.local_msp_id,
        .endpoint = world->address,
        .external_endpoint = world->puller.config->gossip.external_endpoint,
    };
    init_election(t);
    t->puller = block_puller_new(
        &world->puller,
        &(struct block_puller_place){ .channel_id = t->id, .loop = t->loop, .mb = t->mb },
        &puller_deps, t);
    t->bundle = snapshot_get(place->bundle);
    block_puller_configure(t->puller, t->bundle);
    t->watch = (struct commit_watch){ .mb = t->mb, .moved = commit_moved };
    commit_thread_watch(place->commit, &t->watch);
    return t;
}

enum weft_code chan_thread_start(struct chan_thread *t, struct weft_err *e)
{
    return thread_start(t->name, run, t, &t->thread, e);
}

void chan_thread_ask_stop(struct chan_thread *t)
{
    if (t->thread != NULL)
        WEFT_ASSERT(mailbox_put_waiting(t->mb, &t->stop));
}

void chan_thread_join(struct chan_thread *t)
{
    thread_join(WEFT_TAKE(t->thread));
    mailbox_close(t->mb);
}

void chan_thread_free(struct chan_thread *t)
{
    if (t == NULL)
        return;
    block_puller_free(t->puller);
    payload_buffer_done(&t->buffer);
    block_verifier_free(t->verifier);
    channel_anchors_done(&t->anchors);
    bundle_unref(t->bundle);
    loop_free(t->loop);
    mailbox_free(t->mb);
    free(t->pki_name);
    free(t->name);
    free(t->id);
    free(t);
}

bool chan_thread_is_well(const struct chan_thread *t, struct buf *reason)
{
    uint64_t limit = (uint64_t)t->world->puller.config->health_lost_after_ns / 1000000;
    uint64_t now = clock_monotonic_ms(), behind = atomic_load(&t->behind_ms);
    uint64_t lost = block_puller_lost_ms(t->puller, now);
    bool is_behind = behind != 0 && now > behind + limit;
    if (lost > limit)
        buf_printf(reason, "channel %s: no blocks from the ordering service for %" PRIu64 "s",
                   t->id, lost / 1000);
    else if (is_behind)
        buf_printf(
            reason, "channel %s: behind the ordering service for %" PRIu64 "s, at height %" PRIu64,
            t->id, (now - behind) / 1000, block_store_height(kv_ledger_blocks(t->place.ledger)));
    return lost <= limit && !is_behind;
}
