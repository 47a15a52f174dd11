#include "ops/http_server.h"

#include "base/limits.h"
#include "base/log.h"
#include "net/net_addr.h"
#include "ops/http_tls.h"
#include "os/loop.h"
#include "os/thread.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <unistd.h>

LOG_DEFINE(logger, "operations.runner");

enum {
    BACKLOG = 64,
    MAIL = 16,
    IDLE_S = 10,
    HOURLY_MS = 3600000,
};

struct http_server {
    struct http_server_config config;
    struct MHD_Daemon *daemon;
    struct http_tls *tls;
    struct mailbox *mailbox;
    struct loop *loop;
    struct loop_fd epoll; /* libmicrohttpd's */
    struct loop_timer timer;
    struct thread *thread;
    int socket;
    char address[NET_ADDRESS_MAX];
};

/* One request while it is read. */
struct exchange {
    struct http_request rq;
    struct buf body;
    size_t most;
};

/* ---- a request ------------------------------------------------------------------- */

static const char *header(struct MHD_Connection *c, const char *name)
{
    return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

static bool has_cert(const struct http_server *s, struct MHD_Connection *c)
{
    if (s->tls == NULL)
        return false;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    return info != NULL && http_tls_has_cert(info->tls_session);
}

static struct exchange *begin(const struct http_server *s, struct MHD_Connection *c,
                              const char *path, const char *method)
{
    struct exchange *x = weft_alloc(sizeof(*x));
    x->rq = (struct http_request){ .method = method,
                                   .path = path,
                                   .content_type = header(c, "Content-Type"),
                                   .accept = header(c, "Accept"),
                                   .request_id = header(c, "X-Request-Id"),
                                   .has_cert = has_cert(s, c) };
    x->most = s->config.body_most(s->config.ctx, &x->rq);
    return x;
}

static void take_body(struct exchange *x, struct bytes piece)
{
    if (piece.len > x->most - x->body.len) {
        x->rq.body_is_cut = true;
        piece.len = x->most - x->body.len;
    }
    buf_put(&x->body, piece);
}

static enum MHD_Result answer(const struct http_server *s, struct MHD_Connection *c,
                              struct exchange *x)
{
    WEFT_CLEANUP(http_response_done) struct http_response rs = { 0 };
    x->rq.body = buf_bytes(&x->body);
    s->config.handle(s->config.ctx, &x->rq, &rs);
    struct MHD_Response *out =
        MHD_create_response_from_buffer(rs.body.len, rs.body.data, MHD_RESPMEM_MUST_COPY);
    if (out == NULL)
        return MHD_NO;
    for (size_t i = 0; i < rs.header_count; i++)
        WEFT_IGNORE(MHD_add_response_header(out, rs.headers[i].name, rs.headers[i].value));
    enum MHD_Result rc = MHD_queue_response(c, rs.status, out);
    MHD_destroy_response(out);
    return rc;
}

/* libmicrohttpd calls it when the headers are there, for each piece of the body,
 * and at the end. */
static enum MHD_Result on_request(/* NOLINT(readability-function-size): theirs */
                                  void *user, struct MHD_Connection *c, const char *path,
                                  const char *method, const char *version, const char *piece,
                                  size_t *piece_len, void **state)
{
    struct http_server *s = user;
    struct exchange *x = *state;
    (void)version;
    if (x == NULL) {
        *state = begin(s, c, path, method);
        return MHD_YES;
    }
    if (*piece_len > 0) {
        take_body(x, bytes_of(piece, *piece_len));
        *piece_len = 0;
        return MHD_YES;
    }
    return answer(s, c, x);
}

static void on_completed(void *user, struct MHD_Connection *c, void **state,
                         enum MHD_RequestTerminationCode how)
{
    struct exchange *x = *state;
    (void)user, (void)c, (void)how;
    if (x != NULL)
        buf_done(&x->body);
    free(x);
    *state = NULL;
}

static void on_connection(void *user, struct MHD_Connection *c, void **state,
                          enum MHD_ConnectionNotificationCode what)
{
    const struct http_server *s = user;
    (void)state;
    if (s->tls == NULL || what != MHD_CONNECTION_NOTIFY_STARTED)
        return;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    http_tls_apply(s->tls, info->tls_session);
}

WEFT_PRINTF(2, 0) static void on_words(void *user, const char *fmt, va_list args)
{
    char text[512];
    (void)user;
    if (!log_enabled(&logger, LOG_LEVEL_DEBUG))
        return;
    int n = vsnprintf(text, sizeof(text), fmt, args);
    while (n > 0 && (size_t)n < sizeof(text) && text[n - 1] == '\n')
        text[--n] = '\0';
    LOG_DEBUG(&logger, "%s", text);
}

/* ---- the thread ------------------------------------------------------------------- */

static void turn(struct http_server *s)
{
    MHD_UNSIGNED_LONG_LONG wait_ms = HOURLY_MS;
    WEFT_IGNORE(MHD_run(s->daemon)); /* it says NO only without a daemon */
    if (MHD_get_timeout(s->daemon, &wait_ms) != MHD_YES || wait_ms > HOURLY_MS)
        wait_ms = HOURLY_MS;
    loop_timer_set(s->loop, &s->timer, loop_now_ms(s->loop) + wait_ms);
}

static void on_ready(struct loop_fd *f, uint32_t events)
{
    (void)events;
    turn(WEFT_CONTAINER_OF(f, struct http_server, epoll));
}

static void on_timer(struct loop_timer *t)
{
    turn(WEFT_CONTAINER_OF(t, struct http_server, timer));
}

static void run(void *arg)
{
    struct http_server *s = arg;
    loop_run(s->loop);
}

static void stop_handle(struct mail *m, void *owner)
{
    struct http_server *s = owner;
    free(m);
    loop_stop(s->loop);
}

static void stop_drop(struct mail *m)
{
    free(m);
}

/* ---- start and stop ----------------------------------------------------------------- */

static enum weft_code bind_to(struct http_server *s, const struct sockaddr_storage *a,
                              struct weft_err *e)
{
    int on = 1, off = 0;
    struct sockaddr_storage bound = { 0 };
    socklen_t len = sizeof(bound);
    s->socket = socket(a->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->socket < 0)
        return WEFT_FAIL(e, WEFT_IO, "socket: %s", strerrordesc_np(errno));
    (void)setsockopt(s->socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (a->ss_family == AF_INET6)
        (void)setsockopt(s->socket, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(s->socket, (const struct sockaddr *)a, net_addr_len(a)) != 0 ||
        listen(s->socket, BACKLOG) != 0)
        return WEFT_FAIL(e, errno == EADDRINUSE ? WEFT_EXISTS : WEFT_IO, "bind: %s",
                         errno == EADDRINUSE ? "address already in use" : strerrordesc_np(errno));
    if (getsockname(s->socket, (struct sockaddr *)&bound, &len) != 0)
        return WEFT_FAIL(e, WEFT_IO, "getsockname: %s", strerrordesc_np(errno));
    net_addr_print(&bound, s->address);
    return WEFT_OK;
}

static enum weft_code open_socket(struct http_server *s, struct weft_err *e)
{
    const char *address = s->config.address[0] != '\0' ? s->config.address : ":0";
    struct net_name name;
    struct net_addrs addrs;
    WEFT_TRY(net_name_parse(address, &name, e));
    WEFT_TRY(net_addr_resolve(&name, false, &addrs, e));
    if (addrs.count == 0)
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "no address for %.200s", address);
    /* For "every interface" the last is IPv6, which takes IPv4 too. */
    enum weft_code rc = bind_to(s, &addrs.at[name.host[0] == '\0' ? addrs.count - 1 : 0], e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "listen tcp %.200s", address);
    return WEFT_OK;
}

static enum weft_code start_daemon(struct http_server *s, struct weft_err *e)
{
    unsigned flags = MHD_USE_EPOLL | MHD_USE_ERROR_LOG;
    static char versions[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
    struct MHD_OptionItem tls[] = {
        { MHD_OPTION_HTTPS_MEM_CERT, 0, NULL },
        { MHD_OPTION_HTTPS_MEM_KEY, 0, NULL },
        { MHD_OPTION_HTTPS_PRIORITIES, 0, versions },
        { MHD_OPTION_END, 0, NULL },
    };
    if (s->tls != NULL) {
        flags |= MHD_USE_TLS;
        tls[0].ptr_value = http_tls_cert_pem(s->tls);
        tls[1].ptr_value = http_tls_key_pem(s->tls);
    } else {
        tls[0].option = MHD_OPTION_END;
    }
    s->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, on_words, s,
        MHD_OPTION_LISTEN_SOCKET, s->socket, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)LIMIT_HTTP_CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)LIMIT_HTTP_HEADER_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
        MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    if (s->daemon == NULL)
        return WEFT_FAIL(e, WEFT_IO, "libmicrohttpd does not start");
    s->socket = -1; /* the daemon's now */
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    s->epoll = (struct loop_fd){ .fd = info->epoll_fd, .ready = on_ready };
    if (!loop_watch(s->loop, &s->epoll, EPOLLIN))
        return WEFT_FAIL(e, WEFT_IO, "epoll: %s", strerrordesc_np(errno));
    return WEFT_OK;
}

