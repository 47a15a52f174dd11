#include "peer/peer_services.h"

#include "config/core_config.h"
#include "node/net_loop.h"

enum {
    METHODS = 1
};

struct peer_services {
    struct endorser_service *endorser;
    struct grpc_method methods[METHODS];
};

void peer_services_init(struct peer_services_world *w, const struct core_config *config,
                        const struct peer_support *support, struct msp *local,
                        const struct signing_identity *me, struct jobs *calls)
{
    const struct core_chaincode_config *c = &config->chaincode;
    w->support = *support;
    w->calls = calls;
    w->endorser_limit = (struct concurrency_limit){ .service = "/protos.Endorser",
                                                    .most = config->peer.endorser_concurrency };
    const struct endorser_config endorser = {
        .support = &w->support,
        .local_msp = local,
        .me = me,
        .mspid = config->peer.local_msp_id,
        .enabled = { [SCC_LSCC] = c->lscc_enabled,
                     [SCC_CSCC] = c->cscc_enabled,
                     [SCC_QSCC] = c->qscc_enabled,
                     [SCC_LIFECYCLE] = c->lifecycle_enabled },
    };
    endorser_init(&w->endorser, &endorser);
    scc_log_deployment(endorser.enabled);
}

struct peer_services *peer_services_new(struct peer_services_world *w, struct net_loop *loop)
{
    struct peer_services *s = weft_alloc(sizeof(*s));
    s->endorser = endorser_service_new(
        &(struct endorser_service_config){ .endorser = &w->endorser,
                                           .limit = &w->endorser_limit,
                                           .workers = w->calls,
                                           .mb = net_loop_mailbox(loop),
                                           .metrics = net_loop_metrics(loop) });
    s->methods[0] = (struct grpc_method){ .path = ENDORSER_PATH,
                                          .ops = &endorser_service_ops,
                                          .unary = endorser_service_call,
                                          .service = s->endorser };
    return s;
}

void peer_services_free(struct peer_services *s)
{
    if (s == NULL)
        return;
    endorser_service_free(s->endorser);
    free(s);
}

const struct grpc_method *peer_services_methods(const struct peer_services *s, size_t *ret_count)
{
    *ret_count = METHODS;
    return s->methods;
}
