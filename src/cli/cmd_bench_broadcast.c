/* weft bench broadcast: many clients who have something to be ordered, by any Fabric
 * orderer.
 *
 * Go origin   none
 */
#include "cli/bench_run.h"
#include "cli/block_follower.h"
#include "cli/broadcast_client.h"
#include "cli/cmds.h"
#include "crypto/random.h"
#include "deliver/deliver_fetch.h"
#include "msp/signed_envelope.h"
#include "net/grpc_client.h"
#include "os/clock.h"
#include "os/loop.h"
#include "proto/wire.h"

#include <inttypes.h>

/* An envelope's data: a mark of this run, who sent it, which one it is, and filling. */
enum {
    MARK_BYTES = 16,
    DATA_LEAST = MARK_BYTES + 16,
    DATA_MOST = 100 << 20,
    STATUSES = 8,
    WINDOW = 100,
    LOOK_MS = 100,
    AGAIN_MS = 20, /* after SERVICE_UNAVAILABLE */
    MESSAGES = 10000,
    MESSAGES_MOST = 100000000,
    BYTES_AHEAD = 1 << 30, /* signed before the start; more is signed on the way */
};

struct args {
    struct bench_flags common;
    const char *size, *count;
    bool follow, in_turn;
};

struct client {
    struct bench *bench;
    struct bench_thread *thread;
    struct grpc_client *grpc;
    struct grpc_stream *stream;
    struct net_msg **ready;  /* signed before the start */
    uint64_t first, count;   /* its envelopes, of all */
    uint64_t sent, answered; /* or cut off */
    uint64_t cut_off;        /* sent, and never answered: the stream ended before */
    bool is_busy;            /* the last answer was 503, which ends the stream */
    struct loop_timer again;
    uint64_t by_status[STATUSES];
    struct bench_samples acked;
    uint64_t last_ns;
    bool has_begun, done;
    struct weft_err why;
};

struct bench {
    struct bench_plan plan;
    uint8_t mark[MARK_BYTES];
    uint64_t size, count, window, good;
    _Atomic uint64_t *sent_ns; /* of each envelope; the follower may be on another thread */
    struct client *clients;
    bool follow, in_turn;
    struct follower *follower;
    _Atomic uint64_t not_coming; /* not accepted by clients that are done */
};

/* What there is in answers, and "other". */
static const uint64_t statuses[STATUSES] = { 200, 400, 403, 404, 413, 500, 503, 0 };

/* ---- somebody who reads the blocks --------------------------------------------------------- */

/* One more client, on the first thread: sees when each envelope is in a block. */
struct follower {
    struct bench *bench;
    struct bench_thread *thread;
    struct block_follower *reader;
    uint64_t from, seen, blocks;
    struct bench_samples ordered;
    struct loop_timer look;
    bool is_reading, done;
    struct weft_err why;
};

static void send_more(struct client *c);

static void follower_done(struct follower *f)
{
    if (!f->done)
        bench_client_done(f->thread);
    f->done = true;
}

static uint64_t get_u64(const uint8_t *at)
{
    uint64_t n = 0;
    for (int i = 0; i < 8; i++)
        n = n << 8 | at[i];
    return n;
}

static void put_u64(struct buf *out, uint64_t n)
{
    for (int i = 56; i >= 0; i -= 8)
        buf_put_u8(out, (uint8_t)(n >> i));
}

static void on_envelope(void *ctx, struct bytes envelope, uint64_t now)
{
    struct envelope_view v;
    struct payload_view p;
    struct follower *f = ctx;
    struct bench *b = f->bench;
    if (envelope_parse(envelope, &v, NULL) != WEFT_OK ||
        payload_parse(v.payload, &p, NULL) != WEFT_OK || p.data.len < DATA_LEAST ||
        memcmp(p.data.data, b->mark, MARK_BYTES) != 0)
        return;
    uint64_t i = get_u64(p.data.data + MARK_BYTES);
    if (i >= b->count)
        return;
    f->seen++;
    bench_samples_add(&f->ordered, now - b->sent_ns[i]);
}

/* All has been seen that is to come. */
static bool has_all(const struct follower *f)
{
    return f->seen + atomic_load(&f->bench->not_coming) >= f->bench->count;
}

