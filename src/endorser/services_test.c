/* The endorser's and the event services as clients see them: sockets, workers and all, on the
 * fixtures' ledger. */
#include "endorser/endorser_service.h"
#include "endorser/event_service.h"
#include "endorser_world.h"
#include "msp/signed_envelope.h"
#include "net/grpc_client.h"
#include "ops/metrics.h"
#include "os/clock.h"
#include "os/jobs.h"
#include "os/loop.h"
#include "proposal_maker.h"
#include "proto/wire.h"
#include "weft_test.h"

enum {
    PATIENCE_MS = 20000,
    MAIL = 1024,
    BLOCKS = 79, /* of the fixtures */
    STATUS_OK = 200,
    STATUS_FORBIDDEN = 403,
    STATUS_NOT_FOUND = 404,
};

static struct world {
    struct endorser_world peer;
    struct mailbox *mb;
    struct loop *loop;
    struct net *net;
    struct jobs *workers;
    struct metrics *metrics;
    struct concurrency_limit endorser_limit, deliver_limit;
    struct endorser_service *endorser;
    struct event_service *events;
    struct grpc_method methods[1 + EVENT_METHODS];
    struct grpc_server *server;
    struct grpc_listener *listener;
    struct grpc_client *client;
} w;

#define WAIT_FOR(cond)                                        \
    do {                                                      \
        uint64_t until_ = clock_monotonic_ms() + PATIENCE_MS; \
        while (!(cond) && clock_monotonic_ms() < until_)      \
            loop_turn(w.loop, 10);                            \
        EXPECT(cond);                                         \
    } while (0)

static void start_services(void)
{
    struct metrics_owner *owner = metrics_owner_new(w.metrics);
    w.endorser =
        endorser_service_new(&(struct endorser_service_config){ .endorser = &w.peer.endorser,
                                                                .limit = &w.endorser_limit,
                                                                .workers = w.workers,
                                                                .mb = w.mb,
                                                                .metrics = owner });
    w.events = event_service_new(&(struct event_service_config){
        .support = &w.peer.support,
        .time_window_ns = INT64_C(900) * 1000000000,
        .limit = &w.deliver_limit,
        .store = w.workers,
        .workers = w.workers,
        .mb = w.mb,
        .metrics = owner,
    });
    w.methods[0] = (struct grpc_method){ .path = ENDORSER_PATH,
                                         .ops = &endorser_service_ops,
                                         .unary = endorser_service_call,
                                         .service = w.endorser };
    event_service_methods(w.events, w.methods + 1);
}

static void start(void)
{
    struct weft_err e;
    w = (struct world){ .endorser_limit = { .service = "/protos.Endorser" },
                        .deliver_limit = { .service = "/protos.Deliver" } };
    endorser_world_open(&w.peer);
    w.mb = mailbox_new("net", MAIL);
    w.loop = loop_new(w.mb, &w);
    w.net = net_new(w.loop, NULL, w.mb, NULL);
    w.workers = jobs_new("workers", 2, MAIL);
    w.metrics = metrics_new();
    start_services();
    w.server = grpc_server_new(w.net, w.methods, WEFT_ARRAY_LEN(w.methods), NULL, NULL, NULL);
    const struct grpc_target to = { w.server, NULL };
    EXPECT_OK(grpc_listener_new(w.net, "127.0.0.1:0", &to, 1, &w.listener, &e));
    w.client =
        grpc_client_new(w.net,
                        &(struct grpc_client_config){ .address = grpc_listener_address(w.listener),
                                                      .connect_timeout_ms = 5000 },
                        NULL, NULL);
    WAIT_FOR(grpc_client_is_ready(w.client));
}

