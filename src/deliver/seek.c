#include "deliver/seek.h"

#include "proto/wire.h"

/* SeekPosition { 1 newest, 2 oldest, 3 specified { 1 number } }: the last one counts. */
static bool parse_position(struct bytes b, struct seek_position *ret)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    struct seek_position p = { .kind = SEEK_UNSET };
    bool good = true;
    while (wire_next(&w, &f)) {
        if (f.type != WIRE_LEN || f.number > 3)
            continue;
        struct wire in = wire_of(f.bytes);
        struct wire_field g;
        p = (struct seek_position){ f.number == 1   ? SEEK_NEWEST
                                    : f.number == 2 ? SEEK_OLDEST
                                                    : SEEK_SPECIFIED,
                                    0 };
        while (wire_next(&in, &g))
            if (f.number == 3 && wire_is(&g, 1, WIRE_VARINT))
                p.number = g.varint;
        good = good && !in.bad;
    }
    *ret = p;
    return good && !w.bad;
}

enum weft_code seek_info_parse(struct bytes b, struct seek_info *ret, struct weft_err *e)
{
    struct seek_info s = { 0 };
    struct wire w = wire_of(b);
    struct wire_field f;
    bool good = true;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            good = good && parse_position(f.bytes, &s.start);
        else if (wire_is(&f, 2, WIRE_LEN))
            good = good && parse_position(f.bytes, &s.stop);
        else if (wire_is(&f, 3, WIRE_VARINT))
            s.fail_if_not_ready = (uint32_t)f.varint == 1;
        else if (wire_is(&f, 4, WIRE_VARINT))
            s.best_effort = (uint32_t)f.varint == 1;
    }
    if (!good || w.bad)
        return WEFT_FAIL(e, WEFT_INVALID, "malformed seekInfo payload");
    *ret = s;
    return WEFT_OK;
}

static void put_position(struct buf *out, uint32_t number, const struct seek_position *p)
{
    WEFT_CLEANUP(buf_done) struct buf specified = { 0 };
    WEFT_CLEANUP(buf_done) struct buf position = { 0 };
    if (p->kind == SEEK_ABSENT)
        return;
    if (p->kind == SEEK_SPECIFIED && p->number != 0)
        wire_put_varint(&specified, 1, p->number);
    if (p->kind != SEEK_UNSET)
        wire_put_bytes(&position, (uint32_t)p->kind - SEEK_NEWEST + 1, buf_bytes(&specified));
    wire_put_bytes(out, number, buf_bytes(&position));
}

void seek_info_encode(const struct seek_info *s, struct buf *out)
{
    put_position(out, 1, &s->start);
    put_position(out, 2, &s->stop);
    if (s->fail_if_not_ready)
        wire_put_varint(out, 3, 1);
    if (s->best_effort)
        wire_put_varint(out, 4, 1);
}

/* The first number; SEEK_NOT_FOUND stands at 0, as Go's iterator that finds nothing. */
static enum seek_answer resolve_start(const struct seek_position *p, uint64_t height, uint64_t *ret)
{
    *ret = 0;
    switch (p->kind) {
    case SEEK_OLDEST:
        return SEEK_OK;
    case SEEK_NEWEST:
        *ret = height - 1; /* an empty chain has none: 2^64-1, which is not there */
        return height > 0 ? SEEK_OK : SEEK_NOT_FOUND;
    case SEEK_SPECIFIED:
        if (p->number > height)
            return SEEK_NOT_FOUND;
        *ret = p->number;
        return SEEK_OK;
    case SEEK_ABSENT:
    case SEEK_UNSET:
        break;
    }
    return SEEK_NOT_FOUND;
}

enum seek_answer seek_resolve(const struct seek_info *s, uint64_t height, struct seek_range *ret)
{
    uint64_t first = 0, stop = 0;
    if (s->start.kind == SEEK_ABSENT || s->stop.kind == SEEK_ABSENT)
        return SEEK_BAD_REQUEST;
    enum seek_answer answer = resolve_start(&s->start, height, &first);
    switch (s->stop.kind) {
    case SEEK_OLDEST:
        stop = first;
        break;
    case SEEK_NEWEST:
        stop = s->start.kind == SEEK_NEWEST ? first : height - 1;
        break;
    case SEEK_SPECIFIED:
        stop = s->stop.number;
        answer = stop < first ? SEEK_BAD_REQUEST : answer;
        break;
    case SEEK_ABSENT:
    case SEEK_UNSET:
        break;
    }
    *ret = (struct seek_range){ first, stop };
    return answer;
}
