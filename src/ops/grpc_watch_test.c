/* Calls over a loopback connection, counted and logged. */
#include "ops/grpc_watch.h"

#include "net/grpc_client.h"
#include "os/clock.h"
#include "os/loop.h"
#include "weft_test.h"

enum {
    PATIENCE_MS = 20000
};

static void echo(struct grpc_stream *s, struct net_msg *m)
{
    struct weft_err e;
    WEFT_IGNORE(grpc_stream_send(s, m, &e)); /* the client would miss it */
}

static void half_closed(struct grpc_stream *s)
{
    grpc_stream_finish(s, GRPC_OK, NULL);
}

static void refuse(struct grpc_stream *s, void *service, struct net_msg *request)
{
    (void)service;
    net_msg_unref(request);
    grpc_stream_finish(s, GRPC_NOT_FOUND, "no \"such\" thing");
}

static const struct grpc_stream_ops echo_ops = { .on_message = echo, .on_half_close = half_closed };
static const struct grpc_method methods[] = {
    { .path = "/orderer.AtomicBroadcast/Deliver", .ops = &echo_ops },
    { .path = "/protos.Endorser/ProcessProposal", .unary = refuse },
};

struct call {
    size_t messages;
    bool closed;
};

static void client_message(struct grpc_stream *s, struct net_msg *m)
{
    struct call *c = grpc_stream_user(s);
    c->messages++;
    net_msg_unref(m);
}

static void client_close(struct grpc_stream *s, enum grpc_code code, const char *message)
{
    struct call *c = grpc_stream_user(s);
    (void)code, (void)message;
    c->closed = true;
}

static void on_reply(void *user, enum grpc_code code, const char *message, struct net_msg *m)
{
    struct call *c = user;
    (void)code, (void)message;
    net_msg_unref(m);
    c->closed = true;
}

static const struct grpc_stream_ops client_ops = { .on_message = client_message,
                                                   .on_close = client_close };

/* One loop with both ends. */
struct world {
    struct loop *loop;
    struct net *net;
    struct grpc_server *server;
    struct grpc_listener *listener;
    struct grpc_client *client;
    struct metrics *metrics;
    struct grpc_watch *watch;
};

#define WAIT_UNTIL(w, cond)                                   \
    do {                                                      \
        uint64_t until_ = clock_monotonic_ms() + PATIENCE_MS; \
        while (!(cond) && clock_monotonic_ms() < until_)      \
            loop_turn((w)->loop, 10);                         \
        EXPECT(cond);                                         \
    } while (0)

static void start(struct world *w)
{
    struct net_limits limits = NET_LIMITS_DEFAULT;
    struct weft_err e = { 0 };
    *w = (struct world){ .loop = loop_new(NULL, NULL), .metrics = metrics_new() };
    w->net = net_new(w->loop, &limits, NULL, NULL);
    w->watch = grpc_watch_new(metrics_owner_new(w->metrics), methods, 2);
    w->server = grpc_server_new(w->net, methods, 2, NULL, &grpc_watch_ops, w->watch);
    const struct grpc_target to = { w->server, NULL };
    EXPECT_OK(grpc_listener_new(w->net, "127.0.0.1:0", &to, 1, &w->listener, &e));
    const struct grpc_client_config config = { .address = grpc_listener_address(w->listener),
                                               .connect_timeout_ms = 5000 };
    static const struct grpc_client_ops nothing = { 0 };
    w->client = grpc_client_new(w->net, &config, &nothing, NULL);
}

static void finish(struct world *w)
{
    grpc_client_free(w->client);
    grpc_listener_free(w->listener);
    grpc_server_free(w->server);
    grpc_watch_free(w->watch);
    metrics_free(w->metrics);
    net_free(w->net);
    loop_free(w->loop);
}

static bool shows(struct metrics *m, const char *line)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    metrics_write(m, &out);
    buf_put_u8(&out, 0);
    return strstr((const char *)out.data, line) != NULL;
}

static void run_calls(struct world *w)
{
    struct call stream = { 0 }, unary = { 0 };
    struct weft_err e = { 0 };
    struct grpc_stream *s =
        grpc_client_call(w->client, methods[0].path, NULL, 0, &client_ops, &stream);
    EXPECT_OK(grpc_stream_send(s, net_msg_copy(bytes_of_str("one")), &e));
    EXPECT_OK(grpc_stream_send(s, net_msg_copy(bytes_of_str("two")), &e));
    WAIT_UNTIL(w, stream.messages == 2);
    grpc_stream_half_close(s);
    WAIT_UNTIL(w, stream.closed);
    EXPECT(grpc_client_unary(w->client, methods[1].path, NULL, 5000,
                             net_msg_copy(bytes_of_str("x")), on_reply, &unary) != NULL);
    WAIT_UNTIL(w, unary.closed);
}

TEST(calls_messages_and_connections_are_counted)
{
    struct world w;
    start(&w);
    run_calls(&w);
    EXPECT(shows(w.metrics, "grpc_comm_conn_opened 1\n"));
    EXPECT(!shows(w.metrics, "grpc_comm_conn_closed"));
#define STREAM "{method=\"Deliver\",service=\"orderer_AtomicBroadcast\"}"
    EXPECT(shows(w.metrics, "grpc_server_stream_requests_received" STREAM " 1\n"));
    EXPECT(shows(w.metrics, "grpc_server_stream_messages_received" STREAM " 2\n"));
    EXPECT(shows(w.metrics, "grpc_server_stream_messages_sent" STREAM " 2\n"));
    EXPECT(shows(w.metrics, "grpc_server_stream_requests_completed{code=\"OK\",method=\"Deliver\","
                            "service=\"orderer_AtomicBroadcast\"} 1\n"));
    EXPECT(shows(w.metrics, "grpc_server_unary_requests_received{method=\"ProcessProposal\","
                            "service=\"protos_Endorser\"} 1\n"));
    EXPECT(shows(w.metrics, "grpc_server_unary_request_duration_count{code=\"NotFound\","
                            "method=\"ProcessProposal\",service=\"protos_Endorser\"} 1\n"));
    EXPECT(!shows(w.metrics, "messages_received{method=\"ProcessProposal\""));
    grpc_client_free(WEFT_TAKE(w.client));
    WAIT_UNTIL(&w, shows(w.metrics, "grpc_comm_conn_closed 1\n"));
    finish(&w);
}

TEST(the_end_of_a_call_is_a_line_in_the_log)
{
    struct world w;
    start(&w);
    weft_test_log_catch("[%{module}] %{message}");
    run_calls(&w);
    WEFT_CLEANUP(buf_done) struct buf text = weft_test_log_taken();
    finish(&w);
    const char *log_text = (const char *)text.data;
    EXPECT(strstr(log_text, "[comm.grpc.server]") != NULL);
    EXPECT(strstr(log_text, " streaming call completed grpc.service=orderer.AtomicBroadcast "
                            "grpc.method=Deliver grpc.peer_address=127.0.0.1:") != NULL);
    EXPECT(strstr(log_text, " grpc.code=OK grpc.call_duration=") != NULL);
    EXPECT(strstr(log_text, " unary call completed grpc.service=protos.Endorser "
                            "grpc.method=ProcessProposal grpc.request_deadline=2") != NULL);
    EXPECT(strstr(log_text, " error=\"rpc error: code = NotFound desc = no \\\"such\\\" thing\" "
                            "grpc.code=NotFound grpc.call_duration=") != NULL);
}
