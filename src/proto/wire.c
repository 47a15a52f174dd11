#include "proto/wire.h"

#include "base/utf8.h"
#include "base/varint.h"

static bool take_varint(struct bytes *in, uint64_t *ret)
{
    size_t n = uvarint_decode(*in, ret);
    if (n == 0)
        return false;
    *in = bytes_skip(*in, n);
    return true;
}

static bool take_fixed(struct bytes *in, size_t width, uint64_t *ret)
{
    if (in->len < width)
        return false;
    *ret = 0;
    for (size_t i = 0; i < width; i++)
        *ret |= (uint64_t)in->data[i] << (8 * i);
    *in = bytes_skip(*in, width);
    return true;
}

/* A number that no message has stays one. */
static bool take_tag(struct bytes *in, struct wire_field *f)
{
    uint64_t tag = 0;
    if (!take_varint(in, &tag))
        return false;
    f->number = tag >> 3 < UINT32_MAX ? (uint32_t)(tag >> 3) : UINT32_MAX;
    f->type = (enum wire_type)(tag & 7);
    return true;
}

/* The value of a field that is no group. */
static bool take_value(struct bytes *in, struct wire_field *f)
{
    switch (f->type) {
    case WIRE_VARINT:
        return take_varint(in, &f->varint);
    case WIRE_FIXED64:
        return take_fixed(in, 8, &f->varint);
    case WIRE_FIXED32:
        return take_fixed(in, 4, &f->varint);
    case WIRE_LEN:
        if (!take_varint(in, &f->varint) || f->varint > in->len)
            return false;
        f->bytes = bytes_of(in->data, (size_t)f->varint);
        *in = bytes_skip(*in, (size_t)f->varint);
        return true;
    case WIRE_GROUP:
    case WIRE_END_GROUP:
        break;
    }
    return false; /* types 6 and 7 do not exist */
}

/* Passes over a group up to the end tag that closes it; what is in it has any numbers. */
static bool skip_group(struct bytes *in)
{
    for (size_t depth = 1; depth > 0;) {
        struct wire_field f = { 0 };
        if (!take_tag(in, &f))
            return false;
        if (f.type == WIRE_END_GROUP)
            depth--;
        else if (f.type == WIRE_GROUP)
            depth++;
        else if (!take_value(in, &f))
            return false;
    }
    return true;
}

bool wire_next(struct wire *w, struct wire_field *ret)
{
    if (w->rest.len == 0 || w->bad)
        return false;
    const uint8_t *start = w->rest.data;
    struct wire_field f = { 0 };
    bool good = take_tag(&w->rest, &f) && f.number > 0;
    if (good && f.type == WIRE_GROUP) {
        const uint8_t *content = w->rest.data;
        good = skip_group(&w->rest);
        f.bytes = bytes_of(content, (size_t)(w->rest.data - content));
    } else if (good) {
        good = take_value(&w->rest, &f);
    }
    if (!good) {
        w->bad = true;
        return false;
    }
    f.whole = bytes_of(start, (size_t)(w->rest.data - start));
    *ret = f;
    return true;
}

bool wire_utf8(struct bytes text)
{
    while (text.len > 0) {
        uint32_t rune = 0;
        size_t n = utf8_decode(text, &rune);
        if (n == 0)
            return false;
        text = bytes_skip(text, n);
    }
    return true;
}

void wire_put_varint(struct buf *b, uint32_t number, uint64_t n)
{
    buf_put_uvarint(b, (uint64_t)number << 3 | WIRE_VARINT);
    buf_put_uvarint(b, n);
}

void wire_put_bytes(struct buf *b, uint32_t number, struct bytes what)
{
    buf_put_uvarint(b, (uint64_t)number << 3 | WIRE_LEN);
    buf_put_len_bytes(b, what);
}
