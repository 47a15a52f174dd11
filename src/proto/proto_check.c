#include "proto/proto_check.h"

#include "base/limits.h"
#include "base/varint.h"

struct checker {
    bool strict; /* protobuf-c is going to unpack it */
    size_t fields;
    struct weft_err *e;
};

static enum weft_code check_message(struct checker *c, const ProtobufCMessageDescriptor *type,
                                    struct bytes b, unsigned depth);

enum wire_type proto_wire_type(const ProtobufCFieldDescriptor *f)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return WIRE_LEN;
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return WIRE_FIXED32;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return WIRE_FIXED64;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM:
        break;
    }
    return WIRE_VARINT;
}

static bool is_packed(const struct wire_field *w, const ProtobufCFieldDescriptor *f)
{
    return f->label == PROTOBUF_C_LABEL_REPEATED && w->type == WIRE_LEN &&
           proto_wire_type(f) != WIRE_LEN;
}

bool proto_field_is(const struct wire_field *w, const ProtobufCFieldDescriptor *f)
{
    return w->number == f->id && (w->type == proto_wire_type(f) || is_packed(w, f));
}

/* The compiler of .proto files names the entries of a map after its field:
 * common.ConfigGroup.groups has entries of type common.ConfigGroup.GroupsEntry. */
bool proto_field_is_map(const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *f)
{
    if (f->label != PROTOBUF_C_LABEL_REPEATED || f->type != PROTOBUF_C_TYPE_MESSAGE)
        return false;
    const ProtobufCMessageDescriptor *entry = f->descriptor;
    struct bytes name = bytes_of_str(entry->name), suffix = bytes_of_str("Entry");
    return entry->n_fields == 2 && strcmp(entry->fields[0].name, "key") == 0 &&
           strcmp(entry->fields[1].name, "value") == 0 &&
           bytes_start_with(name, bytes_of_str(type->name)) && name.len > suffix.len &&
           bytes_eq(bytes_skip(name, name.len - suffix.len), suffix);
}

static enum weft_code bad(const struct checker *c, const ProtobufCMessageDescriptor *type,
                          const char *why)
{
    return WEFT_FAIL(c->e, WEFT_INVALID, "error unmarshalling %s: %s", type->name, why);
}

static bool varints_are_whole(struct bytes list)
{
    while (list.len > 0) {
        uint64_t n = 0;
        size_t len = uvarint_decode(list, &n);
        if (len == 0)
            return false;
        list = bytes_skip(list, len);
    }
    return true;
}

static bool packed_is_whole(struct bytes list, const ProtobufCFieldDescriptor *f)
{
    enum wire_type of = proto_wire_type(f);
    if (of == WIRE_FIXED32)
        return list.len % 4 == 0;
    if (of == WIRE_FIXED64)
        return list.len % 8 == 0;
    return varints_are_whole(list);
}

static enum weft_code check_value(struct checker *c, const ProtobufCMessageDescriptor *type,
                                  const ProtobufCFieldDescriptor *f, const struct wire_field *w,
                                  unsigned depth)
{
    if (is_packed(w, f))
        return packed_is_whole(w->bytes, f) ? WEFT_OK : bad(c, type, "a list ends within a number");
    if (f->type == PROTOBUF_C_TYPE_MESSAGE)
        return check_message(c, f->descriptor, w->bytes, depth + 1);
    if (f->type != PROTOBUF_C_TYPE_STRING)
        return WEFT_OK;
    if (!wire_utf8(w->bytes))
        return bad(c, type, "a string is not UTF-8");
    if (c->strict && w->bytes.len > 0 && memchr(w->bytes.data, 0, w->bytes.len) != NULL)
        return bad(c, type, "a zero byte in a string");
    return WEFT_OK;
}

