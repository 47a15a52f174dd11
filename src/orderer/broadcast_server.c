#include "orderer/broadcast_server.h"

#include "base/log.h"
#include "deliver/deliver_fetch.h"
#include "ops/metrics.h"
#include "orderer/broadcast_queue.h"
#include "orderer/message_trace.h"
#include "orderer/msg_filter.h"
#include "os/clock.h"
#include "os/jobs.h"
#include "os/memory_rest.h"
#include "proto/wire.h"

enum {
    CHECK_HERE_MOST = 2, /* so few signatures are checked faster here than by others */
    STORM = 1024,        /* so many envelopes at once leave holes behind (memory_rest.h) */
};

LOG_DEFINE(logger, "orderer.common.broadcast");

struct broadcast_server {
    struct broadcast_server_config config;
    struct loop_task send_batch; /* at the end of the turn */
    struct check *open;          /* the batch of this turn; NULL: nothing to check yet */
    struct net_msg *success;     /* BroadcastResponse { SUCCESS }, the same for all */
    struct memory_storm items;   /* of all streams, until they are freed on this thread */
};

struct stream {
    struct broadcast_queue queue;
    struct broadcast_server *server;
    struct grpc_stream *grpc; /* NULL: it is gone */
    size_t out;               /* items in other hands */
    bool half_closed, paused;
};

/* An envelope on its way. */
struct item {
    struct broadcast_item b;
    struct stream *stream;
    struct net_msg *msg;             /* as it came */
    struct orderer_channel *channel; /* NULL: none was found */
    struct bundle *bundle;           /* under which it is looked at */
    struct signed_set *set;
    struct item *next_in_check;
    struct order_request request;
    uint64_t came_ns, enqueued_ns; /* 0: not yet */
    uint64_t validated_ns;
    char *channel_id, *tx_id;
    int32_t type;
};

/* A batch of signatures, and whose they are. */
struct check {
    struct signature_waiter waiter;
    struct signature_batch *batch;
    struct broadcast_server *server;
    struct item *first, **last;
};

/* ---- items ------------------------------------------------------------------------------------ */

static void item_free(struct item *i)
{
    net_msg_unref(i->msg);
    net_msg_unref(i->request.envelope);
    orderer_channel_unref(i->channel);
    bundle_unref(i->bundle);
    signed_set_free(i->set);
    free(i->channel_id);
    free(i->tx_id);
    free(i);
}

static void stream_free_if_done(struct stream *s)
{
    if (s->grpc == NULL && s->out == 0)
        free(s);
}

static bool is_full(const struct stream *s)
{
    return s->queue.count >= BROADCAST_WINDOW || s->queue.bytes >= BROADCAST_WINDOW_BYTES;
}

/* After every event: read on, or end. */
static void look_after(struct stream *s)
{
    if (s->grpc == NULL || s->queue.is_over)
        return;
    if (s->half_closed && s->queue.count == 0) {
        grpc_stream_finish(s->grpc, GRPC_OK, NULL);
    } else if (is_full(s) != s->paused) {
        s->paused = !s->paused;
        if (s->paused)
            grpc_stream_pause(s->grpc);
        else
            grpc_stream_resume(s->grpc);
    }
}

/* What was in other hands is handled; until then the stream is kept. */
static void event_over(struct stream *s)
{
    look_after(s);
    s->out--;
    stream_free_if_done(s);
}

/* It is back from a worker or a chain, and event_over is due.  False: nobody waits
 * for it any more, it is gone. */
static bool take_back(struct item *i)
{
    if (!i->b.is_orphan)
        return true;
    struct stream *s = i->stream;
    item_free(i);
    memory_storm_go(&s->server->items);
    event_over(s);
    return false;
}

/* At shutdown: the loop has ended, and with it the streams. */
static void drop(struct item *i)
{
    struct stream *s = i->stream;
    item_free(i);
    s->out--;
    stream_free_if_done(s);
}

