#include "peer/peer_services.h"

#include "base/log.h"
#include "config/core_config.h"
#include "kvledger/kv_ledger.h"
#include "node/net_loop.h"
#include "peer/peer_settings.h"

#include <inttypes.h>

LOG_DEFINE(logger, "gossip.service");

enum {
    METHODS = 1 + EVENT_METHODS
};

struct peer_services {
    struct endorser_service *endorser;
    struct event_service *events;
    struct grpc_method methods[METHODS];
};

/* No other peer is known to hand it on to. */
static enum weft_code keep_private(void *ctx, const struct peer_channel_view *channel,
                                   const struct private_set *set, struct weft_err *e)
{
    const struct peer_services_world *w = ctx;
    const struct endorser_config *c = &w->endorser.config;
    enum weft_code rc = WEFT_OK;
    if (c->implicit.required > 0)
        rc = WEFT_FAIL(e, WEFT_UNAVAILABLE,
                       "failed to distribute private collection, txID %.*s, channel %s: could not "
                       "build private data dissemination plan for chaincode _lifecycle and "
                       "collection _implicit_org_%s: required to disseminate to at least %" PRIu32
                       " peers, but know of only 0 eligible peers",
                       (int)set->tx_id.len, (const char *)set->tx_id.data, channel->id, c->mspid,
                       c->implicit.required);
    else
        rc = kv_ledger_keep_private(channel->ledger, set->tx_id, set->height, set->bytes, e);
    if (rc != WEFT_OK)
        LOG_ERROR(&logger, "%s", e->msg);
    return rc;
}

void peer_services_init(struct peer_services_world *w, const struct core_config *config,
                        const struct peer_support *support, struct msp *local,
                        const struct signing_identity *me, const struct peer_workers *workers)
{
    const struct core_chaincode_config *c = &config->chaincode;
    w->support = *support;
    w->workers = *workers;
    w->time_window_ns = config->peer.time_window_ns;
    w->binds_tls = config->peer.tls.enabled && config->peer.tls.client_auth_required;
    w->endorser_limit = (struct concurrency_limit){ .service = "/protos.Endorser",
                                                    .most = config->peer.endorser_concurrency };
    w->deliver_limit = (struct concurrency_limit){ .service = "/protos.Deliver",
                                                   .most = config->peer.deliver_concurrency };
    const struct endorser_config endorser = {
        .support = &w->support,
        .local_msp = local,
        .me = me,
        .mspid = config->peer.local_msp_id,
        .enabled = { [SCC_LSCC] = c->lscc_enabled,
                     [SCC_CSCC] = c->cscc_enabled,
                     [SCC_QSCC] = c->qscc_enabled,
                     [SCC_LIFECYCLE] = c->lifecycle_enabled },
        .any_age = !peer_settings_has_filter(config, "ExpirationCheck"),
        .implicit = { config->pvt_data.implicit_required_peer_count,
                      config->pvt_data.implicit_max_peer_count },
        .keep_private = keep_private,
        .keep_ctx = w,
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
                                           .workers = w->workers.calls,
                                           .mb = net_loop_mailbox(loop),
                                           .metrics = net_loop_metrics(loop) });
    s->methods[0] = (struct grpc_method){ .path = ENDORSER_PATH,
                                          .ops = &endorser_service_ops,
                                          .unary = endorser_service_call,
                                          .service = s->endorser };
    s->events =
        event_service_new(&(struct event_service_config){ .support = &w->support,
                                                          .time_window_ns = w->time_window_ns,
                                                          .binds_tls = w->binds_tls,
                                                          .limit = &w->deliver_limit,
                                                          .store = w->workers.store,
                                                          .workers = w->workers.crypto,
                                                          .mb = net_loop_mailbox(loop),
                                                          .rest = &net_loop_net(loop)->rest,
                                                          .metrics = net_loop_metrics(loop) });
    event_service_methods(s->events, s->methods + 1);
    return s;
}

void peer_services_free(struct peer_services *s)
{
    if (s == NULL)
        return;
    event_service_free(s->events);
    endorser_service_free(s->endorser);
    free(s);
}

const struct grpc_method *peer_services_methods(const struct peer_services *s, size_t *ret_count)
{
    *ret_count = METHODS;
    return s->methods;
}
