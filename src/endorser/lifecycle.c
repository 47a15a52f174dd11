/* _lifecycle: chaincodes are defined and committed, and what is said about them is asked for.
 *
 * Go origin   core/chaincode/lifecycle/scc.go core/chaincode/lifecycle/lifecycle.go
 *             core/dispatcher/dispatcher.go
 */
#include "bundle/bundle.h"
#include "endorser/go_words.h"
#include "endorser/lifecycle_call.h"
#include "endorser/peer_support.h"
#include "endorser/scc.h"

#include <peer/lifecycle/lifecycle.pb-c.h>

enum {
    RESOURCE_MAX = 256
};

static const struct {
    const char *name;
    const ProtobufCMessageDescriptor *type; /* of its argument */
    enum weft_code (*run)(const struct lifecycle_call *c, struct bytes arg, struct buf *out,
                          struct weft_err *e);
} functions[] = {
    { "InstallChaincode", &lifecycle__install_chaincode_args__descriptor, lifecycle_install },
    { "QueryInstalledChaincode", &lifecycle__query_installed_chaincode_args__descriptor,
      lifecycle_query_installed },
    { "GetInstalledChaincodePackage", &lifecycle__get_installed_chaincode_package_args__descriptor,
      lifecycle_get_package },
    { "QueryInstalledChaincodes", &lifecycle__query_installed_chaincodes_args__descriptor,
      lifecycle_query_all_installed },
    { "ApproveChaincodeDefinitionForMyOrg",
      &lifecycle__approve_chaincode_definition_for_my_org_args__descriptor, lifecycle_approve },
    { "QueryApprovedChaincodeDefinition",
      &lifecycle__query_approved_chaincode_definition_args__descriptor, lifecycle_query_approved },
    { "CheckCommitReadiness", &lifecycle__check_commit_readiness_args__descriptor,
      lifecycle_check_readiness },
    { "CommitChaincodeDefinition", &lifecycle__commit_chaincode_definition_args__descriptor,
      lifecycle_commit },
    { "QueryChaincodeDefinition", &lifecycle__query_chaincode_definition_args__descriptor,
      lifecycle_query_definition },
    { "QueryChaincodeDefinitions", &lifecycle__query_chaincode_definitions_args__descriptor,
      lifecycle_query_definitions },
};

static enum weft_code dispatch(const struct lifecycle_call *c, struct bytes function,
                               struct bytes arg, struct buf *out, struct weft_err *e)
{
    for (size_t i = 0; i < WEFT_ARRAY_LEN(functions); i++) {
        if (!bytes_eq(function, bytes_of_str(functions[i].name)))
            continue;
        enum weft_code rc = go_proto_check(functions[i].type, arg, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "could not decode input arg for *lifecycle.Invocation.%s",
                                 functions[i].name);
        return functions[i].run(c, arg, out, e);
    }
    /* A channel's ACLs may name what there is not. */
    return WEFT_FAIL(e, WEFT_INVALID, "receiver *lifecycle.Invocation.%.*s does not exist",
                     (int)(function.len < 100 ? function.len : 100), (const char *)function.data);
}

/* Has the channel been brought to the rules of 2.0?  False: the reply says why not. */
static bool check_channel(const struct scc_call *c, struct scc_reply *ret)
{
    if (c->channel == NULL)
        return true;
    const struct bundle_application *app = bundle_application(c->channel->bundle);
    if (app == NULL)
        scc_error(ret, "could not get application config for channel '%s'", c->channel->id);
    else if (!app->capabilities.lifecycle_v20)
        scc_error(ret,
                  "cannot use new lifecycle for channel '%s' as it does not have the required "
                  "capabilities enabled",
                  c->channel->id);
    else
        return true;
    return false;
}

static void run(const struct scc_call *c, struct scc_reply *ret)
{
    struct bytes f = c->proposal->args[0];
    struct lifecycle_call call = {
        .bundle = c->channel != NULL ? c->channel->bundle : NULL,
        .channel = c->proposal->channel.channel_id,
        .mspid = c->mspid,
        .public = { .simulator = c->simulator, .tx_id = c->proposal->channel.tx_id },
    };
    struct weft_err e = { 0 };
    bool undefined = false;
    call.ret_undefined = &undefined;
    if (dispatch(&call, f, c->proposal->args[1], &ret->payload, &e) == WEFT_OK)
        return;
    buf_clear(&ret->payload);
    if (undefined) {
        scc_error(ret, "%s", e.msg);
        ret->status = SCC_NOT_FOUND;
        return;
    }
    scc_error(ret, "failed to invoke backing implementation of '%.*s': %s", (int)f.len,
              (const char *)f.data, e.msg);
}

void lifecycle_invoke(const struct scc_call *c, struct scc_reply *ret)
{
    const struct proposal *p = c->proposal;
    struct weft_err e = { 0 };
    char resource[RESOURCE_MAX];
    if (p->arg_count == 0) {
        scc_error(ret, "lifecycle scc must be invoked with arguments");
        return;
    }
    if (p->arg_count != 2) {
        scc_error(ret, "lifecycle scc operations require exactly two arguments but received %zu",
                  p->arg_count);
        return;
    }
    if (!check_channel(c, ret))
        return;
    (void)snprintf(resource, sizeof(resource), "_lifecycle/%.*s", (int)p->args[0].len,
                   (const char *)p->args[0].data);
    if (acl_check(c->acl, resource, p->channel.channel_id, &c->by, &e) != WEFT_OK)
        scc_error(ret, "Failed to authorize invocation due to failed ACL check: %s", e.msg);
    else
        run(c, ret);
}
