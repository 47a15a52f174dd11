#include "net/grpc_client.h"

#include "net/grpc_conn.h"
#include "net/net_addr.h"
#include "os/jobs.h"

#include <errno.h>
#include <unistd.h>

/* A name on its way to an address, on a worker.  Its client may be gone when
 * it comes back. */
struct lookup {
    struct job job;
    struct net_name name;
    struct net_addrs found;
    enum weft_code code;
    struct weft_err why;
    struct grpc_client *client;
};

struct grpc_client {
    struct grpc_conn conn;
    struct tls_context *tls;
    struct net_name name;
    char authority[NET_HOST_MAX + 8];
    char host[NET_HOST_MAX];
    const struct grpc_client_ops *ops;
    void *user;
    enum client_state {
        CLIENT_RESOLVING,
        CLIENT_CONNECTING,
        CLIENT_READY,
        CLIENT_DOWN,
    } state;
    uint64_t connect_by_ms;
    struct lookup *lookup;
    struct net_addrs addrs;
    size_t next_addr;
    struct weft_err why;
    struct loop_task report; /* a failure from outside of the loop's callbacks */
    struct loop_task free;
    struct loop_timer late; /* while a name is looked up */
};

/* ---- down -------------------------------------------------------------------------- */

static void go_down(struct grpc_client *c, const struct weft_err *why)
{
    if (c->state == CLIENT_DOWN)
        return;
    struct weft_err said = *why;
    c->state = CLIENT_DOWN;
    loop_timer_clear(c->conn.net->loop, &c->late);
    c->conn.why_down = said.code != WEFT_OK ? said.msg : "the connection is closing";
    c->conn.busy++;
    grpc_conn_down(&c->conn);
    c->conn.why_down = NULL;
    if (c->ops != NULL && c->ops->on_down != NULL)
        c->ops->on_down(c->user, &said);
    c->conn.busy--;
}

static void report_now(struct loop_task *t)
{
    struct grpc_client *c = WEFT_CONTAINER_OF(t, struct grpc_client, report);
    go_down(c, &c->why);
}

static void fail_soon(struct grpc_client *c, const struct weft_err *why)
{
    c->why = *why;
    loop_defer(c->conn.net->loop, &c->report);
}

static void too_late(struct loop_timer *t)
{
    struct grpc_client *c = WEFT_CONTAINER_OF(t, struct grpc_client, late);
    (void)WEFT_FAIL(&c->why, WEFT_UNAVAILABLE, "lookup %s: context deadline exceeded",
                    c->name.host);
    loop_defer(c->conn.net->loop, &c->report);
}

/* ---- up ------------------------------------------------------------------------------ */

/* Starts connect(2) to the next address that takes it. */
static void connect_next(struct grpc_client *c)
{
    struct net *net = c->conn.net;
    uint64_t now = loop_now_ms(net->loop);
    c->state = CLIENT_CONNECTING;
    while (c->next_addr < c->addrs.count && now < c->connect_by_ms) {
        const struct sockaddr_storage *a = &c->addrs.at[c->next_addr++];
        char text[NET_ADDRESS_MAX];
        net_addr_print(a, text);
        int fd = socket(a->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd >= 0 && (connect(fd, (const struct sockaddr *)a, net_addr_len(a)) == 0 ||
                        errno == EINPROGRESS)) {
            const struct net_dial dial = { .address = text,
                                           .tls = c->tls,
                                           .host = c->host,
                                           .timeout_ms = (uint32_t)(c->connect_by_ms - now) };
            c->conn.io = net_conn_connecting(net, fd, &dial, &grpc_conn_io, &c->conn);
            return;
        }
        (void)WEFT_FAIL(&c->why, WEFT_UNAVAILABLE, "dial tcp %s: %s", text, strerrordesc_np(errno));
        if (fd >= 0)
            (void)close(fd);
    }
    if (c->why.code == WEFT_OK)
        (void)WEFT_FAIL(&c->why, WEFT_UNAVAILABLE, "dial tcp %s: context deadline exceeded",
                        c->authority);
    loop_defer(net->loop, &c->report);
}

static void on_down(struct grpc_conn *conn, const struct net_peer *peer, const struct weft_err *why)
{
    struct grpc_client *c = conn->owner;
    (void)peer;
    if (!conn->opened && c->next_addr < c->addrs.count) {
        c->why = *why;
        connect_next(c);
        return;
    }
    struct weft_err said = *why;
    if (why->code == WEFT_OK && c->state != CLIENT_READY)
        (void)WEFT_FAIL(&said, WEFT_UNAVAILABLE, "the server closed the connection");
    go_down(c, &said);
}

