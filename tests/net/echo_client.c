/* Calls the echo methods of any server and says what came back, a line each.
 *
 *   echo_client --connect ADDRESS [--roots F] [--cert F --key F] [--host NAME]
 *               COMMAND...
 *
 *   once SIZE          one message there and back
 *   chat COUNT SIZE    so many on one stream, all back in order
 *   list COUNT SIZE    asks for so many
 *   sum COUNT SIZE     sends so many
 *   many STREAMS SIZE  so many unary calls at once
 *   fail TEXT          "CODE MESSAGE" as the server's status
 *   hang MS            a call with that deadline
 *   cancel MS          a call given up after that time
 *   giveup SIZE        a call that the server gives up when it has that message
 *   meta SIZE          metadata there and back, in headers and trailers, one so large
 *   wait MS            nothing, so long
 *   who NOTHING        whom the server sees */
#include "net/grpc_client.h"
#include "os/jobs.h"
#include "os/loop.h"
#include "test_options.h"

enum {
    LINGER_MS = 100,
    CONNECT_MS = 5000
};

static struct {
    struct loop *loop;
    struct grpc_client *client;
    bool ready, down;
    unsigned open; /* calls */
    unsigned failed;
} t;

struct call {
    const char *name;
    unsigned to_send, sent, got;
    size_t size, got_bytes;
    bool half_close, wrong, quiet;
    size_t meta_size; /* of the large one; 0: no metadata */
    bool had_headers;
    struct loop_timer give_up;
    struct grpc_stream *stream;
};

static uint8_t pattern(unsigned n, size_t i)
{
    return (uint8_t)(n + i * 7 + i / 251);
}

static struct net_msg *make(unsigned n, size_t size)
{
    uint8_t *to;
    struct net_msg *m = net_msg_new(size, &to);
    for (size_t i = 0; i < size; i++)
        to[i] = pattern(n, i);
    return m;
}

static bool matches(struct bytes got, unsigned n, size_t size)
{
    if (got.len != size)
        return false;
    for (size_t i = 0; i < size; i++)
        if (got.data[i] != pattern(n, i))
            return false;
    return true;
}

static void send_more(struct grpc_stream *s)
{
    struct call *c = grpc_stream_user(s);
    struct weft_err e;
    while (c->sent < c->to_send && grpc_stream_is_writable(s))
        if (grpc_stream_send(s, make(c->sent++, c->size), &e) != WEFT_OK) {
            (void)fprintf(stderr, "send: %s\n", e.msg);
            grpc_stream_cancel(s);
            return;
        }
    if (c->sent == c->to_send && c->half_close)
        grpc_stream_half_close(s);
}

/* ---- metadata ------------------------------------------------------------------------ */

static const uint8_t binary[] = { 0, 255, 1, ',', '\n' };

static void put_metadata(struct grpc_meta *md, size_t size)
{
    WEFT_FREE char *large = weft_alloc(size + 1);
    memset(large, 'v', size);
    grpc_meta_add(md, bytes_of_str("x-a"), bytes_of_str("1"));
    grpc_meta_add(md, bytes_of_str("x-b-bin"), bytes_of(binary, sizeof(binary)));
    grpc_meta_add(md, bytes_of_str("x-large"), bytes_of_str(large));
}

static bool came_back(const struct grpc_meta *got, size_t size)
{
    WEFT_CLEANUP(grpc_meta_done) struct grpc_meta sent = { 0 };
    put_metadata(&sent, size);
    for (struct grpc_meta_item i = { 0 }; grpc_meta_next(&sent, &i);) {
        WEFT_FREE char *name = bytes_dup_str(i.name);
        struct bytes v = { 0 };
        if (!grpc_meta_get(got, name, &v) || !bytes_eq(v, i.value))
            return false;
    }
    return true;
}

static void on_headers(struct grpc_stream *s)
{
    struct call *c = grpc_stream_user(s);
    c->had_headers = true;
    if (c->meta_size > 0 && !came_back(grpc_stream_metadata(s), c->meta_size))
        c->wrong = true;
}

