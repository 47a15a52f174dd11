/* _lifecycle: an organisation approves a definition; one that enough approve of is committed.
 *
 * Go origin   core/chaincode/lifecycle/scc.go core/chaincode/lifecycle/lifecycle.go
 */
#include "base/log.h"
#include "bundle/bundle.h"
#include "endorser/collection_rules.h"
#include "endorser/lifecycle_call.h"
#include "endorser/tx_simulator.h"

#include <inttypes.h>

LOG_DEFINE(logger, "lifecycle");

void lifecycle_read_args(struct bytes arg, struct bytes *ret_name, struct chaincode_definition *ret,
                         struct bytes *ret_package_id)
{
    struct bytes unused;
    struct bytes *const texts[] = { NULL,
                                    NULL,
                                    ret_name,
                                    &ret->version,
                                    &ret->endorsement_plugin,
                                    &ret->validation_plugin,
                                    &ret->validation_parameter,
                                    &ret->collections };
    struct wire w = wire_of(arg);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_VARINT))
            ret->sequence = (int64_t)f.varint;
        else if (wire_is(&f, 8, WIRE_VARINT))
            ret->init_required = f.varint != 0;
        else if (f.type == WIRE_LEN && f.number >= 2 && f.number < WEFT_ARRAY_LEN(texts))
            *texts[f.number] = f.bytes;
        else if (wire_is(&f, 9, WIRE_LEN) && ret_package_id != NULL)
            /* ChaincodeSource { 2 Local { 1 package_id } } */
            for (struct repeated l = repeated_of(f.bytes, 2); repeated_next(&l, &unused);)
                for (struct repeated p = repeated_of(unused, 1); repeated_next(&p, ret_package_id);)
                    continue;
    }
}

/* ---- may it be defined like this? ------------------------------------------------------------ */

/* The collections of the definition in force: of either lifecycle. */
static enum weft_code committed_collections(const struct lifecycle_call *c, struct bytes name,
                                            struct bytes *ret, struct weft_err *e)
{
    struct state_metadata m = { 0 };
    struct chaincode_definition d = { 0 };
    bool found = false;
    WEFT_TRY(lifecycle_store_metadata(&c->public, LIFECYCLE_NAMESPACES, name, &found, &m, e));
    if (found) {
        WEFT_TRY(chaincode_definition_read(&c->public, name, CHAINCODE_DEFINITION, &m, &d, e));
        *ret = d.collections;
        return WEFT_OK;
    }
    struct bytes legacy = { 0 };
    WEFT_TRY(tx_simulator_get(c->public.simulator, "lscc", name, &legacy, e));
    if (legacy.data == NULL)
        return WEFT_OK;
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    buf_put(&key, name);
    buf_put_str(&key, "~collection");
    return tx_simulator_get(c->public.simulator, "lscc", buf_bytes(&key), ret, e);
}

static enum weft_code validate(const struct lifecycle_call *c, struct bytes name,
                               const struct chaincode_definition *d, struct weft_err *e)
{
    struct bytes old = { 0 };
    WEFT_TRY(chaincode_rules_check(name, d->version, e));
    WEFT_TRY(collection_rules_check_kinds(d->collections, e));
    if (c->bundle == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "could not get channelconfig for channel '%.*s'",
                         (int)c->channel.len, (const char *)c->channel.data);
    WEFT_TRY(collection_rules_check(d->collections, bundle_msps(c->bundle), e));
    enum weft_code rc = committed_collections(c, name, &old, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not retrieve committed definition for chaincode '%.*s'",
                             (int)name.len, (const char *)name.data);
    return collection_rules_check_next(d->collections, old, e);
}

/* ---- approving ---------------------------------------------------------------------------------- */

static enum weft_code check_sequence(int64_t now, int64_t asked, struct weft_err *e)
{
    if (now == asked && asked == 0)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "requested sequence is 0, but first definable sequence number is 1");
    if (asked < now)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "currently defined sequence %" PRId64
                         " is larger than requested sequence %" PRId64,
                         now, asked);
    if (asked > now + 1)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "requested sequence %" PRId64
                         " is larger than the next available sequence number %" PRId64,
                         asked, now + 1);
    return WEFT_OK;
}

