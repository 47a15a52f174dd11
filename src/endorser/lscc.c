/* lscc: chaincodes as they were installed, deployed and looked up before 2.0.
 *
 * Go origin   core/scc/lscc/lscc.go core/scc/lscc/errors.go
 */
#include "bundle/bundle.h"
#include "endorser/collection_rules.h"
#include "endorser/go_words.h"
#include "endorser/peer_support.h"
#include "endorser/scc.h"
#include "endorser/tx_simulator.h"
#include "proto/repeated.h"
#include "validation/lifecycle_state.h"

#include <peer/chaincode.pb-c.h>

static void bad_count(const struct scc_call *c, struct scc_reply *ret)
{
    scc_error(ret, "invalid number of arguments to lscc: %zu", c->proposal->arg_count);
}

static bool is(struct bytes b, const char *name)
{
    return bytes_eq(b, bytes_of_str(name));
}

/* The state of lscc; false: the reply says why. */
static bool get(const struct scc_call *c, struct bytes key, const char *prefix, struct bytes *ret,
                struct scc_reply *reply)
{
    struct weft_err e = { 0 };
    const struct proposal *p = c->proposal;
    if (c->simulator == NULL)
        (void)WEFT_FAIL(&e, WEFT_INVALID, "no ledger context");
    else if (!wire_utf8(key)) /* there is none; a Go peer goes down on it */
        (void)WEFT_FAIL(&e, WEFT_INVALID, "the key is not UTF-8");
    else if (tx_simulator_get(c->simulator, "lscc", key, ret, &e) == WEFT_OK)
        return true;
    scc_error(reply, "%sGET_STATE failed: transaction ID: %.*s: %s", prefix,
              (int)p->channel.tx_id.len, (const char *)p->channel.tx_id.data, e.msg);
    return false;
}

/* ---- what is deployed: getid, getccdata, getdepspec ------------------------------------------- */

static void deployed(const struct scc_call *c, const char *resource, struct scc_reply *ret)
{
    const struct proposal *p = c->proposal;
    struct weft_err e = { 0 };
    struct bytes data = { 0 };
    struct lscc_chaincode cc = { 0 };
    if (p->arg_count != 3) {
        bad_count(c, ret);
        return;
    }
    struct bytes f = p->args[0], channel = p->args[1], name = p->args[2];
    int name_len = (int)name.len;
    const char *text = (const char *)name.data;
    if (acl_check(c->acl, resource, channel, &c->by, &e) != WEFT_OK) {
        scc_error(ret, "access denied for [%.*s][%.*s]: %s", (int)f.len, (const char *)f.data,
                  (int)channel.len, (const char *)channel.data, e.msg);
        return;
    }
    if (!get(c, name, "transaction not found: ", &data, ret))
        return;
    if (data.len == 0) {
        scc_error(ret, "could not find chaincode with name '%.*s'", name_len, text);
        return;
    }
    if (strcmp(resource, "lscc/GetChaincodeData") == 0) {
        buf_put(&ret->payload, data);
        return;
    }
    lscc_chaincode_parse(data, &cc);
    if (cc.is_broken)
        scc_error(ret, "error while marshalling: %.*s", name_len, text);
    else if (!bytes_eq(cc.name, name))
        scc_error(ret, "chaincode name mismatch: %.*s!=%.*s", name_len, text, (int)cc.name.len,
                  (const char *)cc.name.data);
    else if (strcmp(resource, "lscc/ChaincodeExists") == 0)
        buf_put(&ret->payload, cc.name);
    else
        scc_error(ret, "invalid deployment spec: chaincode %.*s.%.*s is not installed", name_len,
                  text, (int)cc.version.len, (const char *)cc.version.data);
}

/* ---- lists --------------------------------------------------------------------------------------- */

/* ChaincodeInfo { 1 name, 2 version, 5 escc, 6 vscc } of ChaincodeData { 1 .. 4 }; path and
 * input are not known without the package. */
