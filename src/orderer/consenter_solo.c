/* One orderer, for whom an order is the order of arrival.
 *
 * Go origin   orderer/consensus/solo/consensus.go
 */
#include "orderer/consenter_local.h"

#include "base/log.h"

LOG_DEFINE(solo_log, "orderer.consensus.solo");

static struct bytes no_metadata(struct consenter_local *l, struct net_msg *config)
{
    (void)l, (void)config;
    return bytes_of(NULL, 0);
}

static void nothing_more(struct consenter_local *l)
{
    (void)l;
}

static void solo_start(struct consenter *c, uint64_t now_ns)
{
    (void)c, (void)now_ns;
}

static void solo_status(const struct consenter *c, struct consenter_status *ret)
{
    (void)c;
    *ret = (struct consenter_status){ .relation = "other", .status = "active" };
}

static void solo_free(struct consenter *c)
{
    free(WEFT_CONTAINER_OF(c, struct consenter_local, consenter));
}

static const struct consenter_ops solo_ops = {
    .start = solo_start,
    .order = consenter_local_order,
    .timer = consenter_local_timer,
    .configured = solo_start,
    .flush = consenter_local_flush,
    .status = solo_status,
    .free = solo_free,
};

struct consenter *consenter_solo_new(const struct consenter_support *support)
{
    LOG_WARN(&solo_log, "Use of the Solo orderer is deprecated and remains only for use in test "
                        "environments but may be removed in the future.");
    struct consenter_local *l = weft_alloc(sizeof(*l));
    *l = (struct consenter_local){ .consenter = { .ops = &solo_ops, .support = *support },
                                   .logger = &solo_log,
                                   .metadata = no_metadata,
                                   .written = nothing_more };
    return &l->consenter;
}
