#include "cli/node_client.h"

#include "net/grpc_client.h"
#include "os/jobs.h"
#include "os/loop.h"

enum {
    MAIL = 64,
    WAITING_MAX = 64 /* messages that nobody has received yet */
};

struct node_client {
    struct mailbox *mb;
    struct jobs *resolver;
    struct loop *loop;
    struct net *net;
    struct grpc_client *client;
    struct grpc_stream *stream;
    struct net_msg *waiting[WAITING_MAX];
    size_t waiting_count;
    bool ready, down, ended; /* connected; the connection, the call is over */
    enum grpc_code code;     /* of the call that ended */
    struct weft_err why;     /* its words, or the connection's */
};

/* ---- what happens ------------------------------------------------------------------- */

static void on_ready(void *user)
{
    ((struct node_client *)user)->ready = true;
}

static void on_down(void *user, const struct weft_err *why)
{
    struct node_client *c = user;
    c->down = true;
    if (!c->ready)
        c->why = *why;
}

static const struct grpc_client_ops client_ops = { .on_ready = on_ready, .on_down = on_down };

static void end(struct node_client *c, enum grpc_code code, const char *message)
{
    c->ended = true;
    c->stream = NULL;
    c->code = code;
    (void)snprintf(c->why.msg, sizeof(c->why.msg), "rpc error: code = %s desc = %s",
                   grpc_code_name((int)code), message);
}

static void on_message(struct grpc_stream *s, struct net_msg *m)
{
    struct node_client *c = grpc_stream_user(s);
    c->waiting[c->waiting_count++] = m;
    if (c->waiting_count == WAITING_MAX)
        grpc_stream_pause(s);
}

static void on_close(struct grpc_stream *s, enum grpc_code code, const char *message)
{
    end(grpc_stream_user(s), code, message);
}

static const struct grpc_stream_ops stream_ops = { .on_message = on_message, .on_close = on_close };

static void on_reply(void *user, enum grpc_code code, const char *message, struct net_msg *reply)
{
    struct node_client *c = user;
    if (reply != NULL)
        c->waiting[c->waiting_count++] = reply;
    end(c, code, message);
}

/* ---- life ------------------------------------------------------------------------------ */

enum weft_code node_client_open(const struct node_target *t, struct node_client **ret,
                                struct weft_err *e)
{
    WEFT_CLEANUP(node_client_close) struct node_client *c = weft_alloc(sizeof(*c));
    c->mb = mailbox_new("client", MAIL);
    c->resolver = jobs_new("resolve", 1, MAIL);
    c->loop = loop_new(c->mb, c);
    c->net = net_new(c->loop, NULL, c->mb, c->resolver);
    c->client = grpc_client_new(c->net,
                                &(struct grpc_client_config){
                                    .address = t->address,
                                    .tls = t->tls,
                                    .host_override = t->host_override,
                                    .connect_timeout_ms = t->connect_timeout_ms,
                                },
                                &client_ops, c);
    while (!c->ready && !c->down)
        loop_turn(c->loop, -1);
    if (!c->ready) {
        bool dialing = strncmp(c->why.msg, "dial ", 5) == 0; /* grpc-go puts more words around it */
        return WEFT_FAIL(e, WEFT_UNAVAILABLE, "failed to create new connection: %s%.400s%s",
                         dialing ? "connection error: desc = \"transport: error while dialing: "
                                 : "",
                         c->why.msg, dialing ? "\"" : "");
    }
    *ret = WEFT_TAKE(c);
    return WEFT_OK;
}

static void forget_waiting(struct node_client *c)
{
    while (c->waiting_count > 0)
        net_msg_unref(c->waiting[--c->waiting_count]);
}

void node_client_close(struct node_client *c)
{
    if (c == NULL)
        return;
    grpc_client_free(c->client);
    forget_waiting(c);
    mailbox_close(c->mb);
    jobs_free(c->resolver);
    net_free(c->net);
    loop_free(c->loop);
    mailbox_free(c->mb);
    free(c);
}

/* ---- calls ------------------------------------------------------------------------------- */

static void begin(struct node_client *c)
{
    if (c->stream != NULL)
        grpc_stream_cancel(c->stream);
    while (c->stream != NULL)
        loop_turn(c->loop, -1);
    forget_waiting(c);
    c->ended = false;
}

static enum weft_code no_calls(struct weft_err *e)
{
    return WEFT_FAIL(e, WEFT_UNAVAILABLE,
                     "rpc error: code = Unavailable desc = the connection takes no calls");
}

enum weft_code node_client_unary(struct node_client *c, const char *path, struct bytes request,
                                 struct net_msg **ret, struct weft_err *e)
{
    begin(c);
    if (grpc_client_unary(c->client, path, NULL, 0, net_msg_copy(request), on_reply, c) == NULL)
        return no_calls(e);
    while (!c->ended)
        loop_turn(c->loop, -1);
    if (c->waiting_count == 0)
        return WEFT_FAIL(e, WEFT_UNAVAILABLE, "%s", c->why.msg);
    *ret = c->waiting[--c->waiting_count];
    return WEFT_OK;
}

enum weft_code node_client_call(struct node_client *c, const char *path, struct weft_err *e)
{
    begin(c);
    c->stream = grpc_client_call(c->client, path, NULL, 0, &stream_ops, c);
    return c->stream != NULL ? WEFT_OK : no_calls(e);
}

enum weft_code node_client_send(struct node_client *c, struct bytes message, struct weft_err *e)
{
    if (c->stream == NULL)
        return WEFT_FAIL(e, WEFT_UNAVAILABLE, "%s", c->why.msg);
    return grpc_stream_send(c->stream, net_msg_copy(message), e);
}

enum weft_code node_client_receive(struct node_client *c, struct net_msg **ret, struct weft_err *e)
{
    while (c->waiting_count == 0 && !c->ended)
        loop_turn(c->loop, -1);
    if (c->waiting_count == 0)
        return WEFT_FAIL(e, WEFT_UNAVAILABLE, "%s", c->code == GRPC_OK ? "EOF" : c->why.msg);
    *ret = c->waiting[0];
    c->waiting_count--;
    memmove(c->waiting, c->waiting + 1, c->waiting_count * sizeof(c->waiting[0]));
    if (c->stream != NULL)
        grpc_stream_resume(c->stream);
    return WEFT_OK;
}
