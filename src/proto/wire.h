/* wire.h - a cursor over the fields of a protobuf message, bounds checked.
 *
 *     struct wire w = wire_of(bytes);
 *     struct wire_field f;
 *     while (wire_next(&w, &f))
 *         if (wire_is(&f, 1, WIRE_LEN))
 *             payload = f.bytes;
 *     if (w.bad) ...
 *
 * A field whose type is not the one in the .proto counts as unknown and is
 * passed over, as golang/protobuf 1.3 does; so are groups.  Bad are: field
 * number 0 (in a group any number will do), a varint over 64 bits, a length past the end,
 * a group without end.
 *
 * Go origin   vendor/github.com/golang/protobuf/proto/table_unmarshal.go
 * Owner       whoever holds it
 * Memory      borrows the bytes
 * Limits      none: nothing is kept of what is passed over
 */
#ifndef WEFT_PROTO_WIRE_H
#define WEFT_PROTO_WIRE_H

#include "base/bytes.h"

enum wire_type {
    WIRE_VARINT = 0,
    WIRE_FIXED64 = 1,
    WIRE_LEN = 2,
    WIRE_GROUP = 3,
    WIRE_END_GROUP = 4,
    WIRE_FIXED32 = 5,
};

struct wire {
    struct bytes rest;
    bool bad;
};

struct wire_field {
    uint32_t number; /* UINT32_MAX: that, or more */
    enum wire_type type;
    uint64_t varint;    /* WIRE_VARINT, WIRE_FIXED64, WIRE_FIXED32 */
    struct bytes bytes; /* WIRE_LEN: the content; WIRE_GROUP: what lies between */
    struct bytes whole; /* the field with its tag */
};

static inline struct wire wire_of(struct bytes b)
{
    return (struct wire){ b, false };
}

/* The next field; false at the end, or when w->bad. */
bool wire_next(struct wire *w, struct wire_field *ret);

static inline bool wire_is(const struct wire_field *f, uint32_t number, enum wire_type type)
{
    return f->number == number && f->type == type;
}

/* A proto3 string must be UTF-8; golang/protobuf refuses the message if not. */
bool wire_utf8(struct bytes text);

/* Encoders of one field; zero values are left out by the caller. */
void wire_put_varint(struct buf *b, uint32_t number, uint64_t n);
void wire_put_bytes(struct buf *b, uint32_t number, struct bytes what);

#endif
