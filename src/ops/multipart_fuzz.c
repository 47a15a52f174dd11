/* Fuzz target for ops/multipart: parts lie inside the body, in order, and hold
 * no line with the boundary. */
#include "ops/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    PARTS = 4
};

/* Input: a content type, a zero byte, a body. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *zero = size > 0 ? memchr(data, 0, size) : NULL;
    struct weft_err e = { 0 };
    struct bytes boundary = { 0 };
    struct multipart_part parts[PARTS];
    size_t count = 0;
    if (zero == NULL)
        return 0;
    if (multipart_boundary((const char *)data, &boundary, &e) != WEFT_OK) {
        boundary = bytes_of_str("b");
        WEFT_ASSERT(e.msg[0] != '\0');
    }
    struct bytes body = bytes_skip(bytes_of(data, size), (size_t)(zero - data) + 1);
    if (multipart_parse(boundary, body, parts, PARTS, &count, &e) != WEFT_OK)
        return 0;
    const uint8_t *last = body.data;
    for (size_t i = 0; i < count; i++) {
        WEFT_ASSERT(parts[i].name.len > 0 && parts[i].name.data >= last);
        WEFT_ASSERT(parts[i].data.data > parts[i].name.data);
        last = parts[i].data.data + parts[i].data.len;
        WEFT_ASSERT(last <= body.data + body.len);
    }
    return 0;
}
