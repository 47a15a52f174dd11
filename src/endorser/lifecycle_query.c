/* _lifecycle: what is installed (nothing), defined, approved of, ready.
 *
 * Go origin   core/chaincode/lifecycle/scc.go core/chaincode/lifecycle/lifecycle.go
 */
#include "base/log.h"
#include "bundle/bundle.h"
#include "endorser/lifecycle_call.h"
#include "endorser/tx_simulator.h"

#include <inttypes.h>

LOG_DEFINE(logger, "lifecycle");

enum {
    GZIP_HEADER = 10 /* bytes */
};

static struct bytes first_field(struct bytes arg)
{
    struct bytes ret = { 0 };
    for (struct repeated r = repeated_of(arg, 1); repeated_next(&r, &ret);)
        continue;
    return ret;
}

/* ---- packages: there are none -------------------------------------------------------------- */

enum weft_code lifecycle_install(const struct lifecycle_call *c, struct bytes arg, struct buf *out,
                                 struct weft_err *e)
{
    struct bytes package = first_field(arg);
    (void)c, (void)out;
    const char *why = NULL;
    if (package.len < GZIP_HEADER)
        why = package.len == 0 ? "EOF" : "unexpected EOF";
    else if (package.data[0] != 0x1f || package.data[1] != 0x8b)
        why = "gzip: invalid header";
    if (why != NULL)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "could not parse as a chaincode install package: error reading as gzip "
                         "stream: %s",
                         why);
    return WEFT_FAIL(e, WEFT_UNAVAILABLE,
                     "could not build chaincode: this peer runs no chaincode of users");
}

enum weft_code lifecycle_query_installed(const struct lifecycle_call *c, struct bytes arg,
                                         struct buf *out, struct weft_err *e)
{
    struct bytes id = first_field(arg);
    (void)c, (void)out;
    return WEFT_FAIL(e, WEFT_NOT_FOUND, "could not find chaincode with package id '%.*s'",
                     (int)id.len, (const char *)id.data);
}

enum weft_code lifecycle_get_package(const struct lifecycle_call *c, struct bytes arg,
                                     struct buf *out, struct weft_err *e)
{
    struct bytes id = first_field(arg);
    (void)c, (void)out;
    return WEFT_FAIL(e, WEFT_NOT_FOUND,
                     "could not load cc install package: chaincode install package '%.*s' not "
                     "found",
                     (int)id.len, (const char *)id.data);
}

enum weft_code lifecycle_query_all_installed(const struct lifecycle_call *c, struct bytes arg,
                                             struct buf *out, struct weft_err *e)
{
    (void)c, (void)arg, (void)out, (void)e;
    return WEFT_OK; /* an empty list */
}

/* ---- approvals -------------------------------------------------------------------------------- */

void lifecycle_put_collection(const char *mspid, struct buf *out)
{
    buf_printf(out, "_implicit_org_%s", mspid);
}

void lifecycle_put_private_name(struct bytes name, int64_t sequence, struct buf *out)
{
    buf_put(out, name);
    buf_printf(out, "#%" PRId64, sequence);
}

enum weft_code lifecycle_current_sequence(const struct lifecycle_call *c, struct bytes name,
                                          int64_t *ret, struct weft_err *e)
{
    enum weft_code rc =
        lifecycle_store_int64(&c->public, LIFECYCLE_NAMESPACES, name, "Sequence", ret, e);
    return rc == WEFT_OK ? rc : weft_err_wrap(e, rc, "could not get current sequence");
}

static int by_mspid(const void *a, const void *b)
{
    return strcmp((*(const struct bundle_org *const *)a)->mspid,
                  (*(const struct bundle_org *const *)b)->mspid);
}

static enum weft_code approves(const struct lifecycle_call *c, const char *mspid,
                               struct bytes private_name, const struct state_struct *what,
                               bool *ret, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf collection = { 0 };
    struct lifecycle_store store = c->public;
    lifecycle_put_collection(mspid, &collection);
    store.collection = buf_bytes(&collection);
    enum weft_code rc =
        lifecycle_store_is(&store, LIFECYCLE_NAMESPACES, private_name, what, ret, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "serialization check failed for key %.*s",
                             (int)private_name.len, (const char *)private_name.data);
    return WEFT_OK;
}

