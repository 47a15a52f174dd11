#include "txmaker/rwset_writer.h"

#include "weft_test.h"

#include "crypto/sha256.h"

static struct bytes text(const char *s)
{
    return bytes_of_str(s);
}

/* The set of the i-th namespace. */
static struct ns_rwset namespace_at(const struct buf *results, size_t i)
{
    struct weft_err e = { 0 };
    struct tx_rwset_view v;
    struct bytes item = { 0 };
    EXPECT_OK(tx_rwset_parse(buf_bytes(results), &v, &e));
    for (size_t k = 0; k <= i; k++)
        EXPECT(repeated_next(&v.namespaces, &item));
    return ns_rwset_of(item);
}

static struct kv_rwset_view set_at(const struct buf *results, size_t i)
{
    struct weft_err e = { 0 };
    struct kv_rwset_view v;
    EXPECT_OK(kv_rwset_parse(namespace_at(results, i).rwset, &v, &e));
    return v;
}

static void expect_write(struct repeated *writes, const char *key, const char *value)
{
    struct bytes item = { 0 };
    EXPECT(repeated_next(writes, &item));
    struct kv_write w = kv_write_of(item);
    EXPECT_BYTES(w.key, text(key));
    EXPECT_EQ(w.is_delete, value == NULL);
    EXPECT_BYTES(w.value, text(value != NULL ? value : ""));
}

static void write_some(struct rwset_writer *w)
{
    rwset_writer_write(w, "b", text("k2"), text("first"));
    rwset_writer_write(w, "a", text("z"), text("1"));
    rwset_writer_write(w, "b", text("k1"), text("1"));
    rwset_writer_write(w, "b", text("k2"), text("second"));
    rwset_writer_write(w, "b", text("k3"), text(""));
}

TEST(a_simulation_has_each_key_once_and_in_order)
{
    WEFT_CLEANUP(rwset_writer_done) struct rwset_writer w = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    write_some(&w);
    rwset_writer_encode(&w, &b);
    EXPECT_BYTES(namespace_at(&b, 0).name, text("a"));
    EXPECT_BYTES(namespace_at(&b, 1).name, text("b"));
    struct repeated writes = set_at(&b, 1).writes;
    EXPECT_EQ(writes.count, 3);
    expect_write(&writes, "k1", "1");
    expect_write(&writes, "k2", "second");
    expect_write(&writes, "k3", NULL);
}

TEST(what_is_given_stays_as_it_is_given)
{
    WEFT_CLEANUP(rwset_writer_done) struct rwset_writer w = { .order = RWSET_AS_GIVEN };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    write_some(&w);
    rwset_writer_encode(&w, &b);
    EXPECT_BYTES(namespace_at(&b, 0).name, text("b"));
    EXPECT_BYTES(namespace_at(&b, 1).name, text("a"));
    EXPECT_BYTES(namespace_at(&b, 2).name, text("b"));
    struct repeated writes = set_at(&b, 2).writes;
    EXPECT_EQ(writes.count, 3);
    expect_write(&writes, "k1", "1");
    expect_write(&writes, "k2", "second");
    expect_write(&writes, "k3", "");
}

TEST(a_read_tells_its_version_or_that_the_key_was_not_there)
{
    WEFT_CLEANUP(rwset_writer_done) struct rwset_writer w = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    struct bytes item = { 0 };
    rwset_writer_read(&w, "a", text("c"), (struct kv_version){ true, 7, 2 });
    rwset_writer_read(&w, "a", text("b"), (struct kv_version){ true, 0, 0 });
    rwset_writer_read(&w, "a", text("a"), (struct kv_version){ 0 });
    rwset_writer_encode(&w, &b);
    struct repeated reads = set_at(&b, 0).reads;
    EXPECT(repeated_next(&reads, &item));
    EXPECT(!kv_read_of(item).version.is_set);
    EXPECT(repeated_next(&reads, &item));
    EXPECT(kv_read_of(item).version.is_set);
    EXPECT(repeated_next(&reads, &item));
    EXPECT_EQ(kv_read_of(item).version.block, 7);
    EXPECT_EQ(kv_read_of(item).version.tx, 2);
}