static void count(const struct item *i)
{
    struct metrics_owner *o = i->stream->server->config.metrics;
    char room[HEADER_TYPE_NAME_MAX];
    uint64_t now = clock_monotonic_ns();
    const char *status = common_status_name((uint64_t)i->b.status);
    const char *channel = i->channel_id, *type = header_type_name(i->type, room);
    bool is_there = i->channel != NULL && strcmp(i->channel->id, channel) == 0 && type != room;
    if (i->b.status != BROADCAST_SUCCESS && !is_there)
        channel = type = "unknown"; /* names that anybody makes up would fill the metrics */
    uint64_t validated = i->validated_ns != 0 ? i->validated_ns : now;
    if (o == NULL)
        return;
    metric_observe_ns(METRIC_OF(o, BROADCAST_VALIDATE_DURATION, channel, type, status),
                      validated - i->came_ns);
    if (i->enqueued_ns != 0)
        metric_observe_ns(METRIC_OF(o, BROADCAST_ENQUEUE_DURATION, channel, type, status),
                          now - i->enqueued_ns);
    metric_add(METRIC_OF(o, BROADCAST_PROCESSED_COUNT, channel, type, status), 1);
}

/* ---- answers ------------------------------------------------------------------------------------ */

/* BroadcastResponse { 1 status, 2 info } */
static struct net_msg *response(int status, const char *info)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    wire_put_varint(&b, 1, (uint64_t)status);
    if (info != NULL && info[0] != '\0')
        wire_put_bytes(&b, 2, bytes_of_str(info));
    return net_msg_copy(buf_bytes(&b));
}

static void answer(void *ctx, const struct broadcast_item *b)
{
    struct stream *s = ctx;
    const struct item *i = (const struct item *)b;
    struct weft_err e;
    count(i);
    struct net_msg *m = b->status == BROADCAST_SUCCESS ? net_msg_ref(s->server->success)
                                                       : response(b->status, b->info);
    enum weft_code rc = grpc_stream_send(s->grpc, m, &e);
    if (rc != WEFT_OK && rc != WEFT_CANCELLED)
        LOG_WARN(&logger, "Error sending to %s: %s", grpc_stream_peer(s->grpc)->address, e.msg);
}

static void over(void *ctx)
{
    struct stream *s = ctx;
    grpc_stream_finish(s->grpc, GRPC_OK, NULL);
}

static void free_item(void *ctx, struct broadcast_item *b)
{
    const struct stream *s = ctx;
    item_free((struct item *)b);
    memory_storm_go(&s->server->items);
}

static void note_refusal(const struct item *i, const char *what, const char *why)
{
    LOG_WARN(&logger, "[channel: %s] %s from %s%s", i->channel_id, what,
             grpc_stream_peer(i->stream->grpc)->address, why);
}

/* ---- to the chain ------------------------------------------------------------------------------- */

static void request_done(struct order_request *r, void *owner)
{
    struct item *i = WEFT_CONTAINER_OF(r, struct item, request);
    (void)owner;
    if (!take_back(i))
        return;
    struct stream *s = i->stream;
    if (r->rc == WEFT_OK) {
        broadcast_queue_done(&s->queue, &i->b, BROADCAST_SUCCESS, NULL);
        event_over(s);
        return;
    }
    WEFT_FREE char *why =
        weft_asprintf(" with %s: rejected by %s: %s", "SERVICE_UNAVAILABLE",
                      r->kind == ORDER_NORMAL ? "Order" : "Configure", r->why.msg);
    note_refusal(i, "Rejecting broadcast of message", why);
    broadcast_queue_done(&s->queue, &i->b, weft_code_common_status(r->rc), r->why.msg);
    event_over(s);
}

/* At shutdown: the loop has ended, and with it the streams. */
static void request_dropped(struct order_request *r)
{
    struct item *i = WEFT_CONTAINER_OF(r, struct item, request);
    drop(i);
}

static bool refuse_here(struct item *i, const char *info)
{
    WEFT_FREE char *why =
        weft_asprintf(" with SERVICE_UNAVAILABLE: rejected by Consenter: %s", info);
    note_refusal(i, "Rejecting broadcast of message", why);
    i->b.status = weft_code_common_status(WEFT_UNAVAILABLE);
    i->b.info = weft_strdup(info);
    return false;
}

