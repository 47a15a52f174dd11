#include "deliver/deliver_server.h"

#include "base/log.h"
#include "deliver/block_feed.h"
#include "deliver/block_message.h"
#include "deliver/concurrency_limit.h"
#include "ops/metrics.h"
#include "os/clock.h"
#include "os/jobs.h"
#include "proto/wire.h"

LOG_DEFINE(logger, "common.deliver");

/* A channel that streams of this loop are on. */
struct channel {
    struct block_watch watch;
    struct deliver_server *server;
    void *of_world;       /* our reference */
    struct client *first; /* who waits */
    size_t users;         /* streams whose request is on it, and reads */
    bool is_gone;         /* removed: no new streams */
    struct channel *next;
};

struct deliver_server {
    struct deliver_server_config config;
    struct block_feed *feed;
    struct channel *channels;
    size_t clients;
};

/* A stream's part of the server.  Lives on while a worker works for it. */
struct client {
    struct deliver_stream ds;
    struct deliver_server *server;
    struct grpc_stream *stream; /* NULL: it is gone */
    struct channel *channel;    /* of its request; NULL: none */
    struct net_msg *request;
    struct client *next, **link;      /* among those who wait */
    struct feed_reader reader;        /* what it has asked for */
    const struct feed_batch *in_hand; /* while blocks are handed out */
    size_t in_hand_count;             /* of them are its */
    struct net_msg **held;            /* its own copy of it while access is checked again */
    size_t held_count;
    unsigned out; /* jobs that will come back */
};

static void client_free_if_done(struct client *c)
{
    if (c->stream != NULL || c->out > 0)
        return;
    net_msg_unref(c->request);
    free(c);
}

static void drop_held(struct client *c)
{
    for (size_t i = 0; i < c->held_count; i++)
        net_msg_unref(c->held[i]);
    free(WEFT_TAKE(c->held));
    c->held_count = 0;
}

/* ---- reading ------------------------------------------------------------------------ */

static struct net_msg *encode_block(void *snapshot, struct bytes request, struct block *b,
                                    struct weft_err *e)
{
    (void)snapshot, (void)request, (void)e;
    return block_message(b);
}

const struct deliver_form deliver_form_block = {
    .filtered = "false", .data_type = "block", .is_light = true, .encode = encode_block
};

static const struct deliver_form *form_of(const struct deliver_server *d)
{
    return d->config.form;
}

static void release(void *key);

static void retain(void *key)
{
    ((struct channel *)key)->users++;
}

/* Blocks that can't go out yet are the stream's own for that time. */
static void keep_if_held(struct client *c)
{
    if (c->ds.sm.state != DELIVER_HOLDING)
        return;
    c->held_count = c->in_hand_count;
    c->held = weft_alloc((c->held_count + 1) * sizeof(struct net_msg *));
    for (size_t i = 0; i < c->held_count; i++)
        c->held[i] = net_msg_ref(c->in_hand->messages[i]);
}

/* What was read before a block that can't be sent goes out first; when its turn comes the
 * stream ends. */
static void hand_over(struct client *c, const struct feed_batch *batch)
{
    uint64_t wanted = c->reader.last - c->reader.first + 1; /* of a batch that others share */
    if (batch->is_bad_form && batch->count == 0) {
        grpc_stream_finish(c->stream, GRPC_UNKNOWN, batch->why->msg);
        return;
    }
    c->in_hand = batch;
    c->in_hand_count = batch->count < wanted ? batch->count : (size_t)wanted;
    deliver_stream_blocks(&c->ds, c->in_hand_count, batch->is_bad_form ? WEFT_OK : batch->rc,
                          batch->why);
    keep_if_held(c);
    c->in_hand = NULL;
}

static void give(struct feed_reader *r, const struct feed_batch *batch)
{
    struct client *c = WEFT_CONTAINER_OF(r, struct client, reader);
    if (c->stream != NULL)
        hand_over(c, batch);
    c->out--;
    client_free_if_done(c);
}

