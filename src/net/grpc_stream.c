#include "net/grpc_conn.h"

#include <stdarg.h>

enum {
    H2_ERROR_INTERNAL = 2,
    H2_ERROR_CANCEL = 8
};

static struct grpc_stream *of_h2(struct h2_stream *h2s)
{
    return WEFT_CONTAINER_OF(h2s, struct grpc_stream, h2s);
}

/* ---- life ------------------------------------------------------------------------ */

static void pump_task(struct loop_task *t);
static void deadline_due(struct loop_timer *t);

static const struct grpc_stream_ops nothing = { 0 };

struct grpc_stream *grpc_stream_new(struct grpc_conn *c)
{
    struct grpc_stream *s = weft_alloc(sizeof(*s));
    s->conn = c;
    s->ops = &nothing;
    s->pump.run = pump_task;
    s->deadline.fire = deadline_due;
    return s;
}

static void count_partial(struct grpc_stream *s)
{
    size_t now = s->deframer.msg != NULL ? s->deframer.room : 0;
    s->conn->partial_bytes += now;
    s->conn->partial_bytes -= s->partial_counted;
    s->partial_counted = now;
}

static void free_stream(struct grpc_stream *s)
{
    loop_undefer(s->conn->net->loop, &s->pump);
    loop_timer_clear(s->conn->net->loop, &s->deadline);
    grpc_deframer_done(&s->deframer);
    count_partial(s);
    if (s->orphan_link != NULL) {
        *s->orphan_link = s->next_orphan;
        if (s->next_orphan != NULL)
            s->next_orphan->orphan_link = s->orphan_link;
    }
    net_msg_unref(s->unary_request);
    grpc_meta_done(&s->metadata);
    grpc_meta_done(&s->trailers);
    grpc_meta_done(&s->to_send_headers);
    grpc_meta_done(&s->to_send_trailers);
    buf_done(&s->held);
    free(s->path);
    free(s->message);
    free(s);
}

static void set_status(struct grpc_stream *s, enum grpc_code code, const char *message)
{
    if (s->has_status)
        return;
    s->has_status = true;
    s->code = code;
    s->message = weft_strdup(message != NULL ? message : "");
}

/* The handler's last word on it. */
static void tell_close(struct grpc_stream *s)
{
    if (s->life == GRPC_STREAM_CLOSED)
        return;
    s->life = GRPC_STREAM_CLOSED;
    if (s->conn->ops->on_stream_end != NULL)
        s->conn->ops->on_stream_end(s);
    if (s->ops->on_close != NULL)
        s->ops->on_close(s, s->code, s->message);
    s->ops = &nothing;
}

void grpc_stream_forget(struct grpc_stream *s)
{
    set_status(s, GRPC_CANCELLED, "context canceled");
    tell_close(s);
    free_stream(s);
}

/* ---- receiving --------------------------------------------------------------------- */

/* What is wrong with the compressed flag depends on what was announced. */
static void refuse_compressed(struct grpc_stream *s)
{
    bool named = s->encoding[0] != '\0' && strcmp(s->encoding, "identity") != 0;
    if (!named) {
        grpc_stream_fail(s, GRPC_INTERNAL,
                         "grpc: compressed flag set with identity or empty encoding");
        return;
    }
    grpc_meta_add(&s->to_send_trailers, bytes_of_str("grpc-accept-encoding"),
                  bytes_of_str("identity"));
    grpc_stream_fail(s, GRPC_UNIMPLEMENTED,
                     "grpc: Decompressor is not installed for grpc-encoding \"%s\"", s->encoding);
}

static void deliver(struct grpc_stream *s, struct net_msg *m)
{
    if (s->conn->ops->on_message != NULL)
        s->conn->ops->on_message(s, false);
    if (s->ops->on_message == NULL) {
        net_msg_unref(m);
        return;
    }
    s->ops->on_message(s, m);
}

/* One step of the deframer; false: it needs more, or the call is over. */
static bool take_message(struct grpc_stream *s, struct bytes *data)
{
    size_t most = s->conn->net->limits.message_recv_bytes;
    struct net_msg *m = NULL;
    switch (grpc_deframer_step(&s->deframer, data, most, &m)) {
    case GRPC_DEFRAME_MORE:
        count_partial(s);
        if (s->conn->partial_bytes > s->conn->net->limits.partial_bytes)
            grpc_stream_fail(s, GRPC_RESOURCE_EXHAUSTED, "grpc: too many unfinished messages");
        return false;
    case GRPC_DEFRAME_MESSAGE:
        count_partial(s);
        deliver(s, m);
        return true;
    case GRPC_DEFRAME_TOO_LARGE:
        grpc_stream_fail(s, GRPC_RESOURCE_EXHAUSTED,
                         "grpc: received message larger than max (%zu vs. %zu)",
                         grpc_deframer_partial(&s->deframer), most);
        return false;
    case GRPC_DEFRAME_COMPRESSED:
        refuse_compressed(s);
        return false;
    case GRPC_DEFRAME_BAD_FLAG:
        grpc_stream_fail(s, GRPC_INTERNAL, "grpc: received unexpected payload format %u",
                         s->deframer.prefix[0]);
        return false;
    }
    return false;
}

