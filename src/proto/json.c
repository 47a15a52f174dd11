#include "proto/json.h"

#include "base/arena.h"
#include "base/limits.h"
#include "base/varint.h"
#include "proto/block.h"
#include "proto/json_opaque.h"
#include "proto/json_writer.h"

#include <common/common.pb-c.h>
#include <common/configtx.pb-c.h>
#include <google/protobuf/timestamp.pb-c.h>
#include <inttypes.h>

struct walk {
    struct json_writer out;
    size_t merged; /* bytes copied to join messages that came in parts */
    enum weft_code code;
    struct weft_err *e;
};

static void put_message(struct walk *w, const struct json_scope *s);

static bool is_message(const ProtobufCFieldDescriptor *f)
{
    return f->type == PROTOBUF_C_TYPE_MESSAGE;
}

/* Stops the walk; what is written from here on does not matter. */
static void give_up(struct walk *w, const char *why)
{
    if (w->code == WEFT_OK)
        w->code = WEFT_FAIL(w->e, WEFT_LIMIT, "JSON: %s", why);
    w->out.full = true;
}

/* ---- finding a field in the raw bytes ------------------------------------ */

/* The last occurrence; how many there are. */
static size_t find_last(struct bytes raw, const ProtobufCFieldDescriptor *f, struct wire_field *ret)
{
    struct wire w = wire_of(raw);
    struct wire_field field;
    size_t count = 0;
    while (wire_next(&w, &field)) {
        if (proto_field_is(&field, f)) {
            *ret = field;
            count++;
        }
    }
    return count;
}

