#include "net/grpc_meta.h"

#include <inttypes.h>

/* ---- the list: [u32 name length][u32 value length][name][value] ... ---------- */

void grpc_meta_done(struct grpc_meta *m)
{
    buf_done(&m->items);
    *m = (struct grpc_meta){ 0 };
}

void grpc_meta_add(struct grpc_meta *m, struct bytes name, struct bytes value)
{
    uint32_t lens[2] = { (uint32_t)name.len, (uint32_t)value.len };
    WEFT_ASSERT(name.len <= UINT32_MAX && value.len <= UINT32_MAX);
    buf_put(&m->items, bytes_of(lens, sizeof(lens)));
    buf_put(&m->items, name);
    buf_put(&m->items, value);
    m->count++;
}

bool grpc_meta_next(const struct grpc_meta *m, struct grpc_meta_item *item)
{
    uint32_t lens[2];
    if (item->next >= m->items.len)
        return false;
    const uint8_t *at = m->items.data + item->next;
    memcpy(lens, at, sizeof(lens));
    at += sizeof(lens);
    item->name = bytes_of(at, lens[0]);
    item->value = bytes_of(at + lens[0], lens[1]);
    item->next += sizeof(lens) + lens[0] + lens[1];
    return true;
}

bool grpc_meta_get(const struct grpc_meta *m, const char *name, struct bytes *ret_value)
{
    for (struct grpc_meta_item i = { 0 }; grpc_meta_next(m, &i);)
        if (bytes_eq(i.name, bytes_of_str(name))) {
            *ret_value = i.value;
            return true;
        }
    return false;
}

static bool ends_in_bin(struct bytes name)
{
    return name.len >= 4 && memcmp(name.data + name.len - 4, "-bin", 4) == 0;
}

bool grpc_meta_name_is_valid(struct bytes name)
{
    static const char *const ours[] = { "te",   "content-type", "content-length",
                                        "host", "connection",   "user-agent" };
    if (name.len == 0 || bytes_start_with(name, bytes_of_str("grpc-")))
        return false;
    for (size_t i = 0; i < WEFT_ARRAY_LEN(ours); i++)
        if (bytes_eq(name, bytes_of_str(ours[i])))
            return false;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.')
            return false;
    }
    return true;
}

/* ---- base64 ------------------------------------------------------------------ */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void base64_encode(struct bytes in, struct buf *out)
{
    for (size_t i = 0; i < in.len; i += 3) {
        uint32_t b[3] = { in.data[i], i + 1 < in.len ? in.data[i + 1] : 0U,
                          i + 2 < in.len ? in.data[i + 2] : 0U };
        uint32_t v = b[0] << 16 | b[1] << 8 | b[2];
        for (size_t k = 0; k < 4 && i + k <= in.len; k++) /* without padding */
            buf_put_u8(out, (uint8_t)alphabet[v >> (18 - 6 * k) & 63]);
    }
}

static int base64_value(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* With or without padding. */
static bool base64_decode(struct bytes in, struct buf *out)
{
    uint32_t v = 0;
    unsigned bits = 0;
    while (in.len > 0 && in.data[in.len - 1] == '=' && in.len % 4 != 1)
        in.len--;
    if (in.len % 4 == 1)
        return false;
    for (size_t i = 0; i < in.len; i++) {
        int n = base64_value(in.data[i]);
        if (n < 0)
            return false;
        v = v << 6 | (uint32_t)n;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            buf_put_u8(out, (uint8_t)(v >> bits));
        }
    }
    return true;
}

bool grpc_meta_add_wire(struct grpc_meta *m, struct bytes name, struct bytes value)
{
    WEFT_CLEANUP(buf_done) struct buf raw = { 0 };
    if (!ends_in_bin(name)) {
        grpc_meta_add(m, name, value);
        return true;
    }
    if (!base64_decode(value, &raw))
        return false;
    grpc_meta_add(m, name, buf_bytes(&raw));
    return true;
}

void grpc_meta_encode_value(struct bytes name, struct bytes value, struct buf *out)
{
    if (ends_in_bin(name))
        base64_encode(value, out);
    else
        buf_put(out, value);
}

/* ---- status --------------------------------------------------------------------- */

const char *grpc_code_name(int code)
{
    static const char *const names[] = {
        "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
        "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
        "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
        "DataLoss", "Unauthenticated"
    };
    return code >= 0 && (size_t)code < WEFT_ARRAY_LEN(names) ? names[code] : "Unknown";
}

enum grpc_code grpc_code_of_http_status(unsigned status)
{
    switch (status) {
    case 400:
        return GRPC_INTERNAL;
    case 401:
        return GRPC_UNAUTHENTICATED;
    case 403:
        return GRPC_PERMISSION_DENIED;
    case 404:
        return GRPC_UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
        return GRPC_UNAVAILABLE;
    default:
        return GRPC_UNKNOWN;
    }
}

enum grpc_code grpc_code_of_h2_error(uint32_t error)
{
    switch (error) {
    case 7: /* REFUSED_STREAM */
        return GRPC_UNAVAILABLE;
    case 8: /* CANCEL */
        return GRPC_CANCELLED;
    case 11: /* ENHANCE_YOUR_CALM */
        return GRPC_RESOURCE_EXHAUSTED;
    case 12: /* INADEQUATE_SECURITY */
        return GRPC_PERMISSION_DENIED;
    default:
        return GRPC_INTERNAL;
    }
}

void grpc_message_encode(const char *text, struct buf *out)
{
    for (const char *p = text; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;
        if (c < ' ' || c > '~' || c == '%')
            buf_printf(out, "%%%02X", c);
        else
            buf_put_u8(out, c);
    }
}

void grpc_message_decode(struct bytes wire, struct buf *out)
{
    for (size_t i = 0; i < wire.len; i++) {
        uint8_t c = wire.data[i];
        if (c == '%' && wire.len - i > 2 && bytes_from_hex(bytes_of(wire.data + i + 1, 2), &c))
            i += 2;
        buf_put_u8(out, c);
    }
}

/* ---- time-outs ------------------------------------------------------------------- */

bool grpc_timeout_parse(struct bytes text, uint64_t *ret_ms)
{
    uint64_t n = 0;
    if (text.len < 2 || text.len > 9) /* at most eight digits */
        return false;
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(text.data[i] - '0');
    }
    switch (text.data[text.len - 1]) {
    case 'H':
        *ret_ms = n * 3600000;
        return true;
    case 'M':
        *ret_ms = n * 60000;
        return true;
    case 'S':
        *ret_ms = n * 1000;
        return true;
    case 'm':
        *ret_ms = n;
        return true;
    case 'u':
        *ret_ms = (n + 999) / 1000;
        return true;
    case 'n':
        *ret_ms = (n + 999999) / 1000000;
        return true;
    default:
        return false;
    }
}

void grpc_timeout_print(uint64_t ms, char out[16])
{
    if (ms <= 99999999)
        (void)snprintf(out, 16, "%" PRIu64 "m", ms);
    else
        (void)snprintf(out, 16, "%" PRIu64 "S", ms / 1000 < 99999999 ? ms / 1000 : 99999999);
}
