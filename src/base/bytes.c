#include "base/bytes.h"

#include "base/varint.h"

#include <stdarg.h>

int bytes_cmp(struct bytes a, struct bytes b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n > 0 ? memcmp(a.data, b.data, n) : 0;
    if (c != 0)
        return c;
    return (a.len > b.len) - (a.len < b.len);
}

char *bytes_dup_str(struct bytes b)
{
    char *s = weft_alloc(b.len + 1);
    if (b.len > 0)
        memcpy(s, b.data, b.len);
    return s;
}

char *bytes_to_hex(struct bytes b)
{
    static const char digits[] = "0123456789abcdef";
    char *s = weft_alloc(2 * b.len + 1);
    for (size_t i = 0; i < b.len; i++) {
        s[2 * i] = digits[b.data[i] >> 4];
        s[2 * i + 1] = digits[b.data[i] & 15];
    }
    return s;
}

static int nibble(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool bytes_from_hex(struct bytes hex, uint8_t *out)
{
    if (hex.len % 2 != 0)
        return false;
    for (size_t i = 0; i < hex.len; i += 2) {
        int hi = nibble(hex.data[i]), lo = nibble(hex.data[i + 1]);
        if (hi < 0 || lo < 0)
            return false;
        out[i / 2] = (uint8_t)(hi << 4 | lo);
    }
    return true;
}

void buf_done(struct buf *b)
{
    free(b->data);
    *b = (struct buf){ 0 };
}

uint8_t *buf_reserve(struct buf *b, size_t n)
{
    WEFT_ASSERT(n < SIZE_MAX / 4 && b->len < SIZE_MAX / 4);
    if (b->cap - b->len < n || b->data == NULL) { /* a place for nothing is one, too */
        size_t cap = b->cap + b->cap / 2;
        b->cap = cap < b->len + n ? b->len + n : cap;
        b->cap = b->cap < 64 ? 64 : b->cap;
        b->data = weft_realloc(b->data, b->cap);
    }
    return b->data + b->len;
}

void buf_put(struct buf *b, struct bytes what)
{
    if (what.len == 0)
        return;
    memcpy(buf_reserve(b, what.len), what.data, what.len);
    b->len += what.len;
}

void buf_put_u8(struct buf *b, uint8_t byte)
{
    *buf_reserve(b, 1) = byte;
    b->len++;
}

void buf_put_str(struct buf *b, const char *s)
{
    buf_put(b, bytes_of_str(s));
}

void buf_vprintf(struct buf *b, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    WEFT_ASSERT(n >= 0);
    (void)vsnprintf((char *)buf_reserve(b, (size_t)n + 1), (size_t)n + 1, fmt, again);
    va_end(again);
    b->len += (size_t)n;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    buf_vprintf(b, fmt, args);
    va_end(args);
}

void buf_put_uvarint(struct buf *b, uint64_t n)
{
    b->len += uvarint_encode(n, buf_reserve(b, UVARINT_LEN_MAX));
}

void buf_put_len_bytes(struct buf *b, struct bytes what)
{
    buf_put_uvarint(b, what.len);
    buf_put(b, what);
}