enum weft_code http_server_start(const struct http_server_config *config, struct http_server **ret,
                                 struct weft_err *e)
{
    WEFT_CLEANUP(http_server_stop) struct http_server *s = weft_alloc(sizeof(*s));
    s->config = *config;
    s->socket = -1;
    s->timer.fire = on_timer;
    s->mailbox = mailbox_new("operations", MAIL);
    s->loop = loop_new(s->mailbox, s);
    WEFT_TRY(open_socket(s, e));
    if (config->tls != NULL && config->tls->enabled)
        WEFT_TRY(http_tls_new(config->tls, &s->tls, e));
    WEFT_TRY(start_daemon(s, e));
    WEFT_TRY(thread_start("operations", run, s, &s->thread, e));
    *ret = WEFT_TAKE(s);
    return WEFT_OK;
}

void http_server_stop(struct http_server *s)
{
    if (s == NULL)
        return;
    if (s->thread != NULL) {
        struct mail *m = weft_alloc(sizeof(*m));
        *m = (struct mail){ .handle = stop_handle, .drop = stop_drop };
        WEFT_ASSERT(mailbox_put(s->mailbox, m)); /* nobody else puts any */
        thread_join(s->thread);
    }
    if (s->daemon != NULL) {
        loop_unwatch(s->loop, &s->epoll);
        MHD_stop_daemon(s->daemon);
    }
    if (s->socket >= 0)
        (void)close(s->socket);
    loop_timer_clear(s->loop, &s->timer);
    loop_free(s->loop);
    mailbox_free(s->mailbox);
    http_tls_free(s->tls);
    free(s);
}

const char *http_server_address(const struct http_server *s)
{
    return s->address;
}
