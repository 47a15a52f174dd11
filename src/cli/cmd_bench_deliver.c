/* weft bench deliver: many clients who want blocks, of any Fabric orderer or peer.
 *
 * Go origin   none
 */
#include "base/number.h"
#include "cli/bench_run.h"
#include "cli/cmds.h"
#include "deliver/deliver_fetch.h"
#include "msp/signed_envelope.h"
#include "net/grpc_client.h"
#include "os/clock.h"
#include "proto/wire.h"

#include <inttypes.h>

struct args {
    struct bench_flags common;
    const char *service, *start, *stop, *blocks;
    bool best_effort, spread;
};

struct client {
    struct bench *bench;
    struct bench_thread *thread;
    struct grpc_client *grpc;
    struct grpc_stream *stream;
    uint64_t asked_ns, first_ns, last_ns; /* 0: not yet */
    uint64_t blocks, bytes, next;
    uint64_t status;
    bool ready, done;
    struct weft_err why;
};

struct bench {
    struct bench_plan plan;
    const char *method;
    struct seek_info seek;
    uint64_t most; /* blocks of a client; then it hangs up */
    bool is_filtered, counts_up;
    uint64_t spread; /* blocks over which the clients' starts are spread */
    struct client *clients;
    _Atomic uint64_t waiting; /* streams that were opened */
};

/* ---- a client ---------------------------------------------------------------------------- */

static void done(struct client *c)
{
    if (c->done)
        return;
    c->done = true;
    bench_client_ready(c->thread, &c->ready);
    bench_client_done(c->thread);
}

static void fail(struct client *c, const char *why)
{
    if (!c->done && c->why.code == WEFT_OK)
        WEFT_IGNORE(WEFT_FAIL(&c->why, WEFT_UNAVAILABLE, "%s", why));
    done(c);
}

/* Block { 1 header { 1 number } }, FilteredBlock { 2 number } */
static uint64_t number_of(const struct bench *b, struct bytes block)
{
    struct wire w = wire_of(block);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (b->is_filtered && wire_is(&f, 2, WIRE_VARINT))
            return f.varint;
        if (!b->is_filtered && wire_is(&f, 1, WIRE_LEN)) {
            struct wire header = wire_of(f.bytes);
            while (wire_next(&header, &f))
                if (wire_is(&f, 1, WIRE_VARINT))
                    return f.varint;
            return 0;
        }
    }
    return 0;
}

static void take_block(struct client *c, struct bytes block)
{
    uint64_t number = number_of(c->bench, block);
    c->last_ns = clock_monotonic_ns();
    if (c->blocks == 0)
        c->first_ns = c->last_ns;
    if (c->bench->counts_up && c->blocks > 0 && number != c->next) {
        char text[96];
        (void)snprintf(text, sizeof(text), "block %" PRIu64 " came where %" PRIu64 " was due",
                       number, c->next);
        fail(c, text);
    }
    c->next = number + 1;
    c->blocks++;
    c->bytes += block.len;
    if (c->bench->most > 0 && c->blocks == c->bench->most) {
        c->status = 200;
        done(c);
    }
}

/* DeliverResponse { 1 status | 2 block | 3 filtered_block } */
static void on_message(struct grpc_stream *s, struct net_msg *m)
{
    struct client *c = grpc_stream_user(s);
    struct wire w = wire_of(net_msg_bytes(m));
    struct wire_field f;
    while (!c->done && wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_VARINT)) {
            c->status = f.varint;
            c->last_ns = clock_monotonic_ns();
            done(c);
        } else if (f.type == WIRE_LEN) {
            take_block(c, f.bytes);
        }
    }
    net_msg_unref(m);
}

static void on_close(struct grpc_stream *s, enum grpc_code code, const char *message)
{
    struct client *c = grpc_stream_user(s);
    (void)code;
    c->stream = NULL;
    fail(c, message);
}

static const struct grpc_stream_ops stream_ops = { .on_message = on_message, .on_close = on_close };

static enum weft_code ask(struct client *c, struct weft_err *e)
{
    const struct bench *b = c->bench;
    WEFT_CLEANUP(buf_done) struct buf info = { 0 };
    WEFT_CLEANUP(buf_done) struct buf request = { 0 };
    const struct digest *our_hash = grpc_client_peer(c->grpc)->our_hash;
    struct seek_info seek = b->seek;
    seek.start.number += (uint64_t)(c - b->clients) * b->spread / b->plan.clients;
    seek_info_encode(&seek, &info);
    const struct envelope_plan plan = {
        .type = HEADER_DELIVER_SEEK_INFO,
        .channel_id = b->plan.channel,
        .now_ns = clock_wall_ns(),
        .tls_cert_hash = our_hash != NULL ? digest_bytes(our_hash) : bytes_of(NULL, 0),
        .data = buf_bytes(&info),
    };
    WEFT_TRY(signed_envelope(b->plan.me, &plan, &request, e));
    c->stream = grpc_client_call(c->grpc, b->method, NULL, 0, &stream_ops, c);
    if (c->stream == NULL)
        return WEFT_FAIL(e, WEFT_UNAVAILABLE, "the connection takes no calls");
    c->asked_ns = clock_monotonic_ns();
    return grpc_stream_send(c->stream, net_msg_copy(buf_bytes(&request)), e);
}

