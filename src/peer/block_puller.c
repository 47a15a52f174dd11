#include "peer/block_puller.h"

#include "base/log.h"
#include "bundle/bundle.h"
#include "config/core_config.h"
#include "crypto/random.h"
#include "deliver/seek.h"
#include "msp/signed_envelope.h"
#include "net/net_msg.h"
#include "os/clock.h"
#include "os/loop.h"
#include "peer/deliver_client.h"
#include "peer/event_inbox.h"
#include "peer/orderer_list.h"
#include "peer/orderer_stream.h"
#include "peer/peer_tls.h"
#include "proto/block.h"

#include <inttypes.h>
#include <stdatomic.h>

LOG_DEFINE(blocks_log, "peer.blocksprovider");
LOG_DEFINE(delivery_log, "deliveryClient");

struct block_puller {
    const struct puller_world *world;
    struct block_puller_place place;
    const struct block_puller_deps *deps;
    void *ctx;
    struct deliver_client_config config;
    struct deliver_client client;
    struct loop_timer timer;
    struct loop_task work;
    struct orderer_source *source;
    struct orderer_endpoint endpoint; /* of the attempt; ours */
    struct orderer_stream *stream;    /* NULL: none */
    uint64_t attempt, owed;           /* the number of the block that the stream owes */
    struct event_inbox inbox;
    const struct orderer_event *event; /* the message that is looked at; NULL: none */
    bool was_taken;                    /* the message brought a block that has its place */
    bool is_broken;                    /* to be told to the client at the end of the turn */
    char *failure;                     /* likewise: why a dial failed at once */
    _Atomic uint64_t lost_ms, open_ms; /* since when; 0: not so */
};

static void work_soon(struct block_puller *p)
{
    loop_defer(p->place.loop, &p->work);
}

/* ---- what came --------------------------------------------------------------------------------- */

static enum weft_code dep_block(void *ctx, struct bytes bytes, struct weft_err *e)
{
    struct block_puller *p = ctx;
    WEFT_CLEANUP(block_unref) struct block *b = NULL;
    enum weft_code rc = orderer_event_block(p->event, bytes, &b, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, WEFT_CORRUPT,
                             "rpc error: code = Internal desc = grpc: error unmarshalling request");
    rc = p->deps->take(p->ctx, b, e);
    if (rc != WEFT_OK)
        return rc;
    p->was_taken = true;
    if (b->v.number > p->owed)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "block [%" PRIu64 "] came where block [%" PRIu64 "] was to come",
                         b->v.number, p->owed);
    if (b->v.number == p->owed)
        p->owed++;
    return WEFT_OK;
}

static void handle_event(struct block_puller *p, const struct orderer_event *ev)
{
    switch (ev->kind) {
    case ORDERER_CONNECTED:
        deliver_client_connected(&p->client, p->owed);
        break;
    case ORDERER_FAILED:
        deliver_client_failed(&p->client, ev->why);
        break;
    case ORDERER_MESSAGE:
        p->was_taken = false;
        p->event = ev;
        deliver_client_message(&p->client, net_msg_bytes(ev->message));
        p->event = NULL;
        if (p->was_taken)
            deliver_client_taken(&p->client);
        break;
    case ORDERER_CLOSED:
        deliver_client_closed(&p->client, ev->why);
        break;
    }
}

static void take_event(void *ctx, struct orderer_event *ev)
{
    struct block_puller *p = ctx;
    event_inbox_put(&p->inbox, ev);
    work_soon(p);
}

static void note_health(struct block_puller *p)
{
    uint64_t now = clock_monotonic_ms();
    bool is_lost = p->client.failures > 0 && p->client.sm.state != DELIVER_CLIENT_STOPPED;
    bool is_open = p->client.sm.state == DELIVER_CLIENT_RECEIVING;
    if (!is_lost || atomic_load(&p->lost_ms) == 0)
        atomic_store(&p->lost_ms, is_lost ? now : 0);
    if (!is_open || atomic_load(&p->open_ms) == 0)
        atomic_store(&p->open_ms, is_open ? now : 0);
}

static void tell_what_ended(struct block_puller *p)
{
    WEFT_FREE char *why = WEFT_TAKE(p->failure);
    if (why != NULL)
        deliver_client_failed(&p->client, why);
    if (p->is_broken) {
        p->is_broken = false;
        deliver_client_broken(&p->client);
    }
}