static void put_chaincode(void *arg, struct bytes key, struct bytes value)
{
    static const uint32_t fields[] = { 0, 1, 2, 5, 6 };
    WEFT_CLEANUP(buf_done) struct buf info = { 0 };
    struct bytes values[WEFT_ARRAY_LEN(fields)] = { 0 };
    struct wire w = wire_of(value);
    struct wire_field f;
    if (memchr(key.data, '~', key.len) != NULL)
        return; /* its collections */
    while (wire_next(&w, &f))
        if (f.type == WIRE_LEN && f.number < WEFT_ARRAY_LEN(fields))
            values[f.number] = f.bytes;
    for (size_t i = 1; i < WEFT_ARRAY_LEN(fields); i++)
        if (values[i].len > 0)
            wire_put_bytes(&info, fields[i], values[i]);
    wire_put_bytes(arg, 1, buf_bytes(&info));
}

static void chaincodes(const struct scc_call *c, struct scc_reply *ret)
{
    const struct proposal *p = c->proposal;
    struct bytes channel = p->channel.channel_id;
    struct weft_err e = { 0 };
    if (p->arg_count != 1)
        bad_count(c, ret);
    else if (acl_check(c->acl, "lscc/GetInstantiatedChaincodes", channel, &c->by, &e) != WEFT_OK)
        scc_error(ret, "access denied for [%.*s][%.*s]: %s", (int)p->args[0].len,
                  (const char *)p->args[0].data, (int)channel.len, (const char *)channel.data,
                  e.msg);
    else if (c->simulator != NULL &&
             tx_simulator_scan(c->simulator, "lscc", bytes_of_str("\x01"), bytes_of(NULL, 0),
                               put_chaincode, &ret->payload, &e) != WEFT_OK)
        scc_error(ret, "%s", e.msg);
}

static void installed(const struct scc_call *c, struct scc_reply *ret)
{
    const struct proposal *p = c->proposal;
    struct weft_err e = { 0 };
    if (p->arg_count != 1)
        bad_count(c, ret);
    else if (acl_check(c->acl, "lscc/GetInstalledChaincodes", bytes_of(NULL, 0), &c->by, &e) !=
             WEFT_OK)
        scc_error(ret, "access denied for [%.*s]: %s", (int)p->args[0].len,
                  (const char *)p->args[0].data, e.msg);
}

static void collections(const struct scc_call *c, struct scc_reply *ret)
{
    const struct proposal *p = c->proposal;
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    struct weft_err e = { 0 };
    struct bytes value = { 0 };
    if (p->arg_count != 2) {
        bad_count(c, ret);
        return;
    }
    struct bytes name = p->args[1];
    if (acl_check(c->acl, "lscc/GetCollectionsConfig", p->channel.channel_id, &c->by, &e) !=
        WEFT_OK) {
        scc_error(ret, "access denied for [%.*s]: %s", (int)p->args[0].len,
                  (const char *)p->args[0].data, e.msg);
        return;
    }
    buf_put(&key, name);
    buf_put_str(&key, "~collection");
    if (!get(c, buf_bytes(&key), "", &value, ret))
        return;
    if (value.len == 0)
        scc_error(ret, "collections config not defined for chaincode %.*s", (int)name.len,
                  (const char *)name.data);
    else
        buf_put(&ret->payload, value);
}

/* ---- what needs packages --------------------------------------------------------------------------- */

/* ChaincodeDeploymentSpec { 1 ChaincodeSpec { 2 ChaincodeID { 2 name, 3 version } } } */
static bool read_spec(struct bytes b, struct bytes *ret_name, struct bytes *ret_version)
{
    struct bytes spec, id;
    bool any = false;
    for (struct repeated s = repeated_of(b, 1); repeated_next(&s, &spec);) {
        for (struct repeated i = repeated_of(spec, 2); repeated_next(&i, &id); any = true) {
            for (struct repeated n = repeated_of(id, 2); repeated_next(&n, ret_name);)
                continue;
            for (struct repeated v = repeated_of(id, 3); repeated_next(&v, ret_version);)
                continue;
        }
    }
    return any;
}

