#include "proto/wire.h"

#include "base/limits.h"
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

static bool take_tag(struct bytes *in, struct wire_field *f)
{
    uint64_t tag = 0;
    if (!take_varint(in, &tag) || tag >> 3 == 0 || tag >> 3 > UINT32_MAX)
        return false;
    f->number = (uint32_t)(tag >> 3);
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

/* Passes over a group up to the end tag that closes it. */
static bool skip_group(struct bytes *in)
{
    for (int depth = 1; depth > 0;) {
        struct wire_field f = { 0 };
        if (!take_tag(in, &f))
            return false;
        if (f.type == WIRE_END_GROUP)
            depth--;
        else if (f.type == WIRE_GROUP)
            depth++;
        else if (!take_value(in, &f))
            return false;
        if (depth > LIMIT_PROTO_DEPTH)
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
    bool good = take_tag(&w->rest, &f);
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

/* How many bytes follow the first one of a UTF-8 sequence, and the smallest
 * code point that may be written with so many; -1 for a byte that starts none. */
static int sequence_of(uint8_t first, uint32_t *least)
{
    static const uint32_t least_of[] = { 0, 0x80, 0x800, 0x10000 };
    int more = first < 0x80             ? 0
               : (first & 0xe0) == 0xc0 ? 1
               : (first & 0xf0) == 0xe0 ? 2
               : (first & 0xf8) == 0xf0 ? 3
                                        : -1;
    if (more >= 0)
        *least = least_of[more];
    return more;
}

bool wire_utf8(struct bytes text)
{
    size_t i = 0;
    while (i < text.len) {
        uint32_t least = 0;
        uint8_t first = text.data[i++];
        int more = sequence_of(first, &least);
        if (more < 0 || (size_t)more > text.len - i)
            return false;
        uint32_t point = more == 0 ? first : first & (0x3fU >> more);
        for (; more > 0; more--, i++) {
            if ((text.data[i] & 0xc0) != 0x80)
                return false;
            point = point << 6 | (text.data[i] & 0x3fU);
        }
        if (point < least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
            return false;
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