static void follower_look(struct loop_timer *t)
{
    struct follower *f = WEFT_CONTAINER_OF(t, struct follower, look);
    if (has_all(f))
        follower_done(f);
    else
        loop_timer_set(f->thread->loop, t, loop_now_ms(f->thread->loop) + LOOK_MS);
}

static void on_asked(void *ctx)
{
    struct follower *f = ctx;
    f->is_reading = true;
    if (f->bench->in_turn)
        send_more(f->bench->clients);
}

static void on_block(void *ctx)
{
    struct follower *f = ctx;
    f->blocks++;
    if (has_all(f))
        follower_done(f);
    else if (f->bench->in_turn)
        send_more(f->bench->clients);
}

static void on_end(void *ctx, const char *why)
{
    struct follower *f = ctx;
    WEFT_IGNORE(WEFT_FAIL(&f->why, WEFT_UNAVAILABLE, "the follower gets no blocks: %s", why));
    follower_done(f);
}

static const struct block_follower_ops follower_ops = {
    .on_asked = on_asked, .on_envelope = on_envelope, .on_block = on_block, .on_end = on_end
};

/* ---- a client --------------------------------------------------------------------------------- */

static void done(struct client *c)
{
    if (c->done)
        return;
    c->done = true;
    (void)atomic_fetch_add(&c->bench->not_coming, c->count - c->by_status[0]);
    bench_client_ready(c->thread, &c->has_begun);
    bench_client_done(c->thread);
}

static void fail(struct client *c, const char *why)
{
    if (!c->done && c->why.code == WEFT_OK)
        WEFT_IGNORE(WEFT_FAIL(&c->why, WEFT_UNAVAILABLE, "%s", why));
    done(c);
}

static struct net_msg *make_envelope(const struct bench *b, uint64_t i, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf data = { 0 };
    WEFT_CLEANUP(buf_done) struct buf envelope = { 0 };
    buf_put(&data, bytes_of(b->mark, MARK_BYTES));
    put_u64(&data, i);
    memset(buf_reserve(&data, b->size), 'w', b->size - data.len);
    data.len = b->size;
    const struct envelope_plan plan = { .type = HEADER_MESSAGE,
                                        .channel_id = b->plan.channel,
                                        .now_ns = clock_wall_ns(),
                                        .data = buf_bytes(&data) };
    if (signed_envelope(b->plan.me, &plan, &envelope, e) != WEFT_OK)
        return NULL;
    return net_msg_copy(buf_bytes(&envelope));
}

/* In turn: the one before was answered, and is in a block that has come. */
static bool is_its_turn(const struct client *c)
{
    const struct bench *b = c->bench;
    return !b->in_turn || (b->follower->is_reading && b->follower->seen == c->by_status[0]);
}

static void send_more(struct client *c)
{
    struct bench *b = c->bench;
    while (!c->done && c->stream != NULL && c->sent < c->count &&
           c->sent - c->answered < b->window && is_its_turn(c) &&
           grpc_stream_is_writable(c->stream)) {
        uint64_t i = c->first + c->sent;
        struct net_msg *m =
            c->ready != NULL ? WEFT_TAKE(c->ready[c->sent]) : make_envelope(b, i, &c->why);
        if (m == NULL) {
            done(c);
            return;
        }
        b->sent_ns[i] = clock_monotonic_ns();
        if (grpc_stream_send(c->stream, m, &c->why) != WEFT_OK) {
            done(c);
            return;
        }
        c->sent++;
    }
}

static void count_answer(struct client *c, uint64_t status)
{
    size_t at = 0;
    while (at < STATUSES - 1 && statuses[at] != status)
        at++;
    c->by_status[at]++;
    c->last_ns = clock_monotonic_ns();
    bench_samples_add(&c->acked, c->last_ns - c->bench->sent_ns[c->first + c->answered]);
    c->answered++;
    c->is_busy = status == 503;
}

static void on_message(struct grpc_stream *s, struct net_msg *m)
{
    struct client *c = grpc_stream_user(s);
    uint64_t status = 0;
    struct bytes info = { 0 };
    enum weft_code rc = broadcast_response_parse(net_msg_bytes(m), &status, &info, &c->why);
    if (rc == WEFT_OK && c->answered < c->sent)
        count_answer(c, status);
    if (rc == WEFT_OK && status != 200 && c->why.code == WEFT_OK)
        WEFT_IGNORE(WEFT_FAIL(&c->why, WEFT_UNAVAILABLE, "status %" PRIu64 ": %.*s", status,
                              (int)(info.len < 300 ? info.len : 300), (const char *)info.data));
    net_msg_unref(m);
    if (rc != WEFT_OK || c->answered == c->count)
        done(c);
    else if (!c->is_busy)
        send_more(c);
}

