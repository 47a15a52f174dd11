#include "proto/rwset.h"

#include "proto/proto_check.h"

#include <ledger/rwset/kvrwset/kv_rwset.pb-c.h>
#include <ledger/rwset/rwset.pb-c.h>

enum weft_code tx_rwset_parse(struct bytes b, struct tx_rwset_view *ret, struct weft_err *e)
{
    WEFT_TRY(proto_check(&rwset__tx_read_write_set__descriptor, b, 0, e));
    struct tx_rwset_view v = { .namespaces = repeated_of(b, 2) };
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f))
        if (wire_is(&f, 1, WIRE_VARINT))
            v.data_model = (int32_t)(uint32_t)f.varint;
    *ret = v;
    return WEFT_OK;
}

struct ns_rwset ns_rwset_of(struct bytes item)
{
    struct ns_rwset ns = { .collections = repeated_of(item, 3) };
    struct wire w = wire_of(item);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            ns.name = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN))
            ns.rwset = f.bytes;
    }
    return ns;
}

struct collection_rwset collection_rwset_of(struct bytes item)
{
    struct collection_rwset c = { 0 };
    struct wire w = wire_of(item);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            c.name = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN))
            c.hashed_rwset = f.bytes;
        else if (wire_is(&f, 3, WIRE_LEN))
            c.pvt_rwset_hash = f.bytes;
    }
    return c;
}

enum weft_code kv_rwset_parse(struct bytes b, struct kv_rwset_view *ret, struct weft_err *e)
{
    WEFT_TRY(proto_check(&kvrwset__kvrwset__descriptor, b, 0, e));
    *ret = (struct kv_rwset_view){
        .reads = repeated_of(b, 1),
        .range_queries = repeated_of(b, 2),
        .writes = repeated_of(b, 3),
        .metadata_writes = repeated_of(b, 4),
    };
    return WEFT_OK;
}

enum weft_code hashed_rwset_parse(struct bytes b, struct kv_rwset_view *ret, struct weft_err *e)
{
    WEFT_TRY(proto_check(&kvrwset__hashed_rwset__descriptor, b, 0, e));
    *ret = (struct kv_rwset_view){
        .reads = repeated_of(b, 1),
        .writes = repeated_of(b, 2),
        .metadata_writes = repeated_of(b, 3),
    };
    return WEFT_OK;
}

/* ---- elements ---------------------------------------------------------------- */

/* Adds what this part of a Version says. */
static void take_version(struct bytes b, struct kv_version *v)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    v->is_set = true;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_VARINT))
            v->block = f.varint;
        else if (wire_is(&f, 2, WIRE_VARINT))
            v->tx = f.varint;
    }
}

struct kv_read kv_read_of(struct bytes item)
{
    struct kv_read r = { 0 };
    struct wire w = wire_of(item);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            r.key = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN))
            take_version(f.bytes, &r.version);
    }
    return r;
}

struct kv_write kv_write_of(struct bytes item)
{
    struct kv_write x = { 0 };
    struct wire w = wire_of(item);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            x.key = f.bytes;
        else if (wire_is(&f, 2, WIRE_VARINT))
            x.is_delete = f.varint != 0;
        else if (wire_is(&f, 3, WIRE_LEN))
            x.value = f.bytes;
    }
    return x;
}

bool kv_write_deletes(const struct kv_write *w)
{
    return w->is_delete || w->value.len == 0;
}

bool kv_write_hash_deletes(const struct kv_write *w)
{
    static const uint8_t sha256_of_nothing[] = {
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4,
        0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
        0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
    };
    return kv_write_deletes(w) ||
           bytes_eq(w->value, bytes_of(sha256_of_nothing, sizeof(sha256_of_nothing)));
}

struct kv_metadata_write kv_metadata_write_of(struct bytes item)
{
    struct kv_metadata_write m = { .entries = repeated_of(item, 2) };
    struct wire w = wire_of(item);
    struct wire_field f;
    while (wire_next(&w, &f))
        if (wire_is(&f, 1, WIRE_LEN))
            m.key = f.bytes;
    return m;
}

struct kv_metadata_entry kv_metadata_entry_of(struct bytes item)
{
    struct kv_metadata_entry m = { 0 };
    struct wire w = wire_of(item);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            m.name = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN))
            m.value = f.bytes;
    }
    return m;
}

static void take_raw_reads(struct bytes b, struct range_query *q)
{
    q->kind = RANGE_QUERY_RAW;
    q->raw_reads = repeated_of(b, 1);
    q->max_degree = q->max_level = 0;
    q->hashes = (struct repeated){ 0 };
}

static void take_merkle_hashes(struct bytes b, struct range_query *q)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    q->kind = RANGE_QUERY_MERKLE;
    q->raw_reads = (struct repeated){ 0 };
    q->max_degree = q->max_level = 0;
    q->hashes = repeated_of(b, 3);
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_VARINT))
            q->max_degree = (uint32_t)f.varint;
        else if (wire_is(&f, 2, WIRE_VARINT))
            q->max_level = (uint32_t)f.varint;
    }
}

struct range_query range_query_of(struct bytes item)
{
    struct range_query q = { 0 };
    struct wire w = wire_of(item);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            q.start_key = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN))
            q.end_key = f.bytes;
        else if (wire_is(&f, 3, WIRE_VARINT))
            q.exhausted = f.varint != 0;
        else if (wire_is(&f, 4, WIRE_LEN)) /* a oneof: the last of both counts, alone */
            take_raw_reads(f.bytes, &q);
        else if (wire_is(&f, 5, WIRE_LEN))
            take_merkle_hashes(f.bytes, &q);
    }
    return q;
}
