#include "ops/grpc_watch.h"

#include "base/duration.h"
#include "base/log.h"
#include "base/time_layout.h"
#include "crypto/x509.h"
#include "os/clock.h"

LOG_DEFINE(logger, "comm.grpc.server");

enum {
    NAME_MAX_BYTES = 128,
};

struct row {
    const struct grpc_method *method;
    char service[NAME_MAX_BYTES], name[NAME_MAX_BYTES]; /* as labels: dots are underscores */
    struct metric_cell *requests, *received, *sent;
};

struct grpc_watch {
    struct metrics_owner *owner;
    struct metric_cell *opened, *closed;
    struct row *rows;
    size_t count;
};

/* "/protos.Deliver/DeliverFiltered" */
static void name_row(struct row *r, const char *path)
{
    const char *service = path + 1, *slash = strchr(service, '/');
    WEFT_ASSERT(path[0] == '/' && slash != NULL);
    (void)snprintf(r->service, sizeof(r->service), "%.*s", (int)(slash - service), service);
    (void)snprintf(r->name, sizeof(r->name), "%s", slash + 1);
    for (char *c = r->service; (c = strchr(c, '.')) != NULL; c++)
        *c = '_';
    for (char *c = r->name; (c = strchr(c, '.')) != NULL; c++)
        *c = '_';
}

struct grpc_watch *grpc_watch_new(struct metrics_owner *owner, const struct grpc_method *methods,
                                  size_t count)
{
    struct grpc_watch *w = weft_alloc(sizeof(*w));
    w->owner = owner;
    w->opened = METRIC(owner, GRPC_COMM_CONN_OPENED);
    w->closed = METRIC(owner, GRPC_COMM_CONN_CLOSED);
    w->count = count;
    w->rows = weft_alloc((count + 1) * sizeof(*w->rows));
    for (size_t i = 0; i < count; i++) {
        struct row *r = &w->rows[i];
        r->method = &methods[i];
        name_row(r, methods[i].path);
        if (methods[i].unary != NULL) {
            r->requests =
                METRIC_OF(owner, GRPC_SERVER_UNARY_REQUESTS_RECEIVED, r->service, r->name);
            continue;
        }
        r->requests = METRIC_OF(owner, GRPC_SERVER_STREAM_REQUESTS_RECEIVED, r->service, r->name);
        r->received = METRIC_OF(owner, GRPC_SERVER_STREAM_MESSAGES_RECEIVED, r->service, r->name);
        r->sent = METRIC_OF(owner, GRPC_SERVER_STREAM_MESSAGES_SENT, r->service, r->name);
    }
    return w;
}

void grpc_watch_free(struct grpc_watch *w)
{
    if (w == NULL)
        return;
    free(w->rows);
    free(w);
}

static struct row *row_of(const struct grpc_watch *w, const struct grpc_method *m)
{
    size_t at = (size_t)(m - w->rows[0].method);
    WEFT_ASSERT(at < w->count);
    return &w->rows[at];
}

void grpc_watch_conn(struct grpc_watch *w, bool opened)
{
    metric_add(opened ? w->opened : w->closed, 1);
}

void grpc_watch_call(struct grpc_watch *w, const struct grpc_method *m)
{
    metric_add(row_of(w, m)->requests, 1);
}

void grpc_watch_message(struct grpc_watch *w, const struct grpc_method *m, bool sent)
{
    const struct row *r = row_of(w, m);
    metric_add(sent ? r->sent : r->received, 1);
}

/* ---- the end of a call ------------------------------------------------------------ */