static void install(const struct scc_call *c, struct scc_reply *ret)
{
    const struct proposal *p = c->proposal;
    struct weft_err e = { 0 };
    struct bytes name = { 0 }, version = { 0 };
    if (p->arg_count < 2)
        bad_count(c, ret);
    else if (acl_check(c->acl, "lscc/Install", bytes_of(NULL, 0), &c->by, &e) != WEFT_OK)
        scc_error(ret, "access denied for [install]: %s", e.msg);
    else if (go_proto_check(&protos__chaincode_deployment_spec__descriptor, p->args[1], &e) !=
                 WEFT_OK ||
             !read_spec(p->args[1], &name, &version))
        scc_error(ret, "could not unmarshal chaincode package to CDS or SignedCDS");
    else if (chaincode_rules_check_legacy(name, version, &e) != WEFT_OK)
        scc_error(ret, "%s", e.msg);
    else if (scc_find(name) != SCC_NR)
        scc_error(ret, "cannot install: %.*s is the name of a system chaincode", (int)name.len,
                  (const char *)name.data);
    else
        scc_error(ret, "could not build chaincode: this peer runs no chaincode of users");
}

/* Refused at the latest where the package would be looked for. */
static void deploy(const struct scc_call *c, struct scc_reply *ret)
{
    const struct proposal *p = c->proposal;
    WEFT_CLEANUP(peer_channel_view_done) struct peer_channel_view ch = { 0 };
    struct weft_err e = { 0 };
    struct bytes name = { 0 }, version = { 0 };
    if (p->arg_count < 3) {
        bad_count(c, ret);
        return;
    }
    struct bytes id = p->args[1];
    if (id.len == 0) {
        scc_error(ret, "invalid channel name: ");
        return;
    }
    const struct bundle_application *app = NULL;
    if (c->support->find(c->support->ctx, id, &ch))
        app = bundle_application(ch.bundle);
    if (app == NULL) /* a Go peer goes down on it */
        scc_error(ret, "programming error, non-existent appplication config for channel '%.*s'",
                  (int)id.len, (const char *)id.data);
    else if (app->capabilities.lifecycle_v20)
        scc_error(ret,
                  "Channel '%.*s' has been migrated to the new lifecycle, LSCC is now read-only",
                  (int)id.len, (const char *)id.data);
    else if (!app->capabilities.private_channel_data && p->arg_count > 6)
        scc_error(ret, "as V1_2 or later capability is not enabled, private channel collections "
                       "and data are not available");
    else if (p->arg_count > 7)
        bad_count(c, ret);
    else if (go_proto_check(&protos__chaincode_deployment_spec__descriptor, p->args[2], &e) !=
             WEFT_OK)
        scc_error(ret, "error unmarshaling ChaincodeDeploymentSpec: %s", e.msg);
    else if (!read_spec(p->args[2], &name, &version))
        scc_error(ret, "error unmarshaling ChaincodeDeploymentSpec: no chaincode in it");
    else if (chaincode_rules_check_legacy(name, version, &e) != WEFT_OK)
        scc_error(ret, "%s", e.msg);
    else
        scc_error(ret, "cannot get package for chaincode (%.*s:%.*s)", (int)name.len,
                  (const char *)name.data, (int)version.len, (const char *)version.data);
}

/* ---- which ------------------------------------------------------------------------------------------ */

void lscc_invoke(const struct scc_call *c, struct scc_reply *ret)
{
    if (c->proposal->arg_count < 1) {
        bad_count(c, ret);
        return;
    }
    struct bytes f = c->proposal->args[0];
    if (is(f, "install"))
        install(c, ret);
    else if (is(f, "deploy") || is(f, "upgrade"))
        deploy(c, ret);
    else if (is(f, "getid") || is(f, "ChaincodeExists"))
        deployed(c, "lscc/ChaincodeExists", ret);
    else if (is(f, "getdepspec") || is(f, "GetDeploymentSpec"))
        deployed(c, "lscc/GetDeploymentSpec", ret);
    else if (is(f, "getccdata") || is(f, "GetChaincodeData"))
        deployed(c, "lscc/GetChaincodeData", ret);
    else if (is(f, "getchaincodes") || is(f, "GetChaincodes"))
        chaincodes(c, ret);
    else if (is(f, "getinstalledchaincodes") || is(f, "GetInstalledChaincodes"))
        installed(c, ret);
    else if (is(f, "getcollectionsconfig") || is(f, "GetCollectionsConfig"))
        collections(c, ret);
    else
        scc_error(ret, "invalid function to lscc: %.*s", (int)f.len, (const char *)f.data);
}
