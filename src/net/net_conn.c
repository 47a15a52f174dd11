#include "net/net_conn.h"

#include "net/net_addr.h"
#include "net/net_batch.h"
#include "os/clock.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    SENT_PER_TURN = 384 << 10, /* before the others' turn */
    READS_PER_TURN = 4,        /* likewise, of who is quickly served */
    READ_LEAST = 4 << 10,      /* so much is read at once of who takes long to serve */
    READ_FIRST = 16 << 10,     /* a flood on a new connection is found out soon */
    READ_LONG_NS = 500000,
    UNSENT_MAX = 1 << 20, /* TLS's own answers to a peer that does not read */
};

enum conn_state {
    CONN_CONNECTING,
    CONN_HANDSHAKE,
    CONN_OPEN,
    CONN_LINGER, /* all is said; the peer may still be reading it */
    CONN_DEAD,   /* on_down is due */
};

struct net_conn {
    struct loop_fd socket;
    struct loop_timer timer; /* handshake, then linger */
    struct loop_task flush;
    struct net *net;
    struct tls_conn *tls;
    const struct net_conn_ops *ops;
    void *user;
    enum conn_state state;
    struct net_stranger stranger;
    bool known; /* no stranger any more */
    bool settled;
    bool shakes_hands; /* as net->handshakes knows */
    bool dialled;      /* by us */
    size_t helping;    /* how much is read at once */
    struct net_batch batch;
    struct buf unsent; /* what the kernel did not take, from unsent_from on */
    size_t unsent_from;
    uint64_t heard_ms;
    struct net_peer peer;
    struct weft_err why;
};

/* ---- ending ---------------------------------------------------------------- */

static void end_handshake(struct net_conn *c)
{
    if (c->shakes_hands)
        memory_storm_go(&c->net->handshakes);
    c->shakes_hands = false;
}

void net_conn_free(struct net_conn *c)
{
    if (c == NULL)
        return;
    loop_unwatch(c->net->loop, &c->socket);
    loop_timer_clear(c->net->loop, &c->timer);
    loop_undefer(c->net->loop, &c->flush);
    net_stranger_leave(&c->stranger);
    (void)close(c->socket.fd);
    tls_conn_free(c->tls);
    end_handshake(c);
    memory_storm_go(&c->net->conns);
    buf_done(&c->unsent);
    free(c);
}

static void die(struct net_conn *c, const struct weft_err *why)
{
    if (c->state == CONN_DEAD)
        return;
    c->state = CONN_DEAD;
    net_stranger_leave(&c->stranger);
    if (c->why.code == WEFT_OK && why != NULL)
        c->why = *why;
    loop_unwatch(c->net->loop, &c->socket);
    loop_defer(c->net->loop, &c->flush);
}

void net_conn_kill(struct net_conn *c, enum weft_code code, const char *why)
{
    struct weft_err e = { 0 };
    if (code != WEFT_OK)
        (void)WEFT_FAIL(&e, code, "%s", why);
    die(c, &e);
}

static void bury(struct net_conn *c)
{
    const struct net_conn_ops *ops = c->ops;
    void *user = c->user;
    struct net_peer peer = c->peer;
    struct weft_err why = c->why;
    struct net *net = c->net;
    uint64_t from = c->known ? 0 : clock_monotonic_ns();
    struct tls_conn *tls = WEFT_TAKE(c->tls); /* the peer's certificate lies in it */
    net_conn_free(c);
    ops->on_down(user, &peer, &why);
    tls_conn_free(tls);
    if (from != 0)
        net_strangers_spent(&net->strangers, clock_monotonic_ns() - from);
}

static bool wait_for(struct net_conn *c, uint32_t events)
{
    if (loop_watch(c->net->loop, &c->socket, events))
        return true;
    net_conn_kill(c, WEFT_IO, "epoll: no room for another connection");
    return false;
}

/* ---- sending ---------------------------------------------------------------- */

