#include "endorser/go_words.h"

#include "base/limits.h"
#include "base/utf8.h"

enum {
    QUOTED_NUMBER_MAX = 200 /* of a number that is none, so much is shown */
};

/* The first string that is not UTF-8, in a message whose wire format is good. */
static bool find_bad_string(const ProtobufCMessageDescriptor *type, struct bytes b, unsigned depth,
                            struct weft_err *e)
{
    struct wire w = wire_of(b);
    struct wire_field field;
    while (depth < LIMIT_PROTO_DEPTH && wire_next(&w, &field)) {
        const ProtobufCFieldDescriptor *f =
            protobuf_c_message_descriptor_get_field(type, field.number);
        if (f == NULL || field.type != WIRE_LEN)
            continue;
        if (f->type == PROTOBUF_C_TYPE_MESSAGE &&
            find_bad_string(f->descriptor, field.bytes, depth + 1, e))
            return true;
        if (f->type != PROTOBUF_C_TYPE_STRING || wire_utf8(field.bytes))
            continue;
        weft_err_set(e, WEFT_INVALID, __FILE__, __LINE__,
                     "proto: field \"%s.%s\" contains invalid UTF-8", type->name, f->name);
        return true;
    }
    return false;
}

static bool wire_is_good(const ProtobufCMessageDescriptor *type, struct bytes b, unsigned depth)
{
    struct wire w = wire_of(b);
    struct wire_field field;
    while (depth < LIMIT_PROTO_DEPTH && wire_next(&w, &field)) {
        const ProtobufCFieldDescriptor *f =
            protobuf_c_message_descriptor_get_field(type, field.number);
        if (f != NULL && f->type == PROTOBUF_C_TYPE_MESSAGE && field.type == WIRE_LEN &&
            !wire_is_good(f->descriptor, field.bytes, depth + 1))
            return false;
    }
    return !w.bad;
}

enum weft_code go_proto_check(const ProtobufCMessageDescriptor *type, struct bytes b,
                              struct weft_err *e)
{
    struct weft_err why = { 0 };
    enum weft_code rc = proto_check(type, b, 0, &why);
    if (rc == WEFT_OK)
        return rc;
    if (rc == WEFT_LIMIT)
        return WEFT_FAIL(e, rc, "%s", why.msg);
    if (wire_is_good(type, b, 0) && find_bad_string(type, b, 0, e))
        return rc;
    return WEFT_FAIL(e, rc, "unexpected EOF");
}

enum weft_code go_unmarshal(const char *name, const ProtobufCMessageDescriptor *type,
                            struct bytes b, struct weft_err *e)
{
    enum weft_code rc = go_proto_check(type, b, e);
    return rc == WEFT_OK ? rc : weft_err_wrap(e, rc, "error unmarshaling %s", name);
}

/* ---- strconv ------------------------------------------------------------------------------ */

static bool put_escape(uint8_t c, struct buf *out)
{
    static const char plain[] = "\a\b\f\n\r\t\v\\\"", letters[] = "abfnrtv\\\"";
    const char *at = c != 0 ? strchr(plain, c) : NULL;
    if (at == NULL)
        return false;
    buf_put_u8(out, '\\');
    buf_put_u8(out, (uint8_t)letters[at - plain]);
    return true;
}

void go_quote(struct bytes text, struct buf *out)
{
    buf_put_u8(out, '"');
    for (size_t i = 0; i < text.len;) {
        uint32_t rune = 0;
        uint8_t c = text.data[i];
        size_t n = utf8_decode(bytes_skip(text, i), &rune);
        if (n > 1)
            buf_put(out, bytes_of(text.data + i, n));
        else if (!put_escape(c, out) && (n == 0 || c < 0x20 || c == 0x7f))
            buf_printf(out, "\\x%02x", c);
        else if (c >= 0x20 && c != '"' && c != '\\')
            buf_put_u8(out, c);
        i += n > 1 ? n : 1;
    }
    buf_put_u8(out, '"');
}

enum weft_code go_parse_uint(struct bytes text, uint64_t *ret, struct weft_err *e)
{
    const char *why = text.len == 0 ? "invalid syntax" : NULL;
    uint64_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            why = "invalid syntax";
            break;
        }
        unsigned digit = text.data[i] - '0';
        if (n > (UINT64_MAX - digit) / 10)
            why = "value out of range";
        n = n * 10 + digit;
    }
    if (why != NULL) {
        WEFT_CLEANUP(buf_done) struct buf quoted = { 0 };
        size_t most = text.len < QUOTED_NUMBER_MAX ? text.len : QUOTED_NUMBER_MAX;
        go_quote(bytes_of(text.data, most), &quoted);
        return WEFT_FAIL(e, WEFT_INVALID, "strconv.ParseUint: parsing %.*s: %s", (int)quoted.len,
                         (const char *)quoted.data, why);
    }
    *ret = n;
    return WEFT_OK;
}
