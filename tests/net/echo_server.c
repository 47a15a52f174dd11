/* A server for the tests of src/net: echoes, counts, fails, as it is told.
 *
 *   echo_server [--listen 127.0.0.1:0] [--loops N] [--cert F --key F]
 *               [--roots F] [--client-auth none|request|require] [--set limit=value]
 *
 * Prints "listening on ADDRESS"; "stop" on standard input drains and ends it,
 * so does the end of standard input. */
#include "net/grpc_server.h"
#include "os/file.h"
#include "os/loop.h"
#include "os/thread.h"
#include "test_options.h"

#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    LOOPS_MAX = 8,
    STOP_MS = 3000
};

struct worker {
    struct mailbox *mb;
    struct loop *loop;
    struct net *net;
    struct grpc_server *server;
    struct thread *thread;
};

struct order {
    struct mail mail;
    struct worker *worker;
};

static struct worker workers[LOOPS_MAX];
static size_t worker_count = 1;
static struct test_options options;

/* ---- methods ------------------------------------------------------------------- */

static void send_or_cancel(struct grpc_stream *s, struct net_msg *m)
{
    struct weft_err e;
    if (grpc_stream_send(s, m, &e) != WEFT_OK)
        grpc_stream_finish(s, GRPC_RESOURCE_EXHAUSTED, e.msg);
}

static void once(struct grpc_stream *s, void *service, struct net_msg *request)
{
    (void)service;
    for (struct grpc_meta_item i = { 0 }; grpc_meta_next(grpc_stream_metadata(s), &i);) {
        WEFT_FREE char *name = bytes_dup_str(i.name);
        if (strncmp(name, "x-", 2) == 0) {
            grpc_stream_add_header(s, name, i.value);
            grpc_stream_add_trailer(s, name, i.value);
        }
    }
    grpc_stream_reply(s, request);
}

/* Every message back; what cannot leave yet stops what comes. */
static void chat_message(struct grpc_stream *s, struct net_msg *m)
{
    send_or_cancel(s, m);
    if (!grpc_stream_is_writable(s))
        grpc_stream_pause(s);
}

static void chat_writable(struct grpc_stream *s)
{
    grpc_stream_resume(s);
}

static void chat_half_close(struct grpc_stream *s)
{
    grpc_stream_finish(s, GRPC_OK, NULL);
}

static const struct grpc_stream_ops chat = { .on_message = chat_message,
                                             .on_half_close = chat_half_close,
                                             .on_writable = chat_writable };

/* "COUNT SIZE" -> so many messages of that size, the first four bytes counting. */
struct list {
    uint32_t sent, count;
    size_t size;
};

static void list_go_on(struct grpc_stream *s)
{
    struct list *l = grpc_stream_user(s);
    while (l != NULL && l->sent < l->count && grpc_stream_is_writable(s)) {
        uint8_t *to;
        struct net_msg *m = net_msg_new(l->size, &to);
        memset(to, 'x', l->size);
        for (size_t i = 0; i < 4 && i < l->size; i++)
            to[i] = (uint8_t)(l->sent >> (24 - 8 * i));
        l->sent++;
        send_or_cancel(s, m);
    }
    if (l != NULL && l->sent == l->count)
        grpc_stream_finish(s, GRPC_OK, NULL);
}

static void list_message(struct grpc_stream *s, struct net_msg *m)
{
    WEFT_FREE char *text = bytes_dup_str(net_msg_bytes(m));
    WEFT_FREE struct list *l = weft_alloc(sizeof(*l));
    unsigned count = 0;
    net_msg_unref(m);
    if (grpc_stream_user(s) == NULL && test_two_numbers(text, &count, &l->size)) {
        l->count = count;
        grpc_stream_set_user(s, WEFT_TAKE(l));
        list_go_on(s);
    } else {
        grpc_stream_finish(s, GRPC_INVALID_ARGUMENT, "COUNT SIZE");
    }
}

static void list_close(struct grpc_stream *s, enum grpc_code code, const char *message)
{
    (void)code, (void)message;
    free(grpc_stream_user(s));
}