/* As a daemon stops: streams, workers, what is in the mail, services. */
static void finish(void)
{
    grpc_client_free(w.client);
    grpc_listener_free(w.listener);
    grpc_server_free(w.server);
    mailbox_close(w.mb);
    jobs_free(w.workers);
    net_free(w.net);
    loop_free(w.loop);
    mailbox_free(w.mb);
    event_service_free(w.events);
    endorser_service_free(w.endorser);
    metrics_free(w.metrics);
    endorser_world_done(&w.peer);
}

/* ---- the endorser ------------------------------------------------------------------------------- */

struct answer {
    bool came;
    enum grpc_code code;
    char words[200];
    size_t bytes;
};

static void on_reply(void *user, enum grpc_code code, const char *message, struct net_msg *reply)
{
    struct answer *a = user;
    a->came = true;
    a->code = code;
    (void)snprintf(a->words, sizeof(a->words), "%s", message != NULL ? message : "");
    a->bytes = reply != NULL ? reply->len : 0;
    net_msg_unref(reply);
}

static void sign(void *ctx, struct bytes message, struct buf *out)
{
    struct weft_err e;
    EXPECT_OK(signing_identity_sign(ctx, message, out, &e));
}

static void propose(struct signing_identity *who, const char *function, uint64_t nonce,
                    struct answer *a)
{
    WEFT_CLEANUP(buf_done) struct buf request = { 0 };
    const struct bytes args[] = { bytes_of_str(function), bytes_of_str("mychannel"),
                                  bytes_of_str("9") };
    proposal_make(&(struct proposal_order){ .channel = "mychannel",
                                            .chaincode = "qscc",
                                            .args = args,
                                            .arg_count = WEFT_ARRAY_LEN(args),
                                            .nonce = nonce,
                                            .creator = signing_identity_bytes(who),
                                            .sign = sign,
                                            .ctx = who },
                  &request);
    *a = (struct answer){ 0 };
    EXPECT(grpc_client_unary(w.client, ENDORSER_PATH, NULL, 0, net_msg_copy(buf_bytes(&request)),
                             on_reply, a) != NULL);
}

TEST(many_proposals_are_answered_and_counted)
{
    struct answer a[20];
    start();
    WEFT_CLEANUP(signing_identity_free)
    struct signing_identity *user =
        endorser_world_identity("Org1MSP", "org1.example.com/users/User1@org1.example.com");
    for (size_t i = 0; i < WEFT_ARRAY_LEN(a); i++)
        propose(user, i % 2 == 0 ? "GetBlockByNumber" : "Nonsense", i, &a[i]);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(a); i++) {
        WAIT_FOR(a[i].came);
        EXPECT_EQ(a[i].code, GRPC_OK);
        EXPECT((a[i].bytes > 43000) == (i % 2 == 0));
    }
    EXPECT_EQ(metrics_count(w.metrics, METRIC_ENDORSER_PROPOSALS_RECEIVED), 20);
    EXPECT_EQ(metrics_count(w.metrics, METRIC_ENDORSER_SUCCESSFUL_PROPOSALS), 10);
    EXPECT_EQ(metrics_count(w.metrics, METRIC_ENDORSER_PROPOSAL_DURATION), 20);
    EXPECT_EQ(atomic_load(&w.endorser_limit.now), 0);
    finish();
}

TEST(above_the_limit_a_proposal_is_refused_at_once)
{
    struct answer first, second, third;
    start();
    WEFT_CLEANUP(signing_identity_free)
    struct signing_identity *user =
        endorser_world_identity("Org1MSP", "org1.example.com/users/User1@org1.example.com");
    w.endorser_limit.most = 1;
    EXPECT(concurrency_limit_enter(&w.endorser_limit, NULL)); /* one that takes its time */
    propose(user, "GetBlockByNumber", 1, &first);
    WAIT_FOR(first.came);
    EXPECT_EQ(first.code, GRPC_UNKNOWN);
    EXPECT_STR(first.words,
               "too many requests for /protos.Endorser, exceeding concurrency limit (1)");
    concurrency_limit_leave(&w.endorser_limit);
    propose(user, "GetBlockByNumber", 2, &second);
    WAIT_FOR(second.came);
    EXPECT_EQ(second.code, GRPC_OK);
    propose(user, "GetBlockByNumber", 3, &third);
    WAIT_FOR(third.came);
    EXPECT_EQ(third.code, GRPC_OK);
    finish();
}