static bool order(void *ctx, struct broadcast_item *b)
{
    struct stream *s = ctx;
    struct item *i = (struct item *)b;
    i->enqueued_ns = clock_monotonic_ns();
    if (i->channel->is_removed)
        return refuse_here(i, "chain is stopped");
    if (i->channel->refuses != NULL)
        return refuse_here(i, i->channel->refuses);
    i->request.back = s->server->config.mb;
    i->request.done = request_done;
    i->request.drop = request_dropped;
    if (!order_request_send(&i->request, i->channel->chain))
        return refuse_here(i, "the channel takes no more messages for now");
    s->out++;
    return true;
}

static const struct broadcast_queue_deps queue_deps = { order, answer, over, free_item };

/* ---- verdicts ------------------------------------------------------------------------------------ */

static void refuse(struct item *i, const char *kind, enum weft_code rc, const struct weft_err *e)
{
    WEFT_FREE char *what = weft_asprintf("Rejecting broadcast of %s message", kind);
    WEFT_FREE char *why = weft_asprintf(" because of error: %s", e->msg);
    i->validated_ns = clock_monotonic_ns();
    note_refusal(i, what, why);
    broadcast_queue_refused(&i->stream->queue, &i->b, weft_code_common_status(rc), e->msg);
}

/* On to the chain, in its turn; takes the envelope. */
static void pass(struct item *i, enum order_kind kind, struct net_msg *envelope)
{
    i->validated_ns = clock_monotonic_ns();
    i->request.kind = kind;
    i->request.config_sequence = bundle_sequence(i->bundle);
    i->request.envelope = envelope;
    broadcast_queue_passed(&i->stream->queue, &i->b);
}

static void judge(struct item *i)
{
    struct weft_err e = { 0 };
    struct policy_signers signers = signed_set_signers(i->set);
    enum weft_code rc = msg_filter_signers(i->bundle, &signers, &e);
    signed_set_free(WEFT_TAKE(i->set)); /* larger than most envelopes, and some wait for long */
    if (rc != WEFT_OK) {
        refuse(i, "normal", rc, &e);
        return;
    }
    pass(i, ORDER_NORMAL, net_msg_ref(i->msg));
}

static void check_free(struct check *c)
{
    signature_batch_free(c->batch);
    free(c);
}

static void judge_all(struct check *c)
{
    while (c->first != NULL) {
        struct item *i = c->first;
        struct stream *s = i->stream;
        c->first = i->next_in_check;
        if (!take_back(i))
            continue;
        judge(i);
        event_over(s);
    }
    check_free(c);
}

static void checked(struct signature_waiter *w, struct signature_batch *b, void *owner)
{
    (void)b, (void)owner;
    judge_all(WEFT_CONTAINER_OF(w, struct check, waiter));
}

/* At shutdown; the pool frees the batch. */
static void check_dropped(struct signature_waiter *w)
{
    struct check *c = WEFT_CONTAINER_OF(w, struct check, waiter);
    while (c->first != NULL) {
        struct item *i = c->first;
        c->first = i->next_in_check;
        drop(i);
    }
    free(c);
}

/* The end of a turn: all signatures that came in it, in one batch. */
static void send_batch(struct loop_task *t)
{
    struct broadcast_server *b = WEFT_CONTAINER_OF(t, struct broadcast_server, send_batch);
    struct check *c = WEFT_TAKE(b->open);
    if (c == NULL)
        return;
    if (signature_batch_count(c->batch) > CHECK_HERE_MOST &&
        signature_batch_submit(c->batch, b->config.workers, &c->waiter))
        return;
    signature_batch_check(c->batch); /* few, or the pool is full: then clients wait for us */
    judge_all(c);
}

static struct check *open_check(struct broadcast_server *b)
{
    if (b->open != NULL)
        return b->open;
    struct check *c = weft_alloc(sizeof(*c));
    c->waiter =
        (struct signature_waiter){ .back = b->config.mb, .done = checked, .drop = check_dropped };
    c->batch = signature_batch_new(b->config.tables);
    c->server = b;
    c->last = &c->first;
    b->open = c;
    loop_defer(b->config.loop, &b->send_batch);
    return c;
}

/* ---- normal messages ------------------------------------------------------------------------------- */

/* For the system channel's processor: is it for that channel at all? */
static enum weft_code check_channel(const struct item *i, struct weft_err *e)
{
    if (strcmp(i->channel_id, i->channel->id) != 0)
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "channel does not exist");
    return msg_filter_maintenance(i->bundle, e);
}

