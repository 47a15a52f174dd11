/* The transport alone: raw bytes, no decoding on either end.
 *
 * The server is a child process of one or two loops; this process is the
 * client.  Where Python's grpcio is installed its C core serves the same calls
 * to the same client in between, and the ratio is printed: the machine's mood
 * hits both.  grpc_bench [PART] runs the parts whose name contains PART. */
#include "bench.h"
#include "net/grpc_client.h"
#include "net/grpc_server.h"
#include "os/dirs.h"
#include "os/file.h"
#include "os/loop.h"
#include "os/thread.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    LOOPS_MAX = 2,
    CONNS_MAX = 10000,
    CHEAP_CONNS = 64,
};

static char *dir; /* certificates, thrown away at the end */

static struct buf read_pem(const char *name)
{
    struct buf b = { 0 };
    struct weft_err e;
    WEFT_FREE char *path = weft_asprintf("%s/%s", dir, name);
    WEFT_ASSERT(file_read_all(path, 1 << 16, &b, &e) == WEFT_OK);
    return b;
}

static struct tls_context *make_tls(enum tls_side side)
{
    struct tls_context *tls = NULL;
    struct weft_err e;
    WEFT_CLEANUP(buf_done) struct buf cert = read_pem("cert.pem");
    WEFT_CLEANUP(buf_done) struct buf key = read_pem("key.pem");
    const struct bytes root = buf_bytes(&cert);
    const struct tls_config config = { .cert_pem = buf_bytes(&cert),
                                       .key_pem = buf_bytes(&key),
                                       .roots_pem = &root,
                                       .roots_count = 1 };
    WEFT_ASSERT(tls_context_new(side, &config, &tls, &e) == WEFT_OK);
    return tls;
}

/* ---- the server ------------------------------------------------------------------- */

/* "SIZE": messages of that size for ever, one buffer for all. */
static struct net_msg *shared[LOOPS_MAX];
static __thread size_t my_loop;

static void list_go_on(struct grpc_stream *s)
{
    struct weft_err e;
    while (shared[my_loop] != NULL && grpc_stream_is_writable(s))
        if (grpc_stream_send(s, net_msg_ref(shared[my_loop]), &e) != WEFT_OK)
            return;
}

static void list_message(struct grpc_stream *s, struct net_msg *m)
{
    WEFT_FREE char *text = bytes_dup_str(net_msg_bytes(m));
    size_t size = strtoul(text, NULL, 10);
    net_msg_unref(m);
    if (shared[my_loop] == NULL || shared[my_loop]->len != size) {
        uint8_t *to;
        net_msg_unref(shared[my_loop]);
        shared[my_loop] = net_msg_new(size, &to);
        memset(to, 'b', size);
    }
    list_go_on(s);
}

static const struct grpc_stream_ops list = { .on_message = list_message,
                                             .on_writable = list_go_on };

static void ack_message(struct grpc_stream *s, struct net_msg *m)
{
    struct weft_err e;
    net_msg_unref(m);
    (void)grpc_stream_send(s, net_msg_copy(bytes_of_str("ack")), &e);
}

static const struct grpc_stream_ops ack = { .on_message = ack_message };
static const struct grpc_stream_ops idle = { 0 };

static const struct grpc_method methods[] = { { .path = "/test.Echo/Endless", .ops = &list },
                                              { .path = "/test.Echo/Ack", .ops = &ack },
                                              { .path = "/test.Echo/Hang", .ops = &idle } };

struct worker {
    size_t n;
    struct loop *loop;
};

static void run_loop(void *arg)
{
    struct worker *w = arg;
    my_loop = w->n;
    loop_run(w->loop);
}

