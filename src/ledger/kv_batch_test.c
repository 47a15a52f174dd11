#include "ledger/kv_batch.h"

#include "base/rand.h"
#include "weft_test.h"

/* What a batch gives to LevelDB, one operation after the other: "+key=value" and "-key". */
static void note_put(void *ctx, const char *key, size_t key_len, const char *value,
                     size_t value_len)
{
    buf_put_str(ctx, "+");
    buf_put(ctx, bytes_of(key, key_len));
    buf_put_str(ctx, "=");
    buf_put(ctx, bytes_of(value, value_len));
    buf_put_str(ctx, " ");
}

static void note_delete(void *ctx, const char *key, size_t key_len)
{
    buf_put_str(ctx, "-");
    buf_put(ctx, bytes_of(key, key_len));
    buf_put_str(ctx, " ");
}

static void expect_ops(const struct kv_batch *b, const char *want)
{
    WEFT_CLEANUP(buf_done) struct buf got = { 0 };
    leveldb_writebatch_t *ops = kv_batch_in_order(b);
    leveldb_writebatch_iterate(ops, &got, note_put, note_delete);
    leveldb_writebatch_destroy(ops);
    EXPECT_BYTES(buf_bytes(&got), bytes_of_str(want));
}

static void put(struct kv_batch *b, const char *key, const char *value)
{
    kv_batch_put(b, bytes_of_str(key), bytes_of_str(value));
}

TEST(entries_are_written_in_the_order_of_their_keys)
{
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    expect_ops(b, "");
    put(b, "ch-t9", "1");
    put(b, "ch-a1", "2");
    put(b, "ch-t0", "3");
    kv_batch_delete(b, bytes_of_str("ch-a0"));
    put(b, "ch-", "4");
    expect_ops(b, "+ch-=4 -ch-a0 +ch-a1=2 +ch-t0=3 +ch-t9=1 ");
    EXPECT_EQ(kv_batch_bytes(b), 5 + 1 + 5 + 1 + 5 + 1 + 5 + 3 + 1);
    kv_batch_clear(b);
    EXPECT_EQ(kv_batch_bytes(b), 0);
    expect_ops(b, "");
    put(b, "b", "");
    put(b, "a", "x");
    expect_ops(b, "+a=x +b= ");
}

TEST(of_one_key_the_last_entry_stays_the_last)
{
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    put(b, "k", "1");
    put(b, "z", "");
    kv_batch_delete(b, bytes_of_str("k"));
    put(b, "a", "");
    put(b, "k", "2");
    expect_ops(b, "+a= +k=1 -k +k=2 +z= ");
}

TEST(a_key_that_begins_another_goes_first_also_when_zeros_follow)
{
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    kv_batch_put(b, bytes_of("a\0\0", 3), bytes_of_str("3"));
    kv_batch_put(b, bytes_of("a\0", 2), bytes_of_str("2"));
    kv_batch_put(b, bytes_of("", 0), bytes_of_str("0"));
    kv_batch_put(b, bytes_of("a", 1), bytes_of_str("1"));
    leveldb_writebatch_t *ops = kv_batch_in_order(b);
    WEFT_CLEANUP(buf_done) struct buf got = { 0 };
    leveldb_writebatch_iterate(ops, &got, note_put, note_delete);
    leveldb_writebatch_destroy(ops);
    EXPECT_BYTES(buf_bytes(&got), bytes_of("+=0 +a=1 +a\0=2 +a\0\0=3 ", 22));
}

/* Each must be behind the one before it. */
struct last {
    struct buf key;
    size_t count;
};

static void check_put(void *ctx, const char *key, size_t key_len, const char *value,
                      size_t value_len)
{
    struct last *l = ctx;
    (void)value, (void)value_len;
    EXPECT(bytes_cmp(buf_bytes(&l->key), bytes_of(key, key_len)) <= 0);
    buf_clear(&l->key);
    buf_put(&l->key, bytes_of(key, key_len));
    l->count++;
}

TEST(any_number_of_any_keys)
{
    struct weft_rand r = weft_rand_of(5);
    for (size_t count = 0; count < 300; count++) {
        WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
        struct last l = { 0 };
        for (size_t i = 0; i < count; i++) {
            uint8_t key[32];
            size_t len = 4 + weft_rand_below(&r, sizeof(key) - 3);
            for (size_t k = 0; k < len; k++)
                key[k] = k < 4 ? 'p' : (uint8_t)weft_rand_below(&r, count % 2 == 0 ? 2 : 256);
            kv_batch_put(b, bytes_of(key, len), bytes_of(key, 2));
        }
        leveldb_writebatch_t *ops = kv_batch_in_order(b);
        leveldb_writebatch_iterate(ops, &l, check_put, note_delete);
        leveldb_writebatch_destroy(ops);
        EXPECT_EQ(l.count, count);
        buf_done(&l.key);
    }
}
