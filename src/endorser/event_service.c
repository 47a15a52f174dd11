#include "endorser/event_service.h"

#include "base/log.h"
#include "bundle/bundle.h"
#include "endorser/acl.h"
#include "endorser/event_form_private.h"
#include "endorser/filtered_block.h"
#include "endorser/peer_support.h"
#include "kvledger/kv_ledger.h"
#include "msp/identity_expiry.h"
#include "proto/wire.h"

LOG_DEFINE(logger, "common.deliverevents");

enum {
    STATUS_BAD_REQUEST = 400
};

/* A channel that somebody asked for; the peer's channels do not go away. */
struct event_channel {
    struct method *method;
    char *id;
    struct kv_ledger *ledger;
    struct event_channel *next;
};

/* One of the service's methods: a world of its own, since its ACL is. */
struct method {
    const struct peer_support *support;
    const char *resource;
    struct deliver_world world;
    struct event_channel *channels;
    struct deliver_server *server;
};

struct event_service {
    struct method methods[EVENT_METHODS];
};

static const struct {
    const char *path, *resource;
    const struct deliver_form *form;
} table[EVENT_METHODS] = {
    { "/protos.Deliver/Deliver", "event/Block", &deliver_form_block },
    { "/protos.Deliver/DeliverFiltered", "event/FilteredBlock", &event_form_filtered },
    { "/protos.Deliver/DeliverWithPrivateData", "event/Block", &event_form_private },
};

/* ---- filtered blocks -------------------------------------------------------------------------- */

/* DeliverResponse { 3 filtered_block }.  A block that can't be told of becomes a status, and the
 * stream goes on with the next one. */
static struct net_msg *encode_filtered(void *snapshot, struct bytes request, struct block *b,
                                       struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf filtered = { 0 };
    WEFT_CLEANUP(buf_done) struct buf response = { 0 };
    (void)snapshot, (void)request;
    if (filtered_block_encode(&b->v, &filtered, e) == WEFT_OK) {
        wire_put_bytes(&response, 3, buf_bytes(&filtered));
    } else {
        LOG_WARN(&logger, "Failed to generate filtered block due to: %s", e->msg);
        wire_put_varint(&response, 1, STATUS_BAD_REQUEST);
    }
    return net_msg_copy(buf_bytes(&response));
}

const struct deliver_form event_form_filtered = { .filtered = "true",
                                                  .data_type = "filtered_block",
                                                  .encode = encode_filtered };

/* ---- the world -------------------------------------------------------------------------------------- */

static void *find(void *ctx, struct bytes id)
{
    struct method *m = ctx;
    WEFT_CLEANUP(peer_channel_view_done) struct peer_channel_view view = { 0 };
    if (!m->support->find(m->support->ctx, id, &view))
        return NULL;
    struct event_channel *c = m->channels;
    while (c != NULL && c->ledger != view.ledger)
        c = c->next;
    if (c != NULL)
        return c;
    c = weft_alloc(sizeof(*c));
    c->method = m;
    c->id = weft_strdup(view.id);
    c->ledger = view.ledger;
    c->next = m->channels;
    m->channels = c;
    return c;
}

static void unref(void *channel)
{
    (void)channel; /* stays as long as the service does */
}

static const char *id_of(const void *channel)
{
    return ((const struct event_channel *)channel)->id;
}

static struct block_store *store_of(const void *channel)
{
    return kv_ledger_blocks(((const struct event_channel *)channel)->ledger);
}

static bool is_errored(const void *channel)
{
    (void)channel; /* there is no consenter to be in error */
    return false;
}

static void view_of(const struct event_channel *c, struct peer_channel_view *ret)
{
    const struct peer_support *support = c->method->support;
    WEFT_ASSERT(support->find(support->ctx, bytes_of_str(c->id), ret));
}

static uint64_t sequence(const void *channel)
{
    WEFT_CLEANUP(peer_channel_view_done) struct peer_channel_view view = { 0 };
    view_of(channel, &view);
    return bundle_sequence(view.bundle);
}

static void *snapshot(void *ctx, void *channel)
{
    const struct method *m = ctx;
    struct event_snapshot *s = weft_alloc(sizeof(*s));
    view_of(channel, &s->channel);
    s->resource = m->resource;
    return s;
}

static void snapshot_free(void *p)
{
    struct event_snapshot *s = p;
    peer_channel_view_done(&s->channel);
    free(s);
}

static enum weft_code access_of(void *p, struct bytes envelope, int64_t *ret_expires_ns,
                                struct weft_err *e)
{
    const struct event_snapshot *s = p;
    struct signed_data by;
    event_signed_data(envelope, &by);
    *ret_expires_ns = identity_expires_s(NULL, by.identity) * INT64_C(1000000000);
    return acl_check_on(s->channel.bundle, s->resource, &by, e);
}

/* ---- the service ------------------------------------------------------------------------------------- */

static void init_method(struct method *m, size_t i, const struct event_service_config *config)
{
    m->support = config->support;
    m->resource = table[i].resource;
    m->world = (struct deliver_world){
        .ctx = m,
        .find = find,
        .unref = unref,
        .id = id_of,
        .store = store_of,
        .is_errored = is_errored,
        .sequence = sequence,
        .snapshot = snapshot,
        .snapshot_free = snapshot_free,
        .access = access_of,
    };
    m->server = deliver_server_new(&(struct deliver_server_config){
        .stream = { .time_window_ns = config->time_window_ns },
        .form = table[i].form,
        .limit = config->limit,
        .binds_tls = config->binds_tls,
        .world = &m->world,
        .store = config->store,
        .workers = config->workers,
        .mb = config->mb,
        .rest = config->rest,
        .metrics = config->metrics,
    });
}

struct event_service *event_service_new(const struct event_service_config *config)
{
    struct event_service *s = weft_alloc(sizeof(*s));
    for (size_t i = 0; i < EVENT_METHODS; i++)
        init_method(&s->methods[i], i, config);
    return s;
}

void event_service_free(struct event_service *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < EVENT_METHODS; i++) {
        deliver_server_free(s->methods[i].server);
        while (s->methods[i].channels != NULL) {
            struct event_channel *c = s->methods[i].channels;
            s->methods[i].channels = c->next;
            free(c->id);
            free(c);
        }
    }
    free(s);
}

void event_service_methods(struct event_service *s, struct grpc_method ret[EVENT_METHODS])
{
    for (size_t i = 0; i < EVENT_METHODS; i++)
        ret[i] = (struct grpc_method){ .path = table[i].path,
                                       .ops = &deliver_server_ops,
                                       .service = s->methods[i].server };
}