WEFT_NORETURN static void serve(size_t loops, bool with_tls)
{
    struct grpc_target targets[LOOPS_MAX];
    struct worker workers[LOOPS_MAX];
    struct net *first = NULL;
    struct grpc_listener *l = NULL;
    struct weft_err e;
    struct tls_context *tls = with_tls ? make_tls(TLS_SERVER) : NULL;
    for (size_t i = 0; i < loops; i++) {
        struct mailbox *mb = mailbox_new("net", CONNS_MAX);
        workers[i] = (struct worker){ i, loop_new(mb, NULL) };
        struct net *net = net_new(workers[i].loop, NULL, mb, NULL);
        targets[i].server = grpc_server_new(net, methods, 3, tls, NULL, NULL);
        targets[i].mailbox = i == 0 ? NULL : mb;
        first = i == 0 ? net : first;
    }
    WEFT_ASSERT(grpc_listener_new(first, "127.0.0.1:0", targets, loops, &l, &e) == WEFT_OK);
    (void)printf("%s\n", grpc_listener_address(l));
    (void)fflush(stdout);
    for (size_t i = 1; i < loops; i++) {
        struct thread *t;
        WEFT_ASSERT(thread_start("net", run_loop, &workers[i], &t, &e) == WEFT_OK);
    }
    run_loop(&workers[0]);
    _Exit(0);
}

struct server {
    pid_t pid;
    char address[64];
};

/* No address: it could not be started. */
static struct server start(char *const argv[])
{
    struct server sv = { 0 };
    int ends[2];
    WEFT_ASSERT(pipe(ends) == 0);
    (void)fflush(stdout);
    sv.pid = fork();
    if (sv.pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)execv(argv[0], argv);
        _Exit(127);
    }
    (void)close(ends[1]);
    ssize_t n = read(ends[0], sv.address, sizeof(sv.address) - 1);
    sv.address[n > 0 ? n : 0] = '\0';
    sv.address[strcspn(sv.address, "\n")] = '\0';
    (void)close(ends[0]);
    return sv;
}

/* This program once more, so that its memory is its own. */
static struct server start_server(size_t loops, bool with_tls)
{
    char self[] = "/proc/self/exe", serve_flag[] = "--serve", none[] = "";
    char count[] = { loops == 2 ? '2' : '1', '\0' };
    char *const argv[] = { self, serve_flag, count, with_tls ? dir : none, NULL };
    return start(argv);
}

/* The same calls, served by grpcio's C core. */
static struct server start_grpcio(bool with_tls)
{
    static char python[] = "/usr/bin/python3", endless[] = "--endless", none[] = "";
    static char script[] = WEFT_TESTS_DIR "/net/grpcio_server.py";
    char *const argv[] = { python, script, endless, with_tls ? dir : none, NULL };
    return start(argv);
}

static void stop_server(const struct server *sv)
{
    (void)kill(sv->pid, SIGKILL);
    (void)waitpid(sv->pid, NULL, 0);
}

/* Word `n`, from 0, of a file in /proc; with `after`, of what follows it. */
static double proc_number(const struct server *sv, const char *name, char after, size_t n)
{
    char text[1024] = "";
    WEFT_FREE char *path = weft_asprintf("/proc/%d/%s", (int)sv->pid, name);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return 0;
    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    (void)fclose(f);
    char *at = after != '\0' ? strrchr(text, after) : text;
    for (char *word = at; word != NULL; n--) {
        at = word;
        if (n == 0)
            break;
        word = strchr(at + 1, ' ');
    }
    return at != NULL ? strtod(at + 1, NULL) : 0;
}

static double cpu_of(const struct server *sv)
{
    double ticks = proc_number(sv, "stat", ')', 12) + proc_number(sv, "stat", ')', 13);
    return ticks / (double)sysconf(_SC_CLK_TCK);
}

