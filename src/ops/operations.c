#include "ops/operations.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/time_layout.h"
#include "crypto/random.h"
#include "ops/http_server.h"
#include "ops/log_spec_body.h"
#include "ops/process_metrics.h"
#include "ops/statsd.h"
#include "os/clock.h"

LOG_DEFINE(logger, "operations.runner");

enum {
    UUID_TEXT = 37
};

struct checker {
    char *component;
    operations_check_fn *check;
    void *ctx;
};

struct route {
    char *path; /* one that ends with / holds for all below */
    bool secure;
    size_t body_most;
    http_handler_fn *handle;
    void *ctx;
};

struct operations {
    struct metrics *metrics;
    struct process_metrics *process;
    struct checker checkers[OPERATIONS_CHECKERS];
    size_t checker_count;
    struct route routes[OPERATIONS_HANDLERS + 4];
    size_t route_count;
    bool has_tls;
    struct http_server *server;
    struct config_metrics metrics_config; /* its texts live as long as we */
    struct statsd *statsd;                /* NULL: another provider, or not started */
};

/* ---- our own paths ------------------------------------------------------------------ */

static void bad_method(const struct http_request *rq, const char *key, struct http_response *rs)
{
    WEFT_FREE char *why = weft_asprintf("invalid request method: %.100s", rq->method);
    http_answer_error(rs, 400, key, why);
}

static void healthz(void *ctx, const struct http_request *rq, struct http_response *rs)
{
    const struct operations *o = ctx;
    WEFT_CLEANUP(buf_done) struct buf failed = { 0 };
    if (strcmp(rq->method, "GET") != 0) {
        rs->status = 405;
        return;
    }
    for (size_t i = 0; i < o->checker_count; i++) {
        WEFT_CLEANUP(buf_done) struct buf reason = { 0 };
        if (o->checkers[i].check(o->checkers[i].ctx, &reason))
            continue;
        buf_put_str(&failed, failed.len > 0 ? ",{\"component\":" : "{\"component\":");
        http_put_json_string(&failed, bytes_of_str(o->checkers[i].component));
        buf_put_str(&failed, ",\"reason\":");
        http_put_json_string(&failed, buf_bytes(&reason));
        buf_put_str(&failed, "}");
    }
    char now[64];
    struct time_parts t = time_parts_local(clock_wall_ns());
    size_t n = time_layout_write(TIME_LAYOUT_RFC3339_NANO, &t, now, sizeof(now));
    bool well = failed.len == 0;
    struct buf *out = http_answer_json(rs, well ? 200 : 503);
    buf_printf(out, "{\"status\":\"%s\",\"time\":\"%.*s\"", well ? "OK" : "Service Unavailable",
               (int)n, now);
    if (!well) {
        buf_put_str(out, ",\"failed_checks\":[");
        buf_put(out, buf_bytes(&failed));
        buf_put_str(out, "]");
    }
    buf_put_str(out, "}");
}

static void log_spec_put(const struct http_request *rq, struct http_response *rs)
{
    WEFT_FREE char *spec = NULL;
    struct weft_err e = { 0 };
    enum weft_code rc = rq->body_is_cut ? WEFT_FAIL(&e, WEFT_LIMIT, "http: request body too large")
                                        : log_spec_body_parse(rq->body, &spec, &e);
    if (rc == WEFT_OK)
        rc = log_set_spec(spec, &e);
    if (rc == WEFT_OK) {
        rs->status = 204;
        return;
    }
    http_answer_error(rs, 400, "error", e.msg);
    buf_put_str(&rs->body, "\n");
}

static void log_spec_path(void *ctx, const struct http_request *rq, struct http_response *rs)
{
    (void)ctx;
    if (strcmp(rq->method, "PUT") == 0) {
        log_spec_put(rq, rs);
    } else if (strcmp(rq->method, "GET") == 0) {
        WEFT_FREE char *spec = log_spec();
        struct buf *out = http_answer_json(rs, 200);
        buf_put_str(out, "{\"spec\":");
        http_put_json_string(out, bytes_of_str(spec));
        buf_put_str(out, "}\n");
    } else {
        bad_method(rq, "error", rs);
        buf_put_str(&rs->body, "\n");
    }
}

