#include "ops/multipart.h"

#include <strings.h>

/* ---- parameters: ; name="value"; other=value --------------------------------- */

static void skip_blanks(struct bytes *s)
{
    while (s->len > 0 && (s->data[0] == ' ' || s->data[0] == '\t'))
        *s = bytes_skip(*s, 1);
}

static struct bytes take_until(struct bytes *s, const char *ends)
{
    size_t n = 0;
    while (n < s->len && strchr(ends, s->data[n]) == NULL)
        n++;
    struct bytes word = bytes_of(s->data, n);
    *s = bytes_skip(*s, n);
    return word;
}

static bool is_word(struct bytes b, const char *word)
{
    return b.len == strlen(word) && strncasecmp((const char *)b.data, word, b.len) == 0;
}

/* The value of one parameter of a header; false: there is none. */
static bool find_param(struct bytes header, const char *name, struct bytes *ret)
{
    (void)take_until(&header, ";");
    while (header.len > 0) {
        header = bytes_skip(header, 1);
        skip_blanks(&header);
        struct bytes key = take_until(&header, "=; \t"), value = { 0 };
        skip_blanks(&header);
        if (header.len > 0 && header.data[0] == '=') {
            header = bytes_skip(header, 1);
            skip_blanks(&header);
            bool quoted = header.len > 0 && header.data[0] == '"';
            if (quoted)
                header = bytes_skip(header, 1);
            value = take_until(&header, quoted ? "\"" : "; \t");
        }
        (void)take_until(&header, ";");
        if (is_word(key, name)) {
            *ret = value;
            return true;
        }
    }
    return false;
}

enum weft_code multipart_boundary(const char *content_type, struct bytes *ret, struct weft_err *e)
{
    struct bytes all = bytes_of_str(content_type), rest = all;
    struct bytes type = take_until(&rest, "; \t"), boundary = { 0 };
    if (!is_word(type, "multipart/form-data"))
        return WEFT_FAIL(e, WEFT_INVALID, "not a form: %.100s", content_type);
    if (!find_param(all, "boundary", &boundary) || boundary.len == 0 ||
        boundary.len > MULTIPART_BOUNDARY_MAX)
        return WEFT_FAIL(e, WEFT_INVALID, "no boundary of a form");
    *ret = boundary;
    return WEFT_OK;
}

/* ---- parts ---------------------------------------------------------------------- */

/* Where "--boundary" stands at the beginning of a line; in.len: nowhere. */
static size_t find_boundary(struct bytes in, struct bytes boundary)
{
    for (size_t at = 0; at + 2 + boundary.len <= in.len; at++) {
        const uint8_t *next = memchr(in.data + at, '-', in.len - at);
        if (next == NULL)
            break;
        at = (size_t)(next - in.data);
        if (at + 2 + boundary.len > in.len)
            break;
        if ((at == 0 || in.data[at - 1] == '\n') && in.data[at + 1] == '-' &&
            memcmp(next + 2, boundary.data, boundary.len) == 0)
            return at;
    }
    return in.len;
}

/* A line without its end; false: there is no end. */
static bool take_line(struct bytes *in, struct bytes *ret)
{
    const uint8_t *end = in->len > 0 ? memchr(in->data, '\n', in->len) : NULL;
    if (end == NULL)
        return false;
    size_t n = (size_t)(end - in->data);
    *ret = bytes_of(in->data, n > 0 && in->data[n - 1] == '\r' ? n - 1 : n);
    *in = bytes_skip(*in, n + 1);
    return true;
}

static enum weft_code take_headers(struct bytes *part, struct multipart_part *p, struct weft_err *e)
{
    static const char disposition[] = "content-disposition";
    size_t all = part->len;
    for (struct bytes line = { 0 };;) {
        if (!take_line(part, &line) || all - part->len > MULTIPART_HEADER_BYTES)
            return WEFT_FAIL(e, WEFT_INVALID, "a part's headers have no end");
        if (line.len == 0)
            return WEFT_OK;
        struct bytes value = line, name = take_until(&value, ":"), file = { 0 };
        if (value.len == 0)
            return WEFT_FAIL(e, WEFT_INVALID, "a part's header has no colon");
        if (!is_word(name, disposition))
            continue;
        struct bytes kind = bytes_skip(value, 1);
        skip_blanks(&kind);
        struct bytes rest = kind;
        if (!is_word(take_until(&rest, "; \t"), "form-data"))
            continue;
        p->name = (struct bytes){ 0 };
        WEFT_IGNORE(find_param(kind, "name", &p->name)); /* then it has none */
        p->is_file = find_param(kind, "filename", &file) && file.len > 0;
    }
}

/* What lies before the line with the next boundary. */
static struct bytes without_line_end(struct bytes data)
{
    if (data.len > 0 && data.data[data.len - 1] == '\n')
        data.len--;
    if (data.len > 0 && data.data[data.len - 1] == '\r')
        data.len--;
    return data;
}

enum weft_code multipart_parse(struct bytes boundary, struct bytes body,
                               struct multipart_part *ret_parts, size_t room, size_t *ret_count,
                               struct weft_err *e)
{
    size_t count = 0, at = find_boundary(body, boundary);
    while (at < body.len) {
        body = bytes_skip(body, at + 2 + boundary.len);
        if (bytes_start_with(body, bytes_of_str("--"))) {
            *ret_count = count;
            return WEFT_OK;
        }
        struct bytes line = { 0 };
        struct multipart_part p = { 0 };
        if (!take_line(&body, &line))
            break;
        at = find_boundary(body, boundary);
        struct bytes part = bytes_of(body.data, at);
        if (at == body.len)
            break;
        WEFT_TRY(take_headers(&part, &p, e));
        p.data = without_line_end(part);
        if (p.name.len == 0)
            continue;
        if (count == room)
            return WEFT_FAIL(e, WEFT_LIMIT, "too many parts");
        ret_parts[count++] = p;
    }
    return WEFT_FAIL(e, WEFT_INVALID, "multipart: NextPart: EOF");
}