/* ---- what comes back ------------------------------------------------------------------- */

static void on_message(struct grpc_stream *s, struct net_msg *m)
{
    struct call *c = grpc_stream_user(s);
    struct bytes b = net_msg_bytes(m);
    bool echoes = strcmp(c->name, "chat") == 0 || strcmp(c->name, "once") == 0 ||
                  strcmp(c->name, "many") == 0;
    if (echoes && !matches(b, c->got, c->size))
        c->wrong = true;
    if (strcmp(c->name, "sum") == 0 || strcmp(c->name, "who") == 0)
        (void)printf("%.*s ", (int)b.len, (const char *)b.data);
    c->got++;
    c->got_bytes += b.len;
    net_msg_unref(m);
}

static void on_close(struct grpc_stream *s, enum grpc_code code, const char *message)
{
    struct call *c = grpc_stream_user(s);
    loop_timer_clear(t.loop, &c->give_up);
    if (c->meta_size > 0)
        c->wrong = c->wrong || !c->had_headers || !came_back(grpc_stream_trailers(s), c->meta_size);
    t.failed += c->wrong || code != GRPC_OK;
    if (!c->quiet || c->wrong || code != GRPC_OK)
        (void)printf("%s %s %u %zu%s%s%s\n", c->name, grpc_code_name((int)code), c->got,
                     c->got_bytes, c->wrong ? " WRONG" : "", *message != '\0' ? " " : "", message);
    free(c);
    t.open--;
}

static const struct grpc_stream_ops ops = { .on_headers = on_headers,
                                            .on_message = on_message,
                                            .on_writable = send_more,
                                            .on_close = on_close };

static void give_up(struct loop_timer *timer)
{
    struct call *c = WEFT_CONTAINER_OF(timer, struct call, give_up);
    grpc_stream_cancel(c->stream);
}

static struct call *start_with(const char *name, const char *path, const struct grpc_meta *md,
                               uint64_t timeout_ms)
{
    struct call *c = weft_alloc(sizeof(*c));
    *c = (struct call){ .name = name, .half_close = true };
    c->give_up.fire = give_up;
    c->stream = grpc_client_call(t.client, path, md, timeout_ms, &ops, c);
    if (c->stream == NULL) {
        (void)printf("%s refused\n", name);
        free(c);
        t.failed++;
        return NULL;
    }
    t.open++;
    return c;
}

static struct call *start(const char *name, const char *path, unsigned count, size_t size,
                          uint64_t timeout_ms)
{
    struct call *c = start_with(name, path, NULL, timeout_ms);
    if (c != NULL) {
        c->to_send = count;
        c->size = size;
    }
    return c;
}

static struct call *start_meta(size_t size)
{
    WEFT_CLEANUP(grpc_meta_done) struct grpc_meta md = { 0 };
    put_metadata(&md, size);
    struct call *c = start_with("meta", "/test.Echo/Once", &md, 0);
    if (c != NULL) {
        c->to_send = 1;
        c->meta_size = size;
    }
    return c;
}

static void start_text(const char *name, const char *path, const char *text)
{
    struct weft_err e;
    struct call *c = start(name, path, 0, 0, 0);
    if (c == NULL || grpc_stream_send(c->stream, net_msg_copy(bytes_of_str(text)), &e) != WEFT_OK)
        return;
    grpc_stream_half_close(c->stream);
}

static void run_until_idle(void)
{
    while (t.open > 0 && !(t.down && t.open == 0))
        loop_turn(t.loop, LINGER_MS);
    (void)fflush(stdout);
}

static void wait_a_little(unsigned long ms)
{
    uint64_t until = loop_now_ms(t.loop) + ms;
    while (loop_now_ms(t.loop) < until)
        loop_turn(t.loop, (int)(until - loop_now_ms(t.loop)));
}

