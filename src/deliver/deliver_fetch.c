#include "deliver/deliver_fetch.h"

#include "base/log.h"
#include "msp/signed_envelope.h"
#include "net/grpc_client.h"
#include "os/clock.h"
#include "os/jobs.h"
#include "os/loop.h"
#include "proto/wire.h"

#include <inttypes.h>

enum {
    MAIL = 64
};

LOG_DEFINE(logger, "cli.common");

struct deliver_fetch {
    struct deliver_fetch_config config;
    struct mailbox *mb;
    struct jobs *resolver;
    struct loop *loop;
    struct net *net;
    struct grpc_client *client;
    struct grpc_stream *stream; /* NULL: it has ended */
    struct block *block;        /* the last one received */
    bool ready, answered;       /* the connection is there; a status came */
    bool woken;                 /* what is waited for has happened, or never will */
    uint64_t status;
    enum weft_code failed;
    struct weft_err why;
};

const char *common_status_name(uint64_t status)
{
    static const struct {
        uint64_t number;
        const char *name;
    } names[] = {
        { 0, "UNKNOWN" },
        { 200, "SUCCESS" },
        { 400, "BAD_REQUEST" },
        { 403, "FORBIDDEN" },
        { 404, "NOT_FOUND" },
        { 413, "REQUEST_ENTITY_TOO_LARGE" },
        { 500, "INTERNAL_SERVER_ERROR" },
        { 501, "NOT_IMPLEMENTED" },
        { 503, "SERVICE_UNAVAILABLE" },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(names); i++)
        if (names[i].number == status)
            return names[i].name;
    return NULL;
}

static void wait_for_it(struct deliver_fetch *f)
{
    f->woken = false;
    while (!f->woken)
        loop_turn(f->loop, -1);
}

static void give_up(struct deliver_fetch *f, enum weft_code rc)
{
    f->failed = rc;
    f->woken = true;
}

/* ---- the connection ------------------------------------------------------------------ */

static void on_ready(void *user)
{
    struct deliver_fetch *f = user;
    f->ready = true;
    f->woken = true;
}

static void on_down(void *user, const struct weft_err *why)
{
    struct deliver_fetch *f = user;
    f->why = *why;
    give_up(f, why->code != WEFT_OK ? why->code : WEFT_UNAVAILABLE);
}

static const struct grpc_client_ops client_ops = { .on_ready = on_ready, .on_down = on_down };

/* ---- the stream ------------------------------------------------------------------------- */

/* DeliverResponse { 1 status | 2 block } */
static void on_message(struct grpc_stream *s, struct net_msg *m)
{
    struct deliver_fetch *f = grpc_stream_user(s);
    struct wire w = wire_of(net_msg_bytes(m));
    struct wire_field field;
    enum weft_code rc = WEFT_OK;
    while (wire_next(&w, &field)) {
        if (wire_is(&field, 1, WIRE_VARINT)) {
            f->status = field.varint;
            f->answered = true;
        } else if (wire_is(&field, 2, WIRE_LEN)) {
            block_unref(WEFT_TAKE(f->block));
            rc = block_parse(field.bytes, &f->block, &f->why);
        }
    }
    if (w.bad)
        rc = WEFT_FAIL(&f->why, WEFT_INVALID, "error receiving: the answer is no DeliverResponse");
    net_msg_unref(m);
    if (rc != WEFT_OK)
        give_up(f, rc);
    else if (f->answered)
        f->woken = true;
}

static void on_close(struct grpc_stream *s, enum grpc_code code, const char *message)
{
    struct deliver_fetch *f = grpc_stream_user(s);
    f->stream = NULL;
    if (f->answered)
        return;
    (void)WEFT_FAIL(&f->why, WEFT_UNAVAILABLE, "error receiving: rpc error: code = %d desc = %s",
                    (int)code, message);
    give_up(f, WEFT_UNAVAILABLE);
}

static const struct grpc_stream_ops stream_ops = { .on_message = on_message, .on_close = on_close };

enum weft_code deliver_fetch_open(const struct deliver_fetch_config *config,
                                  struct deliver_fetch **ret, struct weft_err *e)
{
    WEFT_CLEANUP(deliver_fetch_close) struct deliver_fetch *f = weft_alloc(sizeof(*f));
    f->config = *config;
    f->mb = mailbox_new("fetch", MAIL);
    f->resolver = jobs_new("resolve", 1, MAIL);
    f->loop = loop_new(f->mb, f);
    f->net = net_new(f->loop, NULL, f->mb, f->resolver);
    f->client = grpc_client_new(f->net,
                                &(struct grpc_client_config){
                                    .address = config->address,
                                    .tls = config->tls,
                                    .host_override = config->host_override,
                                    .connect_timeout_ms = config->connect_timeout_ms,
                                },
                                &client_ops, f);
    wait_for_it(f);
    if (!f->ready)
        return WEFT_FAIL(
            e, f->failed, "%s client failed to connect to %s: failed to create new connection: %s",
            config->method[1] == 'o' ? "orderer" : "deliver", config->address, f->why.msg);
    f->stream = grpc_client_call(f->client, config->method, NULL, 0, &stream_ops, f);
    if (f->stream == NULL)
        return WEFT_FAIL(e, WEFT_UNAVAILABLE, "client failed to connect to %s: it takes no calls",
                         config->address);
    *ret = WEFT_TAKE(f);
    return WEFT_OK;
}

void deliver_fetch_close(struct deliver_fetch *f)
{
    if (f == NULL)
        return;
    f->answered = true; /* nobody waits any more */
    grpc_client_free(f->client);
    mailbox_close(f->mb);
    jobs_free(f->resolver);
    net_free(f->net);
    loop_free(f->loop);
    mailbox_free(f->mb);
    block_unref(f->block);
    free(f);
}

/* ---- asking ------------------------------------------------------------------------------ */

static enum weft_code make_request(const struct deliver_fetch *f,
                                   const struct seek_position *position, struct buf *out,
                                   struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf info = { 0 };
    const struct digest *our_hash = grpc_client_peer(f->client)->our_hash;
    struct seek_info seek = { .start = *position,
                              .stop = *position,
                              .best_effort = f->config.best_effort };
    seek_info_encode(&seek, &info);
    struct envelope_plan plan = {
        .type = HEADER_DELIVER_SEEK_INFO,
        .channel_id = f->config.channel_id,
        .now_ns = clock_wall_ns(),
        .tls_cert_hash = our_hash != NULL ? digest_bytes(our_hash) : bytes_of(NULL, 0),
        .data = buf_bytes(&info),
    };
    return signed_envelope(f->config.signer, &plan, out, e);
}

enum weft_code deliver_fetch_block(struct deliver_fetch *f, const struct seek_position *position,
                                   struct block **ret, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf request = { 0 };
    if (f->stream == NULL)
        return WEFT_FAIL(e, WEFT_UNAVAILABLE, "the stream has ended");
    WEFT_TRY(make_request(f, position, &request, e));
    f->answered = false;
    WEFT_TRY(grpc_stream_send(f->stream, net_msg_copy(buf_bytes(&request)), e));
    wait_for_it(f);
    if (!f->answered)
        return WEFT_FAIL(e, f->failed, "%s", f->why.msg);
    if (f->block == NULL) {
        const char *name = common_status_name(f->status);
        LOG_INFO(&logger, "Expect block, but got status: &{%s}", name != NULL ? name : "?");
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "can't read the block: &{%s}",
                         name != NULL ? name : "?");
    }
    LOG_INFO(&logger, "Received block: %" PRIu64, f->block->v.number);
    *ret = WEFT_TAKE(f->block);
    return WEFT_OK;
}
