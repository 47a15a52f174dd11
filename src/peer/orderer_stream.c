#include "peer/orderer_stream.h"

#include "net/grpc_client.h"
#include "node/net_loop.h"
#include "proto/block.h"

struct orderer_stream {
    _Atomic unsigned refs;
    struct orderer_stream_plan plan; /* address and request are our copies */
    struct mail open, close;
    /* The loop's. */
    struct grpc_client *client;
    struct grpc_stream *stream;
    size_t out_bytes, out_events;
    bool is_ready, has_ended, is_closed;
};

static void stream_unref(struct orderer_stream *s)
{
    if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    tls_context_unref(s->plan.tls);
    free((char *)s->plan.address);
    free((uint8_t *)s->plan.request.data);
    free(s);
}

static struct orderer_stream *stream_ref(struct orderer_stream *s)
{
    (void)atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

/* ---- events ---------------------------------------------------------------------------------- */

static void event_free(struct orderer_event *ev)
{
    block_unref(ev->block);
    net_msg_unref(ev->message);
    free(ev->why);
    stream_unref(ev->of);
    free(ev);
}

static void event_dropped(struct mail *m)
{
    event_free(WEFT_CONTAINER_OF(m, struct orderer_event, mail));
}

static void event_taken(struct mail *m, void *owner)
{
    struct orderer_event *ev = WEFT_CONTAINER_OF(m, struct orderer_event, mail);
    (void)owner;
    ev->of->plan.take(ev->of->plan.ctx, ev);
}

static size_t event_bytes(const struct orderer_event *ev)
{
    return ev->message != NULL ? ev->message->len : 0;
}

static bool has_room(const struct orderer_stream *s)
{
    return s->out_bytes <= ORDERER_STREAM_BYTES && s->out_events < ORDERER_STREAM_EVENTS;
}

/* Takes the message, and the words. */
static void tell(struct orderer_stream *s, enum orderer_event_kind kind, struct net_msg *message,
                 char *why) /* NOLINT(readability-non-const-parameter): freed with the event */
{
    struct orderer_event *ev = weft_alloc(sizeof(*ev));
    *ev = (struct orderer_event){ .mail = { .handle = event_taken, .drop = event_dropped },
                                  .kind = kind,
                                  .attempt = s->plan.attempt,
                                  .message = message,
                                  .why = why,
                                  .of = stream_ref(s) };
    size_t bytes = event_bytes(ev);
    if (s->is_closed || !mailbox_put(s->plan.back, &ev->mail)) {
        event_free(ev); /* nobody wants to know any more */
        return;
    }
    s->out_bytes += bytes;
    s->out_events++;
    if (!has_room(s) && s->stream != NULL)
        grpc_stream_pause(s->stream);
}

/* On the loop again. */
static void event_back(struct mail *m, void *owner)
{
    struct orderer_event *ev = WEFT_CONTAINER_OF(m, struct orderer_event, mail);
    struct orderer_stream *s = ev->of;
    (void)owner;
    s->out_bytes -= event_bytes(ev);
    s->out_events--;
    if (has_room(s) && s->stream != NULL)
        grpc_stream_resume(s->stream);
    event_free(ev);
}

void orderer_event_done(struct orderer_event *ev)
{
    ev->mail = (struct mail){ .handle = event_back, .drop = event_dropped };
    if (!mailbox_put_waiting(net_loop_mailbox(ev->of->plan.loop), &ev->mail))
        event_free(ev);
}

/* ---- the call ---------------------------------------------------------------------------------- */

static void fail(struct orderer_stream *s, char *why)
{
    s->has_ended = true;
    tell(s, ORDERER_FAILED, NULL, why);
}

static void on_message(struct grpc_stream *call, struct net_msg *m)
{
    tell(grpc_stream_user(call), ORDERER_MESSAGE, m, NULL);
}

static void on_close(struct grpc_stream *call, enum grpc_code code, const char *message)
{
    struct orderer_stream *s = grpc_stream_user(call);
    s->stream = NULL;
    if (s->has_ended)
        return;
    s->has_ended = true;
    tell(s, ORDERER_CLOSED, NULL,
         code == GRPC_OK
             ? weft_strdup("EOF")
             : weft_asprintf("rpc error: code = %s desc = %s", grpc_code_name((int)code), message));
}

static const struct grpc_stream_ops call_ops = { .on_message = on_message, .on_close = on_close };

static void on_ready(void *user)
{
    struct orderer_stream *s = user;
    struct weft_err e = { 0 };
    s->is_ready = true;
    s->stream =
        grpc_client_call(s->client, "/orderer.AtomicBroadcast/Deliver", NULL, 0, &call_ops, s);
    if (s->stream == NULL) {
        fail(s, weft_asprintf("could not create deliver client to endpoints '%s': it takes no "
                              "calls",
                              s->plan.address));
        return;
    }
    if (grpc_stream_send(s->stream, net_msg_copy(s->plan.request), &e) != WEFT_OK) {
        fail(s, weft_asprintf("could not send deliver seek info handshake to '%s': %s",
                              s->plan.address, e.msg));
        return;
    }
    tell(s, ORDERER_CONNECTED, NULL, NULL);
}

static void on_down(void *user, const struct weft_err *why)
{
    struct orderer_stream *s = user;
    if (!s->is_ready && !s->has_ended)
        fail(s, weft_asprintf("could not dial endpoint '%s': failed to create new connection: %s",
                              s->plan.address, why->msg));
}

static const struct grpc_client_ops client_ops = { .on_ready = on_ready, .on_down = on_down };

/* ---- from the channel's thread -------------------------------------------------------------------- */

static void open_here(struct mail *m, void *owner)
{
    struct orderer_stream *s = WEFT_CONTAINER_OF(m, struct orderer_stream, open);
    (void)owner;
    s->client = grpc_client_new(net_loop_net(s->plan.loop),
                                &(struct grpc_client_config){
                                    .address = s->plan.address,
                                    .tls = s->plan.tls,
                                    .connect_timeout_ms = s->plan.connect_timeout_ms,
                                    .keepalive_ms = s->plan.keepalive_ms,
                                    .keepalive_timeout_ms = s->plan.keepalive_timeout_ms,
                                },
                                &client_ops, s);
    memory_rest_soon(&net_loop_net(s->plan.loop)->rest); /* to dial takes what it ends without */
}

static void close_here(struct mail *m, void *owner)
{
    struct orderer_stream *s = WEFT_CONTAINER_OF(m, struct orderer_stream, close);
    (void)owner;
    s->is_closed = true;
    grpc_client_free(s->client);
    stream_unref(s);
}

static void open_dropped(struct mail *m)
{
    (void)m; /* a close follows */
}

static void close_dropped(struct mail *m)
{
    stream_unref(WEFT_CONTAINER_OF(m, struct orderer_stream, close));
}

struct orderer_stream *orderer_stream_open(const struct orderer_stream_plan *plan)
{
    struct orderer_stream *s = weft_alloc(sizeof(*s));
    uint8_t *request = weft_alloc(plan->request.len + 1);
    memcpy(request, plan->request.data, plan->request.len);
    atomic_init(&s->refs, 1);
    s->plan = *plan;
    s->plan.address = weft_strdup(plan->address);
    s->plan.request = bytes_of(request, plan->request.len);
    s->plan.tls = plan->tls != NULL ? tls_context_ref(plan->tls) : NULL;
    s->open = (struct mail){ .handle = open_here, .drop = open_dropped };
    s->close = (struct mail){ .handle = close_here, .drop = close_dropped };
    WEFT_IGNORE(
        mailbox_put_waiting(net_loop_mailbox(plan->loop), &s->open)); /* closed: at the end */
    return s;
}

void orderer_stream_close(struct orderer_stream *s)
{
    if (!mailbox_put_waiting(net_loop_mailbox(s->plan.loop), &s->close))
        stream_unref(s);
}