/* Gives the kernel what it takes and keeps the rest.  False: the peer is gone. */
static bool send_or_keep(struct net_conn *c, struct bytes data)
{
    struct weft_err e = { 0 };
    while (data.len > 0 && c->unsent.len == c->unsent_from) {
        ssize_t n = send(c->socket.fd, data.data, data.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0) {
            (void)WEFT_FAIL(&e, WEFT_IO, "send: %s", strerrordesc_np(errno));
            die(c, &e);
            return false;
        }
        data = bytes_skip(data, (size_t)n);
    }
    if (data.len == 0)
        return true;
    if (c->unsent.len - c->unsent_from + data.len > UNSENT_MAX) {
        net_conn_kill(c, WEFT_LIMIT, "the peer asks and does not read");
        return false;
    }
    buf_put(&c->unsent, data);
    return wait_for(c, EPOLLIN | EPOLLOUT);
}

/* What TLS has put into the loop's buffer. */
static bool send_cipher(struct net_conn *c)
{
    bool ok = send_or_keep(c, buf_bytes(&c->net->cipher));
    buf_clear(&c->net->cipher);
    return ok;
}

static bool send_unsent(struct net_conn *c)
{
    struct buf rest = c->unsent;
    size_t from = c->unsent_from;
    c->unsent = (struct buf){ 0 };
    c->unsent_from = 0;
    bool ok = send_or_keep(c, bytes_skip(buf_bytes(&rest), from));
    buf_done(&rest);
    return ok && c->unsent.len == 0;
}

static void linger(struct net_conn *c)
{
    c->state = CONN_LINGER;
    if (c->tls != NULL) {
        tls_conn_shutdown(c->tls);
        if (!send_cipher(c))
            return;
    }
    (void)shutdown(c->socket.fd, SHUT_WR);
    loop_timer_set(c->net->loop, &c->timer, loop_now_ms(c->net->loop) + c->net->limits.linger_ms);
}

/* One batch.  False: nothing more for now. */
static bool send_batch(struct net_conn *c)
{
    struct net *net = c->net;
    struct weft_err e = { 0 };
    buf_clear(&net->plain);
    if (c->ops->on_pull(c->user, &net->plain, c->batch.bytes, &e) != WEFT_OK) {
        die(c, &e);
        return false;
    }
    if (net->plain.len == 0) {
        if (c->ops->is_over(c->user))
            linger(c);
        return false;
    }
    if (c->tls != NULL && tls_conn_write(c->tls, buf_bytes(&net->plain), &e) != WEFT_OK) {
        die(c, &e);
        return false;
    }
    if (!(c->tls != NULL ? send_cipher(c) : send_or_keep(c, buf_bytes(&net->plain))))
        return false;
    net_batch_sent(&c->batch, net->plain.len, c->unsent.len == 0);
    return c->unsent.len == 0;
}

static void flush(struct loop_task *t)
{
    struct net_conn *c = WEFT_CONTAINER_OF(t, struct net_conn, flush);
    if (c->state == CONN_DEAD) {
        bury(c);
        return;
    }
    if (c->state != CONN_OPEN || c->unsent.len > 0)
        return;
    if (c->known)
        net_strangers_known(&c->net->strangers);
    for (size_t sent = 0; sent < SENT_PER_TURN; sent += c->net->plain.len)
        if (!send_batch(c))
            return;
    loop_defer(c->net->loop, &c->flush);
}

void net_conn_wake(struct net_conn *c)
{
    if (c->state == CONN_OPEN)
        loop_defer(c->net->loop, &c->flush);
}

/* ---- receiving ---------------------------------------------------------------- */

static void became_open(struct net_conn *c)
{
    c->state = CONN_OPEN;
    end_handshake(c);
    if (c->tls != NULL) {
        c->peer.cert_der = tls_conn_peer_cert(c->tls);
        if (c->peer.cert_der.len > 0)
            c->peer.cert_hash = sha256_of(c->peer.cert_der);
    }
    c->ops->on_open(c->user, c);
    net_conn_wake(c);
}

/* The user's protocol was broken: it may say so before the end. */
static void refuse(struct net_conn *c, const struct weft_err *e)
{
    c->why = *e;
    if (c->state == CONN_OPEN && c->unsent.len == 0)
        while (send_batch(c))
            ;
    if (c->state == CONN_OPEN && c->unsent.len == 0)
        linger(c);
    if (c->state == CONN_OPEN)
        die(c, e);
}

static bool give_bytes(struct net_conn *c, struct bytes data)
{
    struct weft_err e = { 0 };
    if (c->ops->on_bytes(c->user, data, &e) == WEFT_OK)
        return c->state == CONN_OPEN;
    refuse(c, &e);
    return false;
}