static void metrics_path(void *ctx, const struct http_request *rq, struct http_response *rs)
{
    struct operations *o = ctx;
    (void)rq;
    process_metrics_take(o->process);
    rs->status = 200;
    http_add_header(rs, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    metrics_write(o->metrics, &rs->body);
}

static void version_path(void *ctx, const struct http_request *rq, struct http_response *rs)
{
    (void)ctx;
    if (strcmp(rq->method, "GET") != 0)
        bad_method(rq, "Error", rs);
    else
        buf_put_str(http_answer_json(rs, 200), "{\"Version\":\"" WEFT_VERSION "\"}");
}

/* ---- who answers ---------------------------------------------------------------------- */

static const struct route *find_route(const struct operations *o, const char *path)
{
    for (size_t i = 0; i < o->route_count; i++) {
        const struct route *r = &o->routes[i];
        size_t n = strlen(r->path);
        bool below = r->path[n - 1] == '/' && strncmp(path, r->path, n) == 0;
        if (below || strcmp(path, r->path) == 0)
            return r;
    }
    return NULL;
}

static bool is_refused(const struct operations *o, const struct route *r,
                       const struct http_request *rq)
{
    return r->secure && o->has_tls && !rq->has_cert;
}

/* The client's own id of its request, or one that we make. */
static void add_request_id(const struct http_request *rq, struct http_response *rs)
{
    uint8_t b[16] = { 0 };
    char text[UUID_TEXT];
    if (rq->request_id != NULL && rq->request_id[0] != '\0') {
        http_add_header(rs, "X-Request-Id", rq->request_id);
        return;
    }
    WEFT_IGNORE(random_bytes(b, sizeof(b), NULL)); /* zeros are an id, too */
    b[6] = (uint8_t)(0x40 | (b[6] & 0x0f));
    b[8] = (uint8_t)(0x80 | (b[8] & 0x3f));
    WEFT_FREE char *hex = bytes_to_hex(bytes_of(b, sizeof(b)));
    (void)snprintf(text, sizeof(text), "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
                   hex + 16, hex + 20);
    http_add_header(rs, "X-Request-Id", text);
}

void operations_answer(struct operations *o, const struct http_request *rq,
                       struct http_response *rs)
{
    const struct route *r = find_route(o, rq->path);
    if (r == NULL) {
        http_answer_not_found(rs);
        return;
    }
    if (is_refused(o, r, rq)) {
        rs->status = 401;
        return;
    }
    add_request_id(rq, rs);
    r->handle(r->ctx, rq, rs);
}

static void answer(void *ctx, const struct http_request *rq, struct http_response *rs)
{
    operations_answer(ctx, rq, rs);
}

static size_t body_most(void *ctx, const struct http_request *rq)
{
    const struct operations *o = ctx;
    const struct route *r = find_route(o, rq->path);
    return r == NULL || is_refused(o, r, rq) ? 0 : r->body_most;
}

/* ---- life --------------------------------------------------------------------------------- */

static struct route *add_route(struct operations *o, const char *path, http_handler_fn *handle,
                               void *ctx)
{
    WEFT_ASSERT(o->route_count < WEFT_ARRAY_LEN(o->routes));
    struct route *r = &o->routes[o->route_count++];
    *r = (struct route){ .path = weft_strdup(path), .handle = handle, .ctx = ctx };
    return r;
}

static void secure_route(struct route *r, size_t body)
{
    r->secure = true;
    r->body_most = body;
}

static bool has_prometheus(const struct config_metrics *config)
{
    if (strcmp(config->provider, "prometheus") == 0)
        return true;
    if (strcmp(config->provider, "statsd") != 0 && strcmp(config->provider, "disabled") != 0)
        LOG_WARN(&logger, "Unknown provider type: %s; metrics disabled", config->provider);
    return false;
}

struct operations *operations_new(struct metrics *m, const struct config_metrics *config)
{
    struct operations *o = weft_alloc(sizeof(*o));
    struct metrics_owner *owner = metrics_owner_new(m);
    o->metrics = m;
    o->process = process_metrics_new(owner);
    metric_set(METRIC_OF(owner, FABRIC_VERSION, WEFT_VERSION), 1);
    (void)add_route(o, "/healthz", healthz, o);
    (void)add_route(o, "/version", version_path, o);
    secure_route(add_route(o, "/logspec", log_spec_path, o), LIMIT_LOG_SPEC);
    o->metrics_config = *config;
    if (m != NULL && has_prometheus(config))
        secure_route(add_route(o, "/metrics", metrics_path, o), 0);
    return o;
}

void operations_add_checker(struct operations *o, const char *component, operations_check_fn *check,
                            void *ctx)
{
    WEFT_ASSERT(o->server == NULL && o->checker_count < OPERATIONS_CHECKERS);
    o->checkers[o->checker_count++] = (struct checker){ weft_strdup(component), check, ctx };
}

void operations_add_handler(struct operations *o, const char *path, size_t most,
                            http_handler_fn *handle, void *ctx)
{
    WEFT_ASSERT(o->server == NULL);
    secure_route(add_route(o, path, handle, ctx), most);
}

enum weft_code operations_start(struct operations *o, const char *address,
                                const struct config_tls *tls, struct weft_err *e)
{
    const struct http_server_config config = {
        .address = address, .tls = tls, .handle = answer, .body_most = body_most, .ctx = o
    };
    o->has_tls = tls->enabled;
    if (o->metrics != NULL && strcmp(o->metrics_config.provider, "statsd") == 0)
        WEFT_TRY(statsd_start(o->metrics, &o->metrics_config, &o->statsd, e));
    enum weft_code rc = http_server_start(&config, &o->server, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "operations endpoint");
    LOG_INFO(&logger, "Operations endpoint listens on %s", http_server_address(o->server));
    return WEFT_OK;
}

void operations_free(struct operations *o)
{
    if (o == NULL)
        return;
    http_server_stop(o->server);
    statsd_stop(o->statsd);
    for (size_t i = 0; i < o->checker_count; i++)
        free(o->checkers[i].component);
    for (size_t i = 0; i < o->route_count; i++)
        free(o->routes[i].path);
    process_metrics_free(o->process);
    free(o);
}

const char *operations_address(const struct operations *o)
{
    return http_server_address(o->server);
}
