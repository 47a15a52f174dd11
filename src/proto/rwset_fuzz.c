/* What the views of a read-write set say is what protobuf-c unpacks.  The
 * first byte says which of the three sets the rest is. */
#include "proto/proto_check.h"
#include "proto/rwset.h"

#include <ledger/rwset/kvrwset/kv_rwset.pb-c.h>
#include <ledger/rwset/rwset.pb-c.h>

static bool same(struct bytes b, ProtobufCBinaryData model)
{
    return bytes_eq(b, bytes_of(model.data, model.len));
}

static bool same_text(struct bytes b, const char *model)
{
    return bytes_eq(b, bytes_of_str(model));
}

static bool same_version(const struct kv_version *v, const Kvrwset__Version *model)
{
    return v->is_set == (model != NULL) &&
           (model == NULL || (v->block == model->block_num && v->tx == model->tx_num));
}

static void expect_reads(struct repeated list, Kvrwset__KVRead **model, size_t count)
{
    struct bytes item;
    WEFT_ASSERT(list.count == count);
    for (size_t i = 0; repeated_next(&list, &item); i++) {
        struct kv_read r = kv_read_of(item);
        WEFT_ASSERT(same_text(r.key, model[i]->key) && same_version(&r.version, model[i]->version));
    }
}

static void expect_entries(struct repeated list, Kvrwset__KVMetadataEntry **model, size_t count)
{
    struct bytes item;
    WEFT_ASSERT(list.count == count);
    for (size_t i = 0; repeated_next(&list, &item); i++) {
        struct kv_metadata_entry m = kv_metadata_entry_of(item);
        WEFT_ASSERT(same_text(m.name, model[i]->name) && same(m.value, model[i]->value));
    }
}

static void expect_query(const struct range_query *q, const Kvrwset__RangeQueryInfo *model)
{
    struct repeated hashes = q->hashes;
    struct bytes item;
    WEFT_ASSERT(same_text(q->start_key, model->start_key));
    WEFT_ASSERT(same_text(q->end_key, model->end_key) && q->exhausted == model->itr_exhausted);
    WEFT_ASSERT((int)q->kind ==
                (model->reads_info_case == 0 ? 0 : (int)model->reads_info_case - 3));
    if (q->kind == RANGE_QUERY_RAW)
        expect_reads(q->raw_reads, model->raw_reads->kv_reads, model->raw_reads->n_kv_reads);
    if (q->kind != RANGE_QUERY_MERKLE)
        return;
    const Kvrwset__QueryReadsMerkleSummary *m = model->reads_merkle_hashes;
    WEFT_ASSERT(q->max_degree == m->max_degree && q->max_level == m->max_level);
    WEFT_ASSERT(hashes.count == m->n_max_level_hashes);
    for (size_t i = 0; repeated_next(&hashes, &item); i++)
        WEFT_ASSERT(same(item, m->max_level_hashes[i]));
}

static void expect_kv(struct kv_rwset_view v, const Kvrwset__KVRWSet *model)
{
    struct bytes item;
    expect_reads(v.reads, model->reads, model->n_reads);
    WEFT_ASSERT(v.range_queries.count == model->n_range_queries_info);
    for (size_t i = 0; repeated_next(&v.range_queries, &item); i++) {
        struct range_query q = range_query_of(item);
        expect_query(&q, model->range_queries_info[i]);
    }
    WEFT_ASSERT(v.writes.count == model->n_writes);
    for (size_t i = 0; repeated_next(&v.writes, &item); i++) {
        struct kv_write w = kv_write_of(item);
        WEFT_ASSERT(same_text(w.key, model->writes[i]->key));
        WEFT_ASSERT(w.is_delete == model->writes[i]->is_delete);
        WEFT_ASSERT(same(w.value, model->writes[i]->value));
    }
    WEFT_ASSERT(v.metadata_writes.count == model->n_metadata_writes);
    for (size_t i = 0; repeated_next(&v.metadata_writes, &item); i++) {
        struct kv_metadata_write m = kv_metadata_write_of(item);
        WEFT_ASSERT(same_text(m.key, model->metadata_writes[i]->key));
        expect_entries(m.entries, model->metadata_writes[i]->entries,
                       model->metadata_writes[i]->n_entries);
    }
}