static bool shake_hands(struct net_conn *c)
{
    struct weft_err e = { 0 };
    bool done = false;
    enum weft_code rc = tls_conn_handshake(c->tls, &done, &e);
    if (!send_cipher(c))
        return false;
    if (rc != WEFT_OK) {
        (void)shutdown(c->socket.fd, SHUT_WR); /* the alert gets there before the end */
        die(c, &e);
        return false;
    }
    if (done)
        became_open(c);
    return done;
}

static bool decrypt(struct net_conn *c, struct bytes cipher)
{
    struct weft_err e = { 0 };
    tls_conn_feed(c->tls, cipher);
    if (c->state == CONN_HANDSHAKE && !shake_hands(c))
        return c->state != CONN_DEAD;
    for (;;) {
        size_t n = 0;
        enum weft_code rc = tls_conn_read(c->tls, c->net->decrypted, NET_IN_BYTES, &n, &e);
        if (c->net->cipher.len > 0 && !send_cipher(c))
            return false;
        if (n > 0 && !give_bytes(c, bytes_of(c->net->decrypted, n)))
            return false;
        if (rc != WEFT_OK) {
            die(c, rc == WEFT_CANCELLED ? NULL : &e);
            return false;
        }
        if (n == 0)
            return true;
    }
}

/* Bytes that take long (a flood of tiny requests) come in smaller helpings, so
 * that the others' turn comes soon; plain data comes in large ones. */
static void judge_helping(struct net_conn *c, uint64_t took_ns)
{
    if (took_ns > READ_LONG_NS)
        c->helping = c->helping / 2 > READ_LEAST ? c->helping / 2 : READ_LEAST;
    else if (took_ns < READ_LONG_NS / 2)
        c->helping = 2 * c->helping < NET_IN_BYTES ? 2 * c->helping : NET_IN_BYTES;
}

/* True: there may be more, and all of it takes little. */
static bool receive(struct net_conn *c)
{
    ssize_t n = recv(c->socket.fd, c->net->in, c->helping, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n <= 0) {
        struct weft_err e = { 0 };
        if (n < 0)
            (void)WEFT_FAIL(&e, WEFT_IO, "recv: %s", strerrordesc_np(errno));
        else if (c->state == CONN_HANDSHAKE)
            (void)WEFT_FAIL(&e, WEFT_IO, "TLS handshake: EOF");
        die(c, &e);
        return false;
    }
    c->heard_ms = loop_now_ms(c->net->loop);
    if (c->state == CONN_LINGER)
        return false; /* read and forgotten */
    uint64_t from = clock_monotonic_ns();
    struct bytes data = bytes_of(c->net->in, (size_t)n);
    (void)(c->tls != NULL ? decrypt(c, data) : give_bytes(c, data)); /* the state says it all */
    uint64_t took_ns = clock_monotonic_ns() - from;
    bool was_full = (size_t)n == c->helping;
    judge_helping(c, took_ns);
    return was_full && c->state == CONN_OPEN && took_ns < READ_LONG_NS / READS_PER_TURN;
}

static void start_talking(struct net_conn *c)
{
    if (c->tls == NULL) {
        became_open(c);
        return;
    }
    c->state = CONN_HANDSHAKE;
    c->shakes_hands = true;
    memory_storm_come(&c->net->handshakes);
    tls_conn_feed(c->tls, bytes_of(NULL, 0));
    (void)shake_hands(c); /* a client speaks first */
}