static void count_end(const struct grpc_watch *w, const struct row *r,
                      const struct grpc_call_end *end)
{
    const char *code = grpc_code_name((int)end->code);
    bool unary = r->method->unary != NULL;
    struct metric_cell *took =
        unary ? METRIC_OF(w->owner, GRPC_SERVER_UNARY_REQUEST_DURATION, r->service, r->name, code)
              : METRIC_OF(w->owner, GRPC_SERVER_STREAM_REQUEST_DURATION, r->service, r->name, code);
    struct metric_cell *done =
        unary
            ? METRIC_OF(w->owner, GRPC_SERVER_UNARY_REQUESTS_COMPLETED, r->service, r->name, code)
            : METRIC_OF(w->owner, GRPC_SERVER_STREAM_REQUESTS_COMPLETED, r->service, r->name, code);
    metric_observe_ns(took, end->took_ns);
    metric_add(done, 1);
}

static void put_deadline(struct buf *out, const struct grpc_stream *s)
{
    uint64_t at_ms = grpc_stream_deadline_ms(s);
    if (at_ms == 0)
        return;
    int64_t left_ms = (int64_t)at_ms - (int64_t)clock_monotonic_ms();
    struct time_parts t = time_parts_local(clock_wall_ns() + left_ms * 1000000);
    char text[64];
    size_t n = time_layout_write("2006-01-02T15:04:05.999Z07:00", &t, text, sizeof(text));
    buf_printf(out, LOG_KV "grpc.request_deadline=%.*s", (int)n, text);
}

/* The log quotes it if needed; what would begin a field of its own is taken out. */
static void put_field(struct buf *out, const char *key, const char *text)
{
    buf_printf(out, LOG_KV "%s=", key);
    for (; *text != '\0'; text++)
        buf_put_u8(out, *text == LOG_KV[0] ? '?' : (uint8_t)*text);
}

static void put_subject(struct buf *out, const struct net_peer *peer)
{
    WEFT_CLEANUP(x509_cert_unref) struct x509_cert *cert = NULL;
    struct weft_err e;
    if (peer->cert_der.len > 0 && x509_cert_parse(peer->cert_der, &cert, &e) == WEFT_OK)
        put_field(out, "grpc.peer_subject", cert->subject);
}

static void log_end(const struct row *r, const struct grpc_call_end *end)
{
    WEFT_CLEANUP(buf_done) struct buf line = { 0 };
    const struct net_peer *peer = grpc_stream_peer(end->stream);
    const char *path = r->method->path + 1, *slash = strchr(path, '/');
    const char *code = grpc_code_name((int)end->code);
    char took[DURATION_TEXT_MAX];
    buf_printf(&line, LOG_KV "grpc.service=%.*s" LOG_KV "grpc.method=%s", (int)(slash - path), path,
               slash + 1);
    put_deadline(&line, end->stream);
    buf_printf(&line, LOG_KV "grpc.peer_address=%s", peer->address);
    put_subject(&line, peer);
    if (end->code != GRPC_OK) {
        WEFT_FREE char *why =
            weft_asprintf("rpc error: code = %s desc = %.300s", code, end->message);
        put_field(&line, "error", why);
    }
    buf_printf(&line, LOG_KV "grpc.code=%s" LOG_KV "grpc.call_duration=%s", code,
               duration_text((int64_t)end->took_ns, took));
    LOG_INFO(&logger, "%s call completed%.*s", r->method->unary != NULL ? "unary" : "streaming",
             (int)line.len, (const char *)line.data);
}

void grpc_watch_call_end(struct grpc_watch *w, const struct grpc_call_end *end)
{
    const struct row *r = row_of(w, end->method);
    count_end(w, r, end);
    if (log_enabled(&logger, LOG_LEVEL_INFO))
        log_end(r, end);
}

static void on_conn(void *user, bool opened)
{
    grpc_watch_conn(user, opened);
}

static void on_call(void *user, const struct grpc_method *m)
{
    grpc_watch_call(user, m);
}

static void on_call_message(void *user, const struct grpc_method *m, bool sent)
{
    grpc_watch_message(user, m, sent);
}

static void on_call_end(void *user, const struct grpc_call_end *end)
{
    grpc_watch_call_end(user, end);
}

const struct grpc_server_ops grpc_watch_ops = {
    .on_conn = on_conn,
    .on_call = on_call,
    .on_call_message = on_call_message,
    .on_call_end = on_call_end,
};
