#include "crypto/ecdsa.h"

/* The bytes of an element's value, split off *rest. */
static enum weft_code take_element(struct bytes *rest, uint8_t want_tag, struct bytes *ret_value,
                                   struct weft_err *e)
{
    enum {
        LENGTH_BYTES_MAX = 4,
        LONG_FORM = 0x80
    };
    if (rest->len == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "asn1: syntax error: sequence truncated");
    if (rest->len < 2)
        return WEFT_FAIL(e, WEFT_INVALID, "asn1: syntax error: truncated tag or length");
    if (rest->data[0] != want_tag)
        return WEFT_FAIL(e, WEFT_INVALID, "asn1: structure error: tags don't match (%u vs %u)",
                         want_tag, rest->data[0]);
    size_t len = rest->data[1], header = 2;
    if (len == LONG_FORM)
        return WEFT_FAIL(e, WEFT_INVALID, "asn1: syntax error: indefinite length found (not DER)");
    if (len > LONG_FORM) {
        size_t n = len - LONG_FORM;
        if (n > LENGTH_BYTES_MAX)
            return WEFT_FAIL(e, WEFT_INVALID, "asn1: structure error: length too large");
        if (rest->len < header + n)
            return WEFT_FAIL(e, WEFT_INVALID, "asn1: syntax error: truncated tag or length");
        len = 0;
        for (size_t i = 0; i < n; i++)
            len = len << 8 | rest->data[header + i];
        if (rest->data[header] == 0)
            return WEFT_FAIL(e, WEFT_INVALID,
                             "asn1: structure error: superfluous leading zeros in length");
        if (len < LONG_FORM)
            return WEFT_FAIL(e, WEFT_INVALID, "asn1: structure error: non-minimal length");
        header += n;
    }
    if (len > rest->len - header)
        return WEFT_FAIL(e, WEFT_INVALID, "asn1: syntax error: data truncated");
    *ret_value = bytes_of(rest->data + header, len);
    *rest = bytes_skip(*rest, header + len);
    return WEFT_OK;
}

static enum weft_code take_positive(struct bytes *rest, char name, struct bytes *ret,
                                    struct weft_err *e)
{
    struct bytes v = { 0 };
    WEFT_TRY(take_element(rest, 0x02, &v, e));
    if (v.len == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "asn1: structure error: empty integer");
    if (v.len > 1 &&
        ((v.data[0] == 0x00 && v.data[1] < 0x80) || (v.data[0] == 0xff && v.data[1] >= 0x80)))
        return WEFT_FAIL(e, WEFT_INVALID, "asn1: structure error: integer not minimally-encoded");
    if (v.data[0] >= 0x80 || (v.len == 1 && v.data[0] == 0))
        return WEFT_FAIL(e, WEFT_INVALID, "invalid signature, %c must be larger than zero", name);
    *ret = v.data[0] == 0 ? bytes_skip(v, 1) : v;
    return WEFT_OK;
}

enum weft_code ecdsa_signature_parse(struct bytes der, struct ecdsa_signature *ret,
                                     struct weft_err *e)
{
    struct ecdsa_signature sig = { 0 };
    struct bytes sequence = { 0 };
    enum weft_code rc = take_element(&der, 0x30, &sequence, e);
    if (rc == WEFT_OK)
        rc = take_positive(&sequence, 'R', &sig.r, e);
    if (rc == WEFT_OK)
        rc = take_positive(&sequence, 'S', &sig.s, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "failed unmashalling signature");
    *ret = sig;
    return WEFT_OK;
}

static uint8_t *put_length(uint8_t *at, size_t len)
{
    if (len >= 0x80)
        *at++ = 0x81;
    *at++ = (uint8_t)len;
    return at;
}

/* A number whose first bit is set needs a zero byte for its sign. */
static size_t integer_len(struct bytes v)
{
    return v.len + (v.data[0] >> 7);
}

static uint8_t *put_integer(uint8_t *at, struct bytes v)
{
    *at++ = 0x02;
    at = put_length(at, integer_len(v));
    if (v.data[0] >> 7 != 0)
        *at++ = 0;
    memcpy(at, v.data, v.len);
    return at + v.len;
}

size_t ecdsa_signature_write(const struct ecdsa_signature *sig, uint8_t out[ECDSA_SIGNATURE_MAX])
{
    WEFT_ASSERT(sig->r.len > 0 && sig->r.len <= ECDSA_SCALAR_MAX);
    WEFT_ASSERT(sig->s.len > 0 && sig->s.len <= ECDSA_SCALAR_MAX);
    uint8_t *at = out;
    *at++ = 0x30;
    at = put_length(at, 4 + integer_len(sig->r) + integer_len(sig->s));
    at = put_integer(at, sig->r);
    at = put_integer(at, sig->s);
    return (size_t)(at - out);
}
