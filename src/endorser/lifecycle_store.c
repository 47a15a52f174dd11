#include "endorser/lifecycle_store.h"

#include "crypto/sha256.h"
#include "endorser/go_words.h"
#include "endorser/tx_simulator.h"

#include <peer/lifecycle/db.pb-c.h>

static const char lifecycle[] = "_lifecycle";

enum {
    DATA_INT64 = 1, /* StateData */
    DATA_BYTES = 2,
    DATA_STRING = 3,
};

/* ---- keys ----------------------------------------------------------------------------------- */

static void put_metadata_key(const char *space, struct bytes name, struct buf *out)
{
    buf_put_str(out, space);
    buf_put_str(out, "/metadata/");
    buf_put(out, name);
}

static void put_field_key(const char *space, struct bytes name, struct bytes field, struct buf *out)
{
    buf_put_str(out, space);
    buf_put_str(out, "/fields/");
    buf_put(out, name);
    buf_put_u8(out, '/');
    buf_put(out, field);
}

/* A value that is there and empty reads as one that is not: no chaincode can tell. */
static enum weft_code get(const struct lifecycle_store *s, struct bytes key, struct bytes *ret,
                          struct weft_err *e)
{
    if (s->simulator == NULL)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "GET_STATE failed: transaction ID: %.*s: no ledger context",
                         (int)s->tx_id.len, (const char *)s->tx_id.data);
    struct bytes value = { 0 };
    if (s->collection.data != NULL)
        WEFT_TRY(tx_simulator_get_private(s->simulator, lifecycle, s->collection, key, &value, e));
    else
        WEFT_TRY(tx_simulator_get(s->simulator, lifecycle, key, &value, e));
    *ret = value.len > 0 ? value : bytes_of(NULL, 0);
    return WEFT_OK;
}

static void put(const struct lifecycle_store *s, struct bytes key, struct bytes value)
{
    if (s->collection.data != NULL)
        tx_simulator_put_private(s->simulator, lifecycle, s->collection, key, value);
    else
        tx_simulator_put(s->simulator, lifecycle, key, value);
}

/* ---- reading ---------------------------------------------------------------------------------- */

enum weft_code lifecycle_store_metadata(const struct lifecycle_store *s, const char *space,
                                        struct bytes name, bool *ret_found,
                                        struct state_metadata *ret, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    struct bytes value = { 0 };
    int len = (int)name.len;
    const char *text = (const char *)name.data;
    put_metadata_key(space, name, &key);
    enum weft_code rc = get(s, buf_bytes(&key), &value, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not query metadata for namespace %s/%.*s", space, len,
                             text);
    *ret_found = value.data != NULL;
    if (value.data == NULL)
        return WEFT_OK;
    rc = go_proto_check(&lifecycle__state_metadata__descriptor, value, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not unmarshal metadata for namespace %s/%.*s", space,
                             len, text);
    *ret = (struct state_metadata){ .fields = repeated_of(value, 2) };
    for (struct repeated r = repeated_of(value, 1); repeated_next(&r, &ret->datatype);)
        continue;
    return WEFT_OK;
}

