#include "endorser/endorser_service.h"

#include "base/log.h"
#include "ops/metrics.h"
#include "os/clock.h"
#include "os/jobs.h"

LOG_DEFINE(logger, "endorser");
LOG_DEFINE(node_log, "nodeCmd");

struct endorser_service {
    struct endorser_service_config config;
};

/* A proposal on its way: the stream's, and a worker's. */
struct call {
    struct job job;
    struct endorser_service *service;
    struct grpc_stream *stream; /* NULL: the client is gone */
    struct net_msg *request;
    struct endorser_answer answer;
    uint64_t start_ns;
};

static void call_free(struct call *c)
{
    if (c->service->config.limit != NULL)
        concurrency_limit_leave(c->service->config.limit);
    net_msg_unref(c->request);
    endorser_answer_done(&c->answer);
    free(c);
}

/* ---- counting ----------------------------------------------------------------------------------- */

static void count_refusals(struct metrics_owner *o, const struct endorser_facts *f)
{
    if (f->validation_failed)
        metric_add(METRIC(o, ENDORSER_PROPOSAL_VALIDATION_FAILURES), 1);
    if (f->is_duplicate)
        metric_add(METRIC_OF(o, ENDORSER_DUPLICATE_TRANSACTION_FAILURES, f->channel, f->chaincode),
                   1);
    if (f->acl_failed)
        metric_add(METRIC_OF(o, ENDORSER_PROPOSAL_ACL_FAILURES, f->channel, f->chaincode), 1);
    if (f->simulation_failed)
        metric_add(METRIC_OF(o, ENDORSER_PROPOSAL_SIMULATION_FAILURES, f->channel, f->chaincode),
                   1);
    if (f->endorsement_failed)
        metric_add(METRIC_OF(o, ENDORSER_ENDORSEMENT_FAILURES, f->channel, f->chaincode,
                             f->by_chaincode ? "true" : "false"),
                   1);
}

static void count(const struct call *c)
{
    struct metrics_owner *o = c->service->config.metrics;
    const struct endorser_facts *f = &c->answer.facts;
    if (o == NULL)
        return;
    count_refusals(o, f);
    if (f->success)
        metric_add(METRIC(o, ENDORSER_SUCCESSFUL_PROPOSALS), 1);
    if (f->took_part)
        metric_observe_ns(METRIC_OF(o, ENDORSER_PROPOSAL_DURATION, f->channel, f->chaincode,
                                    f->success ? "true" : "false"),
                          clock_monotonic_ns() - c->start_ns);
}

/* ---- there and back -------------------------------------------------------------------------------- */

static void run(struct job *j)
{
    struct call *c = WEFT_CONTAINER_OF(j, struct call, job);
    endorser_process(c->service->config.endorser, net_msg_bytes(c->request), clock_wall_ns(),
                     &c->answer);
}

static void reply(struct call *c)
{
    struct endorser_answer *a = &c->answer;
    if (a->code == GRPC_OK) {
        grpc_stream_reply(c->stream, net_msg_copy(buf_bytes(&a->reply)));
        return;
    }
    buf_put_u8(&a->refusal, 0);
    grpc_stream_finish(c->stream, a->code, (const char *)a->refusal.data);
}

static void done(struct mail *m, void *owner)
{
    struct call *c = WEFT_CONTAINER_OF(m, struct call, job.mail);
    (void)owner;
    count(c);
    if (c->stream != NULL) {
        struct grpc_stream *stream = WEFT_TAKE(c->stream);
        grpc_stream_set_user(stream, NULL);
        c->stream = stream;
        reply(c);
    }
    call_free(c);
}

/* At shutdown: the loop has ended, and with it the streams. */
static void dropped(struct mail *m)
{
    call_free(WEFT_CONTAINER_OF(m, struct call, job.mail));
}

void endorser_service_call(struct grpc_stream *s, void *service, struct net_msg *request)
{
    struct endorser_service *svc = service;
    struct weft_err e = { 0 };
    if (svc->config.limit != NULL && !concurrency_limit_enter(svc->config.limit, &e)) {
        LOG_ERROR(&node_log, "Too%s", e.msg + 3);
        grpc_stream_finish(s, GRPC_UNKNOWN, e.msg);
        net_msg_unref(request);
        return;
    }
    struct call *c = weft_alloc(sizeof(*c));
    c->job = (struct job){ .mail = { .handle = done, .drop = dropped },
                           .run = run,
                           .back = svc->config.mb };
    c->service = svc;
    c->stream = s;
    c->request = request;
    c->start_ns = clock_monotonic_ns();
    metric_add(METRIC(svc->config.metrics, ENDORSER_PROPOSALS_RECEIVED), 1);
    LOG_DEBUG(&logger, "request from %s", grpc_stream_peer(s)->address);
    grpc_stream_set_user(s, c);
    if (jobs_submit(svc->config.workers, &c->job))
        return;
    grpc_stream_set_user(s, NULL);
    call_free(c);
    grpc_stream_finish(s, GRPC_RESOURCE_EXHAUSTED, "too many proposals are waiting");
}

static void on_close(struct grpc_stream *s, enum grpc_code code, const char *message)
{
    struct call *c = grpc_stream_user(s);
    (void)code, (void)message;
    if (c != NULL)
        c->stream = NULL;
}

const struct grpc_stream_ops endorser_service_ops = { .on_close = on_close };

struct endorser_service *endorser_service_new(const struct endorser_service_config *config)
{
    struct endorser_service *s = weft_alloc(sizeof(*s));
    s->config = *config;
    return s;
}

void endorser_service_free(struct endorser_service *s)
{
    free(s);
}
