#include "ops/log_spec_body.h"

#include "base/limits.h"
#include "base/utf8.h"

#include <strings.h>

struct scan {
    struct bytes in;
    size_t at;
    char open[LIMIT_JSON_DEPTH];
    size_t depth;
};

/* ---- Go's words ------------------------------------------------------------- */

static enum weft_code bad_char(const struct scan *s, const char *where, struct weft_err *e)
{
    if (s->at >= s->in.len)
        return WEFT_FAIL(e, WEFT_INVALID, "%s",
                         s->depth > 0 || s->at > 0 ? "unexpected EOF" : "EOF");
    static const char names[] = "\a\b\t\n\v\f\r";
    uint8_t c = s->in.data[s->at];
    char shown[8];
    const char *name = c != 0 ? strchr(names, c) : NULL;
    if (c == '\'')
        (void)snprintf(shown, sizeof(shown), "\\'");
    else if (name != NULL)
        (void)snprintf(shown, sizeof(shown), "\\%c", "abtnvfr"[name - names]);
    else if (c < 0x20 || c == 0x7f)
        (void)snprintf(shown, sizeof(shown), "\\x%02x", c);
    else if (c >= 0x80)
        (void)snprintf(shown, sizeof(shown), "%c%c", 0xc0 | c >> 6, 0x80 | (c & 0x3f));
    else
        (void)snprintf(shown, sizeof(shown), "%c", c);
    return WEFT_FAIL(e, WEFT_INVALID, "invalid character '%s' %s", shown, where);
}

/* The value that begins with c, as Go calls it. */
static const char *kind_of(uint8_t c)
{
    return c == '"'               ? "string"
           : c == '{'             ? "object"
           : c == '['             ? "array"
           : c == 't' || c == 'f' ? "bool"
                                  : "number";
}

/* ---- the pieces --------------------------------------------------------------- */

static int peek(const struct scan *s)
{
    return s->at < s->in.len ? s->in.data[s->at] : -1;
}

static void skip_blanks(struct scan *s)
{
    while (peek(s) == ' ' || peek(s) == '\t' || peek(s) == '\n' || peek(s) == '\r')
        s->at++;
}

static bool is_hex(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static enum weft_code skip_escape(struct scan *s, struct weft_err *e)
{
    s->at++; /* the backslash */
    int c = peek(s);
    if (c <= 0 || strchr("\"\\/bfnrtu", c) == NULL)
        return bad_char(s, "in string escape code", e);
    s->at++;
    for (int i = 0; c == 'u' && i < 4; i++, s->at++)
        if (!is_hex(peek(s)))
            return bad_char(s, "in \\u hexadecimal character escape", e);
    return WEFT_OK;
}

/* What stands between the quotes, as it stands. */
static enum weft_code skip_string(struct scan *s, struct bytes *ret, struct weft_err *e)
{
    size_t from = ++s->at;
    while (peek(s) != '"') {
        if (peek(s) < 0x20)
            return bad_char(s, "in string literal", e);
        if (peek(s) == '\\')
            WEFT_TRY(skip_escape(s, e));
        else
            s->at++;
    }
    *ret = bytes_of(s->in.data + from, s->at - from);
    s->at++;
    return WEFT_OK;
}

static enum weft_code skip_word(struct scan *s, const char *word, struct weft_err *e)
{
    for (size_t i = 0; word[i] != '\0'; i++, s->at++)
        if (peek(s) != word[i]) {
            char where[64];
            (void)snprintf(where, sizeof(where), "in literal %s (expecting '%c')", word, word[i]);
            return bad_char(s, where, e);
        }
    return WEFT_OK;
}

static size_t skip_digits(struct scan *s)
{
    size_t from = s->at;
    while (peek(s) >= '0' && peek(s) <= '9')
        s->at++;
    return s->at - from;
}

static enum weft_code skip_number(struct scan *s, struct weft_err *e)
{
    if (peek(s) == '-')
        s->at++;
    if (peek(s) == '0')
        s->at++;
    else if (skip_digits(s) == 0)
        return bad_char(s, "in numeric literal", e);
    if (peek(s) == '.') {
        s->at++;
        if (skip_digits(s) == 0)
            return bad_char(s, "after decimal point in numeric literal", e);
    }
    if (peek(s) == 'e' || peek(s) == 'E') {
        s->at++;
        if (peek(s) == '+' || peek(s) == '-')
            s->at++;
        if (skip_digits(s) == 0)
            return bad_char(s, "in exponent of numeric literal", e);
    }
    return WEFT_OK;
}

/* ---- the text of a string -------------------------------------------------------- */

static uint32_t hex4(const uint8_t *at)
{
    uint32_t n = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t c = at[i];
        n = n << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return n;
}

static void put_rune(struct buf *out, uint32_t r)
{
    if (r == 0 || (r >= 0xd800 && r < 0xe000))
        r = 0xfffd;
    if (r < 0x80) {
        buf_put_u8(out, (uint8_t)r);
        return;
    }
    int more = r < 0x800 ? 1 : r < 0x10000 ? 2 : 3;
    static const uint8_t first[] = { 0, 0xc0, 0xe0, 0xf0 };
    buf_put_u8(out, (uint8_t)(first[more] | r >> (6 * more)));
    while (more-- > 0)
        buf_put_u8(out, (uint8_t)(0x80 | (r >> (6 * more) & 0x3f)));
}

/* One escape; how long it is. */
static size_t put_unescaped(struct buf *out, struct bytes raw)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    if (raw.data[1] != 'u') {
        const char *at = strchr(from, raw.data[1]);
        buf_put_u8(out, at != NULL ? (uint8_t)to[at - from] : raw.data[1]);
        return 2;
    }
    uint32_t r = hex4(raw.data + 2);
    if (r >= 0xd800 && r < 0xdc00 && raw.len >= 12 && raw.data[6] == '\\' && raw.data[7] == 'u') {
        uint32_t low = hex4(raw.data + 8);
        if (low >= 0xdc00 && low < 0xe000) {
            put_rune(out, 0x10000 + ((r - 0xd800) << 10) + (low - 0xdc00));
            return 12;
        }
    }
    put_rune(out, r);
    return 6;
}