static void process_normal(struct item *i)
{
    struct broadcast_server *b = i->stream->server;
    struct msg_filter_config config = { .no_expiration_checks =
                                            b->config.processor->no_expiration_checks,
                                        .now_s = clock_wall_ns() / 1000000000 };
    struct weft_err e = { 0 };
    struct msg_view m;
    enum weft_code rc = check_channel(i, &e);
    msg_view_of(net_msg_bytes(i->msg), &m);
    if (rc == WEFT_OK)
        rc = msg_filter_before(i->bundle, &m, &config, i->channel->identities, &e);
    if (rc != WEFT_OK) {
        refuse(i, "normal", rc, &e);
        return;
    }
    struct check *c = open_check(b);
    struct signed_data d = msg_signed_data(&m);
    i->set = signed_set_new();
    signed_set_add(i->set, i->channel->identities, &d, c->batch);
    *c->last = i;
    c->last = &i->next_in_check;
    i->stream->out++;
}

/* ---- config updates ----------------------------------------------------------------------------------- */

struct update_job {
    struct job job;
    struct item *item;
    const struct msg_processor *processor;
    struct msg_update update;
    struct buf result;
    enum weft_code rc;
    struct weft_err why;
};

static void update_run(struct job *j)
{
    struct update_job *u = WEFT_CONTAINER_OF(j, struct update_job, job);
    u->rc = msg_process_update(u->processor, &u->update, &u->result, &u->why);
}

static void update_free(struct update_job *u)
{
    buf_done(&u->result);
    free(u);
}

static void update_done(struct mail *mail, void *owner)
{
    struct update_job *u = WEFT_CONTAINER_OF(mail, struct update_job, job.mail);
    struct stream *s = u->item->stream;
    (void)owner;
    if (take_back(u->item)) {
        if (u->rc != WEFT_OK)
            refuse(u->item, "config", u->rc, &u->why);
        else
            pass(u->item, ORDER_CONFIG, net_msg_copy(buf_bytes(&u->result)));
        event_over(s);
    }
    update_free(u);
}

static void update_dropped(struct mail *mail)
{
    struct update_job *u = WEFT_CONTAINER_OF(mail, struct update_job, job.mail);
    drop(u->item);
    update_free(u);
}

static void process_update(struct item *i)
{
    struct broadcast_server *b = i->stream->server;
    struct update_job *u = weft_alloc(sizeof(*u));
    u->job = (struct job){ .mail = { .handle = update_done, .drop = update_dropped },
                           .run = update_run,
                           .back = b->config.mb };
    u->item = i;
    u->processor = b->config.processor;
    u->update = (struct msg_update){ .now = i->bundle,
                                     .envelope = net_msg_bytes(i->msg),
                                     .channels = orderer_channels_count(b->config.channels),
                                     .now_ns = clock_wall_ns() };
    i->stream->out++;
    if (jobs_submit(b->config.workers, &u->job))
        return;
    struct weft_err e;
    update_free(u);
    i->stream->out--;
    (void)WEFT_FAIL(&e, WEFT_UNAVAILABLE, "too many config updates are on their way");
    refuse(i, "config", WEFT_UNAVAILABLE, &e);
}

/* ---- whose it is --------------------------------------------------------------------------------------- */

static enum weft_code read_header(struct item *i, struct weft_err *e)
{
    struct envelope_view envelope = { 0 };
    struct payload_view payload = { 0 };
    struct channel_header_view header = { 0 };
    static const char could_not[] = "could not determine channel ID";
    enum weft_code rc = envelope_parse(net_msg_bytes(i->msg), &envelope, e);
    if (rc == WEFT_OK)
        rc = payload_parse(envelope.payload, &payload, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, WEFT_INVALID, "%s: error unmarshaling Payload", could_not);
    if (!payload.has_header)
        return WEFT_FAIL(e, WEFT_INVALID, "%s: header not set", could_not);
    if (payload.channel_header.data == NULL || payload.channel_header.len == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "%s: channel header not set", could_not);
    rc = channel_header_parse(payload.channel_header, &header, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, WEFT_INVALID, "%s: error unmarshaling channel header", could_not);
    i->channel_id = bytes_dup_str(header.channel_id);
    i->tx_id = bytes_dup_str(header.tx_id);
    i->type = header.type;
    return WEFT_OK;
}