TEST(ranges_keep_their_order_and_say_what_they_found)
{
    WEFT_CLEANUP(rwset_writer_done) struct rwset_writer w = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    const struct rwset_range_read read = { text("y1"), { true, 3, 1 } };
    const struct bytes hash = text("hash");
    struct bytes item = { 0 };
    const struct rwset_range raw = {
        .start_key = text("y"), .kind = RANGE_QUERY_RAW, .reads = &read, .count = 1
    };
    const struct rwset_range merkle = { .start_key = text("a"),
                                        .end_key = text("b"),
                                        .exhausted = true,
                                        .kind = RANGE_QUERY_MERKLE,
                                        .max_degree = 50,
                                        .max_level = 1,
                                        .hashes = &hash,
                                        .count = 1 };
    rwset_writer_range(&w, "a", &raw);
    rwset_writer_range(&w, "a", &merkle);
    rwset_writer_encode(&w, &b);
    struct repeated ranges = set_at(&b, 0).range_queries;
    EXPECT(repeated_next(&ranges, &item));
    struct range_query q = range_query_of(item);
    EXPECT_EQ(q.kind, RANGE_QUERY_RAW);
    EXPECT(!q.exhausted);
    EXPECT(repeated_next(&q.raw_reads, &item));
    EXPECT_BYTES(kv_read_of(item).key, text("y1"));
    EXPECT(repeated_next(&ranges, &item));
    q = range_query_of(item);
    EXPECT_EQ(q.kind, RANGE_QUERY_MERKLE);
    EXPECT_EQ(q.max_degree, 50);
    EXPECT_EQ(q.max_level, 1);
    EXPECT(repeated_next(&q.hashes, &item));
    EXPECT_BYTES(item, hash);
}

TEST(private_keys_are_hashed_and_their_set_is_too)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(rwset_writer_done) struct rwset_writer w = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    WEFT_CLEANUP(buf_done) struct buf private = { 0 };
    struct bytes item = { 0 };
    struct kv_rwset_view v;
    rwset_writer_private_write(&w, "a", "coll", text("k"), text("v"));
    rwset_writer_private_read(&w, "a", "readOnly", text("k"), (struct kv_version){ 0 });
    rwset_writer_private_delete(&w, "a", "coll", text("gone"));
    rwset_writer_encode(&w, &b);
    rwset_writer_encode_private(&w, &private);

    struct repeated collections = namespace_at(&b, 0).collections;
    EXPECT_EQ(collections.count, 2);
    EXPECT(repeated_next(&collections, &item));
    struct collection_rwset c = collection_rwset_of(item);
    EXPECT_BYTES(c.name, text("coll"));
    EXPECT_OK(hashed_rwset_parse(c.hashed_rwset, &v, &e));
    struct digest gone = sha256_of(text("gone")), value = sha256_of(text("v"));
    EXPECT(repeated_next(&v.writes, &item));
    EXPECT_BYTES(kv_write_of(item).key, digest_bytes(&gone));
    EXPECT(kv_write_of(item).is_delete);
    EXPECT(repeated_next(&v.writes, &item));
    EXPECT_BYTES(kv_write_of(item).value, digest_bytes(&value));

    /* TxPvtReadWriteSet { 2 { 1 namespace, 2 { 1 collection, 2 set } } } */
    struct repeated r = repeated_of(buf_bytes(&private), 2);
    EXPECT(repeated_next(&r, &item));
    r = repeated_of(item, 2);
    EXPECT_EQ(r.count, 1);
    EXPECT(repeated_next(&r, &item));
    r = repeated_of(item, 2);
    EXPECT(repeated_next(&r, &item));
    struct digest hash = sha256_of(item);
    EXPECT_BYTES(c.pvt_rwset_hash, digest_bytes(&hash));

    EXPECT(repeated_next(&collections, &item));
    EXPECT_EQ(collection_rwset_of(item).pvt_rwset_hash.len, 0);
}

TEST(metadata_writes_stand_beside_writes)
{
    WEFT_CLEANUP(rwset_writer_done) struct rwset_writer w = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    const struct rwset_entry entry = { "VALIDATION_PARAMETER", text("policy") };
    struct bytes item = { 0 };
    rwset_writer_metadata(&w, "a", text("k"), &entry, 1);
    rwset_writer_metadata(&w, "a", text("l"), NULL, 0);
    rwset_writer_encode(&w, &b);
    struct repeated all = set_at(&b, 0).metadata_writes;
    EXPECT(repeated_next(&all, &item));
    struct kv_metadata_write m = kv_metadata_write_of(item);
    EXPECT(repeated_next(&m.entries, &item));
    EXPECT_BYTES(kv_metadata_entry_of(item).value, text("policy"));
    EXPECT(repeated_next(&all, &item));
    EXPECT_EQ(kv_metadata_write_of(item).entries.count, 0);
}