static void on_ready(void *user)
{
    struct client *c = user;
    struct weft_err e = { 0 };
    bench_client_ready(c->thread, &c->ready);
    if (ask(c, &e) != WEFT_OK)
        fail(c, e.msg);
    else if (atomic_fetch_add(&c->bench->waiting, 1) + 1 == c->bench->plan.clients)
        (void)fprintf(stderr, "%" PRIu64 " streams are open\n", c->bench->plan.clients);
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
    c->bench = b;
    c->thread = t;
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
    struct client *c = &((struct bench *)ctx)->clients[i];
    c->done = true; /* what closes now is no news */
    grpc_client_free(WEFT_TAKE(c->grpc));
}

/* ---- the result ------------------------------------------------------------------------------ */

struct result {
    uint64_t blocks, bytes, good, first_ns, last_ns;
    struct bench_samples first, whole;
    const char *why; /* of the first client that failed */
};

static void add_up(const struct bench *b, struct result *r)
{
    for (uint64_t i = 0; i < b->plan.clients; i++) {
        const struct client *c = &b->clients[i];
        r->blocks += c->blocks;
        r->bytes += c->bytes;
        if (c->status == 200 && c->why.code == WEFT_OK)
            r->good++;
        else if (r->why == NULL)
            r->why = c->why.code != WEFT_OK ? c->why.msg : common_status_name(c->status);
        if (c->first_ns == 0)
            continue;
        if (r->first_ns == 0 || c->first_ns < r->first_ns)
            r->first_ns = c->first_ns;
        if (c->last_ns > r->last_ns)
            r->last_ns = c->last_ns;
        bench_samples_add(&r->first, c->first_ns - c->asked_ns);
        bench_samples_add(&r->whole, c->last_ns - c->asked_ns);
    }
}

static void print(struct cli *cli, const struct bench *b, const struct bench_seen *seen)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    struct result r = { 0 };
    add_up(b, &r);
    double mb = (double)r.bytes / 1e6, s = seen->seconds > 0 ? seen->seconds : 1e-9;
    buf_printf(&out,
               "{\"bench\":\"deliver\",\"clients\":%" PRIu64 ",\"good\":%" PRIu64
               ",\"blocks\":%" PRIu64 ",\"bytes\":%" PRIu64,
               b->plan.clients, r.good, r.blocks, r.bytes);
    buf_printf(&out, ",\"seconds\":%.3f,\"mb_per_s\":%.1f,\"blocks_per_s\":%.0f", seen->seconds,
               mb / s, (double)r.blocks / s);
    bench_samples_put_json(&r.first, "first_block_ms", &out);
    bench_samples_put_json(&r.whole, "last_block_ms", &out);
    buf_printf(&out, ",\"first_to_last_ms\":%.3f", (double)(r.last_ns - r.first_ns) / 1e6);
    bench_seen_put_json(&b->plan, seen, mb / 1e3, "gb", &out);
    (void)fprintf(cli->out, "%.*s}\n", (int)out.len, (const char *)out.data);
    if (r.why != NULL)
        (void)fprintf(cli->err, "not all came to their end: %s\n", r.why);
    bench_samples_done(&r.first);
    bench_samples_done(&r.whole);
}

/* ---- the command --------------------------------------------------------------------------------- */