static enum weft_code application_of(const struct lifecycle_call *c,
                                     const struct bundle_application **ret, struct weft_err *e)
{
    *ret = c->bundle != NULL ? bundle_application(c->bundle) : NULL;
    if (*ret == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "no application config for channel '%.*s'",
                         (int)c->channel.len, (const char *)c->channel.data);
    return WEFT_OK;
}

enum weft_code lifecycle_put_approvals(const struct lifecycle_call *c, struct bytes name,
                                       const struct chaincode_definition *d, uint32_t field,
                                       struct buf *out, bool *ret_mine, struct weft_err *e)
{
    const struct bundle_application *app = NULL;
    WEFT_CLEANUP(buf_done) struct buf private_name = { 0 };
    WEFT_CLEANUP(state_struct_done) struct state_struct what = { 0 };
    WEFT_TRY(application_of(c, &app, e));
    WEFT_FREE const struct bundle_org **orgs =
        weft_alloc((app->org_count + 1) * sizeof(struct bundle_org *));
    for (size_t i = 0; i < app->org_count; i++)
        orgs[i] = &app->orgs[i];
    qsort(orgs, app->org_count, sizeof(struct bundle_org *), by_mspid);
    lifecycle_put_private_name(name, d->sequence, &private_name);
    chaincode_parameters_struct(d, &what);
    for (size_t i = 0; i < app->org_count; i++) {
        WEFT_CLEANUP(buf_done) struct buf entry = { 0 };
        bool yes = false;
        WEFT_TRY(approves(c, orgs[i]->mspid, buf_bytes(&private_name), &what, &yes, e));
        wire_put_bytes(&entry, 1, bytes_of_str(orgs[i]->mspid));
        wire_put_varint(&entry, 2, yes ? 1 : 0);
        wire_put_bytes(out, field, buf_bytes(&entry));
        if (strcmp(orgs[i]->mspid, c->mspid) == 0)
            *ret_mine = yes;
    }
    return WEFT_OK;
}

enum weft_code lifecycle_prepare_commit(const struct lifecycle_call *c, struct bytes name,
                                        struct chaincode_definition *d, struct weft_err *e)
{
    int64_t now = 0;
    WEFT_TRY(lifecycle_current_sequence(c, name, &now, e));
    if (d->sequence != now + 1)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "requested sequence is %" PRId64 ", but new definition must be sequence "
                         "%" PRId64,
                         d->sequence, now + 1);
    return chaincode_definition_set_defaults(d, c->bundle, e);
}

enum weft_code lifecycle_check_readiness(const struct lifecycle_call *c, struct bytes arg,
                                         struct buf *out, struct weft_err *e)
{
    const struct bundle_application *unused = NULL;
    struct chaincode_definition d = { 0 };
    struct bytes name = { 0 };
    bool mine = false;
    WEFT_TRY(application_of(c, &unused, e));
    lifecycle_read_args(arg, &name, &d, NULL);
    WEFT_TRY(lifecycle_prepare_commit(c, name, &d, e));
    WEFT_TRY(lifecycle_put_approvals(c, name, &d, 1, out, &mine, e));
    LOG_INFO(&logger,
             "Successfully checked commit readiness of chaincode name '%.*s' on channel "
             "'%s'",
             (int)name.len, (const char *)name.data, bundle_channel_id(c->bundle));
    return WEFT_OK;
}

/* ---- definitions -------------------------------------------------------------------------------- */

/* Fields number, number + 1, ... of the answers that have a definition in them; what comes
 * sixth and seventh is the other way round in one of them. */
static void put_definition(const struct chaincode_definition *d, uint32_t number, struct buf *out)
{
    if (d->sequence != 0)
        wire_put_varint(out, number, (uint64_t)d->sequence);
    if (d->version.len > 0)
        wire_put_bytes(out, number + 1, d->version);
    if (d->endorsement_plugin.len > 0)
        wire_put_bytes(out, number + 2, d->endorsement_plugin);
    if (d->validation_plugin.len > 0)
        wire_put_bytes(out, number + 3, d->validation_plugin);
    if (d->validation_parameter.len > 0)
        wire_put_bytes(out, number + 4, d->validation_parameter);
    wire_put_bytes(out, number + 5, d->collections);
    if (d->init_required)
        wire_put_varint(out, number + 6, 1);
}