static double rss_mb(const struct server *sv)
{
    return proc_number(sv, "statm", '\0', 1) * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

/* ---- the client -------------------------------------------------------------------- */

static struct {
    struct loop *loop;
    struct net *net;
    struct tls_context *tls;
    struct grpc_client *clients[CONNS_MAX];
    size_t count, ready, down;
    uint64_t bytes, messages;
    size_t closed;
} c;

static void on_ready(void *user)
{
    (void)user;
    c.ready++;
}

static void on_down(void *user, const struct weft_err *why)
{
    (void)user;
    c.down++;
    if (c.down == 1)
        (void)printf("  a connection failed: %s\n", why->msg);
}

static const struct grpc_client_ops client_ops = { .on_ready = on_ready, .on_down = on_down };

static void take(struct grpc_stream *s, struct net_msg *m)
{
    (void)s;
    c.bytes += m->len;
    c.messages++;
    net_msg_unref(m);
}

static const struct grpc_stream_ops take_ops = { .on_message = take };

static void connect_many(const struct server *sv, size_t count, bool with_tls)
{
    const struct grpc_client_config config = { .address = sv->address,
                                               .tls = with_tls ? c.tls : NULL,
                                               .connect_timeout_ms = 60000 };
    c.bytes = c.messages = 0;
    c.ready = c.down = 0;
    for (c.count = 0; c.count < count;) {
        c.clients[c.count++] = grpc_client_new(c.net, &config, &client_ops, NULL);
        while (c.ready + c.down + 100 < c.count)
            loop_turn(c.loop, -1);
    }
    while (c.ready + c.down < count)
        loop_turn(c.loop, -1);
}

static void disconnect_all(void)
{
    while (c.count > 0)
        grpc_client_free(c.clients[--c.count]);
}

static void ask_endless(struct grpc_client *client, size_t size)
{
    char text[24];
    struct weft_err e;
    (void)snprintf(text, sizeof(text), "%zu", size);
    struct grpc_stream *s =
        grpc_client_call(client, "/test.Echo/Endless", NULL, 0, &take_ops, NULL);
    if (s != NULL && grpc_stream_send(s, net_msg_copy(bytes_of_str(text)), &e) == WEFT_OK)
        grpc_stream_half_close(s);
}

struct figure {
    double mb_per_s, cpu_per_gb, client_per_gb, grown_mb;
};

/* Endless messages on so many connections of so many streams. */
static struct figure stream(const struct server *sv, bool tls, size_t conns, size_t streams,
                            size_t size)
{
    connect_many(sv, conns, tls);
    double before = rss_mb(sv);
    for (size_t i = 0; i < conns * streams; i++)
        ask_endless(c.clients[i % conns], size);
    double from = bench_now(), warm = conns > 500 ? 6.0 : 0.4, for_s = 2.0;
    while (bench_now() < from + warm)
        loop_turn(c.loop, 100);
    uint64_t bytes = c.bytes;
    double t = bench_now(), cpu = cpu_of(sv), mine = bench_cpu();
    while (bench_now() < t + for_s)
        loop_turn(c.loop, 100);
    double mb = (double)(c.bytes - bytes) / 1e6;
    struct figure f = { mb / (bench_now() - t), (cpu_of(sv) - cpu) / (mb / 1e3),
                        (bench_cpu() - mine) / (mb / 1e3), rss_mb(sv) - before };
    disconnect_all();
    return f;
}

static void compare(const char *name, bool tls, size_t conns, size_t streams, size_t size)
{
    char remark[120] = "grpcio is not there";
    struct server ours = start_server(1, tls);
    struct server theirs = start_grpcio(tls);
    struct figure a = stream(&ours, tls, conns, streams, size);
    if (theirs.address[0] != '\0') {
        struct figure b = stream(&theirs, tls, conns, streams, size);
        (void)snprintf(remark, sizeof(remark),
                       "CPU-s/GB %.2f, client %.2f, +%.0f MB; grpcio %.0f: %.1f x, CPU-s/GB %.2f",
                       a.cpu_per_gb, a.client_per_gb, a.grown_mb, b.mb_per_s,
                       a.mb_per_s / b.mb_per_s, b.cpu_per_gb);
    }
    bench_print(name, a.mb_per_s, "MB/s", remark);
    stop_server(&ours);
    stop_server(&theirs);
}

/* ---- two loops ------------------------------------------------------------------------ */

/* A client that costs nearly nothing: once the calls are made, whatever comes is
 * thrown away by the kernel, neither decrypted nor copied.  The windows are as
 * large as HTTP/2 has them, so that the server never waits for more. */
static size_t own_sockets(int *fds, size_t most)
{
    size_t n = 0;
    for (int fd = 3; fd < 4096 && n < most; fd++) {
        struct sockaddr_storage peer;
        socklen_t len = sizeof(peer);
        if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0)
            fds[n++] = fd;
    }
    return n;
}

static uint64_t throw_away(const struct pollfd *polled, size_t n)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < n; i++) {
        ssize_t got = polled[i].revents != 0
                          ? recv(polled[i].fd, NULL, 4 << 20, MSG_TRUNC | MSG_DONTWAIT)
                          : 0;
        bytes += got > 0 ? (uint64_t)got : 0;
    }
    return bytes;
}