/* Gives messages to the handler; returns what it did not use, being paused. */
static struct bytes take_messages(struct grpc_stream *s, struct bytes data)
{
    while (data.len > 0 && s->life == GRPC_STREAM_OPEN && !s->paused) {
        size_t before = data.len;
        (void)take_message(s, &data);
        if (!s->h2_closed)
            h2_consume(&s->h2s, before - data.len);
    }
    if (s->life == GRPC_STREAM_OPEN)
        return data;
    grpc_deframer_done(&s->deframer); /* what had begun is dropped, and so is the rest */
    count_partial(s);
    if (!s->h2_closed)
        h2_consume(&s->h2s, data.len);
    return bytes_of(NULL, 0);
}

static void end_of_input(struct grpc_stream *s)
{
    if (s->told_half_close || s->life != GRPC_STREAM_OPEN)
        return;
    s->told_half_close = true;
    if (grpc_deframer_is_inside(&s->deframer)) {
        grpc_stream_fail(s, GRPC_INTERNAL, "grpc: the stream ended inside a message");
        return;
    }
    if (s->conn->side == H2_SERVER && s->ops->on_half_close != NULL)
        s->ops->on_half_close(s);
}

static void deliver_held(struct grpc_stream *s)
{
    struct bytes rest = bytes_skip(buf_bytes(&s->held), s->held_from);
    struct bytes left = take_messages(s, rest);
    s->held_from += rest.len - left.len;
    if (s->held_from < s->held.len)
        return;
    buf_done(&s->held);
    s->held_from = 0;
    if (!s->paused && s->h2s.remote_ended)
        end_of_input(s);
}

/* What was held back is delivered, then what came behind it; a call that was
 * cut off is reported. */
static void pump(struct grpc_stream *s)
{
    if (s->life == GRPC_STREAM_OPEN)
        deliver_held(s);
    bool waits = s->life == GRPC_STREAM_OPEN && (s->paused || s->held.len > 0);
    if (s->h2_closed && !waits)
        grpc_stream_forget(s);
    else if (s->life == GRPC_STREAM_CUT)
        tell_close(s);
}

static void pump_task(struct loop_task *t)
{
    pump(WEFT_CONTAINER_OF(t, struct grpc_stream, pump));
}

void grpc_stream_data(struct h2_stream *h2s, struct bytes data)
{
    struct grpc_stream *s = of_h2(h2s);
    if (s->held.len == 0)
        data = take_messages(s, data);
    buf_put(&s->held, data); /* at most the stream's window */
}

void grpc_stream_end(struct h2_stream *h2s)
{
    struct grpc_stream *s = of_h2(h2s);
    if (s->held.len == 0 && !s->paused)
        end_of_input(s);
    /* A server may end before its client does; our side ends with it. */
    if (s->conn->side == H2_CLIENT && s->h2s.sending != H2_ENDED)
        h2_reset(&s->h2s, 0);
}

void grpc_stream_pause(struct grpc_stream *s)
{
    s->paused = true;
}

void grpc_stream_resume(struct grpc_stream *s)
{
    if (!s->paused)
        return;
    s->paused = false;
    loop_defer(s->conn->net->loop, &s->pump);
}

/* ---- the end ------------------------------------------------------------------------ */

/* The peer's own status, if its trailers had one, or what HTTP/2 says. */
static void status_from_close(struct grpc_stream *s, uint32_t error)
{
    if (s->conn->side == H2_SERVER) {
        set_status(s, GRPC_CANCELLED, "context canceled");
    } else if (s->conn->why_down != NULL) {
        set_status(s, GRPC_UNAVAILABLE, s->conn->why_down);
    } else if (s->http_status != 0 && s->http_status != 200) {
        char text[64];
        (void)snprintf(text, sizeof(text), "unexpected HTTP status code received from server: %u",
                       s->http_status);
        set_status(s, grpc_code_of_http_status(s->http_status), text);
    } else if (error != 0) {
        char text[64];
        (void)snprintf(text, sizeof(text), "stream terminated by RST_STREAM with error code: %u",
                       error);
        set_status(s, grpc_code_of_h2_error(error), text);
    } else {
        set_status(s, GRPC_INTERNAL, "server closed the stream without sending trailers");
    }
}

