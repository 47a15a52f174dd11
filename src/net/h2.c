#include "net/h2_core.h"

enum {
    TURN_BYTES = 64 << 10
}; /* a turn ends at the first message boundary behind this */

const uint8_t h2_drain_ping[8] = "drain";

/* ---- the defence --------------------------------------------------------- */

void h2_terminate(struct h2 *h, uint32_t error, const char *text)
{
    if (h->life >= LIFE_DYING)
        return;
    h->life = LIFE_DYING;
    int32_t last = nghttp2_session_get_last_proc_stream_id(h->session);
    (void)nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE, last, error, (const uint8_t *)text,
                                strlen(text)); /* if not, it ends without a word */
    h2_wake(h);
}

/* Something no honest peer does often. */
void h2_glitch(struct h2 *h, uint32_t cost)
{
    if (!rate_limit_take(&h->glitches, cost, h->now_ms))
        h2_terminate(h, NGHTTP2_ENHANCE_YOUR_CALM, "too_many_glitches");
}

/* ---- streams --------------------------------------------------------------- */

void h2_link(struct h2 *h, struct h2_stream *s, int32_t id)
{
    s->h2 = h;
    s->id = id;
    s->out_end = &s->out;
    s->next = h->streams;
    s->link = &h->streams;
    if (s->next != NULL)
        s->next->link = &s->next;
    h->streams = s;
    h->stream_count++;
}

static void leave_queue(struct h2 *h, struct h2_stream *s)
{
    if (h->turn == s)
        h->turn = NULL;
    if (s->turn_link == NULL)
        return;
    *s->turn_link = s->turn_next;
    if (s->turn_next != NULL)
        s->turn_next->turn_link = s->turn_link;
    else
        h->waiting_end = s->turn_link;
    s->turn_link = NULL;
}

void h2_join_queue(struct h2 *h, struct h2_stream *s)
{
    if (s->turn_link != NULL || h->turn == s)
        return;
    s->turn_next = NULL;
    s->turn_link = h->waiting_end;
    *h->waiting_end = s;
    h->waiting_end = &s->turn_next;
}

static void pop_out(struct h2_stream *s)
{
    struct h2_out *o = s->out;
    s->out = o->next;
    if (s->out == NULL)
        s->out_end = &s->out;
    s->out_offset = 0;
    s->out_read = (struct net_msg_reader){ 0 };
    net_msg_unref(o->msg);
    free(o);
}

void h2_close_stream(struct h2 *h, struct h2_stream *s, uint32_t error)
{
    leave_queue(h, s);
    while (s->out != NULL)
        pop_out(s);
    *s->link = s->next;
    if (s->next != NULL)
        s->next->link = s->link;
    h->stream_count--;
    h->held -= s->window_owed;
    if (s->conn_owed > 0)
        (void)nghttp2_session_consume_connection(h->session, s->conn_owed);
    s->sending = H2_ENDED;
    h->ops->on_close(s, error);
    if (h->life != LIFE_OPEN)
        h2_wake(h); /* it may have been the last one */
}

static int32_t window_of(const struct h2_stream *s)
{
    return nghttp2_session_get_stream_remote_window_size(s->h2->session, s->id);
}

static int64_t quarter(const struct h2 *h)
{
    return nghttp2_session_get_remote_settings(h->session, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE) /
           4;
}

/* Once n bytes more are sent, the peer takes some at once: more than a quarter of the stream's
 * window.  To wait for that much is safe with whoever was seen to open his windows before three
 * quarters of them are used, as most do at a half; another might wait for us.  The connection's may
 * be held by streams that stand still. */
static bool has_room(const struct h2_stream *s, size_t n)
{
    const struct h2 *h = s->h2;
    return window_of(s) - (int64_t)n > (h->opens_early ? quarter(h) : 0) &&
           nghttp2_session_get_remote_window_size(h->session) > (int64_t)n;
}

static bool is_starved(const struct h2_stream *s, size_t sent)
{
    return s->out_bytes > s->starved_low || (s->starved_window && !has_room(s, sent));
}

