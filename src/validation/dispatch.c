#include "validation/dispatch.h"

#include "validation/lscc_rules.h"

static bool is_name(struct bytes b, const char *name)
{
    return bytes_eq(b, bytes_of_str(name));
}

/* The only plugin that there is. */
static enum weft_code check_plugin(struct bytes plugin, struct weft_err *e)
{
    if (is_name(plugin, "vscc"))
        return WEFT_OK;
    int len = (int)(plugin.len < 100 ? plugin.len : 100);
    return WEFT_FAIL(e, WEFT_UNAVAILABLE,
                     "plugin with name %.*s couldn't be used: plugin with name %.*s wasn't found",
                     len, (const char *)plugin.data, len, (const char *)plugin.data);
}

/* Keys whose policies a namespace changes, once it was found good. */
static void note_if_good(struct judgement *j, const struct tx_namespace *ns, const bool *is_good)
{
    if (*is_good && ns != NULL && ns->writes_metadata)
        endorsement_note_changes(j, ns);
}

/* ---- 2.0 ------------------------------------------------------------------------------------------- */

static enum weft_code ask_v20(struct judgement *j, const struct block_tx *tx, struct bytes name,
                              enum tx_validation_code *ret, struct weft_err *e)
{
    struct validation_info info;
    bool is_good = false;
    WEFT_TRY(lifecycle_validation_info(j->lifecycle, name, &info, e));
    *ret = TX_INVALID_CHAINCODE;
    if (!info.is_found)
        return WEFT_OK;
    WEFT_TRY(check_plugin(info.plugin, e));
    if (tx->check.channel_id.len == 0)
        return WEFT_FAIL(e, WEFT_UNAVAILABLE, "failed to retrieve policy manager for channel ");
    WEFT_TRY(endorsement_check(j, tx, name, info.policy, &is_good, e));
    *ret = is_good ? TX_VALID : TX_ENDORSEMENT_POLICY_FAILURE;
    return WEFT_OK;
}

/* A namespace after one that was refused: only to know whether its keys' policies change, as
 * the original says when it happens to ask it first. */
static bool would_be_good(struct judgement *j, const struct block_tx *tx,
                          const struct tx_namespace *ns)
{
    enum tx_validation_code code = TX_NOT_VALIDATED;
    return ns->writes_metadata && ask_v20(j, tx, ns->name, &code, NULL) == WEFT_OK &&
           code == TX_VALID;
}

enum weft_code dispatch_v20(struct judgement *j, const struct block_tx *tx,
                            enum tx_validation_code *ret, struct weft_err *e)
{
    const struct tx_check *c = &tx->check;
    bool *good = arena_alloc(&j->arena, c->namespace_count);
    const struct tx_namespace *invoked = tx_check_namespace(c, c->chaincode);
    enum tx_validation_code code, found;
    WEFT_TRY(ask_v20(j, tx, c->chaincode, &found, e));
    for (size_t i = 0; i < c->namespace_count; i++) {
        const struct tx_namespace *ns = &c->namespaces[i];
        if (ns == invoked) {
            good[i] = found == TX_VALID;
        } else if (ns->is_judged && found == TX_VALID) {
            WEFT_TRY(ask_v20(j, tx, ns->name, &code, e));
            good[i] = code == TX_VALID;
            found = code;
        } else if (ns->is_judged) {
            good[i] = would_be_good(j, tx, ns);
        }
    }
    for (size_t i = 0; i < c->namespace_count; i++)
        note_if_good(j, &c->namespaces[i], &good[i]);
    *ret = found;
    return WEFT_OK;
}

/* ---- 1.4 ------------------------------------------------------------------------------------------- */

static bool may_not_be_called(struct bytes name)
{
    return is_name(name, "vscc") || is_name(name, "escc");
}

static bool is_system(struct bytes name)
{
    return may_not_be_called(name) || is_name(name, "lscc") || is_name(name, "qscc") ||
           is_name(name, "cscc");
}

/* No application chaincode may write there. */
static bool is_closed(struct bytes name)
{
    return may_not_be_called(name) || is_name(name, "lscc") || is_name(name, "cscc");
}

