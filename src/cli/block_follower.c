#include "cli/block_follower.h"

#include "deliver/deliver_fetch.h"
#include "deliver/seek.h"
#include "msp/signed_envelope.h"
#include "net/grpc_client.h"
#include "os/clock.h"
#include "proto/block.h"
#include "proto/wire.h"

struct block_follower {
    const struct bench_plan *plan;
    const struct block_follower_ops *ops;
    void *ctx;
    struct grpc_client *grpc;
    struct grpc_stream *stream;
    uint64_t first;
    bool has_ended;
};

static void end(struct block_follower *f, const char *why)
{
    if (f->has_ended)
        return;
    f->has_ended = true;
    f->ops->on_end(f->ctx, why);
}

static void take_block(struct block_follower *f, struct bytes wire)
{
    WEFT_CLEANUP(block_view_done) struct block_view v = { 0 };
    struct weft_err e;
    uint64_t now = clock_monotonic_ns();
    if (block_view_parse(&v, wire, &e) != WEFT_OK) {
        end(f, e.msg);
        return;
    }
    for (size_t i = 0; i < v.txs.count; i++)
        f->ops->on_envelope(f->ctx, v.txs.at[i], now);
    f->ops->on_block(f->ctx);
}

/* DeliverResponse { 1 status | 2 block } */
static void on_message(struct grpc_stream *s, struct net_msg *m)
{
    struct block_follower *f = grpc_stream_user(s);
    struct wire w = wire_of(net_msg_bytes(m));
    struct wire_field field;
    while (!f->has_ended && wire_next(&w, &field)) {
        if (wire_is(&field, 2, WIRE_LEN))
            take_block(f, field.bytes);
        else
            end(f, common_status_name(field.varint));
    }
    net_msg_unref(m);
}

static void on_close(struct grpc_stream *s, enum grpc_code code, const char *message)
{
    struct block_follower *f = grpc_stream_user(s);
    (void)code;
    f->stream = NULL;
    end(f, message);
}

static const struct grpc_stream_ops stream_ops = { .on_message = on_message, .on_close = on_close };

static enum weft_code ask(struct block_follower *f, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf info = { 0 };
    WEFT_CLEANUP(buf_done) struct buf request = { 0 };
    const struct digest *our_hash = grpc_client_peer(f->grpc)->our_hash;
    const struct seek_info seek = { .start = { SEEK_SPECIFIED, f->first },
                                    .stop = { SEEK_SPECIFIED, UINT64_MAX } };
    seek_info_encode(&seek, &info);
    const struct envelope_plan plan = {
        .type = HEADER_DELIVER_SEEK_INFO,
        .channel_id = f->plan->channel,
        .now_ns = clock_wall_ns(),
        .tls_cert_hash = our_hash != NULL ? digest_bytes(our_hash) : bytes_of(NULL, 0),
        .data = buf_bytes(&info),
    };
    WEFT_TRY(signed_envelope(f->plan->me, &plan, &request, e));
    f->stream =
        grpc_client_call(f->grpc, "/orderer.AtomicBroadcast/Deliver", NULL, 0, &stream_ops, f);
    if (f->stream == NULL)
        return WEFT_FAIL(e, WEFT_UNAVAILABLE, "the connection takes no calls");
    return grpc_stream_send(f->stream, net_msg_copy(buf_bytes(&request)), e);
}

static void on_ready(void *user)
{
    struct block_follower *f = user;
    struct weft_err e;
    if (ask(f, &e) != WEFT_OK)
        end(f, e.msg);
    else
        f->ops->on_asked(f->ctx);
}

static void on_down(void *user, const struct weft_err *why)
{
    end(user, why->msg);
}

static const struct grpc_client_ops client_ops = { .on_ready = on_ready, .on_down = on_down };

struct block_follower *block_follower_new(const struct bench_plan *plan, struct bench_thread *t,
                                          uint64_t first, const struct block_follower_ops *ops,
                                          void *ctx)
{
    struct block_follower *f = weft_alloc(sizeof(*f));
    f->plan = plan;
    f->ops = ops;
    f->ctx = ctx;
    f->first = first;
    f->grpc = grpc_client_new(t->net,
                              &(struct grpc_client_config){
                                  .address = plan->target.address,
                                  .tls = plan->target.tls,
                                  .host_override = plan->target.host_override,
                                  .connect_timeout_ms = plan->target.connect_timeout_ms,
                              },
                              &client_ops, f);
    return f;
}

void block_follower_free(struct block_follower *f)
{
    if (f == NULL)
        return;
    f->has_ended = true; /* what closes now is no news */
    grpc_client_free(f->grpc);
    free(f);
}