void grpc_stream_closed(struct h2_stream *h2s, uint32_t error)
{
    struct grpc_stream *s = of_h2(h2s);
    struct grpc_conn *c = s->conn;
    bool client = c->side == H2_CLIENT;
    s->h2_closed = true;
    if (client && s->h2s.headers_too_large) { /* a status that came with them is half a story */
        s->has_status = false;
        free(WEFT_TAKE(s->message));
        set_status(s, GRPC_INTERNAL, "peer header list size exceeded limit");
    }
    /* The messages before the status come first, when their reader wants them. */
    if (client && s->has_status && s->life == GRPC_STREAM_OPEN && (s->held.len > 0 || s->paused)) {
        s->next_orphan = c->orphans;
        s->orphan_link = &c->orphans;
        if (c->orphans != NULL)
            c->orphans->orphan_link = &s->next_orphan;
        c->orphans = s;
        return;
    }
    status_from_close(s, error);
    grpc_stream_forget(s);
}

/* Ends a call here and now; its handler hears of it at the end of the turn,
 * however long the peer's side of it takes. */
static void cut(struct grpc_stream *s, enum grpc_code code, const char *why, uint32_t h2_error)
{
    if (s->life == GRPC_STREAM_CUT || s->life == GRPC_STREAM_CLOSED)
        return;
    set_status(s, code, why);
    s->life = GRPC_STREAM_CUT;
    if (!s->h2_closed)
        h2_reset(&s->h2s, h2_error);
    loop_defer(s->conn->net->loop, &s->pump);
}

void grpc_stream_cancel(struct grpc_stream *s)
{
    cut(s, GRPC_CANCELLED, "context canceled", H2_ERROR_CANCEL);
}

void grpc_stream_fail(struct grpc_stream *s, enum grpc_code code, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (s->conn->side == H2_SERVER) {
        grpc_stream_finish(s, code, text);
        return;
    }
    /* The server's status does not count any more. */
    free(s->message);
    s->message = NULL;
    s->has_status = false;
    cut(s, code, text, H2_ERROR_CANCEL);
}

static void deadline_due(struct loop_timer *t)
{
    struct grpc_stream *s = WEFT_CONTAINER_OF(t, struct grpc_stream, deadline);
    if (s->conn->side == H2_SERVER && h2_is_idle(&s->h2s)) {
        grpc_stream_finish(s, GRPC_DEADLINE_EXCEEDED, "context deadline exceeded");
        return;
    }
    cut(s, GRPC_DEADLINE_EXCEEDED, "context deadline exceeded", H2_ERROR_CANCEL);
}

void grpc_stream_set_deadline(struct grpc_stream *s, uint64_t timeout_ms)
{
    struct loop *l = s->conn->net->loop;
    loop_timer_set(l, &s->deadline, loop_now_ms(l) + timeout_ms);
}

/* ---- sending -------------------------------------------------------------------------- */

static void send_response_headers(struct grpc_stream *s)
{
    static const struct h2_field fixed[] = {
        { { (const uint8_t *)":status", 7 }, { (const uint8_t *)"200", 3 } },
        { { (const uint8_t *)"content-type", 12 }, { (const uint8_t *)"application/grpc", 16 } },
    };
    (void)grpc_send_fields(s, GRPC_RESPONSE, fixed, WEFT_ARRAY_LEN(fixed), &s->to_send_headers);
}

enum weft_code grpc_stream_send(struct grpc_stream *s, struct net_msg *m, struct weft_err *e)
{
    const struct net_limits *l = &s->conn->net->limits;
    WEFT_CLEANUP(net_msg_unref) struct net_msg *mine = m;
    if (s->life != GRPC_STREAM_OPEN || s->h2_closed)
        return WEFT_FAIL(e, WEFT_CANCELLED, "the call is over");
    if (m->len > l->message_send_bytes)
        return WEFT_FAIL(e, WEFT_LIMIT, "trying to send message larger than max (%zu vs. %u)",
                         m->len, l->message_send_bytes);
    if (s->h2s.out_bytes > 0 && s->h2s.out_bytes + m->len > l->outbound_bytes)
        return WEFT_FAIL(e, WEFT_LIMIT, "the peer reads too slowly: %zu bytes are queued",
                         s->h2s.out_bytes);
    if (s->h2s.sending == H2_IDLE)
        send_response_headers(s);
    if (s->conn->io != NULL)
        net_conn_known(s->conn->io);
    if (s->conn->ops->on_message != NULL)
        s->conn->ops->on_message(s, true);
    h2_send(&s->h2s, WEFT_TAKE(mine));
    return WEFT_OK;
}

static bool is_over(const struct grpc_stream *s)
{
    return s->life != GRPC_STREAM_OPEN || s->h2_closed;
}