static const struct grpc_stream_ops list = { .on_message = list_message,
                                             .on_writable = list_go_on,
                                             .on_close = list_close };

/* Client streaming: "COUNT BYTES" at the end. */
struct sum {
    size_t count, bytes;
};

static void sum_open(struct grpc_stream *s, void *service)
{
    (void)service;
    grpc_stream_set_user(s, weft_alloc(sizeof(struct sum)));
}

static void sum_message(struct grpc_stream *s, struct net_msg *m)
{
    struct sum *sum = grpc_stream_user(s);
    sum->count++;
    sum->bytes += m->len;
    net_msg_unref(m);
}

static void sum_half_close(struct grpc_stream *s)
{
    const struct sum *sum = grpc_stream_user(s);
    char text[64];
    (void)snprintf(text, sizeof(text), "%zu %zu", sum->count, sum->bytes);
    grpc_stream_reply(s, net_msg_copy(bytes_of_str(text)));
}

static const struct grpc_stream_ops sum = { .on_open = sum_open,
                                            .on_message = sum_message,
                                            .on_half_close = sum_half_close,
                                            .on_close = list_close };

/* "CODE TEXT" -> that status, without a message. */
static void fail(struct grpc_stream *s, void *service, struct net_msg *request)
{
    WEFT_FREE char *text = bytes_dup_str(net_msg_bytes(request));
    char *rest = text;
    (void)service;
    unsigned code = (unsigned)strtoul(text, &rest, 10);
    net_msg_unref(request);
    grpc_stream_finish(s, (enum grpc_code)code, *rest == ' ' ? rest + 1 : rest);
}

/* Who is calling: "ADDRESS CERT_HASH OUR_HASH". */
static void who(struct grpc_stream *s, void *service, struct net_msg *request)
{
    const struct net_peer *p = grpc_stream_peer(s);
    WEFT_FREE char *theirs = bytes_to_hex(digest_bytes(&p->cert_hash));
    WEFT_FREE char *ours =
        p->our_hash != NULL ? bytes_to_hex(digest_bytes(p->our_hash)) : weft_strdup("-");
    WEFT_FREE char *text =
        weft_asprintf("%s %s %s", p->address, p->cert_der.len > 0 ? theirs : "-", ours);
    (void)service;
    net_msg_unref(request);
    grpc_stream_reply(s, net_msg_copy(bytes_of_str(text)));
}

/* Never answers; counts how its calls end. */
static _Atomic unsigned hangs_open, hangs_cancelled;

static void hang_open(struct grpc_stream *s, void *service)
{
    (void)s, (void)service;
    hangs_open++;
}

static void hang_close(struct grpc_stream *s, enum grpc_code code, const char *message)
{
    (void)s, (void)code, (void)message;
    hangs_cancelled++;
}

static const struct grpc_stream_ops hang = { .on_open = hang_open, .on_close = hang_close };

static void hangs(struct grpc_stream *s, void *service, struct net_msg *request)
{
    char text[64];
    (void)service;
    net_msg_unref(request);
    (void)snprintf(text, sizeof(text), "%u %u", hangs_open, hangs_cancelled);
    grpc_stream_reply(s, net_msg_copy(bytes_of_str(text)));
}

/* Takes one message and then no more until the client half-closes... never. */
static void stall_message(struct grpc_stream *s, struct net_msg *m)
{
    net_msg_unref(m);
    grpc_stream_pause(s);
}

static const struct grpc_stream_ops stall = { .on_message = stall_message };

/* Cancels the call at its first message. */
static void give_up_message(struct grpc_stream *s, struct net_msg *m)
{
    net_msg_unref(m);
    grpc_stream_cancel(s);
}

static const struct grpc_stream_ops give_up = { .on_message = give_up_message };

static const struct grpc_method methods[] = {
    { .path = "/test.Echo/Once", .unary = once },  { .path = "/test.Echo/Chat", .ops = &chat },
    { .path = "/test.Echo/List", .ops = &list },   { .path = "/test.Echo/Sum", .ops = &sum },
    { .path = "/test.Echo/Fail", .unary = fail },  { .path = "/test.Echo/Who", .unary = who },
    { .path = "/test.Echo/Hang", .ops = &hang },   { .path = "/test.Echo/Hangs", .unary = hangs },
    { .path = "/test.Echo/Stall", .ops = &stall }, { .path = "/test.Echo/GiveUp", .ops = &give_up },
};

