#include "cli/channel_env.h"

#include "base/log.h"
#include "cli/peer_config.h"
#include "deliver/deliver_fetch.h"
#include "msp/signing_identity.h"

LOG_DEFINE(logger, "channelCmd");

static enum weft_code load_identity(const struct core_config *config, struct signing_identity **ret,
                                    struct weft_err *e)
{
    const struct core_peer_config *p = &config->peer;
    enum weft_code rc = config_bccsp_check(&p->bccsp, "peer.BCCSP", e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, WEFT_CORRUPT,
                             "error when setting up MSP of type %s from directory %s",
                             p->local_msp_type, p->msp_config_path);
    rc =
        signing_identity_load_from(p->msp_config_path, p->local_msp_id, p->bccsp.key_store, ret, e);
    if (rc != WEFT_OK)
        core_config_blame(config, e);
    return rc;
}

enum weft_code channel_env_open(struct channel_env *ret, struct weft_err *e)
{
    WEFT_CLEANUP(core_config_free) struct core_config *config = NULL;
    struct weft_err why = { 0 };
    WEFT_TRY(peer_config_load(&config, e));
    enum weft_code rc = load_identity(config, &ret->me, &why);
    if (rc != WEFT_OK)
        return WEFT_FAIL(e, rc, "Cannot run peer because %s", why.msg);
    ret->config = WEFT_TAKE(config);
    return WEFT_OK;
}

void channel_env_done(struct channel_env *env)
{
    signing_identity_free(env->me);
    core_config_free(env->config);
    *env = (struct channel_env){ 0 };
}

void channel_env_ready(void)
{
    LOG_INFO(&logger, "Endorser and orderer connections initialized");
}

enum weft_code channel_env_orderer(const struct orderer_flags *f, struct node_target *ret,
                                   struct weft_err *e)
{
    if (f->address == NULL || strchr(f->address, ':') == NULL)
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "ordering service endpoint %s is not valid or missing",
                         f->address != NULL ? f->address : "");
    return orderer_flags_target(f, ret, e);
}

static enum weft_code open_deliver(const struct channel_env *env, const struct node_target *target,
                                   const char *method, const char *channel,
                                   struct deliver_fetch **ret, struct weft_err *e)
{
    const struct deliver_fetch_config plan = {
        .address = target->address,
        .host_override = target->host_override,
        .method = method,
        .tls = target->tls,
        .connect_timeout_ms = target->connect_timeout_ms,
        .channel_id = channel,
        .signer = env->me,
    };
    return deliver_fetch_open(&plan, ret, e);
}

enum weft_code channel_env_deliver(const struct channel_env *env, const struct node_target *orderer,
                                   const char *channel, struct deliver_fetch **ret,
                                   struct weft_err *e)
{
    enum weft_code rc =
        open_deliver(env, orderer, "/orderer.AtomicBroadcast/Deliver", channel, ret, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "failed to create deliver client for orderer");
    return WEFT_OK;
}

enum weft_code channel_env_deliver_of_peer(const struct channel_env *env, const char *channel,
                                           struct deliver_fetch **ret, struct weft_err *e)
{
    WEFT_CLEANUP(node_target_done) struct node_target peer = { 0 };
    WEFT_TRY(peer_target(env->config, &peer, e));
    enum weft_code rc = open_deliver(env, &peer, "/protos.Deliver/Deliver", channel, ret, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "failed to create deliver client for peer");
    return WEFT_OK;
}
