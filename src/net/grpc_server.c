#include "net/grpc_server.h"

#include "net/grpc_conn.h"
#include "os/clock.h"

#include <unistd.h>

struct grpc_server {
    struct net *net;
    const struct grpc_method *methods;
    size_t method_count;
    struct tls_context *tls;
    const struct grpc_server_ops *ops;
    void *user;
    struct grpc_conn *conns;
    size_t conn_count;
    struct loop_timer stop_timer;
    bool stopping;
};

/* ---- unary calls on top of streams ---------------------------------------------- */

static void unary_message(struct grpc_stream *s, struct net_msg *m)
{
    if (s->unary_request != NULL) {
        net_msg_unref(m);
        grpc_stream_fail(s, GRPC_INTERNAL, "a unary call has one request");
        return;
    }
    s->unary_request = m;
}

static void unary_half_close(struct grpc_stream *s)
{
    if (s->unary_request == NULL) {
        grpc_stream_fail(s, GRPC_INTERNAL, "a unary call without a request");
        return;
    }
    s->unary(s, s->service, WEFT_TAKE(s->unary_request));
}

static void unary_close(struct grpc_stream *s, enum grpc_code code, const char *message)
{
    const struct grpc_method *m = s->user_method;
    if (m->ops != NULL && m->ops->on_close != NULL)
        m->ops->on_close(s, code, message);
}

static const struct grpc_stream_ops unary_ops = {
    .on_message = unary_message,
    .on_half_close = unary_half_close,
    .on_close = unary_close,
};

/* ---- calls --------------------------------------------------------------------------- */

static const struct grpc_method *find_method(const struct grpc_server *sv, const char *path)
{
    for (size_t i = 0; i < sv->method_count; i++)
        if (strcmp(sv->methods[i].path, path) == 0)
            return &sv->methods[i];
    return NULL;
}

static void refuse_path(struct grpc_stream *s)
{
    const char *slash = strrchr(s->path, '/');
    if (s->path[0] == '/' && slash != s->path)
        grpc_stream_fail(s, GRPC_UNIMPLEMENTED, "unknown service %.*s", (int)(slash - s->path - 1),
                         s->path + 1);
    else
        grpc_stream_fail(s, GRPC_UNIMPLEMENTED, "malformed method name: \"%s\"", s->path);
}

static bool has_service(const struct grpc_server *sv, const char *path, size_t prefix)
{
    for (size_t i = 0; i < sv->method_count; i++)
        if (strncmp(sv->methods[i].path, path, prefix) == 0)
            return true;
    return false;
}

static void on_request(struct grpc_stream *s)
{
    struct grpc_server *sv = s->conn->owner;
    const struct grpc_method *m = find_method(sv, s->path);
    const char *slash = strrchr(s->path, '/');
    if (m == NULL && slash != NULL && slash != s->path &&
        has_service(sv, s->path, (size_t)(slash - s->path) + 1)) {
        grpc_stream_fail(s, GRPC_UNIMPLEMENTED, "unknown method %s for service %.*s", slash + 1,
                         (int)(slash - s->path - 1), s->path + 1);
        return;
    }
    if (m == NULL) {
        refuse_path(s);
        return;
    }
    s->service = m->service;
    s->user_method = m;
    s->unary = m->unary;
    s->ops = m->unary != NULL ? &unary_ops : m->ops;
    s->began_ns = clock_monotonic_ns();
    if (sv->ops != NULL && sv->ops->on_call != NULL)
        sv->ops->on_call(sv->user, m);
    if (s->ops->on_open != NULL)
        s->ops->on_open(s, m->service);
}

/* ---- connections ------------------------------------------------------------------------ */

static void tell_if_stopped(struct grpc_server *sv)
{
    if (!sv->stopping || sv->conn_count > 0)
        return;
    loop_timer_clear(sv->net->loop, &sv->stop_timer);
    if (sv->ops != NULL && sv->ops->on_stopped != NULL)
        sv->ops->on_stopped(sv->user);
}

static void tell_conn(const struct grpc_server *sv, bool opened)
{
    if (sv->ops != NULL && sv->ops->on_conn != NULL)
        sv->ops->on_conn(sv->user, opened);
}

static void free_conn(struct grpc_conn *c)
{
    struct grpc_server *sv = c->owner;
    *c->link = c->next;
    if (c->next != NULL)
        c->next->link = c->link;
    sv->conn_count--;
    grpc_conn_done(c);
    if (c->opened)
        tell_conn(sv, false);
    free(c);
}

