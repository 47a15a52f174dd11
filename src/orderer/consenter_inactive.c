/* A channel that is ordered by others: its blocks are served, nothing is taken.
 *
 * Go origin   orderer/consensus/inactive/inactive_chain.go
 */
#include "orderer/consenter.h"

struct inactive {
    struct consenter consenter;
    char *why;
};

static struct inactive *inactive_of(const struct consenter *c)
{
    return WEFT_CONTAINER_OF((struct consenter *)c, struct inactive, consenter);
}

static void inactive_order(struct consenter *c, struct order_item *item, uint64_t now_ns)
{
    struct weft_err why = { 0 };
    (void)now_ns;
    enum weft_code rc = WEFT_FAIL(&why, WEFT_UNAVAILABLE, "%s", inactive_of(c)->why);
    c->support.refused(c->support.ctx, item, rc, &why);
}

static void inactive_nothing(struct consenter *c, uint64_t now_ns)
{
    (void)c, (void)now_ns;
}

static void inactive_status(const struct consenter *c, struct consenter_status *ret)
{
    *ret = (struct consenter_status){ .relation = "config-tracker",
                                      .status = "inactive",
                                      .is_errored = true,
                                      .refuses = inactive_of(c)->why };
}

static void inactive_free(struct consenter *c)
{
    struct inactive *i = inactive_of(c);
    free(i->why);
    free(i);
}

static const struct consenter_ops inactive_ops = {
    .start = inactive_nothing,
    .order = inactive_order,
    .timer = inactive_nothing,
    .configured = inactive_nothing,
    .flush = inactive_nothing,
    .status = inactive_status,
    .free = inactive_free,
};

struct consenter *consenter_inactive_new(const struct consenter_support *support, const char *why)
{
    struct inactive *i = weft_alloc(sizeof(*i));
    i->consenter = (struct consenter){ .ops = &inactive_ops, .support = *support };
    i->why = weft_strdup(why);
    return &i->consenter;
}