static void on_writable(struct grpc_stream *s)
{
    send_more(grpc_stream_user(s));
}

static void on_close(struct grpc_stream *s, enum grpc_code code, const char *message)
{
    struct client *c = grpc_stream_user(s);
    (void)code;
    c->stream = NULL;
    if (c->done || !c->is_busy) {
        fail(c, message);
        return;
    }
    /* An orderer ends the stream behind a refusal; what came after it is gone. */
    c->cut_off += c->sent - c->answered;
    c->answered = c->sent;
    if (c->answered == c->count)
        done(c);
    else
        loop_timer_set(c->thread->loop, &c->again, loop_now_ms(c->thread->loop) + AGAIN_MS);
}

static const struct grpc_stream_ops stream_ops = { .on_message = on_message,
                                                   .on_writable = on_writable,
                                                   .on_close = on_close };

static void open_stream(struct client *c)
{
    c->is_busy = false;
    c->stream =
        grpc_client_call(c->grpc, "/orderer.AtomicBroadcast/Broadcast", NULL, 0, &stream_ops, c);
    if (c->stream == NULL)
        fail(c, "the connection takes no calls");
    else
        send_more(c);
}

static void on_ready(void *user)
{
    struct client *c = user;
    bench_client_ready(c->thread, &c->has_begun);
    open_stream(c);
}

static void on_again(struct loop_timer *t)
{
    open_stream(WEFT_CONTAINER_OF(t, struct client, again));
}

static void on_down(void *user, const struct weft_err *why)
{
    fail(user, why->msg);
}

static const struct grpc_client_ops client_ops = { .on_ready = on_ready, .on_down = on_down };

static void start_client(void *ctx, struct bench_thread *t, uint64_t i)
{
    struct bench *b = ctx;
    struct client *c = &b->clients[i];
    c->thread = t;
    c->again.fire = on_again;
    if (i == 0 && b->follow) {
        t->running++;
        b->follower->thread = t;
        b->follower->look.fire = follower_look;
        loop_timer_set(t->loop, &b->follower->look, loop_now_ms(t->loop) + LOOK_MS);
        b->follower->reader =
            block_follower_new(&b->plan, t, b->follower->from, &follower_ops, b->follower);
    }
    if (c->count == 0)
        done(c);
    else
        c->grpc = grpc_client_new(t->net,
                                  &(struct grpc_client_config){
                                      .address = b->plan.target.address,
                                      .tls = b->plan.target.tls,
                                      .host_override = b->plan.target.host_override,
                                      .connect_timeout_ms = b->plan.target.connect_timeout_ms,
                                  },
                                  &client_ops, c);
}

static void free_client(void *ctx, uint64_t i)
{
    struct bench *b = ctx;
    struct client *c = &b->clients[i];
    c->done = true; /* what closes now is no news */
    loop_timer_clear(c->thread->loop, &c->again);
    grpc_client_free(WEFT_TAKE(c->grpc));
    if (i == 0 && b->follow) {
        b->follower->done = true;
        loop_timer_clear(b->follower->thread->loop, &b->follower->look);
        block_follower_free(WEFT_TAKE(b->follower->reader));
    }
}

/* ---- before and after ---------------------------------------------------------------------------- */

/* Envelopes are signed before the clock starts, if they fit into memory. */
static enum weft_code prepare(struct bench *b, struct weft_err *e)
{
    uint64_t each = b->count / b->plan.clients, more = b->count % b->plan.clients, at = 0;
    bool ahead = b->count * (b->size + 1500) <= BYTES_AHEAD;
    WEFT_TRY(random_bytes(b->mark, sizeof(b->mark), e));
    for (uint64_t i = 0; i < b->plan.clients; i++) {
        struct client *c = &b->clients[i];
        c->bench = b;
        c->first = at;
        c->count = each + (i < more ? 1 : 0);
        at += c->count;
        if (!ahead || c->count == 0)
            continue;
        c->ready = weft_alloc(c->count * sizeof(struct net_msg *));
        for (uint64_t k = 0; k < c->count; k++) {
            c->ready[k] = make_envelope(b, c->first + k, e);
            if (c->ready[k] == NULL)
                return e->code;
        }
    }
    return WEFT_OK;
}