/* ---- events ---------------------------------------------------------------------------------------- */

struct events {
    size_t blocks, of_kind[5]; /* by the field of DeliverResponse */
    uint64_t status;
    struct buf sums; /* of messages of the fourth kind, a line each */
    bool closed;
    enum grpc_code code;
    char words[200];
};

static void note_sum(struct events *ev, struct bytes b)
{
    struct digest d = sha256_of(b);
    WEFT_FREE char *hex = bytes_to_hex(bytes_of(d.b, 8));
    buf_printf(&ev->sums, "%zu\t%zu:%s\n", ev->of_kind[4] - 1, b.len, hex);
}

static void on_message(struct grpc_stream *s, struct net_msg *m)
{
    struct events *ev = grpc_stream_user(s);
    struct wire wire = wire_of(net_msg_bytes(m));
    struct wire_field f;
    EXPECT(wire_next(&wire, &f) && f.number < WEFT_ARRAY_LEN(ev->of_kind));
    ev->of_kind[f.number]++;
    if (f.number == 1)
        ev->status = f.varint;
    if (f.number == 4)
        note_sum(ev, net_msg_bytes(m));
    net_msg_unref(m);
}

static void on_close(struct grpc_stream *s, enum grpc_code code, const char *message)
{
    struct events *ev = grpc_stream_user(s);
    ev->closed = true;
    ev->code = code;
    (void)snprintf(ev->words, sizeof(ev->words), "%s", message != NULL ? message : "");
}

static const struct grpc_stream_ops event_ops = { .on_message = on_message, .on_close = on_close };

/* SeekInfo { 1 start oldest, 2 stop newest } */
static void listen(const char *method, const char *channel, const struct signing_identity *who,
                   struct events *ev)
{
    static const uint8_t oldest_to_newest[] = { 0x0a, 2, 0x12, 0, 0x12, 2, 0x0a, 0 };
    WEFT_CLEANUP(buf_done) struct buf request = { 0 };
    struct weft_err e;
    const struct envelope_plan plan = { .type = HEADER_DELIVER_SEEK_INFO,
                                        .channel_id = channel,
                                        .now_ns = clock_wall_ns(),
                                        .data =
                                            bytes_of(oldest_to_newest, sizeof(oldest_to_newest)) };
    EXPECT_OK(signed_envelope(who, &plan, &request, &e));
    *ev = (struct events){ 0 };
    struct grpc_stream *s = grpc_client_call(w.client, method, NULL, 0, &event_ops, ev);
    EXPECT(s != NULL);
    EXPECT_OK(grpc_stream_send(s, net_msg_copy(buf_bytes(&request)), &e));
    grpc_stream_half_close(s);
    WAIT_FOR(ev->closed);
}

