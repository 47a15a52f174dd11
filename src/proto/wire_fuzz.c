/* The fields of a message lie one after the other without a gap, and each
 * written again reads the same.  UTF-8 is held against a slow reader. */
#include "proto/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_field_again(const struct wire_field *f)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    struct wire_field back;
    if (f->type == WIRE_VARINT)
        wire_put_varint(&out, f->number, f->varint);
    else if (f->type == WIRE_LEN)
        wire_put_bytes(&out, f->number, f->bytes);
    else
        return;
    struct wire w = wire_of(buf_bytes(&out));
    WEFT_ASSERT(wire_next(&w, &back));
    WEFT_ASSERT(wire_is(&back, f->number, f->type));
    WEFT_ASSERT(back.varint == f->varint && bytes_eq(back.bytes, f->bytes));
    WEFT_ASSERT(back.whole.len <= f->whole.len && !wire_next(&w, &back) && !w.bad);
}

/* The table of the Unicode standard, 3-7: first byte, then the range of the
 * second; the others are 80..bf. */
static size_t utf8_sequence(struct bytes t)
{
    static const struct {
        uint8_t first, first_end, second, second_end;
        size_t len;
    } rows[] = {
        { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
        { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
        { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
    };
    if (t.data[0] < 0x80)
        return 1;
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++) {
        if (t.data[0] < rows[i].first || t.data[0] > rows[i].first_end || t.len < rows[i].len ||
            t.data[1] < rows[i].second || t.data[1] > rows[i].second_end)
            continue;
        for (size_t k = 2; k < rows[i].len; k++)
            if ((t.data[k] & 0xc0) != 0x80)
                return 0;
        return rows[i].len;
    }
    return 0;
}

static bool slow_utf8(struct bytes t)
{
    while (t.len > 0) {
        size_t n = utf8_sequence(t);
        if (n == 0)
            return false;
        t = bytes_skip(t, n);
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire w = wire_of(bytes_of(data, size));
    struct wire_field f;
    const uint8_t *at = data;
    while (wire_next(&w, &f)) {
        WEFT_ASSERT(f.whole.data == at && f.whole.len > 0 && f.number > 0);
        at += f.whole.len;
        expect_field_again(&f);
    }
    WEFT_ASSERT(w.bad || at == data + size);
    WEFT_ASSERT(!wire_next(&w, &f)); /* stays at its end */
    WEFT_ASSERT(wire_utf8(bytes_of(data, size)) == slow_utf8(bytes_of(data, size)));
    return 0;
}
