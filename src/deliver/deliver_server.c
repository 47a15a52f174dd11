#include "deliver/deliver_server.h"

#include "base/varint.h"
#include "os/clock.h"
#include "os/jobs.h"
#include "proto/wire.h"

/* Waits for one channel, on one loop. */
struct waiters {
    struct block_watch watch;
    const struct deliver_source *source;
    struct client *first;
    struct deliver_server *server;
};

struct deliver_server {
    struct deliver_server_config config;
    struct waiters *channels; /* one a source */
};

/* A stream's part of the server.  Lives on while a worker reads for it. */
struct client {
    struct deliver_stream ds;
    struct deliver_server *server;
    struct grpc_stream *stream; /* NULL: it is gone */
    struct block_iter *iter;
    struct waiters *waiting; /* whose list it is in */
    struct client *next, **link;
    bool reading;
};

/* ---- reading, on a worker ----------------------------------------------------------- */

struct read_job {
    struct job job;
    struct client *client;
    uint64_t first, last;
    struct net_msg *messages[DELIVER_BATCH_BLOCKS];
    size_t count;
    enum weft_code rc;
    struct weft_err why;
};

static void free_owned(void *owner)
{
    free(owner);
}

/* DeliverResponse { 2 block }, in one piece; the block's bytes are encoded once. */
static struct net_msg *encode(const struct block_view *v)
{
    uint8_t head[1 + UVARINT_LEN_MAX] = { 2 << 3 | WIRE_LEN };
    struct buf body = { 0 };
    block_encode(v, &body);
    size_t head_len = 1 + uvarint_encode(body.len, head + 1);
    return net_msg_wrap(bytes_of(head, head_len), buf_bytes(&body), bytes_of(NULL, 0), free_owned,
                        body.data);
}

static void read_blocks(struct job *j)
{
    struct read_job *r = WEFT_CONTAINER_OF(j, struct read_job, job);
    size_t bytes = 0;
    while (r->rc == WEFT_OK && r->count < DELIVER_BATCH_BLOCKS && bytes < DELIVER_BATCH_BYTES &&
           r->first + r->count <= r->last) {
        WEFT_CLEANUP(block_unref) struct block *b = NULL;
        r->rc = block_iter_next(r->client->iter, &b, &r->why);
        if (b == NULL)
            break;
        r->messages[r->count] = encode(&b->v);
        bytes += r->messages[r->count++]->len;
    }
}

static void read_job_free(struct read_job *r)
{
    for (size_t i = 0; i < r->count; i++)
        net_msg_unref(r->messages[i]);
    free(r);
}

static void client_free(struct client *c)
{
    block_iter_free(c->iter);
    free(c);
}

static void read_done(struct mail *m, void *owner)
{
    struct read_job *r = WEFT_CONTAINER_OF(m, struct read_job, job.mail);
    struct client *c = r->client;
    (void)owner;
    c->reading = false;
    for (size_t i = 0; i < r->count && c->stream != NULL; i++) {
        struct net_msg *message = WEFT_TAKE(r->messages[i]);
        enum weft_code rc = grpc_stream_send(c->stream, message, &r->why);
        if (r->rc == WEFT_OK)
            r->rc = rc;
    }
    if (c->stream == NULL)
        client_free(c);
    else
        deliver_stream_blocks(&c->ds, r->count, r->rc, &r->why);
    read_job_free(r);
}

static void read_dropped(struct mail *m)
{
    struct read_job *r = WEFT_CONTAINER_OF(m, struct read_job, job.mail);
    client_free(r->client); /* its stream went with the loop */
    read_job_free(r);
}

static void start_read(void *ctx, struct deliver_channel *channel, uint64_t first, uint64_t last)
{
    struct client *c = ctx;
    const struct waiters *w = (struct waiters *)(void *)channel;
    const struct deliver_server_config *config = &c->server->config;
    if (c->iter == NULL)
        c->iter = block_iter_new(w->source->store, first);
    struct read_job *r = weft_alloc(sizeof(*r));
    r->job = (struct job){ .mail = { .handle = read_done, .drop = read_dropped },
                           .run = read_blocks,
                           .back = config->mb };
    r->client = c;
    r->first = first;
    r->last = last;
    c->reading = true;
    if (!jobs_submit(config->store, &r->job)) {
        c->reading = false;
        free(r);
        grpc_stream_finish(c->stream, GRPC_RESOURCE_EXHAUSTED, "too many reads are waiting");
    }
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
    struct waiters *w = (struct waiters *)(void *)channel;
    c->next = w->first;
    c->link = &w->first;
    if (w->first != NULL)
        w->first->link = &c->next;
    w->first = c;
}