/* Returns how many arguments it has used. */
static int run(const char *name, const char *arg, const char *arg2)
{
    unsigned long n = strtoul(arg, NULL, 10), size = arg2 != NULL ? strtoul(arg2, NULL, 10) : 0;
    struct call *c = NULL;
    char text[64];
    (void)snprintf(text, sizeof(text), "%lu %lu", n, size);
    int used = 2;
    if (strcmp(name, "once") == 0) {
        c = start("once", "/test.Echo/Once", 1, n, 0);
    } else if (strcmp(name, "chat") == 0) {
        c = start("chat", "/test.Echo/Chat", (unsigned)n, size, 0);
        used = 3;
    } else if (strcmp(name, "sum") == 0) {
        c = start("sum", "/test.Echo/Sum", (unsigned)n, size, 0);
        used = 3;
    } else if (strcmp(name, "list") == 0) {
        start_text("list", "/test.Echo/List", text);
        used = 3;
    } else if (strcmp(name, "many") == 0) {
        for (unsigned i = 0; i < n; i++) {
            struct call *one = start("many", "/test.Echo/Once", 1, size, 0);
            if (one == NULL)
                break;
            one->quiet = i > 0;
            send_more(one->stream);
        }
        used = 3;
    } else if (strcmp(name, "fail") == 0) {
        start_text("fail", "/test.Echo/Fail", arg);
    } else if (strcmp(name, "who") == 0) {
        start_text("who", "/test.Echo/Who", "");
    } else if (strcmp(name, "hang") == 0) {
        c = start("hang", "/test.Echo/Hang", 0, 0, n);
    } else if (strcmp(name, "cancel") == 0) {
        c = start("cancel", "/test.Echo/Hang", 0, 0, 0);
        if (c != NULL)
            loop_timer_set(t.loop, &c->give_up, loop_now_ms(t.loop) + n);
    } else if (strcmp(name, "giveup") == 0) {
        c = start("giveup", "/test.Echo/GiveUp", 1, n, 0);
    } else if (strcmp(name, "meta") == 0) {
        c = start_meta(n);
    } else if (strcmp(name, "wait") == 0) {
        wait_a_little(n);
    } else {
        (void)fprintf(stderr, "unknown command %s\n", name);
        exit(2); /* NOLINT(concurrency-mt-unsafe) */
    }
    if (c != NULL)
        send_more(c->stream);
    run_until_idle();
    return used;
}

static void on_ready(void *user)
{
    (void)user;
    t.ready = true;
}

static void on_goaway(void *user, uint32_t error, struct bytes text)
{
    (void)user;
    (void)printf("goaway %u %.*s\n", error, (int)text.len, (const char *)text.data);
}

static void on_down(void *user, const struct weft_err *why)
{
    (void)user;
    t.down = true;
    if (why->code != WEFT_OK)
        (void)printf("down %s\n", why->msg);
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    static const struct grpc_client_ops client_ops = { .on_ready = on_ready,
                                                       .on_goaway = on_goaway,
                                                       .on_down = on_down };
    struct test_options o;
    test_options_parse(&o, argc, argv);
    struct tls_context *tls = test_tls_context(TLS_CLIENT, &o);
    struct mailbox *mb = mailbox_new("client", 64);
    struct jobs *resolver = jobs_new("resolve", 1, 16);
    t.loop = loop_new(mb, NULL);
    struct net *net = net_new(t.loop, &o.limits, mb, resolver);
    const struct grpc_client_config config = {
        .address = o.address, .tls = tls, .host_override = o.host, .connect_timeout_ms = CONNECT_MS
    };
    t.client = grpc_client_new(net, &config, &client_ops, NULL);
    while (!t.ready && !t.down)
        loop_turn(t.loop, -1);
    for (int i = o.rest; i + 1 < argc && !t.down;)
        i += run(argv[i], argv[i + 1], i + 2 < argc ? argv[i + 2] : NULL);
    grpc_client_close(t.client);
    while (!t.down)
        loop_turn(t.loop, -1);
    grpc_client_free(t.client);
    net_free(net);
    loop_free(t.loop);
    jobs_free(resolver);
    mailbox_free(mb);
    tls_context_unref(tls);
    return t.failed > 0 || !t.ready ? 1 : 0;
}