/* What only matters before unpacking; `seen` has a bit for each field. */
static enum weft_code check_strictly(struct checker *c, const ProtobufCMessageDescriptor *type,
                                     const ProtobufCFieldDescriptor *f, const struct wire_field *w,
                                     uint64_t *seen)
{
    if (++c->fields > LIMIT_PROTO_FIELDS)
        return WEFT_FAIL(c->e, WEFT_LIMIT, "error unmarshalling %s: more than %d fields",
                         type->name, (int)LIMIT_PROTO_FIELDS);
    if (f == NULL)
        return WEFT_OK;
    if (!proto_field_is(w, f))
        return bad(c, type, "a field of a wrong wire type");
    /* Each value of a packed list costs as a field does. */
    if (is_packed(w, f))
        c->fields += w->bytes.len < LIMIT_PROTO_FIELDS ? w->bytes.len : LIMIT_PROTO_FIELDS;
    if (f->type != PROTOBUF_C_TYPE_MESSAGE || f->label == PROTOBUF_C_LABEL_REPEATED)
        return WEFT_OK;
    size_t index = (size_t)(f - type->fields);
    WEFT_ASSERT(index < 64); /* none of our messages has more fields */
    if (*seen & UINT64_C(1) << index)
        return bad(c, type, "a message field twice");
    *seen |= UINT64_C(1) << index;
    return WEFT_OK;
}

static enum weft_code check_message(struct checker *c, const ProtobufCMessageDescriptor *type,
                                    struct bytes b, unsigned depth)
{
    if (depth >= LIMIT_PROTO_DEPTH)
        return WEFT_FAIL(c->e, WEFT_LIMIT,
                         "error unmarshalling %s: more than %d messages in each other", type->name,
                         (int)LIMIT_PROTO_DEPTH);
    struct wire w = wire_of(b);
    struct wire_field field;
    uint64_t seen = 0;
    while (wire_next(&w, &field)) {
        const ProtobufCFieldDescriptor *f =
            protobuf_c_message_descriptor_get_field(type, field.number);
        if (c->strict)
            WEFT_TRY(check_strictly(c, type, f, &field, &seen));
        if (f == NULL)
            continue;
        if (proto_field_is(&field, f))
            WEFT_TRY(check_value(c, type, f, &field, depth));
        else if (proto_field_is_map(type, f))
            return bad(c, type, "bad wiretype for map field");
    }
    return w.bad ? bad(c, type, "broken or cut short") : WEFT_OK;
}

static enum weft_code check_size(const ProtobufCMessageDescriptor *type, struct bytes b,
                                 struct weft_err *e)
{
    if (b.len > LIMIT_PROTO_BYTES)
        return WEFT_FAIL(e, WEFT_LIMIT, "%s of %zu bytes, more than %d", type->name, b.len,
                         (int)LIMIT_PROTO_BYTES);
    return WEFT_OK;
}

enum weft_code proto_check(const ProtobufCMessageDescriptor *type, struct bytes b, unsigned depth,
                           struct weft_err *e)
{
    struct checker c = { .e = e };
    WEFT_TRY(check_size(type, b, e));
    return check_message(&c, type, b, depth);
}

static void *alloc_in_arena(void *arena, size_t n)
{
    return arena_alloc(arena, n);
}

static void free_with_arena(void *arena, void *p)
{
    (void)arena, (void)p; /* all of it goes when the arena does */
}

enum weft_code proto_unpack(const ProtobufCMessageDescriptor *type, struct bytes b, struct arena *a,
                            void **ret_msg, struct weft_err *e)
{
    struct checker c = { .strict = true, .e = e };
    WEFT_TRY(check_size(type, b, e));
    WEFT_TRY(check_message(&c, type, b, 0));
    ProtobufCAllocator in_arena = {
        .alloc = alloc_in_arena,
        .free = free_with_arena,
        .allocator_data = a,
    };
    ProtobufCMessage *msg = protobuf_c_message_unpack(type, &in_arena, b.len, b.data);
    if (msg == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "error unmarshalling %s", type->name);
    *ret_msg = msg;
    return WEFT_OK;
}
