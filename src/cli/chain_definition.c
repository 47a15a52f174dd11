#include "cli/chain_definition.h"

#include "bundle/bundle.h"
#include "cli/chain_sink.h"
#include "txmaker/endorsed_tx.h"
#include "txmaker/tx_script.h"

struct defining {
    const struct chain_definition *d;
    struct lifecycle_chaincode chaincode;
    struct lifecycle_definition definition;
    uint64_t made;
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool consists_of(const char *text, const char *others)
{
    for (const char *c = text; *c != '\0'; c++)
        if (!is_letter(*c) && strchr(others, *c) == NULL)
            return false;
    return text[0] != '\0';
}

enum weft_code chain_definition_check_name(const char *chaincode, const char *version,
                                           struct weft_err *e)
{
    static const char *const system[] = { "cscc", "escc", "lscc", "qscc", "vscc" };
    if (!consists_of(chaincode, "_-") || !is_letter(chaincode[0]))
        return WEFT_FAIL(e, WEFT_INVALID,
                         "invalid chaincode name '%s'. Names can only consist of alphanumerics, "
                         "'_', and '-' and can only begin with alphanumerics",
                         chaincode);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(system); i++)
        if (strcmp(chaincode, system[i]) == 0)
            return WEFT_FAIL(e, WEFT_INVALID,
                             "chaincode name '%s' is the name of a system chaincode", chaincode);
    if (!consists_of(version, "_-+."))
        return WEFT_FAIL(e, WEFT_INVALID,
                         "invalid chaincode version '%s'. Versions can only consist of "
                         "alphanumerics, '_', '-', '+', and '.'",
                         version);
    return WEFT_OK;
}

/* Orders one transaction, and waits for where it is. */
static enum weft_code order(struct defining *m, const struct lifecycle_call *call,
                            const struct keys_org *by, const struct endorser_set *endorsers,
                            struct chain_place *ret_place, struct weft_err *e)
{
    const struct chain_definition *d = m->d;
    WEFT_CLEANUP(buf_done) struct buf envelope = { 0 };
    uint8_t nonce[ENDORSED_TX_NONCE];
    char tx_id[TX_ID_LEN + 1];
    tx_script_nonce(d->seed, LIFECYCLE_CHAINCODE, m->made++, nonce);
    const struct endorsed_tx_plan plan = {
        .channel = bundle_channel_id(chain_sink_bundle(d->sink)),
        .chaincode = LIFECYCLE_CHAINCODE,
        .version = LIFECYCLE_VERSION,
        .args = call->args,
        .arg_count = LIFECYCLE_ARGS,
        .results = buf_bytes(&call->results),
        .now_ns = chain_sink_config_ns(d->sink),
        .nonce = bytes_of(nonce, sizeof(nonce)),
        .client = by->admin,
        .endorsers = endorsers->at,
        .endorser_count = endorsers->count,
    };
    WEFT_TRY(endorsed_tx_make(&plan, &envelope, tx_id, e));
    WEFT_TRY(chain_sink_put(d->sink, buf_bytes(&envelope), e));
    WEFT_TRY(chain_sink_settle(d->sink, tx_id, ret_place, e));
    d->made(d->ctx, tx_id);
    return WEFT_OK;
}

static enum weft_code approve(struct defining *m, const struct keys_org *org, struct weft_err *e)
{
    WEFT_CLEANUP(lifecycle_call_done) struct lifecycle_call call = { 0 };
    const struct endorser_set own = { .at = { org->peers[0] }, .count = 1 };
    struct chain_place place;
    lifecycle_tx_approve(&m->chaincode, &m->definition, org->mspid, &call);
    WEFT_TRY(order(m, &call, org, &own, &place, e));
    lifecycle_chaincode_approved(&m->chaincode, org->mspid, place.block, place.tx);
    return WEFT_OK;
}

static enum weft_code commit(struct defining *m, struct weft_err *e)
{
    static const struct endorsement_rule rule = { .path = "/Channel/Application/"
                                                          "LifecycleEndorsement" };
    const struct bundle_application *app = bundle_application(chain_sink_bundle(m->d->sink));
    WEFT_CLEANUP(lifecycle_call_done) struct lifecycle_call call = { 0 };
    struct endorser_set endorsers;
    struct chain_place place;
    const char *orgs[LIFECYCLE_ORGS];
    WEFT_TRY(channel_keys_endorsers(m->d->keys, &rule, &endorsers, e));
    for (size_t i = 0; i < app->org_count; i++)
        orgs[i] = app->orgs[i].mspid;
    lifecycle_tx_commit(&m->chaincode, &m->definition, orgs, app->org_count, &call);
    return order(m, &call, channel_keys_org(m->d->keys, 0), &endorsers, &place, e);
}

enum weft_code chain_definition_make(const struct chain_definition *d, struct weft_err *e)
{
    const struct bundle_application *app = bundle_application(chain_sink_bundle(d->sink));
    struct defining m = {
        .d = d,
        .definition = { .name = d->chaincode,
                        .version = d->version,
                        .sequence = 1,
                        .policy = d->policy },
    };
    enum weft_code rc = WEFT_OK;
    if (!app->capabilities.lifecycle_v20)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "channel [%s] has no _lifecycle: its application needs capability V2_0 "
                         "(or --defined, for a chaincode that is there)",
                         bundle_channel_id(chain_sink_bundle(d->sink)));
    if (app->org_count > LIFECYCLE_ORGS)
        return WEFT_FAIL(e, WEFT_LIMIT, "channel [%s] has more than %d organisations",
                         bundle_channel_id(chain_sink_bundle(d->sink)), LIFECYCLE_ORGS);
    lifecycle_chaincode_init(&m.chaincode, d->chaincode);
    for (size_t i = 0; i < channel_keys_org_count(d->keys) && rc == WEFT_OK; i++)
        rc = approve(&m, channel_keys_org(d->keys, i), e);
    if (rc == WEFT_OK)
        rc = commit(&m, e);
    lifecycle_chaincode_done(&m.chaincode);
    return rc == WEFT_OK ? rc : weft_err_wrap(e, rc, "defining chaincode %s", d->chaincode);
}