static char *unquote(struct bytes raw)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    while (raw.len > 0) {
        uint32_t rune = 0;
        size_t n = utf8_decode(raw, &rune);
        if (raw.data[0] == '\\')
            n = put_unescaped(&out, raw);
        else
            put_rune(&out, n > 0 ? rune : 0xfffd);
        raw = bytes_skip(raw, n > 0 ? n : 1);
    }
    return bytes_dup_str(buf_bytes(&out));
}

/* ---- the value --------------------------------------------------------------------- */

struct found {
    struct bytes text; /* the member, as it stands */
    bool is_string;
    const char *wrong; /* what kind it is instead of a string */
};

static bool is_spec(struct bytes key)
{
    WEFT_FREE char *name = unquote(key);
    return strcasecmp(name, "spec") == 0;
}

/* Takes what begins here; containers are only opened.  A member at the top that
 * is the spec is kept. */
static enum weft_code take_value(struct scan *s, bool spec, struct found *f, struct weft_err *e)
{
    int c = peek(s);
    struct bytes text = { 0 };
    if (spec && c != 'n') {
        f->is_string = c == '"';
        if (c != '"' && c > 0)
            f->wrong = kind_of((uint8_t)c);
    }
    if (c == '{' || c == '[') {
        if (s->depth == LIMIT_JSON_DEPTH)
            return WEFT_FAIL(e, WEFT_LIMIT, "exceeded max depth");
        s->open[s->depth++] = (char)c;
        s->at++;
        return WEFT_OK;
    }
    if (c == '"') {
        WEFT_TRY(skip_string(s, &text, e));
        if (spec)
            f->text = text;
        return WEFT_OK;
    }
    if (c == 't' || c == 'f' || c == 'n')
        return skip_word(s, c == 't' ? "true" : c == 'f' ? "false" : "null", e);
    if (c == '-' || (c >= '0' && c <= '9'))
        return skip_number(s, e);
    return bad_char(s, "looking for beginning of value", e);
}

/* "key": of an object's next member. */
static enum weft_code take_key(struct scan *s, bool *ret_spec, struct weft_err *e)
{
    struct bytes key = { 0 };
    skip_blanks(s);
    if (peek(s) != '"')
        return bad_char(s, "looking for beginning of object key string", e);
    WEFT_TRY(skip_string(s, &key, e));
    skip_blanks(s);
    if (peek(s) != ':')
        return bad_char(s, "after object key", e);
    s->at++;
    *ret_spec = s->depth == 1 && is_spec(key);
    return WEFT_OK;
}

/* After a value: closes what ends here, or finds the comma before the next one. */
static enum weft_code take_end(struct scan *s, bool *ret_next, struct weft_err *e)
{
    for (;;) {
        *ret_next = false;
        if (s->depth == 0)
            return WEFT_OK;
        bool object = s->open[s->depth - 1] == '{';
        skip_blanks(s);
        if (peek(s) == ',') {
            s->at++;
            *ret_next = true;
            return WEFT_OK;
        }
        if (peek(s) != (object ? '}' : ']'))
            return bad_char(s, object ? "after object key:value pair" : "after array element", e);
        s->at++;
        s->depth--;
    }
}

/* All of the first value; what the member at its top says. */
static enum weft_code take_all(struct scan *s, struct found *f, struct weft_err *e)
{
    bool next = false, spec = false;
    WEFT_TRY(take_value(s, false, f, e));
    if (s->depth == 0)
        return WEFT_OK;
    for (bool begun = true;; begun = false) {
        skip_blanks(s);
        bool object = s->open[s->depth - 1] == '{';
        if (begun && peek(s) == (object ? '}' : ']')) {
            WEFT_TRY(take_end(s, &next, e));
        } else {
            size_t depth = s->depth;
            spec = false;
            if (object)
                WEFT_TRY(take_key(s, &spec, e));
            skip_blanks(s);
            WEFT_TRY(take_value(s, spec, f, e));
            if (s->depth > depth) { /* it has been opened: its members first */
                skip_blanks(s);
                if (peek(s) != (s->open[s->depth - 1] == '{' ? '}' : ']'))
                    continue;
            }
            WEFT_TRY(take_end(s, &next, e));
        }
        if (!next)
            return WEFT_OK;
    }
}

enum weft_code log_spec_body_parse(struct bytes body, char **ret_spec, struct weft_err *e)
{
    if (body.len > LIMIT_LOG_SPEC)
        return WEFT_FAIL(e, WEFT_LIMIT, "http: request body too large");
    struct scan s = { .in = body };
    struct found f = { 0 };
    skip_blanks(&s);
    if (s.at == body.len)
        return WEFT_FAIL(e, WEFT_INVALID, "EOF");
    uint8_t first = body.data[s.at];
    WEFT_TRY(take_all(&s, &f, e));
    if (first != '{' && first != 'n')
        return WEFT_FAIL(e, WEFT_INVALID,
                         "json: cannot unmarshal %s into Go value of type httpadmin.LogSpec",
                         kind_of(first));
    if (f.wrong != NULL)
        return WEFT_FAIL(
            e, WEFT_INVALID,
            "json: cannot unmarshal %s into Go struct field LogSpec.spec of type string", f.wrong);
    *ret_spec = unquote(f.text);
    return WEFT_OK;
}