/* Something has changed for it; `sent` bytes are not yet off its window. */
static void feed(struct h2_stream *s, size_t sent)
{
    if (!s->starved || is_starved(s, sent))
        return;
    s->starved = false;
    s->h2->ops->on_writable(s);
}

bool h2_is_short(struct h2_stream *s, size_t low, bool window)
{
    s->starved_low = low;
    s->starved_window = window;
    s->starved = is_starved(s, 0);
    if (window && nghttp2_session_get_remote_window_size(s->h2->session) <= 0)
        s->h2->is_shut = true;
    return !s->starved;
}

/* Without the mark a peer could have us look at all its streams with every frame. */
void h2_window_opened(struct h2 *h, struct h2_stream *s, int32_t by)
{
    if (s != NULL) {
        h->opens_early = by < 3 * quarter(h); /* so much it had taken when it said so */
        feed(s, 0);
    } else if (h->is_shut && nghttp2_session_get_remote_window_size(h->session) > 0) {
        h->is_shut = false;
        h2_windows_opened(h);
    }
}

static void feed_one(struct h2_stream *s)
{
    feed(s, 0);
}

void h2_windows_opened(struct h2 *h)
{
    h2_for_each(h, feed_one);
}

/* ---- nghttp2's callbacks: sending ---------------------------------------------- */

/* Where this turn ends: with the message in which it has sent enough, if
 * another stream waits.  Says how much of `most` may still be sent. */
static size_t turn_allows(const struct h2 *h, const struct h2_stream *s, size_t most)
{
    size_t n = 0, offset = s->out_offset;
    for (const struct h2_out *o = s->out; o != NULL && n < most; o = o->next) {
        size_t whole = NET_MSG_PREFIX + o->msg->len;
        if (h->waiting != NULL && offset == 0 && h->turn_sent + n >= TURN_BYTES)
            break;
        n += whole - offset;
        offset = 0;
    }
    return n < most ? n : most;
}

/* The last bytes are going out, or have gone. */
static void end_data(struct h2 *h, struct h2_stream *s, uint32_t *flags)
{
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    s->sending = H2_ENDED;
    if (h->side == H2_SERVER) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        h->ops->on_drained(s);
    }
}