static void finish_connect(struct net_conn *c)
{
    int error = 0;
    socklen_t len = sizeof(error);
    struct weft_err e = { 0 };
    if (getsockopt(c->socket.fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    if (error != 0) {
        const char *words = error == ECONNREFUSED ? "connect: connection refused" : /* Go's words */
                                strerrordesc_np(error);
        (void)WEFT_FAIL(&e, WEFT_UNAVAILABLE, "dial tcp %s: %s", c->peer.address, words);
        die(c, &e);
        return;
    }
    if (wait_for(c, EPOLLIN))
        start_talking(c);
}

static void ready(struct loop_fd *f, uint32_t events)
{
    struct net_conn *c = WEFT_CONTAINER_OF(f, struct net_conn, socket);
    if (c->state == CONN_CONNECTING) {
        finish_connect(c);
        return;
    }
    if ((events & EPOLLOUT) != 0 && c->unsent.len > 0 && send_unsent(c)) {
        if (!wait_for(c, EPOLLIN))
            return;
        net_conn_wake(c);
    }
    if ((events & ~(uint32_t)EPOLLOUT) == 0 || c->state == CONN_DEAD)
        return;
    if (c->known) {
        net_strangers_known(&c->net->strangers);
        for (int i = 0; i < READS_PER_TURN && receive(c); i++) {
        }
    } else if (net_stranger_rests(&c->net->strangers, &c->stranger)) {
        loop_unwatch(c->net->loop, &c->socket); /* until resume */
    } else {
        uint64_t from = clock_monotonic_ns();
        (void)receive(c);
        net_strangers_spent(&c->net->strangers, clock_monotonic_ns() - from);
    }
}

static void resume(struct net_stranger *s)
{
    struct net_conn *c = WEFT_CONTAINER_OF(s, struct net_conn, stranger);
    (void)wait_for(c, c->unsent.len > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN); /* it dies without */
}

/* ---- beginning ---------------------------------------------------------------- */

static void too_late(struct loop_timer *t)
{
    struct net_conn *c = WEFT_CONTAINER_OF(t, struct net_conn, timer);
    if (c->state == CONN_LINGER)
        die(c, NULL);
    else
        net_conn_kill(c, WEFT_UNAVAILABLE,
                      c->dialled ? "context deadline exceeded" : "handshake: deadline exceeded");
}

static struct net_conn *new_conn(struct net *net, int fd, struct tls_context *tls,
                                 const struct net_conn_ops *ops, void *user)
{
    struct net_conn *c = weft_alloc(sizeof(*c));
    int on = 1;
    memory_storm_come(&net->conns);
    c->socket = (struct loop_fd){ .fd = fd, .ready = ready };
    c->timer.fire = too_late;
    c->flush.run = flush;
    c->stranger.resume = resume;
    c->net = net;
    c->ops = ops;
    c->user = user;
    c->heard_ms = loop_now_ms(net->loop);
    c->helping = READ_FIRST;
    net_batch_init(&c->batch);
    c->peer.has_tls = tls != NULL;
    c->peer.our_hash = tls != NULL ? tls_context_cert_hash(tls) : NULL;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* slower without, no more */
    return c;
}

struct net_conn *net_conn_accepted(struct net *net, int fd, struct tls_context *tls,
                                   const struct net_conn_ops *ops, void *user)
{
    uint64_t begun = clock_monotonic_ns();
    struct net_conn *c = new_conn(net, fd, tls, ops, user);
    struct sockaddr_storage from;
    socklen_t len = sizeof(from);
    if (getpeername(fd, (struct sockaddr *)&from, &len) == 0)
        net_addr_print(&from, c->peer.address);
    if (tls != NULL)
        c->tls = tls_conn_new(tls, NULL, clock_wall_ns() / 1000000000, &net->cipher);
    loop_timer_set(net->loop, &c->timer, loop_now_ms(net->loop) + net->limits.handshake_ms);
    if (wait_for(c, EPOLLIN))
        start_talking(c);
    net_strangers_spent(&net->strangers, clock_monotonic_ns() - begun);
    return c;
}

struct net_conn *net_conn_connecting(struct net *net, int fd, const struct net_dial *dial,
                                     const struct net_conn_ops *ops, void *user)
{
    struct net_conn *c = new_conn(net, fd, dial->tls, ops, user);
    c->state = CONN_CONNECTING;
    c->dialled = c->known = true;
    (void)snprintf(c->peer.address, sizeof(c->peer.address), "%s", dial->address);
    if (dial->tls != NULL)
        c->tls = tls_conn_new(dial->tls, dial->host, clock_wall_ns() / 1000000000, &net->cipher);
    loop_timer_set(net->loop, &c->timer, loop_now_ms(net->loop) + dial->timeout_ms);
    (void)wait_for(c, EPOLLOUT);
    return c;
}

void net_conn_known(struct net_conn *c)
{
    c->known = true;
}

void net_conn_settled(struct net_conn *c)
{
    if (c->settled)
        return;
    c->settled = true;
    loop_timer_clear(c->net->loop, &c->timer);
}

const struct net_peer *net_conn_peer(const struct net_conn *c)
{
    return &c->peer;
}

uint64_t net_conn_heard_ms(const struct net_conn *c)
{
    return c->heard_ms;
}
