#include "endorser/chaincode_info.h"

#include "bundle/bundle.h"
#include "endorser/lifecycle_store.h"
#include "endorser/tx_simulator.h"
#include "validation/lifecycle_state.h"

enum {
    NAME_MAX_SHOWN = 200
};

static int shown(struct bytes name)
{
    return (int)(name.len < NAME_MAX_SHOWN ? name.len : NAME_MAX_SHOWN);
}

/* Defined by lscc: then its package should be here, and is not. */
static void refuse_legacy(struct tx_simulator *s, struct bytes name, struct weft_err *e)
{
    struct bytes data = { 0 };
    struct lscc_chaincode cc = { 0 };
    const char *text = (const char *)name.data;
    if (tx_simulator_get(s, "lscc", name, &data, e) != WEFT_OK) {
        (void)weft_err_wrap(e, WEFT_IO, "could not retrieve state for chaincode %.*s", shown(name),
                            text);
        return;
    }
    if (data.data == NULL) {
        weft_err_set(e, WEFT_NOT_FOUND, __FILE__, __LINE__, "chaincode %.*s not found", shown(name),
                     text);
        return;
    }
    lscc_chaincode_parse(data, &cc);
    if (cc.is_broken)
        weft_err_set(e, WEFT_CORRUPT, __FILE__, __LINE__, "chaincode %.*s has bad definition",
                     shown(name), text);
    else
        weft_err_set(e, WEFT_NOT_FOUND, __FILE__, __LINE__,
                     "failed security checks: invalid deployment spec: chaincode %.*s.%.*s is not "
                     "installed",
                     shown(cc.name), (const char *)cc.name.data, shown(cc.version),
                     (const char *)cc.version.data);
}

void chaincode_info_refusal(const struct bundle *b, struct tx_simulator *s, struct bytes name,
                            struct weft_err *e)
{
    const struct bundle_application *app = b != NULL ? bundle_application(b) : NULL;
    if (b == NULL) {
        weft_err_set(e, WEFT_NOT_FOUND, __FILE__, __LINE__,
                     "could not get channel config for channel ''");
        return;
    }
    if (app == NULL) {
        weft_err_set(e, WEFT_NOT_FOUND, __FILE__, __LINE__,
                     "could not get application config for channel '%s'", bundle_channel_id(b));
        return;
    }
    if (app->capabilities.lifecycle_v20) {
        struct lifecycle_store store = { .simulator = s };
        struct state_metadata unused;
        bool found = false;
        if (lifecycle_store_metadata(&store, LIFECYCLE_NAMESPACES, name, &found, &unused, e) !=
            WEFT_OK)
            return;
        if (found) {
            weft_err_set(e, WEFT_NOT_FOUND, __FILE__, __LINE__,
                         "chaincode definition for '%.*s' exists, but chaincode is not installed",
                         shown(name), (const char *)name.data);
            return;
        }
    }
    refuse_legacy(s, name, e);
}