void block_puller_work(struct block_puller *p)
{
    while (p->deps->has_room(p->ctx) &&
           !(event_inbox_may_grow(&p->inbox) && p->deps->is_busy(p->ctx))) {
        event_inbox_read_ahead(&p->inbox);
        struct orderer_event *ev = event_inbox_pop(&p->inbox);
        if (ev == NULL)
            break;
        if (ev->attempt == p->attempt)
            handle_event(p, ev);
        orderer_event_done(ev);
    }
    tell_what_ended(p);
    note_health(p);
}

static void work(struct loop_task *task)
{
    block_puller_work(WEFT_CONTAINER_OF(task, struct block_puller, work));
}

uint64_t block_puller_lost_ms(const struct block_puller *p, uint64_t now_ms)
{
    uint64_t lost = atomic_load(&p->lost_ms), open = atomic_load(&p->open_ms);
    bool is_steady = open != 0 && now_ms > open + PULLER_STEADY_MS;
    return lost == 0 || is_steady || now_ms < lost ? 0 : now_ms - lost;
}

/* ---- what the client needs -------------------------------------------------------------------------- */

static void forget_endpoint(struct block_puller *p)
{
    free((char *)p->endpoint.address);
    free((uint8_t *)p->endpoint.roots.data);
    p->endpoint = (struct orderer_endpoint){ 0 };
}

static const struct orderer_endpoint *dep_endpoint(void *ctx)
{
    struct block_puller *p = ctx;
    uint64_t chance = 0;
    WEFT_IGNORE(random_bytes((uint8_t *)&chance, sizeof(chance), NULL)); /* 0: the first one */
    const struct orderer_endpoint *to = orderer_source_pick(p->source, chance);
    if (to == NULL)
        return NULL;
    /* The source may forget it while it is in use. */
    uint8_t *roots = weft_alloc(to->roots.len + 1);
    if (to->roots.len > 0)
        memcpy(roots, to->roots.data, to->roots.len);
    forget_endpoint(p);
    p->endpoint =
        (struct orderer_endpoint){ weft_strdup(to->address), bytes_of(roots, to->roots.len) };
    return &p->endpoint;
}

static void dep_hang_up(void *ctx)
{
    struct block_puller *p = ctx;
    struct orderer_event *ev;
    p->attempt++;
    while ((ev = event_inbox_pop(&p->inbox)) != NULL)
        orderer_event_done(ev);
    if (p->stream != NULL)
        orderer_stream_close(WEFT_TAKE(p->stream));
}

static enum weft_code make_request(const struct block_puller *p, const struct tls_context *tls,
                                   struct buf *out, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf info = { 0 };
    const struct digest *our_hash = tls != NULL ? tls_context_cert_hash(tls) : NULL;
    const struct seek_info seek = {
        .start = { .kind = SEEK_SPECIFIED, .number = p->owed },
        .stop = { .kind = SEEK_SPECIFIED, .number = UINT64_MAX },
    };
    seek_info_encode(&seek, &info);
    const struct envelope_plan plan = {
        .type = HEADER_DELIVER_SEEK_INFO,
        .channel_id = p->place.channel_id,
        .now_ns = clock_wall_ns() / 1000000000 * 1000000000, /* whole seconds */
        .tls_cert_hash = our_hash != NULL ? digest_bytes(our_hash) : bytes_of(NULL, 0),
        .data = buf_bytes(&info),
    };
    return signed_envelope(p->world->signer, &plan, out, e);
}

static uint32_t ms_of(int64_t ns)
{
    int64_t ms = ns / 1000000;
    return ms < 1 ? 1 : ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
}

static void open_stream(struct block_puller *p, const char *address, struct tls_context *tls,
                        struct bytes request)
{
    const struct core_config *c = p->world->config;
    p->stream = orderer_stream_open(&(struct orderer_stream_plan){
        .loop = p->world->loops[p->attempt % p->world->loop_count],
        .back = p->place.mb,
        .take = take_event,
        .ctx = p,
        .attempt = p->attempt,
        .address = address,
        .tls = tls,
        .request = request,
        .connect_timeout_ms = ms_of(c->deliver_client.conn_timeout_ns),
        .keepalive_ms = ms_of(c->peer.deliver_client_keepalive.interval_ns),
        .keepalive_timeout_ms = ms_of(c->peer.deliver_client_keepalive.timeout_ns),
    });
}