/* The channel, or for one that is not there the system channel. */
static enum weft_code find_channel(struct item *i, struct weft_err *e)
{
    const struct orderer_channels *all = i->stream->server->config.channels;
    struct orderer_channel *c = orderer_channels_find(all, bytes_of_str(i->channel_id));
    if (c == NULL)
        c = orderer_channels_system(all);
    if (c == NULL)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "channel creation request not allowed because the orderer system channel "
                         "is not defined");
    if (msg_classify(i->type) == MSG_CONFIG)
        return WEFT_FAIL(e, WEFT_INVALID, "message is of type that cannot be processed directly");
    i->channel = orderer_channel_ref(c);
    i->bundle = bundle_ref(c->bundle);
    return WEFT_OK;
}

static void process(struct item *i)
{
    struct weft_err e = { 0 };
    enum weft_code rc = read_header(i, &e);
    if (rc == WEFT_OK)
        rc = find_channel(i, &e);
    if (rc != WEFT_OK) {
        LOG_WARN(&logger, "[channel: %s] Could not get message processor for serving %s: %s",
                 i->channel_id != NULL ? i->channel_id : "unknown",
                 grpc_stream_peer(i->stream->grpc)->address, e.msg);
        broadcast_queue_refused(&i->stream->queue, &i->b, weft_code_common_status(rc), e.msg);
    } else if (msg_classify(i->type) == MSG_CONFIG_UPDATE) {
        process_update(i);
    } else {
        process_normal(i);
    }
}

/* ---- the stream's events ---------------------------------------------------------------------------------- */

static void on_open(struct grpc_stream *grpc, void *service)
{
    struct stream *s = weft_alloc(sizeof(*s));
    s->server = service;
    s->grpc = grpc;
    broadcast_queue_init(&s->queue, &queue_deps, s);
    grpc_stream_set_user(grpc, s);
    LOG_DEBUG(&logger, "Starting new broadcast loop for %s", grpc_stream_peer(grpc)->address);
}

static void on_message(struct grpc_stream *grpc, struct net_msg *m)
{
    struct stream *s = grpc_stream_user(grpc);
    if (s->queue.is_over) {
        net_msg_unref(m);
        return;
    }
    struct item *i = weft_alloc(sizeof(*i));
    memory_storm_come(&s->server->items);
    i->stream = s;
    i->msg = m;
    i->came_ns = clock_monotonic_ns();
    i->b.bytes = m->len;
    message_trace(s->server->config.trace_dir, "Broadcast", net_msg_bytes(m));
    broadcast_queue_add(&s->queue, &i->b);
    process(i);
    look_after(s);
}

static void on_half_close(struct grpc_stream *grpc)
{
    struct stream *s = grpc_stream_user(grpc);
    LOG_DEBUG(&logger, "Received EOF from %s, hangup", grpc_stream_peer(grpc)->address);
    s->half_closed = true;
    look_after(s);
}

static void on_close(struct grpc_stream *grpc, enum grpc_code code, const char *message)
{
    struct stream *s = grpc_stream_user(grpc);
    (void)code, (void)message;
    broadcast_queue_end(&s->queue);
    s->grpc = NULL;
    stream_free_if_done(s);
}

const struct grpc_stream_ops broadcast_server_ops = {
    .on_open = on_open,
    .on_message = on_message,
    .on_half_close = on_half_close,
    .on_close = on_close,
};

/* ---- the server ---------------------------------------------------------------------------------------------- */

struct broadcast_server *broadcast_server_new(const struct broadcast_server_config *config)
{
    struct broadcast_server *b = weft_alloc(sizeof(*b));
    b->config = *config;
    b->send_batch.run = send_batch;
    memory_storm_init(&b->items, config->rest, STORM);
    b->success = response(BROADCAST_SUCCESS, NULL);
    return b;
}

void broadcast_server_free(struct broadcast_server *b)
{
    if (b == NULL)
        return;
    if (b->open != NULL)
        check_dropped(&b->open->waiter);
    loop_undefer(b->config.loop, &b->send_batch);
    net_msg_unref(b->success);
    free(b);
}
