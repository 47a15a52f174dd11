#include "ops/statsd.h"

#include "base/log.h"
#include "base/mailbox.h"
#include "net/net_addr.h"
#include "ops/statsd_lines.h"
#include "os/clock.h"
#include "os/thread.h"

#include <errno.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

LOG_DEFINE(logger, "operations.runner");

enum {
    INTERVAL_MS = 10000, /* where none is given */
    NS_PER_MS = 1000000,
};

struct statsd {
    char *network, *address;
    bool is_stream;
    uint64_t interval_ms;
    struct statsd_lines *lines;
    struct mailbox *mb;
    struct mail stop;
    struct thread *thread;
    int fd; /* -1: not connected */
    bool is_away, is_stopping;
};

/* ---- the server -------------------------------------------------------------------------------- */

static enum weft_code try_connect(struct statsd *s, const struct sockaddr_storage *to,
                                  struct weft_err *e)
{
    const struct timeval wait = { .tv_sec = STATSD_WAIT_S };
    int fd = socket(to->ss_family, (s->is_stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) == 0 &&
        connect(fd, (const struct sockaddr *)to, net_addr_len(to)) == 0) {
        s->fd = fd;
        return WEFT_OK;
    }
    enum weft_code rc = WEFT_FAIL(e, WEFT_UNAVAILABLE, "dial %s %s: %s", s->network, s->address,
                                  strerrordesc_np(errno));
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

static enum weft_code dial(struct statsd *s, struct weft_err *e)
{
    struct net_name name;
    struct net_addrs addrs;
    struct weft_err why = { 0 };
    enum weft_code rc = net_name_parse(s->address, &name, &why);
    if (rc == WEFT_OK)
        rc = net_addr_resolve(&name, false, &addrs, &why);
    if (rc != WEFT_OK)
        return WEFT_FAIL(e, rc, "dial %s %s: %s", s->network, s->address, why.msg);
    rc = WEFT_UNAVAILABLE;
    for (size_t i = 0; i < addrs.count && rc != WEFT_OK; i++)
        rc = try_connect(s, &addrs.at[i], e);
    return rc;
}

static void hang_up(struct statsd *s)
{
    if (s->fd >= 0)
        (void)close(s->fd);
    s->fd = -1;
}

static bool send_all(struct statsd *s, struct bytes b)
{
    while (b.len > 0) {
        ssize_t n = send(s->fd, b.data, b.len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        b = bytes_skip(b, (size_t)n);
    }
    return true;
}

/* Whole lines, as many as fit; a line that is too long goes alone. */
static struct bytes next_packet(struct bytes lines)
{
    size_t len = 0;
    while (len < lines.len) {
        const uint8_t *end = memchr(lines.data + len, '\n', lines.len - len);
        size_t next = (size_t)(end - lines.data) + 1;
        if (len > 0 && next > STATSD_PACKET)
            break;
        len = next;
    }
    return bytes_of(lines.data, len);
}

static bool send_lines(struct statsd *s, struct bytes lines)
{
    if (s->is_stream)
        return send_all(s, lines);
    while (lines.len > 0) {
        struct bytes packet = next_packet(lines);
        if (send(s->fd, packet.data, packet.len, MSG_NOSIGNAL) < 0 && errno != EINTR)
            return false;
        lines = bytes_skip(lines, packet.len);
    }
    return true;
}

/* ---- the thread -------------------------------------------------------------------------------- */

static void say(struct statsd *s, bool is_away, const char *why)
{
    if (is_away && !s->is_away)
        LOG_WARN(&logger, "StatsD server is away: %s", why);
    else if (!is_away && s->is_away)
        LOG_INFO(&logger, "StatsD server %s is back", s->address);
    s->is_away = is_away;
}

static void push(struct statsd *s)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    struct weft_err e = { 0 };
    statsd_lines_write(s->lines, &out);
    if (out.len == 0)
        return;
    if (s->fd < 0 && dial(s, &e) != WEFT_OK) {
        say(s, true, e.msg);
        return;
    }
    if (send_lines(s, buf_bytes(&out))) {
        say(s, false, NULL);
        return;
    }
    say(s, true, strerrordesc_np(errno));
    hang_up(s);
}

static void run(void *arg)
{
    struct statsd *s = arg;
    while (!s->is_stopping) {
        uint64_t end = clock_monotonic_ms() + s->interval_ms, now;
        while (!s->is_stopping && (now = clock_monotonic_ms()) < end) {
            mailbox_wait(s->mb, (int)(end - now));
            WEFT_IGNORE(mailbox_drain(s->mb, s, 1) == 0);
        }
        push(s);
    }
}

static void take_stop(struct mail *m, void *owner)
{
    (void)m;
    ((struct statsd *)owner)->is_stopping = true;
}

static void stop_dropped(struct mail *m)
{
    (void)m; /* it lies in the struct */
}

enum weft_code statsd_start(struct metrics *m, const struct config_metrics *config,
                            struct statsd **ret, struct weft_err *e)
{
    WEFT_CLEANUP(statsd_stop) struct statsd *s = weft_alloc(sizeof(*s));
    int64_t interval_ms = config->statsd_write_interval_ns / NS_PER_MS;
    s->fd = -1;
    s->network = weft_strdup(config->statsd_network);
    s->address = weft_strdup(config->statsd_address);
    s->is_stream = strncmp(s->network, "tcp", 3) == 0;
    s->interval_ms = interval_ms > 0 && interval_ms < INT_MAX ? (uint64_t)interval_ms : INTERVAL_MS;
    s->lines = statsd_lines_new(m, config->statsd_prefix);
    s->mb = mailbox_new("statsd", 1);
    s->stop = (struct mail){ .handle = take_stop, .drop = stop_dropped };
    if (!s->is_stream && strncmp(s->network, "udp", 3) != 0)
        return WEFT_FAIL(e, WEFT_INVALID, "dial %s: unknown network %s", s->network, s->network);
    WEFT_TRY(dial(s, e));
    WEFT_TRY(thread_start("statsd", run, s, &s->thread, e));
    *ret = WEFT_TAKE(s);
    return WEFT_OK;
}

void statsd_stop(struct statsd *s)
{
    if (s == NULL)
        return;
    if (s->thread != NULL)
        WEFT_ASSERT(mailbox_put(s->mb, &s->stop)); /* has room for one */
    thread_join(s->thread);
    hang_up(s);
    mailbox_free(s->mb);
    statsd_lines_free(s->lines);
    free(s->network);
    free(s->address);
    free(s);
}
