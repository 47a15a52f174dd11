#include "crypto/der.h"

enum {
    LONG_FORM = 0x80,
    LENGTH_BYTES_MAX = 4,
    TAG_NUMBER = 0x1f
};

/* Length of the content, and of tag and length before it. */
static bool read_length(struct bytes b, size_t *ret_header, size_t *ret_len)
{
    size_t len = b.data[1], header = 2;
    if (len >= LONG_FORM) {
        size_t n = len - LONG_FORM;
        if (n == 0 || n > LENGTH_BYTES_MAX || b.len < header + n || b.data[header] == 0)
            return false;
        len = 0;
        for (size_t i = 0; i < n; i++)
            len = len << 8 | b.data[header + i];
        if (len < LONG_FORM)
            return false;
        header += n;
    }
    *ret_header = header;
    *ret_len = len;
    return len <= b.len - header;
}

bool der_next(struct bytes *rest, struct der_item *ret)
{
    size_t header, len;
    if (rest->len < 2 || (rest->data[0] & TAG_NUMBER) == TAG_NUMBER ||
        !read_length(*rest, &header, &len))
        return false;
    *ret = (struct der_item){ .tag = rest->data[0],
                              .content = bytes_of(rest->data + header, len),
                              .whole = bytes_of(rest->data, header + len) };
    *rest = bytes_skip(*rest, header + len);
    return true;
}

bool der_peek(struct bytes rest, uint8_t tag)
{
    return rest.len > 0 && rest.data[0] == tag;
}

bool der_take(struct bytes *rest, uint8_t tag, struct der_item *ret)
{
    return der_peek(*rest, tag) && der_next(rest, ret);
}

bool der_take_bits(struct bytes *rest, struct bytes *ret)
{
    struct der_item bits;
    if (!der_take(rest, DER_BIT_STRING, &bits) || bits.content.len == 0 ||
        bits.content.data[0] != 0)
        return false;
    *ret = bytes_skip(bits.content, 1);
    return true;
}

bool der_take_integer(struct bytes *rest, struct bytes *ret)
{
    struct der_item n;
    if (!der_take(rest, DER_INTEGER, &n) || n.content.len == 0)
        return false;
    const uint8_t *v = n.content.data;
    if (n.content.len > 1 && ((v[0] == 0x00 && v[1] < 0x80) || (v[0] == 0xff && v[1] >= 0x80)))
        return false;
    *ret = n.content;
    return true;
}

bool der_take_int(struct bytes *rest, int *ret)
{
    struct bytes v;
    if (!der_take_integer(rest, &v) || v.len > sizeof(int))
        return false;
    uint32_t n = v.data[0] >= 0x80 ? UINT32_MAX : 0;
    for (size_t i = 0; i < v.len; i++)
        n = n << 8 | v.data[i];
    *ret = (int)n;
    return true;
}

bool der_take_boolean(struct bytes *rest, bool *ret)
{
    struct der_item b;
    if (!der_take(rest, DER_BOOLEAN, &b) || b.content.len != 1 ||
        (b.content.data[0] != 0 && b.content.data[0] != 0xff))
        return false;
    *ret = b.content.data[0] != 0;
    return true;
}

void der_put(struct buf *out, uint8_t tag, struct bytes content)
{
    buf_put_u8(out, tag);
    if (content.len < LONG_FORM) {
        buf_put_u8(out, (uint8_t)content.len);
    } else {
        unsigned n = 1;
        while (n < sizeof(size_t) && content.len >> (8 * n) != 0)
            n++;
        buf_put_u8(out, (uint8_t)(LONG_FORM + n));
        while (n-- > 0)
            buf_put_u8(out, (uint8_t)(content.len >> (8 * n)));
    }
    buf_put(out, content);
}
