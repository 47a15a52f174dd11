#include "endorser/acl.h"

#include "base/log.h"
#include "bundle/bundle.h"
#include "endorser/peer_support.h"
#include "proto/wire.h"

#include <stdio.h>

LOG_DEFINE(logger, "aclmgmt");
LOG_DEFINE(policy_log, "policies");

static const char readers[] = "/Channel/Application/Readers";
static const char writers[] = "/Channel/Application/Writers";
static const char admins[] = "Admins", members[] = "Members";

static const struct rule {
    const char *resource;
    const char *policy; /* "": covered by another */
    bool is_peer_wide;
} rules[] = {
    { "_lifecycle/InstallChaincode", admins, true },
    { "_lifecycle/QueryInstalledChaincode", admins, true },
    { "_lifecycle/GetInstalledChaincodePackage", admins, true },
    { "_lifecycle/QueryInstalledChaincodes", admins, true },
    { "_lifecycle/ApproveChaincodeDefinitionForMyOrg", admins, true },
    { "_lifecycle/QueryApprovedChaincodeDefinition", admins, true },
    { "_lifecycle/CommitChaincodeDefinition", writers, false },
    { "_lifecycle/QueryChaincodeDefinition", writers, false },
    { "_lifecycle/QueryChaincodeDefinitions", writers, false },
    { "_lifecycle/CheckCommitReadiness", writers, false },
    { "lscc/Install", admins, true },
    { "lscc/GetInstalledChaincodes", admins, true },
    { "lscc/Deploy", "", false },
    { "lscc/Upgrade", "", false },
    { "lscc/ChaincodeExists", readers, false },
    { "lscc/GetDeploymentSpec", readers, false },
    { "lscc/GetChaincodeData", readers, false },
    { "lscc/GetInstantiatedChaincodes", readers, false },
    { "lscc/GetCollectionsConfig", readers, false },
    { "qscc/GetChainInfo", readers, false },
    { "qscc/GetBlockByNumber", readers, false },
    { "qscc/GetBlockByHash", readers, false },
    { "qscc/GetTransactionByID", readers, false },
    { "qscc/GetBlockByTxID", readers, false },
    { "cscc/JoinChain", admins, true },
    { "cscc/GetChannels", members, true },
    { "cscc/GetConfigBlock", readers, false },
    { "peer/Propose", writers, false },
    { "peer/ChaincodeToChaincode", writers, false },
    { "event/Block", readers, false },
    { "event/FilteredBlock", readers, false },
};

static const struct rule *find_rule(const char *resource)
{
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rules); i++)
        if (strcmp(rules[i].resource, resource) == 0)
            return &rules[i];
    return NULL;
}

static enum weft_code unmapped(const char *resource, struct weft_err *e)
{
    LOG_ERROR(&logger, "Unmapped policy for %.200s", resource);
    return WEFT_FAIL(e, WEFT_FORBIDDEN, "Unmapped policy for %.200s", resource);
}

/* ---- the peer's own organisation ----------------------------------------------------------- */

/* MSPPrincipal { 2 MSPRole { 1 mspid, 2 role } }; a role of 0 is MEMBER, the kind 0 ROLE. */
static bool put_principal(const struct msp *msp, const char *policy, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf role = { 0 };
    wire_put_bytes(&role, 1, msp_name(msp));
    if (strcmp(policy, admins) == 0)
        wire_put_varint(&role, 2, MSP_ROLE_ADMIN);
    else if (strcmp(policy, members) != 0)
        return false;
    wire_put_bytes(out, 2, buf_bytes(&role));
    return true;
}