/* nghttp2 asks what of this stream goes into the next DATA frame. */
/* NOLINTNEXTLINE(readability-non-const-parameter): nghttp2's signature */
static ssize_t read_data(nghttp2_session *session, int32_t id, uint8_t *buf, size_t most,
                         uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct h2 *h = user;
    struct h2_stream *s = source->ptr;
    (void)session, (void)id, (void)buf;
    if (s->out == NULL) {
        leave_queue(h, s);
        if (s->sending != H2_ENDING)
            return NGHTTP2_ERR_DEFERRED;
        end_data(h, s, flags);
        return 0;
    }
    if (h->turn == NULL && h->waiting == NULL) {
        h->turn = s;
        h->turn_sent = 0;
    }
    size_t n = h->turn == s ? turn_allows(h, s, most) : 0;
    if (n == 0) { /* the others' turn */
        if (h->turn == s)
            h->turn = NULL;
        h2_join_queue(h, s);
        return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (n == s->out_bytes && s->sending == H2_ENDING)
        end_data(h, s, flags);
    return (ssize_t)n;
}

static int send_data(nghttp2_session *session, nghttp2_frame *f, const uint8_t *head, size_t n,
                     nghttp2_data_source *source, void *user)
{
    struct h2 *h = user;
    struct h2_stream *s = source->ptr;
    (void)session, (void)f;
    if (h->pulled->len >= h->pull_enough)
        return NGHTTP2_ERR_WOULDBLOCK;
    uint8_t *to = buf_reserve(h->pulled, 9 + n);
    memcpy(to, head, 9);
    to += 9;
    h->pulled->len += 9 + n;
    h->turn_sent += n;
    s->out_bytes -= n;
    for (size_t rest = n; rest > 0;) {
        size_t left = NET_MSG_PREFIX + s->out->msg->len - s->out_offset;
        size_t some = rest < left ? rest : left;
        net_msg_read(s->out->msg, &s->out_read, to, some);
        to += some;
        rest -= some;
        s->out_offset += some;
        if (some == left)
            pop_out(s);
    }
    feed(s, n);
    return 0;
}

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *f, void *user)
{
    struct h2 *h = user;
    bool ends = (f->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    struct h2_stream *s;
    switch (f->hd.type) {
    case NGHTTP2_HEADERS:
        h->sent_since_ping = true;
        s = h2_stream_of(h, f->hd.stream_id);
        /* We have said all, the peer has not: spare it the effort, as grpc-go does. */
        if (h->side == H2_SERVER && ends && s != NULL && !s->remote_ended)
            (void)nghttp2_submit_rst_stream(session, 0, s->id, NGHTTP2_NO_ERROR);
        break;
    case NGHTTP2_DATA:
        h->sent_since_ping = true;
        break;
    case NGHTTP2_RST_STREAM:
        if (h->side == H2_SERVER && f->rst_stream.error_code != NGHTTP2_NO_ERROR)
            h2_glitch(h, 1);
        break;
    case NGHTTP2_GOAWAY:
        if (h->life == LIFE_DYING)
            h->life = LIFE_OVER;
        break;
    default:
        break;
    }
    return 0;
}

/* A request that could not even be begun: the peer wants no new streams. */
static int on_frame_not_send(nghttp2_session *session, const nghttp2_frame *f, int error,
                             void *user)
{
    struct h2 *h = user;
    (void)session, (void)error;
    if (f->hd.type != NGHTTP2_HEADERS || f->headers.cat != NGHTTP2_HCAT_REQUEST ||
        h2_stream_of(h, f->hd.stream_id) != NULL)
        return 0;
    for (struct h2_stream *s = h->streams; s != NULL; s = s->next)
        if (s->id == f->hd.stream_id) {
            h2_close_stream(h, s, NGHTTP2_REFUSED_STREAM);
            break;
        }
    return 0;
}

/* ---- the session ------------------------------------------------------------------ */

static nghttp2_session_callbacks *new_callbacks(void)
{
    nghttp2_session_callbacks *c = NULL;
    WEFT_ASSERT(nghttp2_session_callbacks_new(&c) == 0);
    h2_set_receive_callbacks(c);
    nghttp2_session_callbacks_set_send_data_callback(c, send_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(c, on_frame_send);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(c, on_frame_not_send);
    return c;
}

static nghttp2_option *new_options(const struct net_limits *l)
{
    nghttp2_option *o = NULL;
    WEFT_ASSERT(nghttp2_option_new(&o) == 0);
    nghttp2_option_set_no_auto_window_update(o, 1);
    nghttp2_option_set_no_closed_streams(o, 1);
    nghttp2_option_set_max_outbound_ack(o, l->outbound_acks);
    nghttp2_option_set_max_settings(o, l->settings_entries);
    nghttp2_option_set_max_continuations(o, l->continuations);
    nghttp2_option_set_stream_reset_rate_limit(o, l->resets_burst, l->resets_per_s);
    nghttp2_option_set_max_send_header_block_length(o, 1 << 20);
    return o;
}

struct h2 *h2_new(enum h2_side side, const struct h2_ops *ops, void *user,
                  const struct net_limits *limits)
{
    struct h2 *h = weft_alloc(sizeof(*h));
    h->side = side;
    h->ops = ops;
    h->user = user;
    h->limits = limits;
    h->waiting_end = &h->waiting;
    h->glitches = rate_limit_of(limits->glitches_burst, limits->glitches_per_s);
    nghttp2_session_callbacks *c = new_callbacks();
    nghttp2_option *o = new_options(limits);
    int rc = side == H2_SERVER ? nghttp2_session_server_new2(&h->session, c, h, o)
                               : nghttp2_session_client_new2(&h->session, c, h, o);
    WEFT_ASSERT(rc == 0);
    nghttp2_option_del(o);
    nghttp2_session_callbacks_del(c);

    const nghttp2_settings_entry settings[] = {
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits->stream_window },
        { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits->header_bytes },
        side == H2_SERVER
            ? (nghttp2_settings_entry){ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits->streams }
            : (nghttp2_settings_entry){ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
    };
    WEFT_ASSERT(nghttp2_submit_settings(h->session, 0, settings, WEFT_ARRAY_LEN(settings)) == 0);
    WEFT_ASSERT(
        nghttp2_session_set_local_window_size(h->session, 0, 0, (int32_t)limits->conn_window) == 0);
    return h;
}

void h2_free(struct h2 *h)
{
    if (h == NULL)
        return;
    h->life = LIFE_OVER;
    while (h->streams != NULL)
        h2_close_stream(h, h->streams, NGHTTP2_REFUSED_STREAM);
    nghttp2_session_del(h->session);
    free(h);
}

enum weft_code h2_recv(struct h2 *h, struct bytes data, uint64_t now_ms, struct weft_err *e)
{
    h->now_ms = now_ms;
    if (h->life >= LIFE_DYING)
        return WEFT_OK;
    ssize_t n = nghttp2_session_mem_recv(h->session, data.data, data.len);
    h2_wake(h);
    if (n >= 0)
        return WEFT_OK;
    if (n == NGHTTP2_ERR_FLOODED)
        h2_terminate(h, NGHTTP2_ENHANCE_YOUR_CALM, "too_many_acks");
    else
        h->life = LIFE_OVER;
    return WEFT_FAIL(e, WEFT_INVALID, "HTTP/2: %s", nghttp2_strerror((int)n));
}

/* Gives the turn to the next stream that can use it; false: nobody can. */
static bool pass_turn(struct h2 *h)
{
    struct h2_stream *s = h->turn;
    if (s != NULL && h2_has_something_to_send(s) && window_of(s) > 0)
        return false; /* the connection's window is spent */
    if (s != NULL)
        leave_queue(h, s); /* spent: nghttp2 asks for its data again after WINDOW_UPDATE */
    while ((s = h->waiting) != NULL) {
        leave_queue(h, s);
        if (nghttp2_session_resume_data(h->session, s->id) != 0)
            continue; /* its headers are not out yet, or it is closing */
        h->turn = s;
        h->turn_sent = 0;
        return true;
    }
    return false;
}

enum weft_code h2_pull(struct h2 *h, struct buf *out, size_t enough, struct weft_err *e)
{
    ssize_t n = 0;
    h->pulled = out;
    h->pull_enough = enough;
    while (out->len < enough && h->life != LIFE_OVER) {
        const uint8_t *data;
        size_t before = out->len;
        n = nghttp2_session_mem_send(h->session, &data);
        if (n < 0)
            break;
        buf_put(out, bytes_of(data, (size_t)n));
        if (out->len == before && !pass_turn(h))
            break;
    }
    h->pulled = NULL;
    return n < 0 ? WEFT_FAIL(e, WEFT_IO, "HTTP/2: %s", nghttp2_strerror((int)n)) : WEFT_OK;
}

bool h2_is_over(const struct h2 *h)
{
    if (h->life == LIFE_OVER)
        return true;
    bool quiet = nghttp2_session_want_write(h->session) == 0;
    return quiet && (nghttp2_session_want_read(h->session) == 0 ||
                     (h->life == LIFE_DRAINING && h->stream_count == 0));
}

void h2_drain(struct h2 *h)
{
    if (h->life != LIFE_OPEN)
        return;
    if (h->side == H2_SERVER) {
        h->life = LIFE_DRAIN_NOTICED;
        (void)nghttp2_submit_shutdown_notice(h->session);
        (void)nghttp2_submit_ping(h->session, 0, h2_drain_ping);
    } else {
        h->life = LIFE_DRAINING;
        (void)nghttp2_submit_goaway(h->session, 0, 0, NGHTTP2_NO_ERROR, NULL, 0);
    }
    h2_wake(h);
}

void h2_ping(struct h2 *h)
{
    (void)nghttp2_submit_ping(h->session, 0, NULL);
    h2_wake(h);
}

size_t h2_streams(const struct h2 *h)
{
    return h->stream_count;
}

void h2_for_each(struct h2 *h, void (*fn)(struct h2_stream *s))
{
    for (struct h2_stream *s = h->streams, *next; s != NULL; s = next) {
        next = s->next;
        fn(s);
    }
}

/* ---- what a stream may do ------------------------------------------------------------ */

/* nghttp2 copies what it is given, but its struct has no const. */
static uint8_t *without_const(struct bytes b)
{
    uint8_t *p;
    memcpy(&p, &b.data, sizeof(p));
    return p;
}

/* nghttp2's form of the fields; it copies them.  Caller frees the array. */
static nghttp2_nv *nv_of(const struct h2_field *fields, size_t count)
{
    nghttp2_nv *nv = weft_alloc(count * sizeof(*nv));
    for (size_t i = 0; i < count; i++)
        nv[i] = (nghttp2_nv){ .name = without_const(fields[i].name),
                              .namelen = fields[i].name.len,
                              .value = without_const(fields[i].value),
                              .valuelen = fields[i].value.len };
    return nv;
}

bool h2_request(struct h2 *h, struct h2_stream *s, const struct h2_field *fields, size_t count)
{
    const nghttp2_data_provider from = { .source.ptr = s, .read_callback = read_data };
    if (h->life != LIFE_OPEN)
        return false;
    WEFT_FREE nghttp2_nv *nv = nv_of(fields, count);
    int32_t id = nghttp2_submit_request(h->session, NULL, nv, count, &from, s);
    if (id < 0)
        return false;
    h2_link(h, s, id);
    s->sending = H2_SENDING;
    h2_wake(h);
    return true;
}

void h2_respond(struct h2_stream *s, const struct h2_field *fields, size_t count, bool last)
{
    const nghttp2_data_provider from = { .source.ptr = s, .read_callback = read_data };
    WEFT_ASSERT(s->sending == H2_IDLE);
    WEFT_FREE nghttp2_nv *nv = nv_of(fields, count);
    s->sending = last ? H2_ENDED : H2_SENDING;
    (void)nghttp2_submit_response(s->h2->session, s->id, nv, count, last ? NULL : &from);
    h2_wake(s->h2);
}

void h2_send(struct h2_stream *s, struct net_msg *m)
{
    if (s->sending != H2_SENDING) {
        net_msg_unref(m);
        return;
    }
    struct h2_out *o = weft_alloc(sizeof(*o));
    o->msg = m;
    *s->out_end = o;
    s->out_end = &o->next;
    s->out_bytes += NET_MSG_PREFIX + m->len;
    h2_join_queue(s->h2, s);
    h2_wake(s->h2);
}

void h2_end(struct h2_stream *s)
{
    if (s->sending != H2_SENDING)
        return;
    s->sending = H2_ENDING;
    h2_join_queue(s->h2, s);
    h2_wake(s->h2);
}

void h2_trailers(struct h2_stream *s, const struct h2_field *fields, size_t count)
{
    WEFT_FREE nghttp2_nv *nv = nv_of(fields, count);
    (void)nghttp2_submit_trailer(s->h2->session, s->id, nv, count);
    h2_wake(s->h2);
}

bool h2_is_idle(const struct h2_stream *s)
{
    return s->out == NULL;
}

void h2_reset(struct h2_stream *s, uint32_t error)
{
    s->sending = H2_ENDED;
    (void)nghttp2_submit_rst_stream(s->h2->session, 0, s->id, error);
    h2_wake(s->h2);
}

void h2_consume(struct h2_stream *s, size_t n)
{
    struct h2 *h = s->h2;
    size_t of_conn = n < s->conn_owed ? n : s->conn_owed;
    WEFT_ASSERT(n <= s->window_owed);
    if (n == 0)
        return;
    s->window_owed -= n;
    s->conn_owed -= of_conn;
    h->held -= n;
    (void)nghttp2_session_consume_stream(h->session, s->id, n);
    if (of_conn > 0)
        (void)nghttp2_session_consume_connection(h->session, of_conn);
    h2_wake(h);
}