static void dep_dial(void *ctx, const struct orderer_endpoint *to)
{
    struct block_puller *p = ctx;
    WEFT_CLEANUP(tls_context_unref) struct tls_context *tls = NULL;
    WEFT_CLEANUP(buf_done) struct buf request = { 0 };
    struct weft_err e = { 0 };
    dep_hang_up(p);
    work_soon(p);
    p->owed = p->deps->height(p->ctx);
    if (peer_tls_dial_context(p->world->tls, to->roots, &tls, &e) != WEFT_OK) {
        p->failure = weft_asprintf("could not dial endpoint '%s': failed to create new "
                                   "connection: %s",
                                   to->address, e.msg);
    } else if (make_request(p, tls, &request, &e) != WEFT_OK) {
        LOG_ERROR(&blocks_log,
                  "Could not create a signed Deliver SeekInfo message, something is critically "
                  "wrong: %s" LOG_KV "channel=%s",
                  e.msg, p->place.channel_id);
        p->is_broken = true;
    } else {
        open_stream(p, to->address, tls, buf_bytes(&request));
    }
}

static void dep_wait(void *ctx, int64_t ns)
{
    struct block_puller *p = ctx;
    loop_timer_set(p->place.loop, &p->timer,
                   clock_monotonic_ms() + (uint64_t)(ns + 999999) / 1000000);
}

static void timer_fired(struct loop_timer *timer)
{
    struct block_puller *p = WEFT_CONTAINER_OF(timer, struct block_puller, timer);
    deliver_client_timer(&p->client);
}

static void dep_gave_up(void *ctx)
{
    struct block_puller *p = ctx;
    p->deps->gave_up(p->ctx);
}

static const struct deliver_client_deps client_deps = {
    .endpoint = dep_endpoint,
    .dial = dep_dial,
    .hang_up = dep_hang_up,
    .wait = dep_wait,
    .block = dep_block,
    .gave_up = dep_gave_up,
};

/* ---- life ---------------------------------------------------------------------------------------------- */

struct block_puller *block_puller_new(const struct puller_world *world,
                                      const struct block_puller_place *place,
                                      const struct block_puller_deps *deps, void *ctx)
{
    struct block_puller *p = weft_alloc(sizeof(*p));
    p->world = world;
    p->place = *place;
    p->deps = deps;
    p->ctx = ctx;
    p->timer.fire = timer_fired;
    p->work.run = work;
    p->source = orderer_source_new(world->overrides, world->override_count);
    p->config = (struct deliver_client_config){
        .channel_id = place->channel_id,
        .most_delay_ns = world->config->deliver_client.reconnect_backoff_ns,
        .most_total_ns = world->config->deliver_client.reconnect_total_ns,
        .yields = !world->config->gossip.org_leader,
    };
    deliver_client_init(&p->client, &p->config, &client_deps, p);
    return p;
}

void block_puller_free(struct block_puller *p)
{
    if (p == NULL)
        return;
    dep_hang_up(p);
    loop_timer_clear(p->place.loop, &p->timer);
    loop_undefer(p->place.loop, &p->work);
    orderer_source_free(p->source);
    forget_endpoint(p);
    free(p->failure);
    free(p);
}

void block_puller_configure(struct block_puller *p, const struct bundle *b)
{
    if (orderer_list_update(p->source, b))
        deliver_client_refreshed(&p->client);
}

void block_puller_start(struct block_puller *p)
{
    bool spreads = p->world->config->deliver_client.block_gossip_enabled;
    LOG_INFO(&delivery_log,
             "This peer will retrieve blocks from ordering service %s to other peers in the "
             "organization%s" LOG_KV "channel=%s",
             spreads ? "and disseminate" : "(will not disseminate them", spreads ? "" : ")",
             p->place.channel_id);
    deliver_client_start(&p->client);
}

void block_puller_stop(struct block_puller *p)
{
    deliver_client_stop(&p->client);
    dep_hang_up(p); /* also what is between two attempts */
    note_health(p);
}

void block_puller_refuse(struct block_puller *p, const char *why)
{
    deliver_client_refused(&p->client, why);
}