bool grpc_stream_is_writable(struct grpc_stream *s)
{
    return !is_over(s) && h2_is_short(&s->h2s, s->conn->net->limits.outbound_low_bytes, false);
}

bool grpc_stream_is_drained(struct grpc_stream *s)
{
    return !is_over(s) && h2_is_short(&s->h2s, 0, true);
}

size_t grpc_stream_queued(const struct grpc_stream *s)
{
    return s->h2s.out_bytes;
}

void grpc_stream_writable(struct h2_stream *h2s)
{
    struct grpc_stream *s = of_h2(h2s);
    if (s->life == GRPC_STREAM_OPEN && s->ops->on_writable != NULL)
        s->ops->on_writable(s);
}

static void status_fields(const struct grpc_stream *s, struct grpc_meta *out)
{
    WEFT_CLEANUP(buf_done) struct buf text = { 0 };
    char code[12];
    (void)snprintf(code, sizeof(code), "%d", (int)s->code);
    grpc_meta_add(out, bytes_of_str("grpc-status"), bytes_of_str(code));
    grpc_message_encode(s->message, &text);
    if (text.len > 0)
        grpc_meta_add(out, bytes_of_str("grpc-message"), buf_bytes(&text));
    for (struct grpc_meta_item i = { 0 }; grpc_meta_next(&s->to_send_trailers, &i);)
        grpc_meta_add(out, i.name, i.value);
}

void grpc_stream_drained(struct h2_stream *h2s)
{
    struct grpc_stream *s = of_h2(h2s);
    WEFT_CLEANUP(grpc_meta_done) struct grpc_meta fields = { 0 };
    status_fields(s, &fields);
    (void)grpc_send_fields(s, GRPC_TRAILERS, NULL, 0, &fields);
}

void grpc_stream_finish(struct grpc_stream *s, enum grpc_code code, const char *message)
{
    if (s->life > GRPC_STREAM_OPEN)
        return;
    s->life = GRPC_STREAM_ENDING;
    set_status(s, code, message);
    if (s->h2s.sending != H2_IDLE) {
        h2_end(&s->h2s);
        return;
    }
    WEFT_CLEANUP(grpc_meta_done) struct grpc_meta fields = { 0 };
    char status[4] = "200";
    if (s->http_status != 0)
        (void)snprintf(status, sizeof(status), "%u", s->http_status % 1000);
    const struct h2_field fixed[] = {
        { bytes_of_str(":status"), bytes_of_str(status) },
        { bytes_of_str("content-type"), bytes_of_str("application/grpc") },
    };
    status_fields(s, &fields);
    (void)grpc_send_fields(s, GRPC_RESPONSE_LAST, fixed, WEFT_ARRAY_LEN(fixed), &fields);
}

void grpc_stream_reply(struct grpc_stream *s, struct net_msg *m)
{
    struct weft_err e;
    if (grpc_stream_send(s, m, &e) == WEFT_OK)
        grpc_stream_finish(s, GRPC_OK, NULL);
    else
        grpc_stream_finish(s, GRPC_RESOURCE_EXHAUSTED, e.msg);
}

void grpc_stream_half_close(struct grpc_stream *s)
{
    if (!s->h2_closed)
        h2_end(&s->h2s);
}

static void add_for_wire(struct grpc_meta *m, const char *name, struct bytes value)
{
    WEFT_ASSERT(grpc_meta_name_is_valid(bytes_of_str(name)));
    grpc_meta_add(m, bytes_of_str(name), value);
}

void grpc_stream_add_header(struct grpc_stream *s, const char *name, struct bytes value)
{
    add_for_wire(&s->to_send_headers, name, value);
}

void grpc_stream_add_trailer(struct grpc_stream *s, const char *name, struct bytes value)
{
    add_for_wire(&s->to_send_trailers, name, value);
}

/* ---- what a handler may ask ------------------------------------------------------------ */

void grpc_stream_set_user(struct grpc_stream *s, void *user)
{
    s->user = user;
}

void *grpc_stream_user(const struct grpc_stream *s)
{
    return s->user;
}

const char *grpc_stream_path(const struct grpc_stream *s)
{
    return s->path != NULL ? s->path : "";
}

const struct net_peer *grpc_stream_peer(const struct grpc_stream *s)
{
    return s->conn->io != NULL ? net_conn_peer(s->conn->io) : &s->conn->no_peer;
}

const struct grpc_meta *grpc_stream_metadata(const struct grpc_stream *s)
{
    return &s->metadata;
}

const struct grpc_meta *grpc_stream_trailers(const struct grpc_stream *s)
{
    return &s->trailers;
}

uint64_t grpc_stream_deadline_ms(const struct grpc_stream *s)
{
    return s->deadline.place != 0 ? s->deadline.at_ms : 0;
}