TEST(blocks_and_filtered_blocks_go_to_who_may_read_them)
{
    struct events ev;
    start();
    WEFT_CLEANUP(signing_identity_free)
    struct signing_identity *user =
        endorser_world_identity("Org2MSP", "org2.example.com/users/User1@org2.example.com");
    WEFT_CLEANUP(signing_identity_free)
    struct signing_identity *orderer =
        endorser_world_identity("OrdererMSP", "example.com/users/Admin@example.com");
    listen("/protos.Deliver/Deliver", "mychannel", user, &ev);
    EXPECT_EQ(ev.of_kind[2], BLOCKS);
    EXPECT_EQ(ev.status, STATUS_OK);
    listen("/protos.Deliver/DeliverFiltered", "mychannel", user, &ev);
    EXPECT_EQ(ev.of_kind[3] + ev.of_kind[1], BLOCKS + 1); /* a status for some, and the last */
    EXPECT(ev.of_kind[3] > BLOCKS - 5);
    EXPECT_EQ(ev.status, STATUS_OK);
    listen("/protos.Deliver/DeliverFiltered", "mychannel", orderer, &ev);
    EXPECT_EQ(ev.status, STATUS_FORBIDDEN);
    EXPECT_EQ(ev.of_kind[3], 0);
    listen("/protos.Deliver/Deliver", "nochannel", user, &ev);
    EXPECT_EQ(ev.status, STATUS_NOT_FOUND);
    EXPECT_EQ(metrics_count(w.metrics, METRIC_DELIVER_STREAMS_OPENED), 4);
    WAIT_FOR(metrics_count(w.metrics, METRIC_DELIVER_STREAMS_CLOSED) == 4);
    finish();
}

/* vectors/endorser/private_*.tsv: what DeliverWithPrivateData of a Fabric peer (2.2.15) sent to
 * the same clients for the same blocks.  The collection collOrg1, in block 31, is for members. */
static void expect_private(const char *mspid, const char *who, const char *vector)
{
    WEFT_CLEANUP(buf_done) struct buf want = weft_test_read(weft_test_file(vector));
    WEFT_CLEANUP(signing_identity_free)
    struct signing_identity *user = endorser_world_identity(mspid, who);
    struct events ev;
    listen("/protos.Deliver/DeliverWithPrivateData", "mychannel", user, &ev);
    EXPECT_EQ(ev.status, STATUS_OK);
    EXPECT_EQ(ev.of_kind[4], BLOCKS);
    EXPECT_BYTES(buf_bytes(&ev.sums), buf_bytes(&want));
    buf_done(&ev.sums);
}

TEST(private_data_go_to_whom_their_collection_lets)
{
    start();
    expect_private("Org1MSP", "org1.example.com/users/User1@org1.example.com",
                   "vectors/endorser/private_org1.tsv");
    expect_private("Org2MSP", "org2.example.com/users/User1@org2.example.com",
                   "vectors/endorser/private_org2.tsv");
    finish();
}

TEST(labels_say_which_form_was_sent)
{
    static const char want[] = "deliver_blocks_sent{channel=\"mychannel\","
                               "data_type=\"filtered_block\",filtered=\"true\"} 79\n";
    WEFT_CLEANUP(buf_done) struct buf text = { 0 };
    struct events ev;
    start();
    WEFT_CLEANUP(signing_identity_free)
    struct signing_identity *user =
        endorser_world_identity("Org1MSP", "org1.example.com/users/User1@org1.example.com");
    listen("/protos.Deliver/DeliverFiltered", "mychannel", user, &ev);
    metrics_write(w.metrics, &text);
    EXPECT(memmem(text.data, text.len, want, sizeof(want) - 1) != NULL);
    finish();
}

TEST(above_the_limit_a_stream_is_refused_at_once)
{
    struct events ev;
    start();
    WEFT_CLEANUP(signing_identity_free)
    struct signing_identity *user =
        endorser_world_identity("Org1MSP", "org1.example.com/users/User1@org1.example.com");
    w.deliver_limit.most = 1;
    EXPECT(concurrency_limit_enter(&w.deliver_limit, NULL));
    listen("/protos.Deliver/DeliverFiltered", "mychannel", user, &ev);
    EXPECT_EQ(ev.code, GRPC_UNKNOWN);
    EXPECT_STR(ev.words, "too many requests for /protos.Deliver, exceeding concurrency limit (1)");
    concurrency_limit_leave(&w.deliver_limit);
    listen("/protos.Deliver/DeliverFiltered", "mychannel", user, &ev);
    EXPECT_EQ(ev.status, STATUS_OK);
    WAIT_FOR(atomic_load(&w.deliver_limit.now) == 0);
    finish();
}