/* Of the members of a oneof the last one that occurs is set. */
static bool is_chosen(const struct json_scope *s, const ProtobufCFieldDescriptor *f)
{
    struct wire w = wire_of(s->raw);
    struct wire_field field;
    uint32_t last = 0;
    while (wire_next(&w, &field)) {
        const ProtobufCFieldDescriptor *other =
            protobuf_c_message_descriptor_get_field(s->type, field.number);
        if (other != NULL && (other->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
            other->quantifier_offset == f->quantifier_offset && proto_field_is(&field, other))
            last = field.number;
    }
    return last == f->id;
}

/* A message that is not repeated but occurs more than once is all of its
 * parts, one after the other; they are joined in `room`. */
static bool find_message(struct walk *w, struct bytes raw, const ProtobufCFieldDescriptor *f,
                         struct buf *room, struct bytes *ret)
{
    struct wire_field field;
    size_t count = find_last(raw, f, &field);
    if (count == 0)
        return false;
    *ret = field.bytes;
    if (count == 1 || (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
        return true;
    struct wire in = wire_of(raw);
    while (wire_next(&in, &field) && !w->out.full) {
        if (!proto_field_is(&field, f))
            continue;
        w->merged += field.bytes.len;
        if (w->merged > LIMIT_PROTO_BYTES)
            give_up(w, "too many messages in parts");
        else
            buf_put(room, field.bytes);
    }
    *ret = buf_bytes(room);
    return true;
}

/* ---- single values ------------------------------------------------------- */

static void put_enum(struct walk *w, const ProtobufCFieldDescriptor *f, int32_t n)
{
    const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value(f->descriptor, n);
    char number[16];
    (void)snprintf(number, sizeof(number), "%" PRId32, n);
    if (known != NULL)
        json_put_string(&w->out, bytes_of_str(known->name));
    else
        json_put_raw(&w->out, number);
}

static void put_number(struct walk *w, const ProtobufCFieldDescriptor *f, uint64_t n)
{
    char text[32] = "";
    switch (f->type) {
    case PROTOBUF_C_TYPE_ENUM:
        put_enum(w, f, (int32_t)(uint32_t)n);
        return;
    case PROTOBUF_C_TYPE_BOOL:
        (void)snprintf(text, sizeof(text), "%s", n != 0 ? "true" : "false");
        break;
    case PROTOBUF_C_TYPE_INT32:
        (void)snprintf(text, sizeof(text), "%" PRId32, (int32_t)(uint32_t)n);
        break;
    case PROTOBUF_C_TYPE_UINT32:
        (void)snprintf(text, sizeof(text), "%" PRIu32, (uint32_t)n);
        break;
    case PROTOBUF_C_TYPE_INT64:
        (void)snprintf(text, sizeof(text), "\"%" PRId64 "\"", (int64_t)n);
        break;
    case PROTOBUF_C_TYPE_UINT64:
        (void)snprintf(text, sizeof(text), "\"%" PRIu64 "\"", n);
        break;
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        WEFT_ASSERT(false); /* no message of ours has such a number */
    }
    json_put_raw(&w->out, text);
}

/* A bytes field: the message in it, if it is one. */
static void put_opaque(struct walk *w, const struct json_scope *s,
                       const ProtobufCFieldDescriptor *f, struct bytes b)
{
    const ProtobufCMessageDescriptor *type = json_opaque_type(s, f);
    if (type == NULL || proto_check(type, b, s->depth + 1, NULL) != WEFT_OK) {
        json_put_base64(&w->out, b);
        return;
    }
    put_message(w, &(struct json_scope){ .type = type, .raw = b, .depth = s->depth + 1 });
}

static void put_timestamp(struct walk *w, struct bytes raw)
{
    static const ProtobufCMessageDescriptor *type = &google__protobuf__timestamp__descriptor;
    struct wire_field seconds = { 0 }, nanos = { 0 };
    (void)find_last(raw, &type->fields[0], &seconds); /* absent is zero */
    (void)find_last(raw, &type->fields[1], &nanos);
    if (!json_put_time(&w->out, (int64_t)seconds.varint, (int32_t)(uint32_t)nanos.varint))
        json_put_base64(&w->out, raw);
}

static void put_nested(struct walk *w, const struct json_scope *s,
                       const ProtobufCFieldDescriptor *f, struct bytes raw)
{
    if (f->descriptor == &google__protobuf__timestamp__descriptor) {
        put_timestamp(w, raw);
        return;
    }
    put_message(w, &(struct json_scope){
                       .type = f->descriptor,
                       .raw = raw,
                       .dress = json_dress_of(s, f, (struct bytes){ 0 }),
                       .plain = s->plain || (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0,
                       .depth = s->depth + 1,
                   });
}

/* One value of a field that is no map and no packed list. */
static void put_value(struct walk *w, const struct json_scope *s, const ProtobufCFieldDescriptor *f,
                      const struct wire_field *field)
{
    if (is_message(f))
        put_nested(w, s, f, field->bytes);
    else if (f->type == PROTOBUF_C_TYPE_STRING)
        json_put_string(&w->out, field->bytes);
    else if (f->type == PROTOBUF_C_TYPE_BYTES)
        put_opaque(w, s, f, field->bytes);
    else
        put_number(w, f, field->varint);
}

static void put_singular(struct walk *w, const struct json_scope *s,
                         const ProtobufCFieldDescriptor *f)
{
    WEFT_CLEANUP(buf_done) struct buf room = { 0 };
    struct wire_field field = { 0 };
    bool found = is_message(f) ? find_message(w, s->raw, f, &room, &field.bytes)
                               : find_last(s->raw, f, &field) > 0;
    if (!found && (is_message(f) || f->type == PROTOBUF_C_TYPE_BYTES))
        json_put_raw(&w->out, "null");
    else
        put_value(w, s, f, &field);
}

/* ---- lists and maps -------------------------------------------------------- */

static void put_packed(struct walk *w, const ProtobufCFieldDescriptor *f, struct bytes list)
{
    while (list.len > 0 && !w->out.full) {
        uint64_t n = 0;
        size_t len = uvarint_decode(list, &n);
        if (len == 0)
            return;
        json_element(&w->out);
        put_number(w, f, n);
        list = bytes_skip(list, len);
    }
}

static void put_list(struct walk *w, const struct json_scope *s, const ProtobufCFieldDescriptor *f)
{
    struct wire in = wire_of(s->raw);
    struct wire_field field;
    json_open(&w->out, '[');
    while (wire_next(&in, &field) && !w->out.full) {
        if (!proto_field_is(&field, f))
            continue;
        if (field.type != proto_wire_type(f)) {
            put_packed(w, f, field.bytes);
            continue;
        }
        json_element(&w->out);
        put_value(w, s, f, &field);
    }
    json_close(&w->out, ']');
}

/* A map while it is being written. */
struct map {
    struct entry {
        struct bytes key, raw;
    } * entries;
    size_t count, cap;
    struct arena digits; /* of keys that are numbers */
};

static void map_done(struct map *m)
{
    free(m->entries);
    arena_done(&m->digits);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct map, map_done)

static void map_add(struct map *m, const ProtobufCMessageDescriptor *type, struct bytes raw)
{
    const ProtobufCFieldDescriptor *f = &type->fields[0];
    struct wire_field key = { 0 };
    (void)find_last(raw, f, &key); /* absent is zero or empty */
    if (f->type != PROTOBUF_C_TYPE_STRING) {
        char digits[24];
        int n = snprintf(digits, sizeof(digits), "%" PRIu64, key.varint);
        struct bytes text = bytes_of(digits, (size_t)n);
        key.bytes = bytes_of(arena_dup_str(&m->digits, text), text.len);
    }
    if (m->count == m->cap) {
        m->cap = m->cap > 0 ? 2 * m->cap : 16;
        m->entries = weft_realloc(m->entries, m->cap * sizeof(*m->entries));
    }
    m->entries[m->count++] = (struct entry){ key.bytes, raw };
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int c = bytes_cmp(x->key, y->key);
    return c != 0 ? c : (x->raw.data > y->raw.data) - (x->raw.data < y->raw.data);
}

/* An entry whose message is missing is left out, as the original does; in
 * what it does not look into, it gives null. */
static void put_message_entry(struct walk *w, const struct json_scope *s,
                              const ProtobufCFieldDescriptor *f, const struct entry *entry)
{
    const ProtobufCMessageDescriptor *type = f->descriptor;
    const ProtobufCFieldDescriptor *value = &type->fields[1];
    WEFT_CLEANUP(buf_done) struct buf room = { 0 };
    struct bytes raw;
    bool found = find_message(w, entry->raw, value, &room, &raw);
    if (!found && !s->plain)
        return;
    json_key(&w->out, entry->key);
    if (!found) {
        json_put_raw(&w->out, "null");
        return;
    }
    put_message(w, &(struct json_scope){
                       .type = value->descriptor,
                       .raw = raw,
                       .dress = json_dress_of(s, f, entry->key),
                       .name = entry->key,
                       .plain = s->plain,
                       .depth = s->depth + 2, /* the entry is a message, too */
                   });
}

static void put_entry(struct walk *w, const struct json_scope *s, const ProtobufCFieldDescriptor *f,
                      const struct entry *entry)
{
    const ProtobufCMessageDescriptor *type = f->descriptor;
    if (is_message(&type->fields[1])) {
        put_message_entry(w, s, f, entry);
        return;
    }
    json_key(&w->out, entry->key);
    put_singular(w,
                 &(struct json_scope){
                     .type = type,
                     .raw = entry->raw,
                     .plain = s->plain,
                     .depth = s->depth + 1,
                 },
                 &type->fields[1]);
}

static void put_map(struct walk *w, const struct json_scope *s, const ProtobufCFieldDescriptor *f)
{
    WEFT_CLEANUP(map_done) struct map m = { 0 };
    struct wire in = wire_of(s->raw);
    struct wire_field field;
    while (wire_next(&in, &field) && !w->out.full) {
        if (!proto_field_is(&field, f))
            continue;
        if (m.count >= LIMIT_JSON_MAP)
            give_up(w, "too many keys in a map");
        else
            map_add(&m, f->descriptor, field.bytes);
    }
    if (m.count > 0)
        qsort(m.entries, m.count, sizeof(*m.entries), compare_entries);
    json_open(&w->out, '{');
    for (size_t i = 0; i < m.count && !w->out.full; i++) /* of equal keys the last counts */
        if (i + 1 == m.count || !bytes_eq(m.entries[i].key, m.entries[i + 1].key))
            put_entry(w, s, f, &m.entries[i]);
    json_close(&w->out, '}');
}

/* ---- messages ---------------------------------------------------------------- */

static void put_message(struct walk *w, const struct json_scope *s)
{
    WEFT_ASSERT(s->depth < LIMIT_PROTO_DEPTH); /* proto_check saw to it */
    json_open(&w->out, '{');
    for (unsigned i = 0; i < s->type->n_fields && !w->out.full; i++) {
        const ProtobufCFieldDescriptor *f = &s->type->fields[s->type->fields_sorted_by_name[i]];
        if ((f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 && !is_chosen(s, f))
            continue;
        json_key(&w->out, bytes_of_str(f->name));
        if (proto_field_is_map(s->type, f))
            put_map(w, s, f);
        else if (f->label == PROTOBUF_C_LABEL_REPEATED)
            put_list(w, s, f);
        else
            put_singular(w, s, f);
    }
    json_close(&w->out, '}');
}

static enum weft_code write_message(const ProtobufCMessageDescriptor *type, enum json_dress dress,
                                    struct bytes wire, struct buf *out, struct weft_err *e)
{
    WEFT_TRY(proto_check(type, wire, 0, e));
    size_t before = out->len;
    struct walk w = { .out = { .out = out, .most = before + LIMIT_JSON_BYTES }, .e = e };
    put_message(&w, &(struct json_scope){ .type = type, .dress = dress, .raw = wire });
    if (w.out.full) {
        give_up(&w, "longer than we make it");
        out->len = before;
    }
    return w.code;
}

enum weft_code json_message(const ProtobufCMessageDescriptor *type, struct bytes wire,
                            struct buf *out, struct weft_err *e)
{
    return write_message(type, JSON_NAKED, wire, out, e);
}

enum weft_code json_orderer_org(struct bytes wire, struct buf *out, struct weft_err *e)
{
    return write_message(&common__config_group__descriptor, JSON_ORDERER_ORG, wire, out, e);
}

enum weft_code json_block(struct bytes wire, struct buf *out, struct weft_err *e)
{
    return json_message(&common__block__descriptor, wire, out, e);
}

enum weft_code json_block_view(const struct block_view *v, struct buf *out, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    block_encode(v, &wire);
    return json_block(buf_bytes(&wire), out, e);
}

enum weft_code json_envelope(struct bytes wire, struct buf *out, struct weft_err *e)
{
    return json_message(&common__envelope__descriptor, wire, out, e);
}
