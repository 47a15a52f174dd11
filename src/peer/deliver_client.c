#include "peer/deliver_client.h"

#include "base/duration.h"
#include "base/log.h"
#include "deliver/deliver_fetch.h"
#include "peer/backoff.h"
#include "peer/orderer_source.h"
#include "proto/wire.h"

#include <inttypes.h>

LOG_DEFINE(logger, "peer.blocksprovider");

static const struct sm_state states[DELIVER_CLIENT_NR] = {
    [DELIVER_CLIENT_STOPPED] = { "STOPPED",
                                 SM_BIT(DELIVER_CLIENT_DIALING) | SM_BIT(DELIVER_CLIENT_WAITING) },
    [DELIVER_CLIENT_WAITING] = { "WAITING",
                                 SM_BIT(DELIVER_CLIENT_DIALING) | SM_BIT(DELIVER_CLIENT_STOPPED) },
    [DELIVER_CLIENT_DIALING] = { "DIALING", SM_BIT(DELIVER_CLIENT_RECEIVING) |
                                                SM_BIT(DELIVER_CLIENT_WAITING) |
                                                SM_BIT(DELIVER_CLIENT_DIALING) |
                                                SM_BIT(DELIVER_CLIENT_STOPPED) },
    [DELIVER_CLIENT_RECEIVING] = { "RECEIVING", SM_BIT(DELIVER_CLIENT_WAITING) |
                                                    SM_BIT(DELIVER_CLIENT_DIALING) |
                                                    SM_BIT(DELIVER_CLIENT_STOPPED) },
};

void deliver_client_init(struct deliver_client *c, const struct deliver_client_config *config,
                         const struct deliver_client_deps *deps, void *ctx)
{
    *c = (struct deliver_client){ .sm = { "deliver_client", states, DELIVER_CLIENT_STOPPED },
                                  .config = config,
                                  .deps = deps,
                                  .ctx = ctx };
}

/* ---- connecting and waiting ------------------------------------------------------------- */

static void wait_or_give_up(struct deliver_client *c);

static void count_failure(struct deliver_client *c)
{
    c->failures++;
    wait_or_give_up(c);
}

static void dial(struct deliver_client *c)
{
    const struct orderer_endpoint *to = c->deps->endpoint(c->ctx);
    sm_move(&c->sm, DELIVER_CLIENT_DIALING);
    if (to == NULL) {
        deliver_client_failed(c, "could not get orderer endpoints: no endpoints currently defined");
        return;
    }
    c->address = to->address;
    c->deps->dial(c->ctx, to);
}

static void end(struct deliver_client *c)
{
    c->deps->hang_up(c->ctx);
    sm_move(&c->sm, DELIVER_CLIENT_STOPPED);
}

static void wait_or_give_up(struct deliver_client *c)
{
    int64_t ns = backoff_ns(c->failures, c->config->most_delay_ns);
    char text[DURATION_TEXT_MAX];
    c->waited_ns += ns;
    if (c->waited_ns > c->config->most_total_ns && c->config->yields) {
        LOG_WARN(&logger,
                 "attempted to retry block delivery for more than "
                 "peer.deliveryclient.reconnectTotalTimeThreshold duration %s, giving up" LOG_KV
                 "channel=%s",
                 duration_text(c->config->most_total_ns, text), c->config->channel_id);
        end(c);
        c->deps->gave_up(c->ctx);
        return;
    }
    if (c->waited_ns > c->config->most_total_ns)
        LOG_WARN(&logger,
                 "peer is a static leader, ignoring "
                 "peer.deliveryclient.reconnectTotalTimeThreshold" LOG_KV "channel=%s",
                 c->config->channel_id);
    LOG_WARN(&logger,
             "Disconnected from ordering service. Attempt to re-connect in %s" LOG_KV "channel=%s",
             duration_text(ns, text), c->config->channel_id);
    sm_move(&c->sm, DELIVER_CLIENT_WAITING);
    c->deps->wait(c->ctx, ns);
}

void deliver_client_start(struct deliver_client *c)
{
    if (c->sm.state != DELIVER_CLIENT_STOPPED)
        return;
    c->failures = 0;
    c->waited_ns = 0;
    dial(c);
}

void deliver_client_stop(struct deliver_client *c)
{
    if (c->sm.state != DELIVER_CLIENT_STOPPED)
        end(c);
}

void deliver_client_timer(struct deliver_client *c)
{
    if (c->sm.state == DELIVER_CLIENT_WAITING)
        dial(c);
}

