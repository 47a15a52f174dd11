#include "ops/http.h"

#include "base/utf8.h"

void http_response_done(struct http_response *rs)
{
    buf_done(&rs->body);
    for (size_t i = 0; i < rs->header_count; i++)
        free(rs->headers[i].value);
    *rs = (struct http_response){ 0 };
}

void http_add_header(struct http_response *rs, const char *name, const char *value)
{
    WEFT_ASSERT(rs->header_count < HTTP_HEADERS_MAX);
    rs->headers[rs->header_count++] = (struct http_header){ name, weft_strdup(value) };
}

struct buf *http_answer_json(struct http_response *rs, unsigned status)
{
    rs->status = status;
    http_add_header(rs, "Content-Type", "application/json");
    return &rs->body;
}

void http_answer_error(struct http_response *rs, unsigned status, const char *key, const char *why)
{
    struct buf *out = http_answer_json(rs, status);
    buf_printf(out, "{\"%s\":", key);
    http_put_json_string(out, bytes_of_str(why));
    buf_put_str(out, "}");
}

void http_answer_not_found(struct http_response *rs)
{
    rs->status = 404;
    http_add_header(rs, "Content-Type", "text/plain; charset=utf-8");
    http_add_header(rs, "X-Content-Type-Options", "nosniff");
    buf_put_str(&rs->body, "404 page not found\n");
}

/* As Go's encoding/json: also what could end a script in a web page. */
static bool is_plain(uint32_t rune)
{
    return rune >= 0x20 && rune != '"' && rune != '\\' && rune != '<' && rune != '>' &&
           rune != '&' && rune != 0x2028 && rune != 0x2029;
}

static void put_escape(struct buf *out, uint32_t rune)
{
    static const char shorts[] = "\"\"\\\\\nn\rr\tt";
    for (size_t i = 0; shorts[i] != '\0'; i += 2)
        if (rune == (uint8_t)shorts[i]) {
            buf_printf(out, "\\%c", shorts[i + 1]);
            return;
        }
    buf_printf(out, "\\u%04x", (unsigned)rune);
}

void http_put_json_string(struct buf *out, struct bytes text)
{
    buf_put_u8(out, '"');
    while (text.len > 0) {
        uint32_t rune = 0;
        size_t n = utf8_decode(text, &rune);
        if (n == 0)
            buf_put_str(out, "\\ufffd");
        else if (is_plain(rune))
            buf_put(out, bytes_of(text.data, n));
        else
            put_escape(out, rune);
        text = bytes_skip(text, n > 0 ? n : 1);
    }
    buf_put_u8(out, '"');
}
