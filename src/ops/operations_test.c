/* The operations endpoint's answers, without a socket; TLS and real clients are
 * in tests/system/test_operations.py. */
#include "ops/operations.h"

#include "base/log.h"
#include "weft_test.h"

static const struct config_metrics prometheus = { .provider = "prometheus" };

struct world {
    struct metrics *m;
    struct operations *o;
    struct http_response rs;
    char *body;
};

static void start(struct world *w, const char *provider)
{
    const struct config_metrics config = { .provider = provider };
    *w = (struct world){ .m = metrics_new() };
    w->o = operations_new(w->m, &config);
}

static void finish(struct world *w)
{
    operations_free(w->o);
    metrics_free(w->m);
    http_response_done(&w->rs);
    free(w->body);
}

static unsigned ask(struct world *w, const char *method, const char *path, const char *body)
{
    const struct http_request rq = { .method = method, .path = path, .body = bytes_of_str(body) };
    http_response_done(&w->rs);
    free(w->body);
    operations_answer(w->o, &rq, &w->rs);
    w->body = bytes_dup_str(buf_bytes(&w->rs.body));
    return w->rs.status;
}

static const char *header(const struct world *w, const char *name)
{
    for (size_t i = 0; i < w->rs.header_count; i++)
        if (strcmp(w->rs.headers[i].name, name) == 0)
            return w->rs.headers[i].value;
    return "";
}

static bool is_well(void *ctx, struct buf *reason)
{
    if (*(bool *)ctx)
        return true;
    buf_put_str(reason, "the \"disk\" is full");
    return false;
}

TEST(healthz_asks_all_checkers)
{
    struct world w;
    bool first = true, second = true;
    start(&w, "disabled");
    operations_add_checker(w.o, "ledger", is_well, &first);
    operations_add_checker(w.o, "consenter", is_well, &second);
    EXPECT_EQ(ask(&w, "GET", "/healthz", ""), 200);
    EXPECT(strncmp(w.body, "{\"status\":\"OK\",\"time\":\"20", 25) == 0);
    EXPECT_STR(header(&w, "Content-Type"), "application/json");

    first = second = false;
    EXPECT_EQ(ask(&w, "GET", "/healthz", ""), 503);
    EXPECT(strncmp(w.body, "{\"status\":\"Service Unavailable\",\"time\":\"20", 42) == 0);
    EXPECT_STR(strchr(w.body, '['),
               "[{\"component\":\"ledger\",\"reason\":\"the \\\"disk\\\" is full\"},"
               "{\"component\":\"consenter\",\"reason\":\"the \\\"disk\\\" is full\"}]}");
    EXPECT_EQ(ask(&w, "POST", "/healthz", ""), 405);
    EXPECT_STR(w.body, "");
    finish(&w);
}

TEST(logspec_is_read_and_set)
{
    struct world w;
    start(&w, "disabled");
    WEFT_FREE char *before = log_spec();
    EXPECT_EQ(ask(&w, "PUT", "/logspec", "{\"spec\":\"orderer=debug:warn\"}"), 204);
    EXPECT_STR(w.body, "");
    EXPECT_EQ(ask(&w, "GET", "/logspec", ""), 200);
    EXPECT_STR(w.body, "{\"spec\":\"orderer=debug:warn\"}\n");
    EXPECT_EQ(ask(&w, "PUT", "/logspec", "{\"spec\":\"a=b=c\"}"), 400);
    EXPECT_STR(w.body,
               "{\"error\":\"invalid logging specification 'a=b=c': bad segment 'a=b=c'\"}\n");
    EXPECT_EQ(ask(&w, "PUT", "/logspec", ""), 400);
    EXPECT_STR(w.body, "{\"error\":\"EOF\"}\n");
    EXPECT_EQ(ask(&w, "DELETE", "/logspec", ""), 400);
    EXPECT_STR(w.body, "{\"error\":\"invalid request method: DELETE\"}\n");
    struct weft_err e = { 0 };
    EXPECT_OK(log_set_spec(before, &e));
    finish(&w);
}

TEST(version_and_unknown_paths)
{
    struct world w;
    start(&w, "disabled");
    EXPECT_EQ(ask(&w, "GET", "/version", ""), 200);
    EXPECT_STR(w.body, "{\"Version\":\"" WEFT_VERSION "\"}");
    EXPECT_EQ(ask(&w, "PUT", "/version", ""), 400);
    EXPECT_STR(w.body, "{\"Error\":\"invalid request method: PUT\"}");
    EXPECT_EQ(ask(&w, "GET", "/versions", ""), 404);
    EXPECT_STR(w.body, "404 page not found\n");
    EXPECT_EQ(ask(&w, "GET", "/", ""), 404);
    finish(&w);
}

