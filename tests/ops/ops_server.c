/* ops_server: an operations endpoint and nothing else, for system tests.
 *
 *     ops_server PROVIDER [CERT KEY CLIENT_CA required|optional]
 *     ops_server statsd NETWORK ADDRESS
 *
 * Says where it listens; well until the file ./ill exists; counts one
 * deliver_streams_opened at start; /echo/ tells what was put to it; ends on
 * end of input. */
#include "base/log.h"
#include "ops/operations.h"

#include <unistd.h>

LOG_DEFINE(logger, "ops.server");

static bool is_well(void *ctx, struct buf *reason)
{
    (void)ctx;
    if (access("ill", F_OK) != 0)
        return true;
    buf_put_str(reason, "there is a file called ill");
    return false;
}

static void echo(void *ctx, const struct http_request *rq, struct http_response *rs)
{
    (void)ctx;
    LOG_DEBUG(&logger, "echo %s", rq->path);
    rs->status = 200;
    buf_printf(&rs->body, "%s %s %zu %s\n", rq->method, rq->path, rq->body.len,
               rq->body_is_cut ? "cut" : "whole");
}

int main(int argc, char **argv)
{
    const char *provider = argc > 1 ? argv[1] : "prometheus";
    const char *root = argc > 4 ? argv[4] : NULL;
    const struct config_tls tls = {
        .enabled = argc > 5,
        .certificate = argc > 5 ? argv[2] : "",
        .private_key = argc > 5 ? argv[3] : "",
        .client_root_cas = { &root, argc > 5 ? 1 : 0 },
        .client_auth_required = argc > 5 && strcmp(argv[5], "required") == 0,
    };
    const struct config_metrics config = {
        .provider = provider,
        .statsd_network = argc == 4 ? argv[2] : "udp",
        .statsd_address = argc == 4 ? argv[3] : "127.0.0.1:8125",
        .statsd_prefix = "test",
        .statsd_write_interval_ns = 50000000,
    };
    struct weft_err e = { 0 };
    WEFT_CLEANUP(metrics_free) struct metrics *m = metrics_new();
    metric_add(METRIC(metrics_owner_new(m), DELIVER_STREAMS_OPENED), 1);
    WEFT_CLEANUP(operations_free) struct operations *o = operations_new(m, &config);
    operations_add_checker(o, "health", is_well, NULL);
    operations_add_handler(o, "/echo/", 100000, echo, NULL);
    if (operations_start(o, "127.0.0.1:0", &tls, &e) != WEFT_OK) {
        LOG_ERROR(&logger, "%s", e.msg);
        return 1;
    }
    while (getchar() != EOF) {
    }
    return 0;
}