static enum weft_code check_locally(const struct acl *a, const char *policy,
                                    const struct signed_data *by, struct weft_err *e)
{
    static const char during[] = "during channelless check policy with policy";
    WEFT_CLEANUP(msp_identity_unref) struct msp_identity *id = NULL;
    WEFT_CLEANUP(buf_done) struct buf principal = { 0 };
    struct weft_err why = { 0 };
    enum weft_code rc = msp_identity_deserialize(a->local_msp, by->identity, &id, &why);
    if (rc != WEFT_OK) {
        LOG_WARN(&policy_log,
                 "Failed deserializing proposal creator during channelless check policy" LOG_KV
                 "error=\"%s\"" LOG_KV "policyName=%s",
                 why.msg, policy);
        return WEFT_FAIL(e, WEFT_FORBIDDEN,
                         "Failed deserializing proposal creator %s [%s]: [%.300s]", during, policy,
                         why.msg);
    }
    if (!put_principal(a->local_msp, policy, &principal))
        return WEFT_FAIL(e, WEFT_FORBIDDEN,
                         "Failed getting local MSP principal %s [%s]: [MSP Principal role [%s] not "
                         "recognized]",
                         during, policy, policy);
    rc = msp_identity_satisfies(id, buf_bytes(&principal), &why);
    if (rc != WEFT_OK) {
        LOG_WARN(&policy_log,
                 "Failed verifying that proposal's creator satisfies local MSP principal during "
                 "channelless check policy" LOG_KV "error=\"%s\"" LOG_KV "policyName=%s",
                 why.msg, policy);
        return WEFT_FAIL(e, WEFT_FORBIDDEN,
                         "Failed verifying that proposal's creator satisfies local MSP principal "
                         "%s [%s]: [%.300s]",
                         during, policy, why.msg);
    }
    return msp_identity_verify(id, NULL, by->data, by->signature, e);
}

/* ---- a channel's policies -------------------------------------------------------------------- */

static const char *policy_of_config(const struct bundle *b, const char *resource)
{
    const struct bundle_application *app = bundle_application(b);
    return app != NULL ? bundle_acl_find(app, resource) : NULL;
}

static enum weft_code check_configured(const struct bundle *b, const char *policy,
                                       const struct signed_data *by, struct weft_err *e)
{
    struct weft_err why = { 0 };
    enum weft_code rc = bundle_evaluate(b, policy, by, 1, NULL, NULL, &why);
    if (rc == WEFT_OK)
        return rc;
    if (rc == WEFT_NOT_FOUND)
        (void)WEFT_FAIL(&why, rc, "policy %.200s not found", policy);
    else
        LOG_WARN(&logger,
                 "EvaluateSignedData policy check failed" LOG_KV "error=\"%s\"" LOG_KV
                 "policyName=%s",
                 why.msg, policy);
    return WEFT_FAIL(e, WEFT_FORBIDDEN,
                     "failed evaluating policy on signed data during check policy [%.150s]: "
                     "[%.250s]",
                     policy, why.msg);
}

static enum weft_code check_default(const struct bundle *b, const char *policy,
                                    const struct signed_data *by, struct weft_err *e)
{
    struct weft_err why = { 0 };
    if (bundle_evaluate(b, policy, by, 1, NULL, NULL, &why) == WEFT_OK)
        return WEFT_OK;
    LOG_WARN(&policy_log,
             "Failed evaluating policy on signed data" LOG_KV "error=\"%s\"" LOG_KV "policyName=%s",
             why.msg, policy);
    return WEFT_FAIL(e, WEFT_FORBIDDEN,
                     "Failed evaluating policy on signed data during check policy on channel [%s] "
                     "with policy [%s]: [%.200s]",
                     bundle_channel_id(b), policy, why.msg);
}

enum weft_code acl_check_on(const struct bundle *b, const char *resource,
                            const struct signed_data *by, struct weft_err *e)
{
    const struct rule *rule = find_rule(resource);
    const char *policy = policy_of_config(b, resource);
    if (policy != NULL)
        return check_configured(b, policy, by, e);
    if (rule == NULL || rule->policy[0] == '\0')
        return unmapped(resource, e);
    return check_default(b, rule->policy, by, e);
}

enum weft_code acl_check(const struct acl *a, const char *resource, struct bytes channel,
                         const struct signed_data *by, struct weft_err *e)
{
    const struct rule *rule = find_rule(resource);
    WEFT_CLEANUP(peer_channel_view_done) struct peer_channel_view ch = { 0 };
    if (rule != NULL && rule->is_peer_wide)
        return check_locally(a, rule->policy, by, e);
    if (channel.len > 0 && a->support->find(a->support->ctx, channel, &ch))
        return acl_check_on(ch.bundle, resource, by, e);
    if (rule == NULL || rule->policy[0] == '\0')
        return unmapped(resource, e);
    if (channel.len == 0)
        return check_locally(a, rule->policy, by, e);
    return WEFT_FAIL(e, WEFT_FORBIDDEN, "Failed to get policy manager for channel [%.*s]",
                     (int)(channel.len < 300 ? channel.len : 300), (const char *)channel.data);
}
