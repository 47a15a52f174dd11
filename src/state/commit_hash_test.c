#include "state/commit_hash.h"

#include "weft_test.h"

static void put(struct update_batch *b, struct state_key key, const char *value,
                struct state_version version)
{
    update_batch_put(b, &key,
                     &(struct state_value){ .version = version, .value = bytes_of_str(value) });
}

static struct state_key public_key(const char *ns, const char *key)
{
    return (struct state_key){ .ns = bytes_of_str(ns), .key = bytes_of_str(key) };
}

static void expect_hash(struct digest got, const char *want)
{
    WEFT_FREE char *hex = bytes_to_hex(digest_bytes(&got));
    EXPECT_STR(hex, want);
}

/* The example of the ledger's format description. */
TEST(is_made_of_flags_updates_and_the_hash_before)
{
    WEFT_CLEANUP(update_batch_free) struct update_batch *b = update_batch_new();
    struct digest k = sha256_of(bytes_of_str("k")), v = sha256_of(bytes_of_str("v"));
    struct state_key gone = public_key("ns1", "key2");
    struct state_key hashed = { STATE_HASHED, bytes_of_str("ns1"), bytes_of_str("coll"),
                                digest_bytes(&k) };
    update_batch_put(b, &hashed, &(struct state_value){ { 1, 1 }, digest_bytes(&v), { 0 } });
    update_batch_delete(b, &gone, (struct state_version){ 1, 1 });
    put(b, public_key("ns1", "key1"), "value1", (struct state_version){ 1, 0 });
    put(b, public_key("", "CHANNEL_CONFIG_ENV_BYTES"), "left out", (struct state_version){ 1, 0 });

    struct digest one = commit_hash_of(bytes_of("\0\0\v", 3), b, NULL);
    expect_hash(one, "3731420a6d69374c62497733e276be31699e5df9a06d3ac76e6d6a6a7b8ab702");

    update_batch_clear(b);
    struct digest two = commit_hash_of(bytes_of("\0", 1), b, &one);
    expect_hash(two, "9d8cf15ce935d7d93a6979822f69acccda4470a7664100e8bc1910865e815894");
}

TEST(does_not_hear_of_metadata_and_private_values)
{
    WEFT_CLEANUP(update_batch_free) struct update_batch *plain = update_batch_new();
    WEFT_CLEANUP(update_batch_free) struct update_batch *more = update_batch_new();
    struct state_key key = public_key("ns", "a");
    struct state_key private = { STATE_PRIVATE, bytes_of_str("ns"), bytes_of_str("coll"),
                                 bytes_of_str("a") };
    struct state_value v = { .version = { 7, 3 }, .value = bytes_of_str("v") };
    update_batch_put(plain, &key, &v);
    update_batch_put(more, &private, &v);
    v.metadata = bytes_of_str("policy");
    update_batch_put(more, &key, &v);

    struct digest want = commit_hash_of(bytes_of("\0", 1), plain, NULL);
    struct digest got = commit_hash_of(bytes_of("\0", 1), more, NULL);
    EXPECT_BYTES(digest_bytes(&got), digest_bytes(&want));
}