/* Its stream went with the loop. */
static void drop(struct feed_reader *r)
{
    struct client *c = WEFT_CONTAINER_OF(r, struct client, reader);
    c->out--;
    client_free_if_done(c);
}

static struct block_store *store_of(const struct channel *ch)
{
    return ch->server->config.world->store(ch->of_world);
}

static void start_read(void *ctx, struct deliver_channel *channel, uint64_t first, uint64_t last)
{
    struct client *c = ctx;
    struct channel *ch = (struct channel *)(void *)channel;
    const struct deliver_world *world = c->server->config.world;
    const struct feed_source source = { ch, store_of(ch) };
    struct feed_person person = { 0 };
    bool is_personal = form_of(c->server)->is_personal;
    if (is_personal) {
        person.snapshot = world->snapshot(world->ctx, ch->of_world);
        person.request = net_msg_ref(c->request);
    }
    c->out++;
    if (block_feed_read(c->server->feed, &source, &c->reader, first, last,
                        is_personal ? &person : NULL))
        return;
    c->out--;
    grpc_stream_finish(c->stream, GRPC_RESOURCE_EXHAUSTED, "too many reads are waiting");
}

static void send_blocks(void *ctx, bool send)
{
    struct client *c = ctx;
    size_t n = c->in_hand != NULL ? c->in_hand_count : c->held_count;
    struct net_msg *const *messages = c->in_hand != NULL ? c->in_hand->messages : c->held;
    struct weft_err e;
    enum weft_code rc = send ? WEFT_OK : WEFT_CANCELLED;
    for (size_t i = 0; i < n && rc == WEFT_OK; i++)
        rc = grpc_stream_send(c->stream, net_msg_ref(messages[i]), &e);
    if (send && rc != WEFT_OK && rc != WEFT_CANCELLED)
        grpc_stream_finish(c->stream, GRPC_RESOURCE_EXHAUSTED, e.msg);
    if (send && c->channel != NULL)
        metric_add(METRIC_OF(c->server->config.metrics, DELIVER_BLOCKS_SENT,
                             c->server->config.world->id(c->channel->of_world),
                             form_of(c->server)->filtered, form_of(c->server)->data_type),
                   n);
    drop_held(c);
}

/* ---- may it read? ------------------------------------------------------------------------ */

struct access_job {
    struct job job;
    struct client *client;
    const struct deliver_world *world;
    void *snapshot;
    struct net_msg *request;
    int64_t expires_ns;
    enum weft_code rc;
    struct weft_err why;
};

static void access_run(struct job *j)
{
    struct access_job *a = WEFT_CONTAINER_OF(j, struct access_job, job);
    a->rc = a->world->access(a->snapshot, net_msg_bytes(a->request), &a->expires_ns, &a->why);
}

static void access_free(struct access_job *a)
{
    a->world->snapshot_free(a->snapshot);
    net_msg_unref(a->request);
    free(a);
}

static void access_done(struct mail *m, void *owner)
{
    struct access_job *a = WEFT_CONTAINER_OF(m, struct access_job, job.mail);
    struct client *c = a->client;
    (void)owner;
    if (c->stream != NULL)
        deliver_stream_access(&c->ds, a->rc, a->expires_ns, &a->why);
    c->out--;
    client_free_if_done(c);
    access_free(a);
}

static void access_dropped(struct mail *m)
{
    struct access_job *a = WEFT_CONTAINER_OF(m, struct access_job, job.mail);
    a->client->out--;
    client_free_if_done(a->client);
    access_free(a);
}

static void check_access(void *ctx, struct deliver_channel *channel)
{
    struct client *c = ctx;
    const struct deliver_server_config *config = &c->server->config;
    struct access_job *a = weft_alloc(sizeof(*a));
    a->job = (struct job){ .mail = { .handle = access_done, .drop = access_dropped },
                           .run = access_run,
                           .back = config->mb };
    a->client = c;
    a->world = config->world;
    a->snapshot = a->world->snapshot(a->world->ctx, ((struct channel *)(void *)channel)->of_world);
    a->request = net_msg_ref(c->request);
    c->out++;
    if (jobs_submit(config->workers, &a->job))
        return;
    c->out--;
    access_free(a);
    grpc_stream_finish(c->stream, GRPC_RESOURCE_EXHAUSTED, "too many requests are waiting");
}