/* ---- wiring ----------------------------------------------------------------------- */

static void on_conn_failed(void *user, const struct net_peer *peer, const struct weft_err *why)
{
    (void)user;
    if (options.verbose)
        (void)fprintf(stderr, "connection %s: %s\n", peer->address, why->msg);
}

static void on_stopped(void *user)
{
    struct worker *w = user;
    loop_stop(w->loop);
}

static const struct grpc_server_ops server_ops = { .on_conn_failed = on_conn_failed,
                                                   .on_stopped = on_stopped };

static void stop_worker(struct mail *m, void *owner)
{
    struct order *o = WEFT_CONTAINER_OF(m, struct order, mail);
    (void)owner;
    grpc_server_stop(o->worker->server, STOP_MS);
    free(o);
}

static void drop_order(struct mail *m)
{
    free(WEFT_CONTAINER_OF(m, struct order, mail));
}

static void tell_all(void (*handle)(struct mail *m, void *owner))
{
    for (size_t i = 0; i < worker_count; i++) {
        struct order *o = weft_alloc(sizeof(*o));
        *o = (struct order){ { .handle = handle, .drop = drop_order }, &workers[i] };
        while (!mailbox_put(workers[i].mb, &o->mail))
            (void)usleep(1000);
    }
}

static void reload_worker(struct mail *m, void *owner)
{
    struct order *o = WEFT_CONTAINER_OF(m, struct order, mail);
    (void)owner;
    struct tls_context *tls = test_tls_context(TLS_SERVER, &options);
    grpc_server_set_tls(o->worker->server, tls);
    tls_context_unref(tls);
    free(o);
}

static void run_worker(void *arg)
{
    struct worker *w = arg;
    loop_run(w->loop);
}

int main(int argc, char **argv)
{
    struct weft_err e = { 0 };
    struct grpc_listener *listener = NULL;
    struct grpc_target targets[LOOPS_MAX];
    char line[64];
    test_options_parse(&options, argc, argv);
    (void)signal(SIGPIPE, SIG_IGN);
    worker_count = options.loops;
    struct tls_context *tls = test_tls_context(TLS_SERVER, &options);
    for (size_t i = 0; i < worker_count; i++) {
        struct worker *w = &workers[i];
        w->mb = mailbox_new("net", 4096);
        w->loop = loop_new(w->mb, w);
        w->net = net_new(w->loop, &options.limits, w->mb, NULL);
        w->server = grpc_server_new(w->net, methods, WEFT_ARRAY_LEN(methods), tls, &server_ops, w);
        targets[i] = (struct grpc_target){ w->server, i == 0 ? NULL : w->mb };
    }
    if (grpc_listener_new(workers[0].net, options.address, targets, worker_count, &listener, &e) !=
        WEFT_OK) {
        (void)fprintf(stderr, "Error: %s\n", e.msg);
        return 1;
    }
    for (size_t i = 0; i < worker_count; i++)
        WEFT_ASSERT(thread_start("net", run_worker, &workers[i], &workers[i].thread, &e) ==
                    WEFT_OK);
    (void)printf("listening on %s\n", grpc_listener_address(listener));
    (void)fflush(stdout);
    while (fgets(line, sizeof(line), stdin) != NULL && strcmp(line, "stop\n") != 0) {
        if (strcmp(line, "reload\n") == 0) {
            tell_all(reload_worker);
            (void)printf("reloaded\n");
            (void)fflush(stdout);
        }
    }
    tell_all(stop_worker);
    for (size_t i = 0; i < worker_count; i++)
        thread_join(workers[i].thread);
    grpc_listener_free(listener);
    for (size_t i = 0; i < worker_count; i++) {
        grpc_server_free(workers[i].server);
        net_free(workers[i].net);
        loop_free(workers[i].loop);
        mailbox_free(workers[i].mb);
    }
    tls_context_unref(tls);
    (void)printf("stopped\n");
    return 0;
}
