#include "crypto/pem.h"

#include "base/limits.h"

#include <openssl/evp.h>

static const char begin_mark[] = "\n-----BEGIN ";
static const char end_mark[] = "\n-----END ";
static const char dashes[] = "-----";

static bool find(struct bytes in, const char *what, size_t *ret_at)
{
    const uint8_t *at = in.len > 0 ? memmem(in.data, in.len, what, strlen(what)) : NULL;
    if (at == NULL)
        return false;
    *ret_at = (size_t)(at - in.data);
    return true;
}

void pem_block_done(struct pem_block *b)
{
    buf_done(&b->der);
    b->type = bytes_of(NULL, 0);
}

/* Splits off one line; blanks and the line's end are not part of it. */
static struct bytes take_line(struct bytes *rest)
{
    size_t len = rest->len, next = rest->len;
    if (find(*rest, "\n", &len))
        next = len + 1;
    else
        len = rest->len;
    if (next > len && len > 0 && rest->data[len - 1] == '\r')
        len--;
    while (len > 0 && (rest->data[len - 1] == ' ' || rest->data[len - 1] == '\t'))
        len--;
    struct bytes line = bytes_of(rest->data, len);
    *rest = bytes_skip(*rest, next);
    return line;
}

static bool ends_with(struct bytes b, const char *what)
{
    size_t n = strlen(what);
    return b.len >= n && memcmp(b.data + b.len - n, what, n) == 0;
}

static int base64_value(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

/* Base64 with its padding; line ends and blanks anywhere do not count. */
static bool base64_decode(struct bytes text, struct buf *out)
{
    uint32_t bits = 0;
    unsigned have = 0, pad = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c == '\n' || c == '\r' || c == ' ' || c == '\t')
            continue;
        if (c == '=') {
            pad++;
            if (have < 2 || have + pad > 4)
                return false;
            continue;
        }
        int v = base64_value(c);
        if (v < 0 || pad > 0)
            return false;
        bits = bits << 6 | (uint32_t)v;
        if (++have == 4) {
            buf_put(out, bytes_of((uint8_t[]){ (uint8_t)(bits >> 16), (uint8_t)(bits >> 8),
                                               (uint8_t)bits },
                                  3));
            have = 0;
        }
    }
    if (have == 0)
        return true;
    if (have + pad != 4)
        return false;
    bits <<= 6 * pad;
    buf_put_u8(out, (uint8_t)(bits >> 16));
    if (have == 3)
        buf_put_u8(out, (uint8_t)(bits >> 8));
    return true;
}

/* Finds where the body ends and what follows the block; false when the end
 * line is not there or not of this type. */
static bool find_end(struct bytes body, struct bytes type, bool headers, size_t *ret_body_len,
                     struct bytes *ret_after)
{
    size_t at, trailer;
    if (!headers && bytes_start_with(body, bytes_of_str(end_mark + 1))) {
        at = 0;
        trailer = strlen(end_mark) - 1;
    } else if (find(body, end_mark, &at)) {
        trailer = at + strlen(end_mark);
    } else {
        return false;
    }
    struct bytes rest = bytes_skip(body, trailer);
    if (!bytes_start_with(rest, type))
        return false;
    rest = bytes_skip(rest, type.len);
    if (!bytes_start_with(rest, bytes_of_str(dashes)))
        return false;
    rest = bytes_skip(rest, strlen(dashes));
    if (take_line(&rest).len != 0)
        return false;
    *ret_body_len = at;
    *ret_after = rest;
    return true;
}

/* Reads one block after its BEGIN mark. */
static bool read_block(struct bytes rest, struct pem_block *b, struct bytes *ret_after)
{
    struct bytes type = take_line(&rest);
    if (!ends_with(type, dashes))
        return false;
    type.len -= strlen(dashes);

    bool headers = false;
    size_t colon;
    for (struct bytes next = rest; find(take_line(&next), ":", &colon); rest = next)
        headers = true;

    size_t body_len;
    struct bytes after;
    if (!find_end(rest, type, headers, &body_len, &after))
        return false;
    buf_clear(&b->der);
    if (!base64_decode(bytes_of(rest.data, body_len), &b->der))
        return false;
    b->type = type;
    *ret_after = after;
    return true;
}

enum weft_code pem_next(struct bytes *text, struct pem_block *ret, struct weft_err *e)
{
    if (text->len > LIMIT_PEM_TEXT)
        return WEFT_FAIL(e, WEFT_LIMIT, "PEM text of %zu bytes is longer than %d", text->len,
                         LIMIT_PEM_TEXT);

    WEFT_CLEANUP(pem_block_done) struct pem_block b = { 0 };
    struct bytes rest = *text, after;
    for (int tries = 0;; tries++) {
        size_t at = 0;
        if (bytes_start_with(rest, bytes_of_str(begin_mark + 1)))
            rest = bytes_skip(rest, strlen(begin_mark) - 1);
        else if (find(rest, begin_mark, &at))
            rest = bytes_skip(rest, at + strlen(begin_mark));
        else
            return WEFT_FAIL(e, WEFT_NOT_FOUND, "no PEM block");
        if (tries == LIMIT_PEM_TRIES)
            return WEFT_FAIL(e, WEFT_LIMIT, "more than %d broken PEM blocks", LIMIT_PEM_TRIES);
        if (read_block(rest, &b, &after))
            break;
        (void)take_line(&rest);
    }
    pem_block_done(ret);
    *ret = b;
    b = (struct pem_block){ 0 };
    *text = after;
    return WEFT_OK;
}

void pem_encode(const char *type, struct bytes der, struct buf *out)
{
    enum {
        LINE_BYTES = 48,
        LINE_TEXT = 64
    };
    buf_printf(out, "-----BEGIN %s-----\n", type);
    while (der.len > 0) {
        struct bytes part = bytes_of(der.data, der.len < LINE_BYTES ? der.len : LINE_BYTES);
        int n = EVP_EncodeBlock(buf_reserve(out, LINE_TEXT + 1), part.data, (int)part.len);
        out->len += (size_t)n;
        buf_put_u8(out, '\n');
        der = bytes_skip(der, part.len);
    }
    buf_printf(out, "-----END %s-----\n", type);
}