/* ---- waiting ----------------------------------------------------------------------------- */

static void stop_waiting(struct client *c)
{
    if (c->link == NULL)
        return;
    *c->link = c->next;
    if (c->next != NULL)
        c->next->link = c->link;
    c->link = NULL;
}

static void start_waiting(void *ctx, struct deliver_channel *channel)
{
    struct client *c = ctx;
    struct channel *ch = (struct channel *)(void *)channel;
    c->next = ch->first;
    c->link = &ch->first;
    if (ch->first != NULL)
        ch->first->link = &c->next;
    ch->first = c;
}

/* Tells everybody who waits; they may begin to wait again. */
static void wake(struct channel *ch, void (*tell)(struct deliver_stream *s))
{
    struct client *c = WEFT_TAKE(ch->first);
    if (c != NULL)
        c->link = &c; /* the list that is left belongs to this call */
    while (c != NULL) {
        struct client *this = c;
        stop_waiting(this);
        tell(&this->ds);
    }
}

static void height_moved(struct block_watch *watch, uint64_t height, void *owner)
{
    struct channel *ch = WEFT_CONTAINER_OF(watch, struct channel, watch);
    (void)height, (void)owner;
    wake(ch, deliver_stream_height);
}

/* ---- channels -------------------------------------------------------------------------------- */

static struct channel *find_of_world(struct deliver_server *d, const void *of_world)
{
    struct channel *ch = d->channels;
    while (ch != NULL && ch->of_world != of_world)
        ch = ch->next;
    return ch;
}

static struct channel *open_channel(struct deliver_server *d, struct bytes id)
{
    void *of_world = d->config.world->find(d->config.world->ctx, id);
    if (of_world == NULL)
        return NULL;
    struct channel *ch = find_of_world(d, of_world);
    if (ch != NULL) {
        d->config.world->unref(of_world); /* one reference is enough */
        return ch;
    }
    ch = weft_alloc(sizeof(*ch));
    ch->server = d;
    ch->of_world = of_world;
    ch->watch.mb = d->config.mb;
    ch->watch.handle = height_moved;
    ch->next = d->channels;
    d->channels = ch;
    block_store_watch(store_of(ch), &ch->watch);
    return ch;
}

/* Its blocks come no more: a mail about one may still be on its way, so that the
 * struct stays until the server's end. */
static void close_channel(struct channel *ch)
{
    if (ch->of_world == NULL || ch->users > 0)
        return;
    block_feed_forget(ch->server->feed, ch);
    block_store_unwatch(store_of(ch), &ch->watch);
    ch->server->config.world->unref(WEFT_TAKE(ch->of_world));
}

static void release(void *key)
{
    struct channel *ch = key;
    ch->users--;
    if (ch->is_gone)
        close_channel(ch);
}

static struct channel *find_open(struct deliver_server *d, const char *id)
{
    struct channel *ch = d->channels;
    while (ch != NULL &&
           (ch->of_world == NULL || strcmp(d->config.world->id(ch->of_world), id) != 0))
        ch = ch->next;
    return ch;
}

void deliver_server_errored(struct deliver_server *d, const char *channel_id)
{
    struct channel *ch = find_open(d, channel_id);
    if (ch != NULL && d->config.world->is_errored(ch->of_world))
        wake(ch, deliver_stream_errored);
}

void deliver_server_forget(struct deliver_server *d, const char *channel_id)
{
    struct channel *ch = find_open(d, channel_id);
    if (ch == NULL)
        return;
    ch->is_gone = true;
    wake(ch, deliver_stream_errored);
    close_channel(ch); /* or with the last of its streams, each after what it reads now */
}

