#include "orderer/consenter.h"

#include "bundle/bundle.h"

#include <string.h>

enum weft_code consenter_new(const struct consenter_support *support,
                             const struct consenter_config *config, struct consenter **ret,
                             struct weft_err *e)
{
    const char *type = bundle_orderer(support->bundle(support->ctx))->consensus_type;
    if (strcmp(type, "solo") == 0) {
        *ret = consenter_solo_new(support);
        return WEFT_OK;
    }
    if (strcmp(type, "etcdraft") == 0)
        return consenter_etcdraft_new(support, config, ret, e);
    WEFT_FREE char *why = weft_asprintf("channel %s has consensus type %.100s, which this orderer "
                                        "does not take part in",
                                        support->channel, type);
    *ret = consenter_inactive_new(support, why);
    return WEFT_OK;
}
