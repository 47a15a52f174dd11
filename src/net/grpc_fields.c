/* The header fields of a call: the peer's are sorted out, ours are put on the wire. */
#include "net/grpc_conn.h"

#include "base/number.h"

static bool is(struct bytes a, const char *b)
{
    return bytes_eq(a, bytes_of_str(b));
}

static bool is_grpc_type(struct bytes type)
{
    static const char grpc[] = "application/grpc";
    if (!bytes_start_with(type, bytes_of_str(grpc)))
        return false;
    struct bytes rest = bytes_skip(type, sizeof(grpc) - 1);
    return rest.len == 0 || rest.data[0] == '+' || rest.data[0] == ';';
}

static bool parse_number(struct bytes text, uint64_t *ret_n)
{
    char digits[12];
    if (text.len >= sizeof(digits))
        return false;
    memcpy(digits, text.data, text.len);
    digits[text.len] = '\0';
    return number_parse_u64(digits, ret_n);
}

static void take_pseudo(struct grpc_stream *s, struct bytes name, struct bytes value)
{
    uint64_t n = 0;
    if (is(name, ":method"))
        s->is_post = is(value, "POST");
    else if (is(name, ":path") && s->path == NULL)
        s->path = bytes_dup_str(value);
    else if (is(name, ":status") && parse_number(value, &n) && n <= 999)
        s->http_status = (unsigned)n;
}

static void take_status(struct grpc_stream *s, struct bytes value)
{
    uint64_t n = 0;
    if (s->conn->side == H2_SERVER || s->has_status)
        return;
    s->has_status = true;
    s->code =
        parse_number(value, &n) && n <= GRPC_UNAUTHENTICATED ? (enum grpc_code)n : GRPC_UNKNOWN;
    if (s->message == NULL)
        s->message = weft_strdup("");
}

static void take_message_text(struct grpc_stream *s, struct bytes value)
{
    WEFT_CLEANUP(buf_done) struct buf text = { 0 };
    if (s->conn->side == H2_SERVER)
        return;
    grpc_message_decode(value, &text);
    free(s->message);
    s->message = bytes_dup_str(buf_bytes(&text));
}

static void take_grpc(struct grpc_stream *s, struct bytes name, struct bytes value)
{
    if (is(name, "grpc-timeout")) {
        s->has_timeout = true;
        s->bad_header |= !grpc_timeout_parse(value, &s->timeout_ms);
    } else if (is(name, "grpc-encoding")) {
        size_t n = value.len < sizeof(s->encoding) ? value.len : sizeof(s->encoding) - 1;
        memcpy(s->encoding, value.data, n);
        s->encoding[n] = '\0';
    } else if (is(name, "grpc-status")) {
        take_status(s, value);
    } else if (is(name, "grpc-message")) {
        take_message_text(s, value);
    }
}

void grpc_stream_header(struct h2_stream *h2s, struct bytes name, struct bytes value)
{
    struct grpc_stream *s = WEFT_CONTAINER_OF(h2s, struct grpc_stream, h2s);
    if (name.len > 0 && name.data[0] == ':')
        take_pseudo(s, name, value);
    else if (bytes_start_with(name, bytes_of_str("grpc-")) && !is(name, "grpc-status-details-bin"))
        take_grpc(s, name, value);
    else if (is(name, "content-type"))
        s->is_grpc = is_grpc_type(value);
    else if (is(name, "te"))
        s->has_te = is(value, "trailers");
    else if (!grpc_meta_add_wire(s->headers_complete ? &s->trailers : &s->metadata, name, value))
        s->bad_header = true;
}

/* Trailers have the limit for themselves. */
static void complete_headers(struct grpc_stream *s)
{
    if (!s->headers_complete)
        s->h2s.header_bytes = s->h2s.header_fields = 0;
    s->headers_complete = true;
}

/* A client's: the first headers, or the trailers. */
static void response_headers_end(struct grpc_stream *s)
{
    bool first = !s->headers_complete;
    if (s->http_status >= 100 && s->http_status < 200)
        return; /* a word in between */
    complete_headers(s);
    if (!first || s->has_status)
        return;
    if (s->http_status != 200) {
        grpc_stream_fail(s, grpc_code_of_http_status(s->http_status),
                         "unexpected HTTP status code received from server: %u", s->http_status);
    } else if (!s->is_grpc) {
        grpc_stream_fail(s, GRPC_UNKNOWN, "transport: received the unexpected content-type");
    } else if (s->ops->on_headers != NULL) {
        s->ops->on_headers(s);
    }
}

void grpc_stream_headers_end(struct h2_stream *h2s)
{
    struct grpc_stream *s = WEFT_CONTAINER_OF(h2s, struct grpc_stream, h2s);
    if (s->conn->side == H2_CLIENT) {
        response_headers_end(s);
        return;
    }
    if (s->headers_complete)
        return; /* a client's trailers: of no use */
    complete_headers(s);
    s->life = GRPC_STREAM_OPEN;
    if (!s->is_grpc) {
        s->http_status = 415;
        grpc_stream_fail(s, GRPC_INVALID_ARGUMENT, "invalid gRPC request content-type");
    } else if (!s->is_post || s->path == NULL) {
        s->http_status = 405;
        grpc_stream_fail(s, GRPC_INTERNAL, "invalid gRPC request method");
    } else if (!s->has_te) {
        s->http_status = 400;
        grpc_stream_fail(s, GRPC_INTERNAL, "gRPC request without te: trailers");
    } else if (s->bad_header) {
        grpc_stream_fail(s, GRPC_INTERNAL, "malformed grpc-timeout or binary header");
    } else {
        if (s->has_timeout)
            grpc_stream_set_deadline(s, s->timeout_ms);
        s->conn->ops->on_request(s);
    }
}

bool grpc_send_fields(struct grpc_stream *s, enum grpc_how how, const struct h2_field *fixed,
                      size_t fixed_count, const struct grpc_meta *list)
{
    WEFT_FREE struct h2_field *f = weft_alloc((fixed_count + list->count) * sizeof(*f));
    WEFT_CLEANUP(buf_done) struct buf text = { 0 };
    size_t n = fixed_count;
    if (n > 0)
        memcpy(f, fixed, n * sizeof(*f));
    for (struct grpc_meta_item i = { 0 }; grpc_meta_next(list, &i); n++) {
        size_t at = text.len;
        grpc_meta_encode_value(i.name, i.value, &text);
        f[n] = (struct h2_field){ i.name, bytes_of(NULL, text.len - at) };
    }
    size_t at = 0; /* only now the text does not move any more */
    for (size_t i = fixed_count; i < n; i++) {
        f[i].value.data = text.data + at;
        at += f[i].value.len;
    }
    switch (how) {
    case GRPC_REQUEST:
        return h2_request(s->conn->h2, &s->h2s, f, n);
    case GRPC_RESPONSE:
    case GRPC_RESPONSE_LAST:
        h2_respond(&s->h2s, f, n, how == GRPC_RESPONSE_LAST);
        return true;
    case GRPC_TRAILERS:
        h2_trailers(&s->h2s, f, n);
        return true;
    }
    return false;
}
