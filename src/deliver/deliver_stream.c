#include "deliver/deliver_stream.h"

#include "base/duration.h"
#include "base/log.h"
#include "proto/envelope.h"

#include <inttypes.h>

LOG_DEFINE(logger, "common.deliver");

#define TO(s) SM_BIT(DELIVER_##s)

static const struct sm_state states[DELIVER_NR] = {
    [DELIVER_IDLE] = { "idle", TO(ALLOWING) | TO(ENDED) },
    [DELIVER_ALLOWING] = { "allowing", TO(READING) | TO(WAITING) | TO(ENDED) },
    [DELIVER_READING] = { "reading", TO(READING) | TO(HOLDING) | TO(SENDING) | TO(WAITING) |
                                         TO(IDLE) | TO(ENDED) },
    [DELIVER_HOLDING] = { "holding",
                          TO(READING) | TO(SENDING) | TO(WAITING) | TO(IDLE) | TO(ENDED) },
    [DELIVER_SENDING] = { "sending", TO(READING) | TO(WAITING) | TO(IDLE) | TO(ENDED) },
    [DELIVER_WAITING] = { "waiting", TO(WAITING) | TO(READING) | TO(ENDED) },
    [DELIVER_ENDED] = { "ended", 0 },
};

#undef TO

enum {
    STATUS_SUCCESS = 200,
    STATUS_BAD_REQUEST = 400,
    STATUS_FORBIDDEN = 403,
    STATUS_NOT_FOUND = 404,
    STATUS_UNAVAILABLE = 503,
};

void deliver_stream_init(struct deliver_stream *s, const struct deliver_config *config,
                         const struct deliver_deps *deps, void *ctx,
                         const struct deliver_client_info *client)
{
    *s = (struct deliver_stream){
        .sm = { .name = "deliver", .states = states, .state = DELIVER_IDLE },
        .config = config,
        .deps = deps,
        .ctx = ctx,
        .client = *client,
    };
}

static const char *channel_id(const struct deliver_stream *s)
{
    return s->deps->channel_id(s->ctx, s->channel);
}

/* ---- ends ------------------------------------------------------------------------ */

static void end(struct deliver_stream *s)
{
    sm_move(&s->sm, DELIVER_ENDED);
    s->deps->end(s->ctx);
}

static void forget_request(struct deliver_stream *s, bool success)
{
    if (s->held > 0)
        s->deps->send_blocks(s->ctx, false);
    s->held = 0;
    if (s->channel != NULL)
        s->deps->forget_channel(s->ctx, s->channel, success);
    s->channel = NULL;
}

static void refuse(struct deliver_stream *s, int status)
{
    forget_request(s, false);
    s->deps->send_status(s->ctx, status);
    end(s);
}

static void succeed(struct deliver_stream *s)
{
    LOG_DEBUG(&logger, "[channel: %s] Done delivering to %s for (%p)", channel_id(s),
              s->client.address, (const void *)&s->seek);
    forget_request(s, true);
    s->deps->send_status(s->ctx, STATUS_SUCCESS);
    if (s->half_closed) {
        end(s);
        return;
    }
    sm_move(&s->sm, DELIVER_IDLE);
    s->deps->next_request(s->ctx);
}

/* What comes next, after a request was taken or blocks were sent. */
static void go_on(struct deliver_stream *s)
{
    uint64_t height = s->deps->height(s->ctx, s->channel);
    if (s->next >= height && s->seek.fail_if_not_ready) {
        refuse(s, STATUS_NOT_FOUND);
        return;
    }
    if (s->next >= height) {
        sm_move(&s->sm, DELIVER_WAITING);
        s->deps->wait(s->ctx, s->channel);
        return;
    }
    uint64_t last = s->stop >= s->next && s->stop < height ? s->stop : height - 1;
    sm_move(&s->sm, DELIVER_READING);
    s->deps->read(s->ctx, s->channel, s->next, last);
}

/* ---- the checks, in Fabric's order --------------------------------------------------- */

static enum weft_code check_time(const struct deliver_stream *s,
                                 const struct channel_header_view *ch, struct weft_err *e)
{
    if (!ch->has_timestamp)
        return WEFT_FAIL(e, WEFT_INVALID, "channel header in envelope must contain timestamp");
    int64_t ns = 0, apart = 0, now = s->deps->now_ns(s->ctx);
    bool far = __builtin_mul_overflow(ch->timestamp_s, 1000000000, &ns) ||
               __builtin_add_overflow(ns, ch->timestamp_ns, &ns) ||
               __builtin_sub_overflow(now, ns, &apart) || apart > s->config->time_window_ns ||
               apart < -s->config->time_window_ns;
    if (far)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "envelope timestamp %" PRId64 " is more than %" PRId64
                         " s apart from current server time %" PRId64,
                         ch->timestamp_s, s->config->time_window_ns / 1000000000, now / 1000000000);
    return WEFT_OK;
}