static void on_ready(struct grpc_conn *conn)
{
    struct grpc_client *c = conn->owner;
    c->state = CLIENT_READY;
    if (c->ops != NULL && c->ops->on_ready != NULL)
        c->ops->on_ready(c->user);
}

static void on_goaway(struct grpc_conn *conn, uint32_t error, struct bytes text)
{
    struct grpc_client *c = conn->owner;
    if (c->ops != NULL && c->ops->on_goaway != NULL)
        c->ops->on_goaway(c->user, error, text);
    h2_drain(conn->h2); /* it ends with the last call */
}

static const struct grpc_conn_ops conn_ops = {
    .on_ready = on_ready,
    .on_goaway = on_goaway,
    .on_down = on_down,
};

/* ---- names ------------------------------------------------------------------------------ */

static void look_up(struct job *j)
{
    struct lookup *l = WEFT_CONTAINER_OF(j, struct lookup, job);
    l->code = net_addr_resolve(&l->name, false, &l->found, &l->why);
}

static void looked_up(struct mail *m, void *owner)
{
    struct lookup *l = WEFT_CONTAINER_OF(m, struct lookup, job.mail);
    struct grpc_client *c = l->client;
    (void)owner;
    if (c != NULL) {
        c->lookup = NULL;
        loop_timer_clear(c->conn.net->loop, &c->late);
    }
    if (c != NULL && c->state == CLIENT_RESOLVING) {
        c->addrs = l->found;
        if (l->code == WEFT_OK)
            connect_next(c);
        else
            fail_soon(c, &l->why);
    }
    free(l);
}

static void drop_lookup(struct mail *m)
{
    free(WEFT_CONTAINER_OF(m, struct lookup, job.mail));
}

static void resolve(struct grpc_client *c)
{
    struct net *net = c->conn.net;
    struct weft_err e = { 0 };
    if (net_addr_resolve(&c->name, true, &c->addrs, &e) == WEFT_OK) {
        connect_next(c);
        return;
    }
    if (net->resolver == NULL) {
        fail_soon(c, &e);
        return;
    }
    struct lookup *l = weft_alloc(sizeof(*l));
    l->job = (struct job){ .run = look_up,
                           .back = net->mailbox,
                           .mail = { .handle = looked_up, .drop = drop_lookup } };
    l->name = c->name;
    l->client = c;
    if (!jobs_submit(net->resolver, &l->job)) {
        free(l);
        (void)WEFT_FAIL(&e, WEFT_UNAVAILABLE, "lookup %s: too many are waiting", c->name.host);
        fail_soon(c, &e);
        return;
    }
    c->lookup = l;
    loop_timer_set(net->loop, &c->late, c->connect_by_ms);
}

/* ---- life --------------------------------------------------------------------------------- */

static void free_now(struct loop_task *t)
{
    struct grpc_client *c = WEFT_CONTAINER_OF(t, struct grpc_client, free);
    struct loop *loop = c->conn.net->loop;
    if (c->lookup != NULL)
        c->lookup->client = NULL;
    c->ops = NULL;
    if (c->state != CLIENT_DOWN) {
        const struct weft_err none = { 0 };
        go_down(c, &none);
    }
    c->conn.busy++; /* a handler that frees it once more does no harm */
    grpc_conn_done(&c->conn);
    loop_undefer(loop, &c->report);
    loop_undefer(loop, &c->free);
    tls_context_unref(c->tls);
    free(c);
}

struct grpc_client *grpc_client_new(struct net *net, const struct grpc_client_config *config,
                                    const struct grpc_client_ops *ops, void *user)
{
    struct grpc_client *c = weft_alloc(sizeof(*c));
    struct weft_err e = { 0 };
    grpc_conn_init(&c->conn, H2_CLIENT, net, &conn_ops, c);
    if (config->keepalive_ms > 0)
        c->conn.keepalive_ms = config->keepalive_ms;
    if (config->keepalive_timeout_ms > 0)
        c->conn.keepalive_timeout_ms = config->keepalive_timeout_ms;
    c->tls = config->tls != NULL ? tls_context_ref(config->tls) : NULL;
    c->ops = ops;
    c->user = user;
    c->report.run = report_now;
    c->free.run = free_now;
    c->late.fire = too_late;
    c->connect_by_ms = loop_now_ms(net->loop) + config->connect_timeout_ms;
    if (net_name_parse(config->address, &c->name, &e) != WEFT_OK) {
        fail_soon(c, &e);
        return c;
    }
    const char *host = config->host_override != NULL ? config->host_override : c->name.host;
    (void)snprintf(c->host, sizeof(c->host), "%s", host);
    (void)snprintf(c->authority, sizeof(c->authority), "%s",
                   config->host_override != NULL ? host : config->address);
    resolve(c);
    return c;
}

