/* What the peer sends: nghttp2's callbacks for frames that arrive. */
#include "net/h2_core.h"

enum {
    COST_SETTINGS = 5, /* in glitches: a peer sends one or two of these, ever */
    COST_HEADERS_LIMIT = 10,
};

/* As grpc-go enforces keepalive: a ping earlier than the minimum after the
 * last one is a strike, unless we have sent something in between. */
static void judge_ping(struct h2 *h)
{
    bool early =
        h->last_ping_ms != 0 && h->now_ms < h->last_ping_ms + h->limits->ping_min_interval_ms;
    h->last_ping_ms = h->now_ms;
    if (h->side != H2_SERVER || h->limits->ping_strikes == 0)
        return;
    if (h->sent_since_ping) {
        h->sent_since_ping = false;
        h->ping_strikes = 0;
        return;
    }
    if (early && ++h->ping_strikes > h->limits->ping_strikes)
        h2_terminate(h, NGHTTP2_ENHANCE_YOUR_CALM, "too_many_pings");
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *f, void *user)
{
    struct h2 *h = user;
    if (f->hd.type != NGHTTP2_HEADERS || f->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    struct h2_stream *s = NULL;
    if (h->life < LIFE_DYING && h->stream_count < h->limits->streams)
        s = h->ops->stream_new(h, h->user);
    if (s == NULL) {
        h2_glitch(h, 1);
        (void)nghttp2_submit_rst_stream(session, 0, f->hd.stream_id, NGHTTP2_REFUSED_STREAM);
        return 0;
    }
    h2_link(h, s, f->hd.stream_id);
    (void)nghttp2_session_set_stream_user_data(session, s->id, s); /* it exists */
    return 0;
}

/* NOLINTNEXTLINE(readability-function-size): nghttp2's signature */
static int on_header(nghttp2_session *session, const nghttp2_frame *f, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *user)
{
    struct h2 *h = user;
    struct h2_stream *s = h2_stream_of(h, f->hd.stream_id);
    (void)session, (void)flags;
    if (s == NULL || f->hd.type != NGHTTP2_HEADERS)
        return 0;
    s->header_bytes += name_len + value_len + 32; /* as RFC 9113 counts */
    s->header_fields++;
    if (s->header_bytes > h->limits->header_bytes || s->header_fields > h->limits->header_fields) {
        h2_glitch(h, COST_HEADERS_LIMIT);
        s->headers_too_large = true;
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    h->ops->on_header(s, bytes_of(name, name_len), bytes_of(value, value_len));
    return 0;
}

static int on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                         size_t len, void *user)
{
    struct h2 *h = user;
    struct h2_stream *s = h2_stream_of(h, id);
    (void)flags;
    if (s == NULL) {
        (void)nghttp2_session_consume(session, id, len);
        return 0;
    }
    s->window_owed += len;
    h->held += len;
    if (h->held <= h->limits->held_bytes)
        (void)nghttp2_session_consume_connection(session, len);
    else
        s->conn_owed += len;
    h->ops->on_data(s, bytes_of(data, len));
    return 0;
}

static void on_settings_frame(struct h2 *h, const nghttp2_frame *f)
{
    if ((f->hd.flags & NGHTTP2_FLAG_ACK) != 0)
        return;
    h2_glitch(h, COST_SETTINGS);
    h2_windows_opened(h);
    if (!h->has_settings) {
        h->has_settings = true;
        if (h->ops->on_settings != NULL)
            h->ops->on_settings(h, h->user);
    }
}

static void on_ping_frame(struct h2 *h, const nghttp2_frame *f)
{
    if ((f->hd.flags & NGHTTP2_FLAG_ACK) == 0) {
        judge_ping(h);
        return;
    }
    if (h->life == LIFE_DRAIN_NOTICED && memcmp(f->ping.opaque_data, h2_drain_ping, 8) == 0) {
        int32_t last = nghttp2_session_get_last_proc_stream_id(h->session);
        h->life = LIFE_DRAINING;
        (void)nghttp2_submit_goaway(h->session, 0, last, NGHTTP2_NO_ERROR, NULL, 0);
    }
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *f, void *user)
{
    struct h2 *h = user;
    struct h2_stream *s = f->hd.stream_id != 0 ? h2_stream_of(h, f->hd.stream_id) : NULL;
    bool ends = (f->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    (void)session;
    switch (f->hd.type) {
    case NGHTTP2_HEADERS:
        if (s != NULL)
            h->ops->on_headers_end(s);
        break;
    case NGHTTP2_DATA:
        if (f->hd.length == 0 && !ends)
            h2_glitch(h, 1);
        break;
    case NGHTTP2_SETTINGS:
        on_settings_frame(h, f);
        return 0;
    case NGHTTP2_WINDOW_UPDATE:
        if (s != NULL || f->hd.stream_id == 0)
            h2_window_opened(h, s, f->window_update.window_size_increment);
        return 0;
    case NGHTTP2_PING:
        on_ping_frame(h, f);
        return 0;
    case NGHTTP2_PRIORITY:
        h2_glitch(h, 1);
        return 0;
    case NGHTTP2_GOAWAY:
        if (h->ops->on_goaway != NULL)
            h->ops->on_goaway(h, h->user, f->goaway.error_code,
                              bytes_of(f->goaway.opaque_data, f->goaway.opaque_data_len));
        return 0;
    default:
        return 0;
    }
    if (s != NULL && ends && !s->remote_ended) {
        s->remote_ended = true;
        h->ops->on_end(s);
    }
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *user)
{
    struct h2 *h = user;
    struct h2_stream *s = h2_stream_of(h, id);
    if (s == NULL)
        return 0;
    (void)nghttp2_session_set_stream_user_data(session, id, NULL);
    h2_close_stream(h, s, error);
    return 0;
}

void h2_set_receive_callbacks(nghttp2_session_callbacks *c)
{
    nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(c, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data_chunk);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame_recv);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
}