TEST(metrics_are_there_with_prometheus_only)
{
    struct world w;
    start(&w, "prometheus");
    metric_add(METRIC(metrics_owner_new(w.m), DELIVER_STREAMS_OPENED), 7);
    EXPECT_EQ(ask(&w, "GET", "/metrics", ""), 200);
    EXPECT_STR(header(&w, "Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
    EXPECT(strstr(w.body, "\ndeliver_streams_opened 7\n") != NULL);
    EXPECT(strstr(w.body, "\nfabric_version{version=\"" WEFT_VERSION "\"} 1\n") != NULL);
    EXPECT(strstr(w.body, "\nprocess_resident_memory_bytes ") != NULL);
    finish(&w);
    static const char *const others[] = { "disabled", "statsd", "nonsense" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(others); i++) {
        start(&w, others[i]);
        EXPECT_EQ(ask(&w, "GET", "/metrics", ""), 404);
        finish(&w);
    }
}

/* The number of a line in what /metrics says; -1: it is not there. */
static double value_of(const struct world *w, const char *line)
{
    const char *at = strstr(w->body, line);
    return at != NULL ? strtod(at + strlen(line), NULL) : -1;
}

TEST(lines_of_the_log_are_counted)
{
    LOG_DEFINE(logger, "ops.test");
    struct world w;
    start(&w, "prometheus");
    LOG_ERROR(&logger, "one");
    EXPECT_EQ(ask(&w, "GET", "/metrics", ""), 200);
    double before = value_of(&w, "\nlogging_entries_written{level=\"error\"} ");
    EXPECT(before >= 1);
    LOG_ERROR(&logger, "two");
    LOG_ERROR(&logger, "three");
    EXPECT_EQ(ask(&w, "GET", "/metrics", ""), 200);
    EXPECT(value_of(&w, "\nlogging_entries_written{level=\"error\"} ") == before + 2);
    EXPECT(value_of(&w, "\nlogging_entries_checked{level=\"error\"} ") >= before + 2);
    finish(&w);
}

static void tell_path(void *ctx, const struct http_request *rq, struct http_response *rs)
{
    (void)ctx;
    rs->status = 200;
    buf_printf(&rs->body, "%s %s", rq->method, rq->path);
}

TEST(handlers_get_all_below_their_path)
{
    struct world w;
    start(&w, "disabled");
    operations_add_handler(w.o, "/participation/v1/", 100, tell_path, NULL);
    EXPECT_EQ(ask(&w, "DELETE", "/participation/v1/channels/a", ""), 200);
    EXPECT_STR(w.body, "DELETE /participation/v1/channels/a");
    EXPECT_EQ(ask(&w, "GET", "/participation/v1", ""), 404);
    finish(&w);
}

TEST(answers_carry_the_id_of_their_request)
{
    struct world w;
    start(&w, "disabled");
    EXPECT_EQ(ask(&w, "GET", "/version", ""), 200);
    EXPECT_EQ(strlen(header(&w, "X-Request-Id")), 36);
    EXPECT_EQ(header(&w, "X-Request-Id")[14], '4');
    const struct http_request rq = { .method = "GET", .path = "/version", .request_id = "mine" };
    http_response_done(&w.rs);
    operations_answer(w.o, &rq, &w.rs);
    EXPECT_STR(header(&w, "X-Request-Id"), "mine");
    finish(&w);
}

TEST(listens_where_it_is_told_to_and_says_where)
{
    struct weft_err e = { 0 };
    const struct config_tls plain = { 0 };
    WEFT_CLEANUP(metrics_free) struct metrics *m = metrics_new();
    WEFT_CLEANUP(operations_free) struct operations *o = operations_new(m, &prometheus);
    WEFT_CLEANUP(operations_free) struct operations *second = operations_new(m, &prometheus);
    EXPECT_OK(operations_start(o, "127.0.0.1:0", &plain, &e));
    EXPECT(strncmp(operations_address(o), "127.0.0.1:", 10) == 0);
    EXPECT(strcmp(operations_address(o), "127.0.0.1:0") != 0);
    EXPECT_CODE(operations_start(second, operations_address(o), &plain, &e), WEFT_EXISTS);
    EXPECT_WORDS(e, "address already in use");
}
