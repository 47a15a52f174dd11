#include "base/byte_map.h"

#include "weft_test.h"

enum {
    MANY = 5000
};

/* "key" and a number behind a zero byte. */
static struct bytes key_of(char text[24], size_t i)
{
    int n = snprintf(text, 24, "key%c%zu", '\0', i);
    return bytes_of(text, (size_t)n);
}

TEST(finds_each_of_many_by_its_bytes_and_nothing_else)
{
    static char texts[MANY][24];
    static size_t values[MANY];
    WEFT_CLEANUP(byte_map_done) struct byte_map m = { 0 };
    char other[24];
    EXPECT(byte_map_find(&m, bytes_of_str("nobody")) == NULL);
    for (size_t i = 0; i < MANY; i++) {
        void **at = byte_map_at(&m, key_of(texts[i], i));
        EXPECT(*at == NULL);
        *at = &values[i];
    }
    EXPECT_EQ(m.count, MANY);
    for (size_t i = 0; i < MANY; i++)
        EXPECT(byte_map_find(&m, key_of(other, i)) == &values[i]);
    EXPECT(byte_map_find(&m, key_of(other, MANY)) == NULL);
    EXPECT(byte_map_find(&m, bytes_of_str("key")) == NULL);
}

TEST(a_key_that_is_there_keeps_its_place_and_its_value)
{
    int one = 1, two = 2;
    WEFT_CLEANUP(byte_map_done) struct byte_map m = { 0 };
    *byte_map_at(&m, bytes_of_str("")) = &one; /* no bytes are a key, too */
    EXPECT(*byte_map_at(&m, bytes_of_str("")) == &one);
    *byte_map_at(&m, bytes_of_str("")) = &two;
    EXPECT(byte_map_find(&m, bytes_of_str("")) == &two);
    EXPECT_EQ(m.count, 1);
    byte_map_clear(&m);
    EXPECT_EQ(m.count, 0);
    EXPECT(byte_map_find(&m, bytes_of_str("")) == NULL);
}

TEST(the_hash_spreads_keys_that_differ_little)
{
    size_t low[64] = { 0 }, most = 0;
    char text[24];
    for (size_t i = 0; i < 6400; i++) {
        size_t at = byte_map_hash(key_of(text, i)) % 64;
        low[at]++;
        most = low[at] > most ? low[at] : most;
    }
    EXPECT(most < 160); /* 100 each, give or take */
}