/* One signature of any member will do, whatever it does; lscc has rules of its own. */
static enum weft_code ask_system(struct judgement *j, const struct block_tx *tx, struct bytes name,
                                 enum tx_validation_code *ret, struct weft_err *e)
{
    bool is_good = false;
    WEFT_TRY(endorsement_check(j, tx, name, lifecycle_any_member(j->lifecycle), &is_good, e));
    if (is_good && is_name(name, "lscc"))
        WEFT_TRY(lscc_rules_check(j, tx, &is_good, e));
    *ret = is_good ? TX_VALID : TX_ENDORSEMENT_POLICY_FAILURE;
    return WEFT_OK;
}

static enum weft_code ask_v14(struct judgement *j, const struct block_tx *tx, struct bytes name,
                              enum tx_validation_code *ret, struct weft_err *e)
{
    const struct lscc_chaincode *c;
    bool is_good = false;
    if (is_system(name)) /* qscc, then: the others are closed */
        return ask_system(j, tx, name, ret, e);
    WEFT_TRY(lifecycle_lscc(j->lifecycle, name, &c, e));
    *ret = TX_INVALID_OTHER_REASON;
    if (!c->is_there || c->is_broken || c->vscc.len == 0 || c->policy.len == 0)
        return WEFT_OK;
    *ret = TX_EXPIRED_CHAINCODE;
    if (bytes_eq(name, tx->check.chaincode) && !bytes_eq(c->version, tx->check.version))
        return WEFT_OK;
    WEFT_TRY(check_plugin(c->vscc, e));
    struct policy_text policy = { POLICY_SIGNATURE, c->policy };
    WEFT_TRY(endorsement_check(j, tx, name, policy, &is_good, e));
    *ret = is_good ? TX_VALID : TX_ENDORSEMENT_POLICY_FAILURE;
    return WEFT_OK;
}

static enum weft_code dispatch_application(struct judgement *j, const struct block_tx *tx,
                                           enum tx_validation_code *ret, struct weft_err *e)
{
    const struct tx_check *c = &tx->check;
    const struct tx_namespace *invoked = tx_check_namespace(c, c->chaincode);
    bool *good = arena_alloc(&j->arena, c->namespace_count);
    enum tx_validation_code found = TX_VALID;
    for (size_t i = 0; i < c->namespace_count; i++)
        if (c->namespaces[i].is_judged && is_closed(c->namespaces[i].name)) {
            *ret = TX_ILLEGAL_WRITESET;
            return WEFT_OK;
        }
    if (j->rules.v1_2) /* else it is asked like all others, if it writes */
        WEFT_TRY(ask_v14(j, tx, c->chaincode, &found, e));
    for (size_t i = 0; i < c->namespace_count && found == TX_VALID; i++) {
        const struct tx_namespace *ns = &c->namespaces[i];
        if (j->rules.v1_2 && ns == invoked)
            good[i] = true;
        else if (ns->is_judged)
            WEFT_TRY(ask_v14(j, tx, ns->name, &found, e));
        if (ns->is_judged)
            good[i] = found == TX_VALID;
    }
    for (size_t i = 0; i < c->namespace_count; i++)
        note_if_good(j, &c->namespaces[i], &good[i]);
    *ret = found;
    return WEFT_OK;
}

static enum weft_code dispatch_system(struct judgement *j, const struct block_tx *tx,
                                      enum tx_validation_code *ret, struct weft_err *e)
{
    struct bytes name = tx->check.chaincode;
    *ret = TX_ILLEGAL_WRITESET;
    if (may_not_be_called(name))
        return WEFT_OK;
    WEFT_TRY(ask_system(j, tx, name, ret, e));
    bool is_good = *ret == TX_VALID;
    note_if_good(j, tx_check_namespace(&tx->check, name), &is_good);
    return WEFT_OK;
}

enum weft_code dispatch_v14(struct judgement *j, const struct block_tx *tx,
                            enum tx_validation_code *ret, struct weft_err *e)
{
    if (is_system(tx->check.chaincode))
        return dispatch_system(j, tx, ret, e);
    return dispatch_application(j, tx, ret, e);
}