void deliver_client_connected(struct deliver_client *c, uint64_t from)
{
    if (c->sm.state != DELIVER_CLIENT_DIALING)
        return;
    LOG_INFO(&logger,
             "Pulling next blocks from ordering service" LOG_KV "channel=%s" LOG_KV
             "orderer-address=%s" LOG_KV "nextBlock=%" PRIu64,
             c->config->channel_id, c->address, from);
    sm_move(&c->sm, DELIVER_CLIENT_RECEIVING);
}

void deliver_client_failed(struct deliver_client *c, const char *why)
{
    if (c->sm.state != DELIVER_CLIENT_DIALING)
        return;
    LOG_WARN(&logger, "Could not connect to ordering service: %s" LOG_KV "channel=%s", why,
             c->config->channel_id);
    count_failure(c);
}

void deliver_client_broken(struct deliver_client *c)
{
    if (c->sm.state == DELIVER_CLIENT_STOPPED)
        return;
    end(c);
    c->deps->gave_up(c->ctx);
}

/* ---- receiving ---------------------------------------------------------------------------- */

static void fail_receiving(struct deliver_client *c)
{
    c->deps->hang_up(c->ctx);
    count_failure(c);
}

void deliver_client_refused(struct deliver_client *c, const char *why)
{
    if (c->sm.state != DELIVER_CLIENT_RECEIVING)
        return;
    LOG_WARN(&logger,
             "Got error while attempting to receive blocks: %s" LOG_KV "channel=%s" LOG_KV
             "orderer-address=%s",
             why, c->config->channel_id, c->address);
    fail_receiving(c);
}

void deliver_client_taken(struct deliver_client *c)
{
    if (c->sm.state == DELIVER_CLIENT_RECEIVING)
        c->failures = 0;
}

void deliver_client_closed(struct deliver_client *c, const char *why)
{
    if (c->sm.state != DELIVER_CLIENT_RECEIVING)
        return;
    LOG_WARN(&logger,
             "Encountered an error reading from deliver stream: %s" LOG_KV "channel=%s" LOG_KV
             "orderer-address=%s",
             why, c->config->channel_id, c->address);
    LOG_WARN(&logger,
             "Orderer hung up without sending status" LOG_KV "channel=%s" LOG_KV
             "orderer-address=%s",
             c->config->channel_id, c->address);
    fail_receiving(c);
}

/* DeliverResponse { oneof 1 status | 2 block }: the last one counts. */
struct response {
    bool has_status, has_block;
    uint64_t status;
    struct bytes block;
};

static bool parse_response(struct bytes message, struct response *r)
{
    struct wire w = wire_of(message);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        bool status = wire_is(&f, 1, WIRE_VARINT), block = wire_is(&f, 2, WIRE_LEN);
        if (status || block)
            *r = (struct response){ status, block, f.varint, f.bytes };
    }
    return !w.bad;
}

bool deliver_response_block(struct bytes message, struct bytes *ret)
{
    struct response r = { 0 };
    if (!parse_response(message, &r) || !r.has_block)
        return false;
    *ret = r.block;
    return true;
}

static void refuse_status(struct deliver_client *c, uint64_t status)
{
    char text[80];
    const char *name = common_status_name(status);
    if (status == 200)
        (void)snprintf(text, sizeof(text),
                       "received success for a seek that should never complete");
    else if (name != NULL)
        (void)snprintf(text, sizeof(text), "received bad status %s from orderer", name);
    else
        (void)snprintf(text, sizeof(text), "received bad status %" PRIu64 " from orderer", status);
    deliver_client_refused(c, text);
}

void deliver_client_message(struct deliver_client *c, struct bytes message)
{
    struct response r = { 0 };
    struct weft_err e = { 0 };
    if (c->sm.state != DELIVER_CLIENT_RECEIVING)
        return;
    if (!parse_response(message, &r)) {
        deliver_client_closed(c, "the message is no DeliverResponse");
    } else if (r.has_status) {
        refuse_status(c, r.status);
    } else if (!r.has_block) {
        deliver_client_refused(c, "unknown message type '<nil>'");
    } else {
        enum weft_code rc = c->deps->block(c->ctx, r.block, &e);
        if (rc == WEFT_CORRUPT)
            deliver_client_closed(c, e.msg);
        else if (rc != WEFT_OK)
            deliver_client_refused(c, e.msg);
    }
}

void deliver_client_refreshed(struct deliver_client *c)
{
    if (c->sm.state != DELIVER_CLIENT_RECEIVING)
        return; /* the next attempt draws from the new list anyway */
    LOG_INFO(&logger,
             "Ordering endpoints have been refreshed, disconnecting from deliver to reconnect "
             "using updated endpoints" LOG_KV "channel=%s" LOG_KV "orderer-address=%s",
             c->config->channel_id, c->address);
    c->deps->hang_up(c->ctx);
    if (c->failures > 0)
        wait_or_give_up(c);
    else
        dial(c);
}