static void options_for(struct args *a, struct cli_opt *ret, size_t *ret_count)
{
    const struct cli_opt opts[] = {
        { "--service", "NAME", "orderer, peer or filtered (orderer)", &a->service, NULL, NULL },
        { "--start", "WHERE", "oldest, newest, next or a number (oldest)", &a->start, NULL, NULL },
        { "--stop", "WHERE", "newest, never or a number (newest)", &a->stop, NULL, NULL },
        { "--blocks", "N", "a client hangs up after so many", &a->blocks, NULL, NULL },
        { "--bestEffort", NULL, "also from an orderer that has lost its consensus", NULL,
          &a->best_effort, NULL },
        { "--spread", NULL, "each starts elsewhere, from --start to the newest", NULL, &a->spread,
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

static enum weft_code find_method(const char *service, struct bench *b, struct weft_err *e)
{
    if (service == NULL || strcmp(service, "orderer") == 0)
        b->method = "/orderer.AtomicBroadcast/Deliver";
    else if (strcmp(service, "peer") == 0)
        b->method = "/protos.Deliver/Deliver";
    else if (strcmp(service, "filtered") == 0)
        b->method = "/protos.Deliver/DeliverFiltered";
    else
        return WEFT_FAIL(e, WEFT_INVALID, "--service is orderer, peer or filtered, not %s",
                         service);
    b->is_filtered = service != NULL && strcmp(service, "filtered") == 0;
    return WEFT_OK;
}

/* The number behind the newest block's. */
static enum weft_code next_number(const struct bench *b, uint64_t *ret, struct weft_err *e)
{
    static const struct seek_position newest = { .kind = SEEK_NEWEST };
    WEFT_CLEANUP(deliver_fetch_close) struct deliver_fetch *f = NULL;
    WEFT_CLEANUP(block_unref) struct block *block = NULL;
    const struct deliver_fetch_config config = {
        .address = b->plan.target.address,
        .host_override = b->plan.target.host_override,
        .method = b->is_filtered ? "/protos.Deliver/Deliver" : b->method,
        .tls = b->plan.target.tls,
        .connect_timeout_ms = b->plan.target.connect_timeout_ms,
        .channel_id = b->plan.channel,
        .signer = b->plan.me,
    };
    WEFT_TRY(deliver_fetch_open(&config, &f, e));
    WEFT_TRY(deliver_fetch_block(f, &newest, &block, e));
    *ret = block->v.number + 1;
    return WEFT_OK;
}

static enum weft_code find_range(const struct args *a, struct bench *b, struct weft_err *e)
{
    const char *start = a->start != NULL ? a->start : "oldest";
    const char *stop = a->stop != NULL ? a->stop : strcmp(start, "next") == 0 ? "never" : "newest";
    struct seek_position *from = &b->seek.start, *to = &b->seek.stop;
    from->kind = to->kind = SEEK_SPECIFIED;
    b->seek.best_effort = a->best_effort;
    if (strcmp(start, "oldest") == 0)
        from->kind = SEEK_OLDEST;
    else if (strcmp(start, "newest") == 0)
        from->kind = SEEK_NEWEST;
    else if (strcmp(start, "next") == 0)
        WEFT_TRY(next_number(b, &from->number, e));
    else if (!number_parse_u64(start, &from->number))
        return WEFT_FAIL(e, WEFT_INVALID, "--start can't be %s", start);
    if (strcmp(stop, "newest") == 0)
        to->kind = SEEK_NEWEST;
    else if (strcmp(stop, "never") == 0)
        to->number = UINT64_MAX;
    else if (!number_parse_u64(stop, &to->number))
        return WEFT_FAIL(e, WEFT_INVALID, "--stop can't be %s", stop);
    b->counts_up = true;
    if (a->spread) {
        uint64_t next = 0;
        if (from->kind == SEEK_NEWEST)
            return WEFT_FAIL(e, WEFT_INVALID, "--spread needs a --start before the newest");
        WEFT_TRY(next_number(b, &next, e));
        b->spread = next > from->number ? next - from->number : 0;
        from->kind = SEEK_SPECIFIED; /* the oldest is 0 */
    }
    if (strcmp(stop, "never") == 0 && b->most == 0)
        b->most = 1;
    return WEFT_OK;
}

static enum weft_code run(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    struct args a = { 0 };
    struct bench b = { 0 };
    struct cli_opt opts[CLI_OPTS_MAX];
    struct cli_args args = { 0 };
    struct bench_seen seen = { 0 };
    size_t count = 0;
    options_for(&a, opts, &count);
    WEFT_TRY(cli_parse(opts, count, argc, argv, &args, e));
    WEFT_TRY(find_method(a.service, &b, e));
    WEFT_TRY(bench_number("--blocks", a.blocks, 1, UINT32_MAX, 0, &b.most, e));
    enum weft_code rc = bench_plan_open(&a.common, &b.plan, e);
    if (rc == WEFT_OK)
        rc = find_range(&a, &b, e);
    const struct bench_ops ops = { .ctx = &b,
                                   .stream_window = (uint32_t)b.plan.window,
                                   .start = start_client,
                                   .free = free_client };
    b.clients = weft_alloc(b.plan.clients * sizeof(*b.clients));
    if (rc == WEFT_OK)
        rc = bench_run(&b.plan, &ops, &seen, e);
    if (rc == WEFT_OK)
        print(cli, &b, &seen);
    free(b.clients);
    bench_plan_done(&b.plan);
    return rc;
}

const struct cli_cmd cmd_bench_deliver = {
    .name = "bench deliver",
    .args = "-c CHANNEL -o ADDRESS [--clients N] [--start WHERE] [--stop WHERE]",
    .summary = "measure how an orderer or a peer gives out blocks",
    .help =
        "Each client has a connection of its own, asks for the blocks from --start to --stop,\n"
        "and looks only at their numbers.  The answer is one line of JSON: throughput, the time\n"
        "until each client's first and last block (p50, p99, max), and with --pid the server's\n"
        "CPU time and memory.\n"
        "\n"
        "  weft bench deliver -c mychannel -o 127.0.0.1:7050 --tls --cafile ca.pem \\\n"
        "      --mspdir users/Admin@org1/msp --mspid Org1MSP --clients 100 --pid 4711\n"
        "\n"
        "Ten thousand clients are a matter of open files (ulimit -n) and of patience: a server "
        "gives\n"
        "a handshake some seconds, so that only --atOnce of them are under way at a time.\n"
        "\n"
        "With --spread no two clients want the same blocks at the same time.\n"
        "\n"
        "Clients that wait for the block that comes next; first_to_last_ms says how long it\n"
        "takes until all of them have it:\n"
        "\n"
        "  weft bench deliver ... --clients 10000 --start next\n",
    .run = run,
    .options = options,
};
