/* Whatever is a block or an envelope to proto_check gives JSON, and only JSON
 * comes out.  The first byte says as what the rest is taken. */
#include "proto/json.h"
#include "proto/proto_check.h"

#include <common/common.pb-c.h>
#include <common/configtx.pb-c.h>
#include <peer/transaction.pb-c.h>

static const ProtobufCMessageDescriptor *const types[] = {
    &common__block__descriptor,
    &common__envelope__descriptor,
    &common__config_envelope__descriptor,
    &protos__transaction__descriptor,
};

/* A string, with no control character in it and only known escapes. */
static size_t string_end(struct bytes text, size_t i)
{
    WEFT_ASSERT(text.data[i] == '"');
    for (i++; text.data[i] != '"'; i++) {
        WEFT_ASSERT(text.data[i] >= 0x20);
        if (text.data[i] == '\\')
            WEFT_ASSERT(memchr("\"\\nrtu", text.data[++i], 6) != NULL);
    }
    return i + 1;
}

/* Brackets close in order, every key has a value, commas stand between. */
static void expect_json(struct bytes text)
{
    char open[512];
    size_t depth = 0;
    char before = ','; /* what stood last: , : or a value v */
    for (size_t i = 0; i < text.len;) {
        char c = (char)text.data[i];
        if (c == ' ' || c == '\n' || c == '\t') {
            i++;
            continue;
        }
        if (c == '"') {
            i = string_end(text, i);
            WEFT_ASSERT(before != 'v');
            before = 'v';
            continue;
        }
        i++;
        if (c == '{' || c == '[') {
            WEFT_ASSERT(before != 'v' && depth < sizeof(open));
            open[depth++] = c;
            before = '{';
        } else if (c == '}' || c == ']') {
            WEFT_ASSERT(depth > 0 && open[--depth] == (c == '}' ? '{' : '['));
            WEFT_ASSERT(before == 'v' || before == '{');
            before = 'v';
        } else if (c == ',' || c == ':') {
            WEFT_ASSERT(before == 'v' && (c == ',' || open[depth - 1] == '{'));
            before = c;
        } else { /* a number, true, false, null */
            WEFT_ASSERT(before != 'v');
            while (i < text.len && memchr(",}]\n", text.data[i], 4) == NULL)
                i++;
            before = 'v';
        }
    }
    WEFT_ASSERT(depth == 0 && before == 'v');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const ProtobufCMessageDescriptor *type = types[data[0] % WEFT_ARRAY_LEN(types)];
    struct bytes b = bytes_of(data + 1, size - 1);
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    enum weft_code rc = json_message(type, b, &out, NULL);
    WEFT_ASSERT(rc == WEFT_LIMIT || rc == proto_check(type, b, 0, NULL));
    if (rc == WEFT_OK)
        expect_json(buf_bytes(&out));
    else
        WEFT_ASSERT(out.len == 0);
    return 0;
}