/* ---- what a stream needs -------------------------------------------------------------------- */

static int64_t now_ns(void *ctx)
{
    (void)ctx;
    return clock_wall_ns();
}

static struct deliver_channel *find_channel(void *ctx, struct bytes id)
{
    struct client *c = ctx;
    struct metrics_owner *o = c->server->config.metrics;
    c->channel = open_channel(c->server, id);
    if (c->channel == NULL)
        return NULL;
    c->channel->users++;
    metric_add(METRIC_OF(o, DELIVER_REQUESTS_RECEIVED,
                         c->server->config.world->id(c->channel->of_world),
                         form_of(c->server)->filtered, form_of(c->server)->data_type),
               1);
    return (struct deliver_channel *)(void *)c->channel;
}

static void forget_channel(void *ctx, struct deliver_channel *channel, bool success)
{
    struct client *c = ctx;
    (void)channel;
    struct channel *ch = WEFT_TAKE(c->channel);
    metric_add(METRIC_OF(c->server->config.metrics, DELIVER_REQUESTS_COMPLETED,
                         c->server->config.world->id(ch->of_world), form_of(c->server)->filtered,
                         form_of(c->server)->data_type, success ? "true" : "false"),
               1);
    stop_waiting(c);
    release(ch);
}

static const char *channel_id(void *ctx, struct deliver_channel *channel)
{
    const struct channel *ch = (struct channel *)(void *)channel;
    (void)ctx;
    return ch->server->config.world->id(ch->of_world);
}

static uint64_t height(void *ctx, struct deliver_channel *channel)
{
    (void)ctx;
    return block_store_height(store_of((struct channel *)(void *)channel));
}

static bool is_errored(void *ctx, struct deliver_channel *channel)
{
    const struct channel *ch = (struct channel *)(void *)channel;
    (void)ctx;
    return ch->is_gone || ch->server->config.world->is_errored(ch->of_world);
}

static uint64_t sequence(void *ctx, struct deliver_channel *channel)
{
    const struct channel *ch = (struct channel *)(void *)channel;
    (void)ctx;
    return ch->server->config.world->sequence(ch->of_world);
}

/* DeliverResponse { 1 status }: a oneof, so that 0 would be written too. */
static void send_status(void *ctx, int status)
{
    const struct client *c = ctx;
    struct weft_err e;
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    wire_put_varint(&b, 1, (uint64_t)status);
    enum weft_code rc = grpc_stream_send(c->stream, net_msg_copy(buf_bytes(&b)), &e);
    if (rc != WEFT_OK && rc != WEFT_CANCELLED) /* cancelled: on_close says so */
        LOG_WARN(&logger, "Error sending to %s: %s", c->ds.client.address, e.msg);
}

static bool is_writable(void *ctx)
{
    struct grpc_stream *s = ((struct client *)ctx)->stream;
    return block_feed_is_tight() ? grpc_stream_is_drained(s) : grpc_stream_is_writable(s);
}

static void next_request(void *ctx)
{
    struct client *c = ctx;
    net_msg_unref(WEFT_TAKE(c->request));
    LOG_DEBUG(&logger, "Waiting for new SeekInfo from %s", c->ds.client.address);
    grpc_stream_resume(c->stream);
}

static void end_stream(void *ctx)
{
    grpc_stream_finish(((struct client *)ctx)->stream, GRPC_OK, NULL);
}

static const struct deliver_deps deps = {
    .now_ns = now_ns,
    .find_channel = find_channel,
    .forget_channel = forget_channel,
    .channel_id = channel_id,
    .height = height,
    .is_errored = is_errored,
    .sequence = sequence,
    .check_access = check_access,
    .read = start_read,
    .send_blocks = send_blocks,
    .wait = start_waiting,
    .send_status = send_status,
    .is_writable = is_writable,
    .next_request = next_request,
    .end = end_stream,
};

/* ---- the stream's events ---------------------------------------------------------------------- */

