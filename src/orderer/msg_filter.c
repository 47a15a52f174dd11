#include "orderer/msg_filter.h"

#include "base/log.h"
#include "msp/identity_expiry.h"
#include "policy/policy_tree.h"

#include <inttypes.h>

LOG_DEFINE(logger, "orderer.common.msgprocessor");

void msg_view_of(struct bytes envelope, struct msg_view *ret)
{
    struct payload_view payload = { 0 };
    struct signature_header_view signature = { 0 };
    *ret = (struct msg_view){ 0 };
    if (envelope_parse(envelope, &ret->envelope, NULL) != WEFT_OK ||
        payload_parse(ret->envelope.payload, &payload, NULL) != WEFT_OK || !payload.has_header ||
        signature_header_parse(payload.signature_header, &signature, NULL) != WEFT_OK)
        return;
    ret->creator = signature.creator;
    ret->has_signed_data = true;
}

struct signed_data msg_signed_data(const struct msg_view *m)
{
    return (struct signed_data){ m->envelope.payload, m->creator, m->envelope.signature };
}

enum weft_code msg_filter_maintenance(const struct bundle *b, struct weft_err *e)
{
    const struct bundle_orderer *o = bundle_orderer(b);
    if (!o->capabilities.consensus_type_migration || o->consensus_state == CONSENSUS_NORMAL)
        return WEFT_OK;
    return WEFT_FAIL(e, WEFT_UNAVAILABLE, "normal transactions are rejected: maintenance mode");
}

static enum weft_code check_size(const struct bundle *b, const struct msg_view *m,
                                 struct weft_err *e)
{
    uint32_t most = bundle_orderer(b)->batch_size.absolute_max_bytes;
    size_t size = m->envelope.payload.len + m->envelope.signature.len;
    if (size <= most)
        return WEFT_OK;
    return WEFT_FAIL(e, WEFT_INVALID,
                     "message payload is %zu bytes and exceeds maximum allowed %" PRIu32 " bytes",
                     size, most);
}

enum weft_code msg_filter_before(const struct bundle *b, const struct msg_view *m,
                                 const struct msg_filter_config *config,
                                 struct identity_cache *cache, struct weft_err *e)
{
    bool expires =
        !config->no_expiration_checks && bundle_orderer(b)->capabilities.expiration_check;
    if (m->envelope.payload.len == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "Message was empty");
    WEFT_TRY(check_size(b, m, e));
    if (!m->has_signed_data)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "could not convert message to signedData: the payload or its signature "
                         "header can't be read");
    int64_t until = expires ? identity_expires_s(cache, m->creator) : 0;
    if (until != 0 && config->now_s >= until)
        return WEFT_FAIL(e, WEFT_INVALID, "broadcast client identity expired");
    return WEFT_OK;
}

enum weft_code msg_filter_signers(const struct bundle *b, const struct policy_signers *signers,
                                  struct weft_err *e)
{
    bool maintenance = bundle_orderer(b)->consensus_state == CONSENSUS_MAINTENANCE;
    const char *policy = maintenance ? "/Channel/Orderer/Writers" : "/Channel/Writers";
    struct weft_err why;
    enum weft_code rc = policy_tree_evaluate(bundle_policies(b), policy, signers, &why);
    if (rc == WEFT_OK)
        return rc;
    if (rc == WEFT_NOT_FOUND)
        return WEFT_FAIL(e, WEFT_INVALID, "could not find policy %s", policy);
    LOG_WARN(&logger, "SigFilter evaluation failed" LOG_KV "error=%s" LOG_KV "policyName=%s",
             why.msg, policy);
    return WEFT_FAIL(e, WEFT_FORBIDDEN, "%.400s: permission denied", why.msg);
}

enum weft_code msg_filter_all(const struct bundle *b, const struct msg_view *m,
                              const struct msg_filter_config *config, struct weft_err *e)
{
    WEFT_CLEANUP(signed_set_free) struct signed_set *set = signed_set_new();
    WEFT_CLEANUP(signature_batch_free) struct signature_batch *batch = signature_batch_new(NULL);
    WEFT_CLEANUP(identity_cache_free)
    struct identity_cache *cache = identity_cache_new(bundle_msps(b), 1);
    struct signed_data d = msg_signed_data(m);
    WEFT_TRY(msg_filter_before(b, m, config, cache, e));
    signed_set_add(set, cache, &d, batch);
    signature_batch_check(batch);
    struct policy_signers signers = signed_set_signers(set);
    return msg_filter_signers(b, &signers, e);
}
