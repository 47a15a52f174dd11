#include "endorser/scc.h"

#include "base/log.h"

LOG_DEFINE(logger, "sccapi");
LOG_DEFINE(node_log, "nodeCmd");

static const struct {
    const char *name;
    void (*invoke)(const struct scc_call *c, struct scc_reply *ret);
} all[SCC_NR] = {
    [SCC_LSCC] = { "lscc", lscc_invoke },
    [SCC_CSCC] = { "cscc", cscc_invoke },
    [SCC_QSCC] = { "qscc", qscc_invoke },
    [SCC_LIFECYCLE] = { "_lifecycle", lifecycle_invoke },
};

const char *scc_name(enum scc which)
{
    return all[which].name;
}

enum scc scc_find(struct bytes name)
{
    for (size_t i = 0; i < SCC_NR; i++)
        if (bytes_eq(name, bytes_of_str(all[i].name)))
            return (enum scc)i;
    return SCC_NR;
}

void scc_invoke(enum scc which, const struct scc_call *c, struct scc_reply *ret)
{
    all[which].invoke(c, ret);
}

void scc_error(struct scc_reply *r, const char *fmt, ...)
{
    va_list args;
    buf_clear(&r->message);
    va_start(args, fmt);
    buf_vprintf(&r->message, fmt, args);
    va_end(args);
    r->status = SCC_ERROR;
}

void scc_log_deployment(const bool enabled[SCC_NR])
{
    for (size_t i = 0; i < SCC_NR; i++) {
        if (enabled[i])
            LOG_INFO(&logger, "deploying system chaincode '%s'", all[i].name);
        else
            LOG_INFO(&node_log, "not deploying chaincode %s as it is not enabled", all[i].name);
    }
    LOG_INFO(&node_log, "Deployed system chaincodes");
}