static void on_open(struct grpc_stream *s, void *service)
{
    struct deliver_server *d = service;
    const struct net_peer *peer = grpc_stream_peer(s);
    struct weft_err e = { 0 };
    if (d->config.limit != NULL && !concurrency_limit_enter(d->config.limit, &e)) {
        LOG_ERROR(&logger, "Too%s", e.msg + 3);
        grpc_stream_set_user(s, NULL);
        grpc_stream_finish(s, GRPC_UNKNOWN, e.msg);
        return;
    }
    struct client *c = weft_alloc(sizeof(*c));
    c->server = d;
    c->stream = s;
    block_feed_streams(d->feed, ++d->clients);
    deliver_stream_init(&c->ds, &d->config.stream, &deps, c,
                        &(struct deliver_client_info){ .address = peer->address,
                                                       .binds_tls = d->config.binds_tls,
                                                       .has_cert = peer->cert_der.len > 0,
                                                       .cert_hash = peer->cert_hash });
    grpc_stream_set_user(s, c);
    metric_add(METRIC(d->config.metrics, DELIVER_STREAMS_OPENED), 1);
    LOG_DEBUG(&logger, "Starting new deliver loop for %s", peer->address);
}

static void on_message(struct grpc_stream *s, struct net_msg *m)
{
    struct client *c = grpc_stream_user(s);
    if (c == NULL) { /* it was refused */
        net_msg_unref(m);
        return;
    }
    const struct deliver_server_config *config = &c->server->config;
    grpc_stream_pause(s); /* the next request waits for the status of this one */
    if (config->trace != NULL)
        config->trace(config->trace_ctx, net_msg_bytes(m));
    net_msg_unref(c->request);
    c->request = m;
    deliver_stream_request(&c->ds, net_msg_bytes(m));
}

static void on_half_close(struct grpc_stream *s)
{
    struct client *c = grpc_stream_user(s);
    if (c != NULL)
        deliver_stream_half_close(&c->ds);
}

static void on_writable(struct grpc_stream *s)
{
    struct client *c = grpc_stream_user(s);
    if (c != NULL)
        deliver_stream_writable(&c->ds);
}

static void on_close(struct grpc_stream *s, enum grpc_code code, const char *message)
{
    struct client *c = grpc_stream_user(s);
    (void)code, (void)message;
    if (c == NULL)
        return;
    if (c->server->config.limit != NULL)
        concurrency_limit_leave(c->server->config.limit);
    metric_add(METRIC(c->server->config.metrics, DELIVER_STREAMS_CLOSED), 1);
    c->stream = NULL;
    drop_held(c);
    if (c->channel != NULL)
        forget_channel(c, NULL, false);
    block_feed_streams(c->server->feed, --c->server->clients);
    client_free_if_done(c);
}

const struct grpc_stream_ops deliver_server_ops = {
    .on_open = on_open,
    .on_message = on_message,
    .on_half_close = on_half_close,
    .on_writable = on_writable,
    .on_close = on_close,
};

/* ---- the server ----------------------------------------------------------------------------------- */

struct deliver_server *deliver_server_new(const struct deliver_server_config *config)
{
    struct deliver_server *d = weft_alloc(sizeof(*d));
    d->config = *config;
    if (d->config.form == NULL)
        d->config.form = &deliver_form_block;
    d->feed = block_feed_new(&(struct block_feed_config){
        .jobs = config->store,
        .is_light = d->config.form->is_light,
        .mb = config->mb,
        .rest = config->rest,
        .encode = d->config.form->encode,
        .free_snapshot = config->world->snapshot_free,
        .give = give,
        .drop = drop,
        .retain = retain,
        .release = release,
    });
    return d;
}

void deliver_server_free(struct deliver_server *d)
{
    if (d == NULL)
        return;
    while (d->channels != NULL) {
        struct channel *ch = d->channels;
        d->channels = ch->next;
        ch->users = 0;
        close_channel(ch);
        free(ch);
    }
    block_feed_free(d->feed);
    free(d);
}