static void expect_hashed(struct kv_rwset_view v, const Kvrwset__HashedRWSet *model)
{
    struct bytes item;
    WEFT_ASSERT(v.reads.count == model->n_hashed_reads);
    for (size_t i = 0; repeated_next(&v.reads, &item); i++) {
        struct kv_read r = kv_read_of(item);
        WEFT_ASSERT(same(r.key, model->hashed_reads[i]->key_hash));
        WEFT_ASSERT(same_version(&r.version, model->hashed_reads[i]->version));
    }
    WEFT_ASSERT(v.writes.count == model->n_hashed_writes);
    for (size_t i = 0; repeated_next(&v.writes, &item); i++) {
        struct kv_write w = kv_write_of(item);
        WEFT_ASSERT(same(w.key, model->hashed_writes[i]->key_hash));
        WEFT_ASSERT(w.is_delete == model->hashed_writes[i]->is_delete);
        WEFT_ASSERT(same(w.value, model->hashed_writes[i]->value_hash));
    }
    WEFT_ASSERT(v.metadata_writes.count == model->n_metadata_writes);
    for (size_t i = 0; repeated_next(&v.metadata_writes, &item); i++) {
        struct kv_metadata_write m = kv_metadata_write_of(item);
        WEFT_ASSERT(same(m.key, model->metadata_writes[i]->key_hash));
        expect_entries(m.entries, model->metadata_writes[i]->entries,
                       model->metadata_writes[i]->n_entries);
    }
}

static void expect_tx(struct tx_rwset_view v, const Rwset__TxReadWriteSet *model)
{
    struct bytes item, inner;
    WEFT_ASSERT(v.data_model == (int32_t)model->data_model);
    WEFT_ASSERT(v.namespaces.count == model->n_ns_rwset);
    for (size_t i = 0; repeated_next(&v.namespaces, &item); i++) {
        struct ns_rwset ns = ns_rwset_of(item);
        const Rwset__NsReadWriteSet *m = model->ns_rwset[i];
        WEFT_ASSERT(same_text(ns.name, m->namespace_) && same(ns.rwset, m->rwset));
        WEFT_ASSERT(ns.collections.count == m->n_collection_hashed_rwset);
        for (size_t j = 0; repeated_next(&ns.collections, &inner); j++) {
            struct collection_rwset c = collection_rwset_of(inner);
            WEFT_ASSERT(same_text(c.name, m->collection_hashed_rwset[j]->collection_name));
            WEFT_ASSERT(same(c.hashed_rwset, m->collection_hashed_rwset[j]->hashed_rwset));
            WEFT_ASSERT(same(c.pvt_rwset_hash, m->collection_hashed_rwset[j]->pvt_rwset_hash));
        }
    }
}

/* All of it, whether protobuf-c may see the bytes or not. */
static void walk(struct kv_rwset_view v)
{
    struct bytes item;
    while (repeated_next(&v.range_queries, &item))
        (void)range_query_of(item);
    while (repeated_next(&v.metadata_writes, &item))
        (void)kv_metadata_write_of(item);
    while (repeated_next(&v.reads, &item))
        (void)kv_read_of(item);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const ProtobufCMessageDescriptor *const types[] = {
        &rwset__tx_read_write_set__descriptor,
        &kvrwset__kvrwset__descriptor,
        &kvrwset__hashed_rwset__descriptor,
    };
    if (size == 0)
        return 0;
    struct bytes b = bytes_of(data + 1, size - 1);
    unsigned kind = data[0] % WEFT_ARRAY_LEN(types);
    struct tx_rwset_view tx = { 0 };
    struct kv_rwset_view kv = { 0 };
    enum weft_code rc = kind == 0   ? tx_rwset_parse(b, &tx, NULL)
                        : kind == 1 ? kv_rwset_parse(b, &kv, NULL)
                                    : hashed_rwset_parse(b, &kv, NULL);
    walk(kv);

    WEFT_CLEANUP(arena_done) struct arena a = { 0 };
    void *msg = NULL;
    if (proto_unpack(types[kind], b, &a, &msg, NULL) != WEFT_OK)
        return 0;
    WEFT_ASSERT(rc == WEFT_OK);
    if (kind == 0)
        expect_tx(tx, msg);
    else if (kind == 1)
        expect_kv(kv, msg);
    else
        expect_hashed(kv, msg);
    return 0;
}