static enum weft_code prepare_follower(struct bench *b, struct weft_err *e)
{
    static const struct seek_position newest = { .kind = SEEK_NEWEST };
    WEFT_CLEANUP(deliver_fetch_close) struct deliver_fetch *f = NULL;
    WEFT_CLEANUP(block_unref) struct block *block = NULL;
    const struct deliver_fetch_config config = {
        .address = b->plan.target.address,
        .host_override = b->plan.target.host_override,
        .method = "/orderer.AtomicBroadcast/Deliver",
        .tls = b->plan.target.tls,
        .connect_timeout_ms = b->plan.target.connect_timeout_ms,
        .channel_id = b->plan.channel,
        .signer = b->plan.me,
    };
    WEFT_TRY(deliver_fetch_open(&config, &f, e));
    WEFT_TRY(deliver_fetch_block(f, &newest, &block, e));
    b->follower = weft_alloc(sizeof(*b->follower));
    b->follower->bench = b;
    b->follower->from = block->v.number + 1;
    return WEFT_OK;
}

static void bench_free(struct bench *b)
{
    for (uint64_t i = 0; b->clients != NULL && i < b->plan.clients; i++) {
        struct client *c = &b->clients[i];
        for (uint64_t k = 0; c->ready != NULL && k < c->count; k++)
            net_msg_unref(c->ready[k]);
        free(c->ready);
        bench_samples_done(&c->acked);
    }
    if (b->follower != NULL)
        bench_samples_done(&b->follower->ordered);
    free(b->follower);
    free(b->clients);
    free((void *)b->sent_ns);
    bench_plan_done(&b->plan);
}

static void put_statuses(const struct bench *b, struct buf *out)
{
    bool any = false;
    buf_put_str(out, ",\"status\":{");
    for (size_t k = 0; k < STATUSES; k++) {
        uint64_t n = 0;
        for (uint64_t i = 0; i < b->plan.clients; i++)
            n += b->clients[i].by_status[k];
        if (n == 0)
            continue;
        const char *name = statuses[k] != 0 ? common_status_name(statuses[k]) : "other";
        buf_printf(out, "%s\"%s\":%" PRIu64, any ? "," : "", name, n);
        any = true;
    }
    buf_put_str(out, "}");
}

static void print(struct cli *cli, const struct bench *b, const struct bench_seen *seen)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    struct bench_samples acked = { 0 };
    const char *why = NULL;
    uint64_t good = 0, cut_off = 0;
    for (uint64_t i = 0; i < b->plan.clients; i++) {
        const struct client *c = &b->clients[i];
        bench_samples_merge(&acked, &c->acked);
        good += c->by_status[0];
        cut_off += c->cut_off;
        if (why == NULL && c->why.code != WEFT_OK)
            why = c->why.msg;
    }
    double s = seen->seconds > 0 ? seen->seconds : 1e-9;
    buf_printf(&out,
               "{\"bench\":\"broadcast\",\"clients\":%" PRIu64 ",\"window\":%" PRIu64
               ",\"size\":%" PRIu64 ",\"messages\":%" PRIu64
               ",\"answered\":%zu,\"cut_off\":%" PRIu64,
               b->plan.clients, b->window, b->size, b->count, acked.count, cut_off);
    put_statuses(b, &out);
    buf_printf(&out, ",\"seconds\":%.3f,\"accepted_per_s\":%.0f", seen->seconds, (double)good / s);
    bench_samples_put_json(&acked, "ack_ms", &out);
    if (b->follower != NULL) {
        buf_printf(&out, ",\"ordered\":%" PRIu64 ",\"blocks\":%" PRIu64, b->follower->seen,
                   b->follower->blocks);
        bench_samples_put_json(&b->follower->ordered, "ordered_ms", &out);
        if (why == NULL && b->follower->why.code != WEFT_OK)
            why = b->follower->why.msg;
    }
    bench_seen_put_json(&b->plan, seen, (double)good, "message", &out);
    (void)fprintf(cli->out, "%.*s}\n", (int)out.len, (const char *)out.data);
    if (why != NULL)
        (void)fprintf(cli->err, "not all was accepted: %s\n", why);
    bench_samples_done(&acked);
}