static enum weft_code check_tls_binding(const struct deliver_stream *s,
                                        const struct channel_header_view *ch, struct weft_err *e)
{
    if (!s->client.binds_tls)
        return WEFT_OK;
    if (ch->tls_cert_hash.len == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "client didn't include its TLS cert hash");
    if (!s->client.has_cert)
        return WEFT_FAIL(e, WEFT_INVALID, "client didn't send a TLS certificate");
    if (bytes_eq(ch->tls_cert_hash, digest_bytes(&s->client.cert_hash)))
        return WEFT_OK;
    return WEFT_FAIL(e, WEFT_INVALID,
                     "claimed TLS cert hash is not the hash of the actual TLS certificate");
}

static enum weft_code parse_request(const struct deliver_stream *s, struct bytes envelope,
                                    struct envelope_headers *ret, struct weft_err *e)
{
    WEFT_TRY(envelope_parse(envelope, &ret->envelope, e));
    WEFT_TRY(payload_parse(ret->envelope.payload, &ret->payload, e));
    if (!ret->payload.has_header)
        return WEFT_FAIL(e, WEFT_INVALID, "envelope has no header");
    WEFT_TRY(channel_header_parse(ret->payload.channel_header, &ret->channel, e));
    WEFT_TRY(signature_header_parse(ret->payload.signature_header, &ret->signature, e));
    WEFT_TRY(check_time(s, &ret->channel, e));
    return check_tls_binding(s, &ret->channel, e);
}

/* The status of a request, as far as it can be told here and now. */
static int check_request(struct deliver_stream *s, struct bytes envelope)
{
    struct envelope_headers h = { 0 };
    struct weft_err e = { 0 };
    if (parse_request(s, envelope, &h, &e) != WEFT_OK) {
        LOG_WARN(&logger, "error parsing envelope from %s: %s", s->client.address, e.msg);
        return STATUS_BAD_REQUEST;
    }
    char id[LOG_QUOTE_MAX];
    (void)log_quote(h.channel.channel_id, id);
    s->channel = s->deps->find_channel(s->ctx, h.channel.channel_id);
    if (s->channel == NULL) {
        LOG_DEBUG(&logger, "Rejecting deliver for %s because channel %s not found",
                  s->client.address, id);
        return STATUS_NOT_FOUND;
    }
    if (seek_info_parse(h.payload.data, &s->seek, &e) != WEFT_OK) {
        LOG_WARN(&logger,
                 "[channel: %s] Received a signed deliver request from %s with malformed seekInfo "
                 "payload: %s",
                 id, s->client.address, e.msg);
        return STATUS_BAD_REQUEST;
    }
    if (!s->seek.best_effort && s->deps->is_errored(s->ctx, s->channel)) {
        LOG_WARN(&logger,
                 "[channel: %s] Rejecting deliver request for %s because of consenter error", id,
                 s->client.address);
        return STATUS_UNAVAILABLE;
    }
    return STATUS_SUCCESS;
}

/* From positions to numbers: the client may read. */
static int resolve(struct deliver_stream *s)
{
    struct seek_range range = { 0 };
    switch (seek_resolve(&s->seek, s->deps->height(s->ctx, s->channel), &range)) {
    case SEEK_OK:
        break;
    case SEEK_NOT_FOUND:
        LOG_ERROR(&logger, "[channel: %s] Error reading from channel, cause was: NOT_FOUND",
                  channel_id(s));
        return STATUS_NOT_FOUND;
    case SEEK_BAD_REQUEST:
        if (s->seek.start.kind == SEEK_ABSENT || s->seek.stop.kind == SEEK_ABSENT)
            LOG_WARN(&logger,
                     "[channel: %s] Received seekInfo message from %s with missing start or stop",
                     channel_id(s), s->client.address);
        else
            LOG_WARN(&logger,
                     "[channel: %s] Received invalid seekInfo message from %s: start number "
                     "%" PRIu64 " greater than stop number %" PRIu64,
                     channel_id(s), s->client.address, range.first, range.stop);
        return STATUS_BAD_REQUEST;
    }
    s->next = range.first;
    s->stop = range.stop;
    return STATUS_SUCCESS;
}

/* ---- access -------------------------------------------------------------------------------- */

static void ask_access(struct deliver_stream *s)
{
    s->sequence = s->deps->sequence(s->ctx, s->channel);
    s->deps->check_access(s->ctx, s->channel);
}

static bool has_expired(const struct deliver_stream *s)
{
    return s->expires_ns != 0 && s->deps->now_ns(s->ctx) > s->expires_ns;
}

