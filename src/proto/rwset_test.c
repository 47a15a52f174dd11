#include "proto/rwset.h"

#include "weft_test.h"

static struct buf message(uint32_t number, struct buf inner)
{
    struct buf b = { 0 };
    wire_put_bytes(&b, number, buf_bytes(&inner));
    buf_done(&inner);
    return b;
}

static struct buf text(uint32_t number, const char *s)
{
    struct buf b = { 0 };
    wire_put_bytes(&b, number, bytes_of_str(s));
    return b;
}

static struct buf number(uint32_t field, uint64_t n)
{
    struct buf b = { 0 };
    wire_put_varint(&b, field, n);
    return b;
}

static struct buf both(struct buf a, struct buf b)
{
    buf_put(&a, buf_bytes(&b));
    buf_done(&b);
    return a;
}

/* The only element of a list. */
static struct bytes only(struct repeated list)
{
    struct bytes item = { 0 };
    EXPECT_EQ(list.count, 1);
    EXPECT(repeated_next(&list, &item));
    return item;
}

TEST(goes_over_namespaces_and_their_collections)
{
    struct weft_err e = { 0 };
    struct buf collection = both(both(text(1, "coll"), text(2, "hashed")), text(3, "hash"));
    struct buf ns = both(both(text(1, "cc"), text(2, "rwset")), message(3, collection));
    WEFT_CLEANUP(buf_done) struct buf b = both(message(2, ns), message(2, text(1, "lscc")));
    struct tx_rwset_view v;
    struct bytes item = { 0 };
    EXPECT_OK(tx_rwset_parse(buf_bytes(&b), &v, &e));
    EXPECT_EQ(v.data_model, RWSET_MODEL_KV);
    EXPECT_EQ(v.namespaces.count, 2);
    EXPECT(repeated_next(&v.namespaces, &item));
    struct ns_rwset first = ns_rwset_of(item);
    EXPECT_BYTES(first.name, bytes_of_str("cc"));
    EXPECT_BYTES(first.rwset, bytes_of_str("rwset"));
    struct collection_rwset c = collection_rwset_of(only(first.collections));
    EXPECT_BYTES(c.name, bytes_of_str("coll"));
    EXPECT_BYTES(c.hashed_rwset, bytes_of_str("hashed"));
    EXPECT_BYTES(c.pvt_rwset_hash, bytes_of_str("hash"));
    EXPECT(repeated_next(&v.namespaces, &item));
    EXPECT_EQ(ns_rwset_of(item).collections.count, 0);
}

TEST(tells_a_read_of_an_absent_key_from_one_of_version_0_0)
{
    struct weft_err e = { 0 };
    struct buf absent = message(1, text(1, "a"));
    struct buf zero = message(1, both(text(1, "b"), message(2, (struct buf){ 0 })));
    struct buf there = message(1, both(text(1, "c"), message(2, both(number(1, 7), number(2, 3)))));
    WEFT_CLEANUP(buf_done) struct buf b = both(absent, both(zero, there));
    struct kv_rwset_view v;
    struct bytes item = { 0 };
    EXPECT_OK(kv_rwset_parse(buf_bytes(&b), &v, &e));
    EXPECT(repeated_next(&v.reads, &item));
    EXPECT(!kv_read_of(item).version.is_set);
    EXPECT(repeated_next(&v.reads, &item));
    EXPECT(kv_read_of(item).version.is_set);
    EXPECT(repeated_next(&v.reads, &item));
    struct kv_read r = kv_read_of(item);
    EXPECT_BYTES(r.key, bytes_of_str("c"));
    EXPECT_EQ(r.version.block, 7);
    EXPECT_EQ(r.version.tx, 3);
}

TEST(reads_writes_and_deletes)
{
    struct weft_err e = { 0 };
    struct buf put = message(3, both(text(1, "k"), text(3, "v")));
    struct buf del = message(3, both(text(1, "gone"), number(2, 1)));
    WEFT_CLEANUP(buf_done) struct buf b = both(put, del);
    struct kv_rwset_view v;
    struct bytes item = { 0 };
    EXPECT_OK(kv_rwset_parse(buf_bytes(&b), &v, &e));
    EXPECT_EQ(v.writes.count, 2);
    EXPECT(repeated_next(&v.writes, &item));
    struct kv_write w = kv_write_of(item);
    EXPECT_BYTES(w.key, bytes_of_str("k"));
    EXPECT_BYTES(w.value, bytes_of_str("v"));
    EXPECT(!w.is_delete);
    EXPECT(repeated_next(&v.writes, &item));
    EXPECT(kv_write_of(item).is_delete);
}

TEST(keeps_zero_bytes_in_a_composite_key)
{
    struct weft_err e = { 0 };
    struct bytes key = bytes_of("\0type\0id\0", 9);
    WEFT_CLEANUP(buf_done) struct buf write = { 0 };
    wire_put_bytes(&write, 1, key);
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    wire_put_bytes(&b, 3, buf_bytes(&write));
    struct kv_rwset_view v;
    EXPECT_OK(kv_rwset_parse(buf_bytes(&b), &v, &e));
    EXPECT_BYTES(kv_write_of(only(v.writes)).key, key);
}

