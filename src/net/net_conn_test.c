#include "net/net_conn.h"

#include "os/clock.h"
#include "weft_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

enum {
    SENT = 1 << 20,
    TRIES = 200, /* one is enough when nothing else keeps the core busy */
};

/* A peer that has sent a lot, and what its connection here was given. */
struct end {
    int peer;
    size_t given;
    uint64_t takes_ns; /* to serve what comes at once */
    bool is_down;
};

struct world {
    struct loop *loop;
    struct net *net;
    struct end a, b;
};

static void on_open(void *user, struct net_conn *c)
{
    (void)user;
    net_conn_known(c);
    net_conn_settled(c);
}

static enum weft_code on_bytes(void *user, struct bytes data, struct weft_err *e)
{
    struct end *end = user;
    uint64_t from = clock_monotonic_ns();
    (void)e;
    end->given += data.len;
    while (clock_monotonic_ns() - from < end->takes_ns) {
    }
    return WEFT_OK;
}

static enum weft_code on_pull(void *user, struct buf *out, size_t enough, struct weft_err *e)
{
    (void)user, (void)out, (void)enough, (void)e;
    return WEFT_OK;
}

static bool is_over(void *user)
{
    (void)user;
    return false;
}

static void on_down(void *user, const struct net_peer *peer, const struct weft_err *why)
{
    (void)peer, (void)why;
    ((struct end *)user)->is_down = true;
}

static const struct net_conn_ops ops = { on_open, on_bytes, on_pull, is_over, on_down };

static void end_init(struct world *w, struct end *end)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    int room = 2 * SENT, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)), 0);
    EXPECT_EQ(bind(listener, (struct sockaddr *)&at, len), 0);
    EXPECT_EQ(listen(listener, 1), 0);
    EXPECT_EQ(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    end->peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(setsockopt(end->peer, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)), 0);
    EXPECT_EQ(connect(end->peer, (struct sockaddr *)&at, len), 0);
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    EXPECT(fd >= 0);
    EXPECT_EQ(close(listener), 0);
    (void)net_conn_accepted(w->net, fd, NULL, &ops, end);
}

static void world_init(struct world *w)
{
    const struct net_limits limits = NET_LIMITS_DEFAULT;
    *w = (struct world){ .loop = loop_new(NULL, NULL) };
    w->net = net_new(w->loop, &limits, NULL, NULL);
    end_init(w, &w->a);
    end_init(w, &w->b);
}

static void world_done(struct world *w)
{
    EXPECT_EQ(close(w->a.peer), 0);
    EXPECT_EQ(close(w->b.peer), 0);
    while (!w->a.is_down || !w->b.is_down)
        loop_turn(w->loop, -1);
    net_free(w->net);
    loop_free(w->loop);
}

/* As much as the sockets hold; the bytes of one turn afterwards. */
static size_t given_in_a_turn(struct world *w, struct end *end)
{
    static const char some[64 << 10];
    while (send(end->peer, some, sizeof(some), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
    }
    size_t before = end->given;
    loop_turn(w->loop, -1);
    return end->given - before;
}

TEST(who_sends_much_is_read_several_times_before_the_others_turn)
{
    struct world w;
    size_t most = 0;
    world_init(&w);
    for (int i = 0; i < TRIES && most <= NET_IN_BYTES; i++) {
        size_t given = given_in_a_turn(&w, &w.a);
        most = given > most ? given : most;
        EXPECT(given <= 4UL * NET_IN_BYTES);
    }
    EXPECT(most > NET_IN_BYTES);
    EXPECT_EQ(send(w.b.peer, "x", 1, MSG_NOSIGNAL), 1);
    while (w.b.given == 0) {
        size_t before = w.a.given;
        (void)given_in_a_turn(&w, &w.a);
        EXPECT(w.a.given - before <= 4UL * NET_IN_BYTES);
    }
    world_done(&w);
}

TEST(who_takes_long_to_serve_is_read_once_a_turn)
{
    struct world w;
    world_init(&w);
    w.a.takes_ns = 1000000;
    for (int i = 0; i < 20; i++)
        EXPECT(given_in_a_turn(&w, &w.a) <= 16 << 10);
    EXPECT(w.a.given > 0);
    world_done(&w);
}