/* What a StateData holds; `ret_kind` 0: nothing. */
static enum weft_code read_field(const struct lifecycle_store *s, const char *space,
                                 struct bytes name, const char *field, uint32_t *ret_kind,
                                 struct wire_field *ret, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    struct bytes value = { 0 };
    put_field_key(space, name, bytes_of_str(field), &key);
    int len = (int)key.len;
    const char *text = (const char *)key.data;
    enum weft_code rc = get(s, buf_bytes(&key), &value, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not get state for key %.*s", len, text);
    rc = go_proto_check(&lifecycle__state_data__descriptor, value, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not unmarshal state for key %.*s", len, text);
    struct wire w = wire_of(value);
    struct wire_field f;
    *ret_kind = 0;
    while (wire_next(&w, &f)) {
        if (!wire_is(&f, DATA_INT64, WIRE_VARINT) && !wire_is(&f, DATA_BYTES, WIRE_LEN) &&
            !wire_is(&f, DATA_STRING, WIRE_LEN))
            continue;
        *ret_kind = f.number;
        *ret = f;
    }
    return WEFT_OK;
}

static enum weft_code read_kind(const struct lifecycle_store *s, const char *space,
                                struct bytes name, const char *field, uint32_t want,
                                struct wire_field *ret, struct weft_err *e)
{
    static const char *const names[] = { "", "Int64", "Bytes", "String" };
    static const char *const words[] = { "", "Int64", "[]byte", "String" };
    uint32_t kind = 0;
    WEFT_TRY(read_field(s, space, name, field, &kind, ret, e));
    if (kind == 0)
        *ret = (struct wire_field){ 0 };
    if (kind == 0 || kind == want)
        return WEFT_OK;
    return WEFT_FAIL(e, WEFT_CORRUPT,
                     "expected key %s/fields/%.*s/%s to encode a value of type %s, but was "
                     "*lifecycle.StateData_%s%s",
                     space, (int)name.len, (const char *)name.data, field, words[want], names[kind],
                     kind == DATA_STRING ? "_" : "");
}

enum weft_code lifecycle_store_int64(const struct lifecycle_store *s, const char *space,
                                     struct bytes name, const char *field, int64_t *ret,
                                     struct weft_err *e)
{
    struct wire_field f = { 0 };
    WEFT_TRY(read_kind(s, space, name, field, DATA_INT64, &f, e));
    *ret = (int64_t)f.varint;
    return WEFT_OK;
}

enum weft_code lifecycle_store_bytes(const struct lifecycle_store *s, const char *space,
                                     struct bytes name, const char *field, struct bytes *ret,
                                     struct weft_err *e)
{
    struct wire_field f = { 0 };
    WEFT_TRY(read_kind(s, space, name, field, DATA_BYTES, &f, e));
    *ret = f.bytes;
    return WEFT_OK;
}

enum weft_code lifecycle_store_string(const struct lifecycle_store *s, const char *space,
                                      struct bytes name, const char *field, struct bytes *ret,
                                      struct weft_err *e)
{
    struct wire_field f = { 0 };
    WEFT_TRY(read_kind(s, space, name, field, DATA_STRING, &f, e));
    *ret = f.bytes;
    return WEFT_OK;
}

/* ---- structs ------------------------------------------------------------------------------------ */

void state_struct_done(struct state_struct *s)
{
    for (size_t i = 0; i < s->count; i++)
        buf_done(&s->data[i]);
}

static struct buf *add(struct state_struct *s, const char *name)
{
    WEFT_ASSERT(s->count < STATE_FIELDS_MAX);
    s->names[s->count] = name;
    return &s->data[s->count++];
}

void state_struct_add_int64(struct state_struct *s, const char *name, int64_t n)
{
    wire_put_varint(add(s, name), DATA_INT64, (uint64_t)n);
}

void state_struct_add_bytes(struct state_struct *s, const char *name, struct bytes b)
{
    wire_put_bytes(add(s, name), DATA_BYTES, b);
}

void state_struct_add_string(struct state_struct *s, const char *name, struct bytes text)
{
    wire_put_bytes(add(s, name), DATA_STRING, text);
}

static void put_metadata(const struct state_struct *what, struct buf *out)
{
    wire_put_bytes(out, 1, bytes_of_str(what->datatype));
    for (size_t i = 0; i < what->count; i++)
        wire_put_bytes(out, 2, bytes_of_str(what->names[i]));
}

static bool has_field(const struct state_struct *what, struct bytes name)
{
    for (size_t i = 0; i < what->count; i++)
        if (bytes_eq(name, bytes_of_str(what->names[i])))
            return true;
    return false;
}

static bool lists(const struct state_metadata *m, const char *field)
{
    struct bytes name;
    for (struct repeated r = m->fields; repeated_next(&r, &name);)
        if (bytes_eq(name, bytes_of_str(field)))
            return true;
    return false;
}

static enum weft_code put_field(const struct lifecycle_store *s, const char *space,
                                struct bytes name, const char *field, bool is_listed,
                                struct bytes data, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    struct bytes old = { 0 };
    put_field_key(space, name, bytes_of_str(field), &key);
    if (is_listed)
        WEFT_TRY(get(s, buf_bytes(&key), &old, e));
    if (!is_listed || !bytes_eq(old, data))
        put(s, buf_bytes(&key), data);
    return WEFT_OK;
}

enum weft_code lifecycle_store_put(const struct lifecycle_store *s, const char *space,
                                   struct bytes name, const struct state_struct *what,
                                   struct weft_err *e)
{
    struct state_metadata old = { 0 };
    struct bytes field;
    bool found = false, too_many = false;
    WEFT_TRY(lifecycle_store_metadata(s, space, name, &found, &old, e));
    for (size_t i = 0; i < what->count; i++)
        WEFT_TRY(put_field(s, space, name, what->names[i], lists(&old, what->names[i]),
                           buf_bytes(&what->data[i]), e));
    for (struct repeated r = old.fields; repeated_next(&r, &field);) {
        if (has_field(what, field))
            continue;
        WEFT_CLEANUP(buf_done) struct buf key = { 0 };
        struct bytes unused;
        put_field_key(space, name, field, &key);
        WEFT_TRY(get(s, buf_bytes(&key), &unused, e));
        put(s, buf_bytes(&key), bytes_of(NULL, 0));
        too_many = true;
    }
    if (!too_many && old.fields.count == what->count &&
        bytes_eq(old.datatype, bytes_of_str(what->datatype)))
        return WEFT_OK;
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    WEFT_CLEANUP(buf_done) struct buf metadata = { 0 };
    put_metadata_key(space, name, &key);
    put_metadata(what, &metadata);
    put(s, buf_bytes(&key), buf_bytes(&metadata));
    return WEFT_OK;
}

static enum weft_code is_hash_of(const struct lifecycle_store *s, const struct buf *key,
                                 struct bytes value, bool *ret, struct weft_err *e)
{
    struct digest want = sha256_of(value);
    struct bytes hash = { 0 };
    WEFT_TRY(tx_simulator_get_private_hash(s->simulator, lifecycle, s->collection, buf_bytes(key),
                                           &hash, e));
    *ret &= bytes_eq(hash, digest_bytes(&want));
    return WEFT_OK;
}

enum weft_code lifecycle_store_is(const struct lifecycle_store *s, const char *space,
                                  struct bytes name, const struct state_struct *what, bool *ret,
                                  struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    WEFT_CLEANUP(buf_done) struct buf metadata = { 0 };
    bool same = true;
    put_metadata_key(space, name, &key);
    put_metadata(what, &metadata);
    WEFT_TRY(is_hash_of(s, &key, buf_bytes(&metadata), &same, e));
    for (size_t i = 0; i < what->count; i++) { /* all of them: each is a read */
        buf_clear(&key);
        put_field_key(space, name, bytes_of_str(what->names[i]), &key);
        WEFT_TRY(is_hash_of(s, &key, buf_bytes(&what->data[i]), &same, e));
    }
    *ret = same;
    return WEFT_OK;
}
