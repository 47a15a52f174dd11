/* Listening: accepted sockets are dealt out to the loops in turn. */
#include "net/grpc_server.h"
#include "net/net_addr.h"
#include "os/loop.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    BACKLOG = 1024,
    ACCEPTS_PER_TURN = 64,
    PAUSE_MS = 100
};

struct grpc_listener {
    struct loop_fd socket;
    struct loop_timer pause; /* out of descriptors: try again */
    struct net *net;
    char address[NET_ADDRESS_MAX];
    struct grpc_target *targets;
    size_t count, next;
};

/* An accepted socket on its way to another loop. */
struct handed_over {
    struct mail mail;
    struct grpc_server *server;
    int fd;
};

static void take_over(struct mail *m, void *owner)
{
    struct handed_over *h = WEFT_CONTAINER_OF(m, struct handed_over, mail);
    (void)owner;
    grpc_server_accept(h->server, h->fd);
    free(h);
}

static void drop(struct mail *m)
{
    struct handed_over *h = WEFT_CONTAINER_OF(m, struct handed_over, mail);
    (void)close(h->fd);
    free(h);
}

static void deal_out(struct grpc_listener *l, int fd)
{
    const struct grpc_target *to = &l->targets[l->next];
    l->next = (l->next + 1) % l->count;
    if (to->mailbox == NULL) {
        grpc_server_accept(to->server, fd);
        return;
    }
    struct handed_over *h = weft_alloc(sizeof(*h));
    *h = (struct handed_over){ { .handle = take_over, .drop = drop }, to->server, fd };
    if (!mailbox_put(to->mailbox, &h->mail)) /* that loop is far behind: the client may retry */
        drop(&h->mail);
}

static void ready(struct loop_fd *f, uint32_t events)
{
    struct grpc_listener *l = WEFT_CONTAINER_OF(f, struct grpc_listener, socket);
    (void)events;
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd = accept4(f->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            deal_out(l, fd);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            loop_unwatch(l->net->loop, f);
            loop_timer_set(l->net->loop, &l->pause, loop_now_ms(l->net->loop) + PAUSE_MS);
        }
        return; /* EAGAIN, or one that has gone already */
    }
}

static void go_on(struct loop_timer *t)
{
    struct grpc_listener *l = WEFT_CONTAINER_OF(t, struct grpc_listener, pause);
    if (!loop_watch(l->net->loop, &l->socket, EPOLLIN))
        loop_timer_set(l->net->loop, t, loop_now_ms(l->net->loop) + PAUSE_MS);
}

static enum weft_code open_socket(struct grpc_listener *l, const struct sockaddr_storage *a,
                                  struct weft_err *e)
{
    int on = 1, off = 0;
    struct sockaddr_storage bound = { 0 };
    socklen_t len = sizeof(bound);
    int fd = socket(a->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return WEFT_FAIL(e, WEFT_IO, "socket: %s", strerrordesc_np(errno));
    l->socket.fd = fd;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (a->ss_family == AF_INET6) /* "[::]:7050" takes IPv4 too, as Go does */
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, (const struct sockaddr *)a, net_addr_len(a)) != 0 || listen(fd, BACKLOG) != 0)
        return WEFT_FAIL(e, errno == EADDRINUSE ? WEFT_EXISTS : WEFT_IO, "bind: %s",
                         errno == EADDRINUSE ? "address already in use" : strerrordesc_np(errno));
    if (getsockname(fd, (struct sockaddr *)&bound, &len) != 0)
        return WEFT_FAIL(e, WEFT_IO, "getsockname: %s", strerrordesc_np(errno));
    net_addr_print(&bound, l->address);
    if (!loop_watch(l->net->loop, &l->socket, EPOLLIN))
        return WEFT_FAIL(e, WEFT_IO, "epoll: %s", strerrordesc_np(errno));
    return WEFT_OK;
}

enum weft_code grpc_listener_new(struct net *net, const char *address,
                                 const struct grpc_target *targets, size_t count,
                                 struct grpc_listener **ret_listener, struct weft_err *e)
{
    WEFT_CLEANUP(grpc_listener_free) struct grpc_listener *l = weft_alloc(sizeof(*l));
    struct net_name name;
    struct net_addrs addrs;
    WEFT_ASSERT(count > 0);
    l->net = net;
    l->socket = (struct loop_fd){ .fd = -1, .ready = ready };
    l->pause.fire = go_on;
    l->count = count;
    l->targets = weft_alloc(count * sizeof(*targets));
    memcpy(l->targets, targets, count * sizeof(*targets));
    WEFT_TRY(net_name_parse(address, &name, e));
    WEFT_TRY(net_addr_resolve(&name, false, &addrs, e));
    if (addrs.count == 0)
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "no address for %.200s", address);
    /* For "every interface" the last is IPv6, which takes IPv4 too. */
    size_t last = name.host[0] == '\0' ? addrs.count - 1 : 0;
    enum weft_code rc = open_socket(l, &addrs.at[last], e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "listen tcp %.200s", address);
    *ret_listener = WEFT_TAKE(l);
    return WEFT_OK;
}

void grpc_listener_free(struct grpc_listener *l)
{
    if (l == NULL)
        return;
    loop_unwatch(l->net->loop, &l->socket);
    loop_timer_clear(l->net->loop, &l->pause);
    if (l->socket.fd >= 0)
        (void)close(l->socket.fd);
    free(l->targets);
    free(l);
}

const char *grpc_listener_address(const struct grpc_listener *l)
{
    return l->address;
}
