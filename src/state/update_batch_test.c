#include "state/update_batch.h"

#include "base/rand.h"
#include "weft_test.h"

static struct state_key key_of(enum state_space space, const char *ns, const char *coll,
                               const char *key)
{
    return (struct state_key){ space, bytes_of_str(ns), bytes_of_str(coll), bytes_of_str(key) };
}

static void put(struct update_batch *b, const struct state_key *key, const char *value,
                const char *metadata, uint64_t block)
{
    update_batch_put(
        b, key, &(struct state_value){ { block, 0 }, bytes_of_str(value), bytes_of_str(metadata) });
}

TEST(the_last_update_of_a_key_counts)
{
    WEFT_CLEANUP(update_batch_free) struct update_batch *b = update_batch_new();
    struct state_key a = key_of(STATE_PUBLIC, "ns", "", "a");
    EXPECT(update_batch_find(b, &a) == NULL);
    put(b, &a, "1", "", 1);
    put(b, &a, "2", "", 2);
    EXPECT_BYTES(update_batch_find(b, &a)->value.value, bytes_of_str("2"));
    update_batch_delete(b, &a, (struct state_version){ 3, 0 });
    EXPECT(update_batch_find(b, &a)->is_delete);
    EXPECT_EQ(update_batch_find(b, &a)->value.version.block, 3);
    EXPECT_EQ(b->spaces[0]->count, 1);
}

TEST(namespaces_collections_and_spaces_are_apart)
{
    static const struct {
        enum state_space space;
        const char *ns, *coll, *key;
    } all[] = {
        { STATE_PUBLIC, "ab", "", "c" },   { STATE_PUBLIC, "a", "", "c" },
        { STATE_HASHED, "ab", "", "c" },   { STATE_HASHED, "a", "b", "c" },
        { STATE_PRIVATE, "a", "b", "c" },  { STATE_HASHED, "a", "", "c" },
        { STATE_HASHED, "a", "bc", "" },   { STATE_HASHED, "ab", "c", "" },
        { STATE_PRIVATE, "a", "b", "cc" },
    };
    WEFT_CLEANUP(update_batch_free) struct update_batch *b = update_batch_new();
    for (size_t i = 0; i < WEFT_ARRAY_LEN(all); i++) {
        struct state_key k = key_of(all[i].space, all[i].ns, all[i].coll, all[i].key);
        EXPECT(update_batch_find(b, &k) == NULL);
        put(b, &k, "v", "", i);
    }
    for (size_t i = 0; i < WEFT_ARRAY_LEN(all); i++) {
        struct state_key k = key_of(all[i].space, all[i].ns, all[i].coll, all[i].key);
        EXPECT_EQ(update_batch_find(b, &k)->value.version.block, i);
    }
}

TEST(sorts_by_namespace_then_public_before_collections_then_key)
{
    WEFT_CLEANUP(update_batch_free) struct update_batch *b = update_batch_new();
    struct state_key keys[] = {
        key_of(STATE_HASHED, "b", "y", "1"), key_of(STATE_HASHED, "b", "x", "1"),
        key_of(STATE_PUBLIC, "b", "", "2"),  key_of(STATE_PUBLIC, "a", "", "1"),
        key_of(STATE_PUBLIC, "b", "", "1"),  key_of(STATE_PRIVATE, "a", "x", "1"),
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(keys); i++)
        put(b, &keys[i], "v", "", i);
    update_batch_sort(b);
    EXPECT_EQ(b->count, 5);
    EXPECT_EQ(b->spaces[0]->updates[0]->value.version.block, 3);
    EXPECT_EQ(b->spaces[1]->updates[0]->value.version.block, 5);
    EXPECT_EQ(b->spaces[2]->updates[0]->value.version.block, 4);
    EXPECT_EQ(b->spaces[2]->updates[1]->value.version.block, 2);
    EXPECT_EQ(b->spaces[3]->updates[0]->value.version.block, 1);
    EXPECT_EQ(b->spaces[4]->updates[0]->value.version.block, 0);
}

TEST(what_is_added_lies_over_what_is_there)
{
    WEFT_CLEANUP(update_batch_free) struct update_batch *b = update_batch_new();
    WEFT_CLEANUP(update_batch_free) struct update_batch *next = update_batch_new();
    struct state_key a = key_of(STATE_PUBLIC, "ns", "", "a");
    struct state_key c = key_of(STATE_PUBLIC, "ns", "", "c");
    put(b, &a, "1", "", 1);
    put(b, &c, "1", "", 1);
    update_batch_delete(next, &a, (struct state_version){ 2, 0 });
    put(next, &c, "2", "m", 2);
    EXPECT(!update_batch_has_metadata(b, bytes_of_str("ns")));
    update_batch_add_all(b, next);
    update_batch_clear(next); /* nothing of it is borrowed */
    EXPECT(update_batch_find(b, &a)->is_delete);
    EXPECT_BYTES(update_batch_find(b, &c)->value.value, bytes_of_str("2"));
    EXPECT_BYTES(update_batch_find(b, &c)->value.metadata, bytes_of_str("m"));
    EXPECT(update_batch_has_metadata(b, bytes_of_str("ns")));
    EXPECT(!update_batch_has_metadata(b, bytes_of_str("n")));
}

TEST(many_keys_are_found_and_sought_among_sorted_ones)
{
    enum {
        KEYS = 2000
    };
    WEFT_CLEANUP(update_batch_free) struct update_batch *b = update_batch_new();
    struct weft_rand rand = weft_rand_of(7);
    char name[16];
    for (int round = 0; round < 2; round++) { /* the second one after a clear */
        update_batch_clear(b);
        for (size_t i = 0; i < KEYS; i++) {
            (void)snprintf(name, sizeof(name), "k%05u", (unsigned)weft_rand_below(&rand, 10000));
            struct state_key k = key_of(STATE_PUBLIC, "ns", "", name);
            put(b, &k, "v", "", i);
            EXPECT_EQ(update_batch_find(b, &k)->value.version.block, i);
        }
        struct update_space *s =
            update_batch_space(b, STATE_PUBLIC, bytes_of_str("ns"), bytes_of(NULL, 0));
        size_t at = update_space_seek(s, bytes_of_str("k05000"));
        EXPECT(at > 0 && at < s->count);
        EXPECT(bytes_cmp(s->updates[at - 1]->key, bytes_of_str("k05000")) < 0);
        EXPECT(bytes_cmp(s->updates[at]->key, bytes_of_str("k05000")) >= 0);
        EXPECT_EQ(update_space_seek(s, bytes_of_str("l")), s->count);
        EXPECT_EQ(update_space_seek(s, bytes_of(NULL, 0)), 0);
    }
}