static enum weft_code read_definition(const struct lifecycle_call *c, struct bytes name,
                                      struct chaincode_definition *ret, struct weft_err *e)
{
    struct state_metadata m = { 0 };
    bool found = false;
    int len = (int)name.len;
    const char *text = (const char *)name.data;
    enum weft_code rc =
        lifecycle_store_metadata(&c->public, LIFECYCLE_NAMESPACES, name, &found, &m, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not fetch metadata for namespace %.*s", len, text);
    if (!found) {
        *c->ret_undefined = true;
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "namespace %.*s is not defined", len, text);
    }
    rc = chaincode_definition_read(&c->public, name, CHAINCODE_DEFINITION, &m, ret, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not deserialize namespace %.*s as chaincode", len, text);
    LOG_INFO(&logger, "Successfully queried chaincode name '%.*s'", len, text);
    return WEFT_OK;
}

enum weft_code lifecycle_query_definition(const struct lifecycle_call *c, struct bytes arg,
                                          struct buf *out, struct weft_err *e)
{
    struct bytes name = first_field(arg);
    struct chaincode_definition d = { 0 };
    bool mine = false;
    WEFT_TRY(read_definition(c, name, &d, e));
    put_definition(&d, 1, out);
    return lifecycle_put_approvals(c, name, &d, 8, out, &mine, e);
}

struct names {
    struct bytes *at;
    size_t count, cap;
};

static void add_name(void *arg, struct bytes key, struct bytes value)
{
    static const char prefix[] = LIFECYCLE_NAMESPACES "/metadata/";
    struct names *n = arg;
    struct bytes type = first_field(value);
    if (!bytes_eq(type, bytes_of_str(CHAINCODE_DEFINITION)))
        return;
    if (n->count == n->cap) {
        n->cap = n->cap == 0 ? 16 : n->cap * 2;
        n->at = weft_realloc(n->at, n->cap * sizeof(*n->at));
    }
    n->at[n->count++] = bytes_skip(key, sizeof(prefix) - 1);
}

enum weft_code lifecycle_query_definitions(const struct lifecycle_call *c, struct bytes arg,
                                           struct buf *out, struct weft_err *e)
{
    static const char from[] = LIFECYCLE_NAMESPACES "/metadata/";
    static const char to[] = LIFECYCLE_NAMESPACES "/metadata/\x7f";
    struct names names = { 0 };
    (void)arg;
    if (c->public.simulator == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "could not query namespace metadata: no ledger context");
    enum weft_code rc = tx_simulator_scan(c->public.simulator, "_lifecycle", bytes_of_str(from),
                                          bytes_of_str(to), add_name, &names, e);
    WEFT_FREE struct bytes *held = names.at;
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not query namespace metadata");
    for (size_t i = 0; i < names.count; i++) {
        WEFT_CLEANUP(buf_done) struct buf one = { 0 };
        struct chaincode_definition d = { 0 };
        WEFT_TRY(read_definition(c, held[i], &d, e));
        wire_put_bytes(&one, 1, held[i]);
        put_definition(&d, 2, &one);
        wire_put_bytes(out, 1, buf_bytes(&one));
    }
    return WEFT_OK;
}

/* ---- what this organisation approved of ------------------------------------------------------------- */

/* The newest: of the next sequence, if it has approved that already, or of the one in force. */
static enum weft_code newest_approved(const struct lifecycle_call *c,
                                      const struct lifecycle_store *mine, struct bytes name,
                                      int64_t *ret, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf next = { 0 };
    struct state_metadata unused;
    bool found = false;
    int64_t now = 0;
    WEFT_TRY(lifecycle_current_sequence(c, name, &now, e));
    lifecycle_put_private_name(name, now + 1, &next);
    enum weft_code rc =
        lifecycle_store_metadata(mine, LIFECYCLE_NAMESPACES, buf_bytes(&next), &found, &unused, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(
            e, rc, "could not deserialize namespace metadata for next sequence %" PRId64, now + 1);
    *ret = found ? now + 1 : now;
    return WEFT_OK;
}

/* ChaincodeSource { 1 Unavailable, 2 Local { 1 package_id } } */
static void put_source(struct bytes package_id, uint32_t number, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf local = { 0 };
    WEFT_CLEANUP(buf_done) struct buf source = { 0 };
    if (package_id.len > 0)
        wire_put_bytes(&local, 1, package_id);
    wire_put_bytes(&source, package_id.len > 0 ? 2 : 1, buf_bytes(&local));
    wire_put_bytes(out, number, buf_bytes(&source));
}

/* What is there under this name, which must be of the type that lies there. */
static enum weft_code read_approved(const struct lifecycle_store *mine, const char *space,
                                    struct bytes private_name, bool *ret_found,
                                    struct state_metadata *ret, struct weft_err *e)
{
    bool is_source = strcmp(space, LIFECYCLE_SOURCES) == 0;
    const char *type = is_source ? CHAINCODE_PACKAGE : CHAINCODE_PARAMETERS;
    enum weft_code rc = lifecycle_store_metadata(mine, space, private_name, ret_found, ret, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not deserialize %s metadata for %.*s",
                             is_source ? "chaincode-source" : "namespace", (int)private_name.len,
                             (const char *)private_name.data);
    if (*ret_found && !bytes_eq(ret->datatype, bytes_of_str(type)))
        return WEFT_FAIL(e, WEFT_CORRUPT, "not a chaincode %s type: %.*s",
                         is_source ? "local package" : "parameters", (int)ret->datatype.len,
                         (const char *)ret->datatype.data);
    return WEFT_OK;
}

static void read_approved_args(struct bytes arg, struct bytes *ret_name, int64_t *ret_sequence)
{
    struct wire w = wire_of(arg);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            *ret_name = f.bytes;
        else if (wire_is(&f, 2, WIRE_VARINT))
            *ret_sequence = (int64_t)f.varint;
    }
}

enum weft_code lifecycle_query_approved(const struct lifecycle_call *c, struct bytes arg,
                                        struct buf *out, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf collection = { 0 };
    WEFT_CLEANUP(buf_done) struct buf private_name = { 0 };
    struct lifecycle_store mine = c->public;
    struct state_metadata m = { 0 }, source = { 0 };
    struct chaincode_definition d = { 0 };
    struct bytes name = { 0 }, package_id = { 0 };
    int64_t asked = 0, sequence = 0;
    bool found = false;
    lifecycle_put_collection(c->mspid, &collection);
    mine.collection = buf_bytes(&collection);
    read_approved_args(arg, &name, &asked);
    sequence = asked;
    if (asked == 0)
        WEFT_TRY(newest_approved(c, &mine, name, &sequence, e));
    lifecycle_put_private_name(name, sequence, &private_name);
    WEFT_TRY(read_approved(&mine, LIFECYCLE_NAMESPACES, buf_bytes(&private_name), &found, &m, e));
    if (found) {
        WEFT_TRY(chaincode_definition_read(&mine, buf_bytes(&private_name), CHAINCODE_PARAMETERS,
                                           &m, &d, e));
        WEFT_TRY(
            read_approved(&mine, LIFECYCLE_SOURCES, buf_bytes(&private_name), &found, &source, e));
    }
    if (!found)
        return WEFT_FAIL(e, WEFT_NOT_FOUND,
                         "could not fetch approved chaincode definition (name: '%.*s', sequence: "
                         "'%" PRId64 "') on channel '%.*s'",
                         (int)name.len, (const char *)name.data, asked, (int)c->channel.len,
                         (const char *)c->channel.data);
    WEFT_TRY(lifecycle_store_string(&mine, LIFECYCLE_SOURCES, buf_bytes(&private_name), "PackageID",
                                    &package_id, e));
    d.sequence = sequence;
    put_definition(&d, 1, out);
    put_source(package_id, 8, out);
    return WEFT_OK;
}