/* To approve of what is in force already is fine, if it is that. */
static enum weft_code check_same_as_committed(const struct lifecycle_call *c, struct bytes name,
                                              const struct chaincode_definition *d,
                                              struct weft_err *e)
{
    struct state_metadata m = { 0 };
    struct chaincode_definition now = { 0 };
    bool found = false;
    enum weft_code rc =
        lifecycle_store_metadata(&c->public, LIFECYCLE_NAMESPACES, name, &found, &m, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not fetch metadata for current definition");
    if (!found)
        return WEFT_FAIL(e, WEFT_CORRUPT,
                         "missing metadata for currently committed sequence number (%" PRId64 ")",
                         d->sequence);
    rc = chaincode_definition_read(&c->public, name, CHAINCODE_DEFINITION, &m, &now, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not deserialize namespace %.*s as chaincode",
                             (int)name.len, (const char *)name.data);
    rc = chaincode_parameters_check_equal(&now, d, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc,
                             "attempted to redefine the current committed sequence (%" PRId64
                             ") for namespace %.*s with different parameters",
                             d->sequence, (int)name.len, (const char *)name.data);
    return WEFT_OK;
}

/* Which package it is to run by what was approved so far. */
static enum weft_code approved_package(const struct lifecycle_store *mine,
                                       struct bytes private_name, bool *ret_found,
                                       struct bytes *ret, struct weft_err *e)
{
    struct state_metadata source = { 0 };
    int len = (int)private_name.len;
    const char *text = (const char *)private_name.data;
    enum weft_code rc =
        lifecycle_store_metadata(mine, LIFECYCLE_SOURCES, private_name, ret_found, &source, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not deserialize chaincode-source metadata for %.*s", len,
                             text);
    if (!*ret_found)
        return WEFT_OK;
    if (!bytes_eq(source.datatype, bytes_of_str(CHAINCODE_PACKAGE)))
        rc = WEFT_FAIL(e, WEFT_CORRUPT, "type name mismatch '%s' != '%.*s'", CHAINCODE_PACKAGE,
                       (int)source.datatype.len, (const char *)source.datatype.data);
    else
        rc = lifecycle_store_string(mine, LIFECYCLE_SOURCES, private_name, "PackageID", ret, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not deserialize chaincode package for %.*s", len, text);
    return WEFT_OK;
}

/* To say the same again would be a transaction that writes nothing. */
static enum weft_code check_is_news(const struct lifecycle_store *mine, struct bytes name,
                                    struct bytes private_name, const struct chaincode_definition *d,
                                    struct bytes package_id, struct weft_err *e)
{
    struct state_metadata m = { 0 };
    struct chaincode_definition old = { 0 };
    struct bytes old_package = { 0 };
    bool found = false;
    enum weft_code rc =
        lifecycle_store_metadata(mine, LIFECYCLE_NAMESPACES, private_name, &found, &m, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not fetch uncommitted definition");
    if (!found)
        return WEFT_OK;
    rc = chaincode_definition_read(mine, private_name, CHAINCODE_PARAMETERS, &m, &old, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not deserialize namespace %.*s as chaincode",
                             (int)private_name.len, (const char *)private_name.data);
    if (chaincode_parameters_check_equal(&old, d, NULL) != WEFT_OK)
        return WEFT_OK;
    WEFT_TRY(approved_package(mine, private_name, &found, &old_package, e));
    if (found && bytes_eq(old_package, package_id))
        return WEFT_FAIL(e, WEFT_INVALID,
                         "attempted to redefine uncommitted sequence (%" PRId64
                         ") for namespace %.*s with unchanged content",
                         d->sequence, (int)name.len, (const char *)name.data);
    return WEFT_OK;
}

static enum weft_code put_approval(const struct lifecycle_store *mine, struct bytes private_name,
                                   const struct chaincode_definition *d, struct bytes package_id,
                                   struct weft_err *e)
{
    WEFT_CLEANUP(state_struct_done) struct state_struct parameters = { 0 };
    WEFT_CLEANUP(state_struct_done) struct state_struct source = { .datatype = CHAINCODE_PACKAGE };
    chaincode_parameters_struct(d, &parameters);
    state_struct_add_string(&source, "PackageID", package_id);
    enum weft_code rc =
        lifecycle_store_put(mine, LIFECYCLE_NAMESPACES, private_name, &parameters, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not serialize chaincode parameters to state");
    rc = lifecycle_store_put(mine, LIFECYCLE_SOURCES, private_name, &source, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not serialize chaincode package info to state");
    return WEFT_OK;
}

enum weft_code lifecycle_approve(const struct lifecycle_call *c, struct bytes arg, struct buf *out,
                                 struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf collection = { 0 };
    WEFT_CLEANUP(buf_done) struct buf private_name = { 0 };
    struct lifecycle_store mine = c->public;
    struct chaincode_definition d = { 0 };
    struct bytes name = { 0 }, package_id = { 0 };
    int64_t now = 0;
    (void)out; /* the answer has no fields */
    lifecycle_read_args(arg, &name, &d, &package_id);
    enum weft_code rc = validate(c, name, &d, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error validating chaincode definition");
    lifecycle_put_collection(c->mspid, &collection);
    mine.collection = buf_bytes(&collection);
    WEFT_TRY(lifecycle_current_sequence(c, name, &now, e));
    WEFT_TRY(check_sequence(now, d.sequence, e));
    WEFT_TRY(chaincode_definition_set_defaults(&d, c->bundle, e));
    lifecycle_put_private_name(name, d.sequence, &private_name);
    if (d.sequence == now)
        WEFT_TRY(check_same_as_committed(c, name, &d, e));
    else
        WEFT_TRY(check_is_news(&mine, name, buf_bytes(&private_name), &d, package_id, e));
    WEFT_TRY(put_approval(&mine, buf_bytes(&private_name), &d, package_id, e));
    LOG_INFO(&logger,
             "Successfully endorsed chaincode approval with name '%.*s', package ID '%.*s', on "
             "channel '%s' with definition {sequence: %" PRId64 "}",
             (int)name.len, (const char *)name.data, (int)package_id.len,
             (const char *)package_id.data, bundle_channel_id(c->bundle), d.sequence);
    return WEFT_OK;
}

/* ---- committing --------------------------------------------------------------------------------- */

static bool is_member(const struct bundle_application *app, const char *mspid)
{
    for (size_t i = 0; i < app->org_count; i++)
        if (strcmp(app->orgs[i].mspid, mspid) == 0)
            return true;
    return false;
}

enum weft_code lifecycle_commit(const struct lifecycle_call *c, struct bytes arg, struct buf *out,
                                struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf approvals = { 0 }; /* who they are, the answer does not say */
    WEFT_CLEANUP(state_struct_done) struct state_struct what = { 0 };
    struct chaincode_definition d = { 0 };
    struct bytes name = { 0 };
    bool mine = false;
    (void)out;
    lifecycle_read_args(arg, &name, &d, NULL);
    enum weft_code rc = validate(c, name, &d, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error validating chaincode definition");
    if (!is_member(bundle_application(c->bundle), c->mspid))
        return WEFT_FAIL(e, WEFT_FORBIDDEN,
                         "impossibly, this peer's org is processing requests for a channel it is "
                         "not a member of");
    WEFT_TRY(lifecycle_prepare_commit(c, name, &d, e));
    WEFT_TRY(lifecycle_put_approvals(c, name, &d, 1, &approvals, &mine, e));
    chaincode_definition_struct(&d, &what);
    rc = lifecycle_store_put(&c->public, LIFECYCLE_NAMESPACES, name, &what, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not serialize chaincode definition");
    if (!mine)
        return WEFT_FAIL(e, WEFT_FORBIDDEN, "chaincode definition not agreed to by this org (%s)",
                         c->mspid);
    LOG_INFO(&logger,
             "Successfully endorsed commit for chaincode name '%.*s' on channel '%s' with "
             "definition {sequence: %" PRId64 "}",
             (int)name.len, (const char *)name.data, bundle_channel_id(c->bundle), d.sequence);
    return WEFT_OK;
}