/* ---- the command ------------------------------------------------------------------------------------ */

static void options_for(struct args *a, struct cli_opt *ret, size_t *ret_count)
{
    const struct cli_opt opts[] = {
        { "--size", "BYTES", "data of one envelope (1024)", &a->size, NULL, NULL },
        { "--count", "N", "envelopes in all (10000)", &a->count, NULL, NULL },
        { "--follow", NULL, "read the blocks too: how long until it is in one?", NULL, &a->follow,
          NULL },
        { "--inTurn", NULL, "the next is sent when the one before was delivered", NULL, &a->in_turn,
          NULL },
    };
    memcpy(ret, opts, sizeof(opts));
    *ret_count = WEFT_ARRAY_LEN(opts);
    bench_flags_add(&a->common, ret, ret_count);
}

static void options(struct cli_opt *ret, size_t *ret_count)
{
    static struct args unused; /* the help wants the table only */
    options_for(&unused, ret, ret_count);
}

static enum weft_code measure(struct cli *cli, const struct args *a, struct bench *b,
                              struct weft_err *e)
{
    struct bench_seen seen = { 0 };
    WEFT_TRY(bench_number("--size", a->size, DATA_LEAST, DATA_MOST, 1024, &b->size, e));
    WEFT_TRY(bench_number("--count", a->count, 1, MESSAGES_MOST, MESSAGES, &b->count, e));
    WEFT_TRY(bench_plan_open(&a->common, &b->plan, e));
    b->in_turn = a->in_turn;
    b->follow = a->follow || b->in_turn;
    b->window = b->plan.window > 0 ? b->plan.window : WINDOW;
    if (b->in_turn) {
        b->window = 1;
        if (b->plan.clients != 1)
            return WEFT_FAIL(e, WEFT_INVALID, "--inTurn is for one client");
    }
    b->clients = weft_alloc(b->plan.clients * sizeof(*b->clients));
    b->sent_ns = weft_alloc(b->count * sizeof(*b->sent_ns));
    if (b->follow)
        WEFT_TRY(prepare_follower(b, e));
    WEFT_TRY(prepare(b, e));
    const struct bench_ops ops = { .ctx = b, .start = start_client, .free = free_client };
    WEFT_TRY(bench_run(&b->plan, &ops, &seen, e));
    print(cli, b, &seen);
    return WEFT_OK;
}

static enum weft_code run(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    struct args a = { 0 };
    struct bench b = { 0 };
    struct cli_opt opts[CLI_OPTS_MAX];
    struct cli_args args = { 0 };
    size_t count = 0;
    options_for(&a, opts, &count);
    WEFT_TRY(cli_parse(opts, count, argc, argv, &args, e));
    enum weft_code rc = measure(cli, &a, &b, e);
    bench_free(&b);
    return rc;
}

const struct cli_cmd cmd_bench_broadcast = {
    .name = "bench broadcast",
    .args = "-c CHANNEL -o ADDRESS [--clients N] [--window N] [--size BYTES] [--count N]",
    .summary = "measure how an orderer takes envelopes",
    .help =
        "Each client has a connection of its own and keeps --window (100) envelopes in flight,\n"
        "all signed before the clock starts.  The answer is one line of JSON: what was accepted,\n"
        "how long the answers took (p50, p99, max), with --follow how long it took until each\n"
        "was in a block that was delivered, and with --pid the server's CPU time and memory.\n"
        "\n"
        "  weft bench broadcast -c mychannel -o 127.0.0.1:7050 --tls --cafile ca.pem \\\n"
        "      --mspdir users/Admin@org1/msp --mspid Org1MSP --clients 4 --count 100000 --pid "
        "4711\n"
        "\n"
        "Latency, of a channel whose BatchSize.MaxMessageCount is 1: one message at a time, the\n"
        "next when the block with the one before has come to a waiting Deliver stream of another\n"
        "connection; ordered_ms is the time from sending until then:\n"
        "\n"
        "  weft bench broadcast ... --count 1000 --inTurn\n",
    .run = run,
    .options = options,
};