static void height_moved(struct block_watch *watch, uint64_t height, void *owner)
{
    struct waiters *w = WEFT_CONTAINER_OF(watch, struct waiters, watch);
    (void)height, (void)owner;
    struct client *c = WEFT_TAKE(w->first);
    if (c != NULL)
        c->link = &c; /* the list that is left belongs to this call */
    while (c != NULL) {
        struct client *this = c;
        stop_waiting(this);
        deliver_stream_height(&this->ds);
    }
}

/* ---- what a stream needs -------------------------------------------------------------------- */

static int64_t now_ns(void *ctx)
{
    (void)ctx;
    return clock_wall_ns();
}

static struct deliver_channel *find_channel(void *ctx, struct bytes id)
{
    const struct client *c = ctx;
    for (size_t i = 0; i < c->server->config.source_count; i++)
        if (bytes_eq(id, bytes_of_str(c->server->config.sources[i].id)))
            return (struct deliver_channel *)(void *)&c->server->channels[i];
    return NULL;
}

static uint64_t height(void *ctx, struct deliver_channel *channel)
{
    (void)ctx;
    return block_store_height(((struct waiters *)(void *)channel)->source->store);
}

static enum weft_code access_of(void *ctx, struct deliver_channel *channel, struct bytes envelope,
                                struct weft_err *e)
{
    const struct client *c = ctx;
    return c->server->config.access(((struct waiters *)(void *)channel)->source, envelope, e);
}

/* DeliverResponse { 1 status }: a oneof, so that 0 would be written too. */
static void send_status(void *ctx, int status)
{
    const struct client *c = ctx;
    struct weft_err e;
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    wire_put_varint(&b, 1, (uint64_t)status);
    /* A stream that takes no more is ending: on_close says so. */
    (void)grpc_stream_send(c->stream, net_msg_copy(buf_bytes(&b)), &e);
}

static bool is_writable(void *ctx)
{
    return grpc_stream_is_writable(((struct client *)ctx)->stream);
}

static void next_request(void *ctx)
{
    struct client *c = ctx;
    block_iter_free(WEFT_TAKE(c->iter));
    grpc_stream_resume(c->stream);
}

static void end_stream(void *ctx)
{
    grpc_stream_finish(((struct client *)ctx)->stream, GRPC_OK, NULL);
}

static const struct deliver_deps deps = {
    .now_ns = now_ns,
    .find_channel = find_channel,
    .height = height,
    .access = access_of,
    .read = start_read,
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
    struct client *c = weft_alloc(sizeof(*c));
    c->server = d;
    c->stream = s;
    deliver_stream_init(&c->ds, &d->config.stream, &deps, c,
                        &(struct deliver_client_info){ .address = peer->address,
                                                       .binds_tls = d->config.binds_tls,
                                                       .has_cert = peer->cert_der.len > 0,
                                                       .cert_hash = peer->cert_hash });
    grpc_stream_set_user(s, c);
}

static void on_message(struct grpc_stream *s, struct net_msg *m)
{
    struct client *c = grpc_stream_user(s);
    grpc_stream_pause(s); /* the next request waits for the status of this one */
    deliver_stream_request(&c->ds, net_msg_bytes(m));
    net_msg_unref(m);
}

static void on_half_close(struct grpc_stream *s)
{
    struct client *c = grpc_stream_user(s);
    deliver_stream_half_close(&c->ds);
}

static void on_writable(struct grpc_stream *s)
{
    struct client *c = grpc_stream_user(s);
    deliver_stream_writable(&c->ds);
}

static void on_close(struct grpc_stream *s, enum grpc_code code, const char *message)
{
    struct client *c = grpc_stream_user(s);
    (void)code, (void)message;
    stop_waiting(c);
    c->stream = NULL;
    if (!c->reading)
        client_free(c);
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
    d->channels = weft_alloc((config->source_count + 1) * sizeof(*d->channels));
    for (size_t i = 0; i < config->source_count; i++) {
        struct waiters *w = &d->channels[i];
        w->server = d;
        w->source = &config->sources[i];
        w->watch.mb = config->mb;
        w->watch.handle = height_moved;
        block_store_watch(w->source->store, &w->watch);
    }
    return d;
}

void deliver_server_free(struct deliver_server *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; i < d->config.source_count; i++)
        block_store_unwatch(d->channels[i].source->store, &d->channels[i].watch);
    free(d->channels);
    free(d);
}