TEST(reads_metadata_writes)
{
    struct weft_err e = { 0 };
    struct buf entry = message(2, both(text(1, "VALIDATION_PARAMETER"), text(2, "policy")));
    WEFT_CLEANUP(buf_done) struct buf b = message(4, both(text(1, "k"), entry));
    struct kv_rwset_view v;
    EXPECT_OK(kv_rwset_parse(buf_bytes(&b), &v, &e));
    struct kv_metadata_write m = kv_metadata_write_of(only(v.metadata_writes));
    EXPECT_BYTES(m.key, bytes_of_str("k"));
    EXPECT_BYTES(kv_metadata_entry_of(only(m.entries)).name, bytes_of_str("VALIDATION_PARAMETER"));
    EXPECT_BYTES(kv_metadata_entry_of(only(m.entries)).value, bytes_of_str("policy"));
}

TEST(reads_range_queries_of_both_kinds)
{
    struct weft_err e = { 0 };
    struct buf raw = message(4, message(1, text(1, "k")));
    struct buf query = both(both(text(1, "a"), text(2, "z")), both(number(3, 1), raw));
    WEFT_CLEANUP(buf_done) struct buf b = message(2, query);
    struct kv_rwset_view v;
    EXPECT_OK(kv_rwset_parse(buf_bytes(&b), &v, &e));
    struct range_query q = range_query_of(only(v.range_queries));
    EXPECT_BYTES(q.start_key, bytes_of_str("a"));
    EXPECT_BYTES(q.end_key, bytes_of_str("z"));
    EXPECT(q.exhausted);
    EXPECT_EQ(q.kind, RANGE_QUERY_RAW);
    EXPECT_BYTES(kv_read_of(only(q.raw_reads)).key, bytes_of_str("k"));

    WEFT_CLEANUP(buf_done)
    struct buf merkle = message(5, both(both(number(1, 50), number(2, 2)), text(3, "hash")));
    q = range_query_of(buf_bytes(&merkle));
    EXPECT_EQ(q.kind, RANGE_QUERY_MERKLE);
    EXPECT_EQ(q.max_degree, 50);
    EXPECT_EQ(q.max_level, 2);
    EXPECT_BYTES(only(q.hashes), bytes_of_str("hash"));
    EXPECT_EQ(range_query_of((struct bytes){ 0 }).kind, RANGE_QUERY_NONE);
}

TEST(takes_the_last_kind_of_a_range_query_that_has_both)
{
    struct buf raw = message(4, message(1, text(1, "k")));
    struct buf merkle = message(5, both(number(1, 50), text(3, "hash")));
    WEFT_CLEANUP(buf_done) struct buf b = both(merkle, raw);
    struct range_query q = range_query_of(buf_bytes(&b));
    EXPECT_EQ(q.kind, RANGE_QUERY_RAW);
    EXPECT_EQ(q.raw_reads.count, 1);
    EXPECT_EQ(q.hashes.count, 0);
    EXPECT_EQ(q.max_degree, 0);
    EXPECT(!repeated_next(&q.hashes, &(struct bytes){ 0 }));
}

TEST(reads_hashed_sets_into_the_same_structs)
{
    struct weft_err e = { 0 };
    struct buf read = message(1, both(text(1, "\xff\xfe"), message(2, number(1, 4))));
    struct buf write = message(2, both(text(1, "kh"), text(3, "vh")));
    struct buf meta = message(3, text(1, "mh"));
    WEFT_CLEANUP(buf_done) struct buf b = both(read, both(write, meta));
    struct kv_rwset_view v;
    EXPECT_OK(hashed_rwset_parse(buf_bytes(&b), &v, &e));
    EXPECT_BYTES(kv_read_of(only(v.reads)).key, bytes_of_str("\xff\xfe"));
    EXPECT_EQ(kv_read_of(only(v.reads)).version.block, 4);
    EXPECT_BYTES(kv_write_of(only(v.writes)).value, bytes_of_str("vh"));
    EXPECT_BYTES(kv_metadata_write_of(only(v.metadata_writes)).key, bytes_of_str("mh"));
    EXPECT_EQ(v.range_queries.count, 0);
    /* A key, unlike a hash, must be UTF-8. */
    EXPECT_CODE(kv_rwset_parse(buf_bytes(&b), &v, &e), WEFT_INVALID);
}

TEST(refuses_a_set_that_is_broken_anywhere_in_it)
{
    struct weft_err e = { 0 };
    struct tx_rwset_view tx;
    struct kv_rwset_view kv;
    EXPECT_CODE(tx_rwset_parse(bytes_of_str("\x12\x02\x0a\x7f"), &tx, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "rwset.NsReadWriteSet");
    WEFT_CLEANUP(buf_done) struct buf deep = message(2, message(4, message(1, text(1, "\xff"))));
    EXPECT_CODE(kv_rwset_parse(buf_bytes(&deep), &kv, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "kvrwset.KVRead: a string is not UTF-8");
}