static void free_conns(struct grpc_server *sv)
{
    for (struct grpc_conn *c = sv->conns, *next; c != NULL; c = next) {
        next = c->next;
        free_conn(c);
    }
}

static void on_down(struct grpc_conn *c, const struct net_peer *peer, const struct weft_err *why)
{
    struct grpc_server *sv = c->owner;
    if (why->code != WEFT_OK && sv->ops != NULL && sv->ops->on_conn_failed != NULL)
        sv->ops->on_conn_failed(sv->user, peer, why);
    c->no_peer = *peer; /* its calls end now, and each end says whose */
    free_conn(c);
    tell_if_stopped(sv);
}

static void on_message(struct grpc_stream *s, bool sent)
{
    const struct grpc_server *sv = s->conn->owner;
    if (s->user_method != NULL && sv->ops != NULL && sv->ops->on_call_message != NULL)
        sv->ops->on_call_message(sv->user, s->user_method, sent);
}

static void on_stream_end(struct grpc_stream *s)
{
    const struct grpc_server *sv = s->conn->owner;
    if (s->user_method == NULL || sv->ops == NULL || sv->ops->on_call_end == NULL)
        return;
    const struct grpc_call_end end = { .method = s->user_method,
                                       .stream = s,
                                       .code = s->code,
                                       .message = s->message,
                                       .took_ns = clock_monotonic_ns() - s->began_ns };
    sv->ops->on_call_end(sv->user, &end);
}

static void on_open(struct grpc_conn *c)
{
    tell_conn(c->owner, true);
}

static const struct grpc_conn_ops conn_ops = {
    .on_open = on_open,
    .on_message = on_message,
    .on_stream_end = on_stream_end,
    .on_request = on_request,
    .on_down = on_down,
};

struct grpc_conn *grpc_server_add_conn(struct grpc_server *sv)
{
    struct grpc_conn *c = weft_alloc(sizeof(*c));
    grpc_conn_init(c, H2_SERVER, sv->net, &conn_ops, sv);
    c->next = sv->conns;
    c->link = &sv->conns;
    if (c->next != NULL)
        c->next->link = &c->next;
    sv->conns = c;
    sv->conn_count++;
    return c;
}

void grpc_server_accept(struct grpc_server *sv, int fd)
{
    if (sv->stopping || sv->conn_count >= sv->net->limits.connections) {
        (void)close(fd);
        return;
    }
    struct grpc_conn *c = grpc_server_add_conn(sv);
    c->io = net_conn_accepted(sv->net, fd, sv->tls, &grpc_conn_io, c);
}

size_t grpc_server_connections(const struct grpc_server *sv)
{
    return sv->conn_count;
}

/* ---- the server ---------------------------------------------------------------------------- */

static void cut_off(struct loop_timer *t)
{
    struct grpc_server *sv = WEFT_CONTAINER_OF(t, struct grpc_server, stop_timer);
    free_conns(sv);
    tell_if_stopped(sv);
}

struct grpc_server *grpc_server_new(struct net *net, const struct grpc_method *methods,
                                    size_t count, struct tls_context *tls,
                                    const struct grpc_server_ops *ops, void *user)
{
    struct grpc_server *sv = weft_alloc(sizeof(*sv));
    sv->net = net;
    sv->methods = methods;
    sv->method_count = count;
    sv->tls = tls != NULL ? tls_context_ref(tls) : NULL;
    sv->ops = ops;
    sv->user = user;
    sv->stop_timer.fire = cut_off;
    return sv;
}

void grpc_server_free(struct grpc_server *sv)
{
    if (sv == NULL)
        return;
    loop_timer_clear(sv->net->loop, &sv->stop_timer);
    free_conns(sv);
    tls_context_unref(sv->tls);
    free(sv);
}

void grpc_server_set_tls(struct grpc_server *sv, struct tls_context *tls)
{
    tls_context_unref(sv->tls);
    sv->tls = tls != NULL ? tls_context_ref(tls) : NULL;
}

void grpc_server_stop(struct grpc_server *sv, uint32_t deadline_ms)
{
    if (sv->stopping)
        return;
    sv->stopping = true;
    for (struct grpc_conn *c = sv->conns; c != NULL; c = c->next)
        h2_drain(c->h2);
    /* Also with nothing open: on_stopped comes from the loop, not from here. */
    uint32_t wait = sv->conn_count > 0 ? deadline_ms : 0;
    loop_timer_set(sv->net->loop, &sv->stop_timer, loop_now_ms(sv->net->loop) + wait);
}
