#include "peer/channel_anchors.h"

#include "base/log.h"
#include "bundle/bundle.h"

LOG_DEFINE(gossip_log, "gossip.gossip");
LOG_DEFINE(service_log, "gossip.service");

void channel_anchors_done(struct channel_anchors *a)
{
    buf_done(&a->told);
}

static void put_all(const struct bundle_application *app, struct buf *out)
{
    for (size_t i = 0; i < app->org_count; i++) {
        const struct bundle_org *org = &app->orgs[i];
        buf_put_str(out, org->mspid);
        for (size_t j = 0; j < org->anchor_count; j++) {
            WEFT_FREE char *at =
                weft_asprintf(" %s:%d", org->anchors[j].host, (int)org->anchors[j].port);
            buf_put_str(out, at);
        }
        buf_put_u8(out, '\n');
    }
}

/* False, and it was said why not: nobody of ours is in the channel. */
static bool are_we_in(const struct channel_anchors *a, const char *channel,
                      const struct bundle_application *app)
{
    WEFT_CLEANUP(buf_done) struct buf names = { 0 };
    for (size_t i = 0; i < app->org_count; i++) {
        if (strcmp(app->orgs[i].mspid, a->mspid) == 0)
            return true;
        buf_put_str(&names, i > 0 ? " " : "");
        buf_put_str(&names, app->orgs[i].mspid);
    }
    buf_put_u8(&names, 0);
    LOG_ERROR(&service_log,
              "Tried joining channel %s but our org( %s ), isn't among the orgs of the channel: "
              "[%s] , aborting.",
              channel, a->mspid, (const char *)names.data);
    return false;
}

/* Of one organisation. */
static void tell_anchors(const struct channel_anchors *a, const char *channel,
                         const struct bundle_org *org)
{
    WEFT_CLEANUP(buf_done) struct buf others = { 0 };
    if (org->anchor_count == 0)
        LOG_INFO(&gossip_log, "No configured anchor peers of %s for channel %s to learn about",
                 org->mspid, channel);
    for (size_t i = 0; i < org->anchor_count; i++) {
        const struct bundle_anchor *at = &org->anchors[i];
        char room[LOG_QUOTE_MAX];
        const char *host = log_name(bytes_of_str(at->host), room);
        WEFT_FREE char *name = weft_asprintf("%s:%d", at->host, (int)at->port);
        WEFT_FREE char *shown =
            weft_asprintf("%s{%s %d}", others.len > 0 ? " " : "", host, (int)at->port);
        if (at->host[0] == '\0')
            LOG_WARN(
                &gossip_log,
                "Got empty hostname for channel %s, skipping connecting to anchor peer {%s %d}",
                channel, host, (int)at->port);
        else if (at->port == 0)
            LOG_WARN(&gossip_log,
                     "Got invalid port (0) for channel %s, skipping connecting to anchor peer "
                     "{%s %d}",
                     channel, host, (int)at->port);
        else if (strcmp(name, a->endpoint) == 0 || strcmp(name, a->external_endpoint) == 0)
            LOG_INFO(&gossip_log,
                     "Anchor peer for channel %s with same endpoint, skipping connecting to myself",
                     channel);
        else
            buf_put_str(&others, shown);
    }
    buf_put_u8(&others, 0);
    if (others.len > 1)
        LOG_INFO(&gossip_log,
                 "Not connecting to the configured anchor peers of %s for channel %s: [%s]: this "
                 "peer does not gossip",
                 org->mspid, channel, (const char *)others.data);
}

void channel_anchors_tell(struct channel_anchors *a, const struct bundle *b)
{
    const struct bundle_application *app = bundle_application(b);
    const char *channel = bundle_channel_id(b);
    WEFT_CLEANUP(buf_done) struct buf now = { 0 };
    if (app == NULL)
        return;
    put_all(app, &now);
    if (bytes_eq(buf_bytes(&now), buf_bytes(&a->told)))
        return;
    buf_done(&a->told);
    a->told = now;
    now = (struct buf){ 0 };
    if (!are_we_in(a, channel, app))
        return;
    LOG_INFO(&gossip_log, "Joining gossip network of channel %s with %zu organizations", channel,
             app->org_count);
    for (size_t i = 0; i < app->org_count; i++)
        tell_anchors(a, channel, &app->orgs[i]);
}