void grpc_client_free(struct grpc_client *c)
{
    if (c == NULL)
        return;
    if (c->conn.busy > 0) {
        c->ops = NULL; /* nothing more is heard of it, but of its calls */
        loop_defer(c->conn.net->loop, &c->free);
        return;
    }
    free_now(&c->free);
}

void grpc_client_close(struct grpc_client *c)
{
    const struct weft_err none = { 0 };
    if (c->state == CLIENT_READY)
        h2_drain(c->conn.h2);
    else if (c->state != CLIENT_DOWN)
        fail_soon(c, &none);
}

bool grpc_client_is_ready(const struct grpc_client *c)
{
    return c->state == CLIENT_READY;
}

const struct net_peer *grpc_client_peer(const struct grpc_client *c)
{
    return c->conn.io != NULL ? net_conn_peer(c->conn.io) : &c->conn.no_peer;
}

/* ---- calls ---------------------------------------------------------------------------------- */

static bool send_request(struct grpc_client *c, struct grpc_stream *s, uint64_t timeout_ms,
                         const struct grpc_meta *metadata)
{
    static const struct grpc_meta none = { 0 };
    char timeout[16];
    grpc_timeout_print(timeout_ms, timeout);
    const struct h2_field fields[] = {
        { bytes_of_str(":method"), bytes_of_str("POST") },
        { bytes_of_str(":scheme"), bytes_of_str(c->tls != NULL ? "https" : "http") },
        { bytes_of_str(":path"), bytes_of_str(s->path) },
        { bytes_of_str(":authority"), bytes_of_str(c->authority) },
        { bytes_of_str("content-type"), bytes_of_str("application/grpc") },
        { bytes_of_str("user-agent"), bytes_of_str("grpc-c-weft/0.1") },
        { bytes_of_str("te"), bytes_of_str("trailers") },
        { bytes_of_str("grpc-timeout"), bytes_of_str(timeout) },
    };
    size_t count = WEFT_ARRAY_LEN(fields) - (timeout_ms > 0 ? 0 : 1);
    return grpc_send_fields(s, GRPC_REQUEST, fields, count, metadata != NULL ? metadata : &none);
}

struct grpc_stream *grpc_client_call(struct grpc_client *c, const char *path,
                                     const struct grpc_meta *metadata, uint64_t timeout_ms,
                                     const struct grpc_stream_ops *ops, void *user)
{
    if (c->state == CLIENT_DOWN)
        return NULL;
    struct grpc_stream *s = grpc_stream_new(&c->conn);
    s->path = weft_strdup(path);
    if (!send_request(c, s, timeout_ms, metadata)) {
        grpc_stream_forget(s);
        return NULL;
    }
    s->life = GRPC_STREAM_OPEN;
    s->ops = ops;
    s->user = user;
    if (timeout_ms > 0)
        grpc_stream_set_deadline(s, timeout_ms);
    return s;
}

/* ---- unary ---------------------------------------------------------------------------------- */

struct unary {
    grpc_reply_fn *reply;
    void *user;
    struct net_msg *message;
};

static void unary_message(struct grpc_stream *s, struct net_msg *m)
{
    struct unary *u = grpc_stream_user(s);
    if (u->message != NULL) {
        net_msg_unref(m);
        grpc_stream_fail(s, GRPC_INTERNAL, "a unary call has one answer");
        return;
    }
    u->message = m;
}

static void unary_close(struct grpc_stream *s, enum grpc_code code, const char *message)
{
    struct unary *u = grpc_stream_user(s);
    if (code == GRPC_OK && u->message == NULL)
        u->reply(u->user, GRPC_INTERNAL, "a unary call without an answer", NULL);
    else if (code == GRPC_OK)
        u->reply(u->user, code, message, WEFT_TAKE(u->message));
    else
        u->reply(u->user, code, message, NULL);
    net_msg_unref(u->message);
    free(u);
}

static const struct grpc_stream_ops unary_ops = { .on_message = unary_message,
                                                  .on_close = unary_close };

struct grpc_stream *grpc_client_unary(struct grpc_client *c, const char *path,
                                      const struct grpc_meta *metadata, uint64_t timeout_ms,
                                      struct net_msg *request, grpc_reply_fn *reply, void *user)
{
    struct unary *u = weft_alloc(sizeof(*u));
    struct weft_err e;
    *u = (struct unary){ .reply = reply, .user = user };
    struct grpc_stream *s = grpc_client_call(c, path, metadata, timeout_ms, &unary_ops, u);
    if (s == NULL) {
        net_msg_unref(request);
        free(u);
        return NULL;
    }
    if (grpc_stream_send(s, request, &e) == WEFT_OK)
        grpc_stream_half_close(s);
    else
        grpc_stream_fail(s, GRPC_RESOURCE_EXHAUSTED, "%s", e.msg);
    return s;
}