/* Bytes on the wire a second, and the server's CPU. */
static struct figure throw_away_for(const struct server *sv, double for_s)
{
    int fds[CHEAP_CONNS];
    struct pollfd polled[CHEAP_CONNS];
    size_t n = own_sockets(fds, CHEAP_CONNS);
    uint64_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        polled[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
    double t = bench_now(), cpu = cpu_of(sv), mine = bench_cpu();
    while (bench_now() < t + for_s && poll(polled, n, 1000) > 0)
        bytes += throw_away(polled, n);
    double mb = (double)bytes / 1e6;
    return (struct figure){ mb / (bench_now() - t), (cpu_of(sv) - cpu) / (mb / 1e3),
                            (bench_cpu() - mine) / (mb / 1e3), 0 };
}

static struct figure cheap_client(size_t loops)
{
    struct net_limits wide = NET_LIMITS_DEFAULT;
    wide.stream_window = wide.conn_window = INT32_MAX;
    struct net *usual = c.net;
    struct server sv = start_server(loops, true);
    c.net = net_new(c.loop, &wide, NULL, NULL);
    connect_many(&sv, CHEAP_CONNS, true);
    for (size_t i = 0; i < CHEAP_CONNS; i++)
        ask_endless(c.clients[i], 300000);
    while (c.messages < CHEAP_CONNS)
        loop_turn(c.loop, 100); /* all calls have arrived */
    struct figure f = throw_away_for(&sv, 2.0);
    stop_server(&sv);
    disconnect_all();
    net_free(c.net);
    c.net = usual;
    return f;
}

static void two_loops(void)
{
    struct figure one = cheap_client(1), two = cheap_client(2);
    char remark[200];
    /* Two cores have to do for loops and client together: what the loops would do on
     * cores of their own follows from the CPU that they take for the same bytes. */
    (void)snprintf(remark, sizeof(remark),
                   "one loop %.0f: %.2f x; CPU-s/GB %.2f, one loop %.2f: %.2f x with a core each; "
                   "the client, which throws away, %.2f",
                   one.mb_per_s, two.mb_per_s / one.mb_per_s, two.cpu_per_gb, one.cpu_per_gb,
                   2 * one.cpu_per_gb / two.cpu_per_gb, two.client_per_gb);
    bench_print("two loops, 64 TLS connections, 300 KB", two.mb_per_s, "MB/s", remark);
}

/* ---- small round trips ---------------------------------------------------------------- */

static struct net_msg *small;

static void answered(struct grpc_stream *s, struct net_msg *m)
{
    struct weft_err e;
    net_msg_unref(m);
    c.messages++;
    (void)grpc_stream_send(s, net_msg_ref(small), &e);
}

static const struct grpc_stream_ops small_ops = { .on_message = answered };

static double round_trips(const struct server *sv, bool tls, size_t window)
{
    uint8_t *to;
    struct weft_err e;
    small = net_msg_new(1000, &to);
    memset(to, 's', 1000);
    connect_many(sv, 1, tls);
    struct grpc_stream *s =
        grpc_client_call(c.clients[0], "/test.Echo/Ack", NULL, 0, &small_ops, NULL);
    for (size_t i = 0; i < window; i++)
        WEFT_ASSERT(grpc_stream_send(s, net_msg_ref(small), &e) == WEFT_OK);
    double t = bench_now();
    while (bench_now() < t + 1.5)
        loop_turn(c.loop, 100);
    double rate = (double)c.messages / (bench_now() - t);
    disconnect_all();
    net_msg_unref(small);
    return rate;
}

static void compare_round_trips(bool tls, size_t window)
{
    char name[80], remark[80] = "grpcio is not there";
    struct server ours = start_server(1, tls);
    struct server theirs = start_grpcio(tls);
    double a = round_trips(&ours, tls, window);
    if (theirs.address[0] != '\0') {
        double b = round_trips(&theirs, tls, window);
        (void)snprintf(remark, sizeof(remark), "grpcio (its Python) %.0f: %.1f x", b, a / b);
    }
    (void)snprintf(name, sizeof(name), "%s, 1 KB up and 3 B back, window %zu",
                   tls ? "TLS" : "plain", window);
    bench_print(name, a / 1000, "k/s", remark);
    stop_server(&ours);
    stop_server(&theirs);
}

/* ---- idle -------------------------------------------------------------------------------- */

static void idle_cost(bool tls, size_t count)
{
    char name[80], remark[80];
    struct server sv = start_server(1, tls);
    connect_many(&sv, 1, tls); /* what is set up once */
    double start = rss_mb(&sv);
    disconnect_all();
    connect_many(&sv, count, tls);
    double used = rss_mb(&sv) - start;
    (void)snprintf(name, sizeof(name), "%zu idle %s connections", count, tls ? "TLS" : "plain");
    (void)snprintf(remark, sizeof(remark), "server after start %.1f MB", start);
    bench_print(name, used * 1024 / (double)count, "KB each", remark);
    disconnect_all();
    stop_server(&sv);
}

static void idle_streams(void)
{
    struct server sv = start_server(1, false);
    connect_many(&sv, 10, false);
    double start = rss_mb(&sv);
    for (size_t i = 0; i < 10000; i++)
        (void)grpc_client_call(c.clients[i % 10], "/test.Echo/Hang", NULL, 0, &take_ops, NULL);
    for (int i = 0; i < 50; i++)
        loop_turn(c.loop, 10);
    bench_print("10,000 idle streams on 10 connections", (rss_mb(&sv) - start) * 1024 / 10000,
                "KB each", NULL);
    disconnect_all();
    stop_server(&sv);
}

/* ---- main ---------------------------------------------------------------------------------- */

static bool make_certificate(void)
{
    struct weft_err e;
    if (dir_make_temporary("weft-bench", &dir, &e) != WEFT_OK)
        return false;
    WEFT_FREE char *command =
        weft_asprintf("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
                      "-keyout %s/key.pem -out %s/cert.pem -days 2 -subj /CN=localhost "
                      "-addext subjectAltName=IP:127.0.0.1,DNS:localhost 2>/dev/null",
                      dir, dir);
    return system(command) == 0; /* NOLINT(concurrency-mt-unsafe,cert-env33-c): one thread yet */
}

static bool wanted(int argc, char **argv, const char *part)
{
    return argc < 2 || strstr(part, argv[1]) != NULL;
}

int main(int argc, char **argv)
{
    struct rlimit files = { 0 };
    (void)getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    if (argc == 4 && strcmp(argv[1], "--serve") == 0) {
        dir = argv[3];
        serve(argv[2][0] == '2' ? 2 : 1, dir[0] != '\0');
    }
    size_t many = files.rlim_cur > CONNS_MAX + 100 ? CONNS_MAX : (size_t)files.rlim_cur / 2;
    (void)signal(SIGPIPE, SIG_IGN);
    if (!make_certificate())
        return 1;
    c.loop = loop_new(NULL, NULL);
    c.net = net_new(c.loop, NULL, NULL, NULL);
    c.tls = make_tls(TLS_CLIENT);
    if (wanted(argc, argv, "stream")) {
        compare("one TLS 1.3 stream, 4 KB", true, 1, 1, 4096);
        compare("one TLS 1.3 stream, 64 KB", true, 1, 1, 65536);
        compare("one TLS 1.3 stream, 300 KB", true, 1, 1, 300000);
        compare("one TLS 1.3 stream, 1 MB", true, 1, 1, 1 << 20);
    }
    if (wanted(argc, argv, "fanout")) {
        compare("100 TLS connections, 300 KB", true, 100, 1, 300000);
    }
    if (wanted(argc, argv, "fanout") || wanted(argc, argv, "thousand"))
        compare("1000 TLS connections, 300 KB", true, 1000, 1, 300000);
    if (wanted(argc, argv, "loops"))
        two_loops();
    if (wanted(argc, argv, "fanout")) {
        compare("10 plain connections of 100 streams, 300 KB", false, 10, 100, 300000);
    }
    if (wanted(argc, argv, "small")) {
        compare_round_trips(true, 1);
        compare_round_trips(true, 100);
        compare_round_trips(false, 1);
        compare_round_trips(false, 100);
    }
    if (wanted(argc, argv, "idle")) {
        idle_streams();
        idle_cost(true, many);
        idle_cost(false, many);
    }
    net_free(c.net);
    loop_free(c.loop);
    tls_context_unref(c.tls);
    struct weft_err e;
    bool removed = dir_remove_tree(dir, &e) == WEFT_OK;
    free(dir);
    return removed ? 0 : 1;
}