static void send_held(struct deliver_stream *s)
{
    uint64_t count = s->held;
    s->held = 0;
    for (uint64_t i = 0; i < count; i++)
        LOG_DEBUG(&logger, "[channel: %s] Delivering block [%" PRIu64 "] for (%p) for %s",
                  channel_id(s), s->next + i, (const void *)&s->seek, s->client.address);
    s->deps->send_blocks(s->ctx, true);
    s->next += count;
    if (count > 0 && s->next - 1 == s->stop) {
        succeed(s);
    } else if (s->deps->is_writable(s->ctx)) {
        go_on(s);
    } else {
        sm_move(&s->sm, DELIVER_SENDING);
    }
}

/* Why a client whose certificate has ended is refused. */
static void say_expired(const struct deliver_stream *s, struct weft_err *ret)
{
    char text[DURATION_TEXT_MAX];
    WEFT_IGNORE(WEFT_FAIL(ret, WEFT_FORBIDDEN, "deliver client identity expired %s before",
                          duration_text(s->deps->now_ns(s->ctx) - s->expires_ns, text)));
}

static void revoke(struct deliver_stream *s, const char *why)
{
    LOG_WARN(&logger, "[channel: %s] Client authorization revoked for deliver request from %s: %s",
             channel_id(s), s->client.address, why);
    refuse(s, STATUS_FORBIDDEN);
}

static void begin(struct deliver_stream *s, enum weft_code rc, const struct weft_err *why)
{
    struct weft_err expired = { 0 };
    if (has_expired(s)) {
        say_expired(s, &expired);
        why = &expired;
        rc = WEFT_FORBIDDEN;
    }
    if (rc != WEFT_OK) {
        LOG_WARN(&logger, "[channel: %s] Client %s is not authorized: %s", channel_id(s),
                 s->client.address, why->msg);
        refuse(s, STATUS_FORBIDDEN);
        return;
    }
    int status = resolve(s);
    if (status == STATUS_SUCCESS)
        go_on(s);
    else
        refuse(s, status);
}

/* ---- events ------------------------------------------------------------------------------ */

void deliver_stream_request(struct deliver_stream *s, struct bytes envelope)
{
    if (s->sm.state != DELIVER_IDLE)
        return;
    int status = check_request(s, envelope);
    if (status != STATUS_SUCCESS) {
        refuse(s, status);
        return;
    }
    sm_move(&s->sm, DELIVER_ALLOWING);
    ask_access(s);
}

void deliver_stream_access(struct deliver_stream *s, enum weft_code rc, int64_t expires_ns,
                           const struct weft_err *why)
{
    s->expires_ns = expires_ns;
    if (s->sm.state == DELIVER_ALLOWING)
        begin(s, rc, why);
    else if (s->sm.state == DELIVER_HOLDING && rc == WEFT_OK)
        send_held(s);
    else if (s->sm.state == DELIVER_HOLDING)
        revoke(s, why->msg);
}

void deliver_stream_blocks(struct deliver_stream *s, uint64_t count, enum weft_code rc,
                           const struct weft_err *why)
{
    if (s->sm.state != DELIVER_READING)
        return;
    s->held = count;
    if (!s->seek.best_effort && s->deps->is_errored(s->ctx, s->channel)) {
        sm_move(&s->sm, DELIVER_WAITING);
        deliver_stream_errored(s);
    } else if (rc != WEFT_OK) {
        LOG_ERROR(&logger, "[channel: %s] Error reading from channel, cause was: %s", channel_id(s),
                  why->msg);
        refuse(s, weft_code_common_status(rc));
    } else if (has_expired(s)) {
        struct weft_err expired = { 0 };
        say_expired(s, &expired);
        revoke(s, expired.msg);
    } else if (s->deps->sequence(s->ctx, s->channel) > s->sequence) {
        sm_move(&s->sm, DELIVER_HOLDING);
        ask_access(s);
    } else {
        send_held(s);
    }
}

void deliver_stream_errored(struct deliver_stream *s)
{
    if (s->sm.state != DELIVER_WAITING || s->seek.best_effort)
        return;
    LOG_WARN(&logger, "Aborting deliver for request because the backing consensus implementation "
                      "indicates an error");
    refuse(s, STATUS_UNAVAILABLE);
}

void deliver_stream_writable(struct deliver_stream *s)
{
    if (s->sm.state == DELIVER_SENDING)
        go_on(s);
}

void deliver_stream_height(struct deliver_stream *s)
{
    if (s->sm.state == DELIVER_WAITING)
        go_on(s);
}

void deliver_stream_half_close(struct deliver_stream *s)
{
    s->half_closed = true;
    if (s->sm.state == DELIVER_IDLE)
        end(s);
}
